"""`Sink`: takes a leaf's gradient as soon as it is complete, while the pass goes on to other leaves.

A leaf is older than all that was computed from it, so it is its turn at the end of a pass. Its gradient is complete
much earlier: when the oldest node that it went into has run. A `Delivery`, right behind that node, hands it over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from ...graph import Node
from ...rules import conjugate
from ..accumulate import parents_of
from ..hooks import accumulated, of


class Sink(Protocol):
    """Whoever takes gradients."""

    def take(self, node: Node, g: Any) -> None:
        """Take a leaf's gradient, an array that may be shared."""

    def end(self) -> None:
        """The pass is over, with all that it called."""

    def fail(self) -> None:
        """The pass has ended in an error."""


LEAVES: dict[Node, Sink] = {}  # whose gradients are taken, and by whom
TAKEN: Any = object()  # in a gradient's place


class _Running(threading.local):
    """The passes of this thread: how deep one is in another, and what they have delivered."""

    def __init__(self) -> None:
        self.depth = 0
        self.delivered: list[Node] = []


_running = _Running()


class Delivery:
    """Stands in the queue of a pass behind the last node that adds to some leaves' gradients."""

    __slots__ = ("seq", "leaves", "hooks")

    def __init__(self, seq: float, leaves: list[Node]) -> None:
        self.seq, self.leaves = seq, leaves
        self.hooks: dict[int, Any] = {}  # as a node has them

    def run(
        self, grads: dict[Any, Any], call_hooks: Callable[[Node, Any, bool], Any], total: Callable[[Any], Any]
    ) -> None:
        """Hand the gradients over."""
        for leaf in self.leaves:
            g = grads.get(leaf)
            if g is not None:
                _hand(leaf, call_hooks(leaf, total(g), False))
                of(leaf)  # the pass asks nodes with hooks only whether their gradient is taken
                grads[leaf] = TAKEN


def _hand(leaf: Node, g: Any) -> None:
    _running.delivered.append(leaf)
    LEAVES[leaf].take(leaf, conjugate(g))


def run(
    passing: Callable[..., dict[Node, Any]], grads: dict[Any, Any], targets: Any, retain: bool, create: bool
) -> dict[Node, Any]:
    """Make a pass of `backward`, deliver gradients on the way, and return those that nobody has taken."""
    outermost = not _running.depth
    _running.depth += 1
    try:
        if targets is None and not create:
            for delivery in _deliveries(grads):
                grads[delivery] = None
        found = passing(grads, targets, retain, create)
        for leaf in [node for node in found if node in LEAVES]:
            if create:
                raise RuntimeError(
                    "backward: create_graph=True records no sum over ranks; use no_sync(), or autograd.grad"
                )
            _hand(leaf, found.pop(leaf))
    except BaseException:
        if outermost:
            for sink in _sinks():
                sink.fail()
            _running.delivered = []
        raise
    finally:
        _running.depth -= 1
    if outermost:
        sinks, delivered = _sinks(), _running.delivered
        _running.delivered = []
        for sink in sinks:
            sink.end()
        for leaf in delivered:
            accumulated(leaf)
    return found


def _sinks() -> list[Sink]:
    return list({id(LEAVES[leaf]): LEAVES[leaf] for leaf in _running.delivered if leaf in LEAVES}.values())


def _deliveries(roots: dict[Any, Any]) -> list[Delivery]:
    """For each node that is the oldest to use some leaves, what follows it."""
    last: dict[Node, Node] = {}
    seen = set(roots)
    stack = list(seen)
    while stack:
        node = stack.pop()
        for parent, _, _ in () if type(node.edges) is str else node.edges:
            for p in parents_of(parent):
                if p is None:
                    continue
                if p in LEAVES:
                    if p not in last or node.seq < last[p].seq:
                        last[p] = node
                elif p not in seen:
                    seen.add(p)
                    stack.append(p)
    behind: dict[int, list[Node]] = {}
    for leaf, node in last.items():
        behind.setdefault(node.seq, []).append(leaf)
    return [Delivery(seq - 0.5, leaves) for seq, leaves in behind.items()]
