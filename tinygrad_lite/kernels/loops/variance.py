"""Distances from the mean, and sums of their squares, in double precision: of rows, and over the middle dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from .pairwise_sum import pairwise_sum
from .row_sums import summing


def row_squares_plain(x: Any, out: Any) -> None:
    """The sum of each row's squared distances from its mean.

    Parameters
    ----------
    x : array, shape (M, N), floating
    out : array, shape (M,), float64
        Written.
    """
    middle_squares_plain(x[:, :, None], out[:, None], out)


@summing
def _sum(x: Any) -> Any:
    s = 0.0
    for i in range(x.size):
        s += x[i]
    return s


@summing
def _spread(x: Any, mean: float) -> Any:
    s = 0.0
    for i in range(x.size):
        d = x[i] - mean
        s += d * d
    return s


@kernel(row_squares_plain)
def row_squares(x: Any, out: Any) -> None:
    for i in range(len(x)):
        out[i] = _spread(x[i], _sum(x[i]) / x.shape[1])


def row_distances_plain(x: Any, out: Any) -> None:
    """Each row's distances from its mean, in double precision before they are rounded.

    Parameters
    ----------
    x : array, shape (M, N), floating
    out : array, shape (M, N), of the same dtype
        Written.
    """
    mean = np.add.reduce(x, 1, np.float64, keepdims=True) / x.shape[1]
    rest = np.add.reduce(x - mean, 1, keepdims=True) / x.shape[1]
    out[...] = x - mean - np.where(np.isfinite(rest), rest, 0.0)  # others keep their distance from an infinity


@summing
def _off(x: Any, mean: float) -> Any:
    s = 0.0
    for i in range(x.size):
        s += x[i] - mean
    return s


@kernel(row_distances_plain)
def row_distances(x: Any, out: Any) -> None:
    for i in range(len(x)):
        row, into = x[i], out[i]
        mean = _sum(row) / row.size
        rest = _off(row, mean) / row.size
        if not abs(rest) < np.inf:
            rest = 0.0
        for j in range(row.size):
            into[j] = row[j] - mean - rest


def middle_squares_plain(x: Any, out: Any, scratch: Any) -> None:
    """``out = sum((x - mean(x, 1)) ** 2, 1)``.

    Parameters
    ----------
    x : array, shape (M, N, I), floating
    out : array, shape (M, I), float64
        Written.
    scratch : array, shape (I,), float64
        Overwritten.
    """
    n = x.shape[1]
    d = x - (pairwise_sum(x, 1, True, np.float64) / n).astype(x.dtype)  # exact but for the mean's rounding
    rest = pairwise_sum(d, 1, False, np.float64)
    out[...] = pairwise_sum(np.multiply(d, d, dtype=np.float64), 1) - rest * rest / n


@kernel(middle_squares_plain)
def middle_squares(x: Any, out: Any, scratch: Any) -> None:
    m, n, inner = x.shape
    for i in range(m):
        mean, squares = scratch, out[i]
        for j in range(inner):
            mean[j] = 0.0
            squares[j] = 0.0
        for k in range(n):
            row = x[i, k]
            for j in range(inner):
                mean[j] += row[j]
        for j in range(inner):
            mean[j] /= n
        for k in range(n):
            row = x[i, k]
            for j in range(inner):
                d = row[j] - mean[j]
                squares[j] += d * d
