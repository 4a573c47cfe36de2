"""Addresses of NumPy's inner loops and of its BLAS."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .. import object_layout


class _UFunc(ctypes.Structure):
    """The first fields of NumPy's `PyUFuncObject`."""

    _fields_ = (
        ("ob_refcnt", ctypes.c_ssize_t), ("ob_type", ctypes.c_void_p), ("nin", ctypes.c_int), ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int), ("identity", ctypes.c_int), ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)), ("ntypes", ctypes.c_int), ("reserved1", ctypes.c_int),
        ("name", ctypes.c_char_p), ("types", ctypes.POINTER(ctypes.c_char)),
    )  # fmt: skip


@cache
def loop(ufunc: np.ufunc, kinds: str) -> tuple[int, int] | None:
    """Address and data of the inner loop for some dtypes.

    Parameters
    ----------
    ufunc : ufunc
    kinds : str
        NumPy's characters of the dtypes of all arguments.

    Returns
    -------
    (address, data), or None where there is none to be called this way
    """
    fields = _UFunc.from_address(id(ufunc))
    try:
        fits = fields.nin == ufunc.nin and fields.nout == ufunc.nout and fields.ntypes == ufunc.ntypes
        if not fits or fields.name.decode() != ufunc.__name__ or kinds not in known(ufunc):
            return None
    except UnicodeDecodeError:
        return None
    place = known(ufunc).index(kinds)
    address = fields.functions[place]
    return (int(address), int((fields.data[place] or 0) if fields.data else 0)) if address else None


def known(ufunc: np.ufunc) -> list[str]:
    """The dtypes of a ufunc's loops, in NumPy's characters."""
    return [kinds.replace("->", "") for kinds in ufunc.types]


@cache
def readable() -> bool:
    """Whether arrays lie in memory as `object_layout` says, and NumPy's loops where their addresses can be had."""
    return object_layout.known() and loop(np.add, "fff") is not None


@cache
def product(kind: str) -> int | None:
    """Address of NumPy's own ``cblas_?gemm`` with integers of 64 bits; None where nothing is of that name."""
    folder = Path(np.__file__).parent.parent / "numpy.libs"
    for path in sorted(folder.glob("libscipy_openblas64_*")):
        try:
            found: Any = getattr(ctypes.CDLL(str(path)), f"scipy_cblas_{kind}gemm64_")
        except (OSError, AttributeError):
            continue
        return ctypes.cast(found, ctypes.c_void_p).value
    return None
