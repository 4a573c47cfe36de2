"""`astype`, `can_cast`, `finfo`, `result_type` and kin: dtypes by the names of the array API standard."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import Tensor
from ..dtypes import (
    as_dtype,
    bool_,
    complex64,
    complex128,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    of,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ..ops.creation.creation import only_cpu

__all__ = [
    "astype", "bool", "can_cast", "complex64", "complex128", "finfo", "float32", "float64", "iinfo", "int8", "int16",
    "int32", "int64", "isdtype", "result_type", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip


class finfo:
    """The limits of a floating dtype, or of a complex one's parts: `bits`, `eps`, `max`, `min`, `smallest_normal`.

    Parameters
    ----------
    type : dtype or Tensor

    Examples
    --------
    >>> from tinygrad_lite import array_api as xp
    >>> xp.finfo(xp.float32).bits, xp.finfo(xp.complex128).dtype == xp.float64
    (32, True)
    """

    def __init__(self, type: Any, /) -> None:
        found = np.finfo(np.dtype(as_dtype(getattr(type, "dtype", type))))
        self.bits, self.dtype = found.bits, of(found.dtype)
        self.eps, self.max, self.min = float(found.eps), float(found.max), float(found.min)
        self.smallest_normal = float(found.smallest_normal)


class iinfo:
    """The limits of an integer dtype: `bits`, `max`, `min`.

    Parameters
    ----------
    type : dtype or Tensor

    Examples
    --------
    >>> from tinygrad_lite import array_api as xp
    >>> xp.iinfo(xp.int8).max
    127
    """

    def __init__(self, type: Any, /) -> None:
        found = np.iinfo(np.dtype(as_dtype(getattr(type, "dtype", type))))
        self.bits, self.max, self.min, self.dtype = found.bits, int(found.max), int(found.min), of(found.dtype)


bool = bool_
_KINDS = {
    "bool": (bool_,),
    "signed integer": (int8, int16, int32, int64),
    "unsigned integer": (uint8, uint16, uint32, uint64),
    "real floating": (float32, float64),
    "complex floating": (complex64, complex128),
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


def astype(x: Any, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Tensor:
    """A tensor in another dtype; complex numbers become real ones by no cast."""
    only_cpu(device, "astype")
    if x.is_complex() and as_dtype(dtype).kind != "c" and as_dtype(dtype).kind != "b":
        raise TypeError(f"astype: complex numbers cannot be cast to {dtype}; take their real part")
    found: Tensor = x.to(as_dtype(dtype), copy=copy)
    return found


def can_cast(from_: Any, to: Any, /) -> Any:
    """Whether a dtype, or that of a tensor, goes into another one without loss."""
    return np.can_cast(as_dtype(getattr(from_, "dtype", from_)), as_dtype(to))


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is another one, of a kind, or one of several of these.

    Parameters
    ----------
    dtype : dtype
    kind : dtype, str, or tuple of these
        "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric".

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        For an unknown kind.

    Examples
    --------
    >>> from tinygrad_lite import array_api as xp
    >>> xp.isdtype(xp.float32, "real floating"), xp.isdtype(xp.int8, (xp.int16, "bool"))
    (True, False)
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if not isinstance(kind, str):
        return dtype == as_dtype(kind)
    if kind not in _KINDS:
        raise ValueError(f"isdtype: kind must be one of {', '.join(_KINDS)}, got {kind!r}")
    return as_dtype(dtype) in _KINDS[kind]


def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype that tensors, dtypes and Python's numbers meet in."""
    return of(np.result_type(*(getattr(v, "dtype", v) for v in arrays_and_dtypes)))


class Info:
    """What `__array_namespace_info__` returns: the devices, the dtypes and what the library is capable of.

    Examples
    --------
    >>> from tinygrad_lite import array_api as xp
    >>> xp.__array_namespace_info__().default_dtypes()["integral"] == xp.int64
    True
    """

    def capabilities(self) -> dict[str, Any]:
        """Masks as indices and shapes that depend on values are possible, of any number of dimensions up to 64."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The only one."""
        return "cpu"

    def devices(self) -> list[str]:
        """The only one, in a list."""
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """What is taken where none is given."""
        only_cpu(device, "default_dtypes")
        real = get_default_dtype()
        wide = complex128 if real == float64 else complex64
        return {"real floating": real, "complex floating": wide, "integral": int64, "indexing": int64}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        """All of them, or those of a kind, by their names."""
        only_cpu(device, "dtypes")
        every = {np.dtype(d).name: d for d in (*_KINDS["bool"], *_KINDS["numeric"])}
        return {name: d for name, d in every.items() if kind is None or isdtype(d, kind)}
