"""What stands in brackets: as NumPy takes it, in PyTorch's order, and as places in memory."""

from __future__ import annotations

import math
import random
import sys
import warnings
from typing import Any

import numpy as np

from ... import rules
from ...engine.errors import InputError, RangeError
from ...engine.views import read_before
from ...graph import outside, written
from ...kernels.loops.scatter import scatter_add
from ...rules import unwrap


def without_repeats(index: Any) -> bool:
    """Whether no entry can be named twice: slices, integers, None, Ellipsis, and masks."""
    for p in index if type(index) is tuple else (index,):
        plain = p is None or p is Ellipsis or type(p) in (int, slice, bool)
        if not plain and not (isinstance(p, np.ndarray) and p.dtype == np.bool_):
            return False
    return True


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the sizes 1 it begins with, which broadcasts to the same."""
    return next((shape[k:] for k, n in enumerate(shape) if n != 1), ())


def refuse_shuffle() -> None:
    """Refuse Python's way of shuffling: ``x[i], x[j] = x[j], x[i]`` of views gives one of them twice."""
    if sys._getframe(2).f_code is random.Random.shuffle.__code__:
        raise RuntimeError(
            "random.shuffle swaps rows that are views here, so that some would be there twice; "
            "x[torch.randperm(len(x))] is shuffled"
        )


def plain_index(index: Any) -> Any:
    """An index with arrays for Tensors; 0-d integer Tensors count as integers, lists as arrays."""
    if type(index) is list and any(map(_is_part, index)):
        text = "getitem: a list that holds lists or tensors counts as a tuple, as in PyTorch 2.13; use x[tuple(index)]"
        warnings.warn(text, UserWarning, stacklevel=outside())
        index = tuple(index)
    if type(index) is not tuple:
        return _plain(index)
    return tuple([_plain(p) for p in index])


def _is_part(value: Any) -> bool:
    """Whether a list with this in it is an index of several dimensions, written as a list."""
    return value is None or value is Ellipsis or type(value) in (list, tuple, slice) or isinstance(value, rules.Tensor)


def _plain(part: Any) -> Any:
    kind = type(part)
    if kind is int or kind is slice or part is None or part is Ellipsis:
        return part
    part = unwrap(part)
    if kind is list or kind is tuple or kind is range:
        part = np.asarray(unwrap(part), None if len(part) else np.intp)
    if isinstance(part, (np.ndarray, np.generic)):
        if part.dtype.kind not in "iub":
            raise RangeError(f"getitem: indices must be integers or booleans, got {part.dtype}")
        if part.dtype == np.uint8:
            text = "getitem: an index of uint8 counts as a mask, as in PyTorch; use bool() or long()"
            warnings.warn(text, UserWarning, stacklevel=outside())
            part = part.astype(np.bool_)
        if part.ndim == 0:
            return part.item()
    return part


def in_two(index: Any, ndim: int) -> tuple[Any, Any] | None:
    """An index whose integers PyTorch takes before its arrays, as two; None where NumPy does the same.

    Where an integer and an array stand apart, as in ``x[0, :, [1, 2]]``, NumPy counts the integer as an array, and
    moves what both give to the front. So it does where an Ellipsis between arrays stands for no dimension.
    """
    arrays = [isinstance(p, np.ndarray) for p in index]
    if True not in arrays:
        return None
    if int not in map(type, index):
        rest = tuple([p for p in index if p is not Ellipsis])
        idle = len(rest) < len(index) and arrays.count(True) > 1 and sum(map(_dimensions, rest)) == ndim
        return ((...,), rest) if idle else None
    chosen = [a or type(p) is int for a, p in zip(arrays, index)]
    if all(chosen[chosen.index(True) : len(chosen) - chosen[::-1].index(True)]):
        return None
    used = sum(_dimensions(p) for p in index)
    basic: list[Any] = []
    others: list[Any] = []
    for part in index:
        if isinstance(part, np.ndarray):
            basic += [slice(None)] * _dimensions(part)
            others.append(part)
        else:
            basic.append(part)
            others += [slice(None)] * (ndim - used if part is Ellipsis else type(part) is not int)
    return tuple(basic), tuple(others)


def _dimensions(part: Any) -> int:
    """How many dimensions a part of an index takes; the Ellipsis takes what is left."""
    if isinstance(part, np.ndarray):
        return part.ndim if part.dtype == np.bool_ else 1
    return int(type(part) in (int, slice))


def _within(i: Any, n: int) -> Any:
    """Integers counted from the front; none of them is out of range."""
    if not i.size:
        return i
    low, high = i.min(), i.max()
    if low < -n or high >= n:
        raise RangeError(f"indices must be in [{-n}, {n - 1}], got {low} to {high}")
    return np.where(i < 0, i + n, i) if low < 0 else i


def spans(shape: tuple[int, ...], index: Any) -> tuple[Any, int]:
    """The places in C order that an index names, as starts of runs of one length."""
    parts = list(index) if type(index) is tuple else [index]
    dots = any(p is Ellipsis for p in parts)
    while parts and not dots and type(parts[-1]) is slice and parts[-1] == slice(None):
        parts.pop()
    lead = 0
    while lead < len(parts) and type(parts[lead]) is slice and parts[lead] == slice(None):
        lead += 1
    listed = all(isinstance(p, np.ndarray) and p.dtype != np.bool_ for p in parts[lead:])
    if listed and parts and (not lead or len(parts) == lead + 1):  # x[i, j] and x[:, i]
        used = len(parts)
        starts: Any = None
        for n, p in zip(shape, parts):
            p = np.arange(n) if type(p) is slice else _within(p.astype(np.intp, copy=False), n)
            if starts is None:
                starts = p
                continue
            starts = (np.expand_dims(starts, tuple(range(-p.ndim, 0))) if lead else starts) * n + p
    else:
        used = len(shape) if dots else sum(map(_dimensions, parts))
        starts = np.arange(math.prod(shape[:used])).reshape(shape[:used])[tuple(parts)]
    width = math.prod(shape[used:])
    starts = starts.reshape(-1)
    return starts if width == 1 else starts * width, width


def add_at(out: Any, values: Any, index: Any) -> None:
    """``out[index] += values`` for an array of that shape; entries named several times get all of their values."""
    if not out.flags.c_contiguous:
        np.add.at(out, index, values)
        return
    *all_of, last = index if type(index) is tuple and index else (index,)
    if type(last) is np.ndarray and last.dtype.kind == "i" and all(type(p) is slice and p == _ALL for p in all_of):
        dim = len(all_of)  # x[i], and x[:, ..., :, i]
        n, before, width = out.shape[dim], math.prod(out.shape[:dim]), math.prod(out.shape[dim + 1 :])
        places = _within(last.astype(np.intp, copy=False), n).reshape(-1)
    else:
        starts, width = spans(out.shape, index)
        before, n = 1, out.size // width if width else 0
        places = starts if width < 2 else starts // width
    if not places.size or not width or not before:
        return
    values = np.ascontiguousarray(values, out.dtype)
    if values.size != before * places.size * width:  # the kernel would read other memory
        raise InputError(f"add_at: {before * places.size} rows of {width} must be given, got {values.size} values")
    scatter_add(out.reshape(before, n, width), places, values.reshape(before, -1, width))


_ALL = slice(None)


def flat_places(shape: tuple[int, ...], index: Any) -> Any:
    """The places in C order that many lists of integers name, one for each dimension; else None.

    On one flat dimension NumPy reads and writes in half the time.
    """
    if type(index) is not tuple or len(index) != len(shape) or len(shape) < 2:
        return None
    if not all(isinstance(p, np.ndarray) and p.dtype != np.bool_ for p in index):
        return None
    wanted = np.broadcast_shapes(*(p.shape for p in index))
    return spans(shape, index)[0].reshape(wanted) if math.prod(wanted) > 1000 else None


def assign(out: Any, index: Any, value: Any) -> None:
    """``out[index] = value``; a boolean stands for a dimension of one or of nothing, whatever is written to it."""
    if type(index) is not bool:
        if type(value) is np.ndarray and np.may_share_memory(out, value):
            value = read_before(out[index], value)
        out[index] = value
    elif index:
        out[None] = value
    else:
        np.broadcast_to(value, (0, *out.shape))


def overwrite(out: Any, index: Any, value: Any, who: str) -> None:
    """As `assign`, and say so."""
    assign(out, index, value)
    written(out, who, 3)


def overwrite_at(out: Any, index: Any, value: Any, adds: bool, who: str) -> None:
    """As `put_at` or `add_at`, and say so."""
    (add_at if adds else put_at)(out, value, index)
    written(out, who, 3)


def put_at(out: Any, value: Any, index: Any) -> None:
    """``out[index] = value``."""
    places = flat_places(out.shape, index) if out.flags.c_contiguous else None
    if places is None:
        assign(out, index, value)
    else:
        out.reshape(-1)[places] = value
