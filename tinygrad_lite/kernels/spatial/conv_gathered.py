"""Matrix products of which one factor is gathered first: its columns side by side, wherever they come from.

The columns are copied to panels as wide as a block of sums; all rows of the other factor then read a panel, one line
after the other. Where there are many rows that costs little, leaves out what is not wanted, and is read at the speed of
the second cache.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..kernel import kernel
from ..native.memory import bare, claim
from ..native.simd.blocks import PANEL, ROWS, WIDTH, copy_lines, gather, rows_by_columns
from ..native.threads import get_num_threads, launch
from .padded_layout import helpers_for, no_plain, room

PITCH = (PANEL + 1) * WIDTH  # bytes from line to line of a panel, with room for what is copied beyond its end
DEPTH = 640  # lines of a panel that are met at a time
SEVERAL = 4
NEAR = 400 << 10  # bytes of panels, and of sums, that stay in the second cache


class Columns(NamedTuple):
    """Where the columns of a factor come from, and where their results go.

    For panel p, ``firsts[p]`` holds where its parts begin in `pieces` (from where, to where in a line; in bytes), and
    in `runs` (first column, how many, where to in bytes, how far apart in elements).
    """

    size: int
    firsts: Any
    pieces: Any
    runs: Any


def _cut(starts: Any, count: int, width: int) -> tuple[Any, Any, Any]:
    """Cut runs of columns at the panels' ends: first columns, how many, and of which run."""
    firsts = np.union1d(starts, np.arange(0, count, width))
    return firsts, np.diff(firsts, append=count), np.searchsorted(starts, firsts, "right") - 1


def columns(count: int, starts: Any, sources: Any, targets: Any, apart: int, itemsize: int) -> Columns:
    """Plan panels.

    Parameters
    ----------
    count : int
        Of columns.
    starts, sources, targets : arrays of int
        Runs of columns that lie side by side: the first column of each; where it is, in bytes; where its results go.
    apart : int
        How far apart the results of a run are, in elements.
    itemsize : int
    """
    lanes = WIDTH // itemsize
    width = PANEL * lanes
    firsts, lengths, run = _cut(starts, count, width)
    vectors = -(-lengths // lanes)
    which = np.repeat(np.arange(len(firsts)), vectors)
    at = (np.arange(len(which)) - (np.cumsum(vectors) - vectors)[which]) * lanes
    within = firsts - starts[run]
    froms = (sources[run] + within * itemsize)[which] + at * itemsize
    pieces = np.stack([froms, (firsts[which] % width + at) * itemsize], 1)
    runs = np.stack([firsts % width, lengths, targets[run] + within * (apart * itemsize), 0 * run + apart], 1)
    borders = np.arange(0, count + width, width).clip(max=count)
    begin = np.stack([np.searchsorted(firsts[which], borders), np.searchsorted(firsts, borders)], 1)
    return Columns(count, begin, pieces, runs)


def deposit(
    block: Any, rows: int, out: Any, base: int, out_step: int, runs: Any, first: int, stop: int, adding: int
) -> None:
    """Write a block of results to their places in a flat array, or add them to what is there."""
    size_of = block.itemsize
    for i in range(first, stop):
        column, count, place, apart = runs[i, 0], runs[i, 1], base + runs[i, 2], runs[i, 3]
        source, target = block.ctypes.data + column * size_of, out.ctypes.data + place
        if apart == 1 and not adding:
            copy_lines(1, block.dtype, rows, source, block.strides[0], target, out_step, count)
        elif apart == 2 and not adding:
            copy_lines(2, block.dtype, rows, source, block.strides[0], target, out_step, count)
        else:
            for r in range(rows):
                to = (place + r * out_step) // size_of
                if adding:
                    for j in range(count):
                        out[to + j * apart] += block[r, column + j]
                else:
                    for j in range(count):
                        out[to + j * apart] = block[r, column + j]


def gather_lines(
    source: int, places: int, count: int, pieces: int, many: int, target: int, pitch: int, dtype: Any
) -> None:
    """Fill a panel, a few pieces of all its lines at a time: they stay in registers where these come from."""
    while many >= 4:
        gather(4, dtype, source, places, count, pieces, target, pitch)
        pieces += 64
        many -= 4
    if many == 3:
        gather(3, dtype, source, places, count, pieces, target, pitch)
    elif many == 2:
        gather(2, dtype, source, places, count, pieces, target, pitch)
    elif many == 1:
        gather(1, dtype, source, places, count, pieces, target, pitch)


def rows_by_panel(
    rows: int, vectors: int, a: int, a_places: int, a_step: int, b: int, b_places: int, count: int, out: int,
    pitch: int, bias: int, dtype: Any,
) -> None:  # fmt: skip
    """Multiply a block of rows with a panel, or with some vectors of one."""
    if vectors == PANEL:
        if rows == ROWS:
            rows_by_columns(ROWS, PANEL, dtype, a, a_places, a_step, b, b_places, count, out, pitch, bias)
        elif rows == 4:
            rows_by_columns(4, PANEL, dtype, a, a_places, a_step, b, b_places, count, out, pitch, bias)
        elif rows == 2:
            rows_by_columns(2, PANEL, dtype, a, a_places, a_step, b, b_places, count, out, pitch, bias)
        else:
            rows_by_columns(1, PANEL, dtype, a, a_places, a_step, b, b_places, count, out, pitch, bias)
        return
    for v in range(vectors):
        x, to = b + v * WIDTH, out + v * WIDTH
        if rows == ROWS:
            rows_by_columns(ROWS, 1, dtype, a, a_places, a_step, x, b_places, count, to, pitch, bias)
        elif rows == 4:
            rows_by_columns(4, 1, dtype, a, a_places, a_step, x, b_places, count, to, pitch, bias)
        elif rows == 2:
            rows_by_columns(2, 1, dtype, a, a_places, a_step, x, b_places, count, to, pitch, bias)
        else:
            rows_by_columns(1, 1, dtype, a, a_places, a_step, x, b_places, count, to, pitch, bias)


@kernel(no_plain)
def multiply_gathered(
    a: Any, a_places: Any, b: Any, b_places: Any, firsts: Any, pieces: Any, runs: Any, blocks: Any, parts: Any,
    lines: Any, bias: Any, out: Any, grain: Any, scratch: Any, sums: Any, slots: Any, cursor: Any,
) -> int:  # fmt: skip
    """``out[r, where column j goes] = bias[r] + sum over k of a[r, k] b[k, j]``; a piece is some panels and rows.

    `blocks` of rows: group, first row, how many. `parts`, some of them with one group: first, and behind the last.
    `lines`: places of a panel's lines. `grain`: columns; panels in a piece; lines at a time; whether to add; and steps
    in bytes: in `a` from row to row, in `b` from group to group, in `out` from row to row.
    """
    a, a_places, b, b_places, bias, out = bare(a), bare(a_places), bare(b), bare(b_places), bare(bias), bare(out)
    firsts, pieces, runs, blocks, parts = bare(firsts), bare(pieces), bare(runs), bare(blocks), bare(parts)
    lines, scratch, sums = bare(lines), bare(scratch), bare(sums)
    count, several, depth, adding, a_step, b_step, out_step = grain
    slot, dtype, size_of, done = claim(slots), a.dtype, a.itemsize, 0
    lanes, pitch = WIDTH // size_of, PITCH
    flat = out.reshape(-1)
    panels, by_part = -(-scratch[slot].ctypes.data // WIDTH) * WIDTH, len(parts)
    while True:
        piece = claim(cursor)
        first = piece // by_part * several
        if first >= len(firsts) - 1:
            return done
        done += 1
        stop, part = min(first + several, len(firsts) - 1), piece % by_part
        source = b.ctypes.data + blocks[parts[part, 0], 0] * b_step
        start = 0
        while start == 0 or start < len(a_places):
            k = min(depth, len(a_places) - start)
            for p in range(first, stop):
                gather_lines(
                    source, b_places.ctypes.data + 8 * start, k, pieces.ctypes.data + 16 * firsts[p, 0],
                    firsts[p + 1, 0] - firsts[p, 0], panels + (p - first) * depth * pitch, pitch, dtype,
                )  # fmt: skip
            for i in range(parts[part, 0], parts[part, 1]):
                row, rows = blocks[i, 1], blocks[i, 2]
                for p in range(first, stop):
                    block = sums[slot, (i - parts[part, 0]) * several + p - first]
                    rows_by_panel(
                        rows, min(PANEL, -(-(count - p * PANEL * lanes) // lanes)),
                        a.ctypes.data + row * a_step, a_places.ctypes.data + 8 * start, a_step,
                        panels + (p - first) * depth * pitch, lines.ctypes.data, k, block.ctypes.data, pitch,
                        bias.ctypes.data + row * size_of if start == 0 else 0, dtype,
                    )  # fmt: skip
                    if start + depth >= len(a_places):
                        deposit(block, rows, flat, row * out_step, out_step, runs, firsts[p, 1], firsts[p + 1, 1],
                                adding)  # fmt: skip
            start += depth


@lru_cache(256)
def shares(panels: int, depth: int, blocks: int, groups: int, threads: int, itemsize: int) -> tuple[int, int, Any]:
    """How many panels and lines to meet at a time, and which blocks."""
    lines = max(1, -(-depth // max(1, -(-depth // DEPTH))))
    several = max(1, min(SEVERAL, NEAR // (lines * PITCH), panels // (4 * threads)))
    pieces, each = -(-panels // several) * groups, blocks // groups
    many = max(1, min(NEAR // (several * ROWS * PITCH), -(-each // -(-4 * threads // pieces))))
    parts = [(g * each + at, g * each + min(at + many, each)) for g in range(groups) for at in range(0, each, many)]
    return several, lines, np.array(parts, np.intp)


def product(
    a: Any, a_places: Any, b: Any, b_places: Any, plan: Columns, blocks: Any, bias: Any, out: Any,
    steps: tuple[int, ...], adding: bool,
) -> None:  # fmt: skip
    """Multiply, as `multiply_gathered` says, with as many threads as are worth it."""
    threads, panels, groups = get_num_threads(), len(plan.firsts) - 1, int(blocks[-1, 0]) + 1
    several, depth, parts = shares(panels, len(a_places), len(blocks), groups, threads, a.itemsize)
    width = PITCH // a.itemsize
    grain = np.array([plan.size, several, depth, adding, *steps], np.intp)
    scratch = room("panels", (threads, several * depth * width + width), a.dtype)
    sums = room("sums", (threads, several * int(np.diff(parts).max()), ROWS, width), a.dtype)
    lines = np.arange(depth) * PITCH
    work = 2 * len(a_places) * plan.size * int(blocks[-1, 1] + blocks[-1, 2])
    launch(multiply_gathered.compiled, -(-panels // several) * len(parts), a, a_places, b, b_places, plan.firsts,
           plan.pieces, plan.runs, blocks, parts, lines, bias, out, grain, scratch, sums, np.zeros(1, np.intp),
           helpers=min(helpers_for(work), threads - 1))  # fmt: skip
