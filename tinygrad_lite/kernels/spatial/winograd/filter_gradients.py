"""The loops of the weights' gradients by Winograd, for tiles of m x m outputs: `loops`.

Transformed, some tiles are n x n matrices: of outputs' gradients (rows, tiles), and of inputs (tiles, channels), those
in panels of as many channels as registers hold. Their products are summed over all tiles, and then transformed back.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from ...kernel import kernel
from ...native.memory import bare, claim
from ...native.simd.blocks import WIDTH, turn
from ...native.simd.tiles import A, B, filters
from ..padded_layout import no_plain
from .tile_products import STRIP, TAPS, VECTORS, entering, multiply_strips


@cache
def loops(m: int) -> Any:
    """The kernels for tiles of m x m outputs."""
    enter_input, enter_gradient, positions = entering(m, B), entering(m, A), (m + 2) ** 2

    @kernel(no_plain)
    def enter_across(
        x: Any, panels: Any, blocks: Any, count: int, first: int, sizes: Any, room: Any, scratch: Any, slots: Any,
        cursor: Any,
    ) -> int:  # fmt: skip
        """Transform `count` tiles of inputs from number `first` on; a piece is a block of them and some channels."""
        x, panels, blocks, room, scratch = bare(x), bare(panels), bare(blocks), bare(room), bare(scratch)
        slot, dtype, size_of, done = claim(slots), x.dtype, x.itemsize, 0
        lanes, channels = WIDTH // size_of, x.shape[1]
        lines, near, total = scratch[slot].ctypes.data, room[slot].ctypes.data, len(x) * sizes[2] * sizes[3]
        by_channel, wide = -(-channels // lanes), VECTORS * lanes
        while True:
            piece = claim(cursor)
            b = piece // by_channel
            if b >= len(blocks):
                return done
            done += 1
            at, vectors, c = blocks[b, 0] * lanes, blocks[b, 1], piece % by_channel * lanes
            some, tiles = min(lanes, channels - c), min(vectors * lanes, total - first - at)
            for i in range(some):
                enter_input(
                    x.ctypes.data + (c + i) * x.strides[1], x.strides[0], sizes, first + at, tiles, vectors, lines,
                    near + i * vectors * WIDTH, (lanes * vectors + 1) * WIDTH, dtype, size_of,
                )  # fmt: skip
            panel, across = c // wide * wide, min(wide, by_channel * lanes - c // wide * wide)
            for k in range(positions):
                place = (k * by_channel * lanes + panel) * count + at * across + c - panel + k * lanes
                target = panels.ctypes.data + place * size_of
                for v in range(vectors):
                    turn(1, dtype, near + (k * (lanes * vectors + 1) + v) * WIDTH, vectors * WIDTH, some, lanes,
                         target + v * lanes * across * size_of, across * size_of)  # fmt: skip

    @kernel(no_plain)
    def enter_along(
        y: Any, tiles: Any, blocks: Any, count: int, first: int, sizes: Any, scratch: Any, slots: Any, cursor: Any
    ) -> int:
        """Transform `count` tiles of outputs' gradients from the number `first` on; a piece is a row."""
        y, tiles, blocks, scratch = bare(y), bare(tiles), bare(blocks), bare(scratch)
        dtype, size_of, done, lines = y.dtype, y.itemsize, 0, scratch[claim(slots)].ctypes.data
        lanes, padded, total = WIDTH // size_of, -(-y.shape[1] // STRIP) * STRIP, len(y) * sizes[2] * sizes[3]
        while True:
            r = claim(cursor)
            if r >= y.shape[1]:
                return done
            done += 1
            for b in range(len(blocks)):
                at, vectors = blocks[b, 0] * lanes, blocks[b, 1]
                many = min(vectors * lanes, total - first - at)
                enter_gradient(y.ctypes.data + r * y.strides[1], y.strides[0], sizes, first + at, many, vectors, lines,
                               tiles.ctypes.data + (r * count + at) * size_of, padded * count * size_of + WIDTH, dtype,
                               size_of)  # fmt: skip

    @kernel(no_plain)
    def correlate_tiles(
        tiles: Any, panels: Any, sums: Any, shape: Any, count: int, many: int, places: Any, begin: int, cursor: Any
    ) -> int:
        """Sums of products of tiles (afresh if `begin` is the address of zeros); a piece: some rows, one of n x n."""
        tiles, panels, sums, places = bare(tiles), bare(panels), bare(sums), bare(places)
        dtype, size_of, done = sums.dtype, sums.itemsize, 0
        rows, channels = shape
        lanes = WIDTH // size_of
        by_row, wide, pitch = -(-rows // many), VECTORS * lanes, channels * size_of
        while True:
            piece = claim(cursor)
            if piece >= positions * by_row:
                return done
            done += 1
            k, r = piece // by_row, piece % by_row * many
            for c in range(0, channels, wide):
                vectors = min(wide, channels - c) // lanes
                multiply_strips(
                    min(many, rows - r), vectors, tiles.ctypes.data + ((k * rows + r) * count + k * lanes) * size_of,
                    places[0].ctypes.data, count * size_of,
                    panels.ctypes.data + ((k * channels + c) * count + k * lanes) * size_of,
                    places[vectors].ctypes.data, count,
                    sums.ctypes.data + k * sums.strides[0] + (r * channels + c) * size_of, pitch, begin, dtype,
                )  # fmt: skip

    @kernel(no_plain)
    def leave_filters(sums: Any, pitch: int, w: Any, scratch: Any, slots: Any, cursor: Any) -> int:
        """The weights' gradients of the sums; a piece is a row."""
        sums, w, scratch = bare(sums), bare(w), bare(scratch)
        dtype, size_of, done, room = w.dtype, w.itemsize, 0, scratch[claim(slots)].ctypes.data
        lanes, channels = WIDTH // size_of, w.shape[1]
        while True:
            r = claim(cursor)
            if r >= len(w):
                return done
            done += 1
            for c in range(0, channels, lanes):
                filters(m, 1, dtype, sums.ctypes.data + r * pitch + c * size_of, sums.strides[0], room, WIDTH)
                for t in range(0, TAPS, lanes):
                    turn(1, dtype, room + t * WIDTH, WIDTH, min(lanes, TAPS - t), min(lanes, channels - c),
                         w.ctypes.data + ((r * channels + c) * TAPS + t) * size_of, TAPS * size_of)  # fmt: skip

    return SimpleNamespace(
        enter_across=enter_across, enter_along=enter_along, correlate_tiles=correlate_tiles, leave_filters=leave_filters
    )
