"""`caller`: machine code that calls a compiled kernel with arguments that lie side by side in memory.

Words of 64 bits: the kernel's address; then, for each argument, a number's bits, or an array's address, lengths and
strides. So a table of steps holds calls of kernels, whatever they take, and one caller serves all kernels that take
arguments of the same types.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import struct
from functools import cache
from typing import Any

from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.np.arrayobj import populate_array

from ..task_codegen import address_of, call_at
from ..worker_threads import INTP
from .machine_code import WORDS, Words, compile_function

FAILED = 1 << 62  # what a caller returns where the kernel has raised an error


def supported(kind: Any) -> bool:
    """Whether arguments of a type can be written as words."""
    return isinstance(kind, (types.Array, types.Integer, types.Boolean, types.Float)) or kind == types.none


def returns_nothing(result: Any) -> bool:
    """Whether a kernel's result is none."""
    return bool(result == types.none)


def returns_integer(result: Any) -> bool:
    """Whether a kernel's result is a number that fits into a word."""
    return isinstance(result, types.Integer)


def kinds_of(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numba's types of arguments."""
    return tuple(map(typeof, args))


def words_of(args: tuple[Any, ...], kinds: tuple[Any, ...]) -> tuple[list[int], list[int]]:
    """The words for some arguments, from word 1 on, and which of them are addresses of arrays, to be filled in."""
    words, addresses = [0], []
    for value, kind in zip(args, kinds):
        if isinstance(kind, types.Array):
            addresses.append(len(words))
            words += [0, *value.shape, *value.strides]
        elif isinstance(kind, types.Float):
            form = "<f" if kind == types.float32 else "<d"
            words.append(int.from_bytes(struct.pack(form, value), "little"))
        elif kind != types.none:
            words.append(int(value))
    return words, addresses


def address(kernel: Any, kinds: tuple[Any, ...]) -> tuple[int, Any]:
    """Where a kernel's machine code for some types lies, and what it returns."""
    kernel.compile(kinds)
    result = kernel.overloads[kinds].signature.return_type
    return address_of(kernel, kinds, result), result


@cache
def caller(kinds: tuple[Any, ...], result: Any, ignored: bool = False) -> int:
    """The address of ``caller(words) -> int``: the kernel's result, 0 if it returns nothing, or `FAILED`.

    Parameters
    ----------
    kinds : tuple of numba's types
        Of the arguments.
    result : numba's type
        None or an integer.
    ignored : bool
        Return 0 in place of the result.
    """

    def write(context: Any, builder: Any, given: Any) -> None:
        words, place = Words(builder), iter(range(1 << 30))

        def word() -> Any:
            return words.load(given[0], next(place))

        where = word()
        values = [_value(context, builder, kind, word) for kind in kinds]
        status, found = call_at(context, builder, where, result, kinds, values)
        number = ir.Constant(INTP, 0) if ignored or result == types.none else _as_word(builder, found)
        builder.ret(builder.select(status.is_error, ir.Constant(INTP, FAILED), number))

    return compile_function(f"caller {kinds} {result} {ignored}", ir.FunctionType(INTP, [WORDS]), write)


def _as_word(builder: Any, value: Any) -> Any:
    width = value.type.width
    return value if width == INTP.width else builder.sext(value, INTP)


def _value(context: Any, builder: Any, kind: Any, word: Any) -> Any:
    """One argument, made of the next words."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder)
        data = builder.inttoptr(word(), array.data.type)
        shape = [word() for _ in range(kind.ndim)]
        strides = [word() for _ in range(kind.ndim)]
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        nothing = cgutils.get_null_value(array.meminfo.type)
        populate_array(array, data, shape, strides, size, nothing, cgutils.get_null_value(array.parent.type))
        return array._getvalue()
    if kind == types.none:
        return context.get_dummy_value()
    bits = word()
    if isinstance(kind, types.Boolean):
        return builder.trunc(bits, ir.IntType(1))
    if kind == types.float32:
        return builder.bitcast(builder.trunc(bits, ir.IntType(32)), ir.FloatType())
    if kind == types.float64:
        return builder.bitcast(bits, ir.DoubleType())
    form = context.get_value_type(kind)
    return bits if form.width == INTP.width else builder.trunc(bits, form)
