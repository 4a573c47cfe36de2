"""`Kernel` and `kernel`: a loop that numba compiles beside the plain NumPy function that does the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .backend import backend, register
from .native.source import compiled


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
        register(self)

    def __call__(self, *args: Any) -> Any:
        return self.run(*args)

    def _choose(self, *args: Any) -> Any:
        self.run = self.compiled if backend() == "numba" else self.plain
        return self.run(*args)

    def forget(self) -> None:
        """Ask again which backend is in use, at the next call."""
        self.run = self._choose

    @property
    def compiled(self) -> Callable[..., Any]:
        """The loop compiled by numba, whichever backend is in use."""
        if self._compiled is None:
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
