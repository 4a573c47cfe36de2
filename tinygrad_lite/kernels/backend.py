"""`use`, `backend`, `has_numba`: which backend runs the loops; `select`, what loops choose with."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
import weakref
from functools import cache
from typing import Any

import numpy as np

VARIABLE = "TINYGRAD_LITE_KERNELS"
BACKENDS = ("numba", "numpy")

_current: str | None = None  # None until somebody asks: looking for numba takes time
_kernels: weakref.WeakSet[Any] = weakref.WeakSet()  # each Kernel, which asks again when the backend changes


def register(kernel: Any) -> None:
    """Tell a kernel when the backend changes, by its method `forget`."""
    _kernels.add(kernel)


class use:
    """Choose what runs the loops: compiled by numba, or their plain NumPy twins.

    Parameters
    ----------
    name : {"numba", "numpy"}

    Raises
    ------
    ValueError
        For any other name.
    ImportError
        If numba is asked for and not installed, or not usable.

    Notes
    -----
    The choice holds for the whole process. Without one, the environment variable ``TINYGRAD_LITE_KERNELS``
    decides, and without that numba is used where it is installed. Where it is and cannot be used (it does not fit the
    other packages, or ``NUMBA_DISABLE_JIT`` switches it off), one warning says so, and NumPy takes its place. As a
    context manager the choice holds inside the block.

    Examples
    --------
    >>> from tinygrad_lite import kernels
    >>> with kernels.use("numpy"):
    ...     kernels.backend()
    'numpy'
    """

    def __init__(self, name: str) -> None:
        self._previous = _current
        _switch(_checked(name, "kernels.use"))

    def __enter__(self) -> use:
        return self

    def __exit__(self, *_: object) -> None:
        _switch(self._previous)


def backend() -> str:
    """Return the name of the backend in use.

    Returns
    -------
    {"numba", "numpy"}

    Examples
    --------
    >>> from tinygrad_lite import kernels
    >>> kernels.backend() in ("numba", "numpy")
    True
    """
    global _current
    if _current is None:
        asked = os.environ.get(VARIABLE)
        _current = _checked(asked, VARIABLE) if asked else ("numba" if has_numba() else "numpy")
        if not asked and numba_fault():
            warnings.warn(f"tinygrad_lite: {numba_fault()}; everything runs on NumPy", RuntimeWarning, stacklevel=2)
    return _current


def has_numba() -> bool:
    """Whether numba is installed and can be used."""
    return importlib.util.find_spec("numba") is not None and not numba_fault()


@cache
def numba_fault() -> str:
    """Why numba's LLVM, if it is installed, cannot be used; empty if it can.

    numba itself is imported by the first kernel that needs it.
    """
    if importlib.util.find_spec("numba") is None:
        return ""
    try:
        importlib.import_module("llvmlite.binding")
    except Exception as error:  # whatever an installation that does not fit together may raise
        return f"numba is installed, but its llvmlite cannot be imported ({type(error).__name__}: {error})"
    switched_off = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    return "numba is switched off by NUMBA_DISABLE_JIT" if switched_off else ""


def _checked(name: str, who: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{who}: the backend must be 'numba' or 'numpy', got {name!r}")
    if name == "numba" and not has_numba():
        why = numba_fault() or "numba is not installed; `pip install numba`"
        raise ImportError(f"{who}: {why}; or choose 'numpy'")
    return name


def _switch(name: str | None) -> None:
    global _current
    if name != _current:
        _current = name
        for each in _kernels:
            each.forget()


def select(condition: Any, a: Any, b: Any) -> Any:
    """Choose `a` where the condition holds, else `b`: `np.where`, but as fast on scalars inside a kernel.

    Parameters
    ----------
    condition : bool or array of bool
    a, b : scalars or arrays, of one dtype

    Returns
    -------
    scalar or array

    Examples
    --------
    >>> from tinygrad_lite.kernels import select
    >>> select(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    return np.where(condition, a, b)
