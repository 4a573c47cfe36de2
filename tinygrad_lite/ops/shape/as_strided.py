"""Views by strides, and copies in which a view holds other values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided as _np_as_strided
from numpy.lib.stride_tricks import sliding_window_view

from ...rules import differentiable, unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, sizes
from ..indexing.index import index_sum, take
from .diagonals import placed
from .split import selected
from .storage import storage_offset, typed, whole

__all__ = ["as_strided", "as_strided_scatter", "select_scatter", "slice_scatter"]
METHODS = "as_strided as_strided_scatter select_scatter slice_scatter unfold"

# --- rows -------------------------------------------------------------------------------------------------------


def _summed(g: Any, shape: tuple[int, ...], places: Any) -> Any:
    """What came from each place of a flattened tensor, summed."""
    return np.reshape(index_sum(g, (math.prod(shape),), (places,)), shape)


def _unfold_a(g: Any, a_shape: tuple[int, ...], axis: int, size: int, step: int) -> Any:
    return _summed(g, a_shape, _unfold.function(np.arange(math.prod(a_shape)).reshape(a_shape), axis, size, step))


@differentiable(a=_unfold_a, view=True, name="unfold", complex=True)
def _unfold(a: Any, axis: int, size: int, step: int) -> Any:
    apart = a.flags.writeable and step >= size
    windows: Any = sliding_window_view(a, size, axis, writeable=apart)
    return windows[(slice(None),) * axis + (slice(None, None, step),)]


def _as_strided_a(g: Any, a_shape: tuple[int, ...], places: Any) -> Any:
    own = places >= 0
    return _summed(g, a_shape, places) if own.all() else _summed(take(g, (own,)), a_shape, places[own])


@differentiable(a=_as_strided_a, view=True, name="as_strided", complex=True)
def _as_strided(
    a: Any, places: Any, stride: tuple[int, ...], layout: tuple[int, ...], apart: bool, ahead: int | None = None
) -> Any:
    """The elements at some places of the flattened tensor, which lie at `stride` where it has the strides `layout`.

    Where some lie elsewhere in its memory, their places are -1, and the first one is `ahead` of the tensor's own.
    """
    if ahead is not None:
        return _elsewhere(a, places.shape, stride, apart, ahead)
    if not places.size:
        return a[np.newaxis][:0].reshape(places.shape)  # a view still
    if _strides(a) != layout:
        return a.reshape(-1)[places]
    first = a[(*np.unravel_index(places.flat[0], a.shape), ...)]
    if places.size == 1:
        return first.reshape(places.shape)
    steps = [s * a.itemsize for s in stride]
    return _np_as_strided(first, places.shape, steps, writeable=apart and a.flags.writeable)


def _elsewhere(a: Any, shape: tuple[int, ...], stride: tuple[int, ...], apart: bool, ahead: int) -> Any:
    elements, first = typed(whole(a), a.dtype), storage_offset(a) + ahead
    if first < 0 or first + sum((n - 1) * s for n, s in zip(shape, stride)) >= elements.size:
        raise RuntimeError("as_strided: elements lie beyond the input's memory, which is another's now")
    return _np_as_strided(elements[first:], shape, [s * a.itemsize for s in stride], writeable=apart)


def _strides(a: Any) -> tuple[int, ...]:
    return tuple([s // a.itemsize for s in a.strides])


def _grid(shape: tuple[int, ...], stride: Sequence[int], offset: int) -> Any:
    places = np.full(shape, offset, np.intp)
    for i, (n, s) in enumerate(zip(shape, stride)):
        places += (np.arange(n) * s).reshape((-1,) + (1,) * (len(shape) - 1 - i))
    return places


def _found(a: Any, places: Any) -> Any:
    """Which elements of the flattened array lie at some places of its memory, counted from its first; -1 for none."""
    if a.flags.c_contiguous:
        return np.where((places < 0) | (places >= a.size), -1, places)
    held = _grid(a.shape, _strides(a), 0).reshape(-1)
    order = np.argsort(held, kind="stable")
    found = order[np.minimum(np.searchsorted(held[order], places), held.size - 1)]
    return np.where(held[found] == places, found, -1)


def _strided_options(
    input: Any, size: Any, stride: Any, storage_offset_: Any, who: str, scatter: bool = False
) -> tuple[Any, ...]:
    shape, steps, a = sizes((size,), who), sizes((stride,), who), unwrap(input)
    if len(shape) != len(steps) or min((*shape, *steps), default=0) < 0:
        raise RuntimeError(f"{who}: size and stride must be as many, and not negative, got {shape} and {steps}")
    ahead = 0 if storage_offset_ is None else storage_offset_ - storage_offset(input)
    count = math.prod(shape)
    if count == 1 and 0 <= ahead < a.size and a.flags.c_contiguous:
        return np.full(shape, ahead, np.intp), steps, _strides(a), True, None  # as programs make leaves current
    places = _grid(shape, steps, ahead)
    found = _found(a, places)
    beyond = bool((found < 0).any())
    if beyond:
        begin = storage_offset(input) + ahead
        if scatter or begin < 0 or begin - ahead + places.max() >= typed(whole(a), a.dtype).size:
            raise RuntimeError(
                f"{who}: the result must lie within the input's {'elements' if scatter else 'memory'}, got size "
                f"{shape}, stride {steps} and storage_offset {storage_offset_} for an input of shape {a.shape} and "
                f"strides {_strides(a)}"
            )
    apart = np.unique(places).size == count
    return found, steps, _strides(a), apart, ahead if beyond else None


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def as_strided(input: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None) -> Tensor:
    """The input's memory seen with another shape and other strides (a view).

    Parameters
    ----------
    input : Tensor
    size : sequence of int
    stride : sequence of int
        In elements.
    storage_offset : int, optional
        Where the first element lies in the memory. Default: where the input's does.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For elements that do not lie in the input's memory.

    Notes
    -----
    Elements may lie in the input's memory without being the input's, as for a part of a larger tensor: the values are
    those in memory, and what comes back to them in a backward pass goes nowhere, as in PyTorch. Where elements of the
    result share a place it cannot be written to; PyTorch leaves open what that would mean.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.as_strided(tg.arange(6), (2, 3), (1, 2), 1 - 1)
    tensor([[0, 2, 4],
            [1, 3, 5]])
    """
    return _as_strided.record((input, *_strided_options(input, size, stride, storage_offset, "as_strided")))


def as_strided_scatter(
    input: Any, src: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """A copy in which the elements that `as_strided` shows have other values.

    Parameters
    ----------
    input : Tensor
    src : Tensor, of shape `size`
    size : sequence of int
    stride : sequence of int
        In elements.
    storage_offset : int, optional
        Where the first element lies in the memory. Default: where the input's does.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    RuntimeError
        For elements that are not the input's or share a place, and for values of another shape.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.as_strided_scatter(tg.zeros(4), tg.tensor([1.0, 2.0]), (2,), (3,))
    tensor([1., 0., 0., 2.])
    """
    options = _strided_options(input, size, stride, storage_offset, "as_strided_scatter", scatter=True)
    if not options[3]:
        raise RuntimeError(f"as_strided_scatter: elements must not share a place, got size {size} and stride {stride}")
    return placed(input, src, _as_strided, options, "as_strided_scatter")


def unfold(self: Any, dimension: int, size: int, step: int) -> Tensor:
    """Windows along a dimension; their elements are the last dimension (a view).

    Parameters
    ----------
    dimension : int
    size : int
        Elements of a window.
    step : int
        From one window to the next. Windows that overlap cannot be written to.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For windows larger than the dimension, and a step that is not positive.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    if not self.ndim:
        return unfold(self.reshape(1), dimension, size, step)[0]
    dim = one_dim(dimension, self.ndim, "unfold")
    if not 0 <= size <= self.shape[dim] or step < 1:
        raise RuntimeError(
            f"unfold: size must be in [0, {self.shape[dim]}], the size of dim {dim}, and step positive, "
            f"got {size} and {step}"
        )
    return _unfold.record((self, dim, size, step))


@numpy_names
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Tensor:
    """A copy in which one slice along a dimension has other values.

    Parameters
    ----------
    input : Tensor
    src : Tensor
        Of the slice's shape: without `dim`.
    dim : int
    index : int

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For an index out of range.
    RuntimeError
        For values of another shape.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.select_scatter(tg.zeros(2, 2), tg.tensor([1.0, 2.0]), 0, 1)
    tensor([[0., 0.],
            [1., 2.]])
    """
    key = selected(unwrap(input).shape, dim, index, "select_scatter")
    return placed(input, src, take, (key,), "select_scatter")


@numpy_names
def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy in which a range along a dimension has other values.

    Parameters
    ----------
    input : Tensor
    src : Tensor
        Of the range's shape.
    dim : int
    start, end, step : int, optional
        As in a slice.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    RuntimeError
        For values of another shape, and a step that is not positive.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.slice_scatter(tg.zeros(4), tg.tensor([1.0, 2.0]), start=1, end=3)
    tensor([0., 1., 2., 0.])
    """
    dim = one_dim(dim, unwrap(input).ndim, "slice_scatter")
    if step < 1:
        raise RuntimeError(f"slice_scatter: step must be positive, got {step}")
    return placed(input, src, take, ((slice(None),) * dim + (slice(start, end, step),),), "slice_scatter")
