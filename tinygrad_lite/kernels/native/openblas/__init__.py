"""The OpenBLAS that NumPy uses: its threads, and how wide its vectors are."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from functools import cache
from typing import Any

import numpy as np

VARIABLE = "OPENBLAS_THREAD_TIMEOUT"
CYCLES = "19"  # 2^19: 0.1 to 0.2 ms

_RESTART = ("openblas_read_env", "blas_thread_shutdown_", "blas_thread_init")
_NAMES = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")


@cache
def _library() -> Any:
    """The OpenBLAS that NumPy has loaded; None for another BLAS, or where its file is not found."""
    from pathlib import Path  # 20 modules, which importing this library needs not wait for

    folders = [Path(np.__file__).parent.parent / "numpy.libs", Path(np.__file__).parent / ".dylibs"]
    files = [file for folder in folders if folder.is_dir() for file in folder.iterdir() if "openblas" in file.name]
    if not files and Path("/proc/self/maps").exists():  # a distribution's own
        lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
        files = [Path(line.split(maxsplit=5)[5]) for line in lines if "openblas" in line.rpartition("/")[2]]
    try:
        return ctypes.CDLL(str(files[0])) if files else None
    except OSError:
        return None


def _function(what: str) -> Any:
    found = (getattr(_library(), name.format(what), None) for name in _NAMES)
    return next((function for function in found if function is not None), None)


def get_num_threads() -> int | None:
    """How many threads share a large product of matrices; None where that cannot be asked.

    Examples
    --------
    >>> from tinygrad_lite.kernels.native import openblas
    >>> openblas.get_num_threads() in (None, *range(1, 1025))
    True
    """
    function = _function("get_num_threads")
    return None if function is None else int(function())


def set_num_threads(n: int) -> bool:
    """Let so many threads share a large product of matrices; whether that could be said.

    Examples
    --------
    >>> from tinygrad_lite.kernels.native import openblas
    >>> before = openblas.get_num_threads()
    >>> openblas.set_num_threads(before or 1) == (before is not None)
    True
    """
    function = _function("set_num_threads")
    if function is not None:
        function(ctypes.c_int(n))
    return function is not None


_WIDE = {"skylakex", "cooperlake", "sapphirerapids", "graniterapids", "zen5"}  # whose kernels use AVX-512


@cache
def is_narrow(width: int) -> bool:
    """Whether products are made of vectors of fewer bytes than this: of kernels for another processor than this one.

    So are those of a build that does not know the processor, or that ``OPENBLAS_CORETYPE`` tells another one.

    Examples
    --------
    >>> from tinygrad_lite.kernels.native import openblas
    >>> openblas.is_narrow(16)
    False
    """
    function = _function("get_corename")
    if function is None or width < 64:
        return False
    function.restype = ctypes.c_char_p
    return bytes(function()).decode().lower() not in _WIDE


def takes_jobs_elsewhere() -> bool:
    """Whether this OpenBLAS can have the jobs of products done by threads that are not its own."""
    return _function("set_threads_callback_function") is not None


def have_jobs_done(address: int | None) -> None:
    """Have the jobs of products done by a function, see `jobs`; with None, by OpenBLAS's own threads again."""
    if takes_jobs_elsewhere():
        _function("set_threads_callback_function")(ctypes.c_void_p(address))


@cache
def let_idle_threads_sleep() -> bool:
    """Let the threads of OpenBLAS sleep soon after a product, where NumPy was loaded before the library.

    They are started anew with another setting, which is done once and only while no other thread may be in a product.
    By default they spin for 26 ms, and take turns with the helpers of compiled loops on one core: two threads are then
    slower than one. Where it cannot be done, set ``OPENBLAS_THREAD_TIMEOUT=19`` before NumPy is imported, or import the
    library first.

    Returns
    -------
    bool
        Whether it was done.
    """
    if VARIABLE in os.environ or threading.active_count() > 1 or sys.platform == "win32":
        return False
    library = _library()
    if not all(hasattr(library, name) for name in _RESTART) or (get_num_threads() or 1) < 2:
        return False
    os.environ[VARIABLE] = CYCLES
    try:
        for name in _RESTART:
            getattr(library, name)()
    finally:
        del os.environ[VARIABLE]
    return True
