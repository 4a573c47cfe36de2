"""Programs: recordings that are replayed; and what keeps a recording from becoming one."""

from __future__ import annotations

from typing import Any

from .. import rules
from ..graph import memory
from .gradients import Arrays, Backward, Part, linked, needed_from_forward
from .guards.python_state import Python
from .recorder.calls import leaves_of
from .recorder.recording import Recorder, key_of
from .replay import Results, references
from .runner import Runner


class Program:
    """A recording that is replayed.

    Attributes
    ----------
    state : Python
        What has to be as it was.
    """

    def __init__(self, found: Recording, seen: list[tuple[Any, bool]], name: str) -> None:
        recorder, back = found.recorder, found.back
        self.state, self.seen, self.hits = found.state, seen, 0
        self.names = [c.name for c in recorder.calls]
        self.backward: Runner | None = None
        if back is None:
            self.run = Runner(recorder, found.results)
        else:
            needed = needed_from_forward(recorder, back)
            rear = Part(recorder, back.start, len(recorder.calls), [*needed, back.g])
            self.backward = Runner(rear, Arrays(back.found))
            self.run = Runner(
                Part(recorder, 0, back.start, gone=back.g), found.results, {"link": linked(name, back, self.backward)}
            )
        self._guard = found.state.guard()

    def holds(self, arrays: list[Any]) -> bool:
        """Whether all is as it was, as far as a quick look tells, and no argument lies in the state's memory."""
        for a in arrays:
            if id(a if a.base is None else memory(a)) in self.state.arrays:
                return False
        return self._guard() and (not self.seen or all((t.grad is None) is missing for t, missing in self.seen))

    def adopt(self, state: Python) -> None:
        """Guard by the objects that are there now, which are equal to those that were."""
        self.state, self._guard = state, state.guard()


class Recording:
    """One recorded call."""

    def __init__(self, recorder: Recorder, state: Python, results: Results, back: Backward | None) -> None:
        self.recorder, self.state, self.results, self.back = recorder, state, results, back


class Outline:
    """What is kept of a recording that has no program yet: its calls and layouts, without the arrays it made."""

    def __init__(self, found: Recording) -> None:
        self.state, self._text = found.state, found.results.text
        self._calls = [c.bare() for c in found.recorder.calls]
        values = found.recorder.values
        self._layouts = [(v.array.shape, v.array.strides, v.array.dtype, v.kind) for v in values]
        self._states = [key_of(v.array) for v in values if v.kind == "state"]
        self._parents = None if found.back is None else found.back.parents

    def differs(self, other: Outline) -> str:
        """What another recording of the same does otherwise; empty if nothing."""
        for a, b in zip(self._calls, other._calls):
            if found := a.differs(b):
                return found
        if len(self._calls) != len(other._calls):
            return f"{len(self._calls)} operations, then {len(other._calls)}"
        if self._layouts != other._layouts:
            return "shapes that depend on values"
        if self._states != other._states:
            return "other tensors"
        if self._parents is not None and other._parents is not None and self._parents != other._parents:
            return "a gradient is sent to other tensors"
        return "" if self._text == other._text else f"{self._text}, then {other._text}"


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


def foreign_leaves(recorder: Recorder, state: Python) -> list[str]:
    """Gradients that are accumulated in tensors which the function's state does not lead to."""
    known = {id(t._node) for t in state.tensors.values()}
    nodes = [(c.where, c.args[0]) for c in recorder.calls if c.kind == "leaf"]
    return [
        f"backward() at {where} accumulates into a tensor that is no part of the function's state"
        for where, leaf in nodes
        if leaf.argument is None and leaf.made is None and id(leaf.node) not in known
    ]


def foreign_tensors(recorder: Recorder, state: Python) -> list[str]:
    """Effects on tensors that will not be the same in the next call."""
    known = {id(t) for t in state.tensors.values()}
    return [
        f"{call.name} at {call.where} changes a tensor that is no part of the function's state"
        for call in recorder.calls
        if call.kind == "effect"
        and any(isinstance(v, rules.Tensor) and id(v) not in known for _, v in leaves_of((call.args, call.kwargs)))
    ]
