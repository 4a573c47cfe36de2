"""`build`, `jit`: numba's flags, and modules made of the text of kernels; the one place that owns either.

A kernel's module is named by a hash of its source, of this package's own helpers and of the versions of Python, NumPy
and numba: by that name `disk_cache` keeps what it compiles to.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import linecache
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import uncollected

with uncollected():  # a fifth of the time it takes
    import numba
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.errors import NumbaError

    from .by_numba.disk_cache import DiskCache
    from .by_numba.pipelines import Inner, InnerDispatcher, Whole, WholeDispatcher
    from .codegen.language.function_compiler import FLAGS
    from .codegen.machine import versions
    from .forks import lock, wait_before
    from .patience import announce_long_compilation

from .by_numba import memory_functions as memory_functions  # which tells numba what the functions of `memory` are

announce_long_compilation(DiskCache)

# error_model: division without Python's zero check is 7.6 times faster. nogil: a launch can be shared between threads.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": set(FLAGS["jit"]), "nogil": True}

CompilationError: Any = NumbaError  # what the first call of `build`'s functions may raise

_lock = lock()
wait_before(lambda: [global_compiler_lock])  # numba's, without which LLVM is in the middle of something in a child
_built: dict[str, dict[str, Any]] = {}


def jit(function: Callable[..., Any], **others: Any) -> Any:
    """Compile a function of a module of `build` with the house's flags, and keep the result."""
    dispatcher = numba.njit(**{**_OPTIONS, "no_cfunc_wrapper": True, "pipeline_class": Whole, **others})(function)
    dispatcher.__class__ = WholeDispatcher
    dispatcher._cache = DiskCache(function, uncollected)  # what enable_caching() does with numba's own class
    return dispatcher


def inner(function: Callable[..., Any], **others: Any) -> Any:
    """Compile a function that only kernels call: kept as a part of them, not by itself."""
    alone = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": Inner}
    dispatcher = numba.njit(**{**_OPTIONS, **alone, **others})(function)
    dispatcher.__class__ = InnerDispatcher
    return dispatcher


def inlined(function: Callable[..., Any]) -> Any:
    """As `inner`, and always made a part of the loop that calls it, which does not vectorize otherwise."""
    return inner(function, forceinline=True)


def summing(function: Callable[..., Any]) -> Any:
    """As `inner`, for a sum over elements: its order is left to the compiler, which adds many at a time."""
    return inner(function, fastmath=set(FLAGS["summing"]))


def exact(function: Callable[..., Any]) -> Any:
    """As `inner`, but a product is rounded before it is added to, as NumPy's are."""
    return inner(function, fastmath=set(FLAGS["exact"]))


def build(name: str, source: str) -> dict[str, Any]:
    """Turn a kernel's source into a module.

    Parameters
    ----------
    name : str
        Begins the name of what is kept of it, for whoever looks into the folder.
    source : str
        The module's text; kernels in it are decorated with `jit`.

    Returns
    -------
    dict
        The module's namespace. Nothing is compiled before a kernel is called.
    """
    digest = hashlib.sha256("\0".join((numba.__version__, versions(), source)).encode()).hexdigest()[:20]
    with _lock:
        if digest not in _built:
            module = ModuleType(f"{name}_{digest}")
            module.__file__ = path = f"<kernel {module.__name__}>"
            linecache.cache[path] = (len(source), None, source.splitlines(True), path)  # for tracebacks
            sys.modules[module.__name__] = module  # where numba looks for the globals of kept code
            exec(compile(source, path, "exec"), module.__dict__)
            _built[digest] = module.__dict__
        return _built[digest]
