"""numba's flags, and compiled code kept on disk: the one place that owns either.

A kernel's source is written to a file named by a hash of the source, of this package's own helpers and of the
versions of Python, NumPy and numba, in a folder that belongs to the user alone; numba keeps the machine code
beside it. Nothing on disk is trusted further than it can be checked: a source file that is not what it should
be is written again, machine code that cannot be loaded is compiled again, and where no folder is safe and
writable kernels live in memory only.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import contextlib
import gc
import hashlib
import linecache
import os
import platform
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: numba makes half a million objects that stay, and each round walks them all."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


with _uncollected():  # a fifth of the time it takes
    import numba
    from numba.core.caching import FunctionCache

FOLDER_VARIABLE = "TINYGRAD_LITE_CACHE"

# error_model: division without Python's zero check is 7.6 times faster. fastmath: only what leaves NaN and
# infinity their meaning; arcp does not, since LLVM then takes 1 / sqrt(inf) for NaN, and it makes nothing faster here.
# nogil: a launch can be shared between threads.
FLAGS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz"}, "nogil": True}

_lock = threading.RLock()


def _after_fork() -> None:
    """A thread that held the lock is none of the child's, and never gives it back there."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

_built: dict[str, dict[str, Any]] = {}


class _SturdyCache(FunctionCache):
    """numba's cache, for which a damaged file is a missing one."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            with _uncollected():
                found = super().load_overload(sig, target_context)
        except Exception:  # whatever unpickling half a file may raise
            self._discard()
            return None
        # Two processes that compile different signatures at once can leave an index that names the other's
        # code.
        return found if found is None or tuple(found.signature.args) == tuple(sig) else None

    def save_overload(self, sig: Any, data: Any) -> None:
        for _ in range(2):
            try:
                return super().save_overload(sig, data)
            except Exception:  # a damaged index, a full disk: the kernel works without being kept
                self._discard()

    def _discard(self) -> None:
        try:
            self.flush()
        except OSError:
            self.disable()


def jit(function: Callable[..., Any], **others: Any) -> Any:
    """Compile a function with the house's flags, and keep the result if the function lives in a file."""
    dispatcher = numba.njit(**{**FLAGS, **others})(function)
    if os.path.exists(function.__code__.co_filename):
        with contextlib.suppress(RuntimeError, OSError):  # no place to keep it
            dispatcher._cache = _SturdyCache(function)  # what enable_caching() does with numba's own class
    return dispatcher


def holding(function: Callable[..., Any]) -> Any:
    """As `jit`, but the GIL is held: no other thread can change or free what the function reads."""
    return jit(function, nogil=False)


def inner(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call: kept as a part of them, not by itself."""
    return numba.njit(**FLAGS)(function)


def summing(function: Callable[..., Any]) -> Any:
    """As `inner`, for a sum over elements: its order is left to the compiler, which adds many at a time."""
    return numba.njit(**{**FLAGS, "fastmath": FLAGS["fastmath"] | {"reassoc"}})(function)


def build(name: str, source: str) -> dict[str, Any]:
    """Turn a kernel's source into a module, on disk if possible.

    Parameters
    ----------
    name : str
        Begins the file's name, for whoever looks into the folder.
    source : str
        The module's text; kernels in it are decorated with `jit`.

    Returns
    -------
    dict
        The module's namespace. Nothing is compiled before a kernel is called.
    """
    digest = hashlib.sha256("\0".join((_versions(), source)).encode()).hexdigest()[:20]
    with _lock:
        if digest not in _built:
            module = ModuleType(f"tinygrad_lite_kernel_{name}_{digest}")
            path = _written(f"{name}_{digest}.py", source) or f"<{module.__name__}>"
            module.__file__ = path
            if not os.path.exists(path):  # a traceback should still show the line
                linecache.cache[path] = (len(source), None, source.splitlines(True), path)
            sys.modules[module.__name__] = module  # where numba looks for the globals of kept code
            exec(compile(source, path, "exec"), module.__dict__)
            _built[digest] = module.__dict__
        return _built[digest]


@cache
def _versions() -> str:
    """Everything outside its source that decides what a kernel compiles to."""
    here = Path(__file__)
    names = ("compile.py", "crew.py", "dot_pairs.py", "memory.py", "objects.py", "tasks.py", "tile.py")
    helpers = [here.with_name(name).read_text(encoding="utf-8") for name in names]
    return "\0".join((sys.version, platform.machine(), np.__version__, numba.__version__, *helpers))


# The folder


@cache
def folder() -> Path | None:
    """Return the folder kernels are kept in, or None if there is no safe place.

    ``TINYGRAD_LITE_CACHE`` if it is set, else the system's folder for caches, else one in the temporary
    folder. It must be the user's own, writable, and closed to others: what lies there will be executed.
    """
    for candidate in _candidates():
        try:
            candidate.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _private(candidate):
                with tempfile.TemporaryFile(dir=candidate):
                    return candidate
        except OSError:
            continue
    return None


def _candidates() -> Iterator[Path]:
    if os.environ.get(FOLDER_VARIABLE):
        yield Path(os.environ[FOLDER_VARIABLE]).absolute()
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    if base:
        yield Path(base).absolute() / "tinygrad_lite" / "kernels"
    try:
        home = Path.home()
    except RuntimeError:  # neither HOME nor an entry for this user
        pass
    else:
        yield (home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "tinygrad_lite" / "kernels")
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    yield Path(tempfile.gettempdir()) / f"tinygrad_lite_kernels_{user}"


def _private(path: Path) -> bool:
    if not hasattr(os, "getuid"):
        return True
    about = path.lstat()
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o022


def _written(filename: str, source: str) -> str | None:
    """Put a source file in place, whole or not at all, and return its path."""
    where = folder()
    if where is None:
        return None
    path = where / filename
    try:
        try:
            if path.read_text(encoding="utf-8") == source:
                return str(path)
        except (FileNotFoundError, UnicodeDecodeError):
            pass
        handle, temporary = tempfile.mkstemp(dir=where, prefix=filename, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(source)
        os.utime(temporary, (0, 0))  # numba compares times: a file written by two processes must not look changed
        os.replace(temporary, path)
    except OSError:
        return None
    return str(path)
