"""Arrays by address: what lets one compiled launch walk over many arrays.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from ..backend import select
from .compile import inner


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
def view(address: int, shape: Any, dtype: Any) -> Any:
    """The array that starts at an address; `shape` is a tuple, or a number of elements."""
    return numba.carray(pointer(address, dtype), shape)


@inner
def bare(array: Any) -> Any:
    """A contiguous array that is not counted.

    Wherever an array is handed on or cut, its references are counted, atomically: several threads would wait for each
    other, 75 ns at a time.
    """
    flat = array.reshape(-1)  # not compiled for what is not contiguous
    return numba.carray(pointer(flat.ctypes.data, array.dtype), array.shape)


@inner
def word(address: int) -> int:
    """The integer, or the address, that stands at an address."""
    return view(address, 1, np.intp)[0]


@overload(select)
def _select(condition, a, b):  # type: ignore[no-untyped-def]  # numba compares signatures, annotations included
    if isinstance(condition, types.Array):
        return lambda condition, a, b: np.where(condition, a, b)
    return lambda condition, a, b: a if condition else b
