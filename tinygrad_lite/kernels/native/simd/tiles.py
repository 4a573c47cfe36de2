"""Tiles of images transformed in vector registers, a tile in each lane: how Winograd's convolutions begin and end.

Written in LLVM's own language, as `blocks` is.
Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.language.intrinsics import intrinsic_of_literals, types
from .lines import _masked_load, _masked_store, _number
from .toom_cook import matrices
from .vectors import INT, INTP, WIDTH, Block

B, A, G = range(3)  # what inputs, gradients of outputs, and weights are multiplied with
NAMES = ("BT", "A", "G")


def _combine(block: Block, matrix: Any, vectors: list[Any]) -> list[Any]:
    """``matrix @ vectors``; nothing is multiplied by 0 or 1."""
    builder, found = block.builder, []
    for row in matrix:
        terms = sorted(((abs(c) != 1, j) for j, c in enumerate(row) if c), key=lambda term: term[0])
        total = None
        for _, j in terms:
            value, c = vectors[j], float(row[j])
            if total is None:
                total = value if c == 1 else builder.fmul(value, _constant(block, c))
            elif abs(c) == 1:
                total = (builder.fadd if c > 0 else builder.fsub)(total, value, flags=("contract",))
            else:
                product = builder.fmul(value, _constant(block, c), flags=("contract",))
                total = builder.fadd(total, product, flags=("contract",))
        found.append(total)
    return found


def _constant(block: Block, value: float) -> Any:
    return ir.Constant(block.vector, [value] * block.lanes)


def _both(block: Block, matrix: Any, grid: list[list[Any]]) -> list[list[Any]]:
    """``matrix @ grid @ matrix.T``: rows of vectors."""
    turned = [_combine(block, matrix, [row[j] for row in grid]) for j in range(len(grid[0]))]
    return [_combine(block, matrix, [column[i] for column in turned]) for i in range(len(matrix))]


def _picked(block: Block, a: Any, b: Any, order: list[int]) -> Any:
    return block.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT, len(order)), order))


def _apart(block: Block, vectors: list[Any]) -> list[Any]:
    """Every m-th entry of m vectors in a row, from the first, the second, ...; m is a power of two."""
    if len(vectors) == 1:
        return vectors
    pairs, n = list(zip(vectors[::2], vectors[1::2])), block.lanes
    even, odd = ([_picked(block, a, b, list(range(k, 2 * n, 2))) for a, b in pairs] for k in (0, 1))
    return [each for two in zip(_apart(block, even), _apart(block, odd)) for each in two]


def _together(block: Block, vectors: list[Any]) -> list[Any]:
    """The inverse of `_apart`."""
    if len(vectors) == 1:
        return vectors
    n = block.lanes
    low, high = ([lane for i in range(k, k + n // 2) for lane in (i, n + i)] for k in (0, n // 2))
    pairs = zip(_together(block, vectors[::2]), _together(block, vectors[1::2]))
    return [_picked(block, a, b, order) for a, b in pairs for order in (low, high)]


def _lanes_from(block: Block, first: Any) -> Any:
    """The numbers `first`, ``first + 1``, ... in the lanes."""
    numbers = ir.Constant(ir.VectorType(INTP, block.lanes), list(range(block.lanes)))
    return block.builder.add(_number(block.builder, first, block.lanes), numbers)


def _within(block: Block, positions: Any, length: Any) -> Any:
    """Which positions are at least 0 and below a length."""
    return block.builder.icmp_unsigned("<", positions, _number(block.builder, length, block.lanes))


@intrinsic_of_literals
def tile_rows(
    typingctx: Any, m: Any, which: Any, dtype: Any, plane: Any, height: Any, width: Any, row: Any, column: Any, at: Any,
    length: Any, target: Any, pitch: Any,
) -> Any:  # fmt: skip
    """Transform the columns of a row of tiles, for a vector of them that lie side by side in the image.

    Read are the positions from (`row`, `column`) on of an image's channel (`plane`, by address), zero outside of it:
    m + 2 rows (`which` B) or m (A). The results are the n lines from `target` on, `pitch` bytes apart, where a tile has
    m entries: from `at` on, as far as they are below `length`. With B, whose tiles are wider, the n lines behind those
    hold the same, m entries earlier: what of a tile lies in the next one's place.
    """
    signature = types.void(m, which, dtype, *(types.intp,) * 9)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        plane, height, width, row, column, at, length, target, pitch = args[3:]
        many, matrix = m.literal_value, matrices(m.literal_value)[NAMES[which.literal_value]]
        block, (n, k) = Block(context, builder, dtype.dtype, 0, 0), matrix.shape
        shown = _within(block, _lanes_from(block, column), width)
        vectors = []
        for i in range(k):
            y = block.at(row, i)
            there = _number(builder, builder.icmp_unsigned("<", y, height), block.lanes)
            place = builder.add(builder.mul(y, width), column)
            vectors.append(_masked_load(builder, block.vector, block.address(plane, place, block.size),
                                        builder.and_(shown, there), block.size))  # fmt: skip
        made = _combine(block, matrix, vectors)
        for shift in range(0, k, many):
            first = block.at(at, -shift)
            kept, line = _within(block, _lanes_from(block, first), length), block.address(target, first, block.size)
            lines = [line]
            while len(lines) < n:
                lines.append(builder.add(lines[-1], pitch))
            behind = builder.icmp_signed("<=", block.at(first, 0), builder.sub(length, ir.Constant(INTP, block.lanes)))
            whole = builder.and_(behind, builder.icmp_signed(">=", first, ir.Constant(INTP, 0)))
            with builder.if_else(whole) as (all_of_it, part):
                with all_of_it:
                    for vector, line in zip(made, lines):
                        block.store(vector, line)
                with part:
                    for vector, line in zip(made, lines):
                        _masked_store(builder, vector, line, kept, block.size)
            target = builder.add(target, builder.mul(pitch, ir.Constant(INTP, n)))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def tile_columns(typingctx: Any, m: Any, which: Any, dtype: Any, lines: Any, pitch: Any, target: Any, step: Any) -> Any:
    """Transform the rows of a vector of tiles, whose columns `tile_rows` has transformed, from their first entries on.

    The n x n results are vectors, `step` bytes apart. All arrays by address.
    """
    signature = types.void(m, which, dtype, *(types.intp,) * 4)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lines, pitch, target, step = args[3:]
        many, matrix = m.literal_value, matrices(m.literal_value)[NAMES[which.literal_value]]
        block, (n, k) = Block(context, builder, dtype.dtype, 0, 0), matrix.shape
        for i in range(n):
            row = []
            for part in range(0, k, many):
                line = block.address(lines, pitch, i + part // many * n)
                row += _apart(block, [block.load(block.vector, block.at(line, v * WIDTH)) for v in range(many)])
            for j, vector in enumerate(_combine(block, matrix, row[:k])):
                block.store(vector, block.address(target, step, i * n + j))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def untile(typingctx: Any, m: Any, dtype: Any, source: Any, step: Any, bias: Any, lines: Any, pitch: Any) -> Any:
    """Make the m x m outputs of a vector of tiles from n x n vectors, `step` bytes apart, and add a bias.

    The outputs' rows are m lines, `pitch` bytes apart. All by address.
    """
    signature = types.void(m, dtype, *(types.intp,) * 5)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, step, bias, lines, pitch = args[2:]
        matrix, block = matrices(m.literal_value)["AT"], Block(context, builder, dtype.dtype, 0, 0)
        n = matrix.shape[1]
        added = block.everywhere(block.load(block.number, bias))
        turned = []
        for j in range(n):
            column = [block.load(block.vector, block.address(source, step, i * n + j)) for i in range(n)]
            turned.append(_combine(block, matrix, column))
        for k in range(len(matrix)):
            row = [builder.fadd(v, added) for v in _combine(block, matrix, [column[k] for column in turned])]
            for v, vector in enumerate(_together(block, row)):
                block.store(vector, block.at(block.address(lines, pitch, k), v * WIDTH))
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def filters(
    typingctx: Any, m: Any, back: Any, dtype: Any, source: Any, source_step: Any, target: Any, target_step: Any
) -> Any:
    """Transform a vector of filters, whose taps are vectors: 3 x 3 to n x n (`back` 0), or the transpose of that (1).

    All arrays by address, steps from vector to vector in bytes.
    """
    signature = types.void(m, back, dtype, *(types.intp,) * 4)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_step, target, target_step = args[3:]
        matrix = matrices(m.literal_value)["GT" if back.literal_value else "G"]
        block, (rows, k) = Block(context, builder, dtype.dtype, 0, 0), matrix.shape
        place = lambda base, step, i: builder.add(base, builder.mul(step, ir.Constant(INTP, i)))  # noqa: E731
        grid = [[block.load(block.vector, place(source, source_step, i * k + j)) for j in range(k)] for i in range(k)]
        for i, row in enumerate(_both(block, matrix, grid)):
            for j, vector in enumerate(row):
                block.store(vector, place(target, target_step, i * rows + j))
        return context.get_dummy_value()

    return signature, codegen
