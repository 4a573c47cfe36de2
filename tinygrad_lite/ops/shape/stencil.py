"""The one operation behind interpolation and averages: fixed weighted sums of neighbours along a dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ...kernels.spatial import loops
from ...rules import differentiable, unwrap

_LONGEST = 64
Pairs = Sequence[Sequence[tuple[int, float]]]


class Stencil:
    """Which entries along a dimension make up each result, and with what weights.

    Parameters
    ----------
    size : int
        How many entries there are.
    rows : sequence of sequence of (index, weight)
        One for each result. An index that comes twice counts twice.
    """

    def __init__(self, size: int, rows: Pairs) -> None:
        self.size, self.rows = size, rows
        self._tables: dict[Any, tuple[Any, Any, Any]] = {}

    @cached_property
    def steps(self) -> tuple[Stencil, ...]:
        """Stencils that are to be applied one after the other: where many entries make up a result, their sum is one
        of sums, since a long sum of numbers of one kind loses a digit for each ten times as many.
        """
        if max(map(len, self.rows), default=0) <= _LONGEST:
            return (self,)
        pieces: list[Sequence[tuple[int, float]]] = []
        sums = []
        for row in self.rows:
            cut = [row[i : i + _LONGEST] for i in range(0, len(row), _LONGEST)]
            sums.append([(len(pieces) + k, 1.0) for k in range(len(cut))])
            pieces += cut
        return Stencil(self.size, pieces), *Stencil(len(pieces), sums).steps

    @cached_property
    def transposed(self) -> Stencil:
        """The stencil of the gradient: from the results back to the entries."""
        back: list[list[tuple[int, float]]] = [[] for _ in range(self.size)]
        for o, row in enumerate(self.rows):
            for i, weight in row:
                back[i].append((o, weight))
        turned = Stencil(len(self.rows), back)
        turned.__dict__["transposed"] = self
        return turned

    def table(self, dtype: Any) -> tuple[Any, Any, Any]:
        """Where each row starts, and all indices and weights, one row after the other."""
        found = self._tables.get(dtype)
        if found is None:
            starts = np.cumsum([0, *map(len, self.rows)], dtype=np.intp)
            index = np.array([i for row in self.rows for i, _ in row], np.intp)
            found = self._tables[dtype] = starts, index, np.array([w for row in self.rows for _, w in row], dtype)
        return found


def _along_x(g: Any, stencil: Stencil, dim: int) -> Any:
    return along(g, stencil.transposed, dim)


@differentiable(x=_along_x, name="blend", single=True, complex=True)
def along(x: Any, stencil: Stencil, dim: int) -> Any:
    """Apply a stencil along one dimension."""
    shape = x.shape
    outer, inner = math.prod(shape[:dim]), math.prod(shape[dim + 1 :])
    flat = np.ascontiguousarray(x).reshape(outer, shape[dim], inner)
    for step in stencil.steps:
        out = np.empty((outer, len(step.rows), inner), x.dtype)
        loops.blend(flat, *step.table(x.dtype), out)
        flat = out
    return flat.reshape((*shape[:dim], len(stencil.rows), *shape[dim + 1 :]))


def blend(input: Any, stencils: Sequence[Stencil | None]) -> Any:
    """Apply a stencil along each of the last dimensions, first where that leaves the least to do for the others."""
    first = unwrap(input).ndim - len(stencils)
    todo = [(len(s.rows) / max(s.size, 1), first + d, s) for d, s in enumerate(stencils) if s is not None]
    dtype = unwrap(input).dtype
    if len(todo) > 1 and dtype == np.float16:  # whose sums of one dimension may lie beyond its range
        return blend(input.to(np.float32), stencils).to(dtype)
    for _, dim, stencil in sorted(todo, key=lambda t: t[:2]):
        input = along.record((input, stencil, dim))
    return input if todo else input.clone()
