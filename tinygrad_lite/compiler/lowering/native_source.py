"""The source of a native replay: a table of steps, with Python between them only where a call was not lowered."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import memory
from ...kernels.native.walk import walker
from ..recorder.calls import Call, view_at
from ..replay import WORTH, Source, references
from .arena import Arena, Constants, address_of, extent
from .steps import Place, Product, encoded, places_of

_ZERO = 0  # the register of addresses that are known
_ALONE = 1 << 18  # bytes from which a result has an array of its own
_PURE = ("row", "rule", "helper")


class NativeSource(Source):
    """The text of a replay that walks over tables.

    Parameters
    ----------
    recorder : Recorder
        Whose calls were lowered where they can be.
    results : Results
    """

    def __init__(self, recorder: Any, results: Any) -> None:
        super().__init__(recorder, results)
        self.bound |= {
            "ndarray": np.ndarray,
            "empty": np.empty,
            "array": np.array,
            "byte": np.uint8,
            "view_at": view_at,
        }
        self._first: dict[int, int] = {}  # id of memory -> the value that it was met with first
        self._root = [self._root_of(i, v) for i, v in enumerate(recorder.values)]
        self._maker = {i: n for n, call in enumerate(recorder.calls) for _, i in call.outs if self._owner(i) == n}
        self.modes = [self._mode(n, call) for n, call in enumerate(recorder.calls)]
        self._steps = [list(c.lowered[0].steps) if m == "lowered" else [] for c, m in zip(recorder.calls, self.modes)]
        self._drop_dead()
        self._fresh = self._results_in_new_memory()
        self._arena = Arena(self._lifetimes())
        self._constants = Constants()
        self.kept: list[Any] = [self._arena.memory, self._constants]  # whose addresses stand in tables
        self.steps = sum(map(len, self._steps))
        self.products = sum(isinstance(s, Product) for steps in self._steps for s in steps)
        self.bytes, self.plain_bytes = self._arena.bytes + self.block, self._arena.plain + self.block

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
                *read, written = places_of(step)
                if self._memory(number, written)[0] in needed:
                    kept.append(step)
                    needed |= {self._memory(number, p)[0] for p in read}
            self._steps[number] = kept[::-1]

    def _results_in_new_memory(self) -> dict[Any, tuple[int, int]]:
        """Memory that outlives a call, results and gradients: where in the new block each is, and its size."""
        wanted = [r.index for r in self._results.refs]
        wanted += [c.args[1].index for c in self._recorder.calls if c.kind == "leaf"]
        found: dict[Any, tuple[int, int]] = {}
        self._whole: dict[int, int] = {}  # value -> its place in the block
        self._alone: dict[Any, tuple[int, int]] = {}  # memory that is large: its number, and a value that fills it
        end = 0
        for index in wanted:
            held, offset = self.memory_of(index)
            array = self._recorder.values[index].array
            if (
                type(held) is tuple
                and held not in found
                and not self._fixed(held)
                and not offset
                and array.flags.c_contiguous
            ):
                size = self._own(held).nbytes
                if size == array.nbytes:
                    self._whole[index] = end
                    if size < _ALONE:
                        found[held] = end, size
                        end += -(-size // 64) * 64
                    else:
                        self._alone[held] = len(self._alone), index
                        found[held] = 0, size
        self.block = end
        return found

    def _own(self, held: Any) -> Any:
        number, root = held
        return self._recorder.calls[number].lowered[0].own[root]

    def _fixed(self, held: Any) -> bool:
        number, root = held
        return root in self._recorder.calls[number].lowered[0].fixed

    def _lifetimes(self) -> dict[Any, tuple[int, int, int]]:
        """For memory of rows: size, the first and the last call that uses it."""
        found: dict[Any, tuple[int, int, int]] = {}

        self._until: dict[int, int] = {}  # memory that calls of Python make -> the last call that uses it

        def use(held: Any, number: int) -> None:
            if type(held) is int:
                self._until[held] = number
            elif held not in self._fresh and not self._fixed(held):
                size, first, _ = found.get(held, (extent(self._own(held)), number, number))
                found[held] = size, first, number

        for number, call in enumerate(self._recorder.calls):
            for step in self._steps[number]:
                for place in places_of(step):
                    use(self._memory(number, place)[0], number)
            if self.modes[number] == "python":
                for ref in references((call.args, call.kwargs)):
                    use(self.memory_of(ref.index)[0], number)
        for ref in self._results.refs:
            use(self.memory_of(ref.index)[0], len(self._recorder.calls))
        return found

    # --- text ----------------------------------------------------------------------------------------------------

    def compose(self, walk: Any = None) -> None:
        """Write the text; `walk` goes through the tables."""
        self._lines: list[str] = []
        self._rows: list[int] = []
        self._registers: dict[int, int] = {}
        self._known: set[int] = set()  # values that have a name already
        self._pending: list[str] = []
        if self.block:
            self._lines.append(f"block = empty({self.block}, byte)")
        for number, index in self._alone.values():
            array = self._recorder.values[index].array
            self._lines.append(f"b{number} = empty({array.shape}, {self._bind(array.dtype)})")
        for number, call in enumerate(self._recorder.calls):
            for step in self._steps[number]:
                self._rows += encoded(step, lambda p, n=number: self._where(n, p), self._constants.place)
            if self.modes[number] == "python":
                self._python(number, call)
        self._flush()
        self._lines += [self._returned(line, self._kept) for line in self._results.lines]
        registers: Any = np.zeros(2 + 2 * len(self._registers), np.int64)
        self.bound |= {"walk": walk, "R": registers, "M": memoryview(registers), "W": np.zeros(walker.WORDS, np.int64)}
        self._finish(self._lines)

    def _where(self, number: int, place: Place) -> tuple[int, int]:
        """Register and offset of a place."""
        held, offset = self._memory(number, place)
        if type(held) is tuple:
            if self._fixed(held):
                self.kept.append(self._own(held))
                return _ZERO, address_of(self.kept[-1]) + offset
            if held in self._alone:
                return self._register(-2 - self._alone[held][0]), offset
            if held in self._fresh:
                return self._register(-1), self._fresh[held][0] + offset
            return _ZERO, self._arena.address(held) + offset
        value = self._recorder.values[held]
        if value.kind in ("state", "constant"):
            self.kept.append(value.array)
            return _ZERO, address_of(value.array) + offset
        return self._register(held), offset

    def _register(self, root: int) -> int:
        """The register of memory that is another in each call."""
        found = self._registers.get(root)
        if found is None:
            found = self._registers[root] = 2 + 2 * len(self._registers)
            name = self._named(root) if root >= 0 else "block" if root == -1 else f"b{-2 - root}"
            self._pending.append(f"M[{found + 1}] = id({name})")
            self._rows[:0] = [walker.ADDRESS, 4, found, found + 1]
        return found

    def _gone(self, index: int, number: int) -> bool:
        """Whether memory that a call of Python made is not needed from a call on."""
        held, _ = self.memory_of(index)
        return type(held) is int and self._nbytes(held) >= WORTH and self._until.get(held, number) < number

    def _flush(self) -> None:
        if self._rows:
            table = self._bind(np.array(self._rows, np.int64), "T")
            self._lines += [*self._pending, f"walk({table}, R, W)"]
            self._rows, self._pending = [], []

    def _text(self, index: int) -> str:
        return super()._value(index)

    def _named(self, index: int) -> str:
        """The text of a value as an array."""
        value = self._recorder.values[index]
        held, offset = self.memory_of(index)
        if value.kind != "made" or index in self._known:
            return self._text(index)
        self._known.add(index)
        name = self._text(index)
        array = value.array
        if type(held) is tuple and held not in self._fresh:
            self.bound[name] = self._arena.view(held, offset, array)
        elif type(held) is tuple and held in self._alone:
            number, whole = self._alone[held]
            like = self._recorder.values[whole].array
            same = (array.shape, array.strides, array.dtype) == (like.shape, like.strides, like.dtype)
            view = f"view_at(b{number}, {offset}, {array.shape}, {array.strides}, {self._bind(array.dtype)})"
            self._lines.append(f"{name} = {f'b{number}' if same and not offset else view}")
        elif type(held) is tuple:
            place = self._fresh[held][0] + offset
            self._lines.append(
                f"{name} = ndarray({array.shape}, {self._bind(array.dtype)}, block, {place}, {array.strides})"
            )
        elif self.modes[value.number] == "view":
            call = self._recorder.calls[value.number]
            for ref in references((call.args, call.kwargs)):
                self._named(ref.index)
            self._lines += super()._line(value.number, call, {})
            self._known |= {i for _, i in call.outs}
        return name

    def _value(self, index: int) -> str:
        return self._named(index) if hasattr(self, "_known") else self._text(index)

    def _kept(self, index: int) -> str:
        """The text of a value in memory that stays its own after the call."""
        held, _ = self.memory_of(index)
        text = self._named(index)
        if type(held) is tuple and index not in self._whole:
            return f"array({text})"
        return text

    def _python(self, number: int, call: Call) -> None:
        self._flush()
        gone = [i for i in sorted(self._known) if self._gone(i, number)]
        if gone:
            self._known.difference_update(gone)
            self._lines.append(f"{' = '.join(self._text(i) for i in gone)} = None")
        if call.kind != "leaf":
            for ref in references((call.args, call.kwargs)):
                self._named(ref.index)
            self._lines += super()._line(number, call, {})
            self._known |= {i for _, i in call.outs}
            for _, i in call.outs:
                if self._recorder.values[i].array.ndim == 0 and self._owner(i) == number:
                    self._lines.append(f"{self._text(i)} = asarray({self._text(i)})")
            return
        node, g = call.args
        text = self.argument(node)
        if node.made is not None and node.made not in self._reset:
            self._lines.append(f"{text}.grad = None")
            self._reset.add(node.made)
        self._lines += [f"n = {text}", f"g = {self._kept(g.index)}"]
        if g.index in self._whole:  # it is new, and nobody else's
            del self._whole[g.index]  # once
            self._lines.append("if n.grad is None: n.grad = wrap(g)")
            self._lines.append("else: accumulate({n: g}, n, False)")
        else:
            self._lines += ["found = {n: g}", "g = None", "accumulate(found, n, False)"]
        new = [i for _, i in call.outs if self._owner(i) == number and i not in self._unused]
        self._lines += [f"{self._text(i)} = n.grad._data" for i in new]
        self._known |= set(new)
