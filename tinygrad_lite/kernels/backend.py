"""Which backend runs the loops, and a loop beside its NumPy twin."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

VARIABLE = "TINYGRAD_LITE_KERNELS"
BACKENDS = ("numba", "numpy")

_current: str | None = None  # None until somebody asks: looking for numba takes time
_kernels: weakref.WeakSet[Kernel] = weakref.WeakSet()


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
        global _current
        self._previous = _current
        _current = _checked(name, "kernels.use")
        _forget()

    def __enter__(self) -> use:
        return self

    def __exit__(self, *_: object) -> None:
        global _current
        _current = self._previous
        _forget()


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
    """Why numba, if it is installed, cannot be used; empty if it can."""
    if importlib.util.find_spec("numba") is None:
        return ""
    try:
        importlib.import_module(".native.compile", __package__)
        switched_off = importlib.import_module("numba").config.DISABLE_JIT
    except Exception as error:  # whatever an installation that does not fit together may raise
        return f"numba is installed, but cannot be imported ({type(error).__name__}: {error})"
    return "numba is switched off by NUMBA_DISABLE_JIT" if switched_off else ""


def _checked(name: str, who: str) -> str:
    if name not in BACKENDS:
        raise ValueError(f"{who}: the backend must be 'numba' or 'numpy', got {name!r}")
    if name == "numba" and not has_numba():
        why = numba_fault() or "numba is not installed; `pip install numba`"
        raise ImportError(f"{who}: {why}; or choose 'numpy'")
    return name


def _forget() -> None:
    for each in _kernels:
        each.run = each._choose


class Kernel:
    """A loop that numba compiles, and the plain NumPy function that does the same; made by `kernel`.

    Parameters
    ----------
    loop : function
        The loop, as Python.
    plain : function
        Its twin in NumPy: what runs without numba, and what the tests compare with.

    Attributes
    ----------
    run : callable
        What a call runs at present. ``kernel.run(...)`` saves the 0.1 us of the call in between.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.kernels import kernel
    >>> @kernel(np.sum)
    ... def total(x):
    ...     found = 0.0
    ...     for value in x:
    ...         found += value
    ...     return found
    >>> float(total(np.ones(3))), float(total.plain(np.ones(3)))
    (3.0, 3.0)
    """

    __slots__ = ("__weakref__", "_compiled", "loop", "plain", "run")

    def __init__(self, loop: Callable[..., Any], plain: Callable[..., Any]) -> None:
        self.loop, self.plain = loop, plain
        self._compiled: Callable[..., Any] | None = None
        self.run: Callable[..., Any] = self._choose
        _kernels.add(self)

    def __call__(self, *args: Any) -> Any:
        return self.run(*args)

    def _choose(self, *args: Any) -> Any:
        self.run = self.compiled if backend() == "numba" else self.plain
        return self.run(*args)

    @property
    def compiled(self) -> Callable[..., Any]:
        """The loop compiled by numba, whichever backend is in use."""
        if self._compiled is None:
            from .native.source import compiled

            self._compiled = compiled(self.loop)
        return self._compiled

    def __repr__(self) -> str:
        return f"<kernel {self.loop.__module__}.{self.loop.__qualname__}>"


def kernel(plain: Callable[..., Any]) -> Callable[[Callable[..., Any]], Kernel]:
    """Decorate a loop that numba is to compile, beside its twin in plain NumPy.

    Parameters
    ----------
    plain : function
        Takes the same arguments and returns the same result with NumPy alone.

    Returns
    -------
    decorator
        Makes a `Kernel`: called, it runs the loop or the twin as `use` says. The loop is compiled when it is
        first called with arguments of new types, and kept on disk. It may use NumPy, `math`, numbers, other
        kernels and plain functions of its module; all of them become part of the kept source.

    Notes
    -----
    Literals are 64 bits wide in numba: ``0.5 * x`` makes a float64 of a float32, and the loop half as fast.
    Write ``half = x.dtype.type(0.5)`` before the loop. `np.where` on scalars is 900 times slower than
    `select`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.kernels import kernel
    >>> def relu_plain(x):
    ...     return np.maximum(x, 0)
    >>> @kernel(relu_plain)
    ... def relu(x):
    ...     out = np.empty_like(x)
    ...     source, target = x.ravel(), out.ravel()
    ...     for i in range(source.size):
    ...         target[i] = max(source[i], 0)
    ...     return out
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def decorate(loop: Callable[..., Any]) -> Kernel:
        return Kernel(loop, plain)

    return decorate


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
