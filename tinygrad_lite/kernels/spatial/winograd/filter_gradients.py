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
from .tile_products import STRIP, TAPS, VECTORS, enter, multiply_strips


@cache
def loops(m: int) -> Any:
    """The kernels for tiles of m x m outputs."""
    positions = (m + 2) ** 2

    def across(
        x: Any, panels: int, c: int, channels: int, count: int, sizes: Any, first: int, at: int, vectors: int,
        tiles: int, near: int, lines: int, dtype: Any, size_of: int,
    ) -> None:  # fmt: skip
        """Transform a vector of channels in a block of tiles, and turn it: `count` tiles are in a panel's columns."""
        lanes = WIDTH // size_of
        wide, some = VECTORS * lanes, min(lanes, x.shape[1] - c)
        for i in range(some):
            enter(
                m, B, x.ctypes.data + (c + i) * x.strides[1], x.strides[0], sizes, first + at, tiles, vectors, lines,
                near + i * vectors * WIDTH, (lanes * vectors + 1) * WIDTH, dtype, size_of,
            )  # fmt: skip
        panel, side = c // wide * wide, min(wide, channels - c // wide * wide)
        for k in range(positions):
            target = panels + ((k * channels + panel) * count + at * side + c - panel + k * lanes) * size_of
            for v in range(vectors):
                turn(1, dtype, near + (k * (lanes * vectors + 1) + v) * WIDTH, vectors * WIDTH, some, lanes,
                     target + v * lanes * side * size_of, side * size_of)  # fmt: skip

    def along(
        y: Any, gradients: int, r: int, rows: int, count: int, sizes: Any, first: int, at: int, vectors: int,
        tiles: int, lines: int, dtype: Any, size_of: int,
    ) -> None:  # fmt: skip
        """Transform a row of outputs' gradients in a block of tiles."""
        enter(m, A, y.ctypes.data + r * y.strides[1], y.strides[0], sizes, first + at, tiles, vectors, lines,
              gradients + (r * count + at) * size_of, rows * count * size_of + WIDTH, dtype, size_of)  # fmt: skip

    def products(
        gradients: int, panels: int, sums: int, step: int, shape: Any, count: int, k: int, r: int, many: int,
        places: Any, begin: int, dtype: Any, size_of: int,
    ) -> None:  # fmt: skip
        """Sums of products of tiles, of some rows and all channels, for one of n x n."""
        lanes, (rows, channels) = WIDTH // size_of, shape
        for c in range(0, channels, VECTORS * lanes):
            vectors = min(VECTORS * lanes, channels - c) // lanes
            multiply_strips(
                min(many, rows - r), vectors, gradients + ((k * rows + r) * count + k * lanes) * size_of,
                places[0].ctypes.data, count * size_of, panels + ((k * channels + c) * count + k * lanes) * size_of,
                places[vectors].ctypes.data, count, sums + k * step + (r * channels + c) * size_of,
                channels * size_of, begin, dtype,
            )  # fmt: skip

    @kernel(no_plain)
    def enter_across(
        x: Any, panels: Any, blocks: Any, count: int, first: int, sizes: Any, room: Any, scratch: Any, slots: Any,
        cursor: Any,
    ) -> int:  # fmt: skip
        """Transform `count` tiles of inputs from number `first` on; a piece is a block of them and some channels."""
        x, panels, blocks, room, scratch = bare(x), bare(panels), bare(blocks), bare(room), bare(scratch)
        slot, dtype, size_of, done = claim(slots), x.dtype, x.itemsize, 0
        lanes, total = WIDTH // size_of, len(x) * sizes[2] * sizes[3]
        by_channel = -(-x.shape[1] // lanes)
        while True:
            piece = claim(cursor)
            b = piece // by_channel
            if b >= len(blocks):
                return done
            done += 1
            at, vectors = blocks[b, 0] * lanes, blocks[b, 1]
            across(x, panels.ctypes.data, piece % by_channel * lanes, by_channel * lanes, count, sizes, first, at,
                   vectors, min(vectors * lanes, total - first - at), room[slot].ctypes.data, scratch[slot].ctypes.data,
                   dtype, size_of)  # fmt: skip

    @kernel(no_plain)
    def enter_along(
        y: Any, gradients: Any, blocks: Any, count: int, first: int, sizes: Any, scratch: Any, slots: Any, cursor: Any
    ) -> int:
        """Transform `count` tiles of outputs' gradients from the number `first` on; a piece is a row."""
        y, gradients, blocks, scratch = bare(y), bare(gradients), bare(blocks), bare(scratch)
        dtype, size_of, done, lines = y.dtype, y.itemsize, 0, scratch[claim(slots)].ctypes.data
        lanes, rows, total = WIDTH // size_of, -(-y.shape[1] // STRIP) * STRIP, len(y) * sizes[2] * sizes[3]
        while True:
            r = claim(cursor)
            if r >= y.shape[1]:
                return done
            done += 1
            for b in range(len(blocks)):
                at, vectors = blocks[b, 0] * lanes, blocks[b, 1]
                along(y, gradients.ctypes.data, r, rows, count, sizes, first, at, vectors,
                      min(vectors * lanes, total - first - at), lines, dtype, size_of)  # fmt: skip

    @kernel(no_plain)
    def correlate_tiles(
        gradients: Any, panels: Any, sums: Any, shape: Any, count: int, many: int, places: Any, zeros: Any,
        afresh: bool, cursor: Any,
    ) -> int:  # fmt: skip
        """Sums of products of tiles, afresh or added to those there are; a piece: some rows, one of n x n."""
        gradients, panels, sums, places, zeros = bare(gradients), bare(panels), bare(sums), bare(places), bare(zeros)
        by_row, done, begin = -(-shape[0] // many), 0, zeros.ctypes.data if afresh else 0
        while True:
            piece = claim(cursor)
            if piece >= positions * by_row:
                return done
            done += 1
            products(gradients.ctypes.data, panels.ctypes.data, sums.ctypes.data, sums.strides[1], shape, count,
                     piece // by_row, piece % by_row * many, many, places, begin, sums.dtype,
                     sums.itemsize)  # fmt: skip

    @kernel(no_plain)
    def correlate_parts(
        y: Any, x: Any, gradients: Any, panels: Any, sums: Any, shape: Any, count: int, parts: int, outs: Any, ins: Any,
        places: Any, zeros: Any, room: Any, scratch: Any, slots: Any, cursor: Any,
    ) -> int:  # fmt: skip
        """All of that, by parts of `count` tiles, which stay near a core; a piece: some parts, with sums of its own."""
        y, x, gradients, panels, sums = bare(y), bare(x), bare(gradients), bare(panels), bare(sums)
        places, room, scratch, zeros = bare(places), bare(room), bare(scratch), bare(zeros)
        slot, dtype, size_of, done = claim(slots), x.dtype, x.itemsize, 0
        lanes, (rows, channels), total = WIDTH // size_of, shape, len(x) * ins[2] * ins[3]
        near, lines, wide, each = room[slot].ctypes.data, scratch[slot].ctypes.data, VECTORS * lanes, parts // len(sums)
        gradient, panel, more = gradients[slot].ctypes.data, panels[slot].ctypes.data, parts % len(sums)
        while True:
            piece = claim(cursor)
            if piece >= len(sums):
                return done
            done += 1
            begin = piece * each + min(piece, more)
            for part in range(begin, begin + each + (piece < more)):
                first = part * count
                some = -(-min(count, total - first) // lanes) * lanes
                for at in range(0, some, wide):
                    vectors = min(wide, some - at) // lanes
                    tiles = min(vectors * lanes, total - first - at)
                    for c in range(0, x.shape[1], lanes):
                        across(x, panel, c, channels, some, ins, first, at, vectors, tiles, near, lines, dtype,
                               size_of)  # fmt: skip
                    for r in range(y.shape[1]):
                        along(y, gradient, r, rows, some, outs, first, at, vectors, tiles, lines, dtype, size_of)
                for k in range(positions):
                    products(gradient, panel, sums[piece].ctypes.data, sums.strides[1], shape, some, k, 0, rows, places,
                             zeros.ctypes.data if part == begin else 0, dtype, size_of)  # fmt: skip

    @kernel(no_plain)
    def leave_filters(sums: Any, pitch: int, w: Any, scratch: Any, slots: Any, cursor: Any) -> int:
        """The weights' gradients of the sums, which are added up; a piece is a row."""
        sums, w, scratch = bare(sums), bare(w), bare(scratch)
        dtype, size_of, done, room = w.dtype, w.itemsize, 0, scratch[claim(slots)].ctypes.data
        lanes, channels, each = WIDTH // size_of, w.shape[1], pitch // w.itemsize
        while True:
            r = claim(cursor)
            if r >= len(w):
                return done
            done += 1
            for p in range(1, len(sums)):
                for k in range(positions):
                    row, more = sums[0, k, r * each : (r + 1) * each], sums[p, k, r * each : (r + 1) * each]
                    for i in range(each):
                        row[i] += more[i]
            for c in range(0, channels, lanes):
                filters(m, 1, dtype, sums.ctypes.data + r * pitch + c * size_of, sums.strides[1], room, WIDTH)
                for t in range(0, TAPS, lanes):
                    turn(1, dtype, room + t * WIDTH, WIDTH, min(lanes, TAPS - t), min(lanes, channels - c),
                         w.ctypes.data + ((r * channels + c) * TAPS + t) * size_of, TAPS * size_of)  # fmt: skip

    return SimpleNamespace(
        enter_across=enter_across,
        enter_along=enter_along,
        correlate_tiles=correlate_tiles,
        correlate_parts=correlate_parts,
        leave_filters=leave_filters,
    )
