"""Reading by index, and its transpose: sums by place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel


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


def add_slices_plain(out: Any, index: Any, values: Any) -> None:
    """``out[a, index[k], b] += values[a, k, b]``, repeated indices included.

    Parameters
    ----------
    out : array, shape (A, N, B)
        Written.
    index : array, shape (K,), integer
        None of them negative.
    values : array, shape (A, K, B), of the dtype of `out`
    """
    every: Any = (slice(None), index)
    np.add.at(out, every, values)


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


def add_blocks_plain(out: Any, starts: Any, values: Any) -> None:
    """``out[starts[i] + j] += values[i, j]``, repeated starts included.

    Parameters
    ----------
    out : array, 1 dimension
        Written.
    starts : array, shape (K,), integer
        None of them negative.
    values : array, shape (K, D), of the dtype of `out`
    """
    width = values.shape[1]
    places = starts if width == 1 else (starts[:, None] + np.arange(width)).reshape(-1)
    np.add.at(out, places, values.reshape(-1))  # on one flat dimension 7 times as fast as on rows


@kernel(add_blocks_plain)
def add_blocks(out: Any, starts: Any, values: Any) -> None:
    width = values.shape[1]
    if width == 1:
        column = values[:, 0]
        for i in range(starts.size):
            out[starts[i]] += column[i]
        return
    for i in range(starts.size):
        block, row = out[starts[i] : starts[i] + width], values[i]
        for j in range(width):
            block[j] += row[j]


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
