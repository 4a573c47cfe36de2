"""How numba takes kernels from Python to machine code: what only kernels call is optimized as a part of them.

By itself numba optimizes every function that a kernel calls, makes machine code of it and writes wrappers to call it
from Python and from C; then its LLVM module is linked into the kernel's, where all is optimized again. Functions of
`Inner` are linked only.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, no-any-return, misc"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher

from .. import uncollected
from ..turns import end_all_turns


class OptimizedOnce(JITCodeLibrary):
    """A kernel's LLVM module, optimized when all is linked into it and not function by function before."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout


class LinkedOnly(OptimizedOnce):
    """The LLVM module of a function that kernels call: neither optimized nor made machine code of by itself."""

    def finalize(self) -> None:
        """Link what the function calls, and leave it at that."""
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return 0: there is no machine code."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        """The code generator, which finds no place for the function's globals where there is no machine code."""
        return _WithoutGlobals(self._codegen)


class _WithoutGlobals:
    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, env: Any) -> None:
        """Do nothing."""


class Whole(Compiler):
    """numba's pipeline, for kernels."""

    library_class: type[OptimizedOnce] = OptimizedOnce

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Compile a function."""
        self.state.library = self.library_class(self.state.targetctx.codegen(), func.__qualname__)
        self.state.library.enable_object_caching()
        with uncollected():
            return super().compile_extra(func)


class Inner(Whole):
    """numba's pipeline, for functions that only kernels call."""

    library_class = LinkedOnly


class WholeDispatcher(CPUDispatcher):
    """A kernel, which is kept on disk."""

    def compile(self, sig: Any) -> Any:
        """Compile the kernel for a signature; where that fails others need not wait for it."""
        try:
            return super().compile(sig)
        except BaseException:
            end_all_turns()
            raise


class InnerDispatcher(CPUDispatcher):
    """A function that only kernels call, as they see it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{self.py_func.__name__}: only compiled code can call this, not Python")
