"""Inner loops of our own, called as NumPy's are: copies, casts, choices, and arithmetic over two dimensions.

NumPy's own copies and casts cannot be had by address. Its arithmetic can, but one call serves one row, and rows are
short where a bias is added or a batch is summed: these are called once for all of them, as its generalized ufuncs are,
``(n), (n) -> (n)``. A sum, difference or product of two numbers is rounded once, so its bits are NumPy's.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from ..worker_threads import INTP
from .machine_code import WORDS, Words, compile_function, number
from .table import CASTS

LOOP_TYPE = ir.FunctionType(ir.VoidType(), [WORDS] * 4)  # (arrays, lengths, strides, data)
LANES = 8
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
    return compile_function(name, LOOP_TYPE, lambda context, builder, given: _write(name, builder, given))


def _write(name: str, builder: Any, given: Any) -> None:
    what, _, kinds = name.partition("_")
    if what == "cast":
        source, target = (_IN_MEMORY[char] for char in kinds)
        convert = CASTS[kinds]
        _elements(builder, given, [source, target], lambda builder, x: getattr(builder, convert)(x, target))
    elif what in _ARITHMETIC:
        _rows(builder, given, _IN_MEMORY[kinds], lambda builder, x, y: getattr(builder, _ARITHMETIC[what])(x, y))
    else:
        kind = _SIZED[int(name[-1])]
        if name[:-1] == "copy":
            _elements(builder, given, [kind, kind], lambda builder, x: x)
        else:
            _elements(builder, given, [_BYTE, kind, kind, kind], _chosen)


def _chosen(builder: Any, condition: Any, x: Any, y: Any) -> Any:
    return builder.select(builder.icmp_unsigned("!=", condition, ir.Constant(_BYTE, 0)), x, y)


def _at(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, ir.PointerType(kind))


def _elements(builder: Any, given: Any, kinds: list[Any], compute: Compute) -> None:
    """A loop over elements, the last kind is the result's; LLVM makes it one over vectors where there are no gaps."""
    words, (arrays, lengths, strides, _) = Words(builder), given
    found = [words.load(strides, k) for k in range(len(kinds))]
    sizes = [number(kind.width // 8 if isinstance(kind, ir.IntType) else 8 if kind is _DOUBLE else 4) for kind in kinds]
    starts, n = [words.load(arrays, k) for k in range(len(kinds))], words.load(lengths, 0)
    close = builder.and_(*(builder.icmp_signed("==", g, s) for g, s in ((found[0], sizes[0]), (found[-1], sizes[-1]))))
    for g, s in zip(found[1:-1], sizes[1:-1]):
        close = builder.and_(close, builder.icmp_signed("==", g, s))
    with builder.if_else(close) as (without_gaps, otherwise):
        for branch, steps in ((without_gaps, sizes), (otherwise, found)):
            with branch, cgutils.for_range(builder, n) as loop:
                if steps is found:
                    _one_by_one(builder)
                at = [builder.add(start, builder.mul(loop.index, step)) for start, step in zip(starts, steps)]
                values = [builder.load(_at(builder, a, kind), align=1) for a, kind in zip(at[:-1], kinds)]
                builder.store(compute(builder, *values), _at(builder, at[-1], kinds[-1]), align=1)
    builder.ret_void()


def _one_by_one(builder: Any) -> None:
    """Have LLVM leave a loop as it is, which takes it a tenth of the time."""
    builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], side_effect=True)


def _rows(builder: Any, given: Any, kind: Any, compute: Compute) -> None:
    """A loop over rows of which the result has no gaps, and each argument has none or is one number."""
    words, (arrays, lengths, strides, _) = Words(builder), given
    size = 8 if kind is _DOUBLE else 4
    x, y, out = (words.load(arrays, k) for k in range(3))
    sx, sy, so, each_x, each_y, each_out = (words.load(strides, k) for k in range(6))
    rows, n = words.load(lengths, 0), words.load(lengths, 1)
    vector = ir.VectorType(kind, LANES)
    close = builder.icmp_signed("==", each_out, number(size))
    for each in (each_x, each_y):
        close = builder.and_(close, builder.icmp_signed("==", each, number(size)))
    vectors = builder.select(close, builder.sdiv(n, number(LANES)), number(0))
    done = builder.mul(vectors, number(LANES))

    def compute_at(kind: Any, places: list[Any]) -> None:
        left, right = (builder.load(_at(builder, p, kind), align=size) for p in places[:2])
        builder.store(compute(builder, left, right), _at(builder, places[2], kind), align=size)

    with cgutils.for_range(builder, rows) as outer:
        at = [builder.add(p, builder.mul(outer.index, s)) for p, s in ((x, sx), (y, sy), (out, so))]
        with cgutils.for_range(builder, vectors) as inner:
            _one_by_one(builder)
            moved = builder.mul(inner.index, number(LANES * size))
            compute_at(vector, [builder.add(p, moved) for p in at])
        with cgutils.for_range(builder, builder.sub(n, done)) as inner:
            _one_by_one(builder)
            index = builder.add(done, inner.index)
            compute_at(kind, [builder.add(p, builder.mul(index, s)) for p, s in zip(at, (each_x, each_y, each_out))])
    builder.ret_void()
