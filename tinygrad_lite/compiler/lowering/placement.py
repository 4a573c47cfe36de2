"""`Placed`: where everything that a recording computes lies in memory, and for how long it is needed."""

from __future__ import annotations

import itertools
from typing import Any

from ...graph import memory
from ..recorder.calls import Call
from ..replay import Source, references
from .arena import Arena, address_of, extent
from .steps import Place, places_of, written_by

_PURE = ("row", "rule", "helper")
_SLACK = 1.15
_EVER = 1 << 40
_MUCH, _LARGE = 1 << 18, 1 << 16  # bytes of a program, and of an array
Lifetimes = dict[Any, tuple[int, int, int]]  # what -> bytes, first and last use


class Placed(Source):
    """A recording's values and steps, with their places.

    Parameters
    ----------
    recorder : Recorder
        Whose calls were lowered where they can be.
    results : Results
    """

    def __init__(self, recorder: Any, results: Any) -> None:
        super().__init__(recorder, results)
        self._first: dict[int, int] = {}  # id of memory -> the value that it was met with first
        self._root = [self._root_of(i, v) for i, v in enumerate(recorder.values)]
        self._maker = {i: n for n, call in enumerate(recorder.calls) for _, i in call.outs if self._owner(i) == n}
        self.modes = [self._mode(n, call) for n, call in enumerate(recorder.calls)]
        self._steps = [list(c.lowered[0].steps) if m == "lowered" else [] for c, m in zip(recorder.calls, self.modes)]
        self._drop_dead()
        self._fresh = self._results_in_new_memory()
        self._arena = self._planned(*self._lifetimes())

    def _planned(self, lifetimes: Lifetimes, rooms: Lifetimes, others: Lifetimes) -> Arena:
        """One piece of memory that stays, where that is not much more than what is needed at once.

        It is there while gradients are made, which take the place of what a backward pass has used up. So where much is
        needed, what is large is made before its first use and freed after its last, as an eager step's arrays are.
        """
        arena = Arena(lifetimes, rooms)
        new = {what: (size, absent + 1, _EVER) for what, (size, _, absent) in rooms.items()}
        most, made = at_once(lifetimes | new | others), sum(size for size, _, _ in rooms.values())
        self.bytes, self.plain_bytes = arena.bytes + made, arena.plain + made
        self.passing: dict[Any, tuple[int, int]] = {}  # memory that comes and goes: its bytes and last use
        self.given: dict[int, int] = {}  # that of calls of Python, which goes as well: its last use
        if self.bytes + at_once(others) <= _SLACK * most or most < _MUCH:
            return arena
        large = {what: each for what, each in lifetimes.items() if each[0] >= max(_LARGE, most >> 8)}
        self.passing = {what: (size, last) for what, (size, _, last) in large.items()}
        self.given = {what: last for what, (size, _, last) in others.items() if size >= _LARGE}
        arena = Arena({what: each for what, each in lifetimes.items() if what not in large}, rooms)
        self.bytes = at_once(large | new) + arena.bytes
        return arena

    def _root_of(self, index: int, value: Any) -> int:
        if value.kind == "gone":  # of another part of the recording
            return index
        first = self._first.setdefault(id(memory(value.array)), index)
        return index if value.kind == "argument" else first

    def _owner(self, index: int) -> int:
        return int(self._recorder.values[index].number) if self._recorder.values[index].kind == "made" else -1

    def _mode(self, number: int, call: Call) -> str:
        if call.lowered is not None:
            return "lowered"
        views = call.outs and all(self._maker.get(self._root[i]) != number for _, i in call.outs)
        return "view" if call.kind in _PURE and views else "python"

    # --- places --------------------------------------------------------------------------------------------------

    def _memory(self, number: int, place: Place) -> tuple[Any, int]:
        """The memory of a place in a call: of a row's own, (call, root), or a value's, and the offset in it."""
        if place.root < 0:
            return (number, place.root), place.offset
        root = self._root[place.root]
        offset = place.offset + self._distance(place.root, root)
        maker = self._maker.get(root)
        if maker is not None and self.modes[maker] == "lowered":
            held = self._recorder.calls[maker].lowered[1][root]
            found, more = self._memory(maker, held)
            return found, offset + more
        return root, offset

    def _distance(self, index: int, root: int) -> int:
        values = self._recorder.values
        return 0 if index == root else address_of(values[index].array) - address_of(values[root].array)

    def memory_of(self, index: int) -> tuple[Any, int]:
        """The memory of a value."""
        array = self._recorder.values[index].array
        return self._memory(-1, Place(index, 0, array.shape, array.strides, array.dtype))

    def _drop_dead(self) -> None:
        """Leave out steps whose results nobody needs."""
        needed = {self.memory_of(r.index)[0] for r in self._results.refs}
        for number in range(len(self._steps) - 1, -1, -1):
            call, kept = self._recorder.calls[number], []
            if self.modes[number] == "python":
                needed |= {self.memory_of(r.index)[0] for r in references((call.args, call.kwargs))}
            for step in reversed(self._steps[number]):
                held = {self._memory(number, p)[0] for p in written_by(step)}
                if held & needed or any(type(h) is int for h in held):  # the latter is an argument's
                    kept.append(step)
                    needed |= {self._memory(number, p)[0] for p in places_of(step)}
            self._steps[number] = kept[::-1]

    def _results_in_new_memory(self) -> dict[Any, tuple[int, int]]:
        """Memory that outlives a call, of results and gradients: its number, and a value that fills it."""
        wanted = [r.index for r in self._results.refs]
        wanted += [c.args[1].index for c in self._recorder.calls if c.kind == "leaf"]
        found: dict[Any, tuple[int, int]] = {}
        for index in wanted:
            held, offset = self.memory_of(index)
            if type(held) is int or held in found or self._fixed(held) or offset:
                continue
            array = self._recorder.values[index].array
            if array.flags.c_contiguous and self._own(held).nbytes == array.nbytes:
                found[held] = len(found), index
        self._whole = {index for _, index in found.values()}
        return found

    def _own(self, held: Any) -> Any:
        number, root = held
        return self._recorder.calls[number].lowered[0].own[root]

    def _fixed(self, held: Any) -> bool:
        number, root = held
        return root in self._recorder.calls[number].lowered[0].fixed

    def _lifetimes(self) -> tuple[Lifetimes, Lifetimes, Lifetimes]:
        """When memory is needed, in steps: that of rows, when new memory is not yet, and that of calls of Python.

        What is to be a gradient or a result can hold something else until it is written to. It is not asked for before
        the last of the calls that change Python's objects: by one of these, gradients of the last step may go.
        """
        found: Lifetimes = {}
        others: Lifetimes = {}
        until: dict[Any, int] = {}
        begin: dict[Any, int] = {}
        self._until: dict[int, int] = {}  # memory that calls of Python make -> the last call that uses it
        time = since = 0

        def use(held: Any, number: int) -> None:
            if type(held) is int:
                self._until[held] = number
                if held in others:
                    others[held] = (*others[held][:2], time)
            elif held in self._fresh:
                if held not in until:
                    until[held], begin[held] = time - 1, since
            elif not self._fixed(held):
                size, first, _ = found.get(held, (extent(self._own(held)), time, time))
                found[held] = size, first, time

        for number, call in enumerate(self._recorder.calls):
            for step in self._steps[number]:
                time += 1
                for place in places_of(step):
                    use(self._memory(number, place)[0], number)
            if self.modes[number] == "python":
                time += 1
                for ref in references((call.args, call.kwargs)):
                    use(self.memory_of(ref.index)[0], number)
                for _, i in call.outs:
                    if self._owner(i) == number and self._root[i] == i:
                        others[i] = self._nbytes(i), time, time
                since = time + 1 if call.kind == "effect" else since
        time += 1
        for ref in self._results.refs:
            use(self.memory_of(ref.index)[0], len(self._recorder.calls))
        size = {held: self._own(held).nbytes for held in until}
        rooms = {held: (size[held], begin[held], until[held]) for held in sorted(until, key=lambda h: size[h])}
        return found, rooms, others


def at_once(lifetimes: Lifetimes) -> int:
    """How many bytes are needed at the same time."""
    changes = [(first, size) for size, first, _ in lifetimes.values()]
    changes += [(last + 1, -size) for size, _, last in lifetimes.values()]
    return max(itertools.accumulate(size for _, size in sorted(changes)), default=0)
