"""`compile_function`: machine code of functions that are written in LLVM's language.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from ..compile import versions
from ..disk_cache import SUFFIX, read
from ..disk_cache import write as save
from ..worker_threads import INTP

WORDS = ir.PointerType(INTP)
_libraries: dict[str, Any] = {}  # whose code must stay


@cache
def _made_by() -> str:
    """What compiled code depends on beside its own text: versions, this folder's text, and the processor."""
    found = repr((versions(), cpu_target.target_context.codegen().magic_tuple()))
    return hashlib.sha256(found.encode()).hexdigest()


class _AsWritten(JITCodeLibrary):
    """An LLVM module of which machine code is made as it is: LLVM's passes would take two thirds of the time."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Do nothing."""


def compile_function(what: str, kind: Any, write: Callable[[Any, Any, Any], None]) -> int:
    """Compile a function, or load what it was compiled to before; returns its address.

    Parameters
    ----------
    what : str
        Says what the function does, as far as this folder's text does not.
    kind : LLVM's type of the function
    write : callable
        ``write(context, builder, arguments)`` writes the function, and into its module whatever it calls.
    """
    with global_compiler_lock:
        codegen = cpu_target.target_context.codegen()
        key = repr((what, _made_by())).encode()
        digest = hashlib.sha256(key).hexdigest()[:20]
        name, file = f"tinygrad_lite_walk_{digest}", f"walk.{digest}{SUFFIX}"
        if name not in _libraries:
            kept = read(file, key)
            if kept is not None:
                library = codegen.unserialize_library((name, "object", pickle.loads(kept)))
            else:
                library = _AsWritten(codegen, name)
                library.enable_object_caching()
                module = library.create_ir_module(name)
                function = ir.Function(module, kind, name)
                write(cpu_target.target_context, ir.IRBuilder(function.append_basic_block()), function.args)
                library.add_ir_module(module)
                library.finalize()
                save(file, key, pickle.dumps(library.serialize_using_object_code()[2]))
            _libraries[name] = library
        return int(_libraries[name].get_pointer_to_function(name))


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
