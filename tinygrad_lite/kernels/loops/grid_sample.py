"""Weighted sums of pixels at any places: the loops of sampling grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import backend
from ..kernel import kernel


def _picked(x: Any, index: Any) -> Any:
    """``x[n, c, index[n, k, p]]``, shape (N, C, K, P)."""
    count, channels, _ = x.shape
    return x[np.arange(count)[:, None, None, None], np.arange(channels)[:, None, None], index[:, None]]


def mix_plain(x: Any, weight: Any, index: Any, out: Any) -> None:
    """``out[n, c, p] = sum over k of weight[n, k, p] x[n, c, index[n, k, p]]``.

    Parameters
    ----------
    x : array, shape (N, C, S)
    weight : array, shape (N, K, P)
    index : array, shape (N, K, P), uint32
        In [0, S).
    out : array, shape (N, C, P)
        Written.
    """
    np.add.reduce(_picked(x, index) * weight[:, None], axis=2, out=out)


@kernel(mix_plain, dtypes="fd")
def mix(x: Any, weight: Any, index: Any, out: Any) -> None:
    count, channels, _ = x.shape
    _, corners, points = weight.shape
    for n in range(count):
        for first in range(0, points, 512):  # so many stay in the cache for all channels
            w, at = weight[n, :, first : first + 512], index[n, :, first : first + 512]
            for c in range(channels):
                row, into = x[n, c], out[n, c, first : first + 512]
                if corners == 4:
                    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
                    i0, i1, i2, i3 = at[0], at[1], at[2], at[3]
                    for p in range(into.size):
                        upper = w0[p] * row[i0[p]] + w1[p] * row[i1[p]]
                        into[p] = upper + (w2[p] * row[i2[p]] + w3[p] * row[i3[p]])
                    continue
                for k in range(corners):
                    factor, places = w[k], at[k]
                    if k == 0:
                        for p in range(into.size):
                            into[p] = factor[p] * row[places[p]]
                    else:
                        for p in range(into.size):
                            into[p] += factor[p] * row[places[p]]


def unmix_plain(y: Any, weight: Any, index: Any, out: Any) -> None:
    """``out[n, c, index[n, k, p]] += weight[n, k, p] y[n, c, p]``: the transpose of `mix` in `x`.

    Parameters
    ----------
    y : array, shape (N, C, P)
    weight : array, shape (N, K, P)
    index : array, shape (N, K, P), uint32
        In [0, S).
    out : array, shape (N, C, S)
        Written.
    """
    count, channels, _ = out.shape
    places = np.arange(count)[:, None, None, None], np.arange(channels)[:, None, None], index[:, None]
    np.add.at(out, places, y[:, :, None] * weight[:, None])


@kernel(unmix_plain, dtypes="fd")
def unmix(y: Any, weight: Any, index: Any, out: Any) -> None:
    count, channels, _ = out.shape
    _, corners, points = weight.shape
    for n in range(count):
        for first in range(0, points, 512):
            w, at = weight[n, :, first : first + 512], index[n, :, first : first + 512]
            for c in range(channels):
                row, up = out[n, c], y[n, c, first : first + 512]
                for k in range(corners):
                    factor, places = w[k], at[k]
                    for p in range(up.size):
                        row[places[p]] += factor[p] * up[p]


def meet_plain(y: Any, x: Any, index: Any, out: Any) -> None:
    """``out[n, k, p] = sum over c of y[n, c, p] x[n, c, index[n, k, p]]``: the transpose of `mix` in the weights.

    Parameters
    ----------
    y : array, shape (N, C, P)
    x : array, shape (N, C, S)
    index : array, shape (N, K, P), uint32
        In [0, S).
    out : array, shape (N, K, P)
        Written.
    """
    np.add.reduce(_picked(x, index) * y[:, :, None], axis=1, out=out)


@kernel(meet_plain, dtypes="fd")
def meet(y: Any, x: Any, index: Any, out: Any) -> None:
    count, channels, _ = x.shape
    _, corners, points = index.shape
    zero = x.dtype.type(0)
    for n in range(count):
        for first in range(0, points, 512):
            at, total = index[n, :, first : first + 512], out[n, :, first : first + 512]
            for k in range(corners):
                total[k][:] = zero
            for c in range(channels):
                row, up = x[n, c], y[n, c, first : first + 512]
                for k in range(corners):
                    into, places = total[k], at[k]
                    for p in range(into.size):
                        into[p] += up[p] * row[places[p]]


def _place(v: Any, size: Any, zero: Any, half: Any, outside: int, align: bool) -> Any:
    """Where a number between -1 and 1 lies in a line of pixels, and its derivative."""
    one = half + half
    last = size - one
    slope = last * half if align else size * half
    x = (v + one) * slope if align else ((v + one) * size - one) * half
    if outside == 0:
        return x, slope
    if outside == 2:
        low, span = (zero, last) if align else (-half, size)
        if span == zero:
            return zero, zero
        x -= low
        slope = -slope if x < zero else slope if x > zero else zero
        x = np.fmod(abs(x), span + span)
        if x > span:
            x, slope = span + span - x, -slope
        x += low
    if x > zero and x < last:
        return x, slope
    return last if x >= last else zero, zero  # zero for NaN, too


_place.__dict__["decorator"] = "exact"  # half a pixel is half a pixel: "nearest" decides there


def corners_plain(grid: Any, sizes: Any, outside: int, align: bool, index: Any, weight: Any, slopes: Any) -> None:
    """The four pixels around each place, as `mix` wants them, and how their weights change; or the nearest pixel.

    Parameters
    ----------
    grid : array, shape (N, P, 2)
        Places (x, y), from -1 to 1.
    sizes : array, shape (2,), of the dtype of `grid`
        Height and width.
    outside : int
        What lies there: 0 zeros, 1 the border, 2 reflections.
    align : bool
        Whether -1 and 1 are the centres of the outermost pixels.
    index : array, shape (N, 4, P) or (N, 1, P), uint32
        Written: for pixels that do not exist, the one after the last.
    weight : array, of the shape of `index`
        Written.
    slopes : array, shape (2, N, 4, P)
        Written where there are four: derivatives of the weights by x and y.
    """
    corners.loop(grid, sizes, outside, align, index, weight, slopes)  # NumPy has a way of its own, in ops/neural/vision


def finds(grid: Any, mode: str, dims: int) -> bool:
    """What `corners` serves, where loops are compiled: as Python it would take forever."""
    return dims == 2 and mode != "bicubic" and grid.dtype.char in "fd" and backend() == "numba"


@kernel(corners_plain)
def corners(grid: Any, sizes: Any, outside: int, align: bool, index: Any, weight: Any, slopes: Any) -> None:
    count, points, _ = grid.shape
    zero, half, one = grid.dtype.type(0), grid.dtype.type(0.5), grid.dtype.type(1)
    height, width = sizes[0], sizes[1]
    nothing = int(height) * int(width)
    for n in range(count):
        for p in range(points):
            x, by_x = _place(grid[n, p, 0], width, zero, half, outside, align)
            y, by_y = _place(grid[n, p, 1], height, zero, half, outside, align)
            if index.shape[1] == 1:
                row, column = np.rint(y), np.rint(x)
                known = row >= zero and row < height and column >= zero and column < width
                index[n, 0, p] = int(row) * int(width) + int(column) if known else nothing
                weight[n, 0, p] = one
                continue
            left, top = np.floor(x), np.floor(y)
            for k in range(4):
                row, column = top + one if k >= 2 else top, left + one if k % 2 else left
                known = row >= zero and row < height and column >= zero and column < width
                across, down = x - left if k % 2 else left + one - x, y - top if k >= 2 else top + one - y
                index[n, k, p] = int(row) * int(width) + int(column) if known else nothing
                weight[n, k, p] = across * down
                slopes[0, n, k, p] = (by_x if k % 2 else -by_x) * down
                slopes[1, n, k, p] = (by_y if k >= 2 else -by_y) * across
