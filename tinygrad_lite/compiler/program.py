"""Programs: recordings that are replayed; and what keeps a recording from becoming one."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .. import rules
from ..graph import memory
from .guards.python_state import Python
from .lowering import native
from .lowering.native_source import NativeSource
from .recorder.calls import leaves_of
from .recorder.recording import Recorder, key_of
from .replay import Results, Source, references


class Program:
    """A recording that is replayed.

    Attributes
    ----------
    state : Python
        What has to be as it was.
    """

    def __init__(self, recorder: Recorder, state: Python, results: Results, seen: list[tuple[Any, bool]]) -> None:
        self.state, self.seen = state, seen
        source = Source(recorder, results)
        source.compose()
        self.text, self._plain, self.calls = source.text, source.function(), recorder.calls
        self.hits, self.lines = 0, source.calls
        self._native: Any = NativeSource(recorder, results) if any(c.lowered for c in recorder.calls) else None
        self._walk: Any = None
        self.left = recorder.left
        self._lock = threading.Lock()
        self._guard = state.guard()

    def holds(self, arrays: list[Any]) -> bool:
        """Whether all is as it was, as far as a quick look tells, and no argument lies in the state's memory."""
        for a in arrays:
            if id(a if a.base is None else memory(a)) in self.state.arrays:
                return False
        return self._guard() and all((t.grad is None) is missing for t, missing in self.seen)

    def run(self, arrays: list[Any], tensors: list[Any]) -> Any:
        """Replay: over tables once the loop that walks them is compiled, and while no other thread does."""
        walk = self._walk
        if walk is None:
            if self._native is None or (ready := native.walk()) is None:
                return self._plain(arrays, tensors)
            self._native.compose(ready)
            self.text, walk = self._native.text, self._native.function()
            self._walk = walk
        if not self._lock.acquire(False):
            return self._plain(arrays, tensors)
        try:
            return walk(arrays, tensors)
        finally:
            self._lock.release()

    def native(self) -> dict[str, Any]:
        """What there is of compiled code."""
        native = self._native
        if native is None:
            return {"steps": 0, "products": 0, "walks": 0, "bytes": 0, "plain_bytes": 0, "python": {}}
        names = Counter(c.name for c, mode in zip(self.calls, native.modes) if mode == "python")
        why = {name: f" ({self.left[name].splitlines()[0][:60]})" if name in self.left else "" for name in names}
        return {
            "steps": native.steps, "products": native.products, "walks": self.text.count("walk("),
            "bytes": native.bytes, "plain_bytes": native.plain_bytes,
            "python": {name: (n, why[name]) for name, n in names.items()},
        }  # fmt: skip

    def adopt(self, state: Python) -> None:
        """Guard by the objects that are there now, which are equal to those that were."""
        self.state, self._guard = state, state.guard()


class Recording:
    """One recorded call that has no program yet."""

    def __init__(self, recorder: Recorder, state: Python, results: Results) -> None:
        self.recorder, self.state, self.results = recorder, state, results

    def differs(self, other: Recording) -> str:
        """What another recording of the same does otherwise; empty if nothing."""
        mine, theirs = self.recorder.calls, other.recorder.calls
        for a, b in zip(mine, theirs):
            if found := a.differs(b):
                return found
        if len(mine) != len(theirs):
            return f"{len(mine)} operations, then {len(theirs)}"
        values = [(v.array.shape, v.array.strides, v.array.dtype, v.kind) for v in self.recorder.values]
        if values != [(v.array.shape, v.array.strides, v.array.dtype, v.kind) for v in other.recorder.values]:
            return "shapes that depend on values"
        states = ([key_of(v.array) for v in r.recorder.values if v.kind == "state"] for r in (self, other))
        if next(states) != next(states):
            return "other tensors"
        return "" if self.results.text == other.results.text else f"{self.results.text}, then {other.results.text}"


def unexplained(recorder: Recorder, state: Python) -> list[str]:
    """Arrays of the state that none of the tensors of the Python state has."""
    tensors = {id(memory(t._data)): t for t in state.tensors.values()}
    found = []
    for value in recorder.values:
        if value.kind != "state" or id(memory(value.array)) in state.arrays:
            tensor = tensors.get(id(memory(value.array))) if value.kind == "state" else None
            if tensor is not None and tensor._node is not None and tensor._node.edges != ():
                found.append("a tensor with a graph from outside is used")
            continue
        number = recorder.values.index(value)
        user = next((c for c in recorder.calls if number in {r.index for r in references((c.args, c.kwargs))}), None)
        where = "" if user is None else f" goes into {user.name} at {user.where}"
        found.append(f"an array of shape {value.array.shape} that no recorded operation made{where}; "
                     "pass it as an argument")  # fmt: skip
    return found


def foreign_tensors(recorder: Recorder, state: Python) -> list[str]:
    """Effects on tensors that will not be the same in the next call."""
    known = {id(t) for t in state.tensors.values()}
    return [
        f"{call.name} at {call.where} changes a tensor that is no part of the function's state"
        for call in recorder.calls
        if call.kind == "effect"
        and any(isinstance(v, rules.Tensor) and id(v) not in known for _, v in leaves_of((call.args, call.kwargs)))
    ]
