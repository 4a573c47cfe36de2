"""The loops of compiled convolutions: slabs times weights, and slabs times slabs.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from typing import Any

from ..kernel import kernel
from ..native.memory import bare, claim
from ..native.simd.blocks import (
    COLUMNS_1,
    COLUMNS_2,
    COLUMNS_4,
    COLUMNS_6,
    COLUMNS_8,
    WIDTH,
    copy_lines,
    move,
    rows_by_columns,
    rows_by_rows,
)
from .padded_layout import no_plain

# --- slab times weights ---------------------------------------------------------------------------------------------


def emit(
    block: Any, rows: int, y: Any, image: int, channel: int, d: int, h: int, w: int, n: int, size: Any, first: Any,
    step: Any, count: Any, full: Any,
) -> Any:  # fmt: skip
    """Write a block of results to their places, without those that run over the ends of rows; return what is next."""
    at, wide = 0, block.shape[1]
    target = y.ctypes.data + image * y.strides[0] + channel * y.strides[1]
    while at < n:
        run = min(size[2] - w, n - at)
        stop = min(w + run, count[2])
        if w < stop and h < count[1]:
            base = ((first[0] + d * step[0]) * full[1] + first[1] + h * step[1]) * full[2] + first[2] + w * step[2]
            source, place = block.ctypes.data + at * block.itemsize, target + base * y.itemsize
            if step[2] == 1 and rows == 1:
                move(source, place, (stop - w) * block.itemsize)
            elif step[2] == 1:
                copy_lines(1, block.dtype, rows, source, block.strides[0], place, y.strides[1], stop - w)
            elif step[2] == 2:
                copy_lines(2, block.dtype, rows, source, block.strides[0], place, y.strides[1], stop - w)
            else:
                for r in range(rows):
                    for i in range(stop - w):
                        y[image, channel + r, base + i * step[2]] = block[r + (at + i) // wide, (at + i) % wide]
        at += run
        w += run
        if w == size[2]:
            w, h = 0, h + 1
        if h == size[1]:
            d, h = d + 1, 0
    return d, h, w


def widest(rows: int) -> int:
    """How many vectors of columns `strip` multiplies at most."""
    if rows == 8:
        return COLUMNS_8
    if rows == 6:
        return COLUMNS_6
    if rows == 4:
        return COLUMNS_4
    return COLUMNS_2 if rows == 2 else COLUMNS_1


def strip(
    rows: int, a: int, p: int, a_step: int, b: int, q: int, count: int, left: int, out: int, pitch: int, bias: int,
    lanes: int, dtype: Any,
) -> int:  # fmt: skip
    """Multiply some rows with as many vectors of columns as there is room for; return how many elements that is."""
    vectors = -(-left // lanes)
    if rows == 8 and COLUMNS_8 == 3 and vectors > 2 and vectors != 4:
        rows_by_columns(8, COLUMNS_8, dtype, a, p, a_step, b, q, count, out, pitch, bias)
        return COLUMNS_8 * lanes
    if rows == 8 and COLUMNS_8 == 3 and vectors > 1:
        rows_by_columns(8, 2, dtype, a, p, a_step, b, q, count, out, pitch, bias)
        return 2 * lanes
    if rows == 6 and vectors >= COLUMNS_6:
        rows_by_columns(6, COLUMNS_6, dtype, a, p, a_step, b, q, count, out, pitch, bias)
        return COLUMNS_6 * lanes
    if rows == 4 and vectors >= COLUMNS_4:
        rows_by_columns(4, COLUMNS_4, dtype, a, p, a_step, b, q, count, out, pitch, bias)
        return COLUMNS_4 * lanes
    if rows == 2 and vectors >= COLUMNS_2:
        rows_by_columns(2, COLUMNS_2, dtype, a, p, a_step, b, q, count, out, pitch, bias)
        return COLUMNS_2 * lanes
    if rows == 1 and vectors > COLUMNS_1 // 2:  # some of it in vain, which costs less than one vector at a time
        rows_by_columns(1, COLUMNS_1, dtype, a, p, a_step, b, q, count, out, pitch, bias)
        return COLUMNS_1 * lanes
    if rows == 8:
        rows_by_columns(8, 1, dtype, a, p, a_step, b, q, count, out, pitch, bias)
    elif rows == 6:
        rows_by_columns(6, 1, dtype, a, p, a_step, b, q, count, out, pitch, bias)
    elif rows == 4:
        rows_by_columns(4, 1, dtype, a, p, a_step, b, q, count, out, pitch, bias)
    elif rows == 2:
        rows_by_columns(2, 1, dtype, a, p, a_step, b, q, count, out, pitch, bias)
    else:
        rows_by_columns(1, 1, dtype, a, p, a_step, b, q, count, out, pitch, bias)
    return lanes


@kernel(no_plain)
def multiply(
    slab: Any, weights: Any, bias: Any, y: Any, offsets: Any, taps: Any, blocks: Any, size: Any, first: Any, step: Any,
    count: Any, full: Any, grain: Any, scratch: Any, slots: Any, cursor: Any,
) -> int:  # fmt: skip
    """Results of one kind; a piece is some images or a part of one, and some blocks of channels.

    `offsets` in the slab meet `taps` in a row of the weights. `grain`: positions in all; and in a piece images,
    positions, blocks.
    """
    slab, weights, y, blocks, scratch = bare(slab), bare(weights), bare(y), bare(blocks), bare(scratch)
    size, first, step, count, full = bare(size), bare(first), bare(step), bare(count), bare(full)
    positions, images, span, many = grain
    block, dtype, size_of = scratch[claim(slots)], slab.dtype, slab.itemsize
    by_image, by_span, by_block = -(-len(slab) // images), -(-positions // span), -(-len(blocks) // many)
    lanes, k, done = WIDTH // size_of, offsets.size, 0
    # addresses rather than views, which would be counted
    places, w_places, origin, bases = offsets.ctypes.data, taps.ctypes.data, slab.ctypes.data, bias.ctypes.data
    while True:
        piece = claim(cursor)
        if piece >= by_image * by_span * by_block:
            return done
        done += 1
        which, piece = piece % by_block, piece // by_block
        start, image = piece % by_span * span, piece // by_span * images
        for b in range(which * many, min((which + 1) * many, len(blocks))):
            group, channel, rows = blocks[b, 0], blocks[b, 1], blocks[b, 2]
            w = weights.ctypes.data + channel * weights.strides[0]
            for n in range(image, min(image + images, len(slab))):
                source = origin + n * slab.strides[0] + group * slab.strides[1]
                target = y.ctypes.data + n * y.strides[0] + channel * y.strides[1]
                at, stop = start, min(start + span, positions)
                d, h, column = at // (size[1] * size[2]), at // size[2] % size[1], at % size[2]
                while at < stop:
                    if h >= count[1]:  # nothing but what runs over the ends
                        at += (size[1] - h) * size[2] - column
                        d, h, column = d + 1, 0, 0
                        continue
                    if column >= count[2]:
                        at += size[2] - column
                        h, column = h + 1, 0
                        continue
                    made, left = 0, min(stop - at, count[2] - column)
                    straight = step[2] == 1 and (left >= widest(rows) * lanes or (rows > 1 and left % lanes == 0))
                    if straight:  # within a row
                        line = (first[0] + d * step[0]) * full[1] + first[1] + h * step[1]
                        to, pitch = target + (line * full[2] + first[2] + column) * size_of, y.strides[1]
                    else:
                        to, pitch, left = block.ctypes.data, block.strides[0], stop - at
                    # a single row goes on while there is room: parts of what has just been written are slow to read
                    while made == 0 or (
                        rows == 1 and not straight and made < left and made + COLUMNS_1 * lanes <= block.size
                    ):
                        made += strip(
                            rows, w, w_places, weights.strides[0], source + (at + made) * size_of, places, k,
                            left - made, to + made * size_of, pitch, bases + channel * size_of, lanes, dtype,
                        )  # fmt: skip
                    if straight:
                        column += made
                    else:
                        d, h, column = emit(
                            block, rows, y, n, channel, d, h, column, min(made, left), size, first, step, count, full
                        )
                    at += made


# --- slab times slab ------------------------------------------------------------------------------------------------


def sums_of_products(
    y: int, y_pitch: int, y_step: int, x: int, o: int, x_step: int, steps: int, count: int, rows: int, b: int,
    dtype: Any,
) -> int:  # fmt: skip
    """Multiply `rows` lines with as many others as there is room for, and return how many that is."""
    if rows == 8:
        rows_by_rows(8, COLUMNS_8, dtype, y, y_pitch, y_step, x, o, x_step, steps, count, b)
        return COLUMNS_8
    if rows == 6:
        rows_by_rows(6, COLUMNS_6, dtype, y, y_pitch, y_step, x, o, x_step, steps, count, b)
        return COLUMNS_6
    if rows == 4:
        rows_by_rows(4, COLUMNS_4, dtype, y, y_pitch, y_step, x, o, x_step, steps, count, b)
        return COLUMNS_4
    if rows == 2:
        rows_by_rows(2, COLUMNS_2, dtype, y, y_pitch, y_step, x, o, x_step, steps, count, b)
        return COLUMNS_2
    rows_by_rows(1, COLUMNS_1, dtype, y, y_pitch, y_step, x, o, x_step, steps, count, b)
    return COLUMNS_1


@kernel(no_plain)
def correlate_slabs(
    y: Any, x: Any, offsets: Any, columns: int, blocks: Any, w: Any, grain: Any, scratch: Any, slots: Any, cursor: Any
) -> int:
    """``w[a, j] += sum over n and i of y[n, a, i] x[n, offsets[j] + i]``; a piece is some rows and columns of `w`.

    `grain`: vectors in a line; at a time images and vectors; in a piece blocks of rows, and columns.
    """
    y, x, w, offsets, blocks, scratch = bare(y), bare(x), bare(w), bare(offsets), bare(blocks), bare(scratch)
    vectors, images, span, many, wide = grain
    block, dtype = scratch[claim(slots)].reshape(-1), y.dtype
    by_column = -(-columns // wide)
    done = 0
    while True:
        piece = claim(cursor)
        if piece >= -(-len(blocks) // many) * by_column:
            return done
        done += 1
        first, left = piece // by_column * many, piece % by_column * wide
        right = min(left + wide, columns)
        for n in range(0, len(y), images):
            steps = min(images, len(y) - n)
            for start in range(0, vectors, span):
                count = min(span, vectors - start)
                for b in range(first, min(first + many, len(blocks))):
                    group, channel, rows = blocks[b, 0], blocks[b, 1], blocks[b, 2]
                    line = y.ctypes.data + n * y.strides[0] + channel * y.strides[1]
                    other = x.ctypes.data + n * x.strides[0] + group * x.strides[1]
                    j = left
                    while j < right:
                        made = sums_of_products(
                            line + start * WIDTH, y.strides[1], y.strides[0], other + start * WIDTH,
                            offsets.ctypes.data + 8 * j, x.strides[0], steps, count, rows, block.ctypes.data, dtype,
                        )  # fmt: skip
                        for r in range(rows):
                            for i in range(min(made, right - j)):
                                w[channel + r, j + i] += block[r * made + i]
                        j += made
