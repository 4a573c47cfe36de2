"""`Value` and its kinds: what expressions of a kernel are while it is compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from .kinds import (
    NONE,
    Array,
    DType,
    Literal,
    Number,
    Tuple,
)  # fmt: skip

WORD = ir.IntType(64)
RESULTS, ARGUMENTS = 1, 4  # where in a kernel's words they begin
NO_MEMORY, OTHER_LENGTHS, NO_STEP = 1, 2, 3  # the first of them, of a kernel that has failed
BYTES = ir.PointerType(ir.IntType(8))


@dataclass
class Scalar:
    """A number that is computed when the kernel runs; `positive` if it cannot be below 0."""

    kind: Number
    ir: Any
    positive: bool = False


@dataclass
class Constant:
    """A number that is known."""

    value: int | float

    @property
    def kind(self) -> Literal:
        return Literal(self.value)

    @property
    def positive(self) -> bool:
        return self.value >= 0


@dataclass
class View:
    """An array: where its elements lie, its lengths, and its strides in bytes."""

    kind: Array
    data: Any
    shape: list[Any]
    strides: list[Any]


@dataclass
class Items:
    """A tuple."""

    items: list[Any]

    @property
    def kind(self) -> Tuple:
        return Tuple(tuple(item.kind for item in self.items))


@dataclass
class NumberType:
    """A type of numbers."""

    number: Number

    @property
    def kind(self) -> DType:
        return DType(self.number)


class _Nothing:
    kind = NONE


NOTHING = _Nothing()
Value = Any  # one of these


def word(value: int) -> Any:
    """A word that is known."""
    return ir.Constant(WORD, value)
