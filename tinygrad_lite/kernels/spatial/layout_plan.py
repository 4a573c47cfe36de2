"""The plan of a convolution as matrix products whose rows are read at offsets: where to read, where to write.

An image is laid out once with its zeros around it, and with the positions that a stride keeps apart side by side
("phases"). In that layout ("slab") a window that moves by one moves by one element, whatever the stride, so what a tap
of the kernel contributes to all results is one line of the slab, at an offset. At the ends of rows the line runs over
into the next one; those results are computed and dropped.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from .conv_numpy import Geometry, Ints

Triple = tuple[int, int, int]


class Target(NamedTuple):
    """Results of one kind: those at ``first + step * t``, for t below `counts`, and the taps that make them up."""

    first: Ints
    step: Ints
    counts: Ints
    taps: Any  # array: which taps of the kernel
    places: Any  # array: their offsets in a channel of the slab

    def positions(self, size: Ints) -> int:
        """How many elements of a line cover all results."""
        return ((self.counts[0] - 1) * size[1] + self.counts[1] - 1) * size[2] + self.counts[2]


class Plan(NamedTuple):
    """A slab, whose position q in phase f holds the source's ``q * step + f - padding``, and what is made of it."""

    step: Any  # arrays of one number for each of three dimensions
    padding: Any
    size: Ints
    phases: Any  # (F, 3)
    targets: list[Target]

    @property
    def plane(self) -> int:
        """Elements of a channel in one phase."""
        return math.prod(self.size)


def flat(parts: Any, sizes: Ints) -> int:
    total = 0
    for part, n in zip(parts, sizes):
        total = total * n + part
    return total


def three(geometry: Geometry) -> list[tuple[int, ...]]:
    """For each of three dimensions: large, small, kernel, stride, padding, dilation."""
    lead = 3 - len(geometry.kernel)
    return [(1, 1, 1, 1, 0, 1)] * lead + [tuple(f[d] for f in geometry[:6]) for d in range(len(geometry.kernel))]


@lru_cache(1024)
def to_small(geometry: Geometry) -> Plan:
    """From the large side to the small one."""
    dims = three(geometry)
    taps = [[((k * d) % s, k * d // s) for k in range(n)] for _, _, n, s, _, d in dims]  # phase, offset
    phases = [sorted({f for f, _ in each}) for each in taps]
    size = tuple(dim[1] + max(e for _, e in each) for dim, each in zip(dims, taps))
    plane, counts = math.prod(size), [len(f) for f in phases]
    places = [
        flat([f.index(t[0]) for f, t in zip(phases, tap)], tuple(counts)) * plane + flat([t[1] for t in tap], size)
        for tap in product(*taps)
    ]
    small = tuple(dim[1] for dim in dims)
    target = Target((0, 0, 0), (1, 1, 1), small, np.arange(len(places)), np.array(places, np.intp))
    return Plan(np.array([dim[3] for dim in dims]), np.array([dim[4] for dim in dims]), size,
                np.array(list(product(*phases))), [target])  # fmt: skip


def backwards(large: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[int, int, list[Any]]:
    """Along one dimension: padding and size of the slab; for each phase of the large side (first, count, taps)."""
    kinds = []
    for phase in range(stride):
        first = (phase - padding) % stride
        start, count = (first + padding) // stride, len(range(first, large, stride))
        taps = [(k, start - (k * dilation - phase) // stride) for k in range(kernel)
                if (k * dilation - phase) % stride == 0]  # fmt: skip
        if count:
            kinds.append((first, count, taps))
    low = max((-at for _, _, taps in kinds for _, at in taps), default=0)
    size = max((count + at + low for _, count, taps in kinds for _, at in taps), default=1)
    size = max([size, *(count for _, count, _ in kinds)])
    return low, size, [(first, count, [(k, at + low) for k, at in taps]) for first, count, taps in kinds]


@lru_cache(1024)
def to_large(geometry: Geometry) -> Plan:
    """From the small side to the large one: each phase of the result has taps of its own."""
    dims = three(geometry)
    lines = [backwards(n, k, s, p, d) for n, _, k, s, p, d in dims]
    size, kernel, step = tuple(line[1] for line in lines), tuple(d[2] for d in dims), tuple(d[3] for d in dims)
    targets = []
    for kinds in product(*(line[2] for line in lines)):
        taps = list(product(*(kind[2][::-1] for kind in kinds)))  # places ascend, which caches foresee
        targets.append(
            Target(
                tuple(kind[0] for kind in kinds), step, tuple(kind[1] for kind in kinds),
                np.array([flat([k for k, _ in tap], kernel) for tap in taps], np.intp),
                np.array([flat([at for _, at in tap], size) for tap in taps], np.intp),
            )
        )  # fmt: skip
    ones = np.ones(3, np.intp)
    return Plan(ones, np.array([line[0] for line in lines]), size, np.zeros((1, 3), np.intp), targets)


@lru_cache(1024)
def unchanged(size: Ints, small: Ints) -> Plan:
    """The small side in a slab as large as that of the large side, for products of one with the other."""
    return Plan(np.ones(3, np.intp), np.zeros(3, np.intp), (small[0], *size[1:]), np.zeros((1, 3), np.intp), [])


@lru_cache(1024)
@lru_cache(256)
def blocks(channels: int, groups: int, sizes: Ints) -> Any:
    """Channels in blocks that registers can hold: as few as there can be, and those as even.

    Parameters
    ----------
    channels : int
        In a group.
    groups : int
    sizes : tuple of int
        How many there may be in a block; 1 is among them.

    Returns
    -------
    array, shape (blocks, 4)
        Group, first channel, how many, first within the group.
    """
    best = [(0, 0, 0)]  # of the first channels: how many blocks, the sum of their squares, the last one's size
    for n in range(1, channels + 1):
        ends = ((*best[n - size], size) for size in sizes if size <= n)
        best.append(min((many + 1, squares + size**2, size) for many, squares, _, size in ends))
    parts, end = list[tuple[int, int]](), channels
    while end:
        size = best[end][2]
        end -= size
        parts.append((end, size))
    parts.reverse()
    return np.array([(g, g * channels + a, n, a) for g in range(groups) for a, n in parts], np.intp)
