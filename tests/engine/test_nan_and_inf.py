"""NaN in an argument shows in the result, and an infinite gradient stays where the result was selected."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from ops_cases import Row, names
from ops_table import OPS
from test_ops import given, listed

import tinygrad_lite as tg
from tinygrad_lite import kernels

SHOWS_LESS = {
    "complex add": "a complex factor 1 makes PyTorch's other part NaN as well",
    "complex sub": "as above",
    "complex cumprod": "as above",
    "multi_head": "weights of both kinds",
    "linalg.householder_product": "PyTorch's order of products",
}
"""Where PyTorch has more NaN, and why."""

BY_ELIMINATION = (
    "linalg.",
    "lu",
    "cholesky",
    "inverse",
    "triangular_solve",
    "qr",
    "orgqr",
    "ormqr",
    "complex",
    "fft",
    "masked.",
)
"""LAPACK and Fourier transforms: which numbers of a result stay finite is the algorithm's, that NaN shows is ours."""

MIXES = {
    "complex": "pairs of real numbers mix in a product", "fft": "parts that the result does not have",
    "istft": "as fft", "einsum": "zeros of a diagonal are multiplied", "rnn_relu": "products with 0",
    "cumprod": "sums of products with zeros", "linalg.eig": "PyTorch refuses vectors", "linalg.svd": "as above",
    "linalg.eigh": "as above", "multi_head": "weights of both kinds",
}  # fmt: skip
"""Where the zeros of a gradient are sums of products, and 0 times inf shows, and why."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _lost(result: Any) -> list[Any]:
    """Where each floating result is NaN."""
    arrays = [o.detach().numpy() for o in listed(result)]
    return [np.isnan(a) for a in arrays if a.dtype.kind in "fc"]


def _call(row: Row, library: Any, tensors: list[Any], error: Any) -> Any:
    try:
        return _lost(row.call(library, *tensors))
    except error:
        return None


def rows(but: tuple[str, ...] = ()) -> Any:
    """Two ways of calling each operation."""
    chosen, count = [], Counter[str]()
    for row, name in zip(OPS, names(OPS)):
        count[row.name] += row.in_torch
        if row.in_torch and count[row.name] <= 2 and not row.name.startswith(but):
            chosen.append(pytest.param(row, id=name))
    return pytest.mark.each("row", chosen)


@rows(tuple(SHOWS_LESS))
def test_nan_shows_where_pytorchs_does(row: Row, oracle: Any) -> None:
    torch = pytest.importorskip("torch")
    arrays = row.draw()
    for i, a in enumerate(arrays):
        if a.dtype.kind != "f" or not a.size:
            continue
        changed = [b.copy() for b in arrays]
        changed[i].flat[a.size // 2] = np.nan
        theirs = _call(row, oracle, [torch.from_numpy(b.copy()) for b in changed], RuntimeError)
        with kernels.use("numpy"):
            ours = _call(row, tg, given(row, changed), (RuntimeError, ValueError, TypeError))
        if ours is None or theirs is None:
            continue  # an error is no number either; where PyTorch alone raises, NaN shows or was not selected
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs):
            assert mine.any() >= other.any()
            if not row.name.startswith(BY_ELIMINATION):
                assert not (other & ~mine).any(), f"argument {i}"


def gradients(m: Any, result: Any, leaves: list[Any], value: float) -> list[Any]:
    outs = [o for o in listed(result) if o.requires_grad]
    if not outs:
        return []
    found = m.autograd.grad(outs, leaves, [m.full_like(o, value) for o in outs], allow_unused=True)
    return [np.zeros(tuple(t.shape)) if g is None else g.numpy(force=True) for g, t in zip(found, leaves)]


@rows(tuple(MIXES))
def test_an_infinite_gradient_reaches_nothing_that_pytorchs_does_not(row: Row, oracle: Any) -> None:
    torch = pytest.importorskip("torch")
    arrays = row.draw()
    if any(np.iscomplexobj(a) for a in arrays):
        return
    others, ours = [torch.from_numpy(a.copy()) for a in arrays], given(row, arrays)
    for t, g in zip(others, row.inputs):
        t.requires_grad_(g.differentiable and t.dtype.is_floating_point)
    theirs = gradients(torch, row.call(oracle, *others), [t for t in others if t.requires_grad], np.inf)
    with kernels.use("numpy"):
        found = gradients(tg, row.call(tg, *ours), [t for t in ours if t.requires_grad], np.inf)
    for a, b in zip(found, theirs):
        assert not ((b == 0) & (a != 0)).any()
