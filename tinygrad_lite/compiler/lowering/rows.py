"""`Row`: the steps of one row of the table, as they are noted while its text runs on symbols."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.native.walk import addresses
from ...kernels.native.walk.table import CASTS, KINDS, MOST
from .steps import (
    EXACT,
    WITHOUT_GAPS,
    Layout,
    MatMul,
    Place,
    Product,
    Step,
    Steps,
    dense,
    dimensions,
    lay_of,
    loop_for,
    reduction,
    straight,
    stretched,
)
from .symbols import NotLowered, Symbol


class Row:
    """The steps of one row, as they are noted."""

    def __init__(self) -> None:
        self.steps: list[Steps] = []
        self.own: dict[int, Any] = {}  # memory of the row's own -> an array, or a `Layout`
        self.fixed: set[int] = set()  # the memory among it that is never written to
        self.given: dict[int, list[Symbol]] = {}  # arguments, by the value whose memory it is
        self.updated: dict[int, Symbol] = {}  # those of them that are written to
        self.announced: dict[int, str] = {}  # what has announced that

    def new(self, array: Any) -> Symbol:
        """A symbol for memory of the row's own."""
        if array.dtype.char not in KINDS:
            raise NotLowered(str(array.dtype))
        root = -1 - len(self.own)
        self.own[root] = array
        return Symbol(self, array, Place(root, 0, array.shape, array.strides, array.dtype))

    def forget(self) -> None:
        """Let go of the elements of memory that is written to."""
        self.given, self.updated = {}, {}
        self.own = {root: a if root in self.fixed else Layout(a) for root, a in self.own.items()}

    def roots(self) -> set[int]:
        """The values whose memory the steps use."""
        return {p.root for step in self.steps for p in step.places if isinstance(p, Place) and p.root >= 0}

    def constant(self, array: Any) -> Symbol:
        """An array that no argument's elements go into."""
        made = self.new(array)
        self.fixed.add(made.place.root)
        return made

    def result(self, value: Any) -> Any:
        """Symbols for the arrays of a result."""
        if type(value) in (tuple, list):
            return type(value)(map(self.result, value))
        if isinstance(value, np.ndarray):
            return self.copied(self.constant(value), value.copy())
        return value

    def operand(self, value: Any, dtype: Any) -> Any:
        """An argument of a loop in the dtype that it needs."""
        if isinstance(value, np.ndarray):
            value = self.constant(value)
        if not isinstance(value, Symbol):
            if type(value) not in (bool, int, float) and not isinstance(value, np.generic):
                raise NotLowered(f"an operand of type {type(value).__name__}")
            return value, dtype
        return (value if value.dtype == dtype else self.cast(value, dtype)).place

    def cast(self, value: Symbol, dtype: Any) -> Symbol:
        """The elements in another dtype."""
        pair = f"{value.dtype.char}{np.dtype(dtype).char}"
        if pair not in CASTS:
            raise NotLowered(f"a cast of {value.dtype} to {dtype}")
        out = self.new(value.array.astype(dtype))
        self.add(f"cast_{pair}", (value.place, out.place), out.shape, "cast")
        return out

    def add(self, loop: Any, places: tuple[Any, ...], shape: tuple[int, ...], name: str) -> None:
        """Note a step of loops, if there is anything to do."""
        if 0 in shape:
            return
        strides = [stretched(p, shape) for p in places if isinstance(p, Place)]
        if len(dimensions(shape, strides)[0]) > MOST:
            raise NotLowered("a shape")
        self.steps.append(Step(loop, places, shape, name))

    def ufunc(self, function: np.ufunc, given: tuple[Any, ...], out: Any) -> Symbol:
        """A call of a ufunc."""
        if function is np.matmul:
            return self.matmul(given[0], given[1], out)
        if function.nout != 1 or function.signature is not None:
            raise NotLowered(function.__name__)
        dtypes = function.resolve_dtypes((*[_kind(v) for v in given], None))
        values = [v.array if isinstance(v, Symbol) else v for v in given]
        found = loop_for(function, list(dtypes))
        if found is None:
            raise NotLowered(f"{function.__name__} of {dtypes[0]}")
        result = np.asarray(function(*values))
        target = self.target(out, result)
        places = (*[self.operand(v, d) for v, d in zip(given, dtypes)], target.place)
        if function.__name__ not in EXACT and not straight(places, target.shape):
            raise NotLowered(f"{function.__name__} of arrays that do not lie alike")
        if function.__name__ in WITHOUT_GAPS and target.size and not dense(target.place):
            raise NotLowered(f"{function.__name__} into an array with gaps")
        self.add(found, places, target.shape, function.__name__)
        return target

    def target(self, out: Any, result: Any) -> Symbol:
        """Where a result goes: to memory of its own, or where it is asked for."""
        if out is None:
            return self.new(result)
        if not isinstance(out, Symbol) or out.shape != result.shape:
            raise NotLowered("a write to an array of another shape")
        if not self.may_write(out):
            self.update(out)
        if out.dtype != result.dtype:
            raise NotLowered("a cast of a result")
        np.copyto(out.array, result)
        return out

    def may_write(self, out: Symbol) -> bool:
        """Whether a symbol lies in memory of the row's own."""
        return out.place.root < 0 and out.place.root not in self.fixed

    def update(self, out: Symbol) -> None:
        """Let an argument be written to, from here on as a copy of what was given; `written` must announce it."""
        root, given = out.place.root, self.given.get(out.place.root, [])
        if self.updated.get(root) is out:
            return
        if len(given) != 1 or given[0] is not out or not out.flags.c_contiguous:
            raise NotLowered("a write to an argument")
        out.array = out.array.copy()
        self.updated[root] = out

    def empty(self, shape: Any, dtype: Any = float) -> Symbol:
        """Memory that is written to later on."""
        return self.new(np.zeros(shape, dtype))

    def full(self, shape: Any, value: Any, dtype: Any) -> Symbol:
        """Memory with one number everywhere."""
        return self.full_of(np.zeros(shape, dtype), value)

    def full_of(self, like: Any, value: Any) -> Symbol:
        """Memory of an array's layout with one number everywhere."""
        out = self.new(like)
        self.fill(out, value)
        return out

    def fill(self, out: Symbol, value: Any) -> None:
        """Write a number everywhere."""
        self.add(f"copy{out.itemsize}", ((value, out.dtype), out.place), out.shape, "fill")
        out.array[...] = value

    def store(self, out: Symbol, value: Any) -> None:
        """Write to memory of the row's own."""
        if not self.may_write(out):
            raise NotLowered("a write to an argument")
        if isinstance(value, np.ndarray):
            value = self.constant(value)
        if not isinstance(value, Symbol):
            if type(value) not in (bool, int, float) and not isinstance(value, np.generic):
                raise NotLowered("a write of what is no array")
            self.fill(out, value)
            return
        if value.place == out.place:
            return  # what has been added in place
        if value.dtype != out.dtype:
            value = self.cast(value, out.dtype)
        if np.may_share_memory(value.array, out.array):
            raise NotLowered("a write of what overlaps")
        self.add(f"copy{out.itemsize}", (value.place, out.place), out.shape, "copy")
        out.array[...] = value.array

    def matmul(self, a: Any, b: Any, out: Any = None) -> Symbol:
        """A product of matrices, or of stacks of them, as `np.matmul` has it."""
        if not (isinstance(a, Symbol) and isinstance(b, Symbol)) or min(a.ndim, b.ndim) < 2 or a.dtype != b.dtype:
            raise NotLowered("a product of other ranks")
        found, result = loop_for(np.matmul, [a.dtype] * 3), np.matmul(a.array, b.array)
        out = self.target(out, result)
        if found is None or not out.size or not a.size or a.dtype.kind != "f":
            raise NotLowered(f"matmul of {a.dtype}")
        core = (*a.shape[-2:], b.shape[-1], *a.strides[-2:], *b.strides[-2:], *out.strides[-2:])
        batch = out.shape[:-2]
        strides = [stretched(p._replace(shape=p.shape[:-2], strides=p.strides[:-2]), batch)
                   for p in (a.place, b.place, out.place)]  # fmt: skip
        if len(dimensions(batch, strides)[0]) > MOST:
            raise NotLowered("a shape")
        self.steps.append(MatMul(found, (a.place, b.place, out.place), batch, core))
        return out

    def extreme(self, function: np.ufunc, x: Symbol, axis: Any, keepdims: bool, initial: Any) -> Symbol:
        """The largest or smallest over the last dimensions: the first, or a number, and then the others."""
        axes = tuple(sorted(a % x.ndim for a in (range(x.ndim) if axis is None else _tuple(axis))))
        reduced: Any = function.reduce
        given = {} if initial is None else {"initial": initial}
        result, loop = np.asarray(reduced(x.array, axis, keepdims=keepdims, **given)), loop_for(function, [x.dtype] * 3)
        if loop is None or not x.flags.c_contiguous or axes != tuple(range(x.ndim - len(axes), x.ndim)) or not x.size:
            raise NotLowered(f"{function.__name__}.reduce")
        out = self.new(result)
        rows = x.reshape(result.size, -1)
        if initial is None:
            self.store_anew(out, rows[:, 0])
            rows = rows[:, 1:]
        else:
            self.add(f"copy{out.itemsize}", ((initial, x.dtype), out.place), out.shape, "fill")
        if rows.shape[1]:
            rest, into = rows, Place(out.place.root, out.place.offset, rows.shape, (x.itemsize, 0), x.dtype)
            self.steps.append(Step(loop, (into, rest.place, into), rest.shape, function.__name__))
        return out

    def store_anew(self, out: Symbol, values: Symbol) -> None:
        """Write elements in the order of memory, without a change of what the symbol has already."""
        whole = Place(out.place.root, out.place.offset, values.shape, (out.itemsize,), out.dtype)
        self.add(f"copy{out.itemsize}", (values.place, whole), values.shape, "copy")

    def joined(self, parts: Any, axis: int, dtype: Any = None) -> Symbol:
        """`np.concatenate`."""
        arrays = [self.constant(p) if isinstance(p, np.ndarray) else p for p in parts]
        result = np.concatenate([p.array for p in arrays], axis, dtype=dtype)
        out, start = self.new(np.zeros_like(result)), 0
        for p in arrays:
            end = start + p.shape[axis]
            self.store(out[(slice(None),) * (axis % result.ndim) + (slice(start, end),)], p)
            start = end
        return out

    def reduce(
        self, function: np.ufunc, x: Symbol, axis: Any, dtype: Any, keepdims: bool, initial: Any = None
    ) -> Symbol:
        """A sum over dimensions, or the extremes."""
        if function in (np.maximum, np.minimum) and dtype is None and x.dtype.char in KINDS:
            return self.extreme(function, x, axis, keepdims, initial)
        if initial is not None or function is not np.add or x.dtype.kind != "f":
            raise NotLowered(f"{function.__name__}.reduce")
        dtype = x.dtype if dtype is None else np.dtype(dtype)
        if dtype != x.dtype and x.size >= np.getbufsize():
            raise NotLowered("a sum in pieces")
        axes = range(x.ndim) if axis is None else (axis,) if type(axis) is int else axis
        axes = tuple(a % x.ndim for a in axes)
        reduced: Any = function.reduce
        result = np.asarray(reduced(x.array, axis, dtype, keepdims=keepdims))
        source, target = x if dtype == x.dtype else self.cast(x, dtype), self.new(result)
        found = reduction(source.place, axes, target.place)
        loop = loop_for(function, [dtype] * 3)
        if found is None or loop is None:
            raise NotLowered("a sum over dimensions that lie apart")
        shape, (xs, os), _ = found
        self.add(f"copy{dtype.itemsize}", ((0, dtype), target.place), result.shape, "fill")
        whole = Place(source.place.root, source.place.offset, shape, xs, dtype)
        onto = Place(target.place.root, target.place.offset, shape, os, dtype)
        self.steps.append(Step(loop, (onto, whole, onto), shape, "sum"))
        return target

    def product(self, a: Any, b: Any, out: Any = None) -> Symbol:
        """A product of matrices by `np.dot`."""
        if not (isinstance(a, Symbol) and isinstance(b, Symbol)) or (a.ndim, b.ndim) != (2, 2):
            raise NotLowered("a product of other ranks")
        cblas = addresses.product({"f": "s", "d": "d"}.get(a.dtype.char, "")) if a.dtype == b.dtype else None
        lays = lay_of(a.place), lay_of(b.place)
        if cblas is not None and not np.may_share_memory(a.array, b.array) and _by_vector(a, b):
            return self.matmul(a, b, out)
        few = min(*a.shape, *b.shape) < 2 and not (a.shape[1] == 1 and min(a.shape[0], b.shape[1]) > 1)
        if cblas is None or None in lays or few or np.may_share_memory(a.array, b.array):
            raise NotLowered("a product that is not BLAS's gemm")
        out = self.target(out, np.dot(a.array, b.array))
        lay = (*lays, lay_of(out.place))
        self.steps.append(Product(cblas, int(a.dtype.char == "d"), (a.place, b.place, out.place), lay))
        return out

    def where(self, condition: Any, x: Any, y: Any) -> Symbol:
        """`np.where`."""
        values = [v.array if isinstance(v, Symbol) else v for v in (condition, x, y)]
        result = np.asarray(np.where(*values))
        if not isinstance(condition, Symbol) or condition.dtype != np.bool_:
            raise NotLowered("where")
        out = self.new(result)
        places = (condition.place, *(self.operand(v, result.dtype) for v in (x, y)), out.place)
        self.add(f"choose{result.itemsize}", places, out.shape, "where")
        return out

    def copied(self, x: Symbol, array: Any) -> Symbol:
        """The same elements in memory of the row's own."""
        out = self.new(array)
        self.add(f"copy{out.itemsize}", (x.place, out.place), out.shape, "copy")
        return out


def _by_vector(a: Symbol, b: Symbol) -> bool:
    """Whether one of two is a matrix and the other one row or column, which both `dot` and `matmul` leave to gemv."""
    (n, k), m = a.shape, b.shape[1]
    return k > 1 and None not in (lay_of(a.place), lay_of(b.place)) and (n == 1) != (m == 1)


def _tuple(axis: Any) -> Any:
    return axis if type(axis) is tuple else (axis,)


def _kind(value: Any) -> Any:
    if isinstance(value, Symbol):
        return value.dtype
    return np.dtype(bool) if type(value) is bool else type(value) if type(value) in (int, float) else value.dtype
