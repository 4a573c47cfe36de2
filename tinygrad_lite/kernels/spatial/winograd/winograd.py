"""Convolutions of 3 x 3 by Winograd's minimal filtering, compiled.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import Any

import numpy as np

from ...native.simd.blocks import WIDTH
from ...native.threads import get_num_threads, launch
from ..conv_numpy import Geometry, Ints
from ..padded_layout import helpers_for, room
from . import filter_gradients
from .tile_products import SOME, STRIP, TAPS, VECTORS, loops

TILES = 8 << 20  # bytes of transformed tiles whose products are summed at a time, at most: they stay in the last cache
FEWER = 2 << 20  # bytes of them that come and go faster, where sums that are read and written anew each time are small
NEAR = 1 << 20  # bytes of them that a core keeps to itself, where it has sums of its own
PIECES, OWN = 4, 4 << 20  # into how many the tiles are then cut, and bytes of all their sums, at most
VARIABLE = "TINYGRAD_LITE_WINOGRAD"
SERVED = os.environ.get(VARIABLE, "1") != "0" and WIDTH // 4 >= STRIP
SHARES = 2  # blocks of tiles for each thread, at least, for which filters are transformed ahead
# What is not multiplied takes as long as so many multiplications for each filter and channel: their transforms, and
# with the direct way of looking for filters its sums; and for each product those of a tile, divided by the channels.
AHEAD = {2: 400, 4: 800}
BEHIND = {2: 900, 4: 1900, 0: 900}
BESIDE = 30
WORTH = 0.95  # of the direct way's time, at most
KEPT = 16 << 20  # bytes of filters, at most, that are


@lru_cache(256)
def blocks_of(tiles: int, lanes: int, threads: int) -> Any:
    """Vectors of tiles in blocks as even as possible, as many for each thread: the first, and how many."""
    vectors = -(-tiles // lanes)
    count = -(-vectors // VECTORS)
    count = min(vectors, -(-count // threads) * threads)
    ends = np.arange(count + 1) * vectors // count
    return np.stack([ends[:-1], np.diff(ends)], 1).astype(np.intp)


def side(
    geometry: Geometry, dtype: Any, images: int, channels: int, forward: bool = True, filters: bool = False
) -> int:
    """Outputs along the side of a tile where Winograd's way is the faster: 4 or 2; else 0.

    Parameters
    ----------
    geometry : Geometry
    dtype : dtype
        Whatever is not float32 (such as what derivatives are checked in) is convolved directly.
    images, channels : int
        Channels of the side that has fewer.
    forward : bool
        Outputs lie on the small side.
    filters : bool
        Filters are what is looked for.
    """
    return _cheapest(geometry, images, channels, forward, filters) if SERVED and dtype == np.float32 else 0


@lru_cache(1024)
def _cheapest(geometry: Geometry, images: int, channels: int, forward: bool, filters: bool) -> int:
    if geometry.kernel != (3, 3) or geometry.stride != (1, 1) or geometry.dilation != (1, 1):
        return 0
    if geometry.groups > 1 or max(geometry.padding) > 2:
        return 0
    size, lanes = geometry.small if forward else geometry.large, WIDTH // 4
    others = BEHIND if filters else AHEAD
    costs = {0: WORTH * (TAPS * images * math.prod(size) + others.get(0, 0))}
    for m in (2, 4):
        vectors = -(-images * math.prod(-(-n // m) for n in size) // lanes)
        costs[m] = (m + 2) ** 2 * vectors * lanes * (1 + BESIDE / channels) + others[m]
    return min(costs, key=lambda m: costs[m])


def _slots() -> Any:
    """Of which each thread claims one."""
    return np.zeros(1, np.intp)


def filter(x: Any, w: Any, bias: Any, padding: Ints, turned: bool, m: int, y: Any) -> None:
    """Convolve `x` with `w`; `turned`, with the transpose of that, whose padding this is.

    Parameters
    ----------
    x : array, shape (N, C, H, W)
    w : array, shape (A, C, 3, 3); turned, (C, A, 3, 3)
    bias : array, shape (A,), optional
    padding : two ints
    turned : bool
    m : {2, 4}
        Outputs along a side of a tile.
    y : array, shape (N, A, H + 2 padding - 2, ...)
        Written.
    """
    kernels, threads, lanes = loops(m), get_num_threads(), WIDTH // x.itemsize
    x, w = np.ascontiguousarray(x), np.ascontiguousarray(w)
    bias = np.ascontiguousarray(np.zeros(y.shape[1], y.dtype) if bias is None else bias)
    (channels, *large), (rows, *small) = x.shape[1:], y.shape[1:]
    down, across = (-(-n // m) for n in small)
    ins, outs = (np.array((*size, down, across, *padding), np.intp) for size in (large, small))
    tiles, positions = len(x) * down * across, (m + 2) ** 2
    blocks = blocks_of(tiles, lanes, threads)
    packs = -(-rows // lanes)
    one = TAPS * w.itemsize
    steps = np.array((rows, one, rows * one, 1) if turned else (rows, channels * one, one, 0), np.intp)
    places = np.arange(channels) * (np.array([1, *range(1, VECTORS + 1)])[:, None] * WIDTH)
    wide = VECTORS * lanes
    sums = room("winograd sums", (threads, positions * lanes * (wide + 1)), x.dtype)
    lines = room("winograd lines", (threads, (2 * (m + 2) * m + 1) * wide), x.dtype)
    zeros = np.zeros(lanes, x.dtype)
    helpers = min(helpers_for(2 * positions * tiles * channels * rows), threads - 1)
    if len(blocks) >= SHARES * threads and positions * channels * packs * WIDTH <= KEPT:
        packed = room("winograd filters", (packs, positions, channels + 1, lanes), x.dtype)
        launch(kernels.pack_filters.compiled, packs, w, packed, steps, lines, _slots(), helpers=helpers)
        near = room("winograd tiles", (threads, positions * (channels * wide + lanes)), x.dtype)
        launch(kernels.convolve_blocks.compiled, len(blocks), x, packed, bias, y, blocks, ins, outs, places, zeros,
               near, sums, lines, _slots(), helpers=helpers)  # fmt: skip
        return
    near = room("winograd filters", (threads, positions * (channels + 1) * lanes), x.dtype)
    many = max(1, TILES // (positions * channels * wide * x.itemsize))
    for first in range(0, len(blocks), many):
        some = blocks[first : first + many]
        entered = room("winograd tiles", (positions * lanes * (channels * int(some[:, 1].sum()) + len(some)),), x.dtype)
        launch(kernels.enter_blocks.compiled, len(some) * -(-channels // SOME), x, entered, some, ins, lines, _slots(),
               helpers=helpers)  # fmt: skip
        launch(kernels.convolve_rows.compiled, packs, entered, w, bias, y, steps, some, outs, places, zeros, near, sums,
               lines, _slots(), helpers=helpers)  # fmt: skip


def correlate(y: Any, x: Any, padding: Ints, m: int, w: Any) -> None:
    """The weights' gradients: the transpose of `filter` in `w`.

    Parameters
    ----------
    y : array, shape (N, A, H + 2 padding - 2, ...)
    x : array, shape (N, C, H, W)
    padding : two ints
    m : {2, 4}
    w : array, shape (A, C, 3, 3)
        Written.
    """
    kernels, threads, lanes = filter_gradients.loops(m), get_num_threads(), WIDTH // x.itemsize
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    (channels, *large), (rows, *small) = x.shape[1:], y.shape[1:]
    down, across = (-(-n // m) for n in small)
    ins, outs = np.array((*large, down, across, *padding), np.intp), np.array((*small, down, across, 0, 0), np.intp)
    tiles, positions, wide = len(x) * down * across, (m + 2) ** 2, VECTORS * lanes
    all_rows, all_channels = -(-rows // STRIP) * STRIP, -(-channels // lanes) * lanes
    helpers = min(helpers_for(2 * positions * tiles * channels * rows), threads - 1)
    lines = room("winograd lines", (threads, (2 * (m + 2) * m + 1) * wide), x.dtype)
    near = room("winograd sums", (threads, positions * lanes * (wide + 1)), x.dtype)
    shape, zeros = np.array((all_rows, all_channels), np.intp), np.zeros(STRIP, x.dtype)
    steps = np.array([x.itemsize, *(v * WIDTH for v in range(1, VECTORS + 1))])[:, None]

    def parted(size: int) -> int:
        """How many tiles are in each of some parts that take so many bytes at most."""
        most = max(wide, size // (positions * (all_rows + all_channels) * x.itemsize) // lanes * lanes)
        return -(-tiles // (-(-tiles // most) * lanes)) * lanes

    def tiles_of(count: int, *several: int) -> tuple[Any, Any]:
        """Room for the gradients' and the inputs' transforms."""
        size = {"gradients": all_rows, "tiles": all_channels}
        return tuple(
            room(f"winograd {name}", (*several, positions * (n * count + lanes)), x.dtype) for name, n in size.items()
        )

    count = parted(NEAR)
    parts, own = -(-tiles // count), positions * (all_rows * all_channels + lanes) * x.itemsize
    pieces = PIECES if parts >= PIECES and own * PIECES <= OWN else 1
    sums = room("winograd weights", (pieces, positions, all_rows * all_channels + lanes), x.dtype)
    if pieces > 1:
        gradients, panels = tiles_of(count, threads)
        launch(kernels.correlate_parts.compiled, pieces, y, x, gradients, panels, sums, shape, count, parts, outs, ins,
               steps * np.arange(count), zeros, near, lines, _slots(), helpers=helpers)  # fmt: skip
    else:
        count = parted(min(TILES, max(FEWER, 3 * positions * all_rows * all_channels * x.itemsize)))
        gradients, panels = tiles_of(count)
        many = max(STRIP, -(-all_rows // max(1, -(-4 * threads // positions)) // STRIP) * STRIP)
        for first in range(0, tiles, count):
            some = -(-min(count, tiles - first) // lanes) * lanes
            blocks, places = blocks_of(some, lanes, threads), steps * np.arange(some)
            launch(kernels.enter_across.compiled, len(blocks) * (all_channels // lanes), x, panels, blocks, some, first,
                   ins, near, lines, _slots(), helpers=helpers)  # fmt: skip
            launch(kernels.enter_along.compiled, rows, y, gradients, blocks, some, first, outs, lines, _slots(),
                   helpers=helpers)  # fmt: skip
            launch(kernels.correlate_tiles.compiled, positions * -(-all_rows // many), gradients, panels, sums, shape,
                   some, many, places, zeros, first == 0, helpers=helpers)  # fmt: skip
    helpers = min(helpers_for(TAPS * positions * rows * channels), threads - 1)
    launch(kernels.leave_filters.compiled, rows, sums, all_channels * x.itemsize, w, lines, _slots(), helpers=helpers)
