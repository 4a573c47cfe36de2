"""`FirstDerivatives`: the gradients of a function, as a function whose gradients can be checked in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...autograd import grad
from ...rules import wrap
from .probe import Probe


class FirstDerivatives:
    """Gradients with respect to some leaves, of which those are looked at that depend on anything.

    Parameters
    ----------
    function : callable
        Takes nothing; its floating results are differentiated.
    leaves, vectors : sequence of Tensor
        What the results are differentiated in, and what their gradients are multiplied with.
    """

    def __init__(self, function: Callable[[], Any], leaves: Sequence[Any], vectors: Sequence[Any]) -> None:
        self._probe, self._vectors = Probe(function, leaves, ()), vectors
        self.there = [g is not None and g.requires_grad for g in self._gradients(True)]

    def _gradients(self, create_graph: bool) -> Sequence[Any]:
        leaves = self._probe.leaves
        found = [o for o in self._probe.outputs() if o.requires_grad]
        if not found:
            return [None] * len(leaves)
        return grad(found, leaves, self._vectors, create_graph=create_graph, allow_unused=True)

    def recorded(self) -> list[Any]:
        """Those that can be differentiated."""
        return [g for g in self._gradients(True) if g is not None and g.requires_grad]

    def unrecorded(self) -> list[Any]:
        """The same numbers by a backward pass that is not recorded, which is less than half the work."""
        found = zip(self._gradients(False), self._probe.leaves, self.there)
        return [wrap(np.zeros(x.shape, x.dtype)) if g is None else g for g, x, there in found if there]
