"""Work channel by channel, of arrays of shape (N, C, S): sums over all samples, and factors for each channel.

A launch does the channels from `first` to `end`; `over_channels` makes one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernel import LARGE, Kernel, kernel
from ..native.parallel import in_ranges
from .pairwise_sum import pairwise_sum
from .row_loops import piece
from .row_sums import moment, spread, total


def pays(shape: tuple[int, ...], dtype: Any) -> bool:
    """Is a loop over channels possible, and worth its call? Short rows are better left to NumPy."""
    rows, size = math.prod(shape[2:]), math.prod(shape)
    return len(shape) > 2 and rows >= 8 and size >= LARGE and dtype.char in "fd"


def are_channels(*arrays: Any) -> bool:
    """Are these arrays of one dtype, and the first of a shape that a loop over channels pays for?"""
    x = arrays[0]
    if any(type(a) is not np.ndarray or a.dtype != x.dtype for a in arrays):
        return False
    return pays(x.shape, x.dtype)


def over_channels(kernel: Kernel, arrays: tuple[Any, ...], *vectors: Any) -> None:
    """A loop over the channels of arrays of one shape, shared between threads."""
    n, count = arrays[0].shape[:2]
    flat = [np.ascontiguousarray(a).reshape(n, count, -1) for a in arrays]
    in_ranges(kernel, piece(arrays[0].size // count), count, *flat, *vectors)


def statistics_plain(x: Any, mean: Any, square: Any, first: int, end: int) -> None:
    """The mean, and the mean squared distance from it.

    Parameters
    ----------
    x : array, shape (N, C, S), floating
    mean, square : array, shape (C,)
        Written.
    first, end : int
    """
    part, n = x[:, first:end], x.dtype.type(x.shape[0] * x.shape[2])
    mean[first:end] = pairwise_sum(part, (0, 2)) / n
    d = part - mean[first:end, None]
    square[first:end] = pairwise_sum(d * d, (0, 2)) / n


@kernel(statistics_plain)
def statistics(x: Any, mean: Any, square: Any, first: int, end: int) -> None:
    n, size = len(x), len(x) * x.shape[2]
    for c in range(first, end):
        s = 0.0
        for i in range(n):
            s += total(x[i, c])
        center = x.dtype.type(s / size)
        s = 0.0
        for i in range(n):
            s += spread(x[i, c], center)
        mean[c], square[c] = center, s / size


def moments_plain(g: Any, x: Any, mean: Any, sums: Any, products: Any, first: int, end: int) -> None:
    """The sums of g, and of its products with the distances from the mean.

    Parameters
    ----------
    g, x : array, shape (N, C, S), floating
    mean : array, shape (C,)
    sums, products : array, shape (C,)
        Written.
    first, end : int
    """
    up, d = g[:, first:end], x[:, first:end] - mean[first:end, None]
    sums[first:end] = pairwise_sum(up, (0, 2))
    products[first:end] = pairwise_sum(up * d, (0, 2))


@kernel(moments_plain)
def moments(g: Any, x: Any, mean: Any, sums: Any, products: Any, first: int, end: int) -> None:
    for c in range(first, end):
        s, p = 0.0, 0.0
        for i in range(len(x)):
            s += total(g[i, c])
            p += moment(g[i, c], x[i, c], mean[c])
        sums[c], products[c] = s, p


def affine_plain(x: Any, out: Any, mean: Any, factor: Any, shift: Any, first: int, end: int) -> None:
    """``out = (x - mean) * factor + shift``.

    Parameters
    ----------
    x : array, shape (N, C, S), floating
    out : array, shape (N, C, S)
        Written.
    mean, factor, shift : array, shape (C,)
    first, end : int
    """
    c = slice(first, end)
    out[:, c] = (x[:, c] - mean[c, None]) * factor[c, None] + shift[c, None]


@kernel(affine_plain)
def affine(x: Any, out: Any, mean: Any, factor: Any, shift: Any, first: int, end: int) -> None:
    for i in range(len(x)):
        for c in range(first, end):
            row, into, m, f, b = x[i, c], out[i, c], mean[c], factor[c], shift[c]
            for j in range(row.size):
                into[j] = (row[j] - m) * f + b


def mixed_plain(g: Any, x: Any, out: Any, mean: Any, of_g: Any, of_x: Any, shift: Any, first: int, end: int) -> None:
    """``out = g * of_g + (x - mean) * of_x + shift``.

    Parameters
    ----------
    g, x : array, shape (N, C, S), floating
    out : array, shape (N, C, S)
        Written.
    mean, of_g, of_x, shift : array, shape (C,)
    first, end : int
    """
    c = slice(first, end)
    out[:, c] = g[:, c] * of_g[c, None] + (x[:, c] - mean[c, None]) * of_x[c, None] + shift[c, None]


@kernel(mixed_plain)
def mixed(g: Any, x: Any, out: Any, mean: Any, of_g: Any, of_x: Any, shift: Any, first: int, end: int) -> None:
    for i in range(len(x)):
        for c in range(first, end):
            up, row, into, m, p, q, b = g[i, c], x[i, c], out[i, c], mean[c], of_g[c], of_x[c], shift[c]
            for j in range(row.size):
                into[j] = up[j] * p + (row[j] - m) * q + b
