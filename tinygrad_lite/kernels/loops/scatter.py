"""Reading by index, and its transpose: sums by place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from ..native.parallel import in_parts
from .pairwise_sum import FEW


def take_rows_plain(index: Any, out: Any, table: Any) -> None:
    """``out[k] = table[index[k]]``.

    Parameters
    ----------
    index : array, shape (K,), integer
        All of them rows of the table.
    out : array, shape (K, D)
        Written.
    table : array, shape (N, D), of the dtype of `out`
    """
    np.take(table, index, 0, out, "clip")  # the default would copy once more


@kernel(take_rows_plain)
def take_rows(index: Any, out: Any, table: Any) -> None:
    for k in range(index.size):
        row, into = table[index[k]], out[k]
        for d in range(row.size):
            into[d] = row[d]


SHARED = 1 << 20  # bytes from which rows are copied by several threads


def rows_at(table: Any, index: Any) -> Any:
    """``table[index]``, for integers that are rows of the table; shared between threads where there is much to copy."""
    out = np.empty((*index.shape, table.shape[1]), table.dtype)
    flat, into = np.ascontiguousarray(index).reshape(-1), out.reshape(index.size, table.shape[1])
    if out.nbytes < SHARED or not table.flags.c_contiguous:
        np.take(table, flat, 0, into, "clip")
        return out
    width = into.shape[1] * out.itemsize
    source, target = (a.view(np.uint8).reshape(-1, width) for a in (table, into))  # numba has not every dtype
    in_parts(take_rows, 1 + (1 << 17) // width, (flat, target), source)
    return out


def add_slices_plain(out: Any, index: Any, values: Any) -> None:
    """``out[a, index[k], b] += values[a, k, b]``, repeated indices included.

    Parameters
    ----------
    out : array, shape (A, N, B)
        Written.
    index : array, shape (K,), integer
        None of them negative.
    values : array, shape (A, K, B)
    """
    values, width = values.astype(out.dtype, copy=False), out.shape[2]
    places = index if width == 1 else (index[:, None] * width + np.arange(width)).reshape(-1)
    for into, each in zip(out.reshape(len(out), -1), values.reshape(len(out), -1)):
        np.add.at(into, places, each)  # on one flat dimension 7 times as fast as on rows


@kernel(add_slices_plain)
def add_slices(out: Any, index: Any, values: Any) -> None:
    outer, count, inner = values.shape
    for a in range(outer):
        if inner == 1:
            into, column = out[a, :, 0], values[a, :, 0]
            for k in range(count):
                into[index[k]] += column[k]
            continue
        for k in range(count):
            block, row = out[a, index[k]], values[a, k]
            for b in range(inner):
                block[b] += row[b]


def scatter_add(out: Any, index: Any, values: Any) -> None:
    """`add_slices`, for arrays of any dtype; where many are added to one, in double precision.

    Parameters
    ----------
    out : array, shape (A, N, B)
        Written. In C order.
    index : array, shape (K,), integer
        None of them negative.
    values : array, shape (A, K, B)
    """
    kind = out.dtype.char
    if kind == "?" or not values.size:
        add_slices.plain(out, index, values)
    elif kind not in "ef" or (kind == "f" and (len(index) <= FEW or _seldom(out, index))):
        add_slices.run(out, index, values)
    else:
        used: Any = slice(None)
        if len(index) < out.shape[1]:  # a part of the rows
            used, index = np.unique(index, return_inverse=True)
        wide = np.zeros((len(out), out.shape[1] if type(used) is slice else len(used), out.shape[2]))
        add_slices.run(wide, index.reshape(-1), values if kind == "f" else values.astype(np.float32))
        out[:, used] += wide


def _seldom(out: Any, index: Any) -> bool:
    """Whether no row gets more than a few additions; not looked at where that takes as long as to add."""
    few = len(index) < out.shape[1] * (FEW // 2 if out.shape[2] > 4 else 1)
    return bool(few and np.bincount(index).max() <= FEW)


def read_last_plain(x: Any, places: Any, last: Any, out: Any) -> None:
    """``out[k] = x[places[k]]`` for the last of those that name the same place, zero for the others.

    Parameters
    ----------
    x : array, 1 dimension
    places : array, shape (K,), integer
        None of them negative.
    last : array, shape of `x`, integer
        Written where the places are.
    out : array, shape (K,), of the dtype of `x`
        Written.
    """
    order = np.arange(len(places))
    last[places] = order
    out[...] = np.where(last[places] == order, x[places], x.dtype.type(0))


@kernel(read_last_plain)
def read_last(x: Any, places: Any, last: Any, out: Any) -> None:
    zero = x.dtype.type(0)
    for k in range(places.size):
        last[places[k]] = k
    for k in range(places.size):
        p = places[k]
        out[k] = x[p] if last[p] == k else zero
