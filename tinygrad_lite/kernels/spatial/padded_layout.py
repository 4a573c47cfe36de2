"""Images laid out with their zeros around them, as `plan` says.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from ..kernel import kernel
from ..loops.row_sums import fill_row
from ..native.memory import bare, claim
from ..native.simd.blocks import WIDTH, clear, copy_lines, move, take_lines, turn
from ..native.threads import get_num_threads, launch
from .layout_plan import Plan

LINES = 16  # lines of an image that are laid out at a time
SLAB = 4 << 20  # bytes: a few images at a time, which stay in the last cache


def no_plain(*args: Any) -> Any:
    """Parts of a convolution have no twins of their own: `convolution` has those of the whole."""
    raise NotImplementedError("kernels: a part of a compiled convolution runs with numba only")


TOGETHER = 16384  # elements of planes that a thread claims at a time: threads that claim small ones wait for each other


def together(size: int) -> int:
    """How many planes of so many elements are claimed at a time."""
    return max(1, TOGETHER // max(1, size))


def next_plane(p: int, end: int, many: int, count: int, cursor: Any) -> tuple[int, int]:
    """The plane after one, and where those end that this thread has claimed: there, too, if none of `count` is left."""
    if p + 1 < end:
        return p + 1, end
    first = claim(cursor) * many
    return first, min(first + many, count)


def within(shift: int, step: int, size: int, length: int) -> tuple[int, int]:
    """Which positions q below `size` are such that ``q * step + shift`` is one of `length`: the first, and the end."""
    low = min(max(-(shift // step), 0), size)
    return low, min(max(-((shift - length) // step), low), size)


@kernel(no_plain)
def lay_out(x: Any, slab: Any, phases: Any, step: Any, padding: Any, size: Any, cursor: Any) -> int:
    """``slab[n, c, f, q] = x[n, c, q * step + f - padding]``, zero outside; a piece is some channels of images."""
    x, slab, phases, step, padding, size = bare(x), bare(slab), bare(phases), bare(step), bare(padding), bare(size)
    images, channels, depth, height, width = x.shape
    zero, size_of, done, flat, to = x.dtype.type(0), x.itemsize, 0, x.reshape(-1), slab.reshape(-1)
    lanes, plane = WIDTH // size_of, slab.shape[3]
    many, piece, end = together(len(phases) * plane), 0, 0
    while True:
        piece, end = next_plane(piece, end, many, images * channels, cursor)
        if piece >= end:
            return done
        done += 1
        for f in range(len(phases)):
            base = (piece * len(phases) + f) * plane
            shift = phases[f, 0] - padding[0], phases[f, 1] - padding[1], phases[f, 2] - padding[2]
            low, high = within(shift[2], step[2], size[2], width)
            top, bottom = within(shift[1], step[1], size[1], height)
            front, back = within(shift[0], step[0], size[0], depth)
            count, rows = high - low, bottom - top
            wide, at = step[2] == 1 and count > 2 * lanes, base  # what lies before `at` is written
            if not wide and count * rows * (back - front) < plane:
                clear(slab.ctypes.data + base * size_of, plane * size_of)
            for i in range(front, back):
                source = ((piece * depth + i * step[0] + shift[0]) * height + top * step[1] + shift[1]) * width
                source += low * step[2] + shift[2]
                place, by, line = base + (i * size[1] + top) * size[2] + low, step[1] * width, size[2]
                origin, target = x.ctypes.data + source * size_of, slab.ctypes.data + place * size_of
                if wide:
                    for j in range(rows):
                        for q in range(place + j * line - at):
                            to[at + q] = zero
                        move(origin + j * by * size_of, target + j * line * size_of, count * size_of)
                        at = place + j * line + count
                elif step[2] == 1:
                    take_lines(1, slab.dtype, rows, origin, by * size_of, target, line * size_of, count)
                elif step[2] == 2:
                    take_lines(2, slab.dtype, rows, origin, by * size_of, target, line * size_of, count)
                else:
                    for j in range(rows):
                        for q in range(count):
                            to[place + j * line + q] = flat[source + j * by + q * step[2]]
            if wide:
                for q in range(base + plane - at):
                    to[at + q] = zero


@kernel(no_plain)
def lay_across(x: Any, slab: Any, phases: Any, step: Any, padding: Any, size: Any, cursor: Any) -> int:
    """``slab[n, f, q, c] = x[n, c, q * step + f - padding]``, zero outside; a piece is some lines of some channels."""
    x, slab, phases, step, padding, size = bare(x), bare(slab), bare(phases), bare(step), bare(padding), bare(size)
    images, channels, depth, height, width = x.shape
    zero, done, lines, volume = x.dtype.type(0), 0, size[0] * size[1], depth * height * width
    size_of, lanes = x.itemsize, WIDTH // x.itemsize
    by_line, by_channel = -(-lines // LINES), -(-channels // lanes)  # one after the other, as they lie in `x`
    while True:
        piece = claim(cursor)
        if piece >= images * by_channel * by_line:
            return done
        done += 1
        n, first, start = piece // by_line // by_channel, piece // by_line % by_channel * lanes, piece % by_line * LINES
        rows = min(lanes, channels - first)
        for f in range(len(phases)):
            shift = phases[f, 2] - padding[2]
            low, high = within(shift, step[2], size[2], width)
            for q in range(start, min(start + LINES, lines)):
                target = slab[n, f, q * size[2] : (q + 1) * size[2], first : first + rows]
                d = q // size[1] * step[0] + phases[f, 0] - padding[0]
                h = q % size[1] * step[1] + phases[f, 1] - padding[1]
                inside = 0 <= d < depth and 0 <= h < height
                for w in range(low if inside else size[2]):
                    fill_row(target[w], zero)
                if not inside:
                    continue
                for w in range(high, size[2]):
                    fill_row(target[w], zero)
                if step[2] > 2:
                    for w in range(low, high):
                        for c in range(rows):
                            target[w, c] = x[n, first + c, d, h, w * step[2] + shift]
                    continue
                line = x.ctypes.data + ((((n * channels + first) * depth + d) * height + h) * width + shift) * size_of
                pixels = slab.ctypes.data + n * slab.strides[0] + f * slab.strides[1] + first * size_of
                for w in range(low, high, lanes):
                    source, columns = line + w * step[2] * size_of, min(lanes, high - w)
                    pixel = pixels + (q * size[2] + w) * slab.strides[2]
                    if step[2] == 1:
                        turn(1, slab.dtype, source, volume * size_of, rows, columns, pixel, slab.strides[2])
                    else:
                        turn(2, slab.dtype, source, volume * size_of, rows, columns, pixel, slab.strides[2])


@kernel(no_plain)
def turn_weights(w: Any, turned: Any, cursor: Any) -> int:
    """``turned[g, c, a, t] = w[g, a, c, t]``: what meets a channel side by side; a piece is some channels c."""
    groups, rows, channels, taps = w.shape
    some, done = 16, 0  # lines that are written at a time
    each = -(-channels // some)
    while True:
        piece = claim(cursor)
        if piece >= groups * each:
            return done
        done += 1
        g, c = piece // each, piece % each * some
        for a in range(rows):
            source = w.ctypes.data + ((g * rows + a) * channels + c) * taps * w.itemsize
            target = turned.ctypes.data + ((g * channels + c) * rows + a) * taps * w.itemsize
            copy_lines(1, w.dtype, min(some, channels - c), source, taps * w.itemsize, target,
                       rows * taps * w.itemsize, taps)  # fmt: skip


# --- room -----------------------------------------------------------------------------------------------------------

_local = threading.local()


def room(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """Memory that is kept between calls: fresh memory would cost a page fault every 4 KB."""
    size = math.prod(shape)
    kept: dict[Any, Any] = _local.__dict__
    if (name, dtype) in kept and kept[name, dtype].size >= size:
        return kept[name, dtype][:size].reshape(shape)
    found = np.empty(size, dtype)
    if found.nbytes <= 4 * SLAB:
        kept[name, dtype] = found
    return found.reshape(shape)


def slab_of(plan: Plan, x: Any, name: str, pitch: int) -> tuple[int, Any]:
    """How many images find room at a time, and the room: (n, C, F, pitch)."""
    size = x.shape[1] * len(plan.phases) * pitch
    images = max(1, min(len(x), SLAB // (size * x.itemsize)))
    spare = 8 * WIDTH // x.itemsize  # what is read beyond the end
    flat = room(name, (images * size + spare,), x.dtype)
    flat[images * size :] = 0
    return images, flat[:-spare].reshape(images, x.shape[1], len(plan.phases), pitch)


def helpers_for(work: int) -> int:
    """How many threads to wake, which takes as long as some million operations."""
    return 0 if work < 4_000_000 else get_num_threads() - 1


def fill(plan: Plan, x: Any, slab: Any) -> None:
    """Lay out images, and zeros behind them: some vectors are read beyond the end."""
    slab[len(x) : len(x) + 1].reshape(-1)[: WIDTH // x.itemsize] = 0
    pieces, size = -(-len(x) * x.shape[1] // together(slab[0, 0].size)), np.array(plan.size)
    launch(lay_out.compiled, pieces, x, slab[: len(x)], plan.phases, plan.step, plan.padding, size,
           helpers=helpers_for(80 * slab.size))  # fmt: skip
