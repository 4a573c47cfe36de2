"""A result whose graph is needed outside: its backward pass is a second program, and one node of the graph.

The pass is recorded right after the call, once, for a gradient that is an argument. Each gradient that leaves the
recorded part is kept by itself, in the order in which the engine would send it, so that sums have the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import autograd, rules
from ..engine import views
from ..engine.quiet import SILENT, restore, silence
from ..graph import Node, caller, mode, tick
from ..rules import Rule, stand_in
from ..transforms import pytree
from .recorder.calls import LeafNode, Ref, Value, as_arrays
from .recorder.recording import Recorder
from .replay import leads_on, parents_of, references


class Backward:
    """The recorded backward pass of one result.

    Attributes
    ----------
    tensor : Tensor
        The result.
    start : int
        The first call of the pass.
    parents : list of LeafNode
        The nodes that receive gradients, one for each time.
    found : list of Ref
        These gradients.
    """

    def __init__(self, tensor: Any, start: int, parents: list[LeafNode], found: list[Ref], g: int) -> None:
        self.tensor, self.start, self.parents, self.found, self.g = tensor, start, parents, found, g


def backward_of(recorder: Recorder, out: Any) -> Backward | None:
    """Record the backward pass of a result that requires grad; None where there is none, or where it cannot be.

    Parameters
    ----------
    recorder : Recorder
        At work.
    out : tree
        What the function returned.
    """
    wanted = {id(t): t for t in pytree.leaves(out) if isinstance(t, rules.Tensor) and _leads_on(recorder, t)}
    if not wanted:
        return None
    if len(wanted) > 1 or any(c.kind in ("effect", "leaf") for c in recorder.calls):
        recorder.refuse("its result requires grad, and its graph would be needed outside: that can be where it only "
                        "computes one such result; call backward() inside, or return it detached")  # fmt: skip
        return None
    (tensor,) = wanted.values()
    root: Any = views.node_of(tensor)
    inner, edges = _inside(recorder, root)
    if edges is None or any(n.hooks for n in inner) or recorder.consumed:
        recorder.refuse("its result requires grad, and the graph behind it cannot be followed")
        return None
    start, saved = len(recorder.calls), {n: n.edges for n in inner}
    g = np.linspace(0.5, 1.5, tensor._data.size).reshape(tensor.shape).astype(tensor._data.dtype)
    number = recorder.define(g, "argument", sum(v.kind == "argument" for v in recorder.values))
    aliases: list[Node] = []
    parents: list[LeafNode] = []
    before, mode.enabled = mode.enabled, False
    token = silence(SILENT)
    try:
        for node in inner:
            node.edges = tuple(_cut(edge, edges, aliases, parents, recorder) for edge in node.edges)
        found = autograd._run({root: g}, set(aliases), True, False)
    finally:
        restore(token)
        mode.enabled = before
        for node, kept in saved.items():
            node.edges = kept
    if len(found) != len(aliases):
        recorder.refuse("its result requires grad, and not all of its arguments receive a gradient")
        return None
    if any(c.name == "view" and c.args[0] == Ref(number) for c in recorder.calls[start:]):
        recorder.refuse("its result requires grad, and the gradient's memory is used in another way")
    given = [recorder.reference(as_arrays(found[a])) for a in aliases]
    return Backward(tensor, start, parents, given, number)


def _leads_on(recorder: Recorder, tensor: Any) -> bool:
    node = views.node_of(tensor)
    return node is not None and node.seq > recorder.start and leads_on(node, recorder.consumed)


def _inside(recorder: Recorder, root: Any) -> tuple[list[Node], set[Node] | None]:
    """The nodes that were made in the recording, youngest first, and those of before that they lead to."""
    inner, outside, stack = {root}, set[Node](), [root]
    while stack:
        node = stack.pop()
        if type(node.edges) is str:
            return [], None
        for parent in parents_of(node):
            if parent.seq <= recorder.start or parent.edges == ():
                outside.add(parent)
            elif parent not in inner:
                inner.add(parent)
                stack.append(parent)
    return sorted(inner, key=lambda n: -n.seq), outside


def _cut(edge: Any, outside: set[Node], aliases: list[Node], parents: list[LeafNode], recorder: Recorder) -> Any:
    """An edge that ends in nodes of its own where it leaves the recorded part."""
    parent, rule, saved = edge

    def cut(p: Any) -> Any:
        if p not in outside:
            return p
        alias: Any = autograd.alias(p)
        alias.seq = recorder.start - 1 - len(aliases)  # older than all that is inside, each by itself
        aliases.append(alias)
        parents.append(recorder.tree(p))
        return alias

    return (tuple(map(cut, parent)) if type(parent) is tuple else cut(parent)), rule, saved


# --- two programs of one recording ------------------------------------------------------------------------------------


class Part:
    """Some calls of a recording.

    Parameters
    ----------
    recorder : Recorder
    start, stop : int
    inputs : list of int, optional
        Values that are arguments of this part; the recording's own where left out.
    gone : int
        A value that is none of this part's.
    """

    def __init__(
        self, recorder: Recorder, start: int, stop: int, inputs: list[int] | None = None, gone: int = -1
    ) -> None:
        self.calls, self.left = recorder.calls[start:stop], recorder.left
        self.values = [self._value(v, start, stop, inputs is None) for v in recorder.values]
        if gone >= 0:
            self.values[gone] = Value(recorder.values[gone].array, "gone", -1)
        for number, index in enumerate(inputs or ()):
            self.values[index] = Value(recorder.values[index].array, "argument", number)

    def _value(self, value: Value, start: int, stop: int, whole: bool) -> Value:
        if value.kind == "made" and start <= value.number < stop:
            return Value(value.array, "made", value.number - start)
        if value.kind in ("state", "constant") or (value.kind == "argument" and whole):
            return value
        return Value(value.array, "gone", -1)


class Arrays:
    """Arrays as what a part returns."""

    def __init__(self, refs: list[Ref]) -> None:
        self.refs, self.values = refs, dict[str, Any]()
        self.lines = [f"q{i} = {{{ref.index}}}" for i, ref in enumerate(refs)]
        self.text = f"({''.join(f'q{i}, ' for i in range(len(refs)))})"


def needed_from_forward(recorder: Recorder, found: Backward) -> list[int]:
    """The values of the forward part, its arguments and the state that the backward part reads."""
    calls = recorder.calls[found.start :]
    used = [r.index for c in calls for r in references((c.args, c.kwargs))] + [r.index for r in found.found]
    values = recorder.values
    early = (i for i in dict.fromkeys(used) if not (values[i].kind == "made" and values[i].number >= found.start))
    return [i for i in early if i != found.g and values[i].kind != "constant"]


class _SavedNames:
    """A name for each saved value, however many there are."""

    def __iter__(self) -> Any:
        while True:
            yield "saved value"


def linked(name: str, found: Backward, run: Any) -> Any:
    """What gives a replayed result its node: ``link(tensor, saved, tensors)``.

    Parameters
    ----------
    name : str
        Of the function, for messages.
    found : Backward
    run : Runner
        The backward program, called with what the node saved, and the gradient.
    """
    rule = Rule.__new__(Rule)
    rule.op, rule.arg, rule.joint = stand_in(name), tuple(map(str, range(len(found.parents)))), True
    rule.names, rule._positions = _SavedNames(), None

    def vjp(g: Any, *saved: Any) -> Any:
        if isinstance(g, rules.Tensor):
            raise RuntimeError(f"{name}: the gradient of a compiled function cannot be differentiated again; "
                               "call the function itself, without tg.compile")  # fmt: skip
        g = np.asarray(g)
        return (run if g.flags.c_contiguous else run.plain)((*saved, g), ())

    rule.vjp = vjp
    parents = [(p.node, p.argument) for p in found.parents]
    shape, dtype = found.tensor._data.shape, found.tensor._data.dtype

    def link(tensor: Any, saved: Any, tensors: Any) -> None:
        node = Node()
        ends = tuple(n if i is None else views.node_of(tensors[i]) for n, i in parents)
        node.edges, node.hooks, node.where, node.seq = ((ends, rule, saved),), None, caller(2), tick()
        node.shape, node.dtype = shape, dtype
        tensor._node = node

    return link
