"""Element types: NumPy's dtype objects under PyTorch's names, and the default."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "bool", "cdouble", "cfloat", "complex64", "complex128", "double", "float", "float16", "float32", "float64",
    "get_default_dtype", "half", "int", "int8", "int16", "int32", "int64", "long", "set_default_dtype", "short",
    "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip

float16, float32, float64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
int8, int16, int32, int64 = np.dtype(np.int8), np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.int64)
uint8, uint16, uint32 = np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.uint32)
uint64, bool_ = np.dtype(np.uint64), np.dtype(np.bool_)
complex64, complex128 = np.dtype(np.complex64), np.dtype(np.complex128)
float, double, half, cfloat, cdouble = float32, float64, float16, complex64, complex128
long, int, short, bool = int64, int32, int16, bool_

_default = [float32]


def get_default_dtype() -> np.dtype[Any]:
    """The dtype of tensors made from Python floats; float32 unless set."""
    return _default[0]


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype of tensors made from Python floats.

    Parameters
    ----------
    dtype : floating dtype

    Raises
    ------
    TypeError
        For any other dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.set_default_dtype(tg.float64)
    >>> tg.tensor(1.0).dtype
    dtype('float64')
    >>> tg.set_default_dtype(tg.float32)
    """
    chosen = as_dtype(dtype)
    if chosen.kind != "f":
        raise TypeError(f"set_default_dtype: dtype must be floating point, got {chosen}")
    _default[0] = chosen


_CANONICAL = {
    d.str: d
    for d in (float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool_, complex64,
              complex128)
}  # fmt: skip


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """A dtype from a dtype, a NumPy type, a name or one of Python's types, which NumPy and PyTorch take for 64 bits.

    There is one object for each, whatever was given: fast paths ask ``dtype is float32``. NumPy has others that are
    equal to it, among them all that were pickled, and other orders of bytes.
    """
    chosen = np.dtype(dtype)
    if chosen.kind not in "biufc":
        raise TypeError(f"a tensor's dtype must be of numbers or booleans, got {chosen}")
    return _CANONICAL.get(chosen.newbyteorder("=").str, chosen)


def canonical(array: Any) -> np.ndarray[Any, Any]:
    """The array with the one object of its dtype, on the same memory unless that has another order of bytes."""
    array = np.asarray(array)
    dtype = array.dtype
    if dtype.isbuiltin == 1 and dtype.str in _CANONICAL and dtype is _CANONICAL[dtype.str]:
        return array
    if dtype.kind not in "biufc":
        return array
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    return array.view(as_dtype(dtype))
