"""`blocked_product`: products of matrices, and of stacks of them, in blocks that registers hold; threads share them.

Of the right matrix a panel is copied, some rows and as many columns as the registers have room for. It stays in the
first cache while strips of the left matrix pass (Goto and van de Geijn, Anatomy of High-Performance Matrix
Multiplication, 2008). The terms of a sum are added in order, whoever adds them: so a result has the same bits on any
number of threads, and a row of it whatever the other rows are.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..kernel import kernel
from ..native.memory import bare, claim
from ..native.simd.blocks import PANEL, ROWS, WIDTH
from ..native.simd.panels import PITCH, spread_lines, strips_by_panel, turn_lines
from ..native.simd.vectors import MANY
from ..native.threads import get_num_threads, launch

NEAR = 256  # rows of a panel, which stays near
MOST = 768 // PITCH  # panels that the same rows pass
TALL = 512  # rows of a piece at most: what is added to stays near, too
FEWEST = 32  # and at least, as far as there are so many
STRIPS = 8  # that pass a panel one after the other
SHORT = 1024  # bytes of lines that lie so close that they are read where they are
LANES, LINE = 8, 64  # entries of a copied strip's lines; bytes of a line of a cache
PANELS, STRIP = MOST * NEAR * PITCH, NEAR * LANES * 8  # bytes
COPIED, TURN = 4, 0.5  # to copy a panel, and to turn a row, in rows multiplied by a panel
LATE = 0.25  # of a piece: how long a thread takes to wake up
SHARES = 4  # claims for each thread, of many small products
_Shape = tuple[int, ...]


def by_numpy(*_: Any) -> None:
    raise NotImplementedError("blocked_product: NumPy's own products run where nothing is compiled")


def begin(panel: int, least: int, more: int, lanes: int) -> int:
    """The first column of a panel: each has `least` vectors, and the first `more` of them one in addition."""
    return (panel * least + min(panel, more)) * lanes


def copy_panel(y: int, y_row: int, y_column: int, depth: int, columns: int, panel: int, dtype: Any, size: int) -> None:
    """Copy some rows and columns of a matrix, one of whose steps is that between neighbours."""
    if y_column == size:
        spread_lines(PANEL, WIDTH // size, dtype, WIDTH // size, depth, y, y_row, panel, PITCH, WIDTH, columns)
    else:
        for i in range(0, columns, WIDTH // size):
            turn_lines(
                dtype, y + i * y_column, y_column, min(WIDTH // size, columns - i), depth, panel + i * size, PITCH
            )


def multiply_strips(
    vectors: int, dtype: Any, rows: int, a: int, a_row: int, a_column: int, a_strip: int, panel: int, step: int,
    depth: int, out: int, pitch: int, columns: int, fresh: int, bias: int,
) -> None:  # fmt: skip
    """`strips_by_panel`, for a panel that is full or has a vector less."""
    if vectors == PANEL:
        strips_by_panel(ROWS, PANEL, dtype, rows, a, a_row, a_column, a_strip, panel, step, depth, out, pitch, columns,
                        fresh, bias)  # fmt: skip
    else:
        strips_by_panel(ROWS, PANEL - 1, dtype, rows, a, a_row, a_column, a_strip, panel, step, depth, out, pitch,
                        columns, fresh, bias)  # fmt: skip


def multiply_piece(
    x: int, y: int, bias: Any, out: int, words: Any, first: int, stop: int, panel: int, end: int, packed: int,
    strips: int, dtype: Any, size: int,
) -> None:  # fmt: skip
    """Rows from `first` to `stop` and some panels of a product; `packed` and `strips` are room."""
    k, m, x_row, x_column, y_row, y_column, wide, near = words[:8]
    lanes, pitch = WIDTH // size, m * size
    vectors = -(-m // lanes)
    least, more = vectors // wide, vectors % wide
    turns = x_row == size and x_column > SHORT
    # read in place, by whole vectors: as many as multiply_strips takes, and none behind the end
    there = y_column == size and y_row <= SHORT and m % lanes == 0 and least >= PANEL - 1
    for at in range(0, k, near):
        depth, fresh = min(near, k - at), at == 0
        for p in range(panel, panel if there else end):
            start = begin(p, least, more, lanes)
            copy_panel(y + at * y_row + start * y_column, y_row, y_column, depth,
                       min(begin(p + 1, least, more, lanes), m) - start, packed + (p - panel) * NEAR * PITCH, dtype,
                       size)  # fmt: skip
        for r in range(first, stop, STRIPS * ROWS):
            rows = min(STRIPS * ROWS, stop - r)
            a, a_row, a_column, a_strip = x + r * x_row + at * x_column, x_row, x_column, ROWS * x_row
            if turns:
                spread_lines(STRIPS, LANES, dtype, ROWS, depth, a, x_column, strips, LANES * size, STRIP, rows)
                a, a_row, a_column, a_strip = strips, size, LANES * size, STRIP
            for p in range(panel, end):
                start = begin(p, least, more, lanes)
                b, step = packed + (p - panel) * NEAR * PITCH, PITCH
                if there:
                    b, step = y + at * y_row + start * size, y_row
                added = bias.ctypes.data + start * size if bias.size and at + depth == k else 0
                multiply_strips(least + (p < more), dtype, rows, a, a_row, a_column, a_strip, b, step, depth,
                                out + r * pitch + start * size, pitch,
                                min(begin(p + 1, least, more, lanes), m) - start, fresh, added)  # fmt: skip


@kernel(by_numpy)
def multiply_blocks(x: Any, y: Any, bias: Any, out: Any, sizes: Any, steps: Any, words: Any, cursor: Any) -> None:
    """Products of matrices in stacks, plus a row; a piece is some rows and panels of one of them.

    `x`, `y`, `out`: the first element of each. `bias`, shape (m,) or (0,). `sizes` of the dimensions in front, and of
    pieces down and across; `steps` along those in front, in bytes, shape (3, dimensions). `words`: see `_plan`.
    """
    x, y, bias, out = bare(x), bare(y), bare(bias), bare(out)
    sizes, steps, words = bare(sizes), bare(steps), bare(words)
    room = np.empty(PANELS + STRIPS * STRIP + LINE, np.uint8)
    packed = -(-room.ctypes.data // LINE) * LINE
    strips = packed + PANELS
    wide, n, rows, panels, total, many = words[6], words[8], words[9], words[10], words[11], words[12]
    front = sizes.size - 2
    while True:
        piece = claim(cursor) * many
        if piece >= total:
            return
        for number in range(piece, min(piece + many, total)):
            across, rest = number % sizes[front + 1], number // sizes[front + 1]
            down, rest = rest % sizes[front], rest // sizes[front]
            left, right, to = x.ctypes.data, y.ctypes.data, out.ctypes.data
            for d in range(front - 1, -1, -1):
                i, rest = rest % sizes[d], rest // sizes[d]
                left, right, to = left + i * steps[0, d], right + i * steps[1, d], to + i * steps[2, d]
            multiply_piece(left, right, bias, to, words, down * rows, min((down + 1) * rows, n), across * panels,
                           min((across + 1) * panels, wide), packed, strips, out.dtype, out.itemsize)  # fmt: skip


class Plan(NamedTuple):
    """What `multiply_blocks` is told of products of some layout."""

    shape: _Shape
    pieces: int
    none: Any
    sizes: Any
    steps: Any
    words: Any


def _cut(count: int, n: int, wide: int, turned: bool, threads: int) -> tuple[int, int]:
    """How many rows and panels a piece has of each of `count` products, so that all threads are done soon."""
    found, fewest = [], -(-n // TALL)
    for panels in range(1, min(MOST, wide) + 1):
        for down in range(fewest, max(fewest, min(n // FEWEST, fewest + 4 * threads)) + 1):
            rows = -(-n // down // ROWS) * ROWS
            pieces = count * -(-n // rows) * -(-wide // panels)
            work = panels * (rows + COPIED) + TURN * turned * rows
            late = LATE if threads > 1 else 0
            found.append(((-(-pieces // threads) + late) * work, rows, panels))
    return min(found)[1:]


@lru_cache(1024)
def _plan(x: _Shape, x_steps: _Shape, y: _Shape, y_steps: _Shape, dtype: Any, threads: int) -> Plan:
    front, n, k, m, size = np.broadcast_shapes(x[:-2], y[:-2]), *x[-2:], y[-1], dtype.itemsize
    shape, count, wide = (*front, n, m), math.prod(front), -(-m * size // PITCH)
    rows, panels = _cut(count, n, wide, x_steps[-2] == size, threads)
    down, across = -(-n // rows), -(-wide // panels)
    total = count * down * across
    many = max(1, count // (SHARES * threads)) if down * across == 1 else 1
    steps = []
    for sizes, strides in ((x, x_steps), (y, y_steps), (shape, np.cumprod([size, *shape[:0:-1]])[::-1])):
        apart = [int(s) if c > 1 else 0 for c, s in zip(sizes[:-2], strides)]
        steps.append([0] * (len(front) - len(apart)) + apart)
    near = -(-k // -(-k // NEAR))
    words = (k, m, *x_steps[-2:], *y_steps[-2:], wide, near, n, rows, panels, total, many)
    told = ((*front, down, across), np.array(steps).reshape(3, -1), words)
    return Plan(shape, -(-total // many), np.zeros(0, dtype), *(np.array(v, np.intp) for v in told))


def _first(x: Any) -> Any:
    """The first element, in an array of one dimension."""
    return x[0, :1] if x.ndim == 2 else x[(slice(1),) * x.ndim].reshape(-1)


def product_of_two(x: Any, y: Any, bias: Any = None) -> Any:
    """``x @ y + bias`` of two matrices, in C order."""
    if MANY or get_num_threads() > 1:
        return blocked_product(x, y, bias)
    out = np.dot(x, y)  # with 16 registers, on one thread, BLAS takes a tenth less
    return out if bias is None else np.add(out, bias, out=out)


def stacked_product(x: Any, y: Any, out: Any = None) -> Any:
    """``x @ y``, in C order; so is `out`."""
    return blocked_product(x, y, None, out)


def blocked_product(x: Any, y: Any, bias: Any = None, out: Any = None) -> Any:
    """``x @ y + bias`` in C order; so are `out` and the bias."""
    if x.itemsize not in y.strides[-2:]:
        y = np.ascontiguousarray(y)
    plan = _plan(x.shape, x.strides, y.shape, y.strides, x.dtype, get_num_threads())
    if out is None:
        out = np.empty(plan.shape, x.dtype)
    launch(multiply_blocks.compiled, plan.pieces, _first(x), _first(y), plan.none if bias is None else bias,
           _first(out), *plan[3:])  # fmt: skip
    return out
