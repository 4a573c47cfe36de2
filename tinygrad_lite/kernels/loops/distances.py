"""Distances of all rows of one matrix from all of another, by their differences, and how they change with the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import LARGE, kernel
from .row_sums import BLOCK, summing


@summing
def _block_of_sizes(x: Any, y: Any) -> Any:
    s = x.dtype.type(0)
    for i in range(x.size):
        s += abs(x[i] - y[i])
    return s


@summing
def _block_of_squares(x: Any, y: Any) -> Any:
    s = x.dtype.type(0)
    for i in range(x.size):
        d = x[i] - y[i]
        s += d * d
    return s


def distance(x: Any, y: Any, euclidean: bool) -> float:
    """The distance of two rows: the root of the sum of squares, or the sum of the components' sizes."""
    s = 0.0
    for start in range(0, x.size, BLOCK):
        a, b = x[start : start + BLOCK], y[start : start + BLOCK]
        s += _block_of_squares(a, b) if euclidean else _block_of_sizes(a, b)
    return np.sqrt(s) if euclidean else s


def distances_plain(out: Any, x: Any, y: Any, euclidean: bool, first: int, end: int) -> None:
    """Rows ``first`` to ``end`` of the distances."""
    d = x[first:end, None] - y
    out[first:end] = np.sqrt(np.add.reduce(d * d, -1)) if euclidean else np.add.reduce(np.abs(d), -1)


@kernel(distances_plain, dtypes="fd", least=LARGE)
def distances(out: Any, x: Any, y: Any, euclidean: bool, first: int, end: int) -> None:
    """Distances ``out``, (N, M), of the rows of ``x``, (N, K), from those of ``y``, (M, K).

    Parameters
    ----------
    out : array, shape (N, M)
        Written, from row `first` to row `end`.
    x : array, shape (N, K)
    y : array, shape (M, K)
    euclidean : bool
    first, end : int
    """
    for i in range(first, end):
        for j in range(len(y)):
            out[i, j] = distance(x[i], y[j], euclidean)


def distance_slopes_plain(g: Any, x: Any, y: Any, out: Any, euclidean: bool, first: int, end: int) -> None:
    """Rows ``first`` to ``end`` of the gradient."""
    d = x[first:end, None] - y
    out[first:end] = np.add.reduce(g[first:end, :, None] * (d if euclidean else np.sign(d)), 1)


@kernel(distance_slopes_plain, dtypes="fd", least=LARGE)
def distance_slopes(g: Any, x: Any, y: Any, out: Any, euclidean: bool, first: int, end: int) -> None:
    """The gradient of ``x`` from that of the distances, ``g``, (N, M), over the distances where they are Euclidean.

    Parameters
    ----------
    g : array, shape (N, M)
    x : array, shape (N, K)
    y : array, shape (M, K)
    out : array, shape (N, K)
        Written, from row `first` to row `end`.
    euclidean : bool
    first, end : int
    """
    total = np.zeros(x.shape[1])
    for i in range(first, end):
        row = x[i]
        for k in range(row.size):
            total[k] = 0.0
        for j in range(len(y)):
            up, other = g[i, j], y[j]
            if euclidean:
                for k in range(row.size):
                    total[k] += up * (row[k] - other[k])
            else:
                for k in range(row.size):
                    d = row[k] - other[k]
                    total[k] += up if d > 0 else -up if d < 0 else up * d
        for k in range(row.size):
            out[i, k] = total[k]
