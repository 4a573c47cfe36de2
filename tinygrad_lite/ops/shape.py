"""Arranging: views where NumPy gives views, and the copies that join and repeat."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..rules import FAST, TABLE, differentiable, unwrap
from .reduce import expand_to, unexpand

__all__ = [
    "broadcast_to", "cat", "chunk", "concat", "concatenate", "expand_as", "flatten", "flip", "moveaxis",
    "movedim", "narrow", "pad", "permute", "reshape", "roll", "split", "squeeze", "stack", "swapaxes",
    "swapdims", "t", "tile", "transpose", "unbind", "unflatten", "unsqueeze",
]  # fmt: skip

# --- rows -----------------------------------------------------------------------------------------------------------------


@differentiable(a=lambda g, a_shape: np.reshape(g, a_shape), numpy=np.reshape, view=True, name="reshape")
def _reshape(a: Any, shape: tuple[int, ...]) -> Any:
    return a.reshape(shape)


def _inverse(axes: Any) -> Any:
    return None if axes is None else tuple(int(i) for i in np.argsort(axes))


@differentiable(a=lambda g, axes: np.transpose(g, _inverse(axes)), numpy=np.transpose, view=True, name="transpose")
def _transpose(a: Any, axes: tuple[int, ...] | None = None) -> Any:
    return a.transpose(axes)


@differentiable(
    a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2), numpy=np.swapaxes, view=True, name="transpose"
)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return a.swapaxes(axis1, axis2)


@differentiable(
    a=lambda g, source, destination: np.moveaxis(g, destination, source), numpy=np.moveaxis, view=True, name="movedim"
)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return np.moveaxis(a, source, destination)


@differentiable(a=lambda g, a_shape: np.reshape(g, a_shape), numpy=np.expand_dims, view=True, name="unsqueeze")
def _expand_dims(a: Any, axis: Any) -> Any:
    return np.expand_dims(a, axis)


@differentiable(a=lambda g, a_shape: np.reshape(g, a_shape), numpy=np.squeeze, view=True, name="squeeze")
def _squeeze(a: Any, axis: Any = None) -> Any:
    return np.squeeze(a, axis)


@differentiable(a=lambda g, a_shape: np.reshape(g, a_shape), numpy=np.ravel, view=True, name="ravel")
def _ravel(a: Any) -> Any:
    return np.ravel(a)


@differentiable(m=lambda g, axis: np.flip(g, axis), numpy=np.flip, name="flip")
def _flip(m: Any, axis: Any = None) -> Any:
    return np.flip(m, axis).copy()  # PyTorch copies


def _back(shift: Any) -> Any:
    return -shift if isinstance(shift, int) else tuple(-s for s in shift)


@differentiable(a=lambda g, shift, axis: np.roll(g, _back(shift), axis), numpy=np.roll, name="roll")
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return np.roll(a, shift, axis)


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
    return np.concatenate(arrays, axis, dtype=dtype)


@differentiable(
    arrays=lambda g, arrays_shape, axis: [
        g[(*(slice(None),) * (axis % g.ndim), i)] for i in range(len(arrays_shape))
    ],
    numpy=np.stack,
    name="stack",
)
def _stack(arrays: Any, axis: int = 0) -> Any:
    return np.stack(arrays, axis)


def _crop(g: Any, array_shape: tuple[int, ...], pad_width: Any) -> Any:
    return g[tuple(slice(before, before + n) for n, (before, _) in zip(array_shape, pad_width))]


@differentiable(array=_crop, name="pad")
def _pad(array: Any, pad_width: tuple[tuple[int, int], ...], value: float) -> Any:
    out = np.full(tuple(n + a + b for n, (a, b) in zip(array.shape, pad_width)), value, array.dtype)
    _crop(out, array.shape, pad_width)[...] = array
    return out


@differentiable(
    A=lambda g, A_shape, reps: unexpand(
        np.sum(
            np.reshape(g, tuple(m for pair in zip(reps, _led(A_shape, len(reps))) for m in pair)),
            axis=tuple(range(0, 2 * len(reps), 2)),
        ),
        A_shape,
    ),
    name="tile",
)
def _tile(A: Any, reps: tuple[int, ...]) -> Any:
    return np.tile(A, reps)


def _led(shape: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    return (1,) * (ndim - len(shape)) + shape


# --- NumPy functions made of these ------------------------------------------------------------------------------------------


def _np_pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    if mode != "constant":
        raise NotImplementedError(f"np.pad: only mode='constant' is differentiable here, got {mode!r}")
    width = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    return _pad(array, tuple((int(a), int(b)) for a, b in width), constant_values)


def _np_tile(A: Any, reps: Any) -> Any:
    return tile(A, reps)


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


def _np_shape(a: Any) -> tuple[int, ...]:
    return tuple(a.shape)


FAST.update({
    np.pad: _np_pad, np.tile: _np_tile, np.split: _np_split, np.shape: _np_shape,
    np.ndim: lambda a: a.ndim, np.size: lambda a, axis=None: a._data.size if axis is None else a.shape[axis],
    np.vstack: lambda tup: cat([t if t.ndim > 1 else t[None] for t in tup], 0),
    np.hstack: lambda tup: cat(list(tup), 0 if tup[0].ndim == 1 else 1),
})  # fmt: skip
TABLE[np.concat] = _concatenate
TABLE[np.permute_dims] = _transpose


# --- PyTorch's face -----------------------------------------------------------------------------------------------------------


def sizes(args: tuple[Any, ...], who: str) -> tuple[int, ...]:
    """``f(2, 3)``, ``f((2, 3))`` and ``f([2, 3])`` all mean the shape (2, 3)."""
    if len(args) == 1 and not hasattr(args[0], "__index__"):
        args = tuple(args[0])
    try:
        return tuple(operator.index(n) for n in args)
    except TypeError:
        raise TypeError(f"{who}: sizes must be integers, got {args}") from None


def reshape(input: Any, *shape: Any) -> Any:
    """The same values in another shape; one size may be -1. A view where memory allows.

    Parameters
    ----------
    input : Tensor
    *shape : int
        Or one sequence of int.
    """
    target = sizes(shape, "reshape")
    try:
        return _reshape.record((input, target))
    except ValueError:
        raise ValueError(
            f"reshape: shape {target} must hold {unwrap(input).size} elements like {unwrap(input).shape}"
        ) from None


def view(input: Any, *shape: Any) -> Any:
    """`reshape`, but an error where a copy would be needed; with a dtype, a reinterpretation is not supported."""
    out = reshape(input, *shape)
    if out._data.size and not np.may_share_memory(out._data, unwrap(input)):
        raise RuntimeError("view: size is not compatible with the input's strides; use reshape()")
    return out


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Join the dimensions from `start_dim` to `end_dim`."""
    shape = unwrap(input).shape
    n = len(shape)
    if not n:
        return reshape(input, 1)
    first, last = _dim(start_dim, n, "flatten"), _dim(end_dim, n, "flatten")
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} must not come after end_dim {end_dim}")
    return reshape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Any:
    """Split a dimension into several; one size may be -1."""
    shape = unwrap(input).shape
    dim = _dim(dim, len(shape), "unflatten")
    inner = tuple(sizes)
    if -1 in inner:
        known = -math.prod(inner)
        inner = tuple(shape[dim] // known if s == -1 else s for s in inner)
    if math.prod(inner) != shape[dim]:
        raise RuntimeError(f"unflatten: sizes {tuple(sizes)} must multiply to {shape[dim]}, the size of dim {dim}")
    return reshape(input, (*shape[:dim], *inner, *shape[dim + 1 :]))


def _dim(dim: int, ndim: int, who: str) -> int:
    if not -max(ndim, 1) <= dim < max(ndim, 1):
        raise IndexError(f"{who}: dim must be in [{-ndim}, {ndim - 1}], got {dim}")
    return dim % ndim if ndim else 0


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """Swap two dimensions (a view)."""
    n = unwrap(input).ndim
    return _swapaxes.record((input, _dim(dim0, n, "transpose"), _dim(dim1, n, "transpose"))) if n else input.view(())


swapaxes = swapdims = transpose


def t(input: Any) -> Any:
    """The transpose of a matrix; vectors as they are."""
    if unwrap(input).ndim > 2:
        raise RuntimeError(f"t: the input must have at most 2 dimensions, got {unwrap(input).ndim}")
    return _transpose.record((input, None))


def permute(input: Any, *dims: Any) -> Any:
    """The dimensions in another order (a view)."""
    n = unwrap(input).ndim
    order = tuple(_dim(d, n, "permute") for d in sizes(dims, "permute"))
    if sorted(order) != list(range(n)):
        raise RuntimeError(f"permute: dims must name each of the {n} dimensions once, got {dims}")
    return _transpose.record((input, order))


def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Move dimensions to other places (a view)."""
    return _moveaxis(input, source, destination)


moveaxis = movedim


def unsqueeze(input: Any, dim: int) -> Any:
    """A dimension of size 1, inserted at `dim` (a view)."""
    return _expand_dims.record((input, _dim(dim, unwrap(input).ndim + 1, "unsqueeze")))


def squeeze(input: Any, dim: Any = None) -> Any:
    """Drop dimensions of size 1: all, or those of `dim` that have it (a view)."""
    shape = unwrap(input).shape
    dims = range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else dim
    drop = {_dim(d, len(shape), "squeeze") for d in dims}
    return _squeeze.record((input, tuple(i for i in sorted(drop) if shape and shape[i] == 1)))


def broadcast_to(input: Any, shape: Sequence[int]) -> Any:
    """Repeat along new and size-1 dimensions without copying (a view)."""
    return expand(input, *shape)


def expand(input: Any, *size: Any) -> Any:
    """Repeat along new and size-1 dimensions without copying; -1 keeps a size (a view)."""
    shape, target = unwrap(input).shape, sizes(size, "expand")
    lead = len(target) - len(shape)
    full = tuple(shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(target))
    if lead < 0 or any(m not in (1, n) for m, n in zip(shape, full[lead:])) or -1 in full:
        raise RuntimeError(f"expand: shape {shape} cannot be expanded to {target}")
    return expand_to.record((input, full))


def expand_as(input: Any, other: Any) -> Any:
    """`expand` to another tensor's shape."""
    return expand(input, other.shape)


def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Join along an existing dimension.

    Parameters
    ----------
    tensors : sequence of Tensor
        Equal in all dimensions but `dim`.
    dim : int
    """
    parts = tuple(tensors)
    if not parts:
        raise ValueError("cat: expected a non-empty sequence of Tensors, got none")
    return _concatenate.record((parts, _dim(dim, unwrap(parts[0]).ndim, "cat"), None))


concat = concatenate = cat


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Join along a new dimension."""
    parts = tuple(tensors)
    if not parts:
        raise ValueError("stack: expected a non-empty sequence of Tensors, got none")
    if len({unwrap(p).shape for p in parts}) > 1:
        raise RuntimeError(f"stack: all shapes must be equal, got {[unwrap(p).shape for p in parts]}")
    return _stack.record((parts, _dim(dim, unwrap(parts[0]).ndim + 1, "stack")))


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """``input[start:start + length]`` along `dim` (a view)."""
    n = unwrap(input).ndim
    dim = _dim(dim, n, "narrow")
    size = unwrap(input).shape[dim]
    start = start + size if start < 0 else start
    if length < 0 or start < 0 or start + length > size:
        raise RuntimeError(f"narrow: start {start} and length {length} must lie within size {size} of dim {dim}")
    return input[(slice(None),) * dim + (slice(start, start + length),)]


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Cut along `dim` into pieces of a size (the last may be smaller), or of the given sizes (views)."""
    n = unwrap(tensor).shape[_dim(dim, unwrap(tensor).ndim, "split")]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size <= 0:
            raise RuntimeError(f"split: the size must be positive, got {size}")
        pieces = [min(size, n - i) for i in range(0, n, size)] or [0]
    else:
        pieces = [operator.index(p) for p in split_size_or_sections]
        if sum(pieces) != n:
            raise RuntimeError(f"split: sizes must add up to {n}, the size of dim {dim}, got {pieces}")
    starts = [sum(pieces[:i]) for i in range(len(pieces))]
    return tuple(narrow(tensor, dim, a, length) for a, length in zip(starts, pieces))


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Cut along `dim` into at most `chunks` pieces of equal size (the last may be smaller)."""
    if chunks <= 0:
        raise RuntimeError(f"chunk: chunks must be positive, got {chunks}")
    n = unwrap(input).shape[_dim(dim, unwrap(input).ndim, "chunk")]
    return split(input, max(-(-n // chunks), 1), dim)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices along `dim` (views)."""
    dim = _dim(dim, unwrap(input).ndim, "unbind")
    return tuple(input[(slice(None),) * dim + (i,)] for i in range(unwrap(input).shape[dim]))


def flip(input: Any, *dims: Any) -> Any:
    """Reverse along `dims` (a copy)."""
    n = unwrap(input).ndim
    return _flip.record((input, tuple(_dim(d, n, "flip") for d in sizes(dims, "flip"))))


def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Shift around along `dims`, of the flattened input where `dims` is None."""
    return _roll.record((input, shifts, dims))


def tile(input: Any, *dims: Any) -> Any:
    """Repeat the whole, `dims` times along each dimension."""
    reps = sizes(dims, "tile")
    return _tile.record((input, _led(reps, unwrap(input).ndim)))


def repeat(input: Any, *repeats: Any) -> Any:
    """PyTorch's `Tensor.repeat`: `tile` that names every dimension."""
    reps = sizes(repeats, "repeat")
    if len(reps) < unwrap(input).ndim:
        raise RuntimeError(f"repeat: must name at least the {unwrap(input).ndim} dimensions, got {reps}")
    return _tile.record((input, reps))


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """Pad with a constant; PyTorch's order: last dimension first, ``(left, right, top, bottom, ...)``.

    Negative widths crop.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int, of even length
    mode : "constant"
    value : float
    """
    shape = unwrap(input).shape
    if len(pad) % 2 or len(pad) > 2 * len(shape):
        raise ValueError(f"pad: must hold a pair for at most {len(shape)} dimensions, got {tuple(pad)}")
    if mode != "constant":
        raise NotImplementedError(f"pad: mode must be 'constant', got {mode!r}")
    pairs = [(0, 0)] * (len(shape) - len(pad) // 2) + [
        (pad[2 * i], pad[2 * i + 1]) for i in reversed(range(len(pad) // 2))
    ]
    if any(a < 0 or b < 0 for a, b in pairs):
        input = input[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(shape, pairs))]
        pairs = [(max(a, 0), max(b, 0)) for a, b in pairs]
    return _pad.record((input, tuple(pairs), 0 if value is None else value))
