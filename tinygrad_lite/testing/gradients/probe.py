"""`Probe`: a function of leaves that are moved where they lie, looked at as one vector of real numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import rules
from ...autograd import enable_grad, grad
from ...rules import wrap
from ...transforms import pytree
from .report import GradcheckError

Array = np.ndarray[Any, Any]


def reals(array: Array) -> Array:
    """The real numbers that an array in order is made of, as a vector in the same memory."""
    return array.reshape(-1).view(array.real.dtype)


def places(tensor: Any) -> tuple[int, ...]:
    """The shape, with a dimension for the real and imaginary part of complex numbers."""
    return (*tensor.shape, 2) if tensor.dtype.kind == "c" else tuple(tensor.shape)


def locate(flat: int, shapes: Sequence[tuple[int, ...]]) -> tuple[int, tuple[int, ...]]:
    """Which of several arrays, laid end to end, an entry belongs to, and its index there."""
    for i, shape in enumerate(shapes):
        size = int(np.prod(shape))
        if flat < size:
            return i, tuple(map(int, np.unravel_index(flat, shape)))
        flat -= size
    raise IndexError(flat)


class Probe:
    """A function whose leaves are moved in place and put back after every call.

    Parameters
    ----------
    function : callable
        Takes nothing; its floating results, however nested, are what is looked at.
    leaves : sequence of Tensor
        Those that require grad, each once.
    names : sequence of str
    unrecorded : callable, optional
        The same results without what is recorded of them, where that is less work: for all points but those at which
        gradients are taken.
    """

    def __init__(
        self,
        function: Callable[[], Any],
        leaves: Sequence[Any],
        names: Sequence[str],
        unrecorded: Callable[[], Any] | None = None,
    ) -> None:
        self.function, self.leaves, self.names = function, list(leaves), list(names)
        self.unrecorded = unrecorded or function
        self.kept = [np.array(leaf._data, order="C") for leaf in leaves]
        self.base = [reals(k.copy()) for k in self.kept]  # where the check is made: beside a kink, not on it
        self._here: Array | None = None
        self._rounding: Array | None = None

    def index(self, i: int, flat: int) -> tuple[int, ...]:
        """The index of an entry of the i-th leaf, by its number."""
        return tuple(map(int, np.unravel_index(flat, places(self.leaves[i]))))

    def restore(self) -> None:
        """Put the values back that the leaves had."""
        for leaf, kept in zip(self.leaves, self.kept):
            leaf._data[...] = kept

    def outputs(self, function: Callable[[], Any] | None = None) -> list[Any]:
        """The floating results."""
        with enable_grad(), np.errstate(all="ignore"):
            tree = (function or self.function)()
        found = [o for o in pytree.leaves(tree) if isinstance(o, rules.Tensor) and o.dtype.kind in "fc"]
        if not found:
            raise GradcheckError("gradcheck: the function returned no floating point Tensor")
        return found

    def here(self) -> Array:
        """All results at the point, computed once for each point."""
        if self._here is None:
            self._here = self.values()
        return self._here

    def shift(self, i: int, base: Array) -> None:
        """Make the check elsewhere from now on."""
        self.base[i][...] = base
        self._put(i, self.base[i])
        self._here = None

    def _put(self, i: int, values: Array) -> None:
        leaf = self.leaves[i]
        leaf._data[...] = values.view(leaf.dtype).reshape(leaf.shape)

    def values(self) -> Array:
        """All results at the point, as one vector in double precision."""
        return self.flat(self.outputs(self.unrecorded))

    @staticmethod
    def flat(outputs: list[Any]) -> Array:
        """These results, as one vector in double precision."""
        return np.concatenate([reals(np.array(o._data, order="C")).astype(np.float64) for o in outputs])

    def moved(self, steps: dict[int, Array]) -> tuple[Array, dict[int, Array]]:
        """All results a step aside, and the step as it could be made in the leaves' precision."""
        taken = {}
        try:
            for i, step in steps.items():
                base = self.base[i]
                there = (base + step).astype(base.dtype)
                taken[i] = there.astype(np.float64) - base
                self._put(i, there)
            return self.values(), taken
        finally:
            for i in steps:
                self._put(i, self.base[i])

    def gradients(self, weights: Array, outputs: list[Any] | None = None, retain: bool = False) -> list[Array]:
        """The gradient of ``weights @ values()`` with respect to each leaf, as vectors in double precision."""
        outputs = self.outputs() if outputs is None else outputs
        roots, vectors, start = [], [], 0
        for out in outputs:
            size = out._data.size * (2 if out.dtype.kind == "c" else 1)
            if out.requires_grad:
                vector = np.empty(out.shape, out.dtype)
                reals(vector)[...] = weights[start : start + size]
                roots.append(out)
                vectors.append(wrap(vector))
            start += size
        if not roots:
            return [np.zeros(b.size) for b in self.base]
        with np.errstate(all="ignore"):
            found = grad(roots, self.leaves, vectors, retain_graph=retain, allow_unused=True)
        return [
            np.zeros(b.size) if g is None else reals(np.array(g._data, order="C")).astype(np.float64)
            for g, b in zip(found, self.base)
        ]

    def rounding(self) -> Array:
        """The relative spacing of numbers, for each result."""
        if self._rounding is None:
            self._rounding = np.concatenate(
                [np.full(reals(np.array(o._data, order="C")).size, np.finfo(o.dtype).eps) for o in self.outputs()]
            )
        return self._rounding
