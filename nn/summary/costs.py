"""What a forward pass costs, module by module: multiply-adds, and the memory that is kept for the way back."""

from __future__ import annotations

import importlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite import Tensor, enable_grad
from tinygrad_lite.engine.views import node_of
from tinygrad_lite.graph import memory, tick
from tinygrad_lite.transforms.pytree import leaves

from ..module import Module


class Costs:
    """What was done, and kept, while each module was running and none of those in it.

    Attributes
    ----------
    multiply_adds, kept : Counter
        Of each module; what is kept is in bytes.
    """

    def __init__(self) -> None:
        self.multiply_adds: Counter[Module] = Counter()
        self.kept: Counter[Module] = Counter()
        self._watch = importlib.import_module("tinygrad_lite.profiler.watch").Watch(shapes=False)
        self._seen = 0
        self._running: list[Module] = []
        self._starts: list[int] = []  # when the module of the same place below began, or went on
        self._modules: list[Module] = []

    def measure(self, model: Module, call: Callable[[], Any], given: Any) -> None:
        """Call the model, and look what that costs. `given` are its arguments, which do not count as kept."""
        modules = list(model.modules())
        handles = [module.register_forward_pre_hook(self._enter) for module in modules]
        handles += [module.register_forward_hook(self._leave) for module in modules]
        try:
            self._watch.start()
            try:
                with enable_grad():
                    out = call()
            finally:
                self._watch.stop()
        finally:
            for handle in handles:
                handle.remove()
        theirs = [*model.parameters(), *model.buffers(), *leaves(given)]  # lazy ones have got their sizes by now
        self._weigh(out, {id(memory(t._data)) for t in theirs if isinstance(t, Tensor)})

    def _enter(self, module: Module, *_: Any) -> None:
        self._count()
        self._running.append(module)
        self._mark()

    def _leave(self, *_: Any) -> None:
        self._count()
        self._running.pop()
        self._mark()

    def _count(self) -> None:
        """Charge what was done since with the module that was running."""
        if self._running:
            self.multiply_adds[self._running[-1]] += sum(e.multiply_adds for e in self._watch.events[self._seen :])
        self._seen = len(self._watch.events)

    def _mark(self) -> None:
        if self._running:
            self._starts.append(tick())
            self._modules.append(self._running[-1])

    def _weigh(self, out: Any, seen: set[int]) -> None:
        """Charge each array that the graph holds with the module whose operation was the first to keep it."""
        todo = [node for t in leaves(out) if isinstance(t, Tensor) and (node := node_of(t)) is not None]
        nodes = set(todo)
        while todo:
            edges = todo.pop().edges
            for parent, _, _ in () if isinstance(edges, str) else edges:
                for p in parent if type(parent) is tuple else (parent,):
                    if p is not None and p not in nodes:
                        nodes.add(p)
                        todo.append(p)
        for node in sorted(nodes, key=lambda n: n.seq):
            place = bisect_right(self._starts, node.seq) - 1
            for array in (a for _, _, saved in node.edges for a in leaves(saved) if isinstance(a, np.ndarray)):
                owner = memory(array)
                if place >= 0 and id(owner) not in seen:
                    seen.add(id(owner))
                    self.kept[self._modules[place]] += getattr(owner, "nbytes", array.nbytes)
