"""`strips_by_panel`, `spread_lines`, `turn_lines`: products of matrices in vector registers, and copies for them.

Written in LLVM's own language, as `blocks` is.
Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.instructions import for_range, get_or_insert_function
from ..codegen.language.intrinsics import intrinsic_of_literals, types
from .lines import _below, _masked_load, _store_first, turned
from .vectors import INT, INTP, PANEL, WIDTH, Block

PITCH = PANEL * WIDTH  # bytes of a row of a panel
AHEAD = 8  # lines: the processor itself looks no further than the page


@intrinsic_of_literals
def strips_by_panel(
    typingctx: Any, rows: Any, vectors: Any, dtype: Any, count: Any, a: Any, a_row: Any, a_column: Any, a_strip: Any,
    panel: Any, step: Any, depth: Any, out: Any, pitch: Any, columns: Any, fresh: Any, bias: Any,
) -> Any:  # fmt: skip
    """``out[r, i] += sum over k of a[r, k] * panel[k, i]``, or ``=`` that where `fresh` is not 0, plus ``bias[i]``.

    For `count` rows, in strips of so many (`rows`), which begin `a_strip` apart; and the first `columns` of so many
    vectors: more than they have without the last, if they are a whole panel. No bias is 0. All arrays by address, steps
    in bytes; `step` is the panel's from k to k + 1.
    """
    signature = types.void(rows, vectors, dtype, *(types.intp,) * 13)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        count, a, a_row, a_column, a_strip, panel, step, depth, out, pitch, columns, fresh, bias = args[3:]
        many, width = rows.literal_value, vectors.literal_value
        block, numbers, nothing = Block(context, builder, dtype.dtype, many, width), range(width), ir.Constant(INTP, 0)
        full = width - 1 if width == PANEL else 0  # vectors before them have all their entries
        left = [builder.sub(columns, ir.Constant(INTP, i * block.lanes)) for i in numbers]
        masks = [_below(builder, each, block.lanes) for each in left]

        def load(line: Any, i: int) -> Any:
            if i < full:
                return block.load(block.vector, block.at(line, i * WIDTH))
            return _masked_load(builder, block.vector, block.at(line, i * WIDTH), masks[i], block.size)

        strips = builder.udiv(builder.add(count, ir.Constant(INTP, many - 1)), ir.Constant(INTP, many))
        with for_range(builder, strips, intp=INTP) as outer:
            first = builder.mul(outer.index, ir.Constant(INTP, many))
            shown = [builder.icmp_signed("<", block.at(first, r), count) for r in range(many)]
            places = [builder.select(there, builder.mul(a_row, ir.Constant(INTP, r)), nothing)
                      for r, there in enumerate(shown)]  # a row that is not there is the first once more  # fmt: skip
            lines = [builder.add(out, builder.mul(pitch, block.at(first, r))) for r in range(many)]
            for sums in block.sums:
                for slot in sums:
                    builder.store(ir.Constant(block.vector, None), slot)
            with builder.if_then(builder.icmp_signed("==", fresh, nothing)):
                for there, line, sums in zip(shown, lines, block.sums):
                    with builder.if_then(there):
                        for i in numbers:
                            builder.store(load(line, i), sums[i])
            strip = builder.add(a, builder.mul(a_strip, outer.index))
            with for_range(builder, depth, intp=INTP) as loop:
                here = builder.add(panel, builder.mul(step, loop.index))
                xs = [block.load(block.vector, block.at(here, i * WIDTH)) for i in numbers]
                start = builder.add(strip, builder.mul(a_column, loop.index))
                for r, place in enumerate(places):
                    factor = block.everywhere(block.load(block.number, builder.add(start, place)))
                    for i, x in enumerate(xs):
                        block.add_product(r, i, factor, x)
            with builder.if_then(builder.icmp_signed("!=", bias, nothing)):
                added = [load(bias, i) for i in numbers]
                for sums in block.sums:
                    for slot, each in zip(sums, added):
                        builder.store(builder.fadd(builder.load(slot), each), slot)
            for there, line, sums in zip(shown, lines, block.sums):
                with builder.if_then(there):
                    for i in numbers:
                        value, place = builder.load(sums[i]), block.at(line, i * WIDTH)
                        if i < full:
                            block.store(value, place)
                        else:
                            _store_first(block, value, place, left[i])
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def spread_lines(
    typingctx: Any, vectors: Any, lanes: Any, dtype: Any, every: Any, lines: Any, source: Any, source_step: Any,
    target: Any, target_step: Any, apart: Any, count: Any,
) -> Any:  # fmt: skip
    """Copy the first `count` elements of each line to vectors that are `apart` bytes apart, `every` elements to each.

    Of so many vectors of so many `lanes`; whole ones are written. All arrays by address, steps from line to line in
    bytes.
    """
    signature = types.void(vectors, lanes, dtype, every, *(types.intp,) * 7)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lines, source, source_step, target, target_step, apart, count = args[4:]
        block, many, n = Block(context, builder, dtype.dtype, 0, 0), vectors.literal_value, every.literal_value
        vector = ir.VectorType(block.number, lanes.literal_value)
        left = [builder.sub(count, ir.Constant(INTP, i * n)) for i in range(many)]
        masks = [_below(builder, each, vector.count) for each in left]
        places = [builder.add(target, builder.mul(apart, ir.Constant(INTP, i))) for i in range(many)]
        memory = ir.PointerType(ir.IntType(8))
        prefetch = get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [memory, INT, INT, INT]), "llvm.prefetch.p0"
        )
        how = [ir.Constant(INT, v) for v in (0, 3, 1)]  # to be read, into the first cache, as data
        with for_range(builder, lines, intp=INTP) as loop:
            line = builder.add(source, builder.mul(source_step, loop.index))
            ahead = builder.add(line, builder.mul(source_step, ir.Constant(INTP, AHEAD)))
            for start in range(0, many * n * block.size, WIDTH):
                builder.call(prefetch, [builder.inttoptr(block.at(ahead, start), memory), *how])
            step = builder.mul(target_step, loop.index)
            for i, (mask, place) in enumerate(zip(masks, places)):
                value = _masked_load(builder, vector, block.at(line, i * n * block.size), mask, block.size)
                block.store(value, builder.add(place, step))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def turn_lines(
    typingctx: Any, dtype: Any, source: Any, source_step: Any, rows: Any, columns: Any, target: Any, target_step: Any
) -> Any:
    """``target[i, r] = source[r, i]`` for any number of columns of at most a vector of rows.

    Whole vectors are written. All arrays by address, steps from line to line in bytes.
    """
    signature = types.void(dtype, *(types.intp,) * 6)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_step, rows, columns, target, target_step = args[1:]
        block = Block(context, builder, dtype.dtype, 0, 0)
        lanes, nothing = block.lanes, ir.Constant(INTP, 0)
        starts = []
        for r in range(lanes):  # a row that is not there is the first once more
            there = builder.icmp_signed("<", ir.Constant(INTP, r), rows)
            step = builder.mul(source_step, ir.Constant(INTP, r))
            starts.append(builder.add(source, builder.select(there, step, nothing)))
        whole = builder.udiv(columns, ir.Constant(INTP, lanes))
        with for_range(builder, whole, intp=INTP) as loop:
            vectors = [block.load(block.vector, block.address(start, loop.index, WIDTH)) for start in starts]
            to = builder.add(target, builder.mul(builder.mul(target_step, ir.Constant(INTP, lanes)), loop.index))
            for i, vector in enumerate(turned(block, vectors)):
                block.store(vector, builder.add(to, builder.mul(target_step, ir.Constant(INTP, i))))
        done = builder.mul(whole, ir.Constant(INTP, lanes))
        to = builder.add(target, builder.mul(target_step, done))
        with for_range(builder, builder.sub(columns, done), intp=INTP) as loop:
            vector = ir.Constant(block.vector, ir.Undefined)
            place = builder.mul(builder.add(done, loop.index), ir.Constant(INTP, block.size))
            for r, start in enumerate(starts):
                number = block.load(block.number, builder.add(start, place))
                vector = builder.insert_element(vector, number, ir.Constant(INT, r))
            block.store(vector, builder.add(to, builder.mul(target_step, loop.index)))
        return context.get_dummy_value()

    return signature, codegen
