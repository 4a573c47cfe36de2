"""Where pixels and the taps of their windows lie, if an image is laid out with zeros around it, band by band.

A band is some results along the first dimension there is, and what they are made of: a part of both sides that is
contiguous. Bands away from the borders are alike, so that tables are kept once for all of them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ...native.simd.pixels import TAPS, TOGETHER
from ..conv_numpy import Geometry, Ints
from ..layout_plan import backwards, flat, three

NEAR = 128 << 10  # bytes of a band, which stay in the second cache

# what stands in a band: where its part of an image begins, how many pixels that is, where the table of their places
# begins; where its results begin, and how many; its runs; and zeros: two times where, and how many pixels
READ, READS, PLACES, WRITE, WRITES, FIRST, LAST, ABOVE, ZEROS_ABOVE, BELOW, ZEROS_BELOW = range(11)
WINDOWS, BLOCKS, TAP, COUNT = range(4)  # in a run: its windows' first, how many blocks of them; its taps


class Kind(NamedTuple):
    """Results along a dimension, at ``first + step * t``; tap k of result t reads at ``pace * t + shift``."""

    first: int
    step: int
    results: int
    pace: int
    taps: list[tuple[int, int]]  # k, shift


class Axis(NamedTuple):
    """A dimension: sizes of what is read and of the results, kinds of these, and what is read with zeros around it."""

    size: int
    full: int
    kinds: list[Kind]
    low: int  # at most 0
    high: int  # at least the size


class Pixels(NamedTuple):
    """What the loops are told of a geometry; all places in vectors of channels.

    Attributes
    ----------
    offsets, taps : arrays
        Of the taps of all kinds of results: how far they are from a window's place, and which weights they meet.
    bands, runs : arrays
        See above.
    places : array
        Where the pixels of an image are laid out.
    windows : array, shape (2, ...)
        Where windows are, and where their results go.
    room : int
        Pixels of a band that is laid out, with its zeros.
    results : int
        Pixels of its results.
    """

    offsets: Any
    taps: Any
    bands: Any
    runs: Any
    places: Any
    windows: Any
    room: int
    results: int


def _axis(dim: tuple[int, ...], forward: bool) -> Axis:
    large, small, kernel, stride, padding, dilation = dim
    size, full = (large, small) if forward else (small, large)
    if forward:
        kinds = [Kind(0, 1, small, stride, [(k, k * dilation - padding) for k in range(kernel)])]
    else:
        low, _, found = backwards(large, kernel, stride, padding, dilation)
        kinds = [Kind(first, stride, n, 1, [(k, at - low) for k, at in taps]) for first, n, taps in found]

    def met(kind: Kind, shift: int) -> bool:
        """Whether a tap is anywhere within what is read."""
        places = np.arange(kind.results) * kind.pace + shift
        return bool(((places >= 0) & (places < size)).any())

    kinds = [kind._replace(taps=[tap for tap in kind.taps if met(kind, tap[1])]) for kind in kinds]
    shifts = [(shift, (kind.results - 1) * kind.pace + shift + 1) for kind in kinds for _, shift in kind.taps]
    low, high = min([0, *(s for s, _ in shifts)]), max([size, *(e for _, e in shifts)])
    return Axis(size, full, kinds, low, high)


def _grid(*along: Any) -> Any:
    """Flat indices of a grid, from what each dimension adds."""
    depth, height, width = along
    return (depth[:, None, None] + height[:, None] + width).reshape(-1)


class _Tables:
    """Arrays one after the other, each content once."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self._known: dict[bytes, int] = {}
        self._size = 0

    def add(self, part: Any) -> int:
        """Return where a part begins."""
        key = part.tobytes()
        if key not in self._known:
            self._known[key] = self._size
            self.parts.append(part)
            self._size += part.shape[-1]
        return self._known[key]

    def all(self) -> Any:
        """One after the other, along the last dimension."""
        return np.ascontiguousarray(np.concatenate(self.parts, -1))


class Cut(NamedTuple):
    """A part of the results along a dimension: from where to where, which of each kind, and what of the other side."""

    start: int
    stop: int
    results: list[range]
    low: int
    high: int


def _cut(axis: Axis, rows: int) -> list[Cut]:
    """Cut a dimension so that of what is read no more than some rows are laid out at a time, if that is possible."""
    step, pace = axis.kinds[0].step, axis.kinds[0].pace
    shifts = [shift for kind in axis.kinds for _, shift in kind.taps] or [0]
    many = max(1, (rows - (max(shifts) - min(shifts))) // pace) * step
    if many >= axis.full:
        return [Cut(0, axis.full, [range(kind.results) for kind in axis.kinds], axis.low, axis.high)]
    found = []
    for start in range(0, axis.full, many):
        stop, results, reads = min(start + many, axis.full), [], list[int]()
        for kind in axis.kinds:
            first, last = (max(0, -(-(at - kind.first) // kind.step)) for at in (start, stop))
            results.append(range(first, min(last, kind.results)))
            reads += [t * kind.pace + shift for _, shift in kind.taps for t in (results[-1] or [])[:1]]
            reads += [t * kind.pace + shift + 1 for _, shift in kind.taps for t in (results[-1] or [])[-1:]]
        found.append(Cut(start, stop, results, min(reads or [0]), max(reads or [0])))
    return found


@lru_cache(256)
def pixels(geometry: Geometry, forward: bool, inner: int, near: int) -> Pixels:
    """Plan bands.

    Parameters
    ----------
    geometry : Geometry
    forward : bool
        From the large side to the small one, or back.
    inner : int
        How many channels make up a result.
    near : int
        Pixels of a channel that are laid out at a time, at least those of one result along the first dimension.
    """
    axes = [_axis(dim, forward) for dim in three(geometry)]
    main = next((d for d in range(3) if max(axes[d].size, axes[d].full) > 1), 2)  # the first dimension there is
    kernel: Ints = tuple(dim[2] for dim in three(geometry))
    size = [axis.high - axis.low for axis in axes]
    cuts = _cut(axes[main], near // math.prod(size[main + 1 :]))
    size[main] = max(cut.high - cut.low for cut in cuts)
    pitch = (size[1] * size[2], size[2], 1)
    by_read, by_write = (math.prod(each[main + 1 :]) for each in ([a.size for a in axes], [a.full for a in axes]))
    offsets, taps, begins = list[int](), list[int](), list[tuple[int, int]]()
    for kinds in product(*(axis.kinds for axis in axes)):
        each = list(product(*(kind.taps for kind in kinds)))
        begins.append((len(offsets), inner * len(each)))
        for c in range(inner):
            offsets += [c * math.prod(size) + sum(s * p for (_, s), p in zip(tap, pitch)) for tap in each]
            taps += [c * math.prod(kernel) + flat([k for k, _ in tap], kernel) for tap in each]
        fill = [0] * (-len(offsets) % TAPS)
        offsets, taps = offsets + fill, taps + fill
    bands, runs, places, windows = list[Any](), list[Any](), _Tables(), _Tables()
    for cut in cuts:
        begin, lows = len(runs), [cut.low if d == main else axis.low for d, axis in enumerate(axes)]
        first, last = (min(max(at, 0), axes[main].size) for at in (cut.low, cut.high))
        along = [np.arange(first, last) if d == main else np.arange(axis.size) for d, axis in enumerate(axes)]
        table = _grid(*((a - low) * p for a, low, p in zip(along, lows, pitch)))
        for numbered, (tap, count) in zip(product(*(list(enumerate(axis.kinds)) for axis in axes)), begins):
            t = [
                np.array(cut.results[k]) if d == main else np.arange(kind.results)
                for d, (k, kind) in enumerate(numbered)
            ]
            reads = _grid(*((a * kind.pace - low) * p for a, (_, kind), low, p in zip(t, numbered, lows, pitch)))
            starts = [cut.start if d == main else 0 for d in range(3)]
            writes = _grid(*((kind.first + a * kind.step - start) * math.prod(axis.full for axis in axes[d + 1 :])
                             for d, (a, (_, kind), start) in enumerate(zip(t, numbered, starts))))  # fmt: skip
            if reads.size:
                pad = -reads.size % TOGETHER  # the last once more
                both = np.stack([np.append(a, np.repeat(a[-1:], pad)) for a in (reads, writes)])
                runs.append((windows.add(both), both.shape[1] // TOGETHER, tap, count))
        above, below = (min(max(at - cut.low, 0), cut.high - cut.low) * pitch[main] for at in (first, last))
        bands.append((
            first * by_read, table.size, places.add(table), cut.start * by_write, (cut.stop - cut.start) * by_write,
            begin, len(runs), 0, above, below, (cut.high - cut.low) * pitch[main] - below,
        ))  # fmt: skip
    return Pixels(
        np.array(offsets, np.intp), np.array(taps, np.intp), np.array(bands, np.intp), np.array(runs, np.intp),
        places.all(), windows.all(), math.prod(size), max(band[WRITES] for band in bands),
    )  # fmt: skip
