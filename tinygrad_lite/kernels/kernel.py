"""`Kernel` and `kernel`: a loop that numba compiles beside the plain NumPy function that does the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .backend import backend, register
from .native.source import compiled

LARGE = 2048  # elements from which a compiled loop is worth its call


class Kernel:
    """A loop that numba compiles, and the plain NumPy function that does the same; made by `kernel`.

    Parameters
    ----------
    loop : function
        The loop, as Python.
    plain : function
        Its twin in NumPy: what runs without numba, and what the tests compare with.
    dtypes : str
        The dtypes of the first argument that the loop is for, as NumPy's characters; empty for any.
    least : int
        The size of the first argument from which the loop is worth its call.

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

    __slots__ = ("__weakref__", "_compiled", "dtypes", "least", "loop", "plain", "run")

    def __init__(self, loop: Callable[..., Any], plain: Callable[..., Any], dtypes: str = "", least: int = 0) -> None:
        self.loop, self.plain, self.dtypes, self.least = loop, plain, dtypes, least
        self._compiled: Callable[..., Any] | None = None
        self.run: Callable[..., Any] = self._choose
        register(self)

    def __call__(self, *args: Any) -> Any:
        return self.run(*args)

    def _choose(self, *args: Any) -> Any:
        if backend() != "numba":
            self.run = self.plain
        else:
            self.run = self._by_argument if self.dtypes or self.least else self.compiled
        return self.run(*args)

    def _by_argument(self, x: Any, *others: Any) -> Any:
        served = x.size >= self.least and (not self.dtypes or x.dtype.char in self.dtypes)
        return (self.compiled if served else self.plain)(x, *others)

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


def kernel(plain: Callable[..., Any], *, dtypes: str = "", least: int = 0) -> Callable[[Callable[..., Any]], Kernel]:
    """Decorate a loop that numba is to compile, beside its twin in plain NumPy.

    Parameters
    ----------
    plain : function
        Takes the same arguments and returns the same result with NumPy alone.
    dtypes, least
        What the loop serves, by its first argument: ``dtypes="fd", least=2048`` leaves arrays of other dtypes, and
        smaller ones, to the twin. Who calls the kernel need not decide.

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
        return Kernel(loop, plain, dtypes, least)

    return decorate
