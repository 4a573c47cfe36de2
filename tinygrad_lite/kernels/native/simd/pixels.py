"""Pixels as vectors of channels: turned to and fro, weighed, and met by others. Convolutions of groups of few channels.

Written in LLVM's own language, as `blocks`. Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.instructions import for_range
from ..codegen.language.intrinsics import intrinsic_of_literals, types
from .lines import turned
from .vectors import INT, INTP, WIDTH, Block

TOGETHER = 8  # pixels whose sums are in registers at once
TAPS = 9  # sums of taps that are: those of the most usual windows


def _place(block: Block, base: Any, table: Any, i: int) -> Any:
    """An address, from a table of offsets."""
    return block.builder.add(base, block.load(INTP, block.at(table, 8 * i)))


@intrinsic_of_literals
def turn_square(typingctx: Any, dtype: Any, source: Any, source_lines: Any, target: Any, target_lines: Any) -> Any:
    """``target[i, r] = source[r, i]`` for a vector of lines r, and one of lines i.

    All arrays by address; `source_lines` and `target_lines` are tables of where lines are, in bytes.
    """
    signature = types.void(dtype, *(types.intp,) * 4)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_lines, target, target_lines = args[1:]
        block = Block(context, builder, dtype.dtype, 0, 0)
        vectors = [block.load(block.vector, _place(block, source, source_lines, r)) for r in range(block.lanes)]
        for i, vector in enumerate(turned(block, vectors)):
            block.store(vector, _place(block, target, target_lines, i))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def gather_pixel(typingctx: Any, dtype: Any, source: Any, lines: Any, target: Any) -> Any:
    """``target[r] = source[r, 0]`` for a vector of lines r; else as `turn_square`."""
    signature = types.void(dtype, *(types.intp,) * 3)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, lines, target = args[1:]
        block = Block(context, builder, dtype.dtype, 0, 0)
        vector = ir.Constant(block.vector, ir.Undefined)
        for r in range(block.lanes):
            number = block.load(block.number, _place(block, source, lines, r))
            vector = builder.insert_element(vector, number, ir.Constant(INT, r))
        block.store(vector, target)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def scatter_pixel(typingctx: Any, dtype: Any, source: Any, target: Any, lines: Any) -> Any:
    """``target[r, 0] = source[r]`` for a vector of lines r; else as `turn_square`."""
    signature = types.void(dtype, *(types.intp,) * 3)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target, lines = args[1:]
        block = Block(context, builder, dtype.dtype, 0, 0)
        vector = block.load(block.vector, source)
        for r in range(block.lanes):
            block.store(builder.extract_element(vector, ir.Constant(INT, r)), _place(block, target, lines, r))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def weigh_pixels(
    typingctx: Any, dtype: Any, x: Any, places: Any, offsets: Any, weights: Any, count: Any, bias: Any, y: Any,
    targets: Any,
) -> Any:  # fmt: skip
    """``y[targets[p]] = bias + sum over t of weights[t] * x[places[p] + offsets[t]]`` for `TOGETHER` pixels p.

    For `count` taps t; all are vectors. All arrays by address; places, targets and offsets are tables, in bytes.
    """
    signature = types.void(dtype, *(types.intp,) * 8)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, places, offsets, weights, count, bias, y, targets = args[1:]
        block = Block(context, builder, dtype.dtype, 1, TOGETHER)
        pixels = [_place(block, x, places, p) for p in range(TOGETHER)]
        first = block.load(block.vector, bias)
        for slot in block.sums[0]:
            builder.store(first, slot)
        with for_range(builder, count, intp=INTP) as loop:
            offset = block.load(INTP, block.address(offsets, loop.index, 8))
            weight = block.load(block.vector, block.address(weights, loop.index, WIDTH))
            for p, pixel in enumerate(pixels):
                block.add_product(0, p, block.load(block.vector, builder.add(pixel, offset)), weight)
        for p, slot in enumerate(block.sums[0]):
            block.store(builder.load(slot), _place(block, y, targets, p))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def meet_pixels(typingctx: Any, dtype: Any, x: Any, places: Any, offsets: Any, y: Any, count: Any, sums: Any) -> Any:
    """``sums[t] += sum over p of y[p] * x[places[p] + offsets[t]]`` for `TAPS` offsets t, and `count` pixels p.

    Else as `weigh_pixels`.
    """
    signature = types.void(dtype, *(types.intp,) * 6)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, places, offsets, y, count, sums = args[1:]
        block = Block(context, builder, dtype.dtype, 1, TAPS)
        starts = [_place(block, x, offsets, t) for t in range(TAPS)]
        with for_range(builder, count, intp=INTP) as loop:
            place = block.load(INTP, block.address(places, loop.index, 8))
            value = block.load(block.vector, block.address(y, loop.index, WIDTH))
            for t, start in enumerate(starts):
                block.add_product(0, t, block.load(block.vector, builder.add(start, place)), value)
        for t, slot in enumerate(block.sums[0]):
            total = block.at(sums, t * WIDTH)
            block.store(builder.fadd(block.load(block.vector, total), builder.load(slot)), total)
        return context.get_dummy_value()

    return signature, codegen
