"""Symbols: what has an array's layout, and notes what NumPy is asked to do with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.native.walk import addresses
from ...kernels.native.walk.walker import CAST, CHOOSE, FILL, KINDS, LOOP, MOST
from .steps import EXACT, Place, Product, Step, dimensions, lay_of, loop_for, reduction, straight, stretched


class NotLowered(Exception):
    """There is no step for this; says for what."""


class Row:
    """The steps of one row, as they are noted."""

    def __init__(self) -> None:
        self.steps: list[Step | Product] = []
        self.own: dict[int, Any] = {}  # memory of the row's own -> the array that has its layout
        self.fixed: set[int] = set()  # the memory among it that is never written to

    def new(self, array: Any) -> Symbol:
        """A symbol for memory of the row's own."""
        if array.dtype.char not in KINDS:
            raise NotLowered(str(array.dtype))
        root = -1 - len(self.own)
        self.own[root] = array
        return Symbol(self, array, Place(root, 0, array.shape, array.strides, array.dtype))

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
        pair = KINDS.find(value.dtype.char), KINDS.find(np.dtype(dtype).char)
        if pair not in _CASTS:
            raise NotLowered(f"a cast of {value.dtype} to {dtype}")
        out = self.new(value.array.astype(dtype))
        self.add(CAST, pair, (value.place, out.place), out.shape, "cast")
        return out

    def add(self, kind: int, head: tuple[int, int], places: tuple[Any, ...], shape: tuple[int, ...], name: str) -> None:
        """Note a step of loops."""
        strides = [stretched(p, shape) for p in places if isinstance(p, Place)]
        if len(dimensions(shape, strides)[0]) > MOST or 0 in shape:
            raise NotLowered("a shape")
        self.steps.append(Step(kind, head, places, shape, name))

    def ufunc(self, function: np.ufunc, given: tuple[Any, ...], out: Any) -> Symbol:
        """A call of a ufunc."""
        if function in (np.matmul, np.vecdot):
            return self.product(*given)
        if function.nout != 1 or function.signature is not None:
            raise NotLowered(function.__name__)
        dtypes = function.resolve_dtypes((*[_kind(v) for v in given], None))
        values = [v.array if isinstance(v, Symbol) else v for v in given]
        found = loop_for(function, list(dtypes))
        if found is None:
            raise NotLowered(f"{function.__name__} of {dtypes[0]}")
        result = np.asarray(function(*values))
        if out is None:
            target = self.new(result)
        elif (
            isinstance(out, Symbol) and self._may_write(out) and out.shape == result.shape and out.dtype == result.dtype
        ):
            target = out
            np.copyto(out.array, result)
        else:
            raise NotLowered("a write to an argument")
        places = (*[self.operand(v, d) for v, d in zip(given, dtypes)], target.place)
        if function.__name__ not in EXACT and not straight(places, target.shape):
            raise NotLowered(f"{function.__name__} of arrays that do not lie alike")
        self.add(LOOP, found, places, target.shape, function.__name__)
        return target

    def _may_write(self, out: Symbol) -> bool:
        return out.place.root < 0 and out.place.root not in self.fixed

    def reduce(self, function: np.ufunc, x: Symbol, axis: Any, dtype: Any, keepdims: bool) -> Symbol:
        """A sum over dimensions."""
        if function is not np.add or x.dtype.kind != "f":
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
        self.add(FILL, (0, dtype.itemsize), (target.place,), result.shape, "fill")
        whole = Place(source.place.root, source.place.offset, shape, xs, dtype)
        onto = Place(target.place.root, target.place.offset, shape, os, dtype)
        self.steps.append(Step(LOOP, loop, (onto, whole, onto), shape, "sum"))
        return target

    def product(self, a: Any, b: Any) -> Symbol:
        """A product of matrices."""
        if not (isinstance(a, Symbol) and isinstance(b, Symbol)) or (a.ndim, b.ndim) != (2, 2):
            raise NotLowered("a product of other ranks")
        cblas = addresses.product({"f": "s", "d": "d"}.get(a.dtype.char, "")) if a.dtype == b.dtype else None
        lays = lay_of(a.place), lay_of(b.place)
        if cblas is None or None in lays or min(*a.shape, *b.shape) < 2 or np.may_share_memory(a.array, b.array):
            raise NotLowered("a product that is not BLAS's gemm")
        out = self.new(np.dot(a.array, b.array))
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
        self.add(CHOOSE, (0, result.dtype.itemsize), places, out.shape, "where")
        return out

    def copied(self, x: Symbol, array: Any) -> Symbol:
        """The same elements in memory of the row's own."""
        out, kind = self.new(array), KINDS.index(x.dtype.char)
        self.add(CAST, (kind, kind), (x.place, out.place), out.shape, "copy")
        return out


_CASTS = frozenset(
    {(i, i) for i in range(len(KINDS))}
    | {(1, 2), (2, 1), (0, 1), (0, 2), (0, 3), (0, 4), (0, 6), (0, 7), (3, 1), (3, 2)}
)


def _kind(value: Any) -> Any:
    if isinstance(value, Symbol):
        return value.dtype
    return np.dtype(bool) if type(value) is bool else type(value) if type(value) in (int, float) else value.dtype


class Symbol(np.lib.mixins.NDArrayOperatorsMixin):
    """What stands for an array: it has its layout, and notes what is computed of it."""

    __array_priority__ = 3000

    def __init__(self, row: Any, array: Any, place: Any, offset: int = 0, strides: Any = None) -> None:
        if isinstance(place, Symbol):  # np.ndarray(shape, dtype, buffer, offset, strides)
            whole: Any = place
            found = np.ndarray(row, array, whole.array, offset, strides)
            moved = whole.place.offset + offset
            row, array = whole.row, found
            place = Place(whole.place.root, moved, found.shape, found.strides, found.dtype)
        self.row, self.array, self.place = row, array, place

    shape = property(lambda self: self.array.shape)
    strides = property(lambda self: self.array.strides)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    itemsize = property(lambda self: self.array.itemsize)
    size = property(lambda self: self.array.size)
    nbytes = property(lambda self: self.array.nbytes)
    flags = property(lambda self: self.array.flags)
    T = property(lambda self: self._view(self.array.T))

    @property
    def _numba_type_(self) -> Any:  # what numba asks of an argument it does not know
        raise NotLowered("a compiled kernel")

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotLowered("an array's elements")

    def __bool__(self) -> bool:
        raise NotLowered("an array's truth")

    __float__ = __int__ = __index__ = __iter__ = __bool__

    def __pow__(self, exponent: Any) -> Any:
        if self.dtype.kind == "f" and type(exponent) in (int, float) and exponent == 2:  # as NumPy's own ** has it
            return np.square(self)
        raise NotLowered("a power")

    def __getitem__(self, key: Any) -> Symbol:
        for part in key if type(key) is tuple else (key,):
            if part is not None and part is not Ellipsis and type(part) not in (int, slice):
                raise NotLowered("an index of arrays")
        found = self.array[key]
        if not isinstance(found, np.ndarray):
            raise NotLowered("one element")
        return self._view(found)

    def _view(self, array: Any) -> Symbol:
        offset = _address(array) - _address(self.array)
        if array.size and not np.may_share_memory(array, self.array):
            raise NotLowered("a copy")
        place = Place(self.place.root, self.place.offset + offset, array.shape, array.strides, array.dtype)
        return Symbol(self.row, array, place)

    def _shaped(self, array: Any) -> Symbol:
        if np.may_share_memory(array, self.array):
            return self._view(array)
        whole = self.row.copied(self, self.array.copy())
        return whole._view(whole.array.reshape(array.shape))

    def reshape(self, *shape: Any) -> Symbol:
        return self._shaped(self.array.reshape(*shape))

    def transpose(self, *axes: Any) -> Symbol:
        return self._view(self.array.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Symbol:
        return self._view(self.array.swapaxes(first, second))

    def view(self, dtype: Any) -> Symbol:
        if np.dtype(dtype).itemsize != self.dtype.itemsize:
            raise NotLowered("a view of another size")
        return self._view(self.array.view(dtype))

    def copy(self) -> Symbol:
        return self.row.copied(self, self.array.copy())

    def astype(self, dtype: Any, copy: bool = True) -> Symbol:
        if self.dtype == dtype:
            return self.copy() if copy else self
        return self.row.cast(self, np.dtype(dtype))

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Symbol:
        return self.row.reduce(np.add, self, axis, dtype, keepdims)

    def __array_ufunc__(self, function: Any, method: str, *given: Any, out: Any = None, **options: Any) -> Any:
        if method == "__call__" and not options:
            return self.row.ufunc(function, given, None if out is None else out[0])
        if method == "reduce" and out is None and options.keys() <= {"axis", "dtype", "keepdims"}:
            x, axis, dtype, *rest = (*given, *(None,) * (3 - len(given))) if len(given) > 1 else (*given, 0, None)
            if not rest:
                axis, dtype = options.get("axis", axis), options.get("dtype", dtype)
                return self.row.reduce(function, x, axis, dtype, options.get("keepdims", False))
        raise NotLowered(f"{function.__name__}.{method}")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not kwargs and function in (np.dot, np.matmul):
            return self.row.product(*args)
        if not kwargs and function is np.where and len(args) == 3:
            return self.row.where(*args)
        if not kwargs and function is np.reshape:
            return args[0].reshape(args[1])
        if function in _VIEWS:
            return args[0]._view(function(args[0].array, *args[1:], **kwargs))
        if not kwargs and function is np.shape:
            return self.shape
        if not kwargs and function in (np.ones_like, np.zeros_like):
            return function(self.array)
        raise NotLowered(str(getattr(function, "__name__", function)))


_VIEWS = (np.transpose, np.swapaxes, np.moveaxis, np.broadcast_to, np.expand_dims, np.squeeze)


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
