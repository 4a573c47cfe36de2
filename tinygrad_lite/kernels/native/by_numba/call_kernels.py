"""`compile_by_numba`: kernels that numba compiles, called with words as all others are."""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir

from ..codegen.language.arithmetic import Writer
from ..codegen.language.kinds import NONE, Array, Kind, Number, Tuple, Unsupported, number_of
from ..codegen.language.values import ARGUMENTS, RESULTS, WORD, Scalar, word
from ..codegen.machine import compile_module


def compile_by_numba(dispatcher: Any, kinds: tuple[Kind, ...]) -> tuple[int, Kind]:
    """Have numba compile a kernel for some types, and write what calls it with words.

    Returns
    -------
    address, result : int, Kind
        As of a kernel of this compiler. It reads and writes its arrays where they lie, and keeps no references.

    Raises
    ------
    Unsupported
        If the kernel returns what is neither a number nor a few.
    """
    from numba.core import types
    from numba.core.registry import cpu_target

    given = tuple(_kernels(types, kind) for kind in kinds)
    dispatcher.compile(given)
    found = dispatcher.overloads[given]
    returned = found.signature.return_type
    result = _kind(types, returned)

    def write(module: Any, name: str) -> Kind:
        context = cpu_target.target_context
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [WORD]), name)
        builder = ir.IRBuilder(function.append_basic_block())
        words = builder.inttoptr(function.args[0], ir.PointerType(WORD))
        place = iter(range(ARGUMENTS, 1 << 30))
        values = [_value(context, builder, types, kind, lambda: builder.load(builder.gep(words, [word(next(place))])))
                  for kind in given]  # fmt: skip
        called = ir.Function(module, context.call_conv.get_function_type(returned, given), found.fndesc.llvm_func_name)
        status, value = context.call_conv.call_function(builder, called, returned, given, values)
        with builder.if_then(status.is_error, likely=False):
            builder.store(word(1), words)
        write = Writer(builder, None, ())
        results = result.items if isinstance(result, Tuple) else [result] if result != NONE else []
        for k, kind in enumerate(results):
            bits = value if not isinstance(result, Tuple) else builder.extract_value(value, k)
            write.store_word(Scalar(kind, bits), builder.gep(words, [word(RESULTS + k)]))  # type: ignore[arg-type]
        builder.ret_void()
        return result

    name = found.fndesc.llvm_func_name
    llvmlite.binding.add_symbol(name, found.library.get_pointer_to_function(name))
    return compile_module("call", f"{name} {kinds}", write)


def _kernels(types: Any, kind: Kind) -> Any:
    """Numba's type of a kernel's argument."""
    if isinstance(kind, Array):
        number = types.boolean if kind.number.family == "b" else getattr(types, kind.number.name)
        return types.Array(number, kind.ndim, kind.layout, readonly=not kind.writable, aligned=kind.aligned)
    if isinstance(kind, Number):
        return types.boolean if kind.family == "b" else getattr(types, kind.name)
    return types.none


def _kind(types: Any, kind: Any) -> Kind:
    """The type of a result."""
    kind = types.unliteral(kind)
    if kind == types.none:
        return NONE
    if isinstance(kind, types.BaseTuple) and len(kind) <= ARGUMENTS - RESULTS:
        if any(isinstance(each, types.BaseTuple) for each in kind):
            raise Unsupported(f"a kernel that returns {kind}")
        return Tuple(tuple(_kind(types, each) for each in kind))
    if isinstance(kind, (types.Integer, types.Float, types.Boolean)):
        return number_of("bool" if kind == types.boolean else kind.name)
    raise Unsupported(f"a kernel that returns {kind}")


def _value(context: Any, builder: Any, types: Any, kind: Any, next_word: Any) -> Any:
    """An argument as numba has it, made of the next words."""
    from numba.core import cgutils
    from numba.np.arrayobj import populate_array

    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder)
        data = builder.inttoptr(next_word(), array.data.type)
        shape = [next_word() for _ in range(kind.ndim)]
        strides = [next_word() for _ in range(kind.ndim)]
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        nothing = cgutils.get_null_value(array.meminfo.type)  # no reference is counted
        populate_array(array, data, shape, strides, size, nothing, cgutils.get_null_value(array.parent.type))
        return array._getvalue()
    if kind == types.none:
        return context.get_dummy_value()
    return Writer(builder, None, ()).from_word(number_of("bool" if kind == types.boolean else kind.name), next_word())
