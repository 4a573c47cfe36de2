"""`to_single`, `to_half`, `cast`, `by_single`, `of_two`, `of_half`: float16 by float32, rounded once.

Few numbers are cast whole. Of many, arrays of float32 would go through memory: there are loops that read and write
float16, tables, where there is one array, of its 65,536 values (`half_loops`), and blocks that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..kernel import LARGE, late

SCALING = {np.multiply, np.divide}
ARITHMETIC = {np.add, np.subtract, np.multiply, np.divide}  # of float32, rounded once: the bits of float16's
MANY = 1 << 16  # numbers from which on a loop is worth compiling, and a table worth making
BLOCK = 1 << 14  # numbers: three arrays of float32 of this size stay in the cache
_F16, _F32 = np.dtype(np.float16), np.dtype(np.float32)
_BOTH = {_F16, _F32}
_SIGN = np.uint16(0x8000)


def _many(x: Any) -> bool:
    return x.size >= LARGE and x.flags.c_contiguous


@late(f"{__package__}.half_casts", when=_many)
def to_single(x: Any) -> Any:
    """An array of float16, as float32."""
    return x.astype(np.float32)


@late(f"{__package__}.half_casts", when=_many)
def to_half(x: Any) -> Any:
    """An array of float32, rounded to float16."""
    return x.astype(np.float16)


def cast(a: Any, dtype: np.dtype[Any]) -> Any:
    """An array in another dtype."""
    if type(a) is np.ndarray and a.size >= LARGE and {a.dtype, dtype} == _BOTH:
        return to_half(a) if dtype == _F16 else to_single(a)
    return a.astype(dtype)


def cast_repeating(a: Any, dtype: np.dtype[Any]) -> Any:
    """`cast`, for reading: an array that repeats a smaller one, as the gradient of a sum does, repeats its cast."""
    if type(a) is np.ndarray and a.size >= LARGE and 0 in a.strides:
        once = a[tuple(slice(0, 1) if step == 0 else slice(None) for step in a.strides)]
        return np.broadcast_to(once.astype(dtype), a.shape)
    return cast(a, dtype)


# --- what need not be cast --------------------------------------------------------------------------------------------

EXACT: dict[Any, Callable[[Any], Any]] = {
    np.negative: lambda x: (x.view(np.uint16) ^ _SIGN).view(_F16),
    np.absolute: lambda x: (x.view(np.uint16) & ~_SIGN).view(_F16),
}
"""Functions of one array that round nothing, and what computes them in float16; rules add theirs."""


@lru_cache(maxsize=4096)
def _returns_it(function: Any) -> bool:
    """Whether a rule of one array hands it on, as that of a sum does."""
    probe = np.ones(1, np.float32)
    return function(probe) is probe


# --- functions --------------------------------------------------------------------------------------------------------


def by_single(function: Any, x: Any) -> Any:
    """A function of an array of float16: by float32, rounded once.

    For few numbers NumPy's own functions do so themselves, and quicker.
    """
    if x.size < LARGE and type(function) is np.ufunc:
        return function(x)
    return of_half(function, x)


def of_two(function: Any, x: Any, y: Any) -> Any:
    """A function of arrays and Python numbers: by float32 if it is NumPy's and there is nothing but float16 to meet.

    A number by which float16 is multiplied or divided need not be one, as in PyTorch: ``x / 1e5`` is not 0. So it may
    be an array of float32 without dimensions, too.
    """
    if function in SCALING and scaled_by(x, y) is not None:
        return of_half(function, x, y)
    arrays = [v.dtype == _F16 for v in (x, y) if type(v) is np.ndarray]
    if not arrays or not all(arrays) or type(function) is not np.ufunc:
        return function(x, y)
    if function not in ARITHMETIC and max(v.size for v in (x, y) if type(v) is np.ndarray) < LARGE:
        return function(x, y)
    if any(type(v) not in (np.ndarray, float, int) for v in (x, y)):
        return function(x, y)
    with np.errstate(over="ignore"):
        exact = function in SCALING
        given = (v if exact or type(v) is np.ndarray else float(np.float64(v).astype(_F16)) for v in (x, y))
        return of_half(function, *given)


def scaled_by(x: Any, y: Any) -> Any:
    """The one of two arrays that is a real number without dimensions beside float16 with dimensions, or None."""
    if type(x) is not np.ndarray or type(y) is not np.ndarray or (x.ndim > 0) is (y.ndim > 0):
        return None
    array, number = (x, y) if x.ndim else (y, x)
    return number if array.dtype == _F16 and number.dtype != _F16 and number.dtype.kind in "fiub" else None


def of_half(function: Any, *args: Any, wide: bool = False) -> Any:
    """An elementwise function of arrays of float16 and others: by float32, rounded once.

    Parameters
    ----------
    function : callable
        What it returns for each element depends on the arguments at that element only.
    *args : arrays and others
    wide : bool
        Not rounded, since it is to be summed: float32 comes back, and float16 from what would not be rounded anyway.

    Returns
    -------
    array
        Of float16 where the function makes float32 of float32.
    """
    arrays = [a for a in args if type(a) is np.ndarray]
    largest = max(arrays, key=_size)
    if len(args) == 1 and largest.size >= LARGE:
        if function in EXACT:
            return EXACT[function](largest)
        if _returns_it(function):
            return largest
    if largest.size < MANY or not all(a.dtype == _F16 or a.dtype == np.bool_ for a in arrays):
        return whole(function, *args, wide=wide)
    if any(a.shape != largest.shape for a in arrays) or not largest.flags.c_contiguous:
        return _as_if_alike(function, args, arrays, wide)
    flat = [np.ascontiguousarray(a).reshape(-1) if type(a) is np.ndarray else a for a in args]
    return of_flat(function, flat, wide).reshape(largest.shape)


def _size(a: Any) -> int:
    return int(a.size)


def _as_if_alike(function: Any, args: tuple[Any, ...], arrays: list[Any], wide: bool) -> Any:
    """`of_half` of arrays that broadcast, or lie in another order: repeated, and turned to the order of the largest."""
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    dense = (a.strides for a in arrays if a.shape == shape and 0 not in a.strides)
    strides = next(dense, sorted(range(len(shape)), reverse=True))
    order = sorted(range(len(shape)), key=lambda d: -abs(strides[d]))

    def turned(a: Any) -> Any:
        return np.ascontiguousarray(np.broadcast_to(a, shape).transpose(order)) if type(a) is np.ndarray else a

    return of_half(function, *map(turned, args), wide=wide).transpose(np.argsort(order))


def whole(function: Any, *args: Any, wide: bool = False) -> Any:
    """`of_half`, by a cast of each array."""
    given = (to_single(a) if type(a) is np.ndarray and a.dtype == _F16 else a for a in args)
    with np.errstate(over="ignore"):
        return np.asarray(function(*given)) if wide else _rounded(function(*given))


def in_blocks(function: Any, args: Any, wide: bool, widen: Any, narrow: Any) -> Any:
    """`of_half`, of flat arrays of one size, block by block: ``widen(x)`` casts one, ``narrow(x, out)`` writes one."""
    size = next(a.size for a in args if type(a) is np.ndarray)
    halves = [type(a) is np.ndarray and a.dtype == _F16 for a in args]
    out = np.empty(size, _F16)  # before all blocks, of which none is then in the way when its memory returns
    with np.errstate(over="ignore"):
        for start in range(0, size, BLOCK):
            part = slice(start, start + BLOCK)
            pieces = [a[part] if type(a) is np.ndarray else a for a in args]
            found = np.asarray(function(*[widen(a) if half else a for a, half in zip(pieces, halves)]))
            rounds = found.dtype == _F32 and not wide
            if not start and not rounds:
                out = np.empty(size, found.dtype)
            if rounds:
                narrow(found, out[part])
            else:
                out[part] = found
    return out


def _narrow(x: Any, out: Any) -> None:
    out[...] = x


@late(f"{__package__}.half_loops", when=lambda *_: True)
def of_flat(function: Any, args: Any, wide: bool) -> Any:
    """`of_half`, of flat arrays of one size."""
    return in_blocks(function, args, wide, lambda x: x.astype(np.float32), _narrow)


def _rounded(out: Any) -> Any:
    """A result of float32, as float16; others, of comparisons, are what they are."""
    out = np.asarray(out)
    return to_half(out) if out.dtype == _F32 else out
