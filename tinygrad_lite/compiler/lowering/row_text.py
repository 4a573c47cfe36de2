"""A row's own text, run on symbols.

The functions a row calls are called with `np.ndarray` standing for the class of symbols, so that they take the same
branches as with arrays: these depend on layouts, dtypes and sizes. Whatever asks for values, writes to an argument or
calls a compiled kernel is not lowered.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ... import rules
from .steps import Place
from .symbols import Row, Symbol


class _NumPy:
    """NumPy, in which symbols are the arrays."""

    ndarray = Symbol

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def asarray(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Symbol) and not args and not kwargs:
            return value
        return np.asarray(value, *args, **kwargs)

    def ascontiguousarray(self, value: Any) -> Any:
        if isinstance(value, Symbol):
            return value if value.flags.c_contiguous else value.copy()
        return np.ascontiguousarray(value)


class _Op:
    """A row as it is called with arrays."""

    def __init__(self, op: Any) -> None:
        self._op, self.function = op, for_symbols(op.function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._op, name)

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


class _Module:
    """A module of the library, whose functions are called with symbols."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return for_symbols(getattr(self._module, name))


_NUMPY = _NumPy()
_for_symbols: dict[Any, Any] = {}


def for_symbols(value: Any) -> Any:
    """A function with its globals and closures as symbols need them."""
    if value is np:
        return _NUMPY
    if value is np.ndarray:
        return Symbol
    value = getattr(value, "recorded", value)
    if not isinstance(getattr(value, "__module__", ""), str):
        return value
    if isinstance(value, rules.Op):
        return _Op(value)
    if type(value) is ModuleType and value.__name__.startswith("tinygrad_lite"):
        return _Module(value)
    if type(value) is not FunctionType or not value.__module__.startswith("tinygrad_lite"):
        return value
    found = _for_symbols.get(value)
    if found is None:
        names: dict[str, Any] = {"__name__": value.__globals__.get("__name__"), "__builtins__": builtins}
        cells = tuple(CellType() for _ in value.__closure__ or ())
        found = _for_symbols[value] = FunctionType(value.__code__, names, value.__name__, value.__defaults__, cells)
        found.__kwdefaults__ = value.__kwdefaults__
        for name in _names(value.__code__):
            if name in value.__globals__:
                names[name] = for_symbols(value.__globals__[name])
        for ours, theirs in zip(cells, value.__closure__ or ()):
            try:
                ours.cell_contents = for_symbols(theirs.cell_contents)
            except ValueError:  # not filled yet
                continue
    return found


def _names(code: Any) -> set[str]:
    inner = [c for c in code.co_consts if hasattr(c, "co_names")]
    return set(code.co_names).union(*map(_names, inner))


def lower(function: Callable[..., Any], args: Any, place_of: Callable[[Any], Place]) -> tuple[Row, Any]:
    """Run a row on symbols.

    Parameters
    ----------
    function : callable
    args : tuple of arguments
        With arrays.
    place_of : callable
        array -> where it lies.

    Returns
    -------
    (Row, result)
        Its steps, and symbols for arrays.

    Raises
    ------
    NotLowered
        Or whatever else goes wrong with symbols.
    """
    row = Row()

    def symbol(value: Any) -> Any:
        if type(value) is np.ndarray:
            return Symbol(row, value, place_of(value))
        if type(value) in (tuple, list):
            return type(value)(map(symbol, value))
        return value

    with np.errstate(all="ignore"):
        return row, row.result(for_symbols(function)(*map(symbol, args)))
