"""What a row is made of where it is lowered: calls of NumPy's inner loops, products, casts, choices and fills.

A step names the arrays it reads and writes by the memory they lie in and by their layout; numbers are written to
memory that the program keeps.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...kernels.native.walk import addresses, table, walker


class Place(NamedTuple):
    """Elements in memory.

    Attributes
    ----------
    root : int
        The value of the recording in whose memory they lie; a negative number for memory of the row's own.
    offset : int
        Bytes from that value's first element.
    """

    root: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: Any


class Layout:
    """How an array lies, without its elements."""

    def __init__(self, array: Any) -> None:
        self.shape, self.strides, self.itemsize = array.shape, array.strides, array.itemsize
        self.size, self.nbytes = array.size, array.nbytes


class Step(NamedTuple):
    """Loops over elements."""

    loop: Any  # address and data of NumPy's, or the name of one of `inner_loops`
    places: tuple[Any, ...]  # of Places, and of numbers: (value, dtype); the result is the last
    shape: tuple[int, ...]  # of the loops
    name: str


class Product(NamedTuple):
    """A product of two matrices by BLAS: `places` are a, b and the result, `lay` how each lies."""

    cblas: int
    double: int
    places: tuple[Place, Place, Place]
    lay: tuple[Any, Any, Any]
    name: str = "product"


class MatMul(NamedTuple):
    """A product by NumPy's own loop for `matmul`: `shape` are the loops around it, `core` n, m, p and six strides."""

    loop: tuple[int, int]
    places: tuple[Place, Place, Place]
    shape: tuple[int, ...]
    core: tuple[int, ...]
    name: str = "product"


class Call(NamedTuple):
    """A compiled kernel: what calls it, what it has to return, and its words; `places` are its arrays."""

    caller: int
    expected: int
    places: tuple[Place, ...]
    words: tuple[int, ...]
    positions: tuple[int, ...]
    written: tuple[Place, ...]
    name: str


Steps = Step | Product | MatMul | Call

EXACT = frozenset({
    "add", "subtract", "multiply", "divide", "negative", "positive", "absolute", "square", "sqrt", "reciprocal",
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "logical_not", "logical_and", "logical_or",
    "logical_xor", "sign", "isnan", "isinf", "isfinite", "invert", "bitwise_and", "bitwise_or", "floor", "ceil",
    "trunc", "rint",
})  # fmt: skip  # whose results depend on no order, so that they are the same whichever way their loops go

WITHOUT_GAPS = frozenset({"isnan", "isinf", "isfinite", "signbit"})  # see `nested`


def places_of(step: Steps) -> tuple[Place, ...]:
    """The memory that a step reads and writes."""
    return tuple(p for p in step.places if isinstance(p, Place))


def written_by(step: Steps) -> tuple[Place, ...]:
    """The memory that a step writes."""
    return step.written if isinstance(step, Call) else (step.places[-1],)


def straight(places: Any, shape: tuple[int, ...]) -> bool:
    """Whether NumPy goes through the arrays in one loop: they lie alike, without gaps, or are one number each."""
    arrays = [p for p in places if isinstance(p, Place) and p.shape != ()]
    return all(p.shape == shape and contiguous(p) for p in arrays)


def contiguous(p: Place) -> bool:
    """Whether elements lie in C order without gaps."""
    expected = p.dtype.itemsize
    for n, s in zip(reversed(p.shape), reversed(p.strides)):
        if n != 1 and s != expected:
            return False
        expected *= n
    return True


def dense(p: Place) -> bool:
    """Whether neighbours in memory are neighbours in some dimension."""
    steps = [s for n, s in zip(p.shape, p.strides) if n != 1]
    return not steps or p.dtype.itemsize in steps


def lay_of(p: Place) -> tuple[int, int] | None:
    """How BLAS sees a matrix: (as it is 111 or transposed 112, leading dimension); None where it needs a copy."""
    size, (rows, columns) = p.dtype.itemsize, p.strides
    if columns == size and rows % size == 0 and rows >= p.shape[1] * size:
        return 111, rows // size
    if rows == size and columns % size == 0 and columns >= p.shape[0] * size:
        return 112, columns // size
    return None


def dimensions(shape: tuple[int, ...], strides: list[tuple[int, ...]]) -> tuple[list[int], list[list[int]]]:
    """Loops over a shape, neighbours joined where all arrays allow it: lengths, and each array's steps."""
    kept = [d for d, n in enumerate(shape) if n != 1] or ([len(shape) - 1] if shape else [])
    lengths: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for d in kept:
        if lengths and all(s[-1] == each[d] * shape[d] for s, each in zip(steps, strides)):
            lengths[-1] *= shape[d]
            for s, each in zip(steps, strides):
                s[-1] = each[d]
        else:
            lengths.append(shape[d])
            for s, each in zip(steps, strides):
                s.append(each[d])
    if not lengths:
        return [1], [[0] for _ in strides]
    return lengths, steps


def nested(shape: tuple[int, ...], places: tuple[Any, ...]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """The shape of the loops, and each array's strides, in the order in which they go: as the result's elements lie.

    NumPy's loops are nested so. They are fastest where the result has no gaps, and four are right only there: on
    processors with AVX-512, `isnan`, `isinf`, `isfinite` and `signbit` of 16 numbers and more give wrong answers into
    results with gaps (NumPy 2.4). Where elements are added up, the order is what is asked for.
    """
    strides = [stretched(p, shape) if isinstance(p, Place) else (0,) * len(shape) for p in places]
    result = strides[-1]
    if any(n != 1 and s == 0 for n, s in zip(shape, result)):
        return shape, strides
    order = sorted(range(len(shape)), key=lambda d: -abs(result[d]) if shape[d] != 1 else 0)
    return tuple(shape[d] for d in order), [tuple(each[d] for d in order) for each in strides]


def stretched(p: Place, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array that is broadcast to a shape."""
    lead = len(shape) - len(p.shape)
    return (0,) * lead + tuple(0 if n == 1 and m != 1 else s for n, m, s in zip(p.shape, shape[lead:], p.strides))


def reduction(
    p: Place, axes: tuple[int, ...], out: Place
) -> tuple[tuple[int, ...], list[tuple[int, ...]], bool] | None:
    """The loops of NumPy's `reduce`, where they are known: shape, strides of source and result, and is it one row each.

    Of an array in C order whose last dimensions are reduced, each row is one inner loop, which adds pairwise; where its
    first dimensions are, rows are added to each other one after the other.
    """
    if 0 in p.shape or not contiguous(out):
        return None
    if not contiguous(p):
        return _by_rows(p, axes, out)
    dims = [(n, d in axes) for d, n in enumerate(p.shape) if n != 1]
    merged: list[list[Any]] = []
    for n, gone in dims:
        if merged and merged[-1][1] == gone:
            merged[-1][0] *= n
        else:
            merged.append([n, gone])
    size, osize = p.dtype.itemsize, out.dtype.itemsize
    if len(merged) < 2 and not any(gone for _, gone in merged):  # of one element each: it is added to nothing
        return (sum(n for n, _ in merged) or 1,), [(size,), (osize,)], False
    if not any(gone for _, gone in merged) or len(merged) > 2:
        return _by_rows(p, axes, out) if any(gone for _, gone in merged) else None
    if len(merged) == 1:
        return (merged[0][0],), [(size,), (0,)], True
    (first, gone), (second, _) = merged
    if gone:
        return (first, second), [(second * size, size), (0, osize)], False
    return (first, second), [(second * size, size), (osize, 0)], True


def _by_rows(p: Place, axes: tuple[int, ...], out: Place) -> Any:
    """As `reduction`, of an array whose innermost dimension is kept: row after row is added."""
    dims = [d for d, n in enumerate(p.shape) if n != 1]
    kept = [d for d in range(len(p.shape)) if d not in axes]
    lengths = [abs(p.strides[d]) for d in dims]
    if not kept or kept[-1] != dims[-1] or lengths != sorted(lengths, reverse=True):
        return None
    steps, size = dict.fromkeys(axes, 0), out.dtype.itemsize
    for d in reversed(kept):
        steps[d] = size
        size *= p.shape[d]
    return p.shape, [p.strides, tuple(steps[d] for d in range(len(p.shape)))], False


def encoded(step: Steps, where: Any, numbers: Any) -> list[int]:
    """A step as a row of the table.

    Parameters
    ----------
    step : Step, Product, MatMul or Call
    where : callable
        Place -> (register, offset).
    numbers : callable
        (value, dtype) -> (register, offset).
    """
    if isinstance(step, Product):
        (ta, lda), (tb, ldb), (_, ldc) = step.lay
        a, b, c = step.places
        n, k, m = a.shape[0], a.shape[1], b.shape[1]
        row = [step.cblas, step.double, ta, tb, n, m, k]
        for p, ld in zip((a, b, c), (lda, ldb, ldc)):
            row += [*where(p), ld]
        return [table.PRODUCT, len(row) + 2, *row]
    if isinstance(step, Call):
        row = [step.caller, step.expected, len(step.places)]
        for p, position in zip(step.places, step.positions):
            row += [*where(p), position]
        row += step.words
        return [table.CALL, len(row) + 2, *row]
    if isinstance(step, MatMul):
        strides = [stretched(p._replace(shape=p.shape[:-2], strides=p.strides[:-2]), step.shape) for p in step.places]
        found = [where(p) for p in step.places]
        return loops(step.loop, found, *dimensions(step.shape, strides), step.core[:3], step.core[3:])
    found = [where(p) if isinstance(p, Place) else numbers(*p) for p in step.places]
    lengths, steps = dimensions(*nested(step.shape, step.places))
    if _by_rows_at_once(step, lengths, steps):
        name = f"{step.name.replace('sum', 'add')}_{step.places[-1].dtype.char}"
        inner = tuple(each.pop() for each in steps)
        return loops(walker.own_loop(name), found, lengths[:-1], steps, (lengths[-1],), inner)
    loop = walker.own_loop(step.loop) if type(step.loop) is str else step.loop
    return loops(loop, found, lengths, steps)


def _by_rows_at_once(step: Step, lengths: list[int], steps: list[list[int]]) -> bool:
    """Whether one call of a loop of our own does what one of NumPy's would do row by row."""
    arithmetic = type(step.loop) is tuple and step.name in ("add", "subtract", "multiply", "sum")
    if not arithmetic or len(lengths) < 2 or lengths[-1] > _SHORT or step.places[-1].dtype.char not in "fd":
        return False
    return steps[-1][-1] != 0  # else it is a sum over the row, which NumPy adds in pairs


def loops(
    loop: tuple[int, int],
    found: list[Any],
    lengths: list[int],
    steps: list[list[int]],
    core: tuple[int, ...] = (),
    core_steps: tuple[int, ...] = (),
) -> list[int]:
    """A row of loops.

    Parameters
    ----------
    loop : address and data
    found : list of (register, offset)
        One for each array.
    lengths, steps : list
        Of the outer dimensions and, last, that of the loop itself.
    core, core_steps : tuple
        Of a generalized ufunc's loop, lengths and strides of its core.
    """
    inner, outer = (lengths[-1], *core), lengths[:-1]
    strides = (*(each[-1] for each in steps), *core_steps)
    head = [*loop, len(found), len(outer), math.prod(outer)]
    begin = table.ROW + len(inner)
    row = [*head, begin, begin + len(strides), *inner, *strides, *outer]
    for (register, offset), each in zip(found, steps):
        row += [register, offset, *each[:-1]]
    return [table.LOOP, len(row) + 2, *row]


_SHORT = 1024  # numbers in a row, from which a call for each of them is nothing


def bits_of(value: Any, dtype: Any) -> bytes:
    """A number's bytes in a dtype."""
    return np.asarray(value, dtype).tobytes()


def loop_for(ufunc: np.ufunc, dtypes: list[Any]) -> tuple[int, int] | None:
    """The inner loop for the dtypes of all arguments."""
    return addresses.loop(ufunc, "".join(d.char for d in dtypes))


def size_of(p: Place) -> int:
    """How many bytes an array without gaps has."""
    return math.prod(p.shape) * int(p.dtype.itemsize)
