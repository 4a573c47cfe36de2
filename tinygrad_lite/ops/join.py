"""Joining, cutting, padding and turning."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..rules import FAST, TABLE, differentiable, unwrap
from .names import numpy_names, one_dim, sizes

__all__ = [
    "cat", "chunk", "concat", "concatenate", "flip", "narrow", "pad", "roll", "split", "stack", "unbind",
]  # fmt: skip

# --- rows -------------------------------------------------------------------------------------------------------


def common_dtype(arrays: Sequence[Any]) -> Any:
    """The dtype of arrays joined: integers never widen a float, which is where PyTorch and NumPy differ."""
    dtypes = [a.dtype for a in arrays]
    return np.result_type(*([d for d in dtypes if d.kind in "fc"] or dtypes))


def _cut(g: Any, shapes: Any, axis: int) -> list[Any]:
    pieces, start = [], 0
    before = (slice(None),) * (axis % len(shapes[0]))
    for shape in shapes:
        stop = start + shape[axis]
        pieces.append(g[(*before, slice(start, stop))])
        start = stop
    return pieces


def _uncat(g: Any, arrays_shape: Any, axis: int | None) -> list[Any]:
    if axis is None:
        flat = _cut(g, [(math.prod(s),) for s in arrays_shape], 0)
        return [np.reshape(p, s) for p, s in zip(flat, arrays_shape)]
    return _cut(g, arrays_shape, axis)


@differentiable(arrays=_uncat, numpy=np.concatenate, name="cat")
def _concatenate(arrays: Any, axis: int | None = 0, dtype: Any = None) -> Any:
    return np.concatenate(arrays, axis, dtype=common_dtype(arrays) if dtype is None else dtype)


if hasattr(np, "concat"):
    TABLE[np.concat] = _concatenate


def _unstack(g: Any, arrays_shape: Any, axis: int) -> list[Any]:
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, i)] for i in range(len(arrays_shape))]


@differentiable(arrays=_unstack, numpy=np.stack, name="stack")
def _stack(arrays: Any, axis: int = 0) -> Any:
    return np.stack(arrays, axis, dtype=common_dtype(arrays))


def _crop(g: Any, array_shape: tuple[int, ...], pad_width: Any) -> Any:
    return g[tuple([slice(before, before + n) for n, (before, _) in zip(array_shape, pad_width)])]


@differentiable(array=_crop, name="pad")
def _pad(array: Any, pad_width: tuple[tuple[int, int], ...], value: float) -> Any:
    out = np.full([n + a + b for n, (a, b) in zip(array.shape, pad_width)], value, array.dtype)
    _crop(out, array.shape, pad_width)[...] = array
    return out


@differentiable(m=lambda g, axis: np.flip(g, axis), numpy=np.flip, name="flip")
def _flip(m: Any, axis: Any = None) -> Any:
    return np.flip(m, axis).copy()  # PyTorch copies


def _back(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift


@differentiable(a=lambda g, shift, axis: np.roll(g, _back(shift), axis), numpy=np.roll, name="roll")
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return np.roll(a, shift, axis)


# --- NumPy functions made of these ------------------------------------------------------------------------------


def _np_pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    pairs = tuple((int(a), int(b)) for a, b in np.broadcast_to(pad_width, (array.ndim, 2)))
    return _pad.record((array, pairs, constant_values)) if mode == "constant" else _pad_by_index(array, pairs, mode)


def _np_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = ary.shape[axis]
    if isinstance(indices_or_sections, int):
        if n % indices_or_sections:
            raise ValueError(f"np.split: {n} does not divide into {indices_or_sections} equal sections")
        size = n // indices_or_sections
        cuts = list(range(size, n, size)) if size else []
    else:
        cuts = list(indices_or_sections)
    return [narrow(ary, axis, a, b - a) for a, b in zip([0, *cuts], [*cuts, n])]


FAST.update({
    np.pad: _np_pad, np.split: _np_split,
    np.vstack: lambda tup: cat([t if t.ndim > 1 else t.reshape(1, -1) for t in tup], 0),
    np.hstack: lambda tup: cat(list(tup), 0 if tup[0].ndim == 1 else 1),
})  # fmt: skip


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def _parts(tensors: Any, who: str) -> tuple[Any, ...]:
    parts = tuple(tensors)
    if not parts:
        raise ValueError(f"{who}: expected a non-empty sequence of Tensors, got none")
    return parts


@numpy_names
def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Join along an existing dimension.

    Parameters
    ----------
    tensors : sequence of Tensor
        Equal in all dimensions but `dim`. Those of shape (0,) are left out, as in PyTorch.
    dim : int

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For shapes that do not fit, and for an empty sequence.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cat([tg.tensor([1, 2]), tg.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = _parts(tensors, "cat")
    if len({unwrap(p).ndim for p in parts}) > 1:
        parts = tuple(p for p in parts if unwrap(p).shape != (0,))
    return _concatenate.record((parts, one_dim(dim, unwrap(parts[0]).ndim, "cat"), None))


concat = concatenate = cat


@numpy_names
def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Join along a new dimension.

    Parameters
    ----------
    tensors : sequence of Tensor, of equal shapes
    dim : int
        Where the new dimension will be.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For shapes that differ, and for an empty sequence.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.stack([tg.tensor([1, 2]), tg.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _parts(tensors, "stack")
    shapes = {unwrap(p).shape for p in parts}
    if len(shapes) > 1:
        raise ValueError(f"stack: all shapes must be equal, got {', '.join(map(str, sorted(shapes)))}")
    return _stack.record((parts, one_dim(dim, unwrap(parts[0]).ndim + 1, "stack")))


@numpy_names
def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """``input[start : start + length]`` along a dimension (a view).

    Parameters
    ----------
    input : Tensor
    dim : int
    start : int
        Negative ones count from the end.
    length : int

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For a range that does not lie within the dimension.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.narrow(tg.arange(10), 0, 2, 3)
    tensor([2, 3, 4])
    """
    dim = one_dim(dim, unwrap(input).ndim, "narrow")
    size = unwrap(input).shape[dim]
    first = start + size if start < 0 else start
    if length < 0 or first < 0 or first + length > size:
        raise RuntimeError(f"narrow: start {start} and length {length} must lie within size {size} of dim {dim}")
    return input[(slice(None),) * dim + (slice(first, first + length),)]


@numpy_names
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Cut along a dimension (views).

    Parameters
    ----------
    tensor : Tensor
    split_size_or_sections : int or sequence of int
        The size of each piece, the last of which may be smaller; or the sizes of all.
    dim : int

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    RuntimeError
        For sizes that do not add up to that of the dimension.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.split(tg.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    dim = one_dim(dim, unwrap(tensor).ndim, "split")
    n = unwrap(tensor).shape[dim]
    if hasattr(split_size_or_sections, "__index__"):
        size = operator.index(split_size_or_sections)
        if size < 0 or (size == 0 and n):
            raise RuntimeError(f"split: the size must be positive, got {size}")
        pieces = [min(size, n - i) for i in range(0, n, size or 1)] or [0]
    else:
        pieces = [operator.index(p) for p in split_size_or_sections]
        if sum(pieces) != n or min(pieces, default=0) < 0:
            raise RuntimeError(f"split: sizes must add up to {n}, the size of dim {dim}, got {pieces}")
    starts = [sum(pieces[:i]) for i in range(len(pieces))]
    return tuple([narrow(tensor, dim, a, length) for a, length in zip(starts, pieces)])


@numpy_names
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Cut along a dimension into pieces of equal size (views).

    Parameters
    ----------
    input : Tensor
    chunks : int
        How many at most; the last piece may be smaller.
    dim : int

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.chunk(tg.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk: chunks must be positive, got {chunks}")
    n = unwrap(input).shape[one_dim(dim, unwrap(input).ndim, "chunk")]
    return split(input, max(-(-n // chunks), 1), dim) if n else split(input, [0] * chunks, dim)


@numpy_names
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices along a dimension (views).

    Parameters
    ----------
    input : Tensor
    dim : int

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.unbind(tg.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    dim = one_dim(dim, unwrap(input).ndim, "unbind")
    return tuple([input[(slice(None),) * dim + (i,)] for i in range(unwrap(input).shape[dim])])


def flip(input: Any, *order: Any, dims: Any = None, axis: Any = None) -> Any:
    """Reverse along dimensions (a copy).

    Parameters
    ----------
    input : Tensor
    *order : int
        Or one sequence of int: the dimensions.
    dims, axis : int or sequence of int
        The same by name.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.flip(tg.tensor([1, 2, 3]), dims=(0,))
    tensor([3, 2, 1])
    """
    named = dims if axis is None else axis
    given = sizes(order if named is None else (named,), "flip")
    turned = tuple([one_dim(d, unwrap(input).ndim, "flip") for d in given])
    if len(set(turned)) < len(turned):
        raise ValueError(f"flip: each dimension may be named once, got {given}")
    return _flip.record((input, turned)) if unwrap(input).ndim else input.clone()


@numpy_names
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Shift along dimensions; what leaves at one end enters at the other.

    Parameters
    ----------
    input : Tensor
    shifts : int or sequence of int
    dims : int or sequence of int, optional
        Default: shift the flattened input.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.roll(tg.arange(5), 2)
    tensor([3, 4, 0, 1, 2])
    """
    count = [len(v) if isinstance(v, (tuple, list)) else 1 for v in (shifts, 0 if dims is None else dims)]
    if count[0] != count[1]:
        raise ValueError(f"roll: shifts and dims must be as many, got {shifts} and {dims}")
    plain = tuple(shifts) if isinstance(shifts, (tuple, list)) else operator.index(shifts)
    return _roll.record((input, plain, tuple(dims) if isinstance(dims, list) else dims))


_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # PyTorch's name, NumPy's name


def _pad_by_index(input: Any, pairs: Sequence[tuple[int, int]], mode: str) -> Any:
    """Padding that repeats entries: along each dimension, an index that NumPy has padded."""
    for dim, (before, after) in enumerate(pairs):
        if before or after:
            order: Any = np.pad(np.arange(unwrap(input).shape[dim]), (before, after), mode)  # type: ignore[call-overload]
            input = input[(slice(None),) * dim + (order,)]
    return input


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """Add to the ends of dimensions, or take away from them.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        PyTorch's order: a pair for each dimension, the last dimension first, ``(left, right, top, bottom, ...)``.
        Negative widths crop.
    mode : "constant", "reflect", "replicate" or "circular"
        For any dimension, where PyTorch wants the last ones.
    value : float, optional
        What is added by "constant". Default: 0.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For widths that do not fit the input, and another mode.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), (1, 2))
    tensor([0., 1., 2., 3., 0., 0.])
    >>> tg.pad(tg.tensor([1.0, 2.0, 3.0]), (1, -1), mode="reflect")
    tensor([2., 1., 2.])
    """
    shape, widths = unwrap(input).shape, sizes((pad,), "pad")
    if len(widths) % 2 or len(widths) > 2 * len(shape):
        raise ValueError(f"pad: must hold a pair for at most {len(shape)} dimensions, got {widths}")
    if mode != "constant" and mode not in _MODES:
        raise ValueError(f"pad: mode must be 'constant', {', '.join(map(repr, _MODES))}, got {mode!r}")
    if mode != "constant" and value is not None:
        raise ValueError(f"pad: mode {mode!r} takes no value, got {value}")
    pairs = [(0, 0)] * (len(shape) - len(widths) // 2)
    pairs += [(widths[i], widths[i + 1]) for i in range(len(widths) - 2, -2, -2)]
    wide = tuple([(max(a, 0), max(b, 0)) for a, b in pairs])
    limit = {"reflect": 1, "circular": 0}.get(mode)
    for n, (a, b) in zip(shape, pairs):
        if n + min(a, 0) + min(b, 0) < 0 or (limit is not None and max(a, b, 0) > max(n - limit, 0)):
            raise ValueError(f"pad: widths for mode {mode!r} must fit shape {shape}, got {widths}")
    if mode == "constant":
        out = _pad.record((input, wide, 0 if value is None else value))
    else:
        out = _pad_by_index(input, wide, _MODES[mode])
    if wide == tuple(pairs):
        return out
    return out[tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(unwrap(out).shape, pairs)])]
