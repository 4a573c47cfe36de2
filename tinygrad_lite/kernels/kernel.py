"""`Kernel`, `kernel`: a loop that is compiled beside the NumPy function that does the same; `serves`: for whom."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from .backend import backend, register

LARGE = 2048  # elements from which a compiled loop is worth its call


class Kernel:
    """A loop that is compiled, and the plain NumPy function that does the same; made by `kernel`.

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
    **constants : int
        Other values for some of the module's constants: what they rule out is not compiled.

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

    __slots__ = ("__weakref__", "_compiled", "_constants", "dtypes", "least", "loop", "plain", "run")

    def __init__(
        self, loop: Callable[..., Any], plain: Callable[..., Any], dtypes: str = "", least: int = 0, **constants: int
    ) -> None:
        self.loop, self.plain, self.dtypes, self.least, self._constants = loop, plain, dtypes, least, constants
        self._compiled: Any = None
        self.run: Callable[..., Any] = self._choose
        register(self)

    def __call__(self, *args: Any) -> Any:
        return self.run(*args)

    def _choose(self, *args: Any) -> Any:
        if backend() != "numba":
            self.run = self.plain
        else:
            self.run = self._by_argument() if self.dtypes or self.least else self.compiled.call
        return self.run(*args)

    def serves(self, x: Any) -> bool:
        """Whether the loop is for a first argument like this one."""
        return x.size >= self.least and (not self.dtypes or x.dtype.char in self.dtypes)

    def _by_argument(self) -> Callable[..., Any]:
        loop, plain, least, dtypes = self.compiled.call, self.plain, self.least, self.dtypes

        def run(x: Any, *others: Any) -> Any:  # `serves`, spelled out: every small array feels a call
            return (loop if x.size >= least and (not dtypes or x.dtype.char in dtypes) else plain)(x, *others)

        return run

    def forget(self) -> None:
        """Ask again which backend is in use, at the next call."""
        self.run = self._choose

    @property
    def compiled(self) -> Any:
        """The loop, compiled, whichever backend is in use: a `Loop`."""
        if self._compiled is None:
            from .native.codegen.loop import compiled

            self._compiled = compiled(self.loop, self.plain, **self._constants)
        return self._compiled

    def __repr__(self) -> str:
        return f"<kernel {self.loop.__module__}.{self.loop.__qualname__}>"


def kernel(plain: Callable[..., Any], *, dtypes: str = "", least: int = 0) -> Callable[[Callable[..., Any]], Kernel]:
    """Decorate a loop that is to be compiled, beside its twin in plain NumPy.

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
        kernels and plain functions of its module; all of them become part of the kept source. What the library's own
        compiler does not know, as arrays that are returned and errors that are raised, numba compiles, which takes ten
        times as long.

    Notes
    -----
    Literals are 64 bits wide: ``0.5 * x`` makes a float64 of a float32, and the loop half as fast.
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


class Served:
    """A compiled way to compute something, and which arguments it serves; made by `serves`, and by `late`."""

    __slots__ = ("asks", "run", "when")

    def __init__(self, run: Callable[..., Any], when: Callable[..., bool], asks: bool = False) -> None:
        self.run, self.when, self.asks = run, when, asks  # the last: whether numba is in use

    def otherwise(self, formula: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate the formula in NumPy that all other arguments get: the result chooses between the two."""
        code = inspect.unwrap(formula).__code__
        if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
            given = "*args"
        else:  # spelled out: collecting arguments twice costs a small array 0.3 us
            given = ", ".join(code.co_varnames[: code.co_argcount])
        asked = " and backend() == 'numba'" if self.asks else ""
        text = f"lambda {given}: run({given}) if when({given}){asked} else formula({given})"
        names: dict[str, Any] = {"run": self.run, "when": self.when, "formula": formula, "backend": backend}
        function: Any = eval(compile(text, __file__, "eval"), names)  # the file's name: its frames are the library's
        function.__defaults__ = inspect.unwrap(formula).__defaults__
        return functools.update_wrapper(function, formula)


def serves(when: Callable[..., bool]) -> Callable[[Callable[..., Any]], Served]:
    """Decorate a function that runs loops for some arguments, and leaves the others to a formula in NumPy.

    A `Kernel` chooses by itself, since its twin takes the same flat arrays. This is for what takes an operation's own
    arguments, and whose other form is a row's formula.

    Parameters
    ----------
    when : function
        Takes the same arguments, and says whether loops are possible for them and worth the call.

    Returns
    -------
    decorator
        Makes a `Served`; its `otherwise` decorates the formula.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.kernels.kernel import serves
    >>> @serves(lambda x: x.size > 2)
    ... def total_of_many(x):
    ...     return "a loop"
    >>> @total_of_many.otherwise
    ... def total(x):
    ...     return np.sum(x)
    >>> total(np.ones(3)), float(total(np.ones(2)))
    ('a loop', 2.0)
    """
    return lambda run: Served(run, when)


def late(module: str, name: str = "", *, when: Callable[..., bool]) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function in NumPy whose compiled form stands in a module that loads numba.

    Parameters
    ----------
    module : str
        Imported by the first call that it serves.
    name : str, optional
        Of the compiled form, which takes the same arguments. Default: the decorated function's.
    when : function
        Takes the same arguments, and says whether the compiled form serves them.

    Returns
    -------
    decorator
        What it returns chooses between the two, and takes the function in NumPy where `backend` is not numba.
    """

    def decorate(plain: Callable[..., Any]) -> Callable[..., Any]:
        def load(*args: Any) -> Any:
            compiled_form = getattr(importlib.import_module(module), name or plain.__name__)
            chosen.__globals__["run"] = compiled_form  # which is called itself from now on
            return compiled_form(*args)

        chosen = Served(load, when, asks=True).otherwise(plain)
        return chosen

    return decorate
