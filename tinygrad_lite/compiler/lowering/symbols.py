"""Symbols: what has an array's layout, and notes what NumPy is asked to do with it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .steps import Place


class NotLowered(Exception):
    """There is no step for this; says for what."""


class Address(NamedTuple):
    """Where a symbol's elements are, in place of `ndarray.ctypes`: to be compared, and no number."""

    data: tuple[int, int]


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
    ctypes = property(lambda self: Address((self.place.root, self.place.offset)))
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

    __float__ = __int__ = __index__ = __bool__

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self.array)))

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
            found = self.array[(*(key if type(key) is tuple else (key,)), ...)]
        return self._view(found)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.row.store(self[key], value)

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

    def _several(self, times: int, whole: bool) -> Symbol:
        """So many copies of a vector, as a whole or of each element."""
        shape = (times, self.size) if whole else (self.size, times)
        spread = self._view(np.broadcast_to(self.array if whole else self.array[:, None], shape))
        return self.row.copied(spread, spread.array.copy()).reshape(-1)

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

    def fill(self, value: Any) -> None:
        self.row.store(self, value)

    def ravel(self) -> Symbol:
        return self.reshape(-1)

    def max(self, axis: Any = None, keepdims: bool = False) -> Symbol:
        return self.row.reduce(np.maximum, self, axis, None, keepdims)

    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Symbol:
        return self.row.reduce(np.add, self, axis, dtype, keepdims)

    def __array_ufunc__(self, function: Any, method: str, *given: Any, out: Any = None, **options: Any) -> Any:
        if function is np.matmul and options == {"order": "C"}:
            options = {}
        if method == "__call__" and not options:
            return self.row.ufunc(function, given, None if out is None else out[0])
        if method == "reduce" and out is None and options.keys() <= {"axis", "dtype", "keepdims", "initial"}:
            x, axis, dtype, *rest = (*given, *(None,) * (3 - len(given))) if len(given) > 1 else (*given, 0, None)
            if not rest:
                axis, dtype = options.get("axis", axis), options.get("dtype", dtype)
                return self.row.reduce(function, x, axis, dtype, options.get("keepdims", False), options.get("initial"))
        raise NotLowered(f"{function.__name__}.{method}")

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not kwargs and function in (np.dot, np.matmul):
            return self.row.product(*args)
        if function is np.may_share_memory:
            return np.may_share_memory(*(a.array if isinstance(a, Symbol) else a for a in args), **kwargs)
        if not kwargs and function in (np.repeat, np.tile) and args[0].ndim == 1 and type(args[1]) is int:
            return args[0]._several(args[1], function is np.tile)
        if not kwargs and function is np.where and len(args) == 3:
            return self.row.where(*args)
        if not kwargs and function is np.reshape:
            return args[0].reshape(args[1])
        if function in _VIEWS:
            return args[0]._view(function(args[0].array, *args[1:], **kwargs))
        if not kwargs and function is np.shape:
            return self.shape
        if not kwargs and len(args) == 1 and function in _LIKE:
            like = function(args[0].array)
            return self.row.new(like) if _LIKE[function] is None else self.row.full_of(like, _LIKE[function])
        if function is np.concatenate and kwargs.keys() <= {"axis", "dtype"}:
            axis = kwargs.get("axis", args[1] if len(args) > 1 else 0)
            return self.row.joined(args[0], axis, kwargs.get("dtype"))
        if function is np.stack and kwargs.keys() <= {"axis", "dtype"}:
            axis = kwargs.get("axis", args[1] if len(args) > 1 else 0)
            return self.row.joined([_wide(p, axis) for p in args[0]], axis, kwargs.get("dtype"))
        if function is np.flip and isinstance(args[0], Symbol):
            return args[0]._view(np.flip(args[0].array, *args[1:], **kwargs))
        if function is np.copyto and not kwargs and len(args) == 2:
            return self.row.store(*args)
        if function is np.clip and not kwargs and len(args) == 3 and all(a is not None for a in args):
            return self.row.ufunc(_clip, args, None)
        raise NotLowered(str(getattr(function, "__name__", function)))


def _wide(part: Any, axis: int) -> Any:
    whole: Any = part.array if isinstance(part, Symbol) else part
    key = [slice(None)] * whole.ndim
    key.insert(axis % (whole.ndim + 1), None)  # type: ignore[arg-type]
    return part[tuple(key)]


_LIKE: dict[Any, Any] = {np.ones_like: 1, np.zeros_like: 0, np.empty_like: None}
_clip: Any = np._core.umath.clip  # type: ignore[attr-defined]
_VIEWS = (np.transpose, np.swapaxes, np.moveaxis, np.broadcast_to, np.expand_dims, np.squeeze)


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
