"""Where CPython and NumPy keep what of an object, in bytes from its address; `known`, whether they do so here.

All of it is part of their public C interfaces: PyListObject, PyArrayObject_fields, PyArray_Descr, PyMethodDef.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np

HEAD = object.__basicsize__  # reference count and type; numbers keep their value behind it
TYPE = HEAD - 8
LENGTH, ITEMS = HEAD, HEAD + 8  # of a list
DATA, NDIM, DIMS, STRIDES, DESCR, FLAGS = (HEAD + 8 * k for k in (0, 1, 2, 3, 5, 6))  # of an array; NDIM, FLAGS: ints
BYTEORDER, TYPE_NUMBER = HEAD + 10, HEAD + 12  # of a dtype: a character, and an int
C_ORDER, F_ORDER, ALIGNED, WRITABLE = 0x1, 0x2, 0x100, 0x400  # bits of an array's flags
_FASTCALL = 0x80  # how Python calls: the object that a function belongs to, the arguments' addresses, and how many


@cache
def known() -> bool:
    """Whether a list, an array, its dtype and numbers lie in memory so."""
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False  # `id` is no address, or words are shorter
    word, half = ctypes.c_ssize_t, ctypes.c_int
    array, numbers = np.zeros((3, 6), np.int16)[:, ::2], [0.25, np.float32(0.5)]
    start = id(array)
    if word.from_address(start + DATA).value != array.ctypes.data:
        return False  # what follows would be no address either
    dims, strides, descr = (word.from_address(start + place).value for place in (DIMS, STRIDES, DESCR))
    items = word.from_address(id(numbers) + ITEMS).value
    return all((
        word.from_address(start + TYPE).value == id(np.ndarray),
        (half.from_address(start + NDIM).value, half.from_address(start + FLAGS).value) == (2, array.flags.num),
        tuple((word * 2).from_address(dims)) == array.shape,
        tuple((word * 2).from_address(strides)) == array.strides,
        half.from_address(descr + TYPE_NUMBER).value == array.dtype.num,
        ctypes.c_char.from_address(descr + BYTEORDER).value == b"=",
        word.from_address(id(numbers) + LENGTH).value == 2,
        tuple((word * 2).from_address(items)) == tuple(map(id, numbers)),
        ctypes.c_double.from_address(id(numbers[0]) + HEAD).value == numbers[0],
        ctypes.c_float.from_address(id(numbers[1]) + HEAD).value == numbers[1],
    ))  # fmt: skip


class _Method(ctypes.Structure):
    """CPython's `PyMethodDef`."""

    _fields_ = (("name", ctypes.c_char_p), ("code", ctypes.c_void_p), ("flags", ctypes.c_int),
                ("doc", ctypes.c_char_p))  # fmt: skip


@cache
def _method(name: str, code: int) -> _Method:
    found = _Method(name.encode(), code, _FASTCALL, None)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(found))  # for good: functions read it even when they are freed
    return found


def python_function(name: str, code: int, belongs_to: Any, keeps: Any = None) -> Any:
    """A function of Python's that is machine code.

    Parameters
    ----------
    name : str
    code : int
        The address of ``code(belongs_to, arguments, count)``: by address an object, and an array of such; it returns
        an object. A name has one.
    belongs_to : object
    keeps : object, optional
        Lives as long as the function.
    """
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.py_object)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    return make(ctypes.addressof(_method(name, code)), belongs_to, keeps)
