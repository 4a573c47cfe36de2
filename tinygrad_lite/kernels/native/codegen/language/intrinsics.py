"""`intrinsic`: functions of kernels that are written in LLVM's language; `types`, their arguments'."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from .arithmetic import Writer
from .kinds import BOOL, FLOAT32, FLOAT64, INT64, NONE, UINT16, Kind, Literal, Number, Unsupported, plain
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
        Numbers that are known when a kernel is compiled are told as such.
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
    found = codegen(Context, write.builder, signature, values)
    return NOTHING if signature.return_type == NONE else Scalar(signature.return_type, found)


def _told(kind: Kind, literal: bool) -> Kind:
    return kind if isinstance(kind, Literal) and literal and isinstance(kind.value, int) else plain(kind)


def _bits(write: Writer, value: Value, kind: Kind) -> Any:
    if isinstance(value, NumberType) or value is NOTHING:
        return None
    number = plain(kind)
    if not isinstance(number, Number) or not isinstance(value, (Scalar, Constant)):
        raise Unsupported(f"an intrinsic of {kind}")
    return write.bits(value, number)
