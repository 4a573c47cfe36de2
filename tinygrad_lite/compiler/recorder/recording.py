"""A recording: what the engine calls on plain arrays in one call of a function, as a list over numbered values.

Arrays are known by their memory. One that no recorded call made, that is no argument and that belongs to none of the
tensors which the function's Python state leads to, is not understood, and neither is a write that no recorded call
explains: then there is no program, and the function runs eagerly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import dtypes, rules
from ...graph import Node, _stamps, caller, counted, line_of, memory, tick
from ...tensors.size import Size
from ..lowering import native
from ..lowering.row_text import lower
from ..lowering.steps import Place
from ..lowering.symbols import NotLowered
from .calls import GEOMETRY, Call, LeafNode, PartsOf, Ref, Value, arrays_in, as_arrays, holds_tensor, leaves_of, view_at

ndarray = np.ndarray


class _Local(threading.local):
    recorder: Recorder | None = None
    wraps = False  # a rule records itself: see `watching.through_graph_watched`


LOCAL = _Local()


def key_of(array: Any) -> tuple[Any, ...]:
    """Which elements an array is of, in memory."""
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.num


PURE = frozenset({"row", "rule", "helper"})  # kinds of calls that do nothing but compute
_KERNEL, _ARRAYS = "a compiled kernel", "works on arrays in a way that has no steps"
_PACKAGE = __name__.partition(".")[0]
_NUMPYS = (np.dtype, np.generic, np.ufunc)
_CONSTANT = (type(None), bool, int, float, complex, str, bytes, type(...), type, rules.Op, *_NUMPYS)


class Recorder:
    """Records what one thread computes.

    Parameters
    ----------
    arguments : list of ndarray
        The arrays of the function's arguments.
    leaves : list of (Node or None)
        Their nodes.
    lowering : bool
        Look for the steps that rows are made of.
    """

    def __init__(self, arguments: list[Any], leaves: list[Any], lowering: bool = False) -> None:
        self.lowering = lowering
        self.left: dict[str, str] = {}  # rows that are no steps, and why
        self.calls: list[Call] = []
        self.values: list[Value] = []
        self.depth = 0
        self.problems: list[str] = []
        self.kept: list[Any] = []  # what must not be freed while its address or identity stands for it
        self.consumed: set[Node] = set()  # roots of backward passes
        self.gradients_seen: dict[int, tuple[Any, bool]] = {}  # leaves whose `grad` was looked at first of all
        self.gradients_set: set[Any] = set()
        self._known: dict[Any, int] = {}
        self._owners: set[int] = set()  # the first value of each piece of memory
        self._roots: dict[int, tuple[Any, int]] = {}  # id of memory -> its owner, when it was last written with a call
        self.start = self._explained = tick()  # when all that had been written was explained last
        self._made: dict[Node, int] = {}
        self._leaves = {node: i for i, node in enumerate(leaves) if node is not None}
        for i, array in enumerate(arguments):
            self.define(array, "argument", i)

    def refuse(self, why: str) -> None:
        """Note why there can be no program."""
        if len(self.problems) < 8:
            self.problems.append(why)

    # --- values ------------------------------------------------------------------------------------------------

    def define(self, array: Any, kind: str, number: int = -1) -> int:
        """A new value."""
        index = len(self.values)
        self.values.append(Value(array, kind, number))
        self._known.setdefault(key_of(array), index)
        owner = memory(array)
        if id(owner) not in self._roots:
            self._owners.add(index)
            self._roots[id(owner)] = owner, self._explained
        return index

    def reference(self, array: Any) -> Ref:
        """The value that an array is; of one that is new to the recording, a value of the state."""
        found = self._known.get(key_of(array)) if array.size else None
        if found is None:
            found = next((i for i, v in enumerate(self.values) if v.array is array), None) if not array.size else None
        if found is None:
            owner = memory(array)
            if not array.size:
                return Ref(self.define(array, "constant"))
            if id(owner) in self._roots and self._of_argument_or_made(owner):
                return self._as_view(array, owner)
            found = self.define(array, "state")
        return Ref(found)

    def _of_argument_or_made(self, owner: Any) -> bool:
        return any(memory(v.array) is owner and v.kind != "state" for v in self.values)

    def _as_view(self, array: Any, owner: Any) -> Ref:
        """A view that no recorded call made, of memory that is known: it is made anew from what it lies in."""
        start, end = np.lib.array_utils.byte_bounds(array)
        for index, value in enumerate(self.values):
            if value.kind == "state" or memory(value.array) is not owner or not value.array.flags.forc:
                continue
            low, high = np.lib.array_utils.byte_bounds(value.array)
            if low <= start and end <= high and array.size:
                offset = array.__array_interface__["data"][0] - low
                made = self.define(array, "made", len(self.calls))
                args = (Ref(index), offset, array.shape, array.strides, array.dtype)
                self.calls.append(Call("row", view_at, "view", args, {}, (((), made),), line_of(caller(2))))
                return Ref(made)
        self.refuse(f"an array whose memory is used in another way at {line_of(caller(2))}")
        return Ref(self.define(array, "state"))

    def tree(self, value: Any) -> Any:
        """Arguments with references in place of arrays."""
        kind = type(value)
        if kind is ndarray:
            return self.reference(value)
        if kind in _PLAIN:
            return value
        if kind in (tuple, list):
            return kind([self.tree(v) for v in value])
        if kind is Size:
            return tuple(value)
        if kind is dict:
            return {k: self.tree(v) for k, v in value.items()}
        if kind is rules.Parts:
            return PartsOf(self.tree(value.values))
        if issubclass(kind, Node):
            made = self._made.setdefault(value, len(self._made)) if value.seq > self.start else None
            return LeafNode(value, self._leaves.get(value), made)
        if kind is slice:
            return slice(*(self.tree(v) for v in (value.start, value.stop, value.step)))
        if kind.__name__ in GEOMETRY and kind.__module__.startswith(_PACKAGE):
            return value
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return kind(*map(self.tree, value))
        if kind.__module__ == dtypes.__name__:
            return value
        if isinstance(value, _CONSTANT):
            return value
        if isinstance(value, ndarray):
            self.refuse(f"an array of type {kind.__name__} at {line_of(caller(2))}")
        elif callable(value):
            return getattr(value, "recorded", value)
        elif not _is_stream(value):
            self.refuse(f"an argument of type {kind.__name__} at {line_of(caller(2))}, which is not understood")
        return value

    def results(self, value: Any, number: int) -> tuple[tuple[Any, int], ...]:
        """The values in what a call returned, with their places."""
        found: list[tuple[Any, int]] = []
        for path, array in arrays_in(value):
            known = self._known.get(key_of(array)) if array.size else None
            if known is None:
                known = self.define(array, "made", number)
            self.kept.append(array)
            found.append((path, known))
        return tuple(found)

    # --- calls ---------------------------------------------------------------------------------------------------

    def call(self, kind: str, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call, and record it."""
        where, given, named = line_of(caller(3)), self.tree(args), self.tree(kwargs)
        self._nothing_written([id(memory(a)) for _, a in arrays_in(args)])
        self.depth += 1
        try:
            out = as_arrays(function(*args, **kwargs))
        finally:
            self.depth -= 1
        outs = self.results(out, len(self.calls))
        lowered = self._lowered(name, function, args, out, outs) if kind in PURE and not kwargs else None
        self.calls.append(Call(kind, function, name, given, named, outs, where, lowered))
        self.explain_writes([*arrays_in(args), *(arrays_in(out) if kind == "leaf" else ())])
        return out

    def _lowered(self, name: str, function: Any, args: Any, out: Any, outs: tuple[Any, ...]) -> Any:
        """The steps of a row that has made new arrays, where the same bits come out of them."""
        new = [(path, i) for path, i in outs if self.values[i].number == len(self.calls)]
        if not self.lowering or not any(i in self._owners for _, i in new):
            return None
        self.depth += 1
        try:
            row, got = lower(function, args, self._place)
            found = dict(leaves_of(got))
            places = {i: found[path].place for path, i in new}
            equal = all(_same_layout(found[path].array, self.values[i].array) for path, i in new)
            given = {i: self.values[i].array for i in row.roots()}
            if any(self.values[i].kind == "made" for i in row.updated):
                raise NotLowered("a write to an array that was made before")
            if equal and native.gives(row, given, {places[i]: self.values[i].array for _, i in new}):
                row.forget()
                return row, places
            why = "other bits"
        except Exception as error:  # whatever symbols cannot do
            why = (
                f"{error}" if isinstance(error, NotLowered) else _KERNEL if "yping" in type(error).__name__ else _ARRAYS
            )
        finally:
            self.depth -= 1
        self.left.setdefault(name, why)
        return None

    def _place(self, array: Any) -> Place:
        return Place(self.reference(array).index, 0, array.shape, array.strides, array.dtype)

    def effect(self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call what changes Python objects, and note that it is to be called again."""
        where = line_of(caller(3))
        self._nothing_written([*self._roots])
        args = tuple(list(a) if hasattr(a, "__next__") else a for a in args)  # an iterator serves once
        self.depth += 1
        try:
            out = function(*args, **kwargs)
        finally:
            self.depth -= 1
        found = [(p, a._data) for p, a in leaves_of(out) if isinstance(a, rules.Tensor)]
        outs = tuple((p, self.define(a, "made", len(self.calls))) for p, a in found)
        self.calls.append(Call("effect", function, name, args, kwargs, outs, where))
        self._explained = tick()
        self._roots = {i: (owner, self._explained) for i, (owner, _) in self._roots.items()}
        return out

    def _nothing_written(self, owners: list[int]) -> None:
        """Whoever reads memory now, or writes to it, explains no write of before."""
        for key in owners:
            owner, last = self._roots.get(key, (None, 0))
            mark = None if owner is None else _stamps.get(id(counted(owner)))
            mark = None if mark is None else mark.latest()
            if mark is not None and mark.clock > last:
                self.refuse(f"{mark.name} at {line_of(mark.where)} writes to memory in a way that is not understood")

    def explain_writes(self, arrays: list[tuple[Any, Any]]) -> None:
        """What was announced until now about the memory of these is done by a recorded call."""
        now = tick()
        for _, array in arrays:
            owner = memory(array)
            if id(owner) in self._roots:
                self._roots[id(owner)] = owner, now

    def unexplained_writes(self) -> Iterator[str]:
        """Announced writes to known memory that no recorded call has made."""
        explained = {id(counted(v.array)): self._roots[id(memory(v.array))][1] for v in self.values}
        for key, last in explained.items():
            mark = _stamps.get(key)
            mark = None if mark is None else mark.latest()
            if mark is not None and mark.clock > last:
                yield f"{mark.name} at {line_of(mark.where)} writes to memory in a way that is not understood"


_PLAIN = frozenset({type(None), bool, int, float, complex, str, type(...)})


def _is_stream(value: Any) -> bool:
    """Whether an argument is a source of random numbers: drawing again goes on where it stands."""
    return type(value).__name__ == "Generator" and type(value).__module__.startswith(("tinygrad_lite", "numpy"))


def _same_layout(a: Any, b: Any) -> bool:
    """Whether two arrays have the same elements in every bit, and the same strides."""
    alike = a.shape == b.shape and a.dtype == b.dtype and (a.strides == b.strides or b.size < 2)
    return alike and a.tobytes() == b.tobytes()


def recorded(function: Callable[..., Any], name: str, kind: str = "row") -> Callable[..., Any]:
    """The function, recorded where its thread records."""

    def traced(*args: Any, **kwargs: Any) -> Any:
        recorder = LOCAL.recorder
        if recorder is None or recorder.depth or holds_tensor(args):
            return function(*args, **kwargs)
        return recorder.call(kind, function, name, args, kwargs)

    traced.recorded = function  # type: ignore[attr-defined]
    traced.__name__ = getattr(function, "__name__", name)
    traced.__wrapped__ = function  # type: ignore[attr-defined]
    return traced
