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

SHORT = 8  # a row of fewer elements is not worth a loop of its own: see `channel_columns`
NARROW = 32  # columns at a time: of fewer, to find a row's part takes longer than to add it
NEAR = 1 << 15  # elements of some channels that are still near when they are met again


def pays(shape: tuple[int, ...], dtype: Any, short: bool = False) -> bool:
    """Is a loop over channels possible, and worth its call? Short rows are better left to NumPy, or to columns."""
    if len(shape) < 2 or math.prod(shape) < LARGE or dtype.char not in "fd":
        return False
    return short or (len(shape) > 2 and math.prod(shape[2:]) >= SHORT)


def are_channels(*arrays: Any, short: bool = False) -> bool:
    """Are these arrays of one dtype, and the first of a shape that a loop over channels pays for?"""
    x = arrays[0]
    if any(type(a) is not np.ndarray or a.dtype != x.dtype for a in arrays):
        return False
    return pays(x.shape, x.dtype, short)


def over_channels(
    kernel: Kernel, arrays: tuple[Any, ...], *vectors: Any, out: Any = None, columns: Kernel | None = None
) -> None:
    """A loop over the channels of arrays of one shape, shared between threads.

    Parameters
    ----------
    kernel : Kernel
    arrays : tuple of array, shape (N, C, ...)
    *vectors : array, shape (C,)
    out : array, shape (N, C, ...), contiguous, optional
        Handed on last.
    columns : Kernel, optional
        Does the same where rows are short.
    """
    n, count = arrays[0].shape[:2]
    flat = [np.ascontiguousarray(a).reshape(n, count, -1) for a in arrays]
    last, size = () if out is None else (out.reshape(n, count, -1),), piece(arrays[0].size // count)
    if columns is not None and flat[0].shape[2] < SHORT:
        kernel, size = columns, max(size, NARROW)
    in_ranges(kernel, size, count, *flat, *vectors, *last)


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
    size, sums = len(x) * x.shape[2], np.zeros(end - first)
    for i in range(len(x)):
        for c in range(first, end):
            sums[c - first] += total(x[i, c])
    for c in range(first, end):
        mean[c] = sums[c - first] / size
        sums[c - first] = 0.0
    for i in range(len(x)):
        for c in range(first, end):
            sums[c - first] += spread(x[i, c], mean[c])
    for c in range(first, end):
        square[c] = sums[c - first] / size


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
    found = np.zeros((2, end - first))
    for i in range(len(x)):
        for c in range(first, end):
            found[0, c - first] += total(g[i, c])
            found[1, c - first] += moment(g[i, c], x[i, c], mean[c])
    for c in range(first, end):
        sums[c], products[c] = found[0, c - first], found[1, c - first]


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


# --- both at once, for as many channels as stay near ------------------------------------------------------------------


def normalize_plain(
    x: Any, weight: Any, bias: Any, eps: Any, mean: Any, square: Any, scale: Any, factor: Any, out: Any, first: int,
    end: int,
) -> None:  # fmt: skip
    """``out = (x - mean) * scale * weight + bias``, where ``scale = 1 / sqrt(square + eps)``.

    Parameters
    ----------
    x : array, shape (N, C, S), floating
    weight, bias : array, shape (C,)
    eps : float, of the dtype of `x`
    mean, square, scale, factor : array, shape (C,)
        Written: as `statistics`, and what x is multiplied with.
    out : array, shape (N, C, S)
        Written.
    first, end : int
    """
    c = slice(first, end)
    statistics_plain(x, mean, square, first, end)
    scale[c] = 1 / np.sqrt(square[c] + eps)
    factor[c] = scale[c] * weight[c]
    affine_plain(x, out, mean, factor, bias, first, end)


@kernel(normalize_plain)
def normalize(
    x: Any, weight: Any, bias: Any, eps: Any, mean: Any, square: Any, scale: Any, factor: Any, out: Any, first: int,
    end: int,
) -> None:  # fmt: skip
    one, wide = x.dtype.type(1), max(1, NEAR // (len(x) * x.shape[2]))
    for start in range(first, end, wide):
        stop = min(start + wide, end)
        statistics(x, mean, square, start, stop)
        for c in range(start, stop):
            scale[c] = one / np.sqrt(square[c] + eps)
            factor[c] = scale[c] * weight[c]
        affine(x, out, mean, factor, bias, start, stop)


def normalize_back_plain(
    g: Any, x: Any, weight: Any, mean: Any, scale: Any, sums: Any, products: Any, of_x: Any, factor: Any, shift: Any,
    out: Any, first: int, end: int,
) -> None:  # fmt: skip
    """The gradient of `normalize` with respect to x: with the statistics' own, in which each sample counts.

    Parameters
    ----------
    g, x : array, shape (N, C, S), floating
    weight, mean, scale : array, shape (C,)
    sums, products : array, shape (C,)
        Written: the gradients of the bias and of the weight.
    of_x, factor, shift : array, shape (C,)
        Written: see `mixed`.
    out : array, shape (N, C, S)
        Written.
    first, end : int
    """
    c, n = slice(first, end), x.dtype.type(x.shape[0] * x.shape[2])
    moments_plain(g, x, mean, sums, products, first, end)
    products[c] *= scale[c]
    factor[c] = scale[c] * weight[c]
    of_x[c] = -factor[c] * scale[c] * products[c] / n
    shift[c] = -factor[c] * sums[c] / n
    mixed_plain(g, x, out, mean, factor, of_x, shift, first, end)


@kernel(normalize_back_plain)
def normalize_back(
    g: Any, x: Any, weight: Any, mean: Any, scale: Any, sums: Any, products: Any, of_x: Any, factor: Any, shift: Any,
    out: Any, first: int, end: int,
) -> None:  # fmt: skip
    n, wide = x.dtype.type(len(x) * x.shape[2]), max(1, NEAR // (len(x) * x.shape[2]))
    for start in range(first, end, wide):
        stop = min(start + wide, end)
        moments(g, x, mean, sums, products, start, stop)
        for c in range(start, stop):
            products[c] *= scale[c]
            factor[c] = scale[c] * weight[c]
            of_x[c] = -factor[c] * scale[c] * products[c] / n
            shift[c] = -factor[c] * sums[c] / n
        mixed(g, x, out, mean, factor, of_x, shift, start, stop)
