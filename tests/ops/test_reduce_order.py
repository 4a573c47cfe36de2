"""Reductions, scans, order: ties, NaN, nothing, gradients at corners, and arguments that do not fit, as in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from oracle import agree
from test_pointwise import slopes

import tinygrad_lite as tg
from tinygrad_lite.kernels.loops.running_sum import recurrence, running_sum

INF, NAN = math.inf, math.nan


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


TIES = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [NAN, 1.0, NAN], [-INF, -INF, -INF], [INF, 0.0, INF], [0.0, 0.0, -1.0]]
CORNERS: dict[str, tuple[Callable[..., Any], Any]] = {
    **{f"norm {p} at 0": (lambda m, x, p=p: m.norm(x, p), [0.0, 0.0, 0.0]) for p in (0.5, 1, 1.5, 2, 3, INF, -INF, -1)},
    **{f"norm {p} beside 0": (lambda m, x, p=p: m.norm(x, p), [0.0, 2.0, -2.0])
       for p in (0.5, 1, 1.5, 2, 3, INF, -INF, -1)},
    **{f"norm {p} with NaN": (lambda m, x, p=p: m.norm(x, p), [NAN, 2.0, -2.0]) for p in (2, 3)},
    "norm of rows": (lambda m, x: m.norm(x, dim=1), [[0.0, 0.0], [3.0, 4.0]]),
    "norm of nothing": (lambda m, x: m.norm(x), []),
    "norm inf of nothing": (lambda m, x: m.norm(x, INF), []),
    "norm inf of empty rows": (lambda m, x: m.norm(x, INF, dim=1), np.zeros((2, 0))),
    "dist at 0": (lambda m, x: m.dist(x, x.detach()), [1.0, 2.0]),
    "renorm at 0": (lambda m, x: m.renorm(x, 2, 0, 1.0), [[0.0, 0.0], [3.0, 4.0], [0.1, 0.1]]),
    "renorm to 0": (lambda m, x: m.renorm(x, 2, 1, 0.0), [[1.0, 2.0], [3.0, 4.0]]),
    "renorm vector": (lambda m, x: m.renorm(x, 2, 0, 1.0), [1.0, 2.0]),
    "cumprod zeros": (lambda m, x: m.cumprod(x, 0), [2.0, 0.0, 3.0, 0.0, 4.0]),
    "cumprod one zero": (lambda m, x: m.cumprod(x, 0), [2.0, 0.0, 3.0, 5.0]),
    "cumprod of nothing": (lambda m, x: m.cumprod(x, 0), []),
    "cumprod beside nothing": (lambda m, x: m.cumprod(x, 1), np.zeros((0, 3))),
    "cumprod of a number": (lambda m, x: m.cumprod(x, 0), 3.0),
    "logcumsumexp of a number": (lambda m, x: m.logcumsumexp(x, -1), 3.0),
    "logcumsumexp of nothing": (lambda m, x: m.logcumsumexp(x, 0), []),
    "cummax ties": (lambda m, x: m.cummax(x, 0).values, [1.0, 3.0, 3.0, 2.0, 3.0]),
    "cummin ties": (lambda m, x: m.cummin(x, 0).values, [3.0, 1.0, 1.0, 2.0, 1.0]),
    "cummax NaN": (lambda m, x: m.cummax(x, 1).values, TIES),
    "cummax of nothing": (lambda m, x: m.cummax(x, 0).values, []),
    "cummax beside nothing": (lambda m, x: m.cummax(x, 1).values, np.zeros((0, 3))),
    "median ties": (lambda m, x: m.median(x), [1.0, 2.0, 2.0, 3.0]),
    "median NaN": (lambda m, x: m.median(x), [1.0, 2.0, NAN]),
    "median of nothing": (lambda m, x: m.median(x), []),
    "median of empty rows": (lambda m, x: m.median(x, 1).values, np.zeros((2, 0))),
    "nanmedian NaN": (lambda m, x: m.nanmedian(x), [NAN, 1.0, 2.0, 2.0]),
    "nanmedian of NaN": (lambda m, x: m.nanmedian(x), [NAN, NAN]),
    "nanmedian rows": (lambda m, x: m.nanmedian(x, 1).values, [[NAN, 1.0, 2.0], [NAN, NAN, NAN], [3.0, 1.0, 2.0]]),
    "quantile ties": (lambda m, x: m.quantile(x, 0.5), [1.0, 2.0, 2.0, 3.0]),
    "quantile NaN": (lambda m, x: m.quantile(x, 0.5, dim=1), [[1.0, NAN], [1.0, 2.0]]),
    "quantile of a number": (lambda m, x: m.quantile(x, 0.5), 3.0),
    "quantile of nothing": (lambda m, x: m.quantile(x, 0.5), []),
    "quantile beyond": (lambda m, x: m.quantile(x, 1.5), [1.0, 2.0]),
    "quantile by no rule": (lambda m, x: m.quantile(x, 0.5, interpolation="no"), [1.0, 2.0]),
    "quantile of wide q": (lambda m, x: m.quantile(x, m.tensor([[0.5]], dtype=m.float64)), [1.0, 2.0]),
    "quantile of another dtype": (lambda m, x: m.quantile(x, m.tensor(0.5, dtype=m.float32)), [1.0, 2.0]),
    "nanquantile": (lambda m, x: m.nanquantile(x, 0.5, dim=1), [[1.0, NAN, 4.0], [NAN, NAN, NAN]]),
    "kthvalue 0": (lambda m, x: m.kthvalue(x, 0).values, [1.0, 2.0]),
    "kthvalue 3 of 2": (lambda m, x: m.kthvalue(x, 3).values, [1.0, 2.0]),
    "kthvalue of a number": (lambda m, x: m.kthvalue(x, 1).values, 2.0),
    "kthvalue 2 of a number": (lambda m, x: m.kthvalue(x, 2).values, 2.0),
    "mode NaN": (lambda m, x: m.mode(x).values, [NAN, 1.0, 1.0, NAN]),
    "mode of a number": (lambda m, x: m.mode(x).values, 2.0),
    "mode of nothing": (lambda m, x: m.mode(x).values, []),
    "nansum NaN": (lambda m, x: m.nansum(x, 1), [[NAN, INF], [NAN, NAN], [1.0, -INF]]),
    "nanmean NaN": (lambda m, x: m.nanmean(x, 1), [[NAN, INF], [1.0, 2.0]]),
    "aminmax ties": (lambda m, x: sum(m.aminmax(x)), [1.0, 3.0, 1.0, 3.0]),
    "aminmax dim ties": (lambda m, x: m.aminmax(x, dim=0).min, [1.0, 3.0, 1.0, 3.0]),
    "aminmax of nothing": (lambda m, x: m.aminmax(x).min, []),
    "var_mean of one": (lambda m, x: m.var_mean(x)[0], [2.0]),
    "cov of one": (lambda m, x: m.cov(x), [[1.0], [2.0]]),
    "cov of a number": (lambda m, x: m.cov(x), 2.0),
    "corrcoef of a vector": (lambda m, x: m.corrcoef(x), [1.0, 2.0, 4.0]),
    "cov of three dimensions": (lambda m, x: m.cov(x), np.zeros((2, 2, 2))),
    "cov of few weights": (lambda m, x: m.cov(x, fweights=m.tensor([1, 2])), [1.0, 2.0, 3.0]),
    "cov of negative weights": (lambda m, x: m.cov(x, fweights=m.tensor([1, -2])), [1.0, 2.0]),
    "cov of floating weights": (lambda m, x: m.cov(x, fweights=m.tensor([1.0, 2.0])), [1.0, 2.0]),
    "trace of a vector": (lambda m, x: m.trace(x), [1.0]),
    "diff of a number": (lambda m, x: m.diff(x), 1.0),
    "diff of one": (lambda m, x: m.diff(x), [1.0]),
    "trapezoid of one": (lambda m, x: m.trapezoid(x), [1.0]),
    "trapezoid of x and dx": (lambda m, x: m.trapezoid(x, x, dx=1), [1.0, 2.0]),
    "sort of a number": (lambda m, x: m.sort(x).values, 1.0),
    "msort of nothing": (lambda m, x: m.msort(x), []),
    "topk 3 of 2": (lambda m, x: m.topk(x, 3).values, [1.0, 2.0]),
    "topk 0": (lambda m, x: m.topk(x, 0).values, [1.0, 2.0]),
}  # fmt: skip


@pytest.mark.each("name", CORNERS)
def test_corner(name: str) -> None:
    call, array = CORNERS[name]
    agree(lambda m: slopes(m, call, array), 1e-12)


def test_logcumsumexp_of_infinities() -> None:
    """What is -inf has no slope here, and NaN in PyTorch."""
    agree(lambda m: m.logcumsumexp(m.tensor([-INF, -INF, 1.0, 2.0, INF, 3.0], dtype=m.float64), 0))
    x = tg.tensor([-INF, -INF, 1.0, 2.0], dtype=tg.float64, requires_grad=True)
    x.logcumsumexp(0).sum().backward()
    share = 1 / (1 + math.e)
    np.testing.assert_allclose(x.grad.numpy(), [0, 0, 1 + share, 1 - share], rtol=1e-12)


def test_nanmean_of_nothing() -> None:
    """Its slope is zero, and NaN in PyTorch."""
    agree(lambda m: m.nanmean(m.tensor([[NAN, NAN], [1.0, NAN]]), 1))
    x = tg.tensor([[NAN, NAN], [1.0, NAN]], requires_grad=True)
    x.nanmean(1).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_quantile_has_a_slope_in_q() -> None:
    agree(lambda m: slopes(m, lambda m, x, q: m.quantile(x, q), [1.0, 2.0, 4.0, 8.0], [0.1, 0.4, 0.9]))


REFUSED: dict[str, Callable[[Any], Any]] = {
    "searchsorted number in rows": lambda m: m.searchsorted(m.tensor([[1, 3], [2, 4]]), 3),
    "searchsorted rows": lambda m: m.searchsorted(m.tensor([[1, 3], [2, 4]]), m.tensor([1, 2])),
    "searchsorted side": lambda m: m.searchsorted(m.tensor([1, 3]), 3, side="up"),
    "searchsorted sides": lambda m: m.searchsorted(m.tensor([1, 3]), 3, side="left", right=True),
    "searchsorted sorter": lambda m: m.searchsorted(m.tensor([1, 3]), 3, sorter=m.tensor([0])),
    "bucketize rows": lambda m: m.bucketize(m.tensor([1, 3]), m.tensor([[1, 3]])),
    "bincount negative": lambda m: m.bincount(m.tensor([-1])),
    "bincount floats": lambda m: m.bincount(m.tensor([1.0])),
    "bincount matrix": lambda m: m.bincount(m.tensor([[1]])),
    "bincount weights": lambda m: m.bincount(m.tensor([1, 2]), m.tensor([1.0])),
    "bincount minlength": lambda m: m.bincount(m.tensor([1, 2]), minlength=-1),
    "histc no bins": lambda m: m.histc(m.tensor([1.0]), 0),
    "histc limits": lambda m: m.histc(m.tensor([1.0]), 2, 3, 1),
    "histc NaN": lambda m: m.histc(m.tensor([NAN]), 2),
    "histc integers": lambda m: m.histc(m.tensor([1]), 2),
    "histogram integers": lambda m: m.histogram(m.tensor([1, 2]), 2),
    "histogram weight": lambda m: m.histogram(m.tensor([1.0, 2.0]), 2, weight=m.tensor([1.0])),
    "unique 0-d along a dimension": lambda m: m.unique(m.tensor(3), dim=0),
    "unique of another dimension": lambda m: m.unique(m.tensor([3]), dim=1),
    "norm of integers": lambda m: m.norm(m.tensor([3, 4])),
    "norm by no name": lambda m: m.norm(m.tensor([3.0, 4.0]), "no"),
    "quantile of integers": lambda m: m.quantile(m.tensor([1, 2]), 0.5),
    "nanmean of integers": lambda m: m.nanmean(m.tensor([1, 2])),
    "cumprod dim": lambda m: m.cumprod(m.ones(2), 1),
    "cummax dim": lambda m: m.cummax(m.ones(2), -2),
    "kthvalue dim": lambda m: m.kthvalue(m.ones(2), 1, 1),
    "renorm norm": lambda m: m.renorm(m.ones(2, 2), 0, 0, 1.0),
    "renorm length": lambda m: m.renorm(m.ones(2, 2), 2, 0, -1.0),
    "aminmax dims": lambda m: m.aminmax(m.ones(2, 2), dim=(0, 1)),
}


@pytest.mark.each("name", REFUSED)
def test_refused(name: str) -> None:
    agree(REFUSED[name])
    with pytest.raises((RuntimeError, ValueError, IndexError, TypeError), match=rf"^{name.partition(' ')[0]}: .*got "):
        REFUSED[name](tg)


def test_named_results() -> None:
    x = tg.tensor([[3.0, 1.0, 2.0]])
    for found in (x.median(1), x.nanmedian(1), x.kthvalue(1), x.mode(), x.cummax(1), x.cummin(1), x.sort(), x.topk(2)):
        assert found._fields == ("values", "indices")
        assert found.indices.dtype == tg.int64
    assert x.aminmax()._fields == ("min", "max")
    assert x.histogram(2)._fields == ("hist", "bin_edges")
    assert x.frexp()._fields == ("mantissa", "exponent")


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recurrence_by_loop_and_by_doubling(n: int, dtype: Any) -> None:
    rng = np.random.default_rng(n)
    b, c = rng.normal(size=(2, 3, n)).astype(dtype)
    out = np.empty_like(b)
    recurrence.plain(b, c, out)
    expected, s = np.empty_like(out), np.zeros(3, dtype)
    for k in range(n):
        s = b[:, k] + c[:, k] * s if k else b[:, 0]
        expected[:, k] = s
    np.testing.assert_allclose(out, expected, rtol=1e-3 if dtype == np.float32 else 1e-9, atol=1e-6)
    if n:
        compiled = np.empty_like(b)
        recurrence.compiled(b, c, compiled)
        np.testing.assert_allclose(compiled, expected, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_sums_of_many(dtype: Any) -> None:
    x = np.random.default_rng(0).normal(size=(5, 3, 500)).astype(dtype)
    for shape in ((15, 500, 1), (5, 3, 500)):
        compiled, plain = np.empty(shape, dtype), np.empty(shape, dtype)
        running_sum.compiled(x.reshape(shape), compiled, np.empty(shape[2]))
        running_sum.plain(x.reshape(shape), plain, np.empty(shape[2]))
        np.testing.assert_allclose(compiled, plain, rtol=1e-6 if dtype == np.float32 else 1e-12, atol=1e-12)
    for dim in range(3):
        expected = np.cumsum(x.astype(np.float64), dim)
        found = tg.cumsum(tg.tensor(x), dim)
        assert found.dtype == dtype
        np.testing.assert_allclose(found.numpy(), expected, atol=3e-5 if dtype == np.float32 else 1e-12)
        turned = tg.cumsum(tg.tensor(x).transpose(0, dim), 0)
        np.testing.assert_allclose(turned.transpose(0, dim).numpy(), expected, atol=3e-5)


few = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0, INF, -INF, NAN])


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, array_shapes(max_dims=3, max_side=5), elements=few), st.data())
def test_order_of_anything(x: Any, data: Any) -> None:
    """Many ties and NaN, along any dimension: what does not depend on which of equal ones is taken."""
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    k = data.draw(st.integers(1, x.shape[dim]))
    agree(lambda m: m.sort(m.tensor(x), dim=dim, stable=True))
    agree(lambda m: m.sort(m.tensor(x), dim=dim, stable=True, descending=True))
    agree(lambda m: m.argsort(m.tensor(x), dim=dim, stable=True))
    agree(lambda m: m.kthvalue(m.tensor(x), k, dim).values)
    agree(lambda m: m.topk(m.tensor(x), k, dim).values)
    agree(lambda m: m.topk(m.tensor(x), k, dim, largest=False).values)
    agree(lambda m: m.median(m.tensor(x), dim).values)
    agree(lambda m: m.nanmedian(m.tensor(x), dim).values)
    agree(lambda m: m.cummax(m.tensor(x), dim))
    agree(lambda m: m.cummin(m.tensor(x), dim))
    numbers = np.nan_to_num(x)  # several NaN are in no order
    agree(lambda m: m.unique(m.tensor(numbers), return_inverse=True, return_counts=True))
    agree(lambda m: m.unique(m.tensor(numbers), return_inverse=True, return_counts=True, dim=dim))
    agree(lambda m: m.unique_consecutive(m.tensor(x), return_inverse=True, return_counts=True))
