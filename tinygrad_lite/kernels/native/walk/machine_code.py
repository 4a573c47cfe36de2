"""`compile_function`: machine code of functions that are written in LLVM's language as they are to be.

Imported by whoever runs compiled code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from ..codegen.machine import compile_module
from ..worker_threads import INTP

WORDS = ir.PointerType(INTP)


def compile_function(what: str, kind: Any, write: Callable[[Any, Any], None]) -> int:
    """Compile a function that needs none of LLVM's passes, or load what it was compiled to; returns its address.

    They would take two thirds of the time.

    Parameters
    ----------
    what : str
        Says what the function does, as far as this folder's text does not.
    kind : LLVM's type of the function
    write : callable
        ``write(builder, arguments)`` writes the function, and into its module whatever it calls.
    """

    def write_module(module: Any, name: str) -> None:
        function = ir.Function(module, kind, name)
        write(ir.IRBuilder(function.append_basic_block()), function.args)

    return compile_module("walk", what, write_module, speed=0)[0]


class Words:
    """Words of 64 bits in memory, as a function that is being written reads and writes them.

    Parameters
    ----------
    builder : IRBuilder
    """

    def __init__(self, builder: Any) -> None:
        self.builder = builder

    def pointer(self, address: Any) -> Any:
        """A pointer to words at an address."""
        return self.builder.inttoptr(address, WORDS)

    def place(self, start: Any, *index: Any) -> Any:
        """Where the word of a number, or of a sum of numbers, is."""
        found: Any = start
        for i in index:
            found = self.builder.gep(found, [number(i) if isinstance(i, int) else i])
        return found

    def load(self, start: Any, *index: Any) -> Any:
        """The word there."""
        return self.builder.load(self.place(start, *index))

    def store(self, value: Any, start: Any, *index: Any) -> None:
        """Write the word there."""
        self.builder.store(number(value) if isinstance(value, int) else value, self.place(start, *index))

    def add(self, *values: Any) -> Any:
        """A sum."""
        first, *others = (number(v) if isinstance(v, int) else v for v in values)
        for v in others:
            first = self.builder.add(first, v)
        return first


def number(value: int) -> Any:
    """A word that is known."""
    return ir.Constant(INTP, value)
