"""Sums over many rows: as accurate as PyTorch's or better, over every dimension, in every order of memory, forward and
in rules. The bound, for sums of n numbers of one sign: 4 units in the last place times sqrt(log2 n).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tinygrad_lite.nn.functional as F

import tinygrad_lite as tg
from tinygrad_lite import kernels

N = 1 << 18
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
    "cumprod": (lambda x: (x * 0 + 1.00001).cumprod(0)[-1], lambda y: np.full(2, float(np.float32(1.00001)) ** N)),
    "logcumsumexp": (lambda x: (x * 0).logcumsumexp(0)[-1], lambda y: np.full(2, math.log(N))),
}


def _grad(f: Callable[..., Any], g: Any, *shape: int) -> Any:
    """The gradient of an argument of ones, with `g` from above."""
    argument = tg.ones(*shape, requires_grad=True)
    f(argument).backward(g)
    return argument.grad.reshape(-1, shape[-1])[0]


ONES = tg.ones(N, 2)
GRADIENTS: dict[str, Callable[[Any], Any]] = {  # each sums its argument, (N, 2), over dimension 0
    "broadcast row": lambda g: _grad(lambda b: ONES * 0 + b, g, 2),
    "broadcast matrix": lambda g: _grad(lambda b: ONES * 0 + b, g, 1, 2),
    "expand": lambda g: _grad(lambda b: b.expand(N, 2), g, 1, 2),
    "repeat": lambda g: _grad(lambda b: b.repeat(N, 1), g, 1, 2),
    "linear bias": lambda g: _grad(lambda b: F.linear(ONES, tg.eye(2), b), g, 2),
    "conv bias": lambda g: _grad(lambda b: F.conv1d(ONES.T[None], tg.ones(2, 2, 1), b)[0].T, g, 2),
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
