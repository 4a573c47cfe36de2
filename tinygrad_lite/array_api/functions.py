"""Elementwise functions, reductions, order, searches, sets and shapes of the array API standard."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import Tensor
from .. import cat as _cat
from ..dtypes import of
from .lifting import described, lifted, meet, named, tensors

_ONE = """abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp floor imag isfinite isinf
isnan log log10 log1p log2 logical_not negative positive real reciprocal round sign signbit sin sinh sqrt square
tan tanh trunc"""
_TWO = """add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal
greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum minimum
multiply nextafter not_equal pow remainder subtract"""
_OTHERS = """
all             | x, /, *, axis=None, keepdims=False
any             | x, /, *, axis=None, keepdims=False
argmax          | x, /, *, axis=None, keepdims=False
argmin          | x, /, *, axis=None, keepdims=False
broadcast_to    | x, /, shape
diff            | x, /, *, axis=-1, n=1, prepend=None, append=None
expand_dims     | x, /, axis
flip            | x, /, *, axis=None
matmul          | x1, x2, /
max             | x, /, *, axis=None, keepdims=False
mean            | x, /, *, axis=None, keepdims=False
min             | x, /, *, axis=None, keepdims=False
moveaxis        | x, source, destination, /
permute_dims    | x, /, axes
repeat          | x, repeats, /, *, axis=None
reshape         | x, /, shape, *, copy=None
roll            | x, /, shift, *, axis=None
searchsorted    | x1, x2, /, *, side="left", sorter=None
squeeze         | x, /, axis
take            | x, indices, /, *, axis=None
take_along_axis | x, indices, /, *, axis=-1
tile            | x, repetitions, /
"""
_SETS = "unique_all unique_counts unique_inverse unique_values"

_MADE = lifted(_ONE) | lifted(_TWO, two=True) | described(_OTHERS) | named(_SETS, np)
globals().update(_MADE)
_OWN = """argsort broadcast_arrays clip concat count_nonzero cumulative_prod cumulative_sum expm1
floor_divide nonzero prod sort stack std
sum unstack var where"""
__all__ = sorted({*_MADE, *_OWN.split()})


def expm1(x: Any, /) -> Any:
    """``exp(x) - 1``; at infinities and NaN of complex numbers what the standard says, where NumPy's is NaN."""
    if x.dtype.kind != "c":
        return tensors(np.expm1(x))
    array = (x + 0).detach().numpy()  # without the sign of 0
    if not (gone := ~np.isfinite(array)).any():
        return tensors(np.expm1(x + 0))
    limits = np.where(array.imag == 0, np.expm1(array.real), np.exp(array) - 1).astype(array.dtype)
    limits.imag[array.imag == 0] = 0
    return tensors(np.where(gone, limits, np.expm1(np.where(gone, 0, x + 0))))


def floor_divide(x1: Any, x2: Any, /) -> Any:
    """The quotient rounded down; of infinities it is the quotient itself, where NumPy's is NaN."""
    x1, x2 = meet(x1, x2)
    out = tensors(np.floor_divide(x1, x2))
    if out.dtype.kind != "f":
        return out
    endless = np.isinf(x1) | np.isinf(x2)
    return tensors(np.where(endless, np.floor(x1 / x2), out)) if np.any(endless) else out


def _summing(function: Any) -> Any:
    """As sums have it: small integers become int64 or uint64, the rest keeps its dtype."""

    def total(x: Any, dtype: Any, **how: Any) -> Any:
        kept = {"b": np.int64, "i": np.int64, "u": np.uint64}.get(x.dtype.kind, x.dtype)
        target = of(np.dtype(kept if dtype is None else dtype))
        return tensors(function(x.to(target), **how)).to(target)

    return total


_sum, _prod, _cumsum, _cumprod = map(_summing, (np.sum, np.prod, np.cumsum, np.cumprod))


def sum(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The sum of all, or along axes."""
    return _sum(x, dtype, axis=axis, keepdims=keepdims)


def prod(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """The product of all, or along axes."""
    return _prod(x, dtype, axis=axis, keepdims=keepdims)


def std(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The standard deviation of all, or along axes."""
    return tensors(np.std(x, axis=axis, ddof=correction, keepdims=keepdims))


def var(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """The variance of all, or along axes."""
    return tensors(np.var(x, axis=axis, ddof=correction, keepdims=keepdims))


def _cumulative(function: Any, first: int) -> Any:
    def scan(x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Any:
        if axis is None:
            if x.ndim != 1:
                raise ValueError(f"cumulative: axis must be given for {x.ndim} dimensions")
            axis = 0
        out = function(x, dtype, axis=axis)
        if include_initial:
            shape = tuple(1 if i == axis % x.ndim else n for i, n in enumerate(out.shape))
            out = _cat([out.new_full(shape, first), out], axis)
        return out

    return scan


cumulative_sum, cumulative_prod = _cumulative(_cumsum, 0), _cumulative(_cumprod, 1)
cumulative_sum.__doc__, cumulative_prod.__doc__ = "Sums along an axis.", "Products along an axis."


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """What is below `min` is `min`, what is above `max` is `max`."""
    if min is not None:
        x = tensors(np.maximum(x, _bound(min, x)))
    return x if max is None else tensors(np.minimum(x, _bound(max, x)))


def _bound(bound: Any, x: Any) -> Any:
    return bound.to(x.dtype) if isinstance(bound, Tensor) else bound


def where(condition: Any, x1: Any, x2: Any, /) -> Any:
    """One where the condition holds, the other where not."""
    return tensors(np.where(condition, *meet(x1, x2)))


def unstack(x: Any, /, *, axis: int = 0) -> Any:
    """The parts along an axis."""
    return tuple(x.unbind(axis))


def broadcast_arrays(*arrays: Any) -> list[Any]:
    """All in the shape that theirs meet in."""
    return list(np.broadcast_arrays(*arrays))


def nonzero(x: Any, /) -> Any:
    """The indices of what is not zero, for each dimension."""
    if x.ndim == 0:
        raise ValueError("nonzero: a tensor of no dimension has no indices")
    return tensors(np.nonzero(x))


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The values along an axis in order."""
    return x.sort(axis, descending, stable=stable).values


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Where the values along an axis are in order."""
    return x.sort(axis, descending, stable=stable).indices


def concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    """One after the other along an axis; flat if that is None."""
    return tensors(np.concatenate(meet(*arrays), axis=axis))


def stack(arrays: Any, /, *, axis: int = 0) -> Any:
    """Side by side along a new axis."""
    return tensors(np.stack(meet(*arrays), axis=axis))


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """How many are not zero, in all or along axes."""
    return sum(x != 0, axis=axis, keepdims=keepdims)
