"""Along the middle of three dimensions: reading and adding by index, and running extremes; and outer products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernel import LARGE, kernel, serves
from .row_sums import copy_row, fill_row


def pick_plain(x: Any, index: Any, out: Any) -> None:
    """``out[a, k, b] = x[a, index[a, k, b], b]``.

    Parameters
    ----------
    x : array, shape (A, N, B)
    index : array, shape (A, K, B), integer
        In [0, N).
    out : array, shape (A, K, B)
        Written.
    """
    out[...] = np.take_along_axis(x, index, 1)


@kernel(pick_plain)
def pick(x: Any, index: Any, out: Any) -> None:
    outer, count, inner = index.shape
    if inner == 1:
        for a in range(outer):
            row, places, into = x[a, :, 0], index[a, :, 0], out[a, :, 0]
            for k in range(count):
                into[k] = row[places[k]]
        return
    for a in range(outer):
        for k in range(count):
            places, into = index[a, k], out[a, k]
            for b in range(inner):
                into[b] = x[a, places[b], b]


def spread_plain(g: Any, index: Any, out: Any) -> None:
    """``out[a, index[a, k, b], b] += g[a, k, b]``, the transpose of `pick`.

    Parameters
    ----------
    g : array, shape (A, K, B)
    index : array, shape (A, K, B), integer
        In [0, N).
    out : array, shape (A, N, B)
        Written.
    """
    outer, _, inner = index.shape
    np.add.at(out, (np.arange(outer)[:, None, None], index, np.arange(inner)), g)


@kernel(spread_plain)
def spread(g: Any, index: Any, out: Any) -> None:
    outer, count, inner = index.shape
    if inner == 1:
        for a in range(outer):
            up, places, into = g[a, :, 0], index[a, :, 0], out[a, :, 0]
            for k in range(count):
                into[places[k]] += up[k]
        return
    for a in range(outer):
        for k in range(count):
            up, places = g[a, k], index[a, k]
            for b in range(inner):
                out[a, places[b], b] += up[b]


def _fits(a: Any, indices: Any, axis: int) -> bool:
    """Whether there is much to read or to add, and all of it lies within the dimension of the indices."""
    if (a.size < LARGE and indices.size < LARGE) or a.dtype.char not in "fdl" or indices.dtype != np.int64:
        return False
    x, i = a.shape, indices.shape
    return x[:axis] == i[:axis] and x[axis + 1 :] == i[axis + 1 :] and 0 not in x and 0 not in i


def _in_three(loop: Any, axis: int, a: Any, indices: Any, out: Any) -> None:
    """Run a loop on arrays as (what is before, along, behind a dimension)."""
    three = math.prod(a.shape[:axis]), -1, math.prod(a.shape[axis + 1 :])
    loop.run(np.ascontiguousarray(a).reshape(three), np.ascontiguousarray(indices).reshape(three), out.reshape(three))


@serves(_fits)
def picked(arr: Any, indices: Any, axis: int) -> Any:
    """The entries at indices along a dimension, none of which is negative."""
    out = np.empty(indices.shape, arr.dtype)
    _in_three(pick, axis, arr, indices, out)
    return out


@serves(lambda values, indices, axis, out: values.dtype.char in "fdl" and _fits(out, indices, axis))
def spread_along(values: Any, indices: Any, axis: int, out: Any) -> None:
    """Add values to those entries of `out`, which is in C order, that indices along a dimension name."""
    _in_three(spread, axis, values, indices, out)


def _rising(row: Any, places: Any) -> None:
    """The running maximum of a row: a branch that is seldom taken, and NaN apart."""
    top, place, k = row[0], 0, 0
    while k < row.size and row[k] == row[k]:
        if not (row[k] < top):
            top, place = row[k], k
        places[k] = place
        k += 1
    for j in range(k, row.size):
        place = j if row[j] != row[j] else place
        places[j] = place


def _falling(row: Any, places: Any) -> None:
    """`_rising` of the running minimum."""
    top, place, k = row[0], 0, 0
    while k < row.size and row[k] == row[k]:
        if not (row[k] > top):
            top, place = row[k], k
        places[k] = place
        k += 1
    for j in range(k, row.size):
        place = j if row[j] != row[j] else place
        places[j] = place


def running_extreme_plain(x: Any, largest: bool, index: Any) -> None:
    """Where the largest or the smallest so far is, the last of several; NaN counts for more than all numbers.

    Parameters
    ----------
    x : array, shape (A, N, B)
    largest : bool
    index : array, shape (A, N, B), integer
        Written.
    """
    reached = x == (np.maximum if largest else np.minimum).accumulate(x, 1)
    reached |= x != x
    place = np.arange(x.shape[1])[:, None]
    np.maximum.accumulate(np.where(reached, place, 0), 1, out=index)


@kernel(running_extreme_plain, dtypes="fdl", least=LARGE)
def running_extreme(x: Any, largest: bool, index: Any) -> None:
    outer, count, inner = x.shape
    if inner == 1:
        for a in range(outer):
            if largest:
                _rising(x[a, :, 0], index[a, :, 0])
            else:
                _falling(x[a, :, 0], index[a, :, 0])
        return
    for a in range(outer):
        for b in range(inner):
            index[a, 0, b] = 0
        for k in range(1, count):
            row, before, places = x[a, k], index[a, k - 1], index[a, k]
            for b in range(inner):
                v, top = row[b], x[a, before[b], b]
                places[b] = k if (v >= top if largest else v <= top) or v != v else before[b]


def triangle_plain(x: Any, diagonal: int, lower: bool, out: Any) -> None:
    """Matrices with zeros above a diagonal, or below it.

    Parameters
    ----------
    x : array, shape (A, N, M)
    diagonal : int
        The last one kept, or the first.
    lower : bool
    out : array, shape (A, N, M)
        Written.
    """
    kept = np.tri(x.shape[1], x.shape[2], diagonal if lower else diagonal - 1, dtype=np.bool_)
    out[...] = np.where(kept if lower else ~kept, x, x.dtype.type(0))


@kernel(triangle_plain, dtypes="fdl", least=LARGE)
def triangle(x: Any, diagonal: int, lower: bool, out: Any) -> None:
    outer, count, width = x.shape
    zero = x.dtype.type(0)
    for a in range(outer):
        for i in range(count):
            row, into = x[a, i], out[a, i]
            end = min(max(i + diagonal + (1 if lower else 0), 0), width)
            first, behind = into[:end], into[end:]
            if lower:
                copy_row(row[:end], first)
                fill_row(behind, zero)
            else:
                fill_row(first, zero)
                copy_row(row[end:], behind)


def reverse_plain(x: Any, out: Any) -> None:
    """Rows backwards.

    Parameters
    ----------
    x : array, shape (A, N)
    out : array, shape (A, N)
        Written.
    """
    out[...] = x[:, ::-1]


@kernel(reverse_plain)
def reverse(x: Any, out: Any) -> None:
    outer, count = x.shape
    last = np.uintp(count - 1)  # nobody asks of an unsigned place whether it counts from the end: 12 times as fast
    for a in range(outer):
        row, into = x[a], out[a]
        for k in range(count):
            into[k] = row[last - np.uintp(k)]


@serves(lambda m, axis=None: (
    type(axis) is tuple and m.ndim - 1 in axis and m.size >= LARGE and m.shape[-1] >= 16 and m.dtype.char in "fdl"
    and m.flags.c_contiguous
))  # fmt: skip
def flipped(m: Any, axis: Any = None) -> Any:
    """An array backwards along dimensions, the last of which is one of them."""
    others = tuple([d for d in axis if d != m.ndim - 1])
    rows = np.flip(m, others).copy() if others else m
    out = np.empty(m.shape, m.dtype)
    reverse.run(rows.reshape(-1, m.shape[-1]), out.reshape(-1, m.shape[-1]))
    return out


def outer_plain(x: Any, y: Any, out: Any) -> None:
    """``out[i, j] = x[i] * y[j]``."""
    np.multiply(x[:, None], y, out=out)


@kernel(outer_plain)
def outer(x: Any, y: Any, out: Any) -> None:
    for i in range(x.size):
        factor, into = x[i], out[i]
        for j in range(y.size):
            into[j] = factor * y[j]


@serves(lambda x, y: x.size * y.size >= LARGE and x.dtype == y.dtype and x.dtype.char in "fd")
def outer_product(x: Any, y: Any) -> Any:
    """The products of all elements of two vectors."""
    out = np.empty((x.size, y.size), x.dtype)
    outer.run(np.ascontiguousarray(x), np.ascontiguousarray(y), out)
    return out
