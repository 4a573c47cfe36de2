"""`Loop`: a kernel that is called from Python; compiled when arguments of new types come, and kept on disk."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import itertools
import struct
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from ..forks import lock
from ..object_layout import ALIGNED, C_ORDER, WRITABLE, known, python_function
from ..source import text_of
from . import entry
from .language.function_compiler import FunctionCompiler, ModuleCompiler
from .language.kinds import FLOAT32, INT64, NONE, Array, Kind, Number, Tuple, Unsupported, kind_of
from .language.values import ARGUMENTS, NO_MEMORY, NO_STEP, OTHER_LENGTHS, RESULTS, WORD
from .machine import compile_module

_lock = lock()


class Compiled(NamedTuple):
    """A kernel's machine code for arguments of some types: where it lies, and what it returns."""

    address: int
    result: Kind
    by_numba: bool


class Loop:
    """A kernel's compiled loop.

    Parameters
    ----------
    name : str
        Of the function, in its text.
    text : str
        As `Source` writes it.
    label : str, optional
        Begins the name of the file that keeps it. Default: `name`.
    plain : callable, optional
        What runs instead where numba is needed and cannot be imported.
    holds : bool
        It holds the GIL: no other thread can change or free the objects that it reads. Not for what numba compiles.

    Attributes
    ----------
    call : callable
        Called with the kernel's arguments.
    """

    def __init__(
        self,
        name: str,
        text: str,
        label: str | None = None,
        plain: Callable[..., Any] | None = None,
        holds: bool = False,
    ) -> None:
        self.__name__, self._text, self._label, self._plain = name, text, label or name, plain
        self._holds = holds
        self._dispatcher: Any = None
        self._digest = hashlib.sha256(text.encode()).hexdigest()
        self._compiled: dict[tuple[Kind, ...], Compiled] = {}
        self._records: list[Any] = []
        self._recorded: set[Any] = set()
        self._slow = self._call, self._launch, self._launch_parts
        plan = 0, id(self._slow[0]), _objects.ctypes.data, *map(id, self._slow[1:]), holds
        self._plans = [np.array(plan, np.intp) for _ in range(2)]  # for calls, and for launches
        self.call = _callable("enter", self._plans[0], self) or self._slow[0]

    def __call__(self, *args: Any) -> Any:
        return self.call(*args)

    @cached_property
    def launch(self) -> Callable[..., bool]:
        """``launch(crew, helpers, *args)`` has threads run a kernel that claims its work; whether it has failed."""
        return _callable("launch", self._plans[1], self) or self._slow[1]

    @cached_property
    def launch_parts(self) -> Callable[..., bool]:
        """``launch_parts(crew, helpers, total, size, cut, each, ranged, *args)``: the same, on pieces of rows."""
        return _callable("launch_parts", self._plans[1], self) or self._slow[2]

    def __repr__(self) -> str:
        return f"<loop {self.__name__}>"

    def compiled(self, kinds: tuple[Kind, ...]) -> Compiled:
        """The machine code for arguments of some types.

        Raises
        ------
        Unsupported
            If the kernel returns what no words are for.
        """
        found = self._compiled.get(kinds)
        if found is None:
            with _lock:
                found = self._compiled.get(kinds) or self._compile(kinds)
                self._compiled[kinds] = found
        return found

    def _compile(self, kinds: tuple[Kind, ...]) -> Compiled:
        def write(module: Any, name: str) -> Kind:
            compiler = ModuleCompiler(self._text, module)
            function = compiler.function(self.__name__)
            return FunctionCompiler(compiler, function, kinds, (False,) * len(kinds)).kernel(name)

        with contextlib.suppress(Unsupported):
            return Compiled(*compile_module(self._label, f"{self._digest} {kinds}", write), by_numba=False)
        if self.dispatcher is self._plain:
            raise Unsupported(f"{self.__name__}, without numba")
        from ..by_numba.call_kernels import compile_by_numba

        return Compiled(*compile_by_numba(self.dispatcher, kinds), by_numba=True)

    @property
    def dispatcher(self) -> Any:
        """What numba makes of the kernel; `plain` where there is no numba."""
        if self._dispatcher is None:
            self._dispatcher = self._made_by_numba()
        return self._dispatcher

    def _made_by_numba(self) -> Any:
        try:
            from ..compile import build
        except Exception as error:  # whatever an installation that does not fit together may raise
            if self._plain is None:
                raise
            fault = f"numba is installed, but cannot be imported ({type(error).__name__}: {error})"
            what = f"tinygrad_lite: {fault}; {self.__name__}, which needs it, runs on NumPy"
            warnings.warn(what, RuntimeWarning, stacklevel=4)
            return self._plain
        return build(self._label, self._text)[self.__name__]

    # --- what is called where no record fits

    def _call(self, *args: Any) -> Any:
        with contextlib.suppress(Unsupported):
            found = self._prepared(args)
            if not found.by_numba:
                return self._run(found, args)
        return self.dispatcher(*args)  # as numba calls it, which tells errors

    def _launch(self, crew: int, helpers: int, *args: Any) -> bool:
        return self._fails(args)

    def _launch_parts(
        self, crew: int, helpers: int, total: int, size: int, cut: int, each: int, ranged: int, *args: Any
    ) -> bool:
        with contextlib.suppress(Unsupported):
            self._prepared((*args, *(0, 0) * ranged), range(cut, cut + each))
        for k in range(-(-total // size)):
            first, end = k * size, min(total, (k + 1) * size)
            rows = [a[first:end] for a in args[:cut]]
            own = [a[k] for a in args[cut : cut + each]]
            if self._fails((*rows, *own, *args[cut + each :], *(first, end) * ranged)):
                return True
        return False

    def _fails(self, args: tuple[Any, ...]) -> bool:
        """Run the kernel by this thread alone; whether it has failed."""
        try:
            self._run(self._prepared(args), args)
        except Unsupported:
            self.dispatcher(*args)
        except MemoryError:
            return True
        return False

    def _run(self, found: Compiled, args: tuple[Any, ...]) -> Any:
        """Call machine code from Python."""
        words, addresses = words_of(args, tuple(map(kind_of, args)))
        arrays = (a for a in args if isinstance(a, np.ndarray))
        for k, array in zip(addresses, arrays):
            words[k] = array.ctypes.data
        given = np.array([w - (1 << 64) if w >= 1 << 63 else w for w in words], np.int64)
        kind = ctypes.PYFUNCTYPE if self._holds else ctypes.CFUNCTYPE
        kind(None, ctypes.c_ssize_t)(found.address)(given.ctypes.data)
        if given[0]:
            error, what = _FAULTS[int(given[0])]
            raise error(f"{self.__name__}: {what}")
        result = found.result
        if isinstance(result, Tuple):
            return tuple(_object(kind, given[RESULTS + k]) for k, kind in enumerate(result.items))
        return _object(result, given[RESULTS])

    def _prepared(self, args: tuple[Any, ...], rows: range = range(0)) -> Compiled:
        """The machine code for some arguments, of which a record is made.

        Of the arguments with numbers in `rows` it takes one row.
        """
        told = [_described(a, k in rows) for k, a in enumerate(args)]
        found = self.compiled(tuple(kind for kind, _, _ in told))
        length = ARGUMENTS + sum(length for _, _, length in told)
        key = tuple(words for _, words, _ in told)
        if length <= entry.MOST and None not in key:
            with _lock:
                if key not in self._recorded:
                    self._recorded.add(key)
                    self._record(found, key, length)
        return found

    def _record(self, found: Compiled, key: tuple[Any, ...], length: int) -> None:
        returns = _code(found.result)
        for plan in self._plans[found.by_numba :]:
            record = np.array([plan[0], found.address, len(key), length, returns, *itertools.chain(*key)], np.intp)
            self._records.append(record)
            plan[0] = record.ctypes.data


def _code(result: Kind) -> int:
    """What a record says of a result."""
    if isinstance(result, Tuple):
        return len(result.items) * entry.TUPLE + sum(_code(kind) << 4 * k for k, kind in enumerate(result.items))
    return _CODES[result.family] if isinstance(result, Number) else entry.NOTHING


_CODES = {"b": entry.TRUTH, "i": entry.INTEGER, "u": entry.UNSIGNED, "f": entry.FLOAT}  # of results
_FLAGS = C_ORDER | ALIGNED | WRITABLE


def _described(value: Any, row: bool) -> tuple[Kind, tuple[int, int, int] | None, int]:
    """An argument's type, what a record says of it, or None where it cannot, and how many words it takes."""
    kind = kind_of(value)
    if isinstance(kind, Array):
        kind = replace(kind, ndim=kind.ndim - row)
        words = entry.ARRAY, kind.ndim, value.dtype.num | (value.flags.num & _FLAGS) << 32
        return kind, words if type(value) is np.ndarray else None, 1 + 2 * kind.ndim
    if value is None:
        return kind, (entry.NOTHING, 0, 0), 0
    plain = {int: entry.INTEGER, bool: entry.TRUTH, float: entry.FLOAT}.get(type(value))
    return kind, (entry.SCALAR, id(type(value)), value.dtype.itemsize) if plain is None else (plain, 0, 0), 1


def kinds_of(args: tuple[Any, ...], rows: range = range(0)) -> tuple[Kind, ...]:
    """The types of a kernel's arguments; of those with numbers in `rows` it takes one row."""
    return tuple(_described(a, k in rows)[0] for k, a in enumerate(args))


def words_of(args: tuple[Any, ...], kinds: tuple[Kind, ...]) -> tuple[list[int], list[int]]:
    """A kernel's words for some arguments, and which of them are addresses of arrays, to be filled in."""
    words, addresses = [0] * ARGUMENTS, []
    for value, kind in zip(args, kinds):
        if isinstance(kind, Array):
            addresses.append(len(words))
            words += [0, *value.shape, *value.strides]
        elif isinstance(kind, Number) and kind.family == "f":
            form = "<f" if kind == FLOAT32 else "<d"
            words.append(int.from_bytes(struct.pack(form, value), "little"))
        elif kind != NONE:
            words.append(int(value))
    return words, addresses


def _object(kind: Kind, bits: Any) -> Any:
    if not isinstance(kind, Number):
        return None
    types = {"b": (bool, np.int64), "i": (int, np.int64), "u": (int, np.uint64), "f": (float, np.float64)}
    made, seen = types[kind.family]
    return made(bits.view(seen))


_FAULTS = {
    NO_MEMORY: (MemoryError, "there is no memory for an array"),
    OTHER_LENGTHS: (ValueError, "a part of an array is assigned an array of other lengths"),
    NO_STEP: (ValueError, "the step of a range is 0"),
}


# --- what Python calls


# the addresses of Python's objects that `entry` compares with, and of its `part` as soon as that is needed
_objects = np.array([*map(id, (np.ndarray, int, bool, float, True, None)), 0], np.intp)


def _callable(name: str, plan: Any, loop: Loop) -> Any:
    """One of the functions of `entry`, as a function of Python's that belongs to an array; None in another Python.

    It keeps the loop alive, whose addresses are in the array. They are compiled when they are first asked for: few
    programs need all.
    """
    if not known():
        return None
    if name == "launch_parts":
        _objects[entry.PART // entry.WORDS] = machine_code("part")
    return python_function(name, machine_code(name), plan, loop)


@cache
def machine_code(name: str) -> int:
    """Where one of `entry`'s functions lies."""
    _, text = text_of(getattr(entry, name))

    def write(module: Any, exported: str) -> None:
        compiler = ModuleCompiler(text, module)
        node = compiler.function(name)
        kinds = (INT64,) * len(node.args.args)
        inside, _ = FunctionCompiler(compiler, node, kinds, (False,) * len(kinds)).internal(name)
        function = ir.Function(module, ir.FunctionType(WORD, [WORD] * len(kinds)), exported)
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(builder.call(inside, [ir.Constant(inside.args[0].type, None), *function.args]))

    return compile_module(name, text, write)[0]


def compile_entries() -> None:
    """Compile all of `entry` that is called from outside of it."""
    for name in ("enter", "launch", "launch_parts", "part", "step", "shared_step", "parted_step"):
        machine_code(name)


@cache
def compiled(function: Callable[..., Any], plain: Callable[..., Any] | None = None, **constants: int) -> Loop:
    """A function and all it uses, as a loop, with other values for some constants."""
    return Loop(*text_of(function, "jit", **constants), plain=plain)


@cache
def compiled_holding(function: Callable[..., Any]) -> Loop:
    """As `compiled`, but it holds the GIL."""
    return Loop(*text_of(function), holds=True)
