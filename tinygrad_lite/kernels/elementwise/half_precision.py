"""`to_single`, `to_half`, `cast`, `by_single`, `of_two`: float16 as float32 and back, by a processor's instructions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import LARGE, late

ARITHMETIC = {np.add, np.subtract, np.multiply, np.divide}  # of float32, rounded once: the bits of float16's
_F16, _F32 = np.dtype(np.float16), np.dtype(np.float32)
_BOTH = {_F16, _F32}


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


def by_single(function: Any, x: Any) -> Any:
    """A function of an array of float16: by float32, rounded once.

    For few numbers NumPy's own functions do so themselves, and quicker.
    """
    if x.size < LARGE and type(function) is np.ufunc:
        return function(x)
    with np.errstate(over="ignore"):
        return _rounded(function(to_single(x)))


def of_two(function: Any, x: Any, y: Any) -> Any:
    """A function of arrays and Python numbers: by float32 if it is NumPy's and there is nothing but float16 to meet."""
    arrays = [v.dtype == _F16 for v in (x, y) if type(v) is np.ndarray]
    if not arrays or not all(arrays) or type(function) is not np.ufunc:
        return function(x, y)
    if function not in ARITHMETIC and max(v.size for v in (x, y) if type(v) is np.ndarray) < LARGE:
        return function(x, y)
    if any(type(v) not in (np.ndarray, float, int) for v in (x, y)):
        return function(x, y)
    with np.errstate(over="ignore"):
        given = (to_single(v) if type(v) is np.ndarray else float(np.float64(v).astype(_F16)) for v in (x, y))
        return _rounded(function(*given))


def _rounded(out: Any) -> Any:
    """A result of float32, as float16; others, of comparisons, are what they are."""
    out = np.asarray(out)
    return to_half(out) if out.dtype == _F32 else out
