"""Compiled loops of single operations beside their plain twins, forward and backward, at sizes where they are used."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.loops import variance
from tinygrad_lite.kernels.losses import ctc
from tinygrad_lite.ops.neural import cdist

SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 3.0, -3.0, 6.0, 1.0, -1.0, 88.0, -88.0, -104.0, 20.0, 1e-6, -1e-6]

ONE = {
    "leaky_relu": lambda x: tg.leaky_relu(x, 0.1),
    "elu": lambda x: tg.elu(x, 1.3),
    "selu": tg.selu,
    "celu": lambda x: tg.celu(x, 0.7),
    "hardtanh": lambda x: tg.hardtanh(x, -0.5, 0.5),
    "hardsigmoid": tg.hardsigmoid,
    "hardswish": tg.hardswish,
    "softplus": lambda x: tg.softplus(x, 2.0, 5.0),
    "logsigmoid": tg.logsigmoid,
    "nan_to_num": lambda x: tg.nan_to_num(x, 2.0),
    "relu": tg.relu,
    "sigmoid": tg.sigmoid,
    "gelu": tg.gelu,
    "gelu, tanh": lambda x: tg.gelu(x, "tanh"),
    "silu": tg.silu,
    "mish": tg.mish,
    "sqrt": tg.sqrt,
    "pow": lambda x: x**3,
}
TWO = {
    "huber_loss": lambda x, y: tg.huber_loss(x, y, "none", 0.7),
    "binary_cross_entropy_with_logits": lambda x, y: tg.binary_cross_entropy_with_logits(x, y, reduction="none"),
    "logaddexp": tg.logaddexp,
}
_random = np.random.default_rng(2)
PLACES = tg.tensor(_random.integers(0, 60, (60, 50)))
WARPED = tg.tensor(_random.uniform(-2, 2, (2, 30, 25, 2)).astype(np.float32))
IMAGES = tg.tensor(_random.standard_normal((2, 3, 20, 25)).astype(np.float32))
SHAPED = {
    "cummax": (lambda x: tg.cummax(x, 0).values, (60, 50)),
    "cummin": (lambda x: tg.cummin(x, 1).values, (60, 50)),
    "gather": (lambda x: tg.gather(x, 1, tg.argsort(x, 1) % 5), (20, 15, 10)),
    "index_select": (lambda x: tg.index_select(x, 1, tg.tensor([3, 1, 1, 19])), (40, 20, 3)),
    "index_select, last": (lambda x: tg.index_select(x, -1, tg.tensor([3, 1, 1, 19] * 10)), (80, 20)),
    "scatter": (lambda x: tg.scatter(x * 2, 0, PLACES, x), (60, 50)),
    "flip": (lambda x: tg.flip(x, (0, 2)), (5, 20, 30)),
    "outer": (lambda x: tg.outer(x[0], x[1]), (2, 60)),
    "grid_sample": (lambda x: tg.grid_sample(x, WARPED), (2, 3, 20, 25)),
    "grid_sample, border": (lambda x: tg.grid_sample(x, WARPED, padding_mode="border"), (2, 3, 20, 25)),
    "grid_sample, reflected": (lambda x: tg.grid_sample(x, WARPED, padding_mode="reflection"), (2, 3, 20, 25)),
    "grid_sample, aligned": (lambda x: tg.grid_sample(x, WARPED, "bilinear", "reflection", True), (2, 3, 20, 25)),
    "grid_sample, nearest": (lambda x: tg.grid_sample(x, WARPED, "nearest"), (2, 3, 20, 25)),
    "grid_sample, bicubic": (lambda x: tg.grid_sample(x, WARPED, "bicubic"), (2, 3, 20, 25)),
    "grid_sample, by place": (
        lambda x: tg.grid_sample(IMAGES * 0.01, x * 1.5, padding_mode="reflection"),
        (2, 30, 25, 2),
    ),
    "adaptive_max_pool2d": (lambda x: tg.adaptive_max_pool2d(x, (2, 3)), (2, 3, 20, 50)),
    "pdist": (lambda x: tg.nn.functional.pdist(x), (70, 5)),
    "pdist, p=1": (lambda x: tg.nn.functional.pdist(x, 1), (70, 5)),
    "pdist, p=inf": (lambda x: tg.nn.functional.pdist(x, float("inf")), (70, 5)),
    "pdist of long rows": (lambda x: tg.nn.functional.pdist(x), (70, 2100)),
    "cdist, p=1": (lambda x: tg.cdist(x, tg.linspace(-1, 1, 1500).reshape(3, 100, 5), 1), (3, 40, 5)),
    "cdist, p=2": (
        lambda x: tg.cdist(x, tg.linspace(-1, 1, 1500).reshape(3, 100, 5), compute_mode="donot_use_mm_for_euclid_dist"),
        (2, 1, 40, 5),
    ),
    "cdist, p=inf": (lambda x: tg.cdist(x, tg.linspace(-1, 1, 500).reshape(100, 5), float("inf")), (3, 40, 5)),
    "nll_loss": (lambda x: tg.nll_loss(x, PLACES[0] % 7, tg.linspace(0.5, 2, 7), ignore_index=3), (50, 7)),
    "tril": (lambda x: tg.tril(x, -2), (2, 40, 60)),
    "triu": (lambda x: tg.triu(x, 3), (60, 40)),
    "batch_norm": (lambda x: tg.nn.functional.batch_norm(x, None, None, training=True), (4, 3, 20, 20)),
    "batch_norm of vectors": (lambda x: tg.nn.functional.batch_norm(x, None, None, training=True), (60, 600)),
    "batch_norm of short rows": (
        lambda x: tg.nn.functional.batch_norm(x, None, None, tg.linspace(-1, 1, 70), tg.ones(70), training=True),
        (30, 70, 2, 3),
    ),
    "batch_norm, evaluated": (
        lambda x: tg.nn.functional.batch_norm(x, tg.zeros(3) + 0.5, tg.ones(3) * 2),
        (4, 3, 20, 20),
    ),
    "group_norm": (lambda x: tg.group_norm(x, 2, tg.ones(4) * 2, tg.ones(4)), (3, 4, 20, 20)),
}


def both_ways(function, arrays, backend):
    """The result, and the gradients of a weighted sum of it."""
    with kernels.use(backend):
        tensors = [tg.tensor(a, requires_grad=True) for a in arrays]
        out = function(*tensors)
        weights = np.random.default_rng(1).standard_normal(out.shape).astype(np.float32)
        out.backward(tg.tensor(weights))
        assert out.dtype == np.float32
        return [out.detach().numpy(), *(t.grad.numpy() for t in tensors)]


def agree(function, arrays, rtol=3e-6, atol=3e-6):
    with np.errstate(all="ignore"):
        pairs = zip(both_ways(function, arrays, "numba"), both_ways(function, arrays, "numpy"))
        for found, wanted in pairs:
            np.testing.assert_allclose(found, wanted, rtol, atol)


def numbers(seed, extra):
    rng = np.random.default_rng(seed)
    drawn = [rng.standard_normal(3000) * 3, rng.standard_normal(200) * 1e-3, rng.standard_normal(100) * 60, extra]
    return np.concatenate(drawn).astype(np.float32)


@pytest.mark.parametrize("name", ONE)
def test_of_one_array(name):
    agree(ONE[name], [numbers(0, SPECIAL)])


@pytest.mark.parametrize("name", TWO)
def test_of_two_arrays(name):
    finite = [v for v in SPECIAL if math.isfinite(v)]
    agree(TWO[name], [numbers(0, finite), numbers(1, finite)], atol=2e-5)


@pytest.mark.each("name", SHAPED)
def test_of_shapes(name):
    function, shape = SHAPED[name]
    agree(function, [np.random.default_rng(2).standard_normal(shape).astype(np.float32)], atol=2e-5)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_running_extremes_name_the_last_of_several(dtype, dim):
    x = np.random.default_rng(3).integers(-4, 5, (70, 60)).astype(dtype)
    if dtype is not np.int64:
        x[30, 20:25] = np.nan
    for function in (tg.cummax, tg.cummin):
        with kernels.use("numba"):
            found = function(tg.tensor(x), dim)
        with kernels.use("numpy"):
            wanted = function(tg.tensor(x), dim)
        np.testing.assert_array_equal(found.indices.numpy(), wanted.indices.numpy())
        np.testing.assert_array_equal(found.values.numpy(), wanted.values.numpy())


def test_exact_near_zero():
    """Where 1 + e would round e away."""
    small = np.linspace(1e-9, 1e-5, 3000, dtype=np.float32)
    with kernels.use("numba"):
        np.testing.assert_allclose(tg.elu(tg.tensor(-small)).numpy(), np.expm1(-small.astype(np.float64)), 3e-7)
        far = -np.linspace(20, 80, 3000, dtype=np.float32)
        wanted = np.exp(far.astype(np.float64))
        np.testing.assert_allclose(tg.softplus(tg.tensor(far)).numpy(), wanted, 2e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digamma_of_few_and_many(dtype):
    drawn = np.random.default_rng(4).standard_normal(3000) * 5
    x = np.concatenate([drawn, [0.0, -0.0, -2.0, 1e10, math.inf, math.nan]]).astype(dtype)
    rtol = 1e-6 if dtype is np.float32 else 1e-10
    with kernels.use("numpy"):
        wanted = tg.digamma(tg.tensor(x)).numpy()
    with kernels.use("numba"):
        np.testing.assert_allclose(tg.digamma(tg.tensor(x)).numpy(), wanted, rtol, rtol)
    few = np.concatenate([tg.digamma(tg.tensor(x[i : i + 20])).numpy() for i in range(0, x.size, 20)])
    np.testing.assert_allclose(few, wanted, rtol, rtol)


@pytest.mark.parametrize("name", ["batch_norm", "group_norm"])
def test_second_derivatives_of_the_loops(name):
    """By differences of the first, which the loops compute."""
    rng = np.random.default_rng(5)
    x, w, step = rng.standard_normal((2, 4, 17, 16)), rng.uniform(0.5, 2, 4), rng.standard_normal((2, 4, 17, 16))

    def first(at):
        x_at, w_at = tg.tensor(at, requires_grad=True), tg.tensor(w, requires_grad=True)
        if name == "batch_norm":
            out = tg.nn.functional.batch_norm(x_at, None, None, w_at, None, training=True)
        else:
            out = tg.group_norm(x_at, 2, w_at)
        slopes = tg.autograd.grad(out.tanh().sum(), [x_at, w_at], create_graph=True)
        return x_at, slopes[0].sin().sum() + slopes[1].sum()

    with kernels.use("numba"):
        x_at, value = first(x)
        value.backward()
        found = (x_at.grad.numpy() * step).sum()
        wanted = (first(x + 1e-5 * step)[1].item() - first(x - 1e-5 * step)[1].item()) / 2e-5
    assert abs(found) > 0.1
    np.testing.assert_allclose(found, wanted, 1e-6)


def test_unique_of_close_and_of_distant_integers():
    close, distant = np.array([7, -3, 7, 0]), np.array([2**63 - 1, -(2**63), 5, 5])
    for x in (close, distant, close.astype(np.int8), distant.astype(np.float32)):
        for asked in (False, True):
            found = tg.unique(tg.tensor(x), return_inverse=asked, return_counts=True)
            wanted = np.unique(x, return_inverse=asked, return_counts=True)
            assert found[0].dtype == x.dtype
            for f, w in zip(found, wanted):
                np.testing.assert_array_equal(f.numpy(), w)


def hard(seed, *extra):
    """Numbers of all sizes, both signs, and what is none."""
    rng = np.random.default_rng(seed)
    edges = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 2.0, -3.0, 0.5, -0.5, 1.5, 2.5, 4.5, 8.0, -8.0, 6.0]
    sizes = 10.0 ** rng.uniform(-44, 38, 4000) * rng.choice([-1, 1], 4000)
    drawn = [edges, rng.standard_normal(4000) * 4, rng.standard_normal(1000) * 60, rng.standard_normal(500) * 1e-4]
    return np.concatenate([*drawn, sizes, *extra]).astype(np.float32)


def between(low, high):
    """Numbers between two, close to both as well, with both and some beyond."""
    rng = np.random.default_rng(6)
    close = (high - low) * 10.0 ** rng.uniform(-8, 0, 1500)
    near = 10.0 ** rng.uniform(-44, -1, 1500)
    edges = [low, high, -0.0, math.nan, math.inf, -math.inf, low - 0.5, high + 0.5]
    return np.concatenate([rng.uniform(low, high, 4000), low + close, high - close, near, edges]).astype(np.float32)


WIDE = {  # the function, and what it is tried on
    "erfc": (tg.erfc, hard(7)),
    "erfcx": (tg.special.erfcx, hard(8)),
    "log_ndtr": (tg.special.log_ndtr, hard(9)),
    "erfinv": (tg.erfinv, between(-1.0, 1.0)),
    "ndtri": (tg.special.ndtri, between(0.0, 1.0)),
    "lgamma": (tg.lgamma, hard(10)),
    "digamma": (tg.digamma, hard(11)),
    "trigamma": (lambda x: tg.polygamma(1, x), hard(12)),
    "i0": (tg.special.i0, hard(13)),
    "i0e": (tg.special.i0e, hard(14)),
    "i1": (tg.special.i1, hard(15)),
    "i1e": (tg.special.i1e, hard(16)),
}


@pytest.mark.parametrize("name", WIDE)
def test_rounded_from_double_precision(name):
    """The loop for float32 is what NumPy's formula finds in float64, to a unit in the last place."""
    function, x = WIDE[name]
    with kernels.use("numpy"), np.errstate(all="ignore"):
        wanted = function(tg.tensor(x.astype(np.float64))).numpy()
        rounded = wanted.astype(np.float32)
    with kernels.use("numba"):
        found = function(tg.tensor(x)).numpy()
    assert found.dtype == np.float32
    sure = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~sure], rounded[~sure])
    unit = np.spacing(np.abs(rounded[sure])).astype(np.float64)
    limit = unit + (1e-9 if name in ("lgamma", "digamma") else 0.0)  # which have zeros
    off = np.abs(found[sure] - wanted[sure]) > limit
    assert not off.any(), (x[sure][off][:5], found[sure][off][:5], wanted[sure][off][:5])


@pytest.mark.parametrize("name", WIDE)
def test_slopes_rounded_from_double_precision(name):
    function = WIDE[name][0]
    x = np.random.default_rng(17).uniform(0.05, 0.95, 3000)
    with kernels.use("numpy"):
        wide = tg.tensor(x.astype(np.float32).astype(np.float64), requires_grad=True)
        function(wide).sum().backward()
    with kernels.use("numba"):
        single = tg.tensor(x.astype(np.float32), requires_grad=True)
        function(single).sum().backward()
    np.testing.assert_allclose(single.grad.numpy(), wide.grad.numpy(), 3e-6)


def test_bessel_functions_of_order_two():
    from tinygrad_lite.ops.special.bessel import _damped, _modified, bessel_series

    x = hard(18)
    with kernels.use("numba"):
        for function, scaled in ((_modified, False), (_damped, True)):
            wanted = bessel_series(x, 2, scaled)
            np.testing.assert_allclose(function(tg.tensor(x), 2).numpy(), wanted, 3e-7, 1e-45)


def every_pair(seed):
    edges = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 2.0, 0.5, 1e-45, -1e-45, 3e38, -3e38, 0.1, 16777215.0]
    x, y = (v.reshape(-1).astype(np.float32) for v in np.meshgrid(edges, edges))
    rng = np.random.default_rng(seed)
    a, b = hard(seed), rng.permutation(hard(seed + 1))
    whole = rng.integers(-1000, 1000, 3000).astype(np.float32) * b[:3000]  # next to a multiple, and on it
    below = np.nextafter(whole, np.float32(0))
    far = b[:3000] * np.float32(3e10)
    return np.concatenate([x, a, whole, below, far]), np.concatenate([y, b, b[:3000], b[:3000], b[:3000]])


@pytest.mark.parametrize("name", ["fmod", "remainder"])
def test_remainders_are_numpys_to_the_bit(name):
    with np.errstate(all="ignore"):
        x, y = every_pair(19)
        function, ufunc = getattr(tg, name), getattr(np, name)
        with kernels.use("numba"):
            pairs = [(function(tg.tensor(x), tg.tensor(y)).numpy(), ufunc(x, y))]
            numbers = (1.0, 3, -0.7, 1e-30, 0.0)
            pairs += [(function(tg.tensor(x), n).numpy(), ufunc(x, np.float32(n))) for n in numbers]
    for found, wanted in pairs:
        np.testing.assert_array_equal(found, wanted)
        kept = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found[kept]), np.signbit(wanted[kept]))


def test_quotients_are_numpys():
    """To the bit; large ones are right where NumPy's are one off, or the nearest number of this size."""
    with np.errstate(all="ignore"):
        x, y = every_pair(19)
        with kernels.use("numba"):
            pairs = [(tg.floor_divide(tg.tensor(x), tg.tensor(y)).numpy(), np.floor_divide(x, y))]
            numbers = (1.0, 3, -0.7, 1e-30, 0.0, math.inf)
            pairs += [(tg.floor_divide(tg.tensor(x), n).numpy(), np.floor_divide(x, np.float32(n))) for n in numbers]
    for found, wanted in pairs:
        whole = ~(np.abs(wanted) >= 2**22) | np.isinf(wanted)
        np.testing.assert_array_equal(found[whole], wanted[whole])
        np.testing.assert_allclose(found[~whole], wanted[~whole], rtol=2.5e-7)
        kept = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found[kept]), np.signbit(wanted[kept]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_running_products_are_in_double_precision(dtype, dim):
    x = np.random.default_rng(24).uniform(0.9, 1.1, (5, 3, 700)).astype(dtype)
    x[1, 1, 2:4], x[2, 0, 5], x[0, 2, 1] = np.inf, 0, np.nan
    with np.errstate(all="ignore"):
        wanted = np.cumprod(x, dim, np.float64).astype(dtype)
        for backend in ("numba", "numpy"):
            with kernels.use(backend):
                np.testing.assert_array_equal(tg.cumprod(tg.tensor(x), dim).numpy(), wanted)
    assert tg.cumprod(tg.zeros(3, 0), 1).shape == (3, 0)
    assert tg.cumprod(tg.tensor(2.0), 0).item() == 2


def test_slopes_of_two_arrays():
    with np.errstate(all="ignore"):
        x, y = every_pair(21)
        usual = np.isfinite(x) & np.isfinite(y) & (np.abs(x) > 1e-18) & (np.abs(y) > 1e-18)  # a twin in float32
        agree(tg.remainder, [x, y], rtol=3e-7, atol=0)
        agree(tg.fmod, [x, y], rtol=3e-7, atol=0)
        agree(tg.hypot, [x[usual], y[usual]], rtol=5e-7, atol=0)
        with kernels.use("numba"):
            found = tg.hypot(tg.tensor(x), tg.tensor(y)).numpy()
        np.testing.assert_array_equal(found, np.hypot(x.astype(np.float64), y.astype(np.float64)).astype(np.float32))


@pytest.mark.parametrize("name", ["fmod", "remainder", "hypot", "erfinv", "erfc", "log_ndtr", "digamma", "i0", "i1e"])
def test_second_derivatives_beside_the_loops(name):
    """Large float32 arrays, whose loops run forward and first, against float64."""
    rng = np.random.default_rng(22)
    both = [rng.uniform(0.1, 0.9, 2500).astype(np.float32), rng.uniform(0.31, 0.39, 2500).astype(np.float32)]
    both = both if name in ("fmod", "remainder", "hypot") else both[:1]
    function = getattr(tg, name, None) or getattr(tg.special, name)
    found = []
    with kernels.use("numba"):
        for dtype in (np.float32, np.float64):
            inputs = [tg.tensor(v.astype(dtype), requires_grad=True) for v in both]
            out = function(*inputs)
            slopes = tg.autograd.grad((out * out).sum(), inputs, create_graph=True)
            sum((s * s).sum() for s in slopes).backward()
            found.append([v.grad.numpy() for v in inputs])
    for single, wide in zip(*found):
        np.testing.assert_allclose(single, wide, 2e-4, 2e-4)


def rows_for_products():
    x = (1 + np.random.default_rng(23).standard_normal((80, 43)) * 0.3).astype(np.float32)
    x[3, 5], x[4, [2, 9]], x[5], x[6, 1] = 0, 0, 0, -0.0
    x[7, 3], x[8, 3], x[9, [3, 4]], x[10, 3], x[11, 0] = math.nan, math.inf, math.inf, math.inf, -math.inf
    x[10, 4] = 0
    x[12, ::2], x[12, 1::2] = 1e30, 1e-30  # no element's neighbours leave the range
    x[13] *= 1e-3
    x[14] *= 1e3
    return x


@pytest.mark.parametrize("shape", [(80, 43), (5, 16, 43)])
def test_products_of_rows(shape):
    x = rows_for_products().reshape(shape)
    agree(lambda v: tg.prod(v, -1), [x], 2e-5, 0)
    agree(lambda v: tg.prod(v, -1, True), [x], 2e-5, 0)
    agree(lambda v: tg.prod(v, 0), [x], 2e-5, 0)


def test_product_of_all():
    tame = (1 + 1e-3 * np.random.default_rng(24).standard_normal((70, 43))).astype(np.float32)
    holed, infinite = tame.copy(), tame.copy()
    holed[3, 5], infinite[20, 20] = 0, math.inf
    vanishing = tame * np.float32(0.5)
    for x in (tame, holed, infinite, vanishing, tame * np.float32(3), holed * np.float32(0.5)):
        agree(tg.prod, [x], 2e-5, 0)


def test_cross_entropy_of_half_precision_needs_no_loop():
    x = tg.tensor(np.linspace(-2, 2, 12).reshape(4, 3).astype(np.float16), requires_grad=True)
    loss = tg.cross_entropy(x, tg.tensor([0, 1, 2, 0]))
    loss.backward()
    assert loss.dtype == x.grad.dtype == tg.float16
    exact = tg.cross_entropy(x.detach().double(), tg.tensor([0, 1, 2, 0]))
    assert abs(loss.item() - exact.item()) < 2e-3


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3_000,), (3_000_000,), (7, 1000), (5, 600_000)])
def test_long_sums(shape, dtype, backend):
    """Both sides of the sizes that one thread adds up alone."""
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    with kernels.use(backend):
        total, rows = tg.tensor(x).sum(), tg.tensor(x).sum(-1)
    assert total.dtype == rows.dtype == dtype
    bound = 4 * np.finfo(dtype).eps * np.abs(x).sum(dtype=np.float64)
    assert abs(total.item() - x.sum(dtype=np.float64)) <= bound
    np.testing.assert_allclose(rows.numpy(), x.sum(-1, dtype=np.float64), atol=bound)


@pytest.mark.parametrize("value", [2.5, -0.0, math.inf, math.nan])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_of_one_number_has_memory_of_its_own(dtype, value):
    x = tg.tensor(np.ones((50, 100), dtype), requires_grad=True)
    x.sum().backward(tg.tensor(np.array(value, dtype)))
    found = x.grad.numpy()
    assert (found.dtype, found.shape, found.flags.owndata and found.flags.writeable) == (dtype, x.shape, True)
    np.testing.assert_array_equal(found, np.full_like(found, value))
    np.testing.assert_array_equal(np.signbit(found), np.signbit(np.full_like(found, value)))


@pytest.mark.parametrize("shape", [(2048,), (3000,), (9, 700), (40,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slopes_of_variances_are_exact_far_from_zero(shape, dtype):
    """Distances from a mean that float32 does not hold, by the loop, its twin, and a few numbers without either."""
    x = (np.random.default_rng(3).standard_normal(shape) * 0.01 + 1000.1).astype(dtype)
    exact = x.astype(np.longdouble) - x.astype(np.longdouble).mean(-1, keepdims=True)
    wanted = 2 * exact / (shape[-1] - 1)
    for backend in ("numba", "numpy"):
        with kernels.use(backend):
            t = tg.tensor(x, requires_grad=True)
            t.var(-1).sum().backward()
        near = 64 * np.finfo(dtype).eps * float(abs(wanted).max())  # of the mean itself: 60,000 times as much
        np.testing.assert_allclose(t.grad.numpy(), wanted.astype(dtype), rtol=4 * np.finfo(dtype).eps, atol=near)


def test_distances_from_an_infinite_mean():
    """The others keep their distance; its own is none."""
    x = np.ones((3, 1000), np.float32)
    x[1, 5] = math.inf
    for run in (variance.row_distances.compiled, variance.row_distances.plain):
        out = np.empty_like(x)
        with np.errstate(invalid="ignore"):
            run(x, out)
        assert np.all(out[::2] == 0)
        assert np.isnan(out[1, 5])
        assert np.all(np.delete(out[1], 5) == -math.inf)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0, 1, 2, math.inf])
def test_distances_where_numbers_are_missing_infinite_or_equal(p, dtype):
    """The loops say what the formulas say, and so do their gradients."""
    x = np.random.default_rng(0).integers(-2, 3, (70, 3)).astype(dtype)
    x[3, 1], x[5, 0], x[6, 0] = math.nan, math.inf, -math.inf
    found = []
    for backend in ("numba", "numpy"):
        with kernels.use(backend), np.errstate(invalid="ignore"):
            t = tg.tensor(x, requires_grad=True)
            mode = "donot_use_mm_for_euclid_dist"
            pairs, table = tg.nn.functional.pdist(t, p), tg.cdist(t, t[1:], p, compute_mode=mode)
            if p:
                pairs.sum().backward()
            found.append([pairs.detach().numpy(), table.detach().numpy(), *([t.grad.numpy()] if p else [])])
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("lead", [(), (1,), (2,), (1, 2)])
def test_distances_need_one_loop_whatever_is_broadcast(lead):
    """Of arrays that may be written to and of others there would be two each."""
    a = np.arange(12.0).reshape(2, 3, 2) if lead[-1:] == (2,) else np.arange(6.0).reshape(3, 2)
    stacked = cdist._stacked(a, lead)
    assert stacked.flags.writeable
    assert stacked.flags.c_contiguous
    np.testing.assert_array_equal(stacked.reshape(*lead, 3, 2), np.broadcast_to(a, (*lead, 3, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ctc_of_texts_that_do_not_fit_and_numbers_that_are_none(dtype):
    """The recursion in a loop finds what the formulas find, over all steps of all samples at once."""
    rng = np.random.default_rng(0)
    steps, n, classes, longest = 12, 9, 4, 5
    logits = 3 * rng.standard_normal((steps, n, classes))
    log_probs = (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(dtype)
    log_probs[:, 5] -= 1000  # probabilities that only logarithms can hold
    log_probs[4, 6] = math.nan
    log_probs[:, 7, 1] = -math.inf
    targets = rng.integers(1, classes, (n, longest))
    targets[7] = 1
    times, sizes = np.array([12, 12, 3, 0, 0, 12, 12, 12, 7]), np.array([5, 0, 5, 2, 0, 3, 2, 2, 3])
    found = []
    for run in (ctc.forward_backward.compiled, np.errstate(invalid="ignore")(ctc.forward_backward.plain)):
        loss, posterior = np.empty(n, dtype), np.zeros_like(log_probs)
        for first, end in ((0, 4), (4, n)):
            run(log_probs, targets, times, sizes, 0, loss, posterior, first, end)
        found.append((loss, posterior))
    (loss, posterior), (plain, other) = found
    assert np.isinf(loss).tolist() == [i in (2, 3, 7) for i in range(n)]
    assert loss[4] == 0
    assert np.isnan(loss[6])
    rtol = 2e-7 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(loss, plain, rtol=rtol)
    np.testing.assert_allclose(posterior, other, rtol=20 * rtol, atol=20 * rtol)
    for i in (0, 1, 5, 8):  # each step is in one of the states
        np.testing.assert_allclose(posterior[: times[i], i].sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_infinite_gradients_of_ignored_rows_are_nothing(reduction):
    x = np.random.default_rng(4).standard_normal((300, 10)).astype(np.float32)
    target = np.arange(300) % 10
    target[7] = -100
    for backend in ("numba", "numpy"):
        with kernels.use(backend):
            t = tg.tensor(x, requires_grad=True)
            loss = tg.cross_entropy(t, tg.tensor(target), reduction=reduction)
            g = np.full(loss.shape, 2.0, np.float32)
            if reduction == "none":
                g[7] = math.inf
            loss.backward(tg.tensor(g))
        share = 299 if reduction == "mean" else 1
        soft = np.exp(x) / np.exp(x).sum(1, keepdims=True) - np.eye(10)[np.maximum(target, 0)]
        np.testing.assert_array_equal(t.grad.numpy()[7], 0)
        np.testing.assert_allclose(np.delete(t.grad.numpy(), 7, 0), np.delete(2 * soft / share, 7, 0), 1e-4, 1e-6)
