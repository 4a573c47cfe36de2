"""`Placed`: where everything that a recording computes lies in memory, and for how long it is needed."""

from __future__ import annotations

from typing import Any

from ...graph import memory
from ..recorder.calls import Call
from ..replay import Source, references
from .arena import Arena, address_of, extent
from .steps import Place, places_of, written_by

_PURE = ("row", "rule", "helper")


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
        self._arena = Arena(self._lifetimes())

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
                if any(self._memory(number, p)[0] in needed for p in written_by(step)):
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

    def _lifetimes(self) -> dict[Any, tuple[int, int, int]]:
        """For memory of rows: size, and the first and the last step that uses it."""
        found: dict[Any, tuple[int, int, int]] = {}

        self._until: dict[int, int] = {}  # memory that calls of Python make -> the last call that uses it

        time = 0

        def use(held: Any, number: int) -> None:
            if type(held) is int:
                self._until[held] = number
            elif held not in self._fresh and not self._fixed(held):
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
        time += 1
        for ref in self._results.refs:
            use(self.memory_of(ref.index)[0], len(self._recorder.calls))
        return found
