"""What stands for kernels, and for what launches them, where a row's text runs on symbols."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ...kernels.backend import backend
from ...kernels.native import threads
from .rows import Row
from .steps import Call
from .symbols import NotLowered, Symbol


class _Now(threading.local):
    row: Row | None = None


NOW = _Now()  # the row whose text is run


def row_now() -> Row:
    """The row whose text is run."""
    if NOW.row is None:
        raise NotLowered("no row")
    return NOW.row


def _any_symbol(values: Any) -> bool:
    return any(isinstance(v, Symbol) for v in values)


class _Given:
    """What a kernel is called with: the arguments' values, and the symbols among them."""

    def __init__(self, row: Row, args: tuple[Any, ...]) -> None:
        self._row, self._args = row, args
        self.values = tuple(a.array if isinstance(a, Symbol) else a.copy() if _is_array(a) else a for a in args)
        self._before = [v.tobytes() if _is_array(v) else b"" for v in self.values]

    def note(self, caller: str, expected: int, words: list[int], positions: list[int], name: str) -> None:
        """Add the step, after the kernel was run on the values."""
        from ...kernels.native.codegen.loop import machine_code

        given = []
        for arg, value, before in zip(self._args, self.values, self._before):
            if not _is_array(value):
                continue
            same = value.tobytes() == before
            if isinstance(arg, Symbol):
                if not same and not self._row.may_write(arg):
                    raise NotLowered("a write to an argument")
                given.append(arg)
            else:  # a constant, or what begins as one
                held = self._row.constant(arg)
                given.append(held if same else self._row.copied(held, arg.copy()))
        places = tuple(s.place for s in given)
        written = tuple(s.place for s in given if self._row.may_write(s))
        called = machine_code(caller)
        self._row.steps.append(Call(called, expected, places, tuple(words), tuple(positions), written, name))


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _address(loop: Any, kinds: Any) -> int:
    """Where a kernel's machine code lies, which may return an integer or nothing."""
    from ...kernels.native.codegen.language import kinds as types

    try:
        found = loop.compiled(kinds)
    except types.Unsupported as error:
        raise NotLowered("a kernel's arguments") from error
    result = found.result
    if result != types.NONE and not (isinstance(result, types.Number) and result.family in "iu"):
        raise NotLowered("a kernel's result")
    return int(found.address)


def _words(loop: Any, values: tuple[Any, ...]) -> tuple[list[int], list[int]]:
    """Where a kernel's machine code lies, and its words; and which of these are addresses of arrays."""
    from ...kernels.native.codegen.loop import kinds_of, words_of

    kinds = kinds_of(values)
    words, positions = words_of(values, kinds)
    return [_address(loop, kinds), *words], [k + 1 for k in positions]


def call_kernel(loop: Any, args: tuple[Any, ...]) -> Any:
    """Note a call of a compiled loop; it may return nothing, or -1 if that says that nothing is wrong."""
    given = _Given(row_now(), args)
    words, positions = _words(loop, given.values)
    found = loop(*given.values)
    if found not in (None, -1):
        raise NotLowered("a kernel's result")
    given.note("step", 0 if found is None else -1, words, positions, loop.__name__)
    return found


class CompiledSymbol:
    """A kernel's compiled loop: called with symbols, it becomes a step."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def __call__(self, *args: Any) -> Any:
        if not _any_symbol(args):
            return self._loop(*args)
        return call_kernel(self._loop, args)


def _loop_of(kernel: Any) -> Any:
    return kernel._loop if isinstance(kernel, CompiledSymbol) else kernel


class KernelSymbol:
    """A kernel: its loop, or its twin, as it would choose for arrays of these sizes and dtypes."""

    def __init__(self, kernel: Any, for_symbols: Callable[[Any], Any]) -> None:
        self._kernel, self._for_symbols = kernel, for_symbols

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)

    @property
    def compiled(self) -> CompiledSymbol:
        return CompiledSymbol(self._kernel.compiled)

    @property
    def plain(self) -> Any:
        return self._for_symbols(self._kernel.plain)

    def __call__(self, *args: Any) -> Any:
        kernel = self._kernel
        if backend() != "numba":
            return self.plain(*args)
        served = not (kernel.dtypes or kernel.least) or kernel.serves(args[0])
        return (self.compiled if served else self.plain)(*args)

    run = __call__


def launch(kernel: Any, pieces: int, *args: Any, helpers: int | None = None, brief: bool = False) -> None:
    """As `threads.launch`: the step launches the kernel."""
    loop, given = _loop_of(kernel), _Given(row_now(), (*args, np.zeros(1, np.intp)))
    words, positions = _words(loop, given.values)
    loop(*given.values)
    head = [threads.PRESENT.ctypes.data, 0 if brief else threads.helpers_for(pieces, helpers)]
    given.note("shared_step", 0, [*head, *words], [len(head) + k for k in positions], loop.__name__)


def launch_parts(
    kernel: Any, total: int, size: int, *args: Any, cut: int = 0, each: int = 0, ranged: bool = False
) -> None:
    """As `threads.launch_parts`: the step launches the kernel on its pieces."""
    from ...kernels.native.codegen import entry
    from ...kernels.native.codegen.loop import kinds_of, machine_code, words_of

    loop, given = _loop_of(kernel), _Given(row_now(), args)
    pieces, values = -(-total // size), given.values
    for piece in range(pieces):
        first, end = piece * size, min(total, (piece + 1) * size)
        rows = [*(a[first:end] for a in values[:cut]), *(a[piece] for a in values[cut : cut + each])]
        loop(*rows, *values[cut + each :], *((first, end) if ranged else ()))
    taken = (*values[:cut], *(a[0] for a in values[cut : cut + each]), *values[cut + each :], *(0, 0) * ranged)
    kinds = kinds_of((*values, *(0, 0) * ranged), range(cut, cut + each))
    words, positions = words_of(taken, kinds)
    moves = [(8 * positions[k], values[k].strides[0], int(k >= cut)) for k in range(cut + each)]
    head = [threads.PRESENT.ctypes.data, threads.helpers_for(pieces), machine_code("part")]
    job = [0, 0, total, size, _address(loop, kinds), 0, len(words), int(ranged), len(moves)]
    assert 8 * len(job) == entry.MOVED, "as `entry` reads them"
    head += [*job, *(word for move in moves for word in move)]
    given.note("parted_step", 0, [*head, *words], [len(head) + k for k in positions], loop.__name__)


def room(name: str, shape: Any, dtype: Any) -> Symbol:
    """As `padded_layout.room`: memory of the row's own."""
    return row_now().empty(shape, dtype)


def written(array: Any, name: str = "an in-place write", depth: int = 2) -> None:
    """As `graph.written`: the replay announces it."""
    row_now().announced[array.place.root] = name


class Created:
    """NumPy's functions that make arrays: memory of the row's own, if a row is being run."""

    @staticmethod
    def empty(shape: Any, dtype: Any = float) -> Any:
        return row_now().empty(shape, dtype)

    @staticmethod
    def zeros(shape: Any, dtype: Any = float) -> Any:
        return row_now().full(shape, 0, dtype)

    @staticmethod
    def array(value: Any, dtype: Any = None, order: str = "K") -> Any:
        if not isinstance(value, Symbol):
            return np.array(value, dtype)
        made = value.copy() if order == "K" else row_now().copied(value, np.array(value.array, order=order))  # type: ignore[call-overload]
        return made if dtype is None else made.astype(dtype, copy=False)


class Dictionary:
    """A dictionary whose values are met as symbols need them."""

    def __init__(self, values: dict[Any, Any], for_symbols: Callable[[Any], Any]) -> None:
        self._values, self._for_symbols = values, for_symbols

    def __getitem__(self, key: Any) -> Any:
        return self._for_symbols(self._values[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._values[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if key in self._values else default
