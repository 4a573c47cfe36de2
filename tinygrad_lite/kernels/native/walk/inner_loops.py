"""Inner loops of our own, called as NumPy's are: copies, casts, choices, and arithmetic over two dimensions.

NumPy's own copies and casts cannot be had by address. Its arithmetic can, but one call serves one row, and rows are
short where a bias is added or a batch is summed: these are called once for all of them, as its generalized ufuncs are,
``(n), (n) -> (n)``. A sum, difference or product of two numbers is rounded once, so its bits are NumPy's.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir

from ..codegen.instructions import for_range
from ..worker_threads import INTP
from .machine_code import WORDS, Words, compile_function, number
from .table import CASTS

LOOP_TYPE = ir.FunctionType(ir.VoidType(), [WORDS] * 4)  # (arrays, lengths, strides, data)
_VECTORS = 64  # bytes of the widest element's vectors: several of the processor's at a time
_FLOAT, _DOUBLE = ir.FloatType(), ir.DoubleType()
_BYTE, _SHORT, _INT = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_SIZED = {1: _BYTE, 2: _SHORT, 4: _INT, 8: INTP}
_IN_MEMORY = {"?": _BYTE, "f": _FLOAT, "d": _DOUBLE, "l": INTP, "L": INTP, "i": _INT, "I": _INT}
_ARITHMETIC = {"add": "fadd", "subtract": "fsub", "multiply": "fmul"}
Compute = Callable[..., Any]


@cache
def address(name: str) -> int:
    """Compile a loop; returns its address.

    Parameters
    ----------
    name : str
        ``copy4`` copies elements of 4 bytes, ``cast_fd`` makes float64 of float32, ``choose4`` is `numpy.where`,
        ``add_f`` adds rows.
    """
    return compile_function(name, LOOP_TYPE, lambda builder, given: _write(name, builder, given))


def _write(name: str, builder: Any, given: Any) -> None:
    what, _, kinds = name.partition("_")
    if what == "cast":
        source, target = (_IN_MEMORY[char] for char in kinds)
        convert = CASTS[kinds]
        _elements(builder, given, [source, target], lambda builder, kind, x: getattr(builder, convert)(x, kind))
    elif what in _ARITHMETIC:
        _rows(builder, given, _IN_MEMORY[kinds], lambda builder, x, y: getattr(builder, _ARITHMETIC[what])(x, y))
    else:
        kind = _SIZED[int(name[-1])]
        if name[:-1] == "copy":
            _elements(builder, given, [kind, kind], lambda builder, kind, x: x)
        else:
            _elements(builder, given, [_BYTE, kind, kind, kind], _chosen)


def _chosen(builder: Any, kind: Any, condition: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.icmp_unsigned("!=", condition, ir.Constant(condition.type, None)), x, y)


def _at(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, ir.PointerType(kind))


def _elements(builder: Any, given: Any, kinds: list[Any], compute: Compute) -> None:
    """A loop over elements, the last kind is the result's; over vectors first, where no array has gaps."""
    words, (arrays, lengths, strides, _) = Words(builder), given
    found = [words.load(strides, k) for k in range(len(kinds))]
    sizes = [_size(kind) for kind in kinds]
    starts, n = [words.load(arrays, k) for k in range(len(kinds))], words.load(lengths, 0)
    lanes, done = _VECTORS // max(sizes), _in_vectors(builder, n, _VECTORS // max(sizes), found, sizes)

    def compute_at(index: Any, lanes: int) -> None:
        at = [builder.add(start, builder.mul(index, step)) for start, step in zip(starts, found)]
        wide = [kind if lanes == 1 else ir.VectorType(kind, lanes) for kind in kinds]
        values = [builder.load(_at(builder, a, kind), align=1) for a, kind in zip(at[:-1], wide)]
        builder.store(compute(builder, wide[-1], *values), _at(builder, at[-1], wide[-1]), align=1)

    with for_range(builder, builder.sdiv(done, number(lanes))) as loop:
        compute_at(builder.mul(loop.index, number(lanes)), lanes)
    with for_range(builder, builder.sub(n, done)) as loop:
        compute_at(builder.add(done, loop.index), 1)
    builder.ret_void()


def _size(kind: Any) -> int:
    """Bytes of an element."""
    return kind.width // 8 if isinstance(kind, ir.IntType) else 8 if kind is _DOUBLE else 4


def _in_vectors(builder: Any, n: Any, lanes: int, strides: list[Any], sizes: list[int]) -> Any:
    """How many of n elements fill vectors: none where an array has gaps."""
    close = ir.Constant(ir.IntType(1), 1)
    for stride, size in zip(strides, sizes):
        close = builder.and_(close, builder.icmp_signed("==", stride, number(size)))
    return builder.select(close, builder.and_(n, number(-lanes)), number(0))


def _rows(builder: Any, given: Any, kind: Any, compute: Compute) -> None:
    """A loop over rows of which the result has no gaps, and each argument has none or is one number."""
    words, (arrays, lengths, strides, _) = Words(builder), given
    size = _size(kind)
    lanes = _VECTORS // size
    x, y, out = (words.load(arrays, k) for k in range(3))
    sx, sy, so, each_x, each_y, each_out = (words.load(strides, k) for k in range(6))
    rows, n = words.load(lengths, 0), words.load(lengths, 1)
    done = _in_vectors(builder, n, lanes, [each_x, each_y, each_out], [size] * 3)

    def compute_at(places: list[Any], index: Any, lanes: int) -> None:
        steps = (each_x, each_y, each_out)
        wide = kind if lanes == 1 else ir.VectorType(kind, lanes)
        *given, to = (_at(builder, builder.add(p, builder.mul(index, s)), wide) for p, s in zip(places, steps))
        left, right = (builder.load(p, align=size) for p in given)
        builder.store(compute(builder, left, right), to, align=size)

    with for_range(builder, rows) as outer:
        at = [builder.add(p, builder.mul(outer.index, s)) for p, s in ((x, sx), (y, sy), (out, so))]
        with for_range(builder, builder.sdiv(done, number(lanes))) as inner:
            compute_at(at, builder.mul(inner.index, number(lanes)), lanes)
        with for_range(builder, builder.sub(n, done)) as inner:
            compute_at(at, builder.add(done, inner.index), 1)
    builder.ret_void()
