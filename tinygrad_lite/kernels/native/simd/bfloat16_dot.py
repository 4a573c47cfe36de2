"""Sums of products of pairs of bfloat16, two of which an instruction of AVX-512 adds to each float32 of a vector.

A word of 32 bits holds a pair: the numbers of two rows of a matrix, which belong to the same column; the upper row's in
the low half. A bfloat16 is the upper half of a float32.

Written in LLVM's own language, as `tile` is.
Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined"

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir

from ..codegen.instructions import for_range, get_or_insert_function
from ..codegen.language.intrinsics import intrinsic, intrinsic_of_literals, types
from ..codegen.machine import features
from .blocks import INT, INTP, PANEL, ROWS, WIDTH, Block


@cache
def compilable() -> bool:
    """Whether kernels are compiled for a processor that has the instruction: for any other LLVM ends the process."""
    return WIDTH == 64 and "+avx512bf16" in features().split(",")


@intrinsic_of_literals
def add_pairs(typingctx: Any, columns: Any, a: Any, b: Any, count: Any, out: Any, pitch: Any) -> Any:
    """``out[r, i] += sum over k of low(a[k, r]) * low(b[k, i]) + high(a[k, r]) * high(b[k, i])``.

    For as many rows as `tile` has in a block, and `columns` vectors of i. All arrays by address; `pitch` is how many
    bytes are from row to row, in each of them.
    """
    signature = types.void(columns, *(types.intp,) * 5)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b, count, out, pitch = args[1:]
        block = Block(context, builder, types.float32, ROWS, columns.literal_value)
        pairs = ir.VectorType(INT, block.lanes)  # as of old; newer versions of LLVM make bfloat of them
        kind = ir.FunctionType(block.vector, [block.vector, pairs, pairs])
        dot = get_or_insert_function(builder.module, kind, "llvm.x86.avx512bf16.dpbf16ps.512")
        lines = [builder.add(out, builder.mul(pitch, ir.Constant(INTP, r))) for r in range(block.rows)]
        for line, sums in zip(lines, block.sums):
            for i, slot in enumerate(sums):
                builder.store(block.load(block.vector, block.at(line, i * WIDTH)), slot)
        with for_range(builder, count, intp=INTP) as loop:
            step = builder.mul(loop.index, pitch)
            here, there = builder.add(b, step), builder.add(a, step)
            xs = [
                builder.bitcast(block.load(block.vector, block.at(here, i * WIDTH)), pairs)
                for i in range(block.columns)
            ]
            for r, sums in enumerate(block.sums):
                word = block.load(block.number, block.at(there, r * block.size))
                factor = builder.bitcast(block.everywhere(word), pairs)
                for x, slot in zip(xs, sums):
                    builder.store(builder.call(dot, [builder.load(slot), factor, x]), slot)
        for line, sums in zip(lines, block.sums):
            for i, slot in enumerate(sums):
                block.store(builder.load(slot), block.at(line, i * WIDTH))
        return context.get_dummy_value()

    return signature, codegen


def _everywhere(number: int, lanes: int) -> Any:
    """An integer in all lanes."""
    return ir.Constant(ir.VectorType(INT, lanes), [number] * lanes)


@intrinsic
def blend_words(typingctx: Any, block: Any, words: Any, count: Any, alpha: Any, beta: Any) -> Any:
    """``block = alpha * block + beta * words``, with twice as many rows of float32 as there are rows of pairs.

    Both by address; `alpha` and `beta` are float32. Rows are as wide as a panel.
    """
    signature = types.void(*(types.intp,) * 3, types.float32, types.float32)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, words, count, *factors = args
        tile = Block(context, builder, types.float32, 0, 0)
        integers, half = ir.VectorType(INT, tile.lanes), _everywhere(16, tile.lanes)
        high = _everywhere(0xFFFF0000, tile.lanes)
        alpha, beta = map(tile.everywhere, factors)
        with for_range(builder, count, intp=INTP) as loop:
            here = tile.address(words, loop.index, PANEL * WIDTH)
            there = tile.address(sums, loop.index, 2 * PANEL * WIDTH)
            for i in range(PANEL):
                pair = tile.load(integers, tile.at(here, i * WIDTH))
                for row, bits in enumerate((builder.shl(pair, half), builder.and_(pair, high))):
                    place = tile.at(there, (row * PANEL + i) * WIDTH)
                    more = builder.fmul(beta, builder.bitcast(bits, tile.vector))
                    product = builder.fmul(alpha, tile.load(tile.vector, place), flags=("contract",))
                    tile.store(builder.fadd(product, more, flags=("contract",)), place)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def round_words(typingctx: Any, block: Any, words: Any, count: Any) -> Any:
    """``words = block``, rounded to nearest, to even where two are: rows of pairs, of twice as many rows of float32.

    Both by address. Rows are as wide as a panel. Of NaN those stay NaN that arithmetic makes: quiet ones.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        block, words, count = args
        tile = Block(context, builder, types.float32, 0, 0)
        integers, half = ir.VectorType(INT, tile.lanes), _everywhere(16, tile.lanes)
        one, below, high = (_everywhere(n, tile.lanes) for n in (1, 0x7FFF, 0xFFFF0000))

        def rounded(place: Any) -> Any:
            number = tile.load(tile.vector, place)
            bits = builder.bitcast(number, integers)
            odd = builder.and_(builder.lshr(bits, half), one)
            nearest = builder.add(bits, builder.add(below, odd))
            # what rounding adds would carry some NaN to zero; what makes it one is in the upper half, if it is quiet
            return builder.select(builder.fcmp_unordered("uno", number, number), bits, nearest)

        with for_range(builder, count, intp=INTP) as loop:
            here = tile.address(words, loop.index, PANEL * WIDTH)
            there = tile.address(block, loop.index, 2 * PANEL * WIDTH)
            for i in range(PANEL):
                first, second = (rounded(tile.at(there, (row * PANEL + i) * WIDTH)) for row in range(2))
                pair = builder.or_(builder.lshr(first, half), builder.and_(second, high))
                tile.store(pair, tile.at(here, i * WIDTH))
        return context.get_dummy_value()

    return types.void(*(types.intp,) * 3), codegen
