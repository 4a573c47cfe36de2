"""Initial values: each distribution against its formula, the rest against PyTorch."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import init

RANDOM = {
    "uniform_": {},
    "normal_": {},
    "trunc_normal_": {},
    "xavier_uniform_": {},
    "xavier_normal_": {},
    "kaiming_uniform_": {},
    "kaiming_normal_": {},
    "orthogonal_": {},
    "sparse_": {"sparsity": 0.3},
}
FILLS = [*RANDOM, "constant_", "ones_", "zeros_", "eye_", "dirac_"]


def distance(sample, cdf) -> float:
    """Kolmogorov-Smirnov: sqrt(n) times the largest distance of the distribution functions; 1.95 has p = 0.001."""
    x = np.sort(np.asarray(sample, np.float64).ravel())
    n = x.size
    f = np.array([cdf(v) for v in x])
    return math.sqrt(n) * max((np.arange(1, n + 1) / n - f).max(), (f - np.arange(n) / n).max())


def uniform_cdf(a, b):
    return lambda x: min(max((x - a) / (b - a), 0.0), 1.0)


def normal_cdf(std):
    return NormalDist(0.0, std).cdf


def drawn(name, shape, **options):
    generator = tg.Generator().manual_seed(0)
    tensor = tg.empty(*shape, dtype=tg.float64)
    assert getattr(init, name)(tensor, generator=generator, **options) is tensor
    return tensor.numpy()


def test_all_of_pytorchs_are_here():
    torch = pytest.importorskip("torch")
    deprecated = {name for name in torch.nn.init.__all__ if f"{name}_" in torch.nn.init.__all__}
    assert set(init.__all__) == set(torch.nn.init.__all__) - deprecated


# Distributions


def test_distance_rejects_a_wrong_distribution():
    sample = np.random.default_rng(0).normal(0.0, 1.1, 5000)
    assert distance(sample / 1.1, normal_cdf(1.0)) < 1.95 < distance(sample, normal_cdf(1.0))


@pytest.mark.parametrize(
    ("name", "options", "bound"),
    [
        ("uniform_", {"a": -2.0, "b": 2.0}, 2.0),
        ("xavier_uniform_", {}, math.sqrt(6 / (50 + 120))),
        ("xavier_uniform_", {"gain": 2.5}, 2.5 * math.sqrt(6 / (50 + 120))),
        ("kaiming_uniform_", {}, math.sqrt(6 / 50)),
        ("kaiming_uniform_", {"a": math.sqrt(5)}, math.sqrt(1 / 50)),
        ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "tanh"}, 5 / 3 * math.sqrt(3 / 120)),
    ],
)
def test_uniform_distributions(name, options, bound):
    values = drawn(name, (120, 50), **options)
    assert np.abs(values).max() <= bound
    assert distance(values, uniform_cdf(-bound, bound)) < 1.95


@pytest.mark.parametrize(
    ("name", "options", "std"),
    [
        ("normal_", {"std": 3.0}, 3.0),
        ("xavier_normal_", {}, math.sqrt(2 / (50 + 120))),
        ("xavier_normal_", {"gain": 0.5}, 0.5 * math.sqrt(2 / (50 + 120))),
        ("kaiming_normal_", {"nonlinearity": "relu"}, math.sqrt(2 / 50)),
        ("kaiming_normal_", {"a": 0.2, "mode": "fan_out"}, math.sqrt(2 / 1.04 / 120)),
    ],
)
def test_normal_distributions(name, options, std):
    assert distance(drawn(name, (120, 50), **options), normal_cdf(std)) < 1.95


def test_the_kernel_counts_in_both_fans():
    values = drawn("xavier_uniform_", (8, 6, 5, 5))
    bound = math.sqrt(6 / (6 * 25 + 8 * 25))
    assert 0.99 * bound < np.abs(values).max() <= bound
    values = drawn("kaiming_uniform_", (8, 6, 5, 5), mode="fan_out")
    bound = math.sqrt(6 / (8 * 25))
    assert 0.99 * bound < np.abs(values).max() <= bound


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0.0, 1.0, -2.0, 2.0),
        (0.0, 0.02, -2.0, 2.0),
        (1.0, 2.0, -0.5, 0.7),  # a narrow part of the middle
        (0.0, 1.0, 2.0, 3.0),  # a tail
        (0.0, 1.0, 6.0, 7.0),  # a far one
        (5.0, 1.0, -2.0, 2.0),
        (0.0, 1.0, 3.0, math.inf),
        (0.0, 1.0, -math.inf, math.inf),
    ],
)
def test_trunc_normal(mean, std, a, b):
    values = drawn("trunc_normal_", (40, 100), mean=mean, std=std, a=a, b=b)
    assert a <= values.min() <= values.max() <= b
    whole = NormalDist()
    low, high = (a - mean) / std, (b - mean) / std
    if low > 0:  # count from the other end, where the distribution function keeps its digits
        low, high, values = -high, -low, 2 * mean - values
    f = lambda z: whole.cdf(z) if math.isfinite(z) else float(z > 0)  # noqa: E731
    cdf = lambda x: (f((x - mean) / std) - f(low)) / (f(high) - f(low))  # noqa: E731
    assert distance(values, cdf) < 1.95


def test_trunc_normal_rounds_to_within_the_bounds():
    values = init.trunc_normal_(tg.empty(20000), std=1.0, a=-0.1, b=0.1).numpy()
    assert np.float32(-0.1) <= values.min() <= values.max() <= np.float32(0.1)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (4, 2, 3)])
def test_orthogonal(shape):
    q = drawn("orthogonal_", shape, gain=2.0).reshape(shape[0], -1)
    small = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_is_uniform():
    """Without the correction of signs the first entry would always be negative."""
    generator = tg.Generator().manual_seed(0)
    first = [init.orthogonal_(tg.empty(3, 3), generator=generator)[0, 0].item() for _ in range(2000)]
    assert distance(first, uniform_cdf(-1, 1)) < 1.95  # a coordinate on the sphere in three dimensions


def test_sparse():
    values = drawn("sparse_", (10, 3000), sparsity=0.25, std=2.0)
    assert ((values == 0).sum(0) == 3).all()  # ceil(2.5)
    assert distance(values[values != 0], normal_cdf(2.0)) < 1.95
    by_row = (values == 0).sum(1)
    assert np.abs(by_row - 900).max() < 5 * math.sqrt(3000 * 0.3 * 0.7)


# The rest


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (0, 3)])
def test_eye(shape):
    np.testing.assert_array_equal(init.eye_(tg.empty(*shape)).numpy(), np.eye(*shape))


@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 4, 3), 1), ((4, 6, 4, 5), 1), ((6, 2, 3, 3), 3), ((4, 1, 2, 3, 3), 2)]
)
def test_dirac_is_pytorchs(shape, groups):
    torch = pytest.importorskip("torch")
    ours = init.dirac_(tg.randn(*shape), groups).numpy()
    theirs = torch.nn.init.dirac_(torch.randn(*shape), groups).numpy()
    np.testing.assert_array_equal(ours, theirs)
    assert ours.sum() == groups * min(shape[0] // groups, shape[1])


def test_constants():
    assert (init.constant_(tg.empty(2, 3), 0.25).numpy() == 0.25).all()
    assert (init.ones_(tg.empty(2, 3)).numpy() == 1).all()
    assert (init.zeros_(tg.empty(2, 3)).numpy() == 0).all()


@pytest.mark.parametrize(
    ("nonlinearity", "param"),
    [(n, None) for n in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")]
    + [("leaky_relu", 0.3), ("leaky_relu", 0), ("relu", 5)],
)
def test_gain_is_pytorchs(nonlinearity, param):
    torch = pytest.importorskip("torch")
    assert init.calculate_gain(nonlinearity, param) == torch.nn.init.calculate_gain(nonlinearity, param)


# What they have in common


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("dtype", [tg.float32, tg.float64])
def test_parameters_are_filled_in_place_outside_the_graph(name, dtype):
    shape = (4, 3, 3) if name == "dirac_" else (4, 3)
    weight = nn.Parameter(tg.full(shape, 99.0, dtype=dtype))
    options = {"constant_": {"val": 2.0}, **RANDOM}.get(name, {})
    with tg.enable_grad():
        assert getattr(init, name)(weight, **options) is weight
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.dtype == dtype
    assert (weight.numpy(force=True) != 99.0).all()


@pytest.mark.parametrize("name", FILLS)
def test_the_write_is_announced(name):
    shape = (4, 3, 3) if name == "dirac_" else (4, 3)
    weight = nn.Parameter(tg.ones(*shape))
    loss = (weight * weight).sum()
    getattr(init, name)(weight, **{"constant_": {"val": 2.0}, **RANDOM}.get(name, {}))
    with pytest.raises(RuntimeError, match="has overwritten it"):
        loss.backward()


@pytest.mark.parametrize("name", RANDOM)
def test_generators(name):
    fill = getattr(init, name)

    def draw(**generator):
        return fill(tg.empty(6, 5), **RANDOM[name], **generator).numpy().copy()

    tg.manual_seed(1)
    first, second = draw(), draw()
    tg.manual_seed(1)
    alone = draw(generator=tg.Generator().manual_seed(2))
    again = draw()
    assert (first == again).all()
    assert (first != second).any()
    assert (alone == draw(generator=tg.Generator().manual_seed(2))).all()
    assert (alone != first).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.xavier_uniform_(tg.empty(3)), "xavier_uniform_: .* at least 2 dimensions, got 1"),
        (lambda: init.kaiming_normal_(tg.empty(3)), "kaiming_normal_: .* at least 2 dimensions, got 1"),
        (
            lambda: init.kaiming_uniform_(tg.empty(3, 3), mode="fan"),
            "mode must be 'fan_in' or 'fan_out', got 'fan'",
        ),
        (lambda: init.kaiming_uniform_(tg.empty(3, 3), nonlinearity="gelu"), "must be one of .*, got 'gelu'"),
        (lambda: init.calculate_gain("leaky_relu", True), "slope of leaky_relu must be a number, got True"),
        (lambda: init.trunc_normal_(tg.empty(3), std=0.0), "std must be > 0, got 0.0"),
        (lambda: init.trunc_normal_(tg.empty(3), a=1.0, b=1.0), "a must be < b, got a=1.0, b=1.0"),
        (lambda: init.eye_(tg.empty(3)), "eye_: the tensor must have 2 dimensions, got 1"),
        (lambda: init.dirac_(tg.empty(3, 3)), "dirac_: the tensor must have 3, 4 or 5 dimensions, got 2"),
        (lambda: init.dirac_(tg.empty(3, 3, 3), 2), "dim 0 must be divisible by groups=2, got 3"),
        (
            lambda: init.orthogonal_(tg.empty(3)),
            "orthogonal_: the tensor must have at least 2 dimensions, got 1",
        ),
        (lambda: init.sparse_(tg.empty(3), 0.5), "sparse_: the tensor must have 2 dimensions, got 1"),
        (lambda: init.sparse_(tg.empty(3, 3), 1.5), r"sparsity must be in \[0, 1\], got 1.5"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_empty_tensors():
    assert init.orthogonal_(tg.empty(0, 3)).shape == (0, 3)
    assert init.trunc_normal_(tg.empty(0)).shape == (0,)
    with pytest.warns(UserWarning, match="zero-element"):
        assert init.kaiming_uniform_(tg.empty(0, 3)).shape == (0, 3)


# Layers


@pytest.mark.parametrize(("inputs", "outputs"), [(100, 60), (4, 3000)])
def test_linear_starts_as_pytorchs(inputs, outputs):
    tg.manual_seed(0)
    layer = nn.Linear(inputs, outputs).double()
    k = 1 / math.sqrt(inputs)
    for parameter in (layer.weight, layer.bias):
        values = parameter.numpy(force=True)
        assert np.abs(values).max() <= k
        assert distance(values, uniform_cdf(-k, k)) < 1.95


def test_linear_without_inputs():
    with pytest.warns(UserWarning, match="zero-element"):
        layer = nn.Linear(0, 3)
    assert (layer(tg.zeros(2, 0)).numpy(force=True) == 0).all()


def test_layers_follow_the_seed():
    def weights():
        tg.manual_seed(5)
        return [
            p.numpy(force=True) for p in nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).parameters()
        ]

    for a, b in zip(weights(), weights(), strict=True):
        assert (a == b).all()
    layer = nn.Linear(3, 4)
    before = layer.weight.numpy(force=True).copy()
    layer.reset_parameters()
    assert (layer.weight.numpy(force=True) != before).any()
