"""What the functions of `memory` are for numba: it compiles what kernels' own compiler does not know.

Imported by whoever has numba compile something.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg, misc"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload
from numba.np.arrayobj import populate_array

from ...backend import select
from .. import memory


def _at(context: Any, builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, context.get_value_type(kind).as_pointer())


@intrinsic
def word(typingctx: Any, address: Any) -> Any:
    """The integer, or the address, that stands at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_at(context, builder, args[0], types.intp))

    return types.intp(types.intp), codegen


@intrinsic
def claim(typingctx: Any, cursor: Any) -> Any:
    """Add 1 to ``cursor[0]`` atomically and return what it was: the next piece of work, for one thread."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0])
        return builder.atomic_rmw("add", array.data, context.get_constant(types.intp, 1), "seq_cst")

    return types.intp(cursor), codegen


def contiguous(context: Any, builder: Any, kind: Any, address: Any, shape: list[Any]) -> Any:
    """An array in C order that is not counted, from its first element's address and its sizes."""
    array = context.make_array(kind)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [itemsize]
    for size in reversed(shape[1:]):
        strides.insert(0, builder.mul(size, strides[0]))
    data = builder.inttoptr(address, array.data.type) if address.type != array.data.type else address
    populate_array(array, data, shape, strides, itemsize, None)
    return array._getvalue()


@intrinsic
def _view(typingctx: Any, address: Any, shape: Any, dtype: Any) -> Any:
    """The array that starts at an address; `shape` is a tuple, or a number of elements."""
    sizes: list[Any] = [*shape] if isinstance(shape, types.BaseTuple) else [shape]
    kind = types.Array(dtype.dtype, len(sizes), "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = cgutils.unpack_tuple(builder, args[1]) if isinstance(shape, types.BaseTuple) else [args[1]]
        given = [context.cast(builder, value, size, types.intp) for value, size in zip(given, sizes)]
        address = context.cast(builder, args[0], signature.args[0], types.intp)
        return contiguous(context, builder, kind, address, given)

    return kind(address, shape, dtype), codegen


@intrinsic
def _bare(typingctx: Any, array: Any) -> Any:
    """A contiguous array that is not counted.

    Wherever an array is handed on or cut, its references are counted, atomically: several threads would wait for each
    other, 75 ns at a time.
    """
    if array.layout != "C":
        raise TypingError("bare: the array must be contiguous")
    kind = types.Array(array.dtype, array.ndim, "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = context.make_array(array)(context, builder, value=args[0])
        return contiguous(context, builder, kind, given.data, cgutils.unpack_tuple(builder, given.shape, array.ndim))

    return kind(array), codegen


# numba compares signatures, annotations included: these have none


@overload(memory.word)
def _of_word(address):  # type: ignore[no-untyped-def]
    return lambda address: word(address)


@overload(memory.claim)
def _of_claim(cursor):  # type: ignore[no-untyped-def]
    return lambda cursor: claim(cursor)


@overload(memory.bare)
def _of_bare(array):  # type: ignore[no-untyped-def]
    return lambda array: _bare(array)


@overload(memory.view)
def _of_view(address, shape, dtype):  # type: ignore[no-untyped-def]
    return lambda address, shape, dtype: _view(address, shape, dtype)


@overload(select)
def _of_select(condition, a, b):  # type: ignore[no-untyped-def]
    if isinstance(condition, types.Array):
        return lambda condition, a, b: np.where(condition, a, b)
    return lambda condition, a, b: a if condition else b
