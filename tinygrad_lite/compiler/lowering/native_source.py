"""The source of a native replay: a table of steps, with Python between them only where a call was not lowered."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph import written
from ...kernels.native.walk import table
from ..recorder.calls import Call, view_at
from ..replay import WORTH, references
from .arena import Constants, address_of
from .placement import Placed
from .steps import Call as KernelCall
from .steps import MatMul, Place, Product, Steps, encoded, places_of

_BLOCKED = "multiply_blocks"  # the kernel of products
_ZERO = 0  # the register of addresses that are known


class NativeSource(Placed):
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
            "empty": np.empty,
            "failed": _failed,
            "array": np.array,
            "view_at": view_at,
            "written": written,
        }
        self._constants = Constants()
        self.kept: list[Any] = [self._arena.memory, self._constants]  # whose addresses stand in tables
        self.steps = sum(map(len, self._steps))
        self.products = sum(
            isinstance(s, (Product, MatMul)) or s.name == _BLOCKED for steps in self._steps for s in steps
        )
        self._new = {held: number for held, (number, _) in self._fresh.items()}  # memory that is made in each call
        self._new |= {held: len(self._new) + i for i, held in enumerate(self.passing)}
        self._ending: dict[int, list[Any]] = {}
        for held, last in [*((held, last) for held, (_, last) in self.passing.items()), *self.given.items()]:
            self._ending.setdefault(last, []).append(held)

    # --- text ----------------------------------------------------------------------------------------------------

    def compose(self, walk: Any = None) -> None:
        """Write the text; `walk` goes through the tables."""
        self._lines: list[str] = []
        self._rows: list[int] = []
        self._registers: dict[int, int] = {}
        self._known: set[int] = set()  # values that have a name already
        self._pending: list[str] = []
        self._failing: dict[int, int] = {}  # call of a kernel that may fail -> where it ends in the table
        self._ahead = 0  # how much of the table has been put before what was there
        time, late = 0, []
        for number, call in enumerate(self._recorder.calls):
            for step in self._steps[number]:
                time += 1
                if self._rows and self._makes_much(number, step):
                    self._flush()
                row = encoded(step, lambda p, n=number: self._where(n, p), self._constants.place)
                self._rows += row
                if isinstance(step, KernelCall):
                    self._failing[number] = len(self._rows) - self._ahead
                self._free(time)
            if self.modes[number] == "lowered":
                late += [f"written({self._text(i)}, {name!r})" for i, name in call.lowered[0].announced.items()]
            if self.modes[number] == "python":
                time += 1
                self._python(number, call)
                self._free(time)
        self._flush()
        self._lines += late
        self._lines += [self._returned(line, self._kept) for line in self._results.lines]
        registers: Any = np.zeros(2 + 2 * len(self._registers), np.int64)
        self.bound |= {"walk": walk, "R": registers, "M": memoryview(registers)}
        self._finish(self._lines)

    def _where(self, number: int, place: Place) -> tuple[int, int]:
        """Register and offset of a place."""
        held, offset = self._memory(number, place)
        if type(held) is tuple:
            if self._fixed(held):
                self.kept.append(self._own(held))
                return _ZERO, address_of(self.kept[-1]) + offset
            held, offset = self._housed(held, offset)
            if held in self._new:
                return self._register(-1 - self._new[held]), offset
            return _ZERO, self._arena.address(held) + offset
        value = self._recorder.values[held]
        if value.kind in ("state", "constant"):
            self.kept.append(value.array)
            return _ZERO, address_of(value.array) + offset
        return self._register(held), offset

    def _housed(self, held: Any, offset: int) -> tuple[Any, int]:
        """The memory of something that lies where a result is to be, until that is written."""
        room, at = self._arena.guests.get(held, (held, 0))
        return room, at + offset

    def _register(self, root: int) -> int:
        """The register of memory that is another in each call."""
        found = self._registers.get(root)
        if found is None:
            found = self._registers[root] = 2 + 2 * len(self._registers)
            name = self._named(root) if root >= 0 else self._made_anew(-1 - root)
            self._pending.append(f"M[{found + 1}] = id({name})")
            self._rows[:0] = [table.ADDRESS, 4, found, found + 1]
            self._ahead += 4
        return found

    def _made_anew(self, number: int) -> str:
        """Memory that is made when it is first needed: for a result, what it replaces may be gone until then."""
        held = next(held for held, n in self._new.items() if n == number)
        if held in self.passing:
            self._pending.append(f"b{number} = empty({self.passing[held][0]}, {self._bind(np.uint8)})")
        else:
            array = self._recorder.values[self._fresh[held][1]].array
            self._pending.append(f"b{number} = empty({array.shape}, {self._bind(array.dtype)})")
        return f"b{number}"

    def _makes_much(self, number: int, step: Steps) -> bool:
        """Whether a step is the first one that uses memory which comes and goes."""
        held = (self._memory(number, p)[0] for p in places_of(step))
        new = (h for h in held if h in self.passing or (self.passing and h in self._fresh))
        return any(-1 - self._new[h] not in self._registers for h in new)

    def _free(self, time: int) -> None:
        """Let go of memory that has had its last use."""
        ending = self._ending.get(time)
        if ending:
            self._flush()
            of = [i for i in sorted(self._known) if self.memory_of(i)[0] in ending]
            self._known.difference_update(of)
            names = [*(f"b{self._new[held]}" for held in ending if held in self._new), *map(self._text, of)]
            if names:
                self._lines.append(f"{' = '.join(names)} = None")

    def _gone(self, index: int, number: int) -> bool:
        """Whether memory that a call of Python made is not needed from a call on."""
        held, _ = self.memory_of(index)
        return type(held) is int and self._nbytes(held) >= WORTH and self._until.get(held, number) < number

    def _flush(self) -> None:
        if self._rows:
            rows = self._bind(np.array(table.ended(self._rows), np.int64), "T")
            text = f"walk({rows}, R)"
            lines = [text]
            if self._failing:
                lines = [f"p = {text}", "if p:"]
                for number, end in self._failing.items():
                    again = "".join(f"        {line}\n" for line in self._again(number))
                    lines.append(f"    if p <= {end + self._ahead}:\n{again}        failed({self._bind(number)})")
            self._lines += [*self._pending, "\n    ".join("\n".join(lines).split("\n"))]
            self._rows, self._pending, self._failing, self._ahead = [], [], {}, 0

    def _again(self, number: int) -> list[str]:
        """The lines that do in Python what a kernel has failed to do: they raise the row's own error."""
        kept, known, self._lines = self._lines, set(self._known), []
        call = self._recorder.calls[number]
        for ref in references((call.args, call.kwargs)):
            self._named(ref.index)
        lines = [*self._lines, self.expression(call)]
        self._lines, self._known = kept, known
        return lines

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
        held, offset = self._housed(held, offset)
        if type(held) is tuple and held not in self._new:
            self.bound[name] = self._arena.view(held, offset, array)
        elif type(held) is tuple:
            number, same = self._new[held], held in self._fresh
            if same:
                like = self._recorder.values[self._fresh[held][1]].array
                same = (array.shape, array.strides, array.dtype) == (like.shape, like.strides, like.dtype)
            view = f"view_at(b{number}, {offset}, {array.shape}, {array.strides}, {self._bind(array.dtype)})"
            self._lines.append(f"{name} = {f'b{number}' if same and not offset else view}")
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
            self._whole.discard(g.index)  # once
            self._lines.append("if n.grad is None: n.grad = wrap(g)")
            self._lines.append("else: accumulate({n: g}, n, False)")
        else:
            self._lines += ["found = {n: g}", "g = None", "accumulate(found, n, False)"]
        new = [i for _, i in call.outs if self._owner(i) == number and i not in self._unused]
        self._lines += [f"{self._text(i)} = n.grad._data" for i in new]
        self._known |= set(new)


def _failed(number: int) -> None:
    raise RuntimeError(f"tg.compile: a kernel of operation {number} failed; is there memory left?")
