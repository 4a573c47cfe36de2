"""Convolutions, compiled. See `plan` for the idea and `convolution` for the plain twins.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..native.simd.blocks import ROWS, SIZES, WIDTH
from ..native.threads import get_num_threads, launch
from . import padded_layout
from .conv_gathered import Columns, columns, product
from .conv_numpy import Geometry
from .conv_products import correlate_slabs, multiply
from .depthwise import depthwise
from .layout_plan import Target, to_large, to_small, unchanged
from .layout_plan import blocks as plan_blocks
from .padded_layout import LINES, fill, helpers_for, lay_across, room, slab_of, turn_weights
from .winograd import winograd

SHARES = 4  # pieces for each thread, at least: one that wakes up late leaves the rest to the others
LINE_ROWS = 12  # gathering a line takes as long as multiplying it with this many rows
STRAY = 1.03  # reading lines where they are takes longer, since they are not side by side
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
    many = max(1, min(many, images // (SHARES * threads)))
    pieces = -(-images // many) * -(-positions // span)
    several = -(-blocks // min(blocks, -(-SHARES * threads // pieces)))
    return pieces * -(-blocks // several), np.array([positions, many, span, several], np.intp)


@lru_cache(256)
def _passes(
    geometry: Geometry, forward: bool, inner: int, rows: int, images: int, itemsize: int, threads: int
) -> list[tuple[int, tuple[Any, ...]]]:
    """What `multiply` is told for each kind of results: how many pieces, and where to read and write."""
    plan, blocks = (to_small if forward else to_large)(geometry), plan_blocks(rows, geometry.groups, SIZES)
    size, full = np.array(plan.size), np.array((1, 1, *(geometry.small if forward else geometry.large))[-3:])
    found = []
    for target in plan.targets:
        offsets, weights = _places(geometry, forward, target, inner, itemsize)
        pieces, grain = _grain(
            target.positions(plan.size), images, inner * len(plan.phases) * itemsize, len(blocks), threads,
            WIDTH // itemsize,
        )  # fmt: skip
        where = np.array(target.first), np.array(target.step), np.array(target.counts)
        found.append((pieces, (offsets, weights, blocks, size, *where, full, grain)))
    return found


def _places(geometry: Geometry, forward: bool, target: Target, inner: int, itemsize: int) -> tuple[Any, Any]:
    """Of what makes up a result: where it is in a group of the slab, and in a row of weights; in bytes."""
    plan, channel = (to_small if forward else to_large)(geometry), np.arange(inner)[:, None]
    offsets = (channel * (len(plan.phases) * plan.plane) + target.places).reshape(-1) * itemsize
    return offsets, (channel * math.prod(geometry.kernel) + target.taps).reshape(-1) * itemsize


@lru_cache(256)
def _gathered(geometry: Geometry, forward: bool, inner: int, rows: int, images: int, itemsize: int) -> list[Any]:
    """What `product` is told for each kind of results: places in the slab and in the weights, and the columns."""
    plan, image, found = (to_small if forward else to_large)(geometry), np.arange(images)[:, None], []
    group, full = inner * len(plan.phases) * plan.plane, (1, 1, *(geometry.small if forward else geometry.large))[-3:]
    for target in plan.targets:
        where = np.indices((*target.counts[:2], 1)).reshape(3, -1).T  # of all rows of results
        read = np.ravel_multi_index(tuple(where.T), plan.size)
        write = np.ravel_multi_index(tuple((where * target.step + target.first).T), full)
        count = images * math.prod(target.counts)
        sources = (image * (geometry.groups * group) + read).reshape(-1) * itemsize
        targets = (image * (geometry.groups * rows * math.prod(full)) + write).reshape(-1) * itemsize
        table = columns(count, np.arange(0, count, target.counts[2]), sources, targets, target.step[2], itemsize)
        found.append((*_places(geometry, forward, target, inner, itemsize), table))
    return found


@lru_cache(256)
def _computed(geometry: Geometry, forward: bool) -> float:
    """How many results `multiply` computes for each that is wanted."""
    plan = (to_small if forward else to_large)(geometry)
    return sum(t.positions(plan.size) for t in plan.targets) / sum(math.prod(t.counts) for t in plan.targets)


def _rows_of(w: Any, groups: int, forward: bool) -> Any:
    """The weights, with those that make up one channel of results in a row."""
    if forward:
        return np.ascontiguousarray(w).reshape(len(w), -1)
    w = np.ascontiguousarray(w).reshape(groups, len(w) // groups, w.shape[1], -1)
    if w.shape[1] == 1:
        return w.reshape(groups * w.shape[2], -1)
    turned = room("weights", (groups, w.shape[2], w.shape[1], w.shape[3]), w.dtype)
    launch(turn_weights.compiled, groups * -(-w.shape[2] // 16), w, turned, helpers=helpers_for(16 * w.size))
    return turned.reshape(groups * w.shape[2], -1)


def _product(x: Any, w: Any, bias: Any, geometry: Geometry, forward: bool, out: Any) -> None:
    """Lay out `x` and multiply it with `w`."""
    threads, lanes, groups = get_num_threads(), WIDTH // x.itemsize, geometry.groups
    plan, inner, rows = (to_small if forward else to_large)(geometry), x.shape[1] // groups, out.shape[1] // groups
    bias = np.ascontiguousarray(np.zeros(out.shape[1], out.dtype) if bias is None else bias)
    w = _rows_of(w, groups, forward)
    if depthwise.serves(geometry, len(x), inner, rows):
        return depthwise.weigh(x, w, bias, geometry, forward, out)
    x = _solid(x)
    y, scratch = out.reshape(*out.shape[:2], -1), room("block", (threads, 8, 8 * lanes), x.dtype)
    gathers = rows * (STRAY * _computed(geometry, forward) - 1) > LINE_ROWS
    images, slab = slab_of(plan, x, "x", plan.plane)
    for begin in range(0, len(x), images):
        some = x[begin : begin + images]
        n = len(some)
        fill(plan, some, slab)
        if gathers:
            blocks = plan_blocks(rows, groups, (ROWS, 4, 2, 1))
            group = inner * len(plan.phases) * plan.plane * x.itemsize
            for offsets, weights, table in _gathered(geometry, forward, inner, rows, n, x.itemsize):
                product(w, weights, slab, offsets, table, blocks, bias, y[begin : begin + n],
                        (w.strides[0], group, y.strides[1]), False)  # fmt: skip
            continue
        lines = slab[:n].reshape(n, groups, -1)
        helpers = min(helpers_for(2 * n * w.size * plan.plane), threads - 1)  # each of whom has a place in `scratch`
        for pieces, rest in _passes(geometry, forward, inner, rows, n, x.itemsize, threads):
            launch(multiply.compiled, pieces, lines, w, bias, y[begin : begin + n], *rest, scratch,
                   np.zeros(1, np.intp), helpers=helpers)  # fmt: skip


def convolve(x: Any, w: Any, bias: Any, geometry: Geometry, y: Any) -> None:
    """`convolution.convolve_plain`, compiled, plus a bias."""
    if m := winograd.side(geometry, x.dtype, len(x), min(w.shape[:2])):
        winograd.filter(x, w, bias, geometry.padding, False, m, y)
    else:
        _product(x, w, bias, geometry, True, y)


def spread(y: Any, w: Any, bias: Any, geometry: Geometry, x: Any) -> None:
    """`convolution.spread_plain`, compiled, plus a bias."""
    if m := winograd.side(geometry, y.dtype, len(y), min(w.shape[:2]), forward=False):
        winograd.filter(y, w, bias, tuple(2 - p for p in geometry.padding), True, m, x)
    else:
        _product(y, w, bias, geometry, False, x)


def correlate(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """`convolution.correlate_plain`, compiled."""
    if depthwise.serves(geometry, len(x), w.shape[1], len(w) // geometry.groups, True):
        return depthwise.meet(y, x, geometry, w)
    if m := winograd.side(geometry, x.dtype, len(x), min(w.shape[:2]), filters=True):
        return winograd.correlate(y, x, geometry.padding, m, w)
    run = _correlate_across if w.shape[1] >= WIDTH // x.itemsize else _correlate_along
    return run(_solid(y), _solid(x), geometry, w)


@lru_cache(256)
def _pixels(geometry: Geometry, channels: int, rows: int, images: int, itemsize: int) -> tuple[Any, Any, Columns]:
    """Places of the small side's pixels in `y` and in a slab of pixels, and the columns of the weights."""
    plan, groups = to_small(geometry), geometry.groups
    (target,), lanes, inner, small = plan.targets, WIDTH // itemsize, channels // groups, math.prod(geometry.small)
    pixels, pixel, image = len(plan.phases) * plan.plane, channels * itemsize, np.arange(images)[:, None]
    grid = np.ravel_multi_index(np.indices(target.counts).reshape(3, -1), plan.size)
    y_places = (image * (rows * small) + np.arange(small)).reshape(-1) * itemsize
    x_places = (image * pixels + grid).reshape(-1) * pixel
    taps = len(target.places)
    first = np.repeat(np.arange(0, inner, lanes), taps)  # some channels of one tap after the other
    tap = np.tile(np.arange(taps), len(first) // taps)
    lengths = np.minimum(lanes, inner - first)
    table = columns(inner * taps, np.cumsum(lengths) - lengths, target.places[tap] * pixel + first * itemsize,
                    (first * taps + tap) * itemsize, taps, itemsize)  # fmt: skip
    return y_places, x_places, table


def _correlate_across(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """With many channels: the pixels of `x` as vectors of channels, and no results but those that are wanted."""
    groups, channels, inner = geometry.groups, x.shape[1], w.shape[1]
    plan, rows, row = to_small(geometry), len(w) // groups, math.prod(y.shape[2:]) * x.itemsize
    pixels = len(plan.phases) * plan.plane
    images = max(1, min(len(x), padded_layout.SLAB // (pixels * channels * x.itemsize)))
    flat = room("x", (images * pixels * channels + 8 * WIDTH,), x.dtype)
    flat[-8 * WIDTH :] = 0
    slab, size = flat[: -8 * WIDTH].reshape(images, len(plan.phases), plan.plane, channels), np.array(plan.size)
    blocks, nothing = plan_blocks(rows, groups, (ROWS, 4, 2, 1)), np.zeros(len(w), w.dtype)
    for first in range(0, len(x), images):
        n = min(images, len(x) - first)
        pieces = n * -(-channels // (WIDTH // x.itemsize)) * -(-plan.size[0] * plan.size[1] // LINES)
        launch(lay_across.compiled, pieces, x[first : first + n], slab[:n], plan.phases, plan.step, plan.padding, size,
               helpers=helpers_for(16 * slab.size))  # fmt: skip
        y_places, x_places, table = _pixels(geometry, channels, len(w), n, x.itemsize)
        product(y[first : first + n], y_places, slab, x_places, table, blocks, nothing, w,
                (row, inner * x.itemsize, w.strides[0]), first > 0)  # fmt: skip


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
    blocks = plan_blocks(y.shape[1] // groups, groups, SIZES)
    span = min(vectors, LINE // (8 * WIDTH))
    several = max(1, LINE // (8 * WIDTH) // vectors)
    parts = min(len(blocks), 4 * threads)
    wide = columns if parts >= SHARES * threads else -(-columns // (24 * -(-SHARES * threads // parts))) * 24
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
