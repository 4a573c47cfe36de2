"""Sums over many rows: as accurate as PyTorch's or better, over every dimension, in every order of memory, forward and
in rules. The bound, for sums of n numbers of one sign: 4 units in the last place times sqrt(log2 n).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import kernels
from tinygrad_lite.kernels.linalg.matrix_product import matrix_product
from tinygrad_lite.rules import TABLE

N = 1 << 20
ZERO = tg.zeros(N, dtype=tg.int64)
MEANS = (0.1, 1000.0, 1e6)
BOUND = 4 * math.sqrt(math.log2(N))

REDUCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {  # over dimension 0, and in float64
    "sum": (lambda x: x.sum(0), lambda y: y.sum(0)),
    "sum of all": (lambda x: x.sum(), lambda y: y.sum()),
    "sum of rows": (lambda x: x.T.sum(-1, keepdim=True), lambda y: y.T.sum(-1, keepdims=True)),
    "np.sum": (lambda x: np.sum(x, axis=0), lambda y: y.sum(0)),
    "mean": (lambda x: x.mean(0), lambda y: y.mean(0)),
    "nanmean": (lambda x: tg.nanmean(x, 0), lambda y: y.mean(0)),
    "std": (lambda x: x.std(0), lambda y: y.std(0, ddof=1)),
    "var of rows": (lambda x: x.T.var(1), lambda y: y.var(0, ddof=1)),
    "std_mean": (lambda x: tg.std_mean(x)[0], lambda y: y.std(ddof=1)),
    "norm": (lambda x: x.norm(dim=0), lambda y: np.sqrt((y * y).sum(0))),
    "norm 1": (lambda x: x.norm(1, dim=0), lambda y: y.sum(0)),
    "cumsum": (lambda x: x.cumsum(0)[-1], lambda y: y.sum(0)),
    "cumsum of rows": (lambda x: x.T.cumsum(1)[:, -1], lambda y: y.sum(0)),
    "trapezoid": (lambda x: tg.trapezoid(x, dim=0), lambda y: (y[1:] + y[:-1]).sum(0) / 2),
    "softmax": (lambda x: (x * 0).softmax(0)[0], lambda y: np.full(2, 1 / len(y))),
    "cumprod": (lambda x: (x * 0 + 1.00001).cumprod(0)[-1], lambda y: np.full(2, float(np.float32(1.00001)) ** len(y))),
    "logcumsumexp": (lambda x: (x * 0).logcumsumexp(0)[-1], lambda y: np.full(2, math.log(len(y)))),
}


def _grad(f: Callable[..., Any], g: Any, *shape: int, along: int = -1) -> Any:
    """The first row of the gradient of an argument of ones, with `g` from above."""
    argument = tg.ones(*shape, requires_grad=True)
    f(argument).backward(g)
    return argument.grad.T[0] if along == 0 else argument.grad.reshape(-1, shape[-1])[0]


ONES = tg.ones(N, 2)
GRADIENTS: dict[str, Callable[[Any], Any]] = {  # each sums its argument, (N, 2), over dimension 0
    "broadcast row": lambda g: _grad(lambda b: ONES * 0 + b, g, 2),
    "broadcast matrix": lambda g: _grad(lambda b: ONES * 0 + b, g, 1, 2),
    "expand": lambda g: _grad(lambda b: b.expand(N, 2), g, 1, 2),
    "repeat": lambda g: _grad(lambda b: b.repeat(N, 1), g, 1, 2),
    "linear bias": lambda g: _grad(lambda b: F.linear(ONES, tg.eye(2), b), g, 2),
    "conv bias": lambda g: _grad(lambda b: F.conv1d(ONES.T[None], tg.ones(2, 2, 1), b)[0].T, g, 2),
    "embedding": lambda g: _grad(lambda w: F.embedding(ZERO, w), g, 3, 2),
    "index": lambda g: _grad(lambda w: w[ZERO], g, 3, 2),
    "index of columns": lambda g: _grad(lambda w: w[:, ZERO].T, g, 2, 3, along=0),
    "index_select": lambda g: _grad(lambda w: w.index_select(0, ZERO), g, 3, 2),
    "gather": lambda g: _grad(lambda w: w.gather(0, tg.stack([ZERO, ZERO], 1)), g, 3, 2),
    "index_add": lambda g: tg.zeros(3, 2).index_add(0, ZERO, g)[0],
    "index_add to many": lambda g: tg.zeros(2 * N, 2).index_add(0, ZERO, g)[0],
    "scatter_add": lambda g: tg.zeros(3, 2).scatter_add(0, tg.stack([ZERO, ZERO], 1), g)[0],
    "embedding_bag": lambda g: F.embedding_bag(tg.arange(N)[None], g, mode="sum")[0],
    "einsum": lambda g: tg.einsum("ij->j", g),
    "einsum of two": lambda g: tg.einsum("ij,ij->j", g, ONES),
    "einsum of a vector": lambda g: tg.einsum("ij,i->j", g, ONES[:, 0]),
    "matrix by vector": lambda g: g.T @ ONES[:, 0],
    "layer_norm bias": lambda g: _grad(lambda b: F.layer_norm(ONES, (2,), tg.ones(2), b), g, 2),
    "prelu": lambda g: -_grad(lambda w: F.prelu(-ONES, w), g, 2),
}


def _laid_out(values: Any, layout: str) -> Any:
    """Tensors of the same values in different orders of memory."""
    if layout == "sliced":
        return tg.from_numpy(np.repeat(values, 2, 1))[:, ::2]
    return tg.from_numpy(np.ascontiguousarray(values.T)).T if layout == "transposed" else tg.from_numpy(values)


def _units(found: Any, exact: Any) -> float:
    """The distance in units in the last place."""
    found, exact = found.numpy() if isinstance(found, tg.Tensor) else found, np.asarray(exact)
    assert found.shape == exact.shape
    return float(np.max(np.abs(found - exact) / np.spacing(np.abs(exact).astype(found.dtype)).astype(np.float64)))


@pytest.fixture(scope="module", params=MEANS)
def numbers(request: pytest.FixtureRequest) -> Any:
    return np.random.default_rng(0).normal(request.param, request.param / 50, (N, 2)).astype(np.float32)


@pytest.fixture(params=["numba", "numpy"])
def backend(request: pytest.FixtureRequest) -> Any:
    with kernels.use(request.param):
        yield request.param


@pytest.mark.parametrize("layout", ["straight", "transposed", "sliced"])
def test_reductions(numbers: Any, layout: str, backend: str) -> None:
    if layout != "straight":
        numbers = numbers[: N // 4]  # the loops are the same ones
    x, exact = _laid_out(numbers, layout), numbers.astype(np.float64)
    found = {name: _units(ours(x), theirs(exact)) for name, (ours, theirs) in REDUCTIONS.items()}
    assert {name: units for name, units in found.items() if not units <= BOUND} == {}


def test_gradients(numbers: Any, backend: str) -> None:
    exact = numbers.astype(np.float64).sum(0)
    found = {name: _units(of(tg.from_numpy(numbers)), exact) for name, of in GRADIENTS.items()}
    assert {name: units for name, units in found.items() if not units <= BOUND} == {}


def test_one_number_many_times(backend: str) -> None:
    """Its rounding errors all have the same sign."""
    x = tg.full((1 << 20, 2), 0.1)
    exact = float(np.float32(0.1)) * (1 << 20)
    for found in (x.sum(0), x.T.sum(1), x.cumsum(0)[-1], x[:1].expand(1 << 20, 2).sum(0)):
        assert _units(found, np.full(2, exact)) <= 4 * math.sqrt(20)


def test_over_all_choices_of_dimensions() -> None:
    x = np.random.default_rng(0).random((5, 40, 3, 35), np.float32) + 1000
    for order in ((0, 1, 2, 3), (3, 1, 0, 2), (2, 3, 1, 0)):
        t, y = tg.from_numpy(x.transpose(order)), x.transpose(order).astype(np.float64)
        for axes in ((0,), (1, 3), (0, 2), (0, 1, 2), (1, 2, 3), (-1, 0), (2, 1), None):
            for keep in (False, True):
                assert _units(t.sum(axes, keep), y.sum(axes, keepdims=keep)) <= 4 * math.sqrt(14)
                assert _units(t.var(axes, keepdim=keep), y.var(axes, ddof=1, keepdims=keep)) <= 4 * math.sqrt(14)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("copies", [1, 2000])
def test_deviations_of_all_magnitudes(scale: float, copies: int, backend: str) -> None:
    values = (np.tile([1.0, 2.0, 4.0], copies) * scale).astype(np.float32)
    exact = values.astype(np.float64)
    slope = (exact - exact.mean()) / exact.std(ddof=1) / (len(values) - 1)
    for shape, dim in (((-1,), 0), ((-1, 1), 0), ((1, -1), 1)):
        x = tg.tensor(values).reshape(shape).requires_grad_()
        s = x.std(dim)
        s.sum().backward()
        assert s.item() == pytest.approx(exact.std(ddof=1), rel=1e-6)
        np.testing.assert_allclose(x.grad.numpy().reshape(-1), slope, rtol=1e-5)
        assert x.var(dim).item() == pytest.approx({1e-30: 0, 1: exact.var(ddof=1), 1e30: math.inf}[scale], rel=1e-6)


def test_small_deviations_of_large_numbers(backend: str) -> None:
    for n in (7, 4000):
        values = (1e6 + np.arange(n) % 3 / 8).astype(np.float32)
        exact = values.astype(np.float64)
        x = tg.tensor(values, requires_grad=True)
        v = x.var()
        v.backward()
        assert v.item() == pytest.approx(exact.var(ddof=1), rel=1e-6)
        np.testing.assert_allclose(x.grad.numpy(), 2 * (exact - exact.mean()) / (n - 1), rtol=1e-5, atol=1e-8 / n)


def test_a_bool_is_unbiased() -> None:
    x = tg.tensor([[1.0, 2.0, 4.0], [2.0, 5.0, 9.0]])
    exact = x.numpy().astype(np.float64)
    for found in (tg.std(x, False), x.std(False), tg.std_mean(x, False)[0], tg.std(x, unbiased=False)):
        assert found.item() == pytest.approx(exact.std())
    for found in (x.var(0, False), tg.var_mean(x, 0, False)[0]):
        np.testing.assert_allclose(found.numpy(), exact.var(0))
    assert x.std(1, True, True).shape == (2, 1)


def test_statistics_of_one_variable_and_of_numbers() -> None:
    for x in ([1.0, 2.0, 4.0], [[1.0, 2.0, 4.0]]):
        assert tg.cov(tg.tensor(x)).shape == tg.corrcoef(tg.tensor(x)).shape == ()
        assert tg.cov(tg.tensor(x)).item() == pytest.approx(7 / 3)
    number = tg.tensor(-3.0)
    assert number.norm(2, (0,)).item() == number.norm(1, 0).item() == 3.0
    assert number.mean((0,)).item() == number.sum((-1,)).item() == tg.logsumexp(number, (0,)).item() == -3.0


LONG = 1 << 18
WINDOWS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {  # of rows, (1, 2, N)
    "avg_pool1d": (lambda x: F.avg_pool1d(x, LONG // 2), lambda y: y.reshape(1, 2, 2, -1).mean(-1)),
    "avg_pool2d": (
        lambda x: F.avg_pool2d(x.reshape(1, 2, 2, -1), (1, LONG // 2)),
        lambda y: y.reshape(1, 2, 2, -1).mean(-1, keepdims=True),
    ),
    "adaptive_avg_pool1d": (lambda x: F.adaptive_avg_pool1d(x, 4), lambda y: y.reshape(1, 2, 4, -1).mean(-1)),
    "area": (lambda x: F.interpolate(x, size=2, mode="area"), lambda y: y.reshape(1, 2, 2, -1).mean(-1)),
    "lp_pool1d": (lambda x: F.lp_pool1d(x, 2, LONG // 2), lambda y: np.sqrt((y.reshape(1, 2, 2, -1) ** 2).sum(-1))),
}  # fmt: skip


def test_windows_of_very_many_numbers(numbers: Any, backend: str) -> None:
    x = np.ascontiguousarray(numbers[:LONG].T)[None]
    found = {
        name: _units(ours(tg.from_numpy(x)), theirs(x.astype(np.float64))) for name, (ours, theirs) in WINDOWS.items()
    }
    assert {name: units for name, units in found.items() if not units <= BOUND} == {}


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_what_is_enlarged_very_much_has_an_accurate_gradient(mode: str, backend: str) -> None:
    slopes = {}
    for dtype in (tg.float32, tg.float64):
        x = tg.ones(1, 2, 3, dtype=dtype, requires_grad=True)
        F.interpolate(x, LONG, mode=mode).backward(tg.full((1, 2, LONG), 0.1).to(dtype))
        slopes[dtype] = x.grad.numpy()
    assert _units(slopes[tg.float32], slopes[tg.float64]) <= BOUND


# --- float16 ----------------------------------------------------------------------------------------------------

LARGE, MANY = tg.full((4,), 300.0, dtype=tg.float16), tg.ones(6000, dtype=tg.float16)
NEAR = tg.tensor(np.random.default_rng(0).normal(3000, 2, (2, 64)).astype(np.float16))
IMAGES = NEAR.reshape(2, 4, 4, 4)
HALVES: dict[str, Callable[[Callable[[Any], Any]], Any]] = {  # of what makes a tensor float16 or float32
    "mean": lambda of: (of(LARGE) * 100).mean(), "nanmean": lambda of: tg.nanmean(of(LARGE) * 100),
    "std": lambda of: of(NEAR).std(), "var": lambda of: of(NEAR).var(1), "norm": lambda of: of(LARGE).norm(),
    "norm 3": lambda of: of(LARGE).norm(3), "dist": lambda of: tg.dist(of(LARGE), of(LARGE) * 0),
    "sum of many": lambda of: of(MANY).sum(), "cumsum": lambda of: of(MANY).cumsum(0)[-1],
    "trapezoid": lambda of: tg.trapezoid(of(MANY)), "logsumexp": lambda of: (of(MANY) * 0).logsumexp(0),
    "softmax": lambda of: (of(MANY) * 0).softmax(0)[:3], "logcumsumexp": lambda of: (of(MANY) * 0).logcumsumexp(0)[-1],
    "einsum": lambda of: tg.einsum("i,i->", of(MANY), of(MANY)), "dot": lambda of: tg.dot(of(MANY), of(MANY)),
    "matmul": lambda of: of(MANY)[None] @ of(MANY)[:, None], "linear": lambda of: F.linear(of(MANY), of(MANY)[None]),
    "bmm": lambda of: tg.bmm(of(IMAGES)[0] / 64, of(IMAGES)[1] / 64),
    "conv": lambda of: F.conv1d(of(MANY)[None, None], of(MANY)[None, None]),
    "attention": lambda of: F.scaled_dot_product_attention(*[of(IMAGES)[0] / 128] * 3),
    "normalize": lambda of: F.normalize(of(LARGE), dim=0), "layer_norm": lambda of: F.layer_norm(of(NEAR), (64,)),
    "rms_norm": lambda of: F.rms_norm(of(NEAR), (64,), eps=1e-6), "group_norm": lambda of: F.group_norm(of(IMAGES), 2),
    "batch_norm": lambda of: F.batch_norm(of(IMAGES), None, None, training=True),
    "instance_norm": lambda of: F.instance_norm(of(IMAGES)),
    "local_response_norm": lambda of: F.local_response_norm(of(IMAGES), 3),
    "cosine_similarity": lambda of: F.cosine_similarity(of(LARGE), of(LARGE), 0),
    "l1_loss": lambda of: F.l1_loss(of(LARGE) * 100, of(LARGE) * 0),
    "huber_loss": lambda of: F.huber_loss(of(LARGE) * 100, of(LARGE) * 0),
    "mse_loss": lambda of: F.mse_loss(of(LARGE) / 2, of(LARGE) * 0),
    "bce": lambda of: F.binary_cross_entropy_with_logits(of(LARGE) * 100, of(LARGE) * 0),
    "cross_entropy": lambda of: F.cross_entropy(of(NEAR), tg.tensor([1, 2]), of(NEAR)[0] / 3000),
    "avg_pool": lambda of: F.avg_pool1d(of(LARGE)[None] * 100, 4),
    "avg_pool by a number": lambda of: F.avg_pool2d(of(LARGE).reshape(1, 2, 2) * 100, 2, divisor_override=4),
    "cross_entropy of smooth labels": lambda of: F.cross_entropy(
        of(MANY).reshape(-1, 2).repeat(24, 1), tg.zeros(72000, dtype=tg.int64), label_smoothing=0.1
    ),
    "cross_entropy of probabilities": lambda of: F.cross_entropy(*[of(MANY).reshape(-1, 2) * 0.3] * 2),
    "lp_pool": lambda of: F.lp_pool1d(of(LARGE)[None] * 4, 2, 4),
    "renorm": lambda of: tg.renorm(of(LARGE)[None], 2, 0, 1.0),
    "normalize what is long": lambda of: F.normalize(of(LARGE) * 200, dim=0), "cov": lambda of: tg.cov(of(NEAR)),
    "corrcoef": lambda of: tg.corrcoef(of(NEAR)), "masked var": lambda of: tg.masked.var(of(NEAR), 1),
    "masked mean": lambda of: tg.masked.mean(of(LARGE) * 100, 0), "addmm": lambda of: tg.addmm(
        of(LARGE)[None], of(LARGE)[None], of(LARGE)[:, None].expand(4, 4), alpha=1e-3),
    "embedding_bag": lambda of: F.embedding_bag(tg.arange(4)[None], of(LARGE)[:, None] * 100, mode="mean"),
    "scatter_reduce": lambda of: (of(LARGE)[:1] * 100).scatter_reduce(0, ZERO[:4], of(LARGE) * 100, "mean"),
    "index_reduce": lambda of: (of(LARGE)[:1] * 100).index_reduce(0, ZERO[:4], of(LARGE) * 100, "mean"),
    "segment_reduce": lambda of: tg.segment_reduce(of(LARGE) * 100, "mean", lengths=tg.tensor([4])),
    "gaussian_nll_loss": lambda of: F.gaussian_nll_loss(of(LARGE), of(LARGE) * 0, of(LARGE)),
    "poisson_nll_loss": lambda of: F.poisson_nll_loss(of(LARGE), of(LARGE), False, True),
    "cosine_embedding_loss": lambda of: F.cosine_embedding_loss(of(LARGE)[None] * 90, of(LARGE)[None], tg.tensor([1])),
    "mse_loss of few large numbers": lambda of: F.mse_loss(of(MANY) * 300 * (tg.arange(6000) == 0), of(MANY) * 0),
    "kl_div": lambda of: F.kl_div(of(MANY) * 0, of(MANY) * 300 * (tg.arange(6000) < 9), reduction="sum"),
    "sums of windows": lambda of: F.avg_pool2d(of(LARGE).reshape(1, 2, 2) * 100, 2, divisor_override=2)
    - of(LARGE)[0] * 190,
}  # fmt: skip


@pytest.mark.each("name", HALVES)
def test_float16_is_computed_in_float32(name: str) -> None:
    """So that it is right up to the rounding of its steps; in itself it would be infinite, stuck or NaN."""
    half, single = HALVES[name](lambda x: x), HALVES[name](lambda x: x.float())
    assert half.dtype == tg.float16
    np.testing.assert_allclose(half.float().numpy(), single.numpy(), rtol=3e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("of", "shift"),
    [(lambda t: F.layer_norm(t, (64,)), 0), (lambda t: t @ t.T, 3000), (lambda t: t.log_softmax(1), 3000),
     (lambda t: t.var(1), 3000), (lambda t: t.norm(dim=1), 0), (lambda t: t.cumsum(1), 3000)],
)  # fmt: skip
def test_gradients_of_float16(of: Callable[[Any], Any], shift: float) -> None:
    half = (NEAR - shift).requires_grad_()
    single = half.detach().float().requires_grad_()
    for t in (half, single):
        out = of(t)
        out.backward(tg.linspace(-1, 1, math.prod(out.shape)).reshape(out.shape).to(out.dtype))
    assert half.grad.dtype == tg.float16
    top = single.grad.abs().max().item()
    np.testing.assert_allclose(half.grad.float().numpy() / top, single.grad.numpy() / top, atol=4e-3)


def test_many_additions_in_float16_and_second_derivatives() -> None:
    weight = tg.zeros(3, 2, dtype=tg.float16, requires_grad=True)
    F.embedding(ZERO[:5000], weight).sum().backward()
    np.testing.assert_array_equal(weight.grad[0].numpy(), [5000, 5000])
    x = LARGE.clone().requires_grad_()
    (slope,) = tg.autograd.grad(x.norm(), x, create_graph=True)
    slope.sum().backward()
    assert slope.dtype == tg.float16
    assert np.isfinite(x.grad.numpy()).all()


def test_a_dtype_that_is_asked_for_is_kept() -> None:
    assert (MANY * 100).sum(dtype=tg.float32).item() == 600_000
    assert (MANY * 100).cumsum(0, dtype=tg.float64)[-1].item() == 600_000


def test_running_statistics_of_float16_are_written() -> None:
    mean, var = tg.zeros(4, dtype=tg.float16), tg.ones(4, dtype=tg.float16)
    F.batch_norm(IMAGES, mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean.numpy(), IMAGES.float().mean((0, 2, 3)).numpy(), rtol=1e-3)
    np.testing.assert_allclose(var.numpy(), IMAGES.float().var((0, 2, 3)).numpy(), rtol=1e-3)
    weight = tg.ones(4, dtype=tg.float16)
    found = F.batch_norm(IMAGES, mean, var, weight, weight)
    exact = F.batch_norm(IMAGES.float(), mean.float(), var.float(), weight.float(), weight.float())
    assert found.dtype == tg.float16
    np.testing.assert_allclose(found.float().numpy(), exact.numpy(), atol=2e-3)


LAPACK = {
    "cholesky", "cholesky_solve", "cofactors_derivative", "eig", "eigh", "inv", "inverse_transposed",
    "lu", "pinv", "qr", "solve", "solve_triangular", "svd",
}  # fmt: skip
BY_SUMS_OF_THEIR_OWN = {"median", "nanmedian", "repeat_interleave", "tile"}  # backwards only


def test_every_row_that_sums_declares_it() -> None:
    """All others refuse float16, or do nothing but a sum that is accurate by itself."""
    sums = ("pairwise_sum(", "matrix_product(", "np.add.reduce(", "np.matmul(", "np.dot(", "np.mean(")
    found = set()
    for op in set(TABLE.values()):
        if op.single or isinstance(op.function, np.ufunc) or not op.function.__module__.startswith("tinygrad_lite"):
            continue
        if op.function.__code__.co_filename.startswith("<"):  # of a docstring's example
            continue
        text = "".join(inspect.getsource(f) for f in (op.function, *(rule.vjp for rule in op.rules)))
        if any(s in text for s in sums):
            found.add(op.name)
    assert found == LAPACK | BY_SUMS_OF_THEIR_OWN


# --- products ---------------------------------------------------------------------------------------------------


def test_products_of_very_many_terms() -> None:
    """BLAS adds blocks of terms one after the other."""
    x = np.random.default_rng(0).normal(1000, 20, (N, 3)).astype(np.float32)
    exact = x.T.astype(np.float64) @ x.astype(np.float64)
    t = tg.from_numpy(x)
    weight = tg.ones(3, 3, requires_grad=True)
    F.linear(t, weight).backward(t)
    for found in (t.T @ t, tg.einsum("ni,nj->ij", t, t), weight.grad):
        assert _units(found, exact) <= BOUND
    assert _units(t[:, 0] @ t[:, 1], exact[0, 1]) <= BOUND
    assert _units(t.T @ t[:, 0], exact[:, 0]) <= BOUND


@pytest.mark.parametrize(("n", "m"), [(4, 3), (16, 16), (1, 8), (64, 32), (300, 300)])
@pytest.mark.parametrize("terms", [1500, 4096, 20_000])
def test_products_of_many_terms(n: int, m: int, terms: int) -> None:
    x, y = (np.random.default_rng(0).normal(1000, 0.2, (terms, size)).astype(np.float32) for size in (n, m))
    exact = x.T.astype(np.float64) @ y.astype(np.float64)
    for left in (x.T, np.ascontiguousarray(x.T)):
        assert _units(matrix_product(left, y), exact) <= (BOUND if n * m < 2**16 else 4 * BOUND)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("part", [2, 20, 64])
def test_products_of_integers_are_exact(dtype: Any, part: int) -> None:
    """As NumPy's own, modulo the type's range, however large the numbers are."""
    info, rng = np.iinfo(dtype), np.random.default_rng(0)
    bits = min(part, info.bits) - 1
    low = max(info.min, -(2**bits))
    x, y = (rng.integers(low, 2**bits - 1, shape, dtype, True) for shape in ((30, 70), (70, 20)))
    np.testing.assert_array_equal(matrix_product(x, y), np.matmul(x, y), strict=True)
    np.testing.assert_array_equal(matrix_product(x, y[:, 0]), np.matmul(x, y[:, 0]), strict=True)
    np.testing.assert_array_equal(matrix_product(np.stack([x, x]), y), np.matmul(np.stack([x, x]), y), strict=True)


EQUATIONS = (
    "ij->j", "ij->", "ij->ji", "ii->i", "ii", "iij->j", "ij,jk->ik", "ij,ij->i", "ij,ij->", "bij,bjk->bik",
    "bij,bjk->ik", "i,j->ij", "ij,jk,kl->il", "ij,ij,ij->ij", "bi,bij,bj->b", "ij,k->kji", "ijk,kl,bl->bij",
    "b...i,b...j->b...ij",
    "ij,ji", "i,ij,j->", "ii,ij->j", ",ij->ij",
)  # fmt: skip


@pytest.mark.each("equation", EQUATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex64])
def test_einsum_is_numpys(equation: str, dtype: Any) -> None:
    sizes, rng = {"i": 3, "j": 140, "k": 5, "l": 2, "b": 3, ".": 2}, np.random.default_rng(0)
    terms = [term.replace("...", ".") for term in equation.split("->")[0].split(",")]
    operands = [(rng.normal(size=[sizes[c] for c in term]) * 10).astype(dtype) for term in terms]
    found = tg.einsum(equation, *map(tg.tensor, operands))
    expected = np.einsum(equation, *[a.astype(np.result_type(dtype, np.float64)) if dtype != np.int64 else a
                                     for a in operands])  # fmt: skip
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-2)
    assert found.dtype == dtype


def test_einsum_broadcasts() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 1, 4)), rng.normal(size=(3, 5, 4))
    for equation in ("bij,bij->bi", "bij,bkj->ik", "bij,bij->"):
        np.testing.assert_allclose(tg.einsum(equation, tg.tensor(a), tg.tensor(b)).numpy(), np.einsum(equation, a, b))
    x = tg.ones(2, 3)
    with pytest.raises(ValueError, match="einsum: 'j' must be of one size, got 3 and 2"):
        tg.einsum("ij,jk->ik", x, x)
