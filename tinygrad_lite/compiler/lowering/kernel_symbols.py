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

MOST_PIECES = 64  # calls of one kernel by one row


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


def call_kernel(loop: Any, args: tuple[Any, ...], ignored: bool = False) -> Any:
    """Note a call of a compiled loop; it may return nothing, or -1 if that says that nothing is wrong."""
    from ...kernels.native.codegen.language import kinds as types
    from ...kernels.native.codegen.loop import machine_code, words_of

    row = row_now()
    given = [row.copied(row.constant(a), a.copy()) if isinstance(a, np.ndarray) else a for a in args]
    symbols = [a for a in given if isinstance(a, Symbol)]
    values = tuple(a.array if isinstance(a, Symbol) else a for a in given)
    try:
        kinds = tuple(map(types.kind_of, values))
        address, result, _ = loop.compiled(kinds)
    except types.Unsupported as error:
        raise NotLowered("a kernel's arguments") from error
    if result != types.NONE and not (isinstance(result, types.Number) and result.family in "iu"):
        raise NotLowered("a kernel's result")
    read = [(s.array, s.array.tobytes()) for s in symbols if not row.may_write(s)]
    found = loop(*values)
    if any(a.tobytes() != before for a, before in read):
        raise NotLowered("a write to an argument")
    if not ignored and found not in (None, -1):
        raise NotLowered("a kernel's result")
    words, positions = words_of(values, kinds)
    places, written = tuple(s.place for s in symbols), tuple(s.place for s in symbols if row.may_write(s))
    expected, called = 0 if ignored or found is None else -1, machine_code("step_without_result" if ignored else "step")
    given_words, positions = (address, *words), [k + 1 for k in positions]
    row.steps.append(Call(called, expected, places, given_words, tuple(positions), written, loop.__name__))
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
    """As `threads.launch`, by this thread alone."""
    if threads.helpers_for(pieces, helpers) > 0:
        raise NotLowered("work for several threads")
    call_kernel(kernel._loop, (*args, np.zeros(1, np.intp)), ignored=True)


def launch_parts(
    kernel: Any, total: int, size: int, *args: Any, cut: int = 0, each: int = 0, ranged: bool = False
) -> None:
    """As `threads.launch_parts`, by this thread alone."""
    pieces = -(-total // size)
    if threads.helpers_for(pieces) > 0 or pieces > MOST_PIECES:
        raise NotLowered("work for several threads")
    for piece in range(pieces):
        first, end = piece * size, min(total, (piece + 1) * size)
        rows = [a[first:end] for a in args[:cut]]
        own = [a[piece] for a in args[cut : cut + each]]
        kernel(*rows, *own, *args[cut + each :], *((first, end) if ranged else ()))


def room(name: str, shape: Any, dtype: Any) -> Symbol:
    """As `padded_layout.room`: memory of the row's own."""
    return row_now().empty(shape, dtype)


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
