"""The one operation behind interpolation and averages: fixed weighted sums of neighbours along a dimension."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, wraps
from typing import Any, TypeVar, cast

import numpy as np

from ...kernels.spatial import loops
from ...rules import differentiable, unwrap

_LONGEST = 64
_LARGE = 4096
_F = TypeVar("_F", bound=Callable[..., Any])


def remembered(make: _F) -> _F:
    """A function of sizes whose results are kept: a thousand of small ones, but few of large ones, which take memory.

    Which they are is told by the first argument, a size or several, and by the second where that is a size, too.
    """
    small, large = lru_cache(1024)(make), lru_cache(32)(make)

    @wraps(make)
    def kept(size: Any, other: Any, *rest: Any) -> Any:
        most = max(size, default=0) if type(size) is tuple else max(size, other)
        return (small if most <= _LARGE else large)(size, other, *rest)

    return cast(_F, kept)


def ranges(first: Any, last: Any) -> tuple[Any, Any]:
    """The lengths of ranges of integers, and all their members, one range after the other."""
    lengths = np.maximum(last - first, 0)
    ends = np.cumsum(lengths)
    return lengths, np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - lengths), lengths)


class Stencil:
    """Which entries along a dimension make up each result, and with what weights.

    Parameters
    ----------
    size : int
        How many entries there are.
    lengths : sequence of int
        Of how many entries each result is made.
    index : sequence of int
        Which these are, those of one result after those of the other. One that comes twice counts twice.
    weight : sequence of float, or float
        What each is multiplied by.
    """

    def __init__(self, size: int, lengths: Any, index: Any, weight: Any) -> None:
        self.size, self.count = size, len(lengths)
        self.lengths, self.index = np.asarray(lengths, np.intp), np.asarray(index, np.intp)
        self.weight = np.broadcast_to(np.asarray(weight, np.float64), self.index.shape)
        self._tables: dict[Any, tuple[Any, Any, Any]] = {}

    @cached_property
    def steps(self) -> tuple[Stencil, ...]:
        """Stencils that are to be applied one after the other: where many entries make up a result, their sum is one
        of sums, since a long sum of numbers of one kind loses a digit for each ten times as many.
        """
        if self.lengths.max(initial=0) <= _LONGEST:
            return (self,)
        counts = -(-self.lengths // _LONGEST)  # pieces of each
        pieces = np.full(counts.sum(), _LONGEST)
        some = counts > 0
        pieces[np.cumsum(counts)[some] - 1] -= (counts * _LONGEST - self.lengths)[some]
        first = Stencil(self.size, pieces, self.index, self.weight)
        return first, *Stencil(len(pieces), counts, np.arange(len(pieces)), 1.0).steps

    @cached_property
    def transposed(self) -> Stencil:
        """The stencil of the gradient: from the results back to the entries."""
        order = np.argsort(self.index, kind="stable")
        results = np.repeat(np.arange(self.count), self.lengths)[order]
        turned = Stencil(self.count, np.bincount(self.index, minlength=self.size), results, self.weight[order])
        turned.__dict__["transposed"] = self
        return turned

    def table(self, dtype: Any) -> tuple[Any, Any, Any]:
        """Where the entries of each result start, and all indices and weights, one after the other."""
        found = self._tables.get(dtype)
        if found is None:
            starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.intp)
            found = self._tables[dtype] = starts, self.index, self.weight.astype(dtype)
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
        out = np.empty((outer, step.count, inner), x.dtype)
        loops.blend(flat, *step.table(x.dtype), out)
        flat = out
    return flat.reshape((*shape[:dim], stencil.count, *shape[dim + 1 :]))


def blend(input: Any, stencils: Sequence[Stencil | None]) -> Any:
    """Apply a stencil along each of the last dimensions, first where that leaves the least to do for the others."""
    first = unwrap(input).ndim - len(stencils)
    todo = [(s.count / max(s.size, 1), first + d, s) for d, s in enumerate(stencils) if s is not None]
    dtype = unwrap(input).dtype
    if len(todo) > 1 and dtype == np.float16:  # whose sums of one dimension may lie beyond its range
        return blend(input.to(np.float32), stencils).to(dtype)
    for _, dim, stencil in sorted(todo, key=lambda t: t[:2]):
        input = along.record((input, stencil, dim))
    return input if todo else input.clone()
