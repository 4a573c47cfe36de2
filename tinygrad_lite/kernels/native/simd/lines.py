"""`copy_lines`, `take_lines`, `turn`, `maxima`: vectors of memory moved, turned and compared, the last ones in part."""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.instructions import alloca_once_value, copy_bytes, fill_bytes, for_range, get_or_insert_function
from ..codegen.language.intrinsics import intrinsic, intrinsic_of_literals, types
from .vectors import INT, INTP, WIDTH, Block


@intrinsic
def move(typingctx: Any, source: Any, target: Any, count: Any) -> Any:
    """Copy `count` bytes from an address to another."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, target = (builder.inttoptr(address, ir.PointerType(ir.IntType(8))) for address in args[:2])
        copy_bytes(builder, target, source, args[2])
        return context.get_dummy_value()

    return types.void(*(types.intp,) * 3), codegen


@intrinsic
def clear(typingctx: Any, target: Any, count: Any) -> Any:
    """Write zeros to `count` bytes from an address on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        fill_bytes(builder, builder.inttoptr(args[0], ir.PointerType(ir.IntType(8))), args[1], 0)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


# --- parts of vectors -------------------------------------------------------------------------------------------------


def _number(builder: Any, value: Any, lanes: int) -> Any:
    """A value in all lanes."""
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    single = builder.insert_element(undefined, value, ir.Constant(INT, 0))
    return builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(INT, lanes), None))


def _below(builder: Any, count: Any, lanes: int) -> Any:
    """Which lanes have numbers below `count`."""
    numbers = ir.Constant(ir.VectorType(INTP, lanes), list(range(lanes)))
    return builder.icmp_signed("<", numbers, _number(builder, count, lanes))


def _name(kind: Any) -> str:
    """What LLVM calls a vector."""
    number = {ir.FloatType(): "f32", ir.DoubleType(): "f64"}.get(kind.element) or f"i{kind.element.width}"
    return f"v{kind.count}{number}.p0"


def _masked_store(builder: Any, value: Any, address: Any, mask: Any, align: int) -> None:
    pointer = ir.PointerType(value.type)
    kind = ir.FunctionType(ir.VoidType(), [value.type, pointer, INT, mask.type])
    function = get_or_insert_function(builder.module, kind, f"llvm.masked.store.{_name(value.type)}")
    builder.call(function, [value, builder.inttoptr(address, pointer), ir.Constant(INT, align), mask])


def _masked_load(builder: Any, kind: Any, address: Any, mask: Any, align: int) -> Any:
    """A vector with zeros where the mask is closed; nothing is read there."""
    pointer = ir.PointerType(kind)
    signature = ir.FunctionType(kind, [pointer, INT, mask.type, kind])
    function = get_or_insert_function(builder.module, signature, f"llvm.masked.load.{_name(kind)}")
    zero = ir.Constant(kind, None)
    return builder.call(function, [builder.inttoptr(address, pointer), ir.Constant(INT, align), mask, zero])


def _store_first(block: Block, value: Any, address: Any, count: Any) -> None:
    """Store the first `count` lanes of a vector; those of it that there are.

    Where stores have no masks of their own, AVX2's instruction for it takes as long as a dozen of others: a whole
    vector is stored as such, a part as a half, a quarter, ... of one.
    """
    builder, lanes = block.builder, value.type.count
    align = block.size if value.type == block.vector else 4
    if WIDTH == 64:
        return _masked_store(builder, value, address, _below(builder, count, lanes), align)
    with builder.if_else(builder.icmp_signed(">=", count, ir.Constant(INTP, lanes))) as (whole, partly):
        with whole:
            builder.store(value, builder.inttoptr(address, ir.PointerType(value.type)), align=align)
        with partly:
            size = value.type.element.width // 8 if isinstance(value.type.element, ir.IntType) else block.size
            some = builder.icmp_signed(">", count, ir.Constant(INTP, 0))
            while lanes > 1:
                lanes //= 2
                low, high = (
                    builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(INT, lanes), list(part)))
                    for part in (range(lanes), range(lanes, 2 * lanes))
                )
                bit = builder.icmp_signed("!=", builder.and_(count, ir.Constant(INTP, lanes)), ir.Constant(INTP, 0))
                shown = builder.and_(some, bit)
                with builder.if_then(shown):
                    builder.store(low, builder.inttoptr(address, ir.PointerType(low.type)), align=align)
                value = builder.select(shown, high, low)
                address = builder.select(shown, block.at(address, lanes * size), address)


def _store_apart(block: Block, value: Any, address: Any, count: Any, apart: int) -> None:
    """Store the first `count` lanes of a vector at entries that are so far apart; those between them stay.

    Nobody else may write those between them meanwhile: without masks they are read, and written as they were.
    """
    builder, n, parts = block.builder, block.lanes, range(apart)
    kept = ir.Constant(ir.VectorType(ir.IntType(1), n), [int(i % apart == 0) for i in range(n)])
    orders = [ir.Constant(ir.VectorType(INT, n), [(n * p + i) // apart for i in range(n)]) for p in parts]
    wide = [builder.shuffle_vector(value, value, order) for order in orders]
    places = [block.at(address, p * WIDTH) for p in parts]

    def masked() -> None:
        reach = builder.mul(count, ir.Constant(INTP, apart))
        for p in parts:
            within = _below(builder, builder.sub(reach, ir.Constant(INTP, n * p)), n)
            _masked_store(builder, wide[p], places[p], builder.and_(kept, within), block.size)

    if WIDTH == 64:
        return masked()
    with builder.if_else(builder.icmp_signed(">", count, ir.Constant(INTP, n))) as (inside, last):
        with inside:
            for vector, place in zip(wide, places):
                block.store(builder.select(kept, vector, block.load(block.vector, place)), place)
        with last:
            masked()


def _entries(block: Block, apart: int, address: Any, count: Any) -> Any:
    """A vector of `count` entries that are 1 or 2 apart, and zeros."""
    builder, n = block.builder, block.lanes
    reach = builder.sub(builder.mul(count, ir.Constant(INTP, apart)), ir.Constant(INTP, apart - 1))
    parts = [
        _masked_load(builder, block.vector, block.at(address, p * WIDTH),
                     _below(builder, builder.sub(reach, ir.Constant(INTP, n * p)), n), block.size)
        for p in range(apart)
    ]  # fmt: skip
    if apart == 1:
        return parts[0]
    return builder.shuffle_vector(*parts, ir.Constant(ir.VectorType(INT, n), list(range(0, 2 * n, 2))))


def _whole(block: Block, apart: int, address: Any) -> Any:
    """A vector of entries that are 1 or 2 apart; nothing behind the last is read."""
    first, n = block.load(block.vector, address), block.lanes
    if apart == 1:
        return first
    second = block.load(block.vector, block.at(address, (n - 1) * block.size))
    order = [*range(0, n, 2), *range(n + 1, 2 * n, 2)]
    return block.builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(INT, n), order))


def turned(block: Block, vectors: list[Any]) -> list[Any]:
    """The columns of a square, from its rows."""
    vectors, lanes = list(vectors), block.lanes
    half = lanes // 2
    while half:  # exchange the off-diagonal squares of ever smaller blocks
        order = [i for first in range(0, lanes, 2 * half) for i in range(first, first + half)]
        upper = [i + other for first in order[::half] for other in (0, lanes) for i in range(first, first + half)]
        for i in order:
            pair = vectors[i], vectors[i + half]
            for k, shift in ((i, 0), (i + half, half)):
                chosen = ir.Constant(ir.VectorType(INT, lanes), [lane + shift for lane in upper])
                vectors[k] = block.builder.shuffle_vector(*pair, chosen)
        half //= 2
    return vectors


@intrinsic_of_literals
def copy_lines(
    typingctx: Any, apart: Any, dtype: Any, lines: Any, source: Any, source_step: Any, target: Any, target_step: Any,
    count: Any,
) -> Any:  # fmt: skip
    """``target[r, apart * i] = source[r, i]`` for `count` elements of some lines, 1 or 2 apart.

    All arrays by address, steps from line to line in bytes.
    """
    signature = types.void(apart, dtype, *(types.intp,) * 6)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lines, source, source_step, target, target_step, count = args[2:]
        block, many = Block(context, builder, dtype.dtype, 0, 0), apart.literal_value
        n = block.lanes
        steps = builder.udiv(builder.add(count, ir.Constant(INTP, n - 1)), ir.Constant(INTP, n))
        with for_range(builder, steps, intp=INTP) as outer:
            left = builder.sub(count, builder.mul(outer.index, ir.Constant(INTP, n)))
            mask = _below(builder, left, n)
            start, stop = block.address(source, outer.index, WIDTH), block.address(target, outer.index, many * WIDTH)
            with for_range(builder, lines, intp=INTP) as inner:
                origin = builder.add(start, builder.mul(inner.index, source_step))
                value = _masked_load(builder, block.vector, origin, mask, block.size)
                place = builder.add(stop, builder.mul(inner.index, target_step))
                if many == 1:
                    _store_first(block, value, place, left)
                else:
                    _store_apart(block, value, place, left, many)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def take_lines(
    typingctx: Any, apart: Any, dtype: Any, lines: Any, source: Any, source_step: Any, target: Any, target_step: Any,
    count: Any,
) -> Any:  # fmt: skip
    """``target[r, i] = source[r, apart * i]`` for `count` elements of some lines, 1 or 2 apart.

    All arrays by address, steps from line to line in bytes.
    """
    signature = types.void(apart, dtype, *(types.intp,) * 6)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lines, source, source_step, target, target_step, count = args[2:]
        block, many = Block(context, builder, dtype.dtype, 0, 0), apart.literal_value
        n = ir.Constant(INTP, block.lanes)
        steps = builder.udiv(builder.add(count, ir.Constant(INTP, block.lanes - 1)), n)
        with for_range(builder, steps, intp=INTP) as outer:
            left = builder.sub(count, builder.mul(outer.index, n))
            left = builder.select(builder.icmp_signed("<", left, n), left, n)
            start, stop = block.address(source, outer.index, many * WIDTH), block.address(target, outer.index, WIDTH)
            with for_range(builder, lines, intp=INTP) as inner:
                value = _entries(block, many, builder.add(start, builder.mul(inner.index, source_step)), left)
                place = builder.add(stop, builder.mul(inner.index, target_step))
                _store_first(block, value, place, left)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def turn(
    typingctx: Any, apart: Any, dtype: Any, source: Any, source_step: Any, rows: Any, columns: Any, target: Any,
    target_step: Any,
) -> Any:  # fmt: skip
    """``target[i, r] = source[r, apart * i]`` for some rows and columns, at most a vector of each; 1 or 2 apart.

    All arrays by address, steps from line to line in bytes.
    """
    signature = types.void(apart, dtype, *(types.intp,) * 6)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_step, rows, columns, target, target_step = args[2:]
        block = Block(context, builder, dtype.dtype, 0, 0)
        lanes, nothing = block.lanes, ir.Constant(INTP, 0)

        def line(base: Any, step: Any, i: int, lines: Any, count: Any) -> tuple[Any, Any]:
            """Where a line is, and how many entries it has, if it is there."""
            there = builder.icmp_signed("<", ir.Constant(INTP, i), lines)
            return builder.add(base, builder.mul(step, ir.Constant(INTP, i))), builder.select(there, count, nothing)

        full = builder.and_(*(builder.icmp_signed("==", n, ir.Constant(INTP, lanes)) for n in (rows, columns)))
        with builder.if_else(full) as (whole, partly):
            with whole:
                starts = [block.address(source, source_step, r) for r in range(lanes)]
                vectors = [_whole(block, apart.literal_value, start) for start in starts]
                for i, vector in enumerate(turned(block, vectors)):
                    block.store(vector, block.address(target, target_step, i))
            with partly:
                vectors = [
                    _entries(block, apart.literal_value, *line(source, source_step, r, rows, columns))
                    for r in range(lanes)
                ]
                for i, vector in enumerate(turned(block, vectors)):
                    address, count = line(target, target_step, i, columns, rows)
                    _store_first(block, vector, address, count)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic_of_literals
def maxima(
    typingctx: Any, stride: Any, dtype: Any, source: Any, depth: Any, height: Any, width: Any, by_depth: Any,
    by_height: Any, by_width: Any, index: Any, plane: Any, line: Any, step: Any, count: Any, out: Any, out_index: Any,
) -> Any:  # fmt: skip
    """Maxima of a vector of windows that lie side by side, 1 or 2 (`stride`) apart, and where they lie.

    Windows of depth x height x width entries, these being ``by_...`` bytes apart; in a flat index, which for the first
    entry of the first window is `index`, they are `plane`, `line` and `step` apart. The first `count` are written.
    """
    signature = types.void(stride, dtype, *(types.intp,) * 14)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (source, depth, height, width, by_depth, by_height, by_width, index, plane, line, step, count, out,
         out_index) = args[2:]  # fmt: skip
        apart, block = stride.literal_value, Block(context, builder, dtype.dtype, 0, 0)
        lanes = block.lanes
        numbers = ir.VectorType(INT, lanes)
        first = builder.add(_number(builder, builder.trunc(index, INT), lanes),
                            ir.Constant(numbers, [apart * i for i in range(lanes)]))  # fmt: skip
        best, place = (alloca_once_value(builder, v) for v in (_entries(block, apart, source, count), first))
        with (
            for_range(builder, depth, intp=INTP) as i,
            for_range(builder, height, intp=INTP) as j,
            for_range(builder, width, intp=INTP) as k,
        ):
            address, moved = source, ir.Constant(INTP, 0)
            for loop, by, far in ((i, by_depth, plane), (j, by_height, line), (k, by_width, step)):
                address = builder.add(address, builder.mul(loop.index, by))
                moved = builder.add(moved, builder.mul(loop.index, far))
            value, before = _entries(block, apart, address, count), builder.load(best)
            larger = builder.or_(builder.fcmp_ordered(">", value, before), builder.fcmp_unordered("!=", value, value))
            here = builder.add(first, _number(builder, builder.trunc(moved, INT), lanes))
            builder.store(builder.select(larger, value, before), best)
            builder.store(builder.select(larger, here, builder.load(place)), place)
        _store_first(block, builder.load(best), out, count)
        _store_first(block, builder.load(place), out_index, count)
        return context.get_dummy_value()

    return signature, codegen
