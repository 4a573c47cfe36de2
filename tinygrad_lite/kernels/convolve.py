"""Convolutions, compiled. See `plan` for the idea and `convolution` for the plain twins.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from . import slabs
from .contract import collect, correlate_across, correlate_slabs, multiply
from .convolution import Geometry
from .plan import blocks as plan_blocks
from .plan import to_large, to_small, unchanged
from .slabs import fill, helpers_for, lay_across, room, slab_of
from .threads import get_num_threads, launch
from .tile import WIDTH

NEAR = 300 << 10  # bytes of a slab that a block of weights meets at a time, which stay in the second cache
LINE = 24 << 10  # bytes of 8 lines whose products with others are summed at a time, in the first cache


def _solid(x: Any) -> Any:
    """In C order, with three spatial dimensions."""
    return np.ascontiguousarray(x).reshape(*x.shape[:2], *(1,) * (5 - x.ndim), *x.shape[2:])


def _grain(positions: int, images: int, depth: int, blocks: int, threads: int, lanes: int) -> tuple[int, Any]:
    """How many pieces there are, and how much one holds: as much of the slab as stays near, and not all of the work."""
    near, step = max(NEAR // depth, 1), 12 * lanes
    span = positions if positions <= max(near, step) else max(near // step, 1) * step
    many = max(1, near // positions) if span == positions else 1
    many = max(1, min(many, images // (2 * threads)))
    pieces = -(-images // many) * -(-positions // span)
    several = -(-blocks // min(blocks, -(-2 * threads // pieces)))
    return pieces * -(-blocks // several), np.array([positions, many, span, several], np.intp)


@lru_cache(256)
def _passes(
    geometry: Geometry, forward: bool, inner: int, rows: int, images: int, itemsize: int, threads: int
) -> list[tuple[int, tuple[Any, ...]]]:
    """What `multiply` is told for each kind of results: how many pieces, and where to read and write."""
    plan, taps = (to_small if forward else to_large)(geometry), math.prod(geometry.kernel)
    row, step = (inner * taps, taps) if forward else (taps, rows * taps)
    steps, blocks = np.array([inner * rows * taps, row], np.intp), plan_blocks(rows, geometry.groups)
    size, full = np.array(plan.size), np.array((1, 1, *(geometry.small if forward else geometry.large))[-3:])
    line, channel, found = len(plan.phases) * plan.plane, np.arange(inner)[:, None], []
    for target in plan.targets:
        offsets = (channel * line + target.places).reshape(-1) * itemsize  # in a group of the slab
        weights = (channel * step + target.taps).reshape(-1) * itemsize
        pieces, grain = _grain(
            target.positions(plan.size), images, inner * len(plan.phases) * itemsize, len(blocks), threads,
            WIDTH // itemsize,
        )  # fmt: skip
        where = np.array(target.first), np.array(target.step), np.array(target.counts)
        found.append((pieces, (offsets, weights, steps, blocks, size, *where, full, grain)))
    return found


def _product(x: Any, w: Any, bias: Any, geometry: Geometry, forward: bool, out: Any) -> None:
    """Lay out `x` and multiply it with `w`."""
    threads, lanes, groups = get_num_threads(), WIDTH // x.itemsize, geometry.groups
    plan, inner, rows = (to_small if forward else to_large)(geometry), x.shape[1] // groups, out.shape[1] // groups
    x, w = _solid(x), np.ascontiguousarray(w).reshape(-1)
    bias = np.zeros(out.shape[1], out.dtype) if bias is None else np.ascontiguousarray(bias)
    y, scratch = out.reshape(*out.shape[:2], -1), room("block", (threads, 8, 8 * lanes), x.dtype)
    images, slab = slab_of(plan, x, "x", plan.plane)
    for begin in range(0, len(x), images):
        some = x[begin : begin + images]
        n = len(some)
        fill(plan, some, slab)
        lines = slab[:n].reshape(n, groups, -1)
        helpers = min(helpers_for(2 * n * w.size * plan.plane), threads - 1)  # each of whom has a place in `scratch`
        for pieces, rest in _passes(geometry, forward, inner, rows, n, x.itemsize, threads):
            launch(multiply.compiled, pieces, lines, w, bias, y[begin : begin + images], *rest, scratch,
                   np.zeros(1, np.intp), helpers=helpers)  # fmt: skip


def convolve(x: Any, w: Any, bias: Any, geometry: Geometry, y: Any) -> None:
    """`convolution.convolve_plain`, compiled, plus a bias."""
    _product(x, w, bias, geometry, True, y)


def spread(y: Any, w: Any, bias: Any, geometry: Geometry, x: Any) -> None:
    """`convolution.spread_plain`, compiled, plus a bias."""
    _product(y, w, bias, geometry, False, x)


def correlate(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """`convolution.correlate_plain`, compiled."""
    run = _correlate_across if w.shape[1] >= WIDTH // x.itemsize else _correlate_along
    run(_solid(y), _solid(x), geometry, w)


def _correlate_across(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """With many channels: the pixels of `x` as vectors of channels, and no results but those that are wanted."""
    threads, lanes, groups = get_num_threads(), WIDTH // x.itemsize, geometry.groups
    plan = to_small(geometry)
    (target,) = plan.targets
    channels, inner, positions = x.shape[1], w.shape[1], math.prod(y.shape[2:])
    lines, pixels = y.reshape(*y.shape[:2], positions), len(plan.phases) * plan.plane
    images = max(1, min(len(x), slabs.SLAB // (pixels * channels * x.itemsize)))
    flat = room("x", (images * pixels * channels + 8 * lanes,), x.dtype)
    flat[-8 * lanes :] = 0
    slab, size = flat[: -8 * lanes].reshape(images, pixels, channels), np.array(plan.size)
    several = max(1, min(images, 512 // positions))
    grid = np.ravel_multi_index(np.indices(y.shape[2:]).reshape(3, -1), plan.size)
    image = np.arange(several)[:, None]
    y_places = (image * (y.shape[1] * positions) + np.arange(positions)).reshape(-1) * x.itemsize
    x_places = (image * pixels + grid).reshape(-1) * (channels * x.itemsize)
    blocks = plan_blocks(y.shape[1] // groups, groups)
    many = -(-len(blocks) // (2 * threads))
    grain = np.array([several, max(128, min(512, NEAR // (channels * x.itemsize))), many], np.intp)
    sums = room("sums", (len(target.taps), y.shape[1], -(-inner // lanes) * lanes), x.dtype)
    sums[...] = 0
    work = 2 * w.size * positions
    for first in range(0, len(x), images):
        n = min(images, len(x) - first)
        rows = n * plan.size[0] * plan.size[1]
        phased = slab[:n].reshape(n, len(plan.phases), plan.plane, channels)
        launch(lay_across.compiled, rows, x[first : first + n], phased, plan.phases, plan.step, plan.padding, size,
               helpers=helpers_for(16 * slab.size))  # fmt: skip
        launch(correlate_across.compiled, -(-len(blocks) // many), lines[first : first + n], slab[:n], y_places,
               x_places, target.places, inner, blocks, sums, grain, helpers=helpers_for(work * n))  # fmt: skip
    launch(collect.compiled, len(w), sums, w.reshape(len(w), inner, -1), helpers=helpers_for(16 * w.size))


def _correlate_along(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """With few channels: sums along lines of the slab, where zeros in `y` stand for what runs over the ends of rows.

    So a NaN or infinity in `x` may spread to weights that do not meet it.
    """
    threads, lanes, groups = get_num_threads(), WIDTH // x.itemsize, geometry.groups
    plan, (target,) = to_small(geometry), to_small(geometry).targets
    other = unchanged(plan.size, y.shape[2:])
    pitch = -(-other.plane // lanes) * lanes
    vectors = -(-target.positions(plan.size) // lanes)
    images, slab = slab_of(plan, x, "x", plan.plane)
    fewer, lines = slab_of(other, y, "y", pitch)
    images = min(images, fewer)
    inner = x.shape[1] // groups
    offsets = (np.arange(inner)[:, None] * (len(plan.phases) * plan.plane) + target.places).reshape(-1) * x.itemsize
    columns = offsets.size
    offsets = np.concatenate([offsets, np.full(8, offsets[-1])])
    blocks = plan_blocks(y.shape[1] // groups, groups)
    span = min(vectors, LINE // (8 * WIDTH))
    several = max(1, LINE // (8 * WIDTH) // vectors)
    parts = min(len(blocks), 4 * threads)
    wide = columns if parts >= 2 * threads else -(-columns // (24 * -(-2 * threads // parts))) * 24
    many = -(-len(blocks) // parts)
    grain = np.array([vectors, several, span, many, wide], np.intp)
    pieces = -(-len(blocks) // many) * -(-columns // wide)
    w[...] = 0
    for first in range(0, len(x), images):
        some, others = x[first : first + images], y[first : first + images]
        fill(plan, some, slab)
        fill(other, others, lines)
        n = len(some)
        launch(
            correlate_slabs.compiled, pieces, lines[:n].reshape(n, y.shape[1], pitch),
            slab[:n].reshape(n, groups, -1), offsets, columns, blocks,
            w.reshape(len(w), -1), grain, room("block", (threads, 8, 8 * lanes), x.dtype),
            np.zeros(1, np.intp), helpers=min(helpers_for(2 * w.size * vectors * lanes * n), threads - 1),
        )  # fmt: skip
