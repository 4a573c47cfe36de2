"""`rows_by_columns`, `rows_by_rows`: small matrix products in vector registers, where convolutions spend their time.

Written in LLVM's own language, since numba's loops are not turned into code that keeps a block of sums in registers.
Imported by whoever runs compiled code, hence never before LLVM is needed. The registers are in `vectors`, and what
only moves their contents in `lines`.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.instructions import for_range
from ..codegen.language.intrinsics import intrinsic_of_literals, types
from .lines import clear as clear
from .lines import copy_lines as copy_lines
from .lines import maxima as maxima
from .lines import move as move
from .lines import take_lines as take_lines
from .lines import turn as turn
from .lines import turned as turned
from .vectors import COLUMNS_1 as COLUMNS_1
from .vectors import COLUMNS_2 as COLUMNS_2
from .vectors import COLUMNS_4 as COLUMNS_4
from .vectors import COLUMNS_6 as COLUMNS_6
from .vectors import COLUMNS_8 as COLUMNS_8
from .vectors import INT as INT
from .vectors import INTP as INTP
from .vectors import PANEL as PANEL
from .vectors import ROWS as ROWS
from .vectors import SIZES as SIZES
from .vectors import WIDTH as WIDTH
from .vectors import Block as Block


@intrinsic_of_literals
def rows_by_columns(
    typingctx: Any, rows: Any, columns: Any, dtype: Any, a: Any, a_places: Any, a_step: Any, b: Any, b_places: Any,
    count: Any, out: Any, pitch: Any, bias: Any,
) -> Any:  # fmt: skip
    """``out[r, i] = bias[r] + sum over k of a[a_places[k] + r * a_step] * b[b_places[k] + i]``.

    For `columns` vectors of i. With no bias (0) the sums are added to what `out` holds. All arrays by address; places,
    step and pitch in bytes.
    """
    signature = types.void(rows, columns, dtype, *(types.intp,) * 9)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, a_places, a_step, b, b_places, count, out, pitch, bias = args[3:]
        block = Block(context, builder, dtype.dtype, rows.literal_value, columns.literal_value)
        steps = [builder.mul(a_step, ir.Constant(INTP, r)) for r in range(block.rows)]
        lines = [builder.add(out, builder.mul(pitch, ir.Constant(INTP, r))) for r in range(block.rows)]
        with builder.if_else(builder.icmp_signed("==", bias, ir.Constant(INTP, 0))) as (onward, afresh):
            with onward:
                for line, sums in zip(lines, block.sums):
                    for i, slot in enumerate(sums):
                        builder.store(block.load(block.vector, block.at(line, i * WIDTH)), slot)
            with afresh:
                for r, sums in enumerate(block.sums):
                    first = block.everywhere(block.load(block.number, block.at(bias, r * block.size)))
                    for slot in sums:
                        builder.store(first, slot)
        with for_range(builder, count, intp=INTP) as loop:
            here = builder.add(b, block.load(INTP, block.address(b_places, loop.index, 8)))
            xs = [block.load(block.vector, block.at(here, i * WIDTH)) for i in range(block.columns)]
            there = builder.add(a, block.load(INTP, block.address(a_places, loop.index, 8)))
            for r, step in enumerate(steps):
                factor = block.everywhere(block.load(block.number, builder.add(there, step)))
                for i, x in enumerate(xs):
                    block.add_product(r, i, factor, x)
        for line, sums in zip(lines, block.sums):
            for i, slot in enumerate(sums):
                block.store(builder.load(slot), block.at(line, i * WIDTH))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def rows_by_rows(
    typingctx: Any, rows: Any, columns: Any, dtype: Any, y: Any, y_pitch: Any, y_step: Any, x: Any, offsets: Any,
    x_step: Any, steps: Any, count: Any, out: Any,
) -> Any:  # fmt: skip
    """``out[r, j] = sum over n and i of y[n, r, i] * x[n, offsets[j] + i]``, for `count` vectors of i.

    All arrays by address, offsets, pitches and steps (those from n to n + 1) in bytes.
    """
    signature = types.void(rows, columns, dtype, *(types.intp,) * 9)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        y, y_pitch, y_step, x, offsets, x_step, steps, count, out = args[3:]
        block = Block(context, builder, dtype.dtype, rows.literal_value, columns.literal_value)
        places = [builder.add(x, block.load(INTP, block.at(offsets, 8 * j))) for j in range(block.columns)]
        with for_range(builder, steps, intp=INTP) as outer:
            to_y, to_x = builder.mul(outer.index, y_step), builder.mul(outer.index, x_step)
            lines = [builder.add(builder.add(y, to_y), builder.mul(y_pitch, ir.Constant(INTP, r)))
                     for r in range(block.rows)]  # fmt: skip
            starts = [builder.add(place, to_x) for place in places]
            with for_range(builder, count, intp=INTP) as loop:
                xs = [block.load(block.vector, block.address(s, loop.index, WIDTH)) for s in starts]
                for r, line in enumerate(lines):
                    value = block.load(block.vector, block.address(line, loop.index, WIDTH))
                    for j, each in enumerate(xs):
                        block.add_product(r, j, value, each)
        for i, totals in enumerate(block.totals()):
            block.store(totals, block.at(out, i * WIDTH))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def gather(
    typingctx: Any, many: Any, dtype: Any, source: Any, places: Any, count: Any, pieces: Any, target: Any, pitch: Any
) -> Any:
    """Put `many` vectors together to lines: ``target[k, tos[i]:] = source[places[k] + froms[i]:]``, in the order of i.

    `pieces` holds the pairs froms[i], tos[i]. Whole vectors are read and written: what one writes beyond its part the
    next overwrites. All arrays by address, and everything but counts in bytes.
    """
    signature = types.void(many, dtype, *(types.intp,) * 6)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, places, count, pieces, target, pitch = args[2:]
        block, numbers = Block(context, builder, dtype.dtype, 0, 0), range(many.literal_value)
        froms = [builder.add(source, block.load(INTP, block.at(pieces, 16 * i))) for i in numbers]
        tos = [builder.add(target, block.load(INTP, block.at(pieces, 16 * i + 8))) for i in numbers]
        with for_range(builder, count, intp=INTP) as loop:
            place = block.load(INTP, block.address(places, loop.index, 8))
            line = builder.mul(loop.index, pitch)
            for origin, end in zip(froms, tos):
                block.store(block.load(block.vector, builder.add(origin, place)), builder.add(end, line))
        return context.get_dummy_value()

    return signature, codegen
