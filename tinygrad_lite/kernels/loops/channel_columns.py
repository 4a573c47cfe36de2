"""The loops over channels of `channel_loops` for short rows, as of (N, C): all channels of a sample at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from .channel_loops import normalize_back_plain, normalize_plain

STRIP = 512  # columns whose sums stay near while all samples are gone through


def _add(x: Any, sums: Any) -> None:
    for j in range(x.size):
        sums[j] += x[j]


def _add_squares(x: Any, means: Any, sums: Any) -> None:
    for j in range(x.size):
        d = x[j] - means[j]
        sums[j] += d * d


def _add_moments(g: Any, x: Any, means: Any, products: Any) -> None:
    for j in range(x.size):
        products[j] += g[j] * (x[j] - means[j])


def _affine(x: Any, means: Any, factors: Any, shifts: Any, out: Any) -> None:
    for j in range(x.size):
        out[j] = (x[j] - means[j]) * factors[j] + shifts[j]


def _mixed(g: Any, x: Any, means: Any, of_g: Any, of_x: Any, shifts: Any, out: Any) -> None:
    """In two loops: one of seven arrays does not vectorize, for the overlaps that it would have to rule out."""
    _affine(x, means, of_x, shifts, out)
    for j in range(g.size):
        out[j] += g[j] * of_g[j]


def _gather(columns: Any, size: int, place: int) -> float:
    """The sum of a channel's columns, which are 0 afterwards."""
    s = 0.0
    for j in range(place * size, (place + 1) * size):
        s += columns[j]
        columns[j] = 0.0
    return s


def _spread(values: Any, first: int, columns: Any, size: int) -> None:
    """Each channel's value, from the channel `first` on, for each of its columns."""
    for j in range(columns.size):
        columns[j] = values[first + j // size]


@kernel(normalize_plain)
def normalize_columns(
    x: Any, weight: Any, bias: Any, eps: Any, mean: Any, square: Any, scale: Any, factor: Any, out: Any, first: int,
    end: int,
) -> None:  # fmt: skip
    n, size, one = len(x), x.shape[2], x.dtype.type(1)
    flat, into, wide = x.reshape(n, -1), out.reshape(n, -1), max(1, STRIP // x.shape[2])
    for start in range(first, end, wide):
        stop = min(start + wide, end)
        a, b = start * size, stop * size
        sums, (means, factors, shifts) = np.zeros(b - a), np.empty((3, b - a), x.dtype)
        for i in range(n):
            _add(flat[i, a:b], sums)
        for c in range(start, stop):
            mean[c] = _gather(sums, size, c - start) / (n * size)
        _spread(mean, start, means, size)
        for i in range(n):
            _add_squares(flat[i, a:b], means, sums)
        for c in range(start, stop):
            square[c] = _gather(sums, size, c - start) / (n * size)
            scale[c] = one / np.sqrt(square[c] + eps)
            factor[c] = scale[c] * weight[c]
        _spread(factor, start, factors, size)
        _spread(bias, start, shifts, size)
        for i in range(n):
            _affine(flat[i, a:b], means, factors, shifts, into[i, a:b])


@kernel(normalize_back_plain)
def normalize_back_columns(
    g: Any, x: Any, weight: Any, mean: Any, scale: Any, sums: Any, products: Any, of_x: Any, factor: Any, shift: Any,
    out: Any, first: int, end: int,
) -> None:  # fmt: skip
    n, size = len(x), x.shape[2]
    up, flat, into, wide = g.reshape(n, -1), x.reshape(n, -1), out.reshape(n, -1), max(1, STRIP // x.shape[2])
    count = x.dtype.type(n * size)
    for start in range(first, end, wide):
        stop = min(start + wide, end)
        a, b = start * size, stop * size
        totals, moments = np.zeros(b - a), np.zeros(b - a)
        means, of_g, of_d, shifts = np.empty((4, b - a), x.dtype)
        _spread(mean, start, means, size)
        for i in range(n):
            _add(up[i, a:b], totals)
            _add_moments(up[i, a:b], flat[i, a:b], means, moments)
        for c in range(start, stop):
            sums[c] = _gather(totals, size, c - start)
            products[c] = _gather(moments, size, c - start)
            products[c] *= scale[c]
            factor[c] = scale[c] * weight[c]
            of_x[c] = -factor[c] * scale[c] * products[c] / count
            shift[c] = -factor[c] * sums[c] / count
        _spread(factor, start, of_g, size)
        _spread(of_x, start, of_d, size)
        _spread(shift, start, shifts, size)
        for i in range(n):
            _mixed(up[i, a:b], flat[i, a:b], means, of_g, of_d, shifts, into[i, a:b])
