"""Images laid out with their zeros around them, as `plan` says.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from .backend import kernel
from .memory import claim
from .plan import Plan
from .threads import get_num_threads, launch
from .tile import WIDTH, copy_lines, turn

SLAB = 4 << 20  # bytes: a few images at a time, which stay in the last cache


def no_plain(*args: Any) -> Any:
    """Parts of a convolution have no twins of their own: `convolution` has those of the whole."""
    raise NotImplementedError("kernels: a part of a compiled convolution runs with numba only")


@kernel(no_plain)
def lay_out(x: Any, slab: Any, phases: Any, step: Any, padding: Any, size: Any, cursor: Any) -> int:
    """``slab[n, c, f, q] = x[n, c, q * step + f - padding]``, zero outside; a piece is an image's channel."""
    images, channels, depth, height, width = x.shape
    zero, size_of, done = x.dtype.type(0), x.itemsize, 0
    while True:
        piece = claim(cursor)
        if piece >= images * channels:
            return done
        done += 1
        n, c = piece // channels, piece % channels
        for f in range(len(phases)):
            shift = phases[f, 2] - padding[2]
            low = min(max(-(shift // step[2]), 0), size[2])
            high = min(max(-((shift - width) // step[2]), low), size[2])
            at = 0
            for i in range(size[0]):
                d = i * step[0] + phases[f, 0] - padding[0]
                for j in range(size[1]):
                    h, stop = j * step[1] + phases[f, 1] - padding[1], at + size[2]
                    if d < 0 or d >= depth or h < 0 or h >= height:
                        for q in range(at, stop):
                            slab[n, c, f, q] = zero
                    else:
                        for q in range(at, at + low):
                            slab[n, c, f, q] = zero
                        if step[2] == 1:
                            source = (((n * channels + c) * depth + d) * height + h) * width + low + shift
                            place = ((n * channels + c) * len(phases) + f) * slab.shape[3] + at + low
                            copy_lines(1, slab.dtype, 1, x.ctypes.data + source * size_of, 0,
                                       slab.ctypes.data + place * size_of, 0, high - low)  # fmt: skip
                        else:
                            for q in range(high - low):
                                slab[n, c, f, at + low + q] = x[n, c, d, h, (low + q) * step[2] + shift]
                        for q in range(at + high, stop):
                            slab[n, c, f, q] = zero
                    at = stop
            for q in range(at, slab.shape[3]):
                slab[n, c, f, q] = zero


@kernel(no_plain)
def lay_across(x: Any, slab: Any, phases: Any, step: Any, padding: Any, size: Any, cursor: Any) -> int:
    """``slab[n, f, q, c] = x[n, c, q * step + f - padding]``, zero outside; a piece is a line of an image."""
    images, channels, depth, height, width = x.shape
    zero, done, lines, volume = x.dtype.type(0), 0, size[0] * size[1], depth * height * width
    size_of, lanes = x.itemsize, WIDTH // x.itemsize
    while True:
        piece = claim(cursor)
        if piece >= images * lines:
            return done
        done += 1
        n, q = piece // lines, piece % lines
        for f in range(len(phases)):
            target = slab[n, f, q * size[2] : (q + 1) * size[2]]
            d = q // size[1] * step[0] + phases[f, 0] - padding[0]
            h = q % size[1] * step[1] + phases[f, 1] - padding[1]
            if d < 0 or d >= depth or h < 0 or h >= height:
                target[:] = zero
                continue
            shift = phases[f, 2] - padding[2]
            low = min(max(-(shift // step[2]), 0), size[2])
            high = min(max(-((shift - width) // step[2]), low), size[2])
            target[:low] = zero
            target[high:] = zero
            line = x.ctypes.data + (((n * channels * depth + d) * height + h) * width + shift) * size_of
            pixels = slab.ctypes.data + ((n * len(phases) + f) * slab.shape[2] + q * size[2]) * channels * size_of
            for first in range(0, channels, lanes):  # some lines at a time, which stay in the first cache
                rows = min(lanes, channels - first)
                if step[2] <= 2:
                    for w in range(low, high, lanes):
                        source = line + (first * volume + w * step[2]) * size_of
                        pixel, columns = pixels + (w * channels + first) * size_of, min(lanes, high - w)
                        if step[2] == 1:
                            turn(1, slab.dtype, source, volume * size_of, rows, columns, pixel, channels * size_of)
                        else:
                            turn(2, slab.dtype, source, volume * size_of, rows, columns, pixel, channels * size_of)
                else:
                    for w in range(low, high):
                        for c in range(first, first + rows):
                            target[w, c] = x[n, c, d, h, w * step[2] + shift]


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
    pieces, size = len(x) * x.shape[1], np.array(plan.size)
    launch(lay_out.compiled, pieces, x, slab[: len(x)], plan.phases, plan.step, plan.padding, size,
           helpers=helpers_for(16 * slab.size))  # fmt: skip
