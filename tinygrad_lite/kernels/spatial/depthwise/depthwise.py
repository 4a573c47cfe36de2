"""Convolutions of groups of few channels, compiled: what `convolve`, `spread` and `correlate` do with these.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ...native.simd.blocks import WIDTH
from ...native.threads import get_num_threads, launch
from ..conv_numpy import Geometry
from ..padded_layout import helpers_for, room
from .pixel_loops import meet_planes, weigh_planes
from .pixel_plan import NEAR, Pixels, pixels

PIECES = 8  # for each thread: one that wakes up late leaves the rest to the others
FEWEST = 8  # groups, of all images: half of a vector


def serves(geometry: Geometry, images: int, inner: int, rows: int, summed: bool = False) -> bool:
    """Whether a convolution is for these loops, or the sums over images that are its weights' gradient.

    Groups must be many enough to fill vectors; with more channels they are worth matrix products, unless windows are
    apart or sums are wanted.
    """
    strided = max(geometry.stride) > 1 or summed
    return (
        images * geometry.groups >= FEWEST
        and inner * rows <= (64 if strided else 16)
        and math.prod(geometry.kernel) > 1
    )


@lru_cache(256)
def _plan(geometry: Geometry, forward: bool, inner: int) -> tuple[Pixels, tuple[Any, ...]]:
    """The plan, and of it what the loops are told: places and offsets in bytes."""
    plan = pixels(geometry, forward, inner, NEAR // (WIDTH * inner))
    return plan, (plan.offsets * WIDTH, plan.taps, plan.bands, plan.runs, plan.places * WIDTH, plan.windows * WIDTH)


def _grouped(x: Any, images: int, lanes: int, groups: int) -> Any:
    """Images, channels, pixels; where there are few groups, those of all images are taken as if of one."""
    return np.ascontiguousarray(x).reshape(*((images, -1) if groups >= lanes else (1, images * x.shape[1])),
                                           math.prod(x.shape[2:]))  # fmt: skip


def _grain(units: int, blocks: int, threads: int) -> int:
    """How many of `units` a piece is, if there are `blocks` of these."""
    return -(-units // min(units, -(-PIECES * threads // blocks))) if threads > 1 else units


def weigh(x: Any, w: Any, bias: Any, geometry: Geometry, forward: bool, out: Any) -> None:
    """Results of a convolution, or of its transpose.

    Parameters
    ----------
    x : array, shape (N, C, ...)
    w : array, shape (A, weights of a channel of results)
    bias : array, shape (A,)
    geometry : Geometry
    forward : bool
    out : array, shape (N, A, ...)
        Written.
    """
    threads, lanes, images = get_num_threads(), WIDTH // x.itemsize, len(x)
    inner, rows = x.shape[1] // geometry.groups, len(w) // geometry.groups
    plan, tables = _plan(geometry, forward, inner)
    x, y = (_grouped(a, images, lanes, geometry.groups) for a in (x, out))
    units, blocks = len(x) * len(plan.bands), -(-y.shape[1] // (rows * lanes))
    some = _grain(units, blocks, threads)
    vectors = inner * plan.room + rows * plan.results + rows * (len(plan.taps) + 1) + 1
    launch(
        weigh_planes.compiled, blocks * -(-units // some), x, w, bias, y, *tables,
        np.array([some, inner, rows, plan.room, plan.results], np.intp),
        room("pixels", (threads, vectors * lanes), x.dtype), np.empty((threads, 3, lanes), np.intp),
        np.zeros(1, np.intp), helpers=min(helpers_for(2 * y.size * max(1, len(plan.taps))), threads - 1),
    )  # fmt: skip


def meet(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """The gradient of the weights.

    Parameters
    ----------
    y : array, shape (N, A, ...)
    x : array, shape (N, C, ...)
    geometry : Geometry
    w : array, shape (A, C / groups, ...)
        Written.
    """
    threads, lanes, images, groups = get_num_threads(), WIDTH // x.itemsize, len(x), geometry.groups
    inner, rows = w.shape[1], len(w) // groups
    plan, tables = _plan(geometry, True, 1)
    x, y = (_grouped(a, images, lanes, groups) for a in (x, y))
    units, blocks = len(x) * len(plan.bands), -(-y.shape[1] // (rows * lanes))
    some = _grain(units, blocks, threads)
    parts, taps = -(-units // some), math.prod(geometry.kernel)
    vectors = inner * plan.room + rows * plan.results + rows * inner * len(plan.taps) + 1
    found = np.zeros((parts, y.shape[1], inner, taps), w.dtype)
    launch(
        meet_planes.compiled, blocks * parts, x, y, found, *tables,
        np.array([some, inner, rows, plan.room, plan.results], np.intp),
        room("pixels", (threads, vectors * lanes), x.dtype), np.empty((threads, 3, lanes), np.intp),
        np.zeros(1, np.intp), helpers=min(helpers_for(2 * y.size * inner * max(1, len(plan.taps))), threads - 1),
    )  # fmt: skip
    found = found.reshape(-1, len(w), inner, taps)
    w.reshape(found.shape[1:])[...] = found[0] if len(found) == 1 else found.sum(0)
