"""The loops of convolutions whose groups have few channels: bands of some groups, turned to pixels and weighed.

A vector holds one channel of each of some groups. So whatever the window, its stride and the size of an image, results
are sums of vectors where they lie, one for each tap.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from typing import Any

from ...kernel import kernel
from ...native.memory import bare, claim, word
from ...native.simd.blocks import WIDTH, clear
from ...native.simd.pixels import (
    TAPS,
    TOGETHER,
    gather_pixel,
    meet_pixels,
    scatter_pixel,
    turn_square,
    weigh_pixels,
)
from ..padded_layout import no_plain
from .pixel_plan import (
    ABOVE,
    BELOW,
    BLOCKS,
    COUNT,
    FIRST,
    LAST,
    PLACES,
    READ,
    READS,
    TAP,
    WINDOWS,
    WRITE,
    WRITES,
    ZEROS_ABOVE,
    ZEROS_BELOW,
)


def to_pixels(
    source: int, lines: int, count: int, target: int, step: int, places: int, by: int, dtype: Any, size: int
) -> None:
    """``target[i * step + places[i * by], r] = source[lines[r] + i]`` for `count` pixels i.

    A rest that is less than a vector is turned with what precedes it. Everything but `count` in bytes.
    """
    lanes = WIDTH // size
    if count < lanes:
        for i in range(count):
            gather_pixel(dtype, source + i * size, lines, target + i * step + word(places + i * by))
    else:
        for i in range(0, count, lanes):
            at = min(i, count - lanes)
            turn_square(dtype, source + at * size, lines, target + at * step, places + at * by)


def to_planes(source: int, places: int, count: int, target: int, lines: int, dtype: Any, size: int) -> None:
    """The reverse, ``target[lines[r] + i] = source[i, r]``; `places` are those of a vector of pixels side by side."""
    lanes = WIDTH // size
    if count < lanes:
        for i in range(count):
            scatter_pixel(dtype, source + i * WIDTH, target + i * size, lines)
    else:
        for i in range(0, count, lanes):
            at = min(i, count - lanes)
            turn_square(dtype, source + at * WIDTH, places, target + at * size, lines)


def lay_band(band: Any, source: int, lines: int, room: int, places: int, dtype: Any, size: int) -> None:
    """Lay out a channel's part of a band, and the zeros before and behind it; those beside it are there."""
    clear(room + band[ABOVE] * WIDTH, band[ZEROS_ABOVE] * WIDTH)
    clear(room + band[BELOW] * WIDTH, band[ZEROS_BELOW] * WIDTH)
    to_pixels(source + band[READ] * size, lines, band[READS], room, 0, places + 8 * band[PLACES], 8, dtype, size)


@kernel(no_plain)
def weigh_planes(
    x: Any, w: Any, bias: Any, y: Any, offsets: Any, taps: Any, bands: Any, runs: Any, places: Any, windows: Any,
    grain: Any, scratch: Any, tables: Any, slots: Any, cursor: Any,
) -> int:  # fmt: skip
    """Results of a vector of groups; a piece is some bands of some images.

    `x` of shape (N, C, P), `w` of (A, weights of a channel), `y` of (N, channels, Q); where there are more channels
    than A, the weights are those of the first again. Places and offsets in bytes. `grain`: bands in a piece; channels
    of a group in `x`, and in `y`; and pixels of a band that is laid out, and of its results.
    """
    x, w, bias, y, taps, bands, runs = bare(x), bare(w), bare(bias), bare(y), bare(taps), bare(bands), bare(runs)
    windows, scratch, tables = bare(windows), bare(scratch), bare(tables)
    some, inner, rows, room, results = grain
    size, dtype, done, slot = x.itemsize, x.dtype, 0, claim(slots)
    lanes, count, groups = WIDTH // size, len(taps), y.shape[1] // rows
    units, by_block = len(y) * len(bands), -(-groups // lanes)
    by_unit = -(-units // some)
    laid = -(-scratch[slot].ctypes.data // WIDTH) * WIDTH
    made = laid + inner * room * WIDTH
    where = inner * room + rows * results  # the first vector of weights, behind which there are biases
    vectors, table = scratch[slot][(laid - scratch[slot].ctypes.data) // size :], tables[slot]
    weights, biases = laid + where * WIDTH, laid + (where + rows * count) * WIDTH
    for i in range(lanes):
        table[2, i] = i * WIDTH
    x_lines, y_lines, side = table[0].ctypes.data, table[1].ctypes.data, table[2].ctypes.data
    clear(laid, inner * room * WIDTH)
    while True:
        piece = claim(cursor)
        if piece >= by_block * by_unit:
            return done
        done += 1
        first, unit = piece // by_unit * lanes, piece % by_unit * some
        for r in range(lanes):
            g = min(first + r, groups - 1)  # what is beyond the last does the same
            table[0, r], table[1, r] = g * inner * x.shape[2] * size, g * rows * y.shape[2] * size
            for a in range(rows):
                row = (g * rows + a) % len(w)
                vectors[(where + rows * count + a) * lanes + r] = bias[row]
                for t in range(count):
                    vectors[(where + a * count + t) * lanes + r] = w[row, taps[t]]
        for u in range(unit, min(unit + some, units)):
            band, image = bands[u % len(bands)], u // len(bands)
            source = x.ctypes.data + image * x.shape[1] * x.shape[2] * size
            target = y.ctypes.data + image * y.shape[1] * y.shape[2] * size
            for c in range(inner):
                lay_band(band, source + c * x.shape[2] * size, x_lines, laid + c * room * WIDTH, places.ctypes.data,
                         dtype, size)  # fmt: skip
            for i in range(band[FIRST], band[LAST]):
                tap, end = runs[i, TAP], runs[i, WINDOWS] + runs[i, BLOCKS] * TOGETHER
                for p in range(runs[i, WINDOWS], end, TOGETHER):
                    for a in range(rows):
                        weigh_pixels(
                            dtype, laid, windows.ctypes.data + 8 * p, offsets.ctypes.data + 8 * tap,
                            weights + (a * count + tap) * WIDTH, runs[i, COUNT], biases + a * WIDTH,
                            made + a * results * WIDTH, windows.ctypes.data + 8 * (windows.shape[1] + p),
                        )  # fmt: skip
            for a in range(rows):
                to_planes(made + a * results * WIDTH, side, band[WRITES],
                          target + (a * y.shape[2] + band[WRITE]) * size, y_lines, dtype, size)  # fmt: skip


@kernel(no_plain)
def meet_planes(
    x: Any, y: Any, w: Any, offsets: Any, taps: Any, bands: Any, runs: Any, places: Any, windows: Any, grain: Any,
    scratch: Any, tables: Any, slots: Any, cursor: Any,
) -> int:  # fmt: skip
    """Weights, as sums over images, of a vector of groups; a piece is some bands of some images.

    `w` of shape (pieces of each vector, A, channels of a group, taps) holds the sums of each. Else as `weigh_planes`.
    """
    x, y, w, taps, bands, runs = bare(x), bare(y), bare(w), bare(taps), bare(bands), bare(runs)
    windows, scratch, tables = bare(windows), bare(scratch), bare(tables)
    some, inner, rows, room, results = grain
    size, dtype, done, slot = x.itemsize, x.dtype, 0, claim(slots)
    lanes, count, groups = WIDTH // size, len(taps), y.shape[1] // rows
    units, by_block, by_unit = len(y) * len(bands), -(-groups // lanes), len(w)
    laid = -(-scratch[slot].ctypes.data // WIDTH) * WIDTH
    made = laid + inner * room * WIDTH
    where = inner * room + rows * results  # the first vector of sums
    vectors, table = scratch[slot][(laid - scratch[slot].ctypes.data) // size :], tables[slot]
    for i in range(lanes):
        table[2, i] = i * WIDTH
    x_lines, y_lines, side = table[0].ctypes.data, table[1].ctypes.data, table[2].ctypes.data
    clear(laid, inner * room * WIDTH)
    while True:
        piece = claim(cursor)
        if piece >= by_block * by_unit:
            return done
        done += 1
        first, part = piece // by_unit * lanes, piece % by_unit
        for r in range(lanes):
            g = min(first + r, groups - 1)
            table[0, r], table[1, r] = g * inner * x.shape[2] * size, g * rows * y.shape[2] * size
        clear(laid + where * WIDTH, rows * inner * count * WIDTH)
        for u in range(part * some, min((part + 1) * some, units)):
            band, image = bands[u % len(bands)], u // len(bands)
            source = x.ctypes.data + image * x.shape[1] * x.shape[2] * size
            target = y.ctypes.data + image * y.shape[1] * y.shape[2] * size
            for c in range(inner):
                lay_band(band, source + c * x.shape[2] * size, x_lines, laid + c * room * WIDTH, places.ctypes.data,
                         dtype, size)  # fmt: skip
            for a in range(rows):
                to_pixels(target + (a * y.shape[2] + band[WRITE]) * size, y_lines, band[WRITES],
                          made + a * results * WIDTH, WIDTH, side, 0, dtype, size)  # fmt: skip
                for c in range(inner):
                    for t in range(0, count, TAPS):
                        meet_pixels(
                            dtype, laid + c * room * WIDTH, windows.ctypes.data + 8 * runs[band[FIRST], WINDOWS],
                            offsets.ctypes.data + 8 * t, made + a * results * WIDTH, band[WRITES],
                            laid + (where + (a * inner + c) * count + t) * WIDTH,
                        )  # fmt: skip
        for r in range(min(lanes, groups - first)):
            for a in range(rows):
                for c in range(inner):
                    for t in range(runs[0, COUNT]):
                        vector = where + (a * inner + c) * count + t
                        w[part, (first + r) * rows + a, c, taps[t]] = vectors[vector * lanes + r]
