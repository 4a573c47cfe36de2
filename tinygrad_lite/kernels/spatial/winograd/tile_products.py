"""The loops of Winograd's convolutions, for tiles of m x m outputs: `loops`.

Tiles are counted image after image, row after row; a block of them is some vectors, a tile in each lane. Transformed,
a block is n x n matrices of shape (channels, tiles), and the filters n x n of shape (channels, rows): a vector of rows
is packed together. From each of the n x n to the next there is a vector more than they need: the same places of them
all would otherwise share one line of the first cache.

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
from ...native.simd.blocks import WIDTH, clear, copy_lines, rows_by_columns, turn
from ...native.simd.tiles import B, filters, tile_columns, tile_rows, untile
from ...native.simd.vectors import MANY
from ..padded_layout import no_plain

STRIP, VECTORS = (8, 3) if MANY else (4, 3)  # rows, and vectors of columns, of a product that registers hold
TAPS = 9
SOME = 16  # channels that are transformed at a time


def multiply_strips(
    rows: int, vectors: int, a: int, a_places: int, a_step: int, b: int, b_places: int, count: int, out: int,
    pitch: int, bias: int, dtype: Any,
) -> None:  # fmt: skip
    """Multiply rows, as many at a time as registers hold, with some vectors of columns."""
    for r in range(0, rows, STRIP):
        first, to = a + r * a_step, out + r * pitch
        if vectors == 3:
            rows_by_columns(STRIP, 3, dtype, first, a_places, a_step, b, b_places, count, to, pitch, bias)
        elif vectors == 2:
            rows_by_columns(STRIP, 2, dtype, first, a_places, a_step, b, b_places, count, to, pitch, bias)
        else:
            rows_by_columns(STRIP, 1, dtype, first, a_places, a_step, b, b_places, count, to, pitch, bias)


def enter(
    m: int, which: int, plane: int, image: int, sizes: Any, first: int, tiles: int, vectors: int, lines: int,
    target: int, step: int, dtype: Any, size_of: int,
) -> None:  # fmt: skip
    """Transform `tiles` of a channel's from the number `first` on; vectors of n x n results are `step` bytes apart.

    `which`: of inputs (B), or of the gradients of outputs (A). `plane`: the channel in the first image, others being
    `image` bytes apart. `sizes`: of an image; rows and columns of its tiles; padding. `lines`: room. All by address.
    """
    extra, many_lines = (2, 2 * (m + 2)) if which == B else (0, m + 2)
    height, width, down, across, top, left = sizes
    lanes, pitch = WIDTH // size_of, vectors * m * WIDTH
    if tiles < vectors * lanes:
        clear(lines, many_lines * pitch)
    at, row, t = first, first // across, first % across
    while at < first + tiles:
        many = min(across - t, first + tiles - at)
        source, r = plane + row // down * image, row % down * m - top
        for u in range(0, m * many + extra, lanes):
            tile_rows(m, which, dtype, source, height, width, r, t * m + u - left, u, m * many,
                      lines + (at - first) * m * size_of, pitch)  # fmt: skip
        at, row, t = at + many, row + 1, 0
    for v in range(vectors):
        tile_columns(m, which, dtype, lines + v * m * WIDTH, pitch, target + v * WIDTH, step)


@cache
def loops(m: int) -> Any:
    """The kernels for tiles of m x m outputs."""
    positions = (m + 2) ** 2

    def leave(
        source: int, step: int, bias: int, plane: int, image: int, sizes: Any, first: int, tiles: int, vectors: int,
        lines: int, dtype: Any, size_of: int,
    ) -> None:  # fmt: skip
        """Make a channel's outputs of n x n vectors of products; as `enter`, backwards."""
        height, width, down, across, _, _ = sizes
        pitch = vectors * m * WIDTH
        for v in range(vectors):
            untile(m, dtype, source + v * WIDTH, step, bias, lines + v * m * WIDTH, pitch)
        at, row, t = first, first // across, first % across
        while at < first + tiles:
            many, r = min(across - t, first + tiles - at), row % down * m
            place = plane + row // down * image + (r * width + t * m) * size_of
            copy_lines(1, dtype, min(m, height - r), lines + (at - first) * m * size_of, pitch, place, width * size_of,
                       min(m * many, width - t * m))  # fmt: skip
            at, row, t = at + many, row + 1, 0

    def pack(
        w: int, row_step: int, inner_step: int, flipped: int, rows: int, inner: int, packed: int, room: int, dtype: Any,
        size_of: int,
    ) -> None:  # fmt: skip
        """Transform the filters of at most a vector of rows with all `inner` channels."""
        lanes = WIDTH // size_of
        for k in range(inner):
            for t in range(0, TAPS, lanes):
                turn(1, dtype, w + k * inner_step + t * size_of, row_step, rows, min(lanes, TAPS - t), room + t * WIDTH,
                     WIDTH)  # fmt: skip
            if flipped:
                filters(m, 0, dtype, room + (TAPS - 1) * WIDTH, -WIDTH, packed + k * WIDTH, (inner + 1) * WIDTH)
            else:
                filters(m, 0, dtype, room, WIDTH, packed + k * WIDTH, (inner + 1) * WIDTH)

    def finish(
        packed: int, block: int, inner: int, rows: int, places: Any, zeros: int, sums: int, bias: int, y: int,
        plane: int, image: int, sizes: Any, first: int, tiles: int, vectors: int, lines: int, dtype: Any, size_of: int,
    ) -> None:  # fmt: skip
        """Multiply some rows of filters with a block of tiles, and make outputs of the products."""
        wide, lanes = vectors * WIDTH, WIDTH // size_of
        for k in range(positions):
            multiply_strips(
                rows, vectors, packed + k * (inner + 1) * WIDTH, places[0].ctypes.data, size_of,
                block + k * (inner * wide + WIDTH),
                places[vectors].ctypes.data, inner, sums + k * (lanes * wide + WIDTH), wide, zeros, dtype,
            )  # fmt: skip
        for r in range(rows):
            leave(sums + r * wide, lanes * wide + WIDTH, bias + r * size_of, y + r * plane, image, sizes, first, tiles,
                  vectors, lines, dtype, size_of)  # fmt: skip

    @kernel(no_plain)
    def pack_filters(w: Any, packed: Any, steps: Any, scratch: Any, slots: Any, cursor: Any) -> int:
        """Transform all filters; a piece is a vector of rows."""
        w, packed, scratch = bare(w), bare(packed), bare(scratch)
        rows, row_step, inner_step, flipped = steps
        dtype, size_of, done, room = w.dtype, w.itemsize, 0, scratch[claim(slots)].ctypes.data
        lanes = WIDTH // size_of
        while True:
            p = claim(cursor)
            if p >= len(packed):
                return done
            done += 1
            pack(w.ctypes.data + p * lanes * row_step, row_step, inner_step, flipped, min(lanes, rows - p * lanes),
                 packed.shape[2] - 1, packed[p].ctypes.data, room, dtype, size_of)  # fmt: skip

    @kernel(no_plain)
    def convolve_blocks(
        x: Any, packed: Any, bias: Any, y: Any, blocks: Any, ins: Any, outs: Any, places: Any, zeros: Any, room: Any,
        sums: Any, scratch: Any, slots: Any, cursor: Any,
    ) -> int:  # fmt: skip
        """All outputs from filters that are packed; a piece is a block of tiles, which stays near."""
        x, packed, bias, y, blocks, places = bare(x), bare(packed), bare(bias), bare(y), bare(blocks), bare(places)
        room, sums, scratch = bare(room), bare(sums), bare(scratch)
        slot, dtype, size_of, done = claim(slots), x.dtype, x.itemsize, 0
        lanes, channels, rows = WIDTH // size_of, x.shape[1], y.shape[1]
        block, products, lines = room[slot].ctypes.data, sums[slot].ctypes.data, scratch[slot].ctypes.data
        total = len(x) * ins[2] * ins[3]
        while True:
            b = claim(cursor)
            if b >= len(blocks):
                return done
            done += 1
            first, vectors = blocks[b, 0] * lanes, blocks[b, 1]
            tiles = min(vectors * lanes, total - first)
            for c in range(channels):
                enter(m, B, x.ctypes.data + c * x.strides[1], x.strides[0], ins, first, tiles, vectors, lines,
                      block + c * vectors * WIDTH, (channels * vectors + 1) * WIDTH, dtype, size_of)  # fmt: skip
            for p in range(len(packed)):
                r = p * lanes
                finish(packed[p].ctypes.data, block, channels, min(lanes, rows - r), places, zeros.ctypes.data,
                       products, bias.ctypes.data + r * size_of, y.ctypes.data + r * y.strides[1], y.strides[1],
                       y.strides[0], outs, first, tiles, vectors, lines, dtype, size_of)  # fmt: skip

    @kernel(no_plain)
    def enter_blocks(x: Any, tiles: Any, blocks: Any, ins: Any, scratch: Any, slots: Any, cursor: Any) -> int:
        """Transform all tiles; a piece is a block of tiles and some channels."""
        x, tiles, blocks, scratch = bare(x), bare(tiles), bare(blocks), bare(scratch)
        dtype, size_of, done, lines = x.dtype, x.itemsize, 0, scratch[claim(slots)].ctypes.data
        lanes, channels = WIDTH // size_of, x.shape[1]
        total, by_channel = len(x) * ins[2] * ins[3], -(-channels // SOME)
        while True:
            piece = claim(cursor)
            b = piece // by_channel
            if b >= len(blocks):
                return done
            done += 1
            first, vectors = blocks[b, 0] * lanes, blocks[b, 1]
            many, block = (
                min(vectors * lanes, total - first),
                tiles.ctypes.data + positions * (channels * (blocks[b, 0] - blocks[0, 0]) + b) * WIDTH,
            )
            start = piece % by_channel * SOME
            for c in range(start, min(start + SOME, channels)):
                enter(m, B, x.ctypes.data + c * x.strides[1], x.strides[0], ins, first, many, vectors, lines,
                      block + c * vectors * WIDTH, (channels * vectors + 1) * WIDTH, dtype, size_of)  # fmt: skip

    @kernel(no_plain)
    def convolve_rows(
        tiles: Any, w: Any, bias: Any, y: Any, steps: Any, blocks: Any, outs: Any, places: Any, zeros: Any, room: Any,
        sums: Any, scratch: Any, slots: Any, cursor: Any,
    ) -> int:  # fmt: skip
        """All outputs from tiles that are transformed; a piece is a vector of rows of filters, which stay near."""
        w, bias, y, blocks, places = bare(w), bare(bias), bare(y), bare(blocks), bare(places)
        room, sums, scratch = bare(room), bare(sums), bare(scratch)
        slot, dtype, size_of, done = claim(slots), w.dtype, w.itemsize, 0
        rows, row_step, inner_step, flipped = steps
        lanes, inner, total = WIDTH // size_of, places.shape[1], len(y) * outs[2] * outs[3]
        packed, products, lines = room[slot].ctypes.data, sums[slot].ctypes.data, scratch[slot].ctypes.data
        while True:
            r = claim(cursor) * lanes
            if r >= rows:
                return done
            done += 1
            some = min(lanes, rows - r)
            pack(w.ctypes.data + r * row_step, row_step, inner_step, flipped, some, inner, packed, lines, dtype,
                 size_of)  # fmt: skip
            for b in range(len(blocks)):
                first, vectors = blocks[b, 0] * lanes, blocks[b, 1]
                block = tiles.ctypes.data + positions * (inner * (blocks[b, 0] - blocks[0, 0]) + b) * WIDTH
                finish(packed, block, inner, some, places, zeros.ctypes.data, products, bias.ctypes.data + r * size_of,
                       y.ctypes.data + r * y.strides[1], y.strides[1], y.strides[0], outs, first,
                       min(vectors * lanes, total - first), vectors, lines, dtype, size_of)  # fmt: skip

    return SimpleNamespace(
        pack_filters=pack_filters,
        convolve_blocks=convolve_blocks,
        enter_blocks=enter_blocks,
        convolve_rows=convolve_rows,
    )
