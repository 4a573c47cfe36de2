"""Arrays by address: what lets one compiled launch walk over many arrays.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from .backend import select
from .compile import build, inner
from .source import Source

Array = np.ndarray[Any, Any]

# For kernels


@intrinsic
def pointer(typingctx: Any, address: Any, dtype: Any) -> Any:
    """An integer as a pointer to elements of `dtype`."""
    kind = types.CPointer(dtype.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(kind))

    return kind(types.intp, dtype), codegen


@intrinsic
def claim(typingctx: Any, cursor: Any) -> Any:
    """Add 1 to ``cursor[0]`` atomically and return what it was: the next piece of work, for one thread."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0])
        return builder.atomic_rmw("add", array.data, context.get_constant(types.intp, 1), "seq_cst")

    return types.intp(cursor), codegen


@inner
def view(address: int, n: int, dtype: Any) -> Any:
    """The `n` elements of `dtype` that start at an address."""
    return numba.carray(pointer(address, dtype), (n,))


@overload(select)
def _select(condition, a, b):  # type: ignore[no-untyped-def]  # numba compares signatures, annotations included
    if isinstance(condition, types.Array):
        return lambda condition, a, b: np.where(condition, a, b)
    return lambda condition, a, b: a if condition else b


# Addresses of many arrays at once

# Where an array object keeps what it knows, by NumPy's public C interface (PyArrayObject_fields): after the
# object's head come data, ndim (an int), shape, strides, base, dtype and flags (an int). Asking each array
# for `.ctypes.data` costs 1.1 us, this 0.03.
HEAD = object.__basicsize__
DATA, NDIM, SHAPE, DTYPE, FLAGS = (HEAD + 8 * k for k in (0, 1, 2, 5, 6))
# and a dtype (PyArray_Descr): its scalar type, then four characters, the third the byte order, and a number.
ORDER, NUMBER = HEAD + 10, HEAD + 12
KNOWN = sys.implementation.name == "cpython" and HEAD == 16  # elsewhere `id` is no address, or the head is another

C_ORDER, F_ORDER, ALIGNED = 0x1, 0x2, 0x100  # bits of the flags


def _locate(ids: Any, dtype: int, layouts: Any, shapes: Any, out: Any) -> int:
    order, number = view(dtype + ORDER, 1, np.int8)[0], view(dtype + NUMBER, 1, np.int32)[0]
    for i in range(ids.size):
        its = view(ids[i] + DTYPE, 1, np.intp)[0]
        # Equal dtypes may be two objects: arrays made by numba bring their own.
        if view(its + NUMBER, 1, np.int32)[0] != number or view(its + ORDER, 1, np.int8)[0] != order:
            return i
        if view(ids[i] + FLAGS, 1, np.int32)[0] & layouts[i] != layouts[i]:
            return i
        ndim = view(ids[i] + NDIM, 1, np.int32)[0]
        if ndim != shapes[i, 0]:
            return i
        shape = view(view(ids[i] + SHAPE, 1, np.intp)[0], ndim, np.intp)
        for k in range(ndim):
            if shape[k] != shapes[i, k + 1]:
                return i
        out[i] = view(ids[i] + DATA, 1, np.intp)[0]
    return -1


@cache
def _compiled_locate() -> Any:
    source = Source()
    name = source.add(_locate, "jit")
    return build(name, source.text())[name]


class Expected:
    """What the arrays handed to a launch must be like: as given ones, in dtype, shape and order of elements.

    Parameters
    ----------
    like : list of arrays
        Contiguous, in C or Fortran order, all of one dtype.
    """

    def __init__(self, like: list[Array]) -> None:
        self._n = len(like)
        self._dtype = np.dtype(like[0].dtype.char)  # the object that NumPy gives to its own arrays
        self._layouts = np.array([ALIGNED | (C_ORDER if a.flags.c_contiguous else F_ORDER) for a in like], np.int32)
        self._shapes = np.zeros((len(like), 1 + max(a.ndim for a in like)), np.intp)
        for row, array in zip(self._shapes, like):
            row[: 1 + array.ndim] = array.ndim, *array.shape

    def locate(self, arrays: list[Array], out: Array) -> int:
        """Write the address of each array's data to `out`; return the index of the first misfit, or -1.

        Parameters
        ----------
        arrays : list of arrays
        out : array of intp, shape (len(arrays),)
        """
        if KNOWN:
            ids = np.fromiter(map(id, arrays), np.intp, self._n)
            return int(_compiled_locate()(ids, id(self._dtype), self._layouts, self._shapes, out))
        return self._locate_slowly(arrays, out)

    def _locate_slowly(self, arrays: list[Array], out: Array) -> int:
        for i, array in enumerate(arrays):
            ndim, *shape = self._shapes[i]
            fits = array.dtype == self._dtype and array.shape == tuple(shape[:ndim]) and array.flags.aligned
            in_order = array.flags.c_contiguous if self._layouts[i] & C_ORDER else array.flags.f_contiguous
            if not (fits and in_order):
                return i
            out[i] = array.ctypes.data
        return -1
