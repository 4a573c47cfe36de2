"""`intrinsic`: functions of kernels that are written in LLVM's language; `types`, their arguments'."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from ..instructions import get_or_insert_function
from .arithmetic import Writer
from .kinds import BOOL, FLOAT32, FLOAT64, INT64, NONE, UINT16, Kind, Literal, Number, Signature, Unsupported, plain
from .values import NOTHING, Constant, NumberType, Scalar, Value

types = SimpleNamespace(boolean=BOOL, intp=INT64, uint16=UINT16, float32=FLOAT32, float64=FLOAT64, void=NONE)


class Context:
    """What an intrinsic that is being written asks for."""

    @staticmethod
    def get_value_type(kind: Any) -> Any:
        """LLVM's type of a number."""
        return kind.ir

    @staticmethod
    def get_constant(kind: Any, value: int) -> Any:
        """A number that is known."""
        return ir.Constant(kind.ir, value)

    @staticmethod
    def get_dummy_value() -> None:
        """What is returned where nothing is."""


class Intrinsic:
    """A function that kernels call, by what writes the call.

    Parameters
    ----------
    define : function
        ``define(context, *types)`` returns the signature for arguments of these types, and
        ``codegen(context, builder, signature, args)``, which writes the call and returns its LLVM value.
    prefer_literal : bool
        Numbers that are known when a kernel is compiled are told as such. What is long becomes a function of its own,
        one for all calls with the same ones, which LLVM takes much as it is written.
    """

    def __init__(self, define: Callable[..., Any], prefer_literal: bool) -> None:
        self.define, self.prefer_literal = define, prefer_literal
        self.__name__, self.__qualname__, self.__module__ = define.__name__, define.__qualname__, define.__module__
        self.__doc__ = define.__doc__

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{self.__name__}: only compiled code can call this, not Python")


def intrinsic(define: Callable[..., Any]) -> Intrinsic:
    """Decorate what writes a function's calls: see `Intrinsic`."""
    return Intrinsic(define, prefer_literal=False)


def intrinsic_of_literals(define: Callable[..., Any]) -> Intrinsic:
    """As `intrinsic`, where numbers that are known are told as such."""
    return Intrinsic(define, prefer_literal=True)


def call_intrinsic(write: Writer, function: Intrinsic, args: list[Value]) -> Value:
    """Write a call with numbers and types of numbers."""
    kinds = [_told(a.kind, function.prefer_literal) for a in args]
    signature, codegen = function.define(Context, *kinds)
    values = [_bits(write, a, kind) for a, kind in zip(args, signature.args)]
    if function.prefer_literal:
        found = _call_by_hand(write.builder, (function.__name__, *kinds), signature, codegen, values)
    else:
        found = codegen(Context, write.builder, signature, values)
    return NOTHING if signature.return_type == NONE else Scalar(signature.return_type, found)


_SHORT = 100  # instructions, up to which a call would cost more than it saves


def _call_by_hand(
    builder: Any, what: tuple[Any, ...], signature: Signature, codegen: Callable[..., Any], values: list[Any]
) -> Any:
    """Write a call of a function in the module for such; what is short is written in the call's place instead."""
    returns, written = signature.return_type, builder.module.written
    given = [k for k, value in enumerate(values) if value is not None and not isinstance(value, ir.Constant)]
    kind = ir.FunctionType(ir.VoidType() if returns == NONE else returns.ir, [values[k].type for k in given])
    function = written.get((what, *given))  # the others are known
    if function is None:
        module, args = builder.module.by_hand, list(values)
        function = ir.Function(module, kind, module.get_unique_name(what[0]))
        within = ir.IRBuilder(function.append_basic_block())
        for k, argument in zip(given, function.args):
            args[k] = argument
        try:
            found = codegen(Context, within, signature, args)
        except Unsupported:  # what is called with numbers that are not known may be compiled again with those that are
            del module.globals[function.name]
            raise
        if returns == NONE:
            within.ret_void()
        else:
            within.ret(found)
        written[(what, *given)] = function
    if sum(len(block.instructions) for block in function.blocks) <= _SHORT:
        return codegen(Context, builder, signature, values)
    called = get_or_insert_function(builder.module, kind, function.name)
    return builder.call(called, [values[k] for k in given])


def _told(kind: Kind, literal: bool) -> Kind:
    return kind if isinstance(kind, Literal) and literal and isinstance(kind.value, int) else plain(kind)


def _bits(write: Writer, value: Value, kind: Kind) -> Any:
    if isinstance(value, NumberType) or value is NOTHING:
        return None
    number = plain(kind)
    if not isinstance(number, Number) or not isinstance(value, (Scalar, Constant)):
        raise Unsupported(f"an intrinsic of {kind}")
    return write.bits(value, number)
