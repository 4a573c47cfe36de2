"""Maxima over windows, and the way back, compiled. See `pool` for the plain twins.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from ..loops.row_sums import fill_row
from ..native.memory import bare
from ..native.simd.blocks import WIDTH, maxima
from ..native.threads import launch
from .max_pool_numpy import Windows, max_pool_plain, scatter_plain
from .padded_layout import next_plane, together


def some_above(row: Any, best: Any) -> bool:
    """Does a row hold a larger one, or NaN? Without a branch for each it takes a fraction of the search's time."""
    found = 0
    for k in range(row.size):
        found |= not (row[k] <= best)
    return found != 0


def one_maximum(x: Any, p: int, d0: int, d1: int, h0: int, h1: int, w0: int, w1: int, steps: Any) -> Any:
    """The maximum of one window of plane `p`, and where it lies."""
    _, _, height, width = x.shape
    best, place = x[p, d0, h0, w0], (d0 * height + h0) * width + w0
    long = steps[2] == 1 and w1 - w0 >= 8
    for i in range(d0, d1, steps[0]):
        for j in range(h0, h1, steps[1]):
            if long and not some_above(x[p, i, j, w0:w1], best):
                continue
            for k in range(w0, w1, steps[2]):
                value = x[p, i, j, k]
                if value > best or value != value:
                    best, place = value, (i * height + j) * width + k
    return best, place


@kernel(max_pool_plain)
def pool_planes(x: Any, spans_d: Any, spans_h: Any, spans_w: Any, steps: Any, out: Any, index: Any, cursor: Any) -> int:
    """A piece is some planes."""
    x, out, index, steps, done = bare(x), bare(out), bare(index), bare(steps), 0
    spans_d, spans_h, spans_w = bare(spans_d), bare(spans_h), bare(spans_w)
    many, p, end = together(x.shape[1] * x.shape[2] * x.shape[3]), 0, 0
    while True:
        p, end = next_plane(p, end, many, len(x), cursor)
        if p >= end:
            return done
        done += 1
        for d in range(len(spans_d)):
            for h in range(len(spans_h)):
                for w in range(len(spans_w)):
                    out[p, d, h, w], index[p, d, h, w] = one_maximum(
                        x, p, spans_d[d, 0], spans_d[d, 1], spans_h[h, 0], spans_h[h, 1], spans_w[w, 0], spans_w[w, 1],
                        steps,
                    )  # fmt: skip


@kernel(max_pool_plain)
def pool_lines(
    x: Any, spans_d: Any, spans_h: Any, spans_w: Any, steps: Any, regular: Any, out: Any, index: Any, cursor: Any
) -> int:
    """The same where windows lie side by side; a piece is some planes."""
    x, out, index, steps = bare(x), bare(out), bare(index), bare(steps)
    spans_d, spans_h, spans_w = bare(spans_d), bare(spans_h), bare(spans_w)
    first, last, apart, width = regular
    done, size, lanes = 0, x.itemsize, WIDTH // x.itemsize
    _, planes, rows, columns = x.shape
    _, depth, height, line = out.shape
    by_plane, by_row, by_entry = steps[0] * rows * columns, steps[1] * columns, steps[2]
    source, target, places = x.ctypes.data, out.ctypes.data, index.ctypes.data
    many, p, end = together(planes * rows * columns), 0, 0
    while True:
        p, end = next_plane(p, end, many, len(x), cursor)
        if p >= end:
            return done
        done += 1
        for d in range(depth):
            for h in range(height):
                d0, d1, h0, h1 = spans_d[d, 0], spans_d[d, 1], spans_h[h, 0], spans_h[h, 1]
                deep, high = (d1 - d0 + steps[0] - 1) // steps[0], (h1 - h0 + steps[1] - 1) // steps[1]
                at, w = ((p * depth + d) * height + h) * line, 0
                while w < line:
                    if w < first or w >= last:
                        best, place = one_maximum(x, p, d0, d1, h0, h1, spans_w[w, 0], spans_w[w, 1], steps)
                        out[p, d, h, w], index[p, d, h, w] = best, place
                        w += 1
                        continue
                    place = (d0 * rows + h0) * columns + spans_w[w, 0]
                    start = source + (p * planes * rows * columns + place) * size
                    count, o, i = min(lanes, last - w), target + (at + w) * size, places + (at + w) * 4
                    if apart == 1:
                        maxima(1, x.dtype, start, deep, high, width, by_plane * size, by_row * size, by_entry * size,
                               place, by_plane, by_row, by_entry, count, o, i)  # fmt: skip
                    else:
                        maxima(2, x.dtype, start, deep, high, width, by_plane * size, by_row * size, by_entry * size,
                               place, by_plane, by_row, by_entry, count, o, i)  # fmt: skip
                    w += count


@kernel(scatter_plain)
def scatter_planes(y: Any, index: Any, out: Any, cursor: Any) -> int:
    """A piece is some planes."""
    y, index, out, done, zero = bare(y), bare(index), bare(out), 0, y.dtype.type(0)
    many, p, end = together(out.shape[1]), 0, 0
    while True:
        p, end = next_plane(p, end, many, len(y), cursor)
        if p >= end:
            return done
        done += 1
        source, places, target = y[p], index[p], out[p]
        fill_row(target, zero)
        for i in range(source.size):
            target[places[i]] += source[i]


def _helpers(size: int) -> int | None:
    return 0 if size < 200_000 else None


def max_pool(x: Any, windows: Windows, out: Any, index: Any) -> None:
    """`pool.max_pool_plain`, compiled."""
    pieces = -(-len(x) // together(x[0].size))
    if windows.regular[0] < windows.regular[1] and x.dtype.kind == "f":
        launch(pool_lines.compiled, pieces, x, *windows.spans, windows.steps, np.array(windows.regular), out, index,
               helpers=_helpers(x.size))  # fmt: skip
    else:
        launch(pool_planes.compiled, pieces, x, *windows.spans, windows.steps, out, index, helpers=_helpers(x.size))


def scatter(y: Any, index: Any, out: Any) -> None:
    """`pool.scatter_plain`, compiled."""
    pieces = -(-len(y) // together(out.shape[1]))
    launch(scatter_planes.compiled, pieces, y, np.ascontiguousarray(index), out, helpers=_helpers(out.size))
