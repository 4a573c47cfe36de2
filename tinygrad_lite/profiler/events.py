"""What a profile holds: calls, their averages by name or line, a table of them, and a trace for browsers."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..engine.errors import InputError
from ..graph import line_of
from ..tensors.printing import size_text

Shapes = tuple[tuple[int, ...], ...]


class Event(NamedTuple):
    """A call of an operation, of a rule on the way back, or a block that has a name.

    Parameters
    ----------
    name : str
        A rule's is that of its operation, and ``backward``.
    begin, end : int
        Nanoseconds, by a clock of its own.
    below : int
        How many of them were spent in calls that are noted themselves.
    thread : int
    memory : int
        Bytes of results that share none of the arguments' memory.
    shapes : tuple of tuple of int
        Of arguments that are arrays, if these were asked for.
    where : tuple, optional
        The line outside the library that called; of a rule, that called the operation. `line` tells it.
    multiply_adds : int
        Of products in the forward pass.

    Examples
    --------
    >>> from tinygrad_lite import profiler
    >>> profiler.Event("exp", 0, 2500, 0, 1, 64, (), None).time
    2.5
    """

    name: str
    begin: int
    end: int
    below: int
    thread: int
    memory: int
    shapes: Shapes
    where: Any
    multiply_adds: int = 0

    @property
    def time(self) -> float:
        """Microseconds from begin to end."""
        return (self.end - self.begin) / 1e3

    @property
    def line(self) -> str:
        """``file:line``; empty where it is not known."""
        return "" if self.where is None else line_of(self.where)


@dataclass
class Average:
    """Calls of the same name, and of the same line or shapes if it was asked for; in PyTorch's words, microseconds.

    Parameters
    ----------
    key : str
    line : str
    input_shapes : tuple of tuple of int
    count : int
    cpu_time_total, self_cpu_time_total : float
        With, and without, the calls inside them.
    cpu_memory_usage : int
        Bytes of results.
    multiply_adds : int
        Of products in the forward pass.

    Examples
    --------
    >>> from tinygrad_lite import profiler
    >>> profiler.Average("exp", count=2, cpu_time_total=3.0).cpu_time
    1.5
    """

    key: str
    line: str = ""
    input_shapes: Shapes = ()
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0
    cpu_memory_usage: int = 0
    multiply_adds: int = 0

    @property
    def cpu_time(self) -> float:
        """Microseconds of one call."""
        return self.cpu_time_total / self.count

    @property
    def flops(self) -> int:
        """Multiplications and additions, one each."""
        return 2 * self.multiply_adds


_SORTED: dict[str, Callable[[Average], Any]] = {
    "self_cpu_time_total": lambda a: -a.self_cpu_time_total, "cpu_time_total": lambda a: -a.cpu_time_total,
    "cpu_time": lambda a: -a.cpu_time, "count": lambda a: -a.count, "cpu_memory_usage": lambda a: -a.cpu_memory_usage,
    "self_cpu_memory_usage": lambda a: -a.cpu_memory_usage, "flops": lambda a: -a.multiply_adds,
    "key": lambda a: a.key,
}  # fmt: skip
_COLUMNS: dict[str, Callable[[Average, float], str]] = {
    "Name": lambda a, _: a.key,
    "Self ms": lambda a, _: f"{a.self_cpu_time_total / 1e3:.3f}",
    "Self %": lambda a, whole: f"{100 * a.self_cpu_time_total / whole:.1f}" if whole else "-",
    "Total ms": lambda a, _: f"{a.cpu_time_total / 1e3:.3f}",
    "Calls": lambda a, _: f"{a.count:,}",
    "Mean us": lambda a, _: f"{a.cpu_time:.1f}",
    "Results": lambda a, _: size_text(a.cpu_memory_usage),
    "Multiply-adds": lambda a, _: f"{a.multiply_adds:,}" if a.multiply_adds else "",
    "Shapes": lambda a, _: " ".join(map(str, a.input_shapes)),
    "Line": lambda a, _: a.line,
}
_OPTIONAL = {"Multiply-adds", "Shapes", "Line"}  # where any has one
_LEFT = {"Name", "Shapes", "Line"}


class Averages(list[Average]):
    """A list of averages that makes a table.

    Parameters
    ----------
    found : iterable of Average
    whole : float
        Microseconds that were recorded.

    Examples
    --------
    >>> from tinygrad_lite import profiler
    >>> row = profiler.Average("exp", count=2, cpu_time_total=3000.0, self_cpu_time_total=3000.0, cpu_memory_usage=64)
    >>> print(profiler.Averages([row], whole=6000.0).table())
    Name  Self ms  Self %  Total ms  Calls  Mean us  Results
    --------------------------------------------------------
    exp     3.000    50.0     3.000      2   1500.0     64 B
    --------------------------------------------------------
    6.000 ms were recorded, 3.000 ms of them in these operations
    """

    def __init__(self, found: Iterable[Average], whole: float) -> None:
        super().__init__(found)
        self._whole = whole

    def table(self, sort_by: str | None = "self_cpu_time_total", row_limit: int = 100, **options: Any) -> str:
        """Write the averages below each other.

        Parameters
        ----------
        sort_by : str, optional
            "self_cpu_time_total", "cpu_time_total", "cpu_time", "cpu_memory_usage", "flops", "count" or "key".
        row_limit : int
            How many rows at most; -1: all.
        **options
            PyTorch's others, ignored.

        Returns
        -------
        str

        Raises
        ------
        InputError
            For another `sort_by`.

        Examples
        --------
        >>> from tinygrad_lite import profiler
        >>> profiler.Averages([], whole=0.0).table().splitlines()[0]
        'Name  Self ms  Self %  Total ms  Calls  Mean us  Results'
        """
        if sort_by is not None and sort_by not in _SORTED:
            raise InputError(f"table: sort_by must be one of {', '.join(_SORTED)}, got {sort_by!r}")
        rows = self if sort_by is None else sorted(self, key=_SORTED[sort_by])
        rows = rows if row_limit < 0 else rows[:row_limit]
        cells = {name: [tell(row, self._whole) for row in rows] for name, tell in _COLUMNS.items()}
        cells = {name: column for name, column in cells.items() if name not in _OPTIONAL or any(column)}
        widths = {name: max(map(len, [name, *column])) for name, column in cells.items()}

        def line(parts: Iterable[str]) -> str:
            padded = (t.ljust(w) if n in _LEFT else t.rjust(w) for t, (n, w) in zip(parts, widths.items()))
            return "  ".join(padded).rstrip()

        rule = "-" * (sum(widths.values()) + 2 * len(widths) - 2)
        inside = sum(a.self_cpu_time_total for a in self)
        last = f"{self._whole / 1e3:.3f} ms were recorded, {inside / 1e3:.3f} ms of them in these operations"
        return "\n".join([line(cells), rule, *(line(each) for each in zip(*cells.values())), rule, last])

    def __str__(self) -> str:
        return self.table()


def averages(events: Iterable[Event], by_shape: bool, by_line: bool, whole: float) -> Averages:
    """Add up the events of one name (and line, and shapes)."""
    found: dict[Any, Average] = {}
    for event in events:
        shapes = event.shapes if by_shape else ()
        key = event.name, event.where if by_line else None, shapes
        row = found.get(key)
        if row is None:
            row = found[key] = Average(event.name, event.line if by_line else "", shapes)
        row.count += 1
        row.cpu_time_total += event.time
        row.self_cpu_time_total += event.time - event.below / 1e3
        row.cpu_memory_usage += event.memory
        row.multiply_adds += event.multiply_adds
    return Averages(found.values(), whole)


def write_trace(events: Iterable[Event], path: str | os.PathLike[str]) -> None:
    """Write the events in the format of chrome://tracing, which Perfetto and TensorBoard read as well."""
    told = [
        {
            "ph": "X", "cat": "backward" if e.name.endswith(" backward") else "forward", "name": e.name,
            "ts": e.begin / 1e3, "dur": e.time, "pid": os.getpid(), "tid": e.thread,
            "args": {"line": e.line, "bytes of results": e.memory, **({"shapes": e.shapes} if e.shapes else {})},
        }
        for e in events
    ]  # fmt: skip
    text = json.dumps({"traceEvents": told, "displayTimeUnit": "ms"}).encode()
    with open(path, "wb") as file:
        file.write(gzip.compress(text) if os.fspath(path).endswith(".gz") else text)
