"""`sum_along`, `squares_along`, `products_along`, `running_sums`: reductions over any dimensions, by loops that fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..elementwise.fused import large
from ..kernel import LARGE, serves
from ..native.parallel import in_parts
from .pairwise_sum import dims_of, in_three, pairwise_sum
from .row_loops import piece, row_sums
from .row_products import row_products, row_products_backward
from .running_sum import running_sum
from .variance import middle_squares, row_distances, row_squares

_F64 = np.dtype(np.float64)  # the type itself would be looked up in each cast, for 0.2 us
SHARED = 1 << 21  # elements: fewer are added up before another thread has woken


def _by_rows(a: Any, axis: Any) -> bool:
    """Are a large array's rows what `axis` is about, or all of it?"""
    return type(a) is np.ndarray and a.size >= LARGE and axis in (None, -1, a.ndim - 1) and large(a)


def _rows_of(a: Any, axis: Any) -> Any:
    return a.reshape(-1, a.size if axis is None else a.shape[-1])


def _one_of_each(out: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """Results of an array's rows, in the shape of its reduction."""
    kept = (1,) * a.ndim if axis is None else (*a.shape[:-1], 1)
    return out.reshape(kept if keepdims else () if axis is None else kept[:-1])


def sum_along(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The sum of an array; of long rows by a compiled loop. Unsigned integers add up to int64, as PyTorch's do."""
    if dtype is None and axis is None and a.size < LARGE and a.dtype.char in "fd" and a.flags.forc:
        if not keepdims:  # which costs 0.2 us to say again
            return np.add.reduce(a, None)
        return np.add.reduce(a, None, keepdims=True)  # as `pairwise_sum` does in the end
    if dtype is None and a.dtype.kind in "bu":
        dtype = np.int64
    if dtype is None and _by_rows(a, axis):
        out = _whole(a.reshape(-1)) if axis is None or a.ndim == 1 else _rows(_rows_of(a, axis), a.dtype)
        return _one_of_each(out, a, axis, keepdims)
    if dtype is not None and np.dtype(dtype).kind in "biu":  # NumPy would widen what is narrower than int64
        return np.add.reduce(a.astype(dtype, copy=False), axis, dtype, keepdims=keepdims)
    out = pairwise_sum(a if dtype is None else a.astype(dtype, copy=False), axis, keepdims)
    return out if axis is None or out.flags.c_contiguous else out.copy()  # NumPy keeps the order of the input


def _rows(x: Any, dtype: Any) -> Any:
    """The sum of each row."""
    out = np.empty(len(x), dtype)
    if x.size < SHARED:
        row_sums.run(x, out)
        return out
    in_parts(row_sums, piece(x.shape[1]), (x, out))
    return out


def _whole(x: Any) -> Any:
    """The sum of all; cut into pieces that do not depend on the number of threads, and so the same for any."""
    if x.size < SHARED:
        return np.asarray(_rows(x[None], np.float64)[0], x.dtype)
    cut = len(x) - len(x) % piece()
    total = np.add.reduce(_rows(x[:cut].reshape(-1, piece()), np.float64)) + _rows(x[None, cut:], np.float64)[0]
    return np.asarray(total, x.dtype)


def squares_along(a: Any, axis: Any, keepdims: Any) -> Any:
    """The sum of squared distances from the mean, of real numbers, in double precision."""
    if a.size < LARGE or a.dtype.char not in "fd":
        wide = a.astype(_F64) if a.dtype.char == "f" else a  # once, and not by each ufunc in pieces
        if axis is None and not keepdims and a.dtype.char in "fd":  # by numbers, in half of the time
            d = (wide - np.add.reduce(wide, None) / (a.size or math.nan)).ravel()
            return d.dot(d)
        count = a.size if axis is None else math.prod([a.shape[i] for i in dims_of(axis, a.ndim)] if a.ndim else ())
        d = wide - np.add.reduce(wide, axis, np.float64, keepdims=True) / (count or math.nan)
        return np.add.reduce(d * d, axis, keepdims=keepdims)
    if _by_rows(a, axis):
        rows = _rows_of(a, axis)
        out = np.empty(len(rows))
        in_parts(row_squares, piece(rows.shape[1]), (rows, out))
        return _one_of_each(out, a, axis, keepdims)
    axes = dims_of(axis, a.ndim)
    x, back = in_three(a, axes)
    out = np.empty((len(x), x.shape[2]))
    if x.shape[2] == 1:
        in_parts(row_squares, piece(x.shape[1]), (x[:, :, 0], out[:, 0]))
    else:
        middle_squares.run(x, out, np.empty(x.shape[2]))
    out = back(out)
    return out.reshape([1 if i in axes else n for i, n in enumerate(a.shape)]) if keepdims else out


@serves(_by_rows)
def distances_along(a: Any, axis: Any) -> Any:
    """The distances of real numbers from their mean."""
    rows, out = _rows_of(a, axis), np.empty(a.shape, a.dtype)
    in_parts(row_distances, piece(rows.shape[1]), (rows, out.reshape(rows.shape)))
    return out


def _in_rows(a: Any, axis: Any) -> bool:
    """Are the products of a large array of float32 those of its rows, or that of all?"""
    return _by_rows(a, axis) and a.dtype == np.float32


@serves(lambda a, axis=None, dtype=None, keepdims=False: dtype is None and _in_rows(a, axis))
def products_along(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """The products of rows, or of all."""
    rows = _rows_of(a, axis)
    out = np.empty(len(rows), a.dtype)
    in_parts(row_products, piece(rows.shape[1]), (rows, out))
    return _one_of_each(out, a, axis, keepdims)


@serves(lambda g, a, axis, keepdims: type(g) is np.ndarray and _in_rows(a, axis))
def products_along_backward(g: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """The gradients of `products_along`: one gradient times the product of all other elements."""
    rows, out = _rows_of(a, axis), np.empty_like(a)
    up, into = np.ascontiguousarray(g).reshape(-1), out.reshape(rows.shape)
    in_parts(row_products_backward, piece(rows.shape[1]), (up, rows, into))
    return out


def running_sums(a: Any, axis: int | None) -> Any:
    """Cumulative sums of floating point numbers, added in double precision."""
    if a.size < LARGE:
        return np.cumsum(a, axis, np.float64).astype(a.dtype, copy=False)
    x = np.ascontiguousarray(a.reshape(-1) if axis is None else a)
    out = np.empty(x.shape, a.dtype)
    flat = x.reshape((1, a.size, 1) if axis is None else (math.prod(x.shape[: axis % a.ndim]), a.shape[axis], -1))
    running_sum.run(flat, out.reshape(flat.shape), np.empty(flat.shape[2]))
    return out
