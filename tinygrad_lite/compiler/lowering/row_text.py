"""A row's own text, run on symbols.

The functions a row calls are called with `np.ndarray` standing for the class of symbols, so that they take the same
branches as with arrays: these depend on layouts, dtypes and sizes. Kernels are called by their addresses
(`kernel_symbols`). Whatever asks for values or writes to an argument is not lowered.
"""

from __future__ import annotations

import builtins
import functools
import importlib
from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ... import graph, rules
from ...kernels.backend import backend
from ...kernels.kernel import Kernel
from ...kernels.native import openblas, threads
from ...transforms.interception import by_itself
from . import kernel_symbols
from .kernel_symbols import NOW, Created, Dictionary, KernelSymbol
from .rows import Row
from .steps import Place
from .symbols import NotLowered, Symbol


class _NumPy(Created):
    """NumPy, in which symbols are the arrays."""

    ndarray = Symbol

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def asarray(self, value: Any, dtype: Any = None, order: Any = None) -> Any:
        if not isinstance(value, Symbol):
            return np.asarray(value, dtype, order)
        found = value
        if order == "C" and not value.flags.c_contiguous:
            found = value.row.copied(value, value.array.copy("C"))
        return found if dtype is None else found.astype(dtype, copy=False)

    def ascontiguousarray(self, value: Any, dtype: Any = None) -> Any:
        if isinstance(value, Symbol):
            return self.asarray(value if value.ndim else value.reshape(1), dtype, "C")
        return np.ascontiguousarray(value, dtype)


class _Op:
    """A row as it is called with arrays."""

    def __init__(self, op: Any) -> None:
        self._op, self.function = op, for_symbols(op.function)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._op, name)

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


class _Importlib:
    """What imports modules whose functions are called with symbols."""

    @staticmethod
    def import_module(name: str) -> Any:
        return for_symbols(importlib.import_module(name))


class _Module:
    """A module of the library, whose functions are called with symbols."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return for_symbols(getattr(self._module, name))


def _import(name: str, *where: Any) -> Any:
    return for_symbols(__import__(name, *where))


_NUMPY = _NumPy()
_BUILTINS = {**vars(builtins), "__import__": _import}
_for_symbols: dict[Any, Any] = {}
_PADDED = f"{threads.__name__.partition('.')[0]}.kernels.spatial.padded_layout"
_STANDS_FOR = {
    "launch": (threads.__name__, kernel_symbols.launch),
    "launch_parts": (threads.__name__, kernel_symbols.launch_parts),
    "room": (_PADDED, kernel_symbols.room),
    "written": (graph.__name__, kernel_symbols.written),
}

# modules whose functions read no arrays, and give something else when a setting changes
_AS_THEY_ARE = (threads.__name__, openblas.__name__, backend.__module__)


def for_symbols(value: Any) -> Any:
    """A function with its globals and closures as symbols need them."""
    if value is np:
        return _NUMPY
    if value is np.ndarray:
        return Symbol
    if value is importlib:
        return _Importlib
    if isinstance(value, Kernel):
        return KernelSymbol(value, for_symbols)
    if type(value) is functools.partial:
        return functools.partial(for_symbols(value.func), *map(for_symbols, value.args), **value.keywords)
    if type(value) is dict and all(map(_is_kernel, value.values())):
        return Dictionary(value, for_symbols)
    if type(value) is tuple and _is_kernel(value):
        return tuple(map(for_symbols, value))
    value = getattr(value, "recorded", value)
    stands_for = _STANDS_FOR.get(getattr(value, "__qualname__", "")) if type(value) is FunctionType else None
    if stands_for is not None and value.__module__ == stands_for[0]:
        return stands_for[1]
    if not isinstance(module := getattr(value, "__module__", ""), str) or module in _AS_THEY_ARE:
        return value
    if isinstance(value, rules.Op):
        return _Op(value)
    if type(value) is ModuleType and value.__name__.startswith("tinygrad_lite"):
        return _Module(value)
    if type(value) is not FunctionType or not value.__module__.startswith("tinygrad_lite"):
        return value
    found = _for_symbols.get(value)
    if found is None:
        names: dict[str, Any] = {name: value.__globals__.get(name) for name in ("__name__", "__package__", "__spec__")}
        names["__builtins__"] = _BUILTINS
        cells = tuple(CellType() for _ in value.__closure__ or ())
        plain = by_itself(value)  # whoever asks, did so when the step was recorded
        found = _for_symbols[value] = FunctionType(plain.__code__, names, value.__name__, value.__defaults__, cells)
        found.__kwdefaults__ = plain.__kwdefaults__
        for name in _names(plain.__code__):
            if name in value.__globals__:
                names[name] = for_symbols(value.__globals__[name])
        for ours, theirs in zip(cells, value.__closure__ or ()):
            try:
                ours.cell_contents = for_symbols(theirs.cell_contents)
            except ValueError:  # not filled yet
                continue
    return found


def _is_kernel(value: Any) -> bool:
    """Whether something that is kept is a kernel, none, or that with something known of it."""
    return value is None or isinstance(value, Kernel) or (type(value) is tuple and bool(value) and _is_kernel(value[0]))


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
    before, NOW.row = NOW.row, row
    try:
        with np.errstate(all="ignore"):
            result = row.result(for_symbols(function)(*(_symbols(row, place_of, a) for a in args)))
        if row.updated.keys() != row.announced.keys():
            raise NotLowered("a write to an argument that is not announced")
        return row, result
    finally:
        NOW.row = before


def _symbols(row: Row, place_of: Callable[[Any], Place], value: Any) -> Any:
    """An argument with symbols in place of arrays."""
    if type(value) is np.ndarray:
        symbol = Symbol(row, value, place_of(value))
        row.given.setdefault(symbol.place.root, []).append(symbol)
        return symbol
    if type(value) in (tuple, list):
        return type(value)([_symbols(row, place_of, v) for v in value])
    if type(value) is rules.Parts:
        return rules.Parts(_symbols(row, place_of, value.values))
    return value
