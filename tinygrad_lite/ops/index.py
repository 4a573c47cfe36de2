"""Reading and writing by index: everything NumPy's brackets take."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import differentiable, unwrap

__all__ = [
    "gather", "index_select", "masked_fill", "masked_select", "take_along_dim", "tril", "triu",
]  # fmt: skip


def is_basic(index: Any) -> bool:
    """Slices, integers, None and Ellipsis: NumPy gives a view."""
    parts = index if type(index) is tuple else (index,)
    return all(p is None or p is Ellipsis or type(p) in (int, slice) for p in parts)


def plain_index(index: Any) -> Any:
    """An index with arrays for Tensors; 0-d integer Tensors count as integers, lists as arrays."""
    if type(index) is not tuple:
        return _plain(index)
    return tuple(_plain(p) for p in index)


def _plain(part: Any) -> Any:
    kind = type(part)
    if kind is int or kind is slice or part is None or part is Ellipsis:
        return part
    part = unwrap(part)
    if kind is list:
        part = np.asarray(part, np.intp if not part else None)
    if kind is slice:
        return part
    if isinstance(part, (np.ndarray, np.generic)):
        if part.dtype.kind not in "iub":
            raise IndexError(f"index: tensors used as indices must be integers or booleans, got {part.dtype}")
        if part.ndim == 0 and part.dtype.kind in "iu":
            return int(part)
    return part


def _put_sum(shape: tuple[int, ...], index: Any, values: Any) -> Any:
    out = np.zeros(shape, values.dtype)
    if is_basic(index):
        out[index] = values
    else:
        np.add.at(out, index, values)
    return out


@differentiable(a=lambda g, a_shape, index: index_sum(g, a_shape, index), view=True, name="getitem")
def take(a: Any, index: Any) -> Any:
    """``a[index]``."""
    return a[index]


@differentiable(values=lambda g, index: take(g, index))
def index_sum(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of a shape with `values` added at an index: the transpose of reading."""
    return _put_sum(shape, index, values)


def _erased(g: Any, index: Any) -> Any:
    return index_put(g, 0.0, index)


def _written_value(g: Any, a_shape: tuple[int, ...], index: Any, value_shape: Any) -> Any:
    """What was written shows wherever it was not overwritten again by a repeated index."""
    picked = take(g, index)
    if is_basic(index) or picked.ndim == 0:
        return picked
    order = np.arange(picked.size).reshape(picked.shape)
    last = np.empty(a_shape, np.intp)
    last[index] = order
    return np.where(last[index] == order, picked, 0.0)


@differentiable(a=_erased, value=_written_value, name="setitem")
def index_put(a: Any, value: Any, index: Any) -> Any:
    """A copy of `a` with ``a[index] = value``."""
    out = a.copy()
    out[index] = value
    return out


# --- along a dimension -------------------------------------------------------------------------------------------------------


def _grid(indices: Any, axis: int) -> tuple[Any, ...]:
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return tuple(grid)


@differentiable(
    arr=lambda g, arr_shape, indices, axis: index_sum(g, arr_shape, _grid(indices, axis)),
    numpy=np.take_along_axis,
    name="gather",
)
def _take_along_axis(arr: Any, indices: Any, axis: int) -> Any:
    return arr[_grid(indices, axis)]


def gather(input: Any, dim: int, index: Any) -> Any:
    """``out[i][j] = input[index[i][j]][j]`` for ``dim = 0``, and so on.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, integer, as many dimensions as `input`
    """
    i, x = unwrap(index), unwrap(input)
    if i.ndim != x.ndim:
        raise RuntimeError(f"gather: index must have the input's {x.ndim} dimensions, got {i.ndim}")
    if i.size and (i.min() < 0 or i.max() >= x.shape[dim]):
        raise IndexError(f"gather: indices must be in [0, {x.shape[dim] - 1}], got {i.min()} to {i.max()}")
    return _take_along_axis(input, i, dim % x.ndim)


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """NumPy's `take_along_axis`."""
    if dim is None:
        return _take_along_axis(input.reshape(-1), unwrap(indices).reshape(-1), 0)
    return _take_along_axis(input, unwrap(indices), dim % unwrap(input).ndim)


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices at `index` along `dim` (a copy)."""
    return take(input, ((slice(None),) * (dim % unwrap(input).ndim) + (np.asarray(unwrap(index)),)))


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """`value` where the mask is True, `input` elsewhere."""
    from .elementwise import where

    return where(mask, _like(value, input), input)


def _like(value: Any, input: Any) -> Any:
    return unwrap(input).dtype.type(value) if isinstance(value, (int, float)) else value


def masked_select(input: Any, mask: Any) -> Any:
    """The entries where the mask is True, as a vector."""
    m, x = np.broadcast_arrays(unwrap(mask), unwrap(input))
    return take(np.broadcast_to(input, x.shape), np.asarray(m))


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle of matrices, zeros above."""
    return input * np.tri(*unwrap(input).shape[-2:], diagonal, dtype=unwrap(input).dtype)


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle of matrices, zeros below."""
    x = unwrap(input)
    return input * (1 - np.tri(*x.shape[-2:], diagonal - 1, dtype=x.dtype)).astype(x.dtype)
