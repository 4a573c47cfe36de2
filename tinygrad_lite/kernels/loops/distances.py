"""Distances of all rows of one matrix from all of another, or from each other, by their differences; their gradients.

Matrices come in stacks: ``x`` is (B, N, K), ``y`` (B, M, K). Pairs of one matrix's rows are in the order of `pdist`:
(0, 1), (0, 2), ..., (1, 2), ....
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import select
from ..kernel import LARGE, kernel
from .row_sums import BLOCK, inlined, summing

# the number of differences, the sum of their sizes, the root of the sum of their squares, the largest size
HAMMING, MANHATTAN, EUCLIDEAN, CHEBYSHEV = range(4)
_FEW = 16  # pulls that are added up in the rows' own precision


@summing
def _sizes(x: Any, y: Any) -> Any:
    s = x.dtype.type(0)
    for k in range(x.size):
        s += abs(x[k] - y[k])
    return s


@summing
def _squares(x: Any, y: Any) -> Any:
    s = x.dtype.type(0)
    for k in range(x.size):
        d = x[k] - y[k]
        s += d * d
    return s


def _largest_single(x: Any, y: Any) -> Any:
    """The largest size of a difference, NaN before all: as integers, whose maxima vectorize."""
    top = np.int32(0)
    for k in range(x.size):
        bits = np.float32(abs(x[k] - y[k])).view(np.int32)
        top = bits if bits > top else top
    return np.int32(top).view(np.float32)


def _largest(x: Any, y: Any) -> Any:
    if x.itemsize == 4:
        return _largest_single(x, y)
    top = 0.0
    for k in range(x.size):
        d = abs(x[k] - y[k])
        top = select(d > top, d, select(d != d, d, top))  # d > NaN is never so
    return top


@summing
def _differing(x: Any, y: Any) -> Any:
    """How many components differ; not a number where one is none."""
    one = x.dtype.type(1)
    s = one - one
    for k in range(x.size):
        d = x[k] - y[k]
        s += select(d == d, select(d == 0, one - one, one), d)
    return s


@inlined
def _distance(x: Any, y: Any, norm: int) -> Any:
    if norm == CHEBYSHEV:
        return _largest(x, y)
    if norm == HAMMING:
        return _differing(x, y)
    if x.size <= BLOCK:
        return np.sqrt(_squares(x, y)) if norm == EUCLIDEAN else _sizes(x, y)
    s = 0.0
    for start in range(0, x.size, BLOCK):
        a, b = x[start : start + BLOCK], y[start : start + BLOCK]
        s += _squares(a, b) if norm == EUCLIDEAN else _sizes(a, b)
    return np.sqrt(s) if norm == EUCLIDEAN else s


def _distances_of_row(x: Any, y: Any, first: int, norm: int, out: Any) -> None:
    """``out[j - first]``: the distance of one row from the row `j`, from `first` on."""
    for j in range(first, len(y)):
        out[j - first] = _distance(x, y[j], norm)


@summing
def _ties(x: Any, y: Any, far: Any) -> Any:
    """How many components are the largest; 1 at least."""
    one = x.dtype.type(1)
    ties = one - one
    for k in range(x.size):
        ties += select(abs(x[k] - y[k]) == far, one, one - one)
    return max(ties, one)


@inlined
def _signed(size: Any, d: Any) -> Any:
    """``size * sign(d)``, not a number where `d` is none."""
    return select(d > 0, size, select(d < 0, -size, size * d))


@inlined
def _pull(x: Any, y: Any, up: Any, far: Any, norm: int, total: Any) -> None:
    """Add to the gradient of the row ``x`` that of its distance from the row ``y``, over the distance if Euclidean."""
    if norm == EUCLIDEAN:
        for k in range(x.size):
            total[k] += up * (x[k] - y[k])
    elif norm == MANHATTAN:
        for k in range(x.size):
            total[k] += _signed(up, x[k] - y[k])
    elif norm == CHEBYSHEV:
        share = up / _ties(x, y, far)
        for k in range(x.size):
            d = x[k] - y[k]
            total[k] += select(abs(d) == far, _signed(share, d), d - d)


@inlined
def _flush(total: Any, sums: Any) -> None:
    for k in range(total.size):
        sums[k] += total[k]
        total[k] = 0


@inlined
def _finish(total: Any, sums: Any, out: Any) -> None:
    for k in range(total.size):
        out[k] = sums[k] + total[k]
        sums[k] = total[k] = 0


def distances_plain(out: Any, x: Any, y: Any, norm: int, first: int, end: int) -> None:
    """Rows ``first`` to ``end`` of the distances, of all matrices' rows in a row."""
    stack, at = np.divmod(np.arange(first, end), x.shape[1])
    out.reshape(math.prod(out.shape[:2]), out.shape[2])[first:end] = _lengths(x[stack, at, None] - y[stack], norm)


def _lengths(d: Any, norm: int) -> Any:
    if norm == EUCLIDEAN:
        return np.sqrt(np.add.reduce(d * d, -1))
    if norm == HAMMING:
        return np.add.reduce(np.where(np.isnan(d), d, d != 0), -1)
    return np.add.reduce(np.abs(d), -1) if norm == MANHATTAN else np.maximum.reduce(np.abs(d), -1, initial=0)


@kernel(distances_plain, dtypes="fd", least=LARGE)
def distances(out: Any, x: Any, y: Any, norm: int, first: int, end: int) -> None:
    """Distances of the rows of ``x`` from those of ``y``.

    Parameters
    ----------
    out : array, shape (B, N, M)
        Written, from row `first` to row `end` of B * N.
    x : array, shape (B, N, K)
    y : array, shape (B, M, K)
    norm : int
        HAMMING, MANHATTAN, EUCLIDEAN or CHEBYSHEV.
    first, end : int
    """
    n = x.shape[1]
    for row in range(first, end):
        b, i = row // n, row % n
        _distances_of_row(x[b, i], y[b], 0, norm, out[b, i])


def distance_slopes_plain(
    g: Any, x: Any, y: Any, far: Any, out: Any, norm: int, first: int, end: int
) -> None:  # fmt: skip
    """Rows ``first`` to ``end`` of the gradient."""
    stack, at = np.divmod(np.arange(first, end), x.shape[1])
    d = x[stack, at, None] - y[stack]
    out.reshape(math.prod(out.shape[:2]), out.shape[2])[first:end] = np.add.reduce(
        _pulls(g[stack, at], d, far[stack, at], norm), 1
    )


def _pulls(g: Any, d: Any, far: Any, norm: int) -> Any:
    if norm == EUCLIDEAN:
        return g[..., None] * d
    if norm == HAMMING:
        return np.zeros_like(d)
    if norm == MANHATTAN:
        return g[..., None] * np.sign(d)
    largest = np.abs(d) == far[..., None]
    shares = g / np.maximum(np.add.reduce(largest, -1), 1)
    return np.where(largest, shares[..., None] * np.sign(d), d - d)


@kernel(distance_slopes_plain, dtypes="fd", least=LARGE)
def distance_slopes(g: Any, x: Any, y: Any, far: Any, out: Any, norm: int, first: int, end: int) -> None:
    """The gradient of ``x`` from that of the distances.

    Parameters
    ----------
    g : array, shape (B, N, M)
        Over the distances where they are Euclidean.
    x : array, shape (B, N, K)
    y : array, shape (B, M, K)
    far : array, shape (B, N, M)
        The distances.
    out : array, shape (B, N, K)
        Written, from row `first` to row `end` of B * N.
    norm : int
    first, end : int
    """
    n, sums, total = x.shape[1], np.zeros(x.shape[2]), np.zeros(x.shape[2], x.dtype)
    for row in range(first, end):
        b, i = row // n, row % n
        for j in range(y.shape[1]):
            _pull(x[b, i], y[b, j], g[b, i, j], far[b, i, j], norm, total)
            if j % _FEW == _FEW - 1:
                _flush(total, sums)
        _finish(total, sums, out[b, i])


def pair_distances_plain(out: Any, x: Any, norm: int, first: int, end: int) -> None:
    """The distances of rows ``first`` to ``end`` from those behind them."""
    i, j = np.triu_indices(len(x), 1)
    here = slice(*np.searchsorted(i, (first, end)))
    out[here] = _lengths(x[i[here]] - x[j[here]], norm)


@kernel(pair_distances_plain, dtypes="fd", least=LARGE)
def pair_distances(out: Any, x: Any, norm: int, first: int, end: int) -> None:
    """Distances of the pairs of rows of ``x``.

    Parameters
    ----------
    out : array, shape (N * (N - 1) / 2,)
        Written, for the pairs whose first is one of the rows `first` to `end`.
    x : array, shape (N, K)
    norm : int
    first, end : int
    """
    n = len(x)
    for i in range(first, end):
        _distances_of_row(x[i], x, i + 1, norm, out[i * n - i * (i + 1) // 2 :])


def pair_slopes_plain(g: Any, x: Any, far: Any, out: Any, norm: int, first: int, end: int) -> None:
    """Rows ``first`` to ``end`` of the gradient."""
    i, j = np.triu_indices(len(x), 1)
    both = np.zeros((2, len(x), len(x)), x.dtype)
    both[0, i, j] = both[0, j, i] = g
    both[1, i, j] = both[1, j, i] = far
    d = x[first:end, None] - x
    d[np.arange(end - first), np.arange(first, end)] = 0  # infinity less infinity
    out[first:end] = np.add.reduce(_pulls(both[0, first:end], d, both[1, first:end], norm), 1)


@kernel(pair_slopes_plain, dtypes="fd", least=LARGE)
def pair_slopes(g: Any, x: Any, far: Any, out: Any, norm: int, first: int, end: int) -> None:
    """The gradient of ``x`` from that of the distances of its rows' pairs.

    Parameters
    ----------
    g : array, shape (N * (N - 1) / 2,)
        Over the distances where they are Euclidean.
    x : array, shape (N, K)
    far : array, shape (N * (N - 1) / 2,)
        The distances.
    out : array, shape (N, K)
        Written, from row `first` to row `end`.
    norm : int
    first, end : int
    """
    n, sums, total = len(x), np.zeros(x.shape[1]), np.zeros(x.shape[1], x.dtype)
    for i in range(first, end):
        for j in range(n):
            low, high = min(i, j), max(i, j)
            at = low * n - low * (low + 1) // 2 + high - low - 1
            if i != j:
                _pull(x[i], x[j], g[at], far[at], norm, total)
            if j % _FEW == _FEW - 1:
                _flush(total, sums)
        _finish(total, sums, out[i])
