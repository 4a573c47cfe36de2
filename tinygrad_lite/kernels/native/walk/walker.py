"""`start`: the loop that goes through a table of steps, for Python to call; `own_loop`, loops beside NumPy's."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from .addresses import DATA


@cache
def start() -> Any:
    """Compile the loop, in some tens of milliseconds.

    Returns
    -------
    callable
        ``walk(table, registers)``, two arrays of integers; other threads run meanwhile. Returns 0, or 1 + where the
        step is at which the walk ended.
    """
    from .walk_code import address

    class Method(ctypes.Structure):  # CPython's PyMethodDef
        _fields_ = (("name", ctypes.c_char_p), ("code", ctypes.c_void_p), ("flags", ctypes.c_int),
                    ("doc", ctypes.c_char_p))  # fmt: skip

    method = Method(b"walk", address(DATA), 0x80, None)  # METH_FASTCALL
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(method))  # for good: the function reads it even when it is freed
    return new(ctypes.addressof(method), None, None)


def own_loop(name: str) -> tuple[int, int]:
    """Address and data of a loop of `inner_loops`."""
    from .inner_loops import address

    return address(name), 0
