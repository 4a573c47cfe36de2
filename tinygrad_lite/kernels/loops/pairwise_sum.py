"""Accurate sums of arrays over any dimensions, `pairwise_sum`, in plain NumPy.

NumPy adds pairwise along the dimension that is contiguous in memory only. Over any other it adds row after row, and the
sum of a million numbers of float32 is off in the third digit. Here no more than `FAN` elements are added one after the
other in the array's own precision, and what they give is added in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..elementwise.half_precision import cast_repeating

FEW = 32  # as many may be added up one after the other: off by 8 units in the last place at most
FAN = 16
SMALL = 2048  # elements: fewer are soonest added in double precision
WIDTH = 8192  # elements added to others in one go; narrow rows are joined to that many, up to 70 x as fast
_F16, _F32, _F64, _C64 = (np.dtype(t) for t in (np.float16, np.float32, np.float64, np.complex64))
_WIDER = {_F16: _F32, _F32: _F64, _C64: np.dtype(np.complex128)}


def pairwise_sum(a: Any, axis: Any = None, keepdims: Any = False, dtype: Any = None) -> Any:
    """``np.sum(a, axis, keepdims=keepdims)``, accurate over every dimension and in every order of memory.

    Parameters
    ----------
    a : array or Tensor
    axis : int or tuple of int, optional
        Default: all dimensions.
    keepdims : bool
    dtype : dtype, optional
        Of the result, where it is to be float64 although the array is not.

    Returns
    -------
    array, or Tensor of a Tensor
        Of the array's dtype.
    """
    if type(a) is not np.ndarray:
        return np.sum(a, axis=axis, keepdims=keepdims)
    kind = a.dtype
    if kind is not _F32 and kind.char not in "efdFD":
        return np.add.reduce(a, axis, dtype, keepdims=keepdims)
    if axis is None:
        count = a.size
        straight = a.flags.forc
    elif type(axis) is int:
        count = a.shape[axis] if a.ndim else 1
        straight = axis in (-1, a.ndim - 1) and a.flags.c_contiguous
    else:
        count = math.prod([a.shape[i] for i in axis])
        straight = False
    if kind is _F16 or kind == _F16:
        return pairwise_sum(cast_repeating(a, _F32), axis, keepdims, dtype).astype(dtype or _F16)
    if dtype is None:
        if count <= FEW or straight:
            return np.add.reduce(a, axis, keepdims=keepdims)
    elif a.size < SMALL or count <= FEW:
        return np.add.reduce(a, axis, dtype, keepdims=keepdims)
    if a.size < SMALL:
        return np.add.reduce(a, axis, _WIDER.get(kind), keepdims=keepdims).astype(kind)
    axes = dims_of(axis, a.ndim)
    if axes == tuple(range(len(axes))) and a.flags.c_contiguous:
        out = _leading(a.reshape(1, count, -1)).astype(dtype or kind, copy=False)
        return out.reshape(((1,) * len(axes) if keepdims else ()) + a.shape[len(axes) :])
    out = _over(a, axes).astype(dtype or kind, copy=False)
    return out.reshape([1 if i in axes else n for i, n in enumerate(a.shape)]) if keepdims else out


def dims_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions that `axis` names, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    dims = (axis,) if isinstance(axis, int) else tuple(axis)
    for i in dims:
        if not -(ndim or 1) <= i < (ndim or 1):
            raise np.exceptions.AxisError(i, ndim or 1)
    return tuple([i % ndim if ndim else 0 for i in dims])


def _by_memory(a: Any) -> list[int]:
    """The dimensions, those with the longest steps in memory first."""
    return sorted(range(a.ndim), key=lambda i: -abs(a.strides[i]) if a.shape[i] > 1 else -math.inf)


def _over(a: Any, axes: Sequence[int]) -> Any:
    """The sum over `axes`, in the order of memory."""
    times = 1
    for i in axes:  # of an expanded dimension there is one element
        if a.strides[i] == 0 and a.shape[i] > 1:
            times *= a.shape[i]
            a = a[(slice(None),) * i + (slice(1),)]
    order = _by_memory(a)
    kept = [i for i in order if i not in axes]
    shape = [a.shape[i] for i in kept]
    a = np.ascontiguousarray(a.transpose(order))
    groups: list[list[Any]] = []  # neighbours in memory that are both summed, or both kept
    for i, n in zip(order, a.shape):
        if groups and groups[-1][0] == (i in axes):
            groups[-1][1] *= n
        else:
            groups.append([i in axes, n])
    inner = 1
    for summed, n in reversed(groups):
        if not summed:
            inner *= n
        elif inner > 1:
            a = _leading(a.reshape(-1, n, inner))
        else:
            a = np.add.reduce(a.reshape(-1, n), 1)
    out = a.reshape(shape).transpose([kept.index(i) for i in sorted(kept)])
    return out * times if times > 1 else out


def in_three(a: Any, axes: Sequence[int]) -> tuple[Any, Callable[[Any], Any]]:
    """An array as (outer, n, inner), of which `axes` make up the middle; and what makes a result for outer and inner
    have the dimensions that are left, in their order.
    """
    order = _by_memory(a)
    inside = [k for k, i in enumerate(order) if i in axes]
    if inside and inside[-1] - inside[0] >= len(inside):  # not neighbours in memory
        order = [i for i in order if i not in axes] + [i for i in order if i in axes]
        inside = [k for k, i in enumerate(order) if i in axes]
    first, end = (inside[0], inside[-1] + 1) if inside else (len(order), len(order))
    kept = [i for i in order if i not in axes]
    shape, back = [a.shape[i] for i in kept], [kept.index(i) for i in sorted(kept)]
    a = np.ascontiguousarray(a.transpose(order))
    outer, n, inner = (math.prod(a.shape[s]) for s in (slice(first), slice(first, end), slice(end, None)))
    return a.reshape(outer, n, inner), lambda out: out.reshape(shape).transpose(back)


def _leading(a: Any) -> Any:
    """The sums over the middle one of three dimensions, in double precision where there are many."""
    outer, n, inner = a.shape
    if n <= FAN:
        return np.add.reduce(a, 1)
    joined = min(max(WIDTH // inner, 1), n // FAN)  # rows that are added to others as one
    whole = n - n % (joined * FAN)
    out = np.add.reduce(a[:, :whole].reshape(outer, -1, FAN, joined * inner), 2)
    if (blocks := out.shape[1]) > 1:
        out = np.add.reduce(out, 1, _WIDER.get(a.dtype) if blocks > FAN else None)
    if joined > 1:
        out = _leading(out.reshape(outer, joined, inner))
    out = out.reshape(outer, inner)
    return out + _leading(a[:, whole:]) if whole < n else out
