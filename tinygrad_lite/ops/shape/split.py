"""Cutting along a dimension: views of parts."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ... import rules
from ...engine.blame import came
from ...engine.errors import InputError, RangeError
from ...rules import FAST, unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, other_names
from ..indexing.parts import parts

__all__ = [
    "chunk", "dsplit", "hsplit", "narrow", "select", "split", "split_with_sizes", "tensor_split", "unbind", "vsplit",
]  # fmt: skip
METHODS = "chunk dsplit hsplit narrow select split_with_sizes tensor_split unbind vsplit"


_MOST_PIECES = 2**20
_PLACES = "indices_or_sections"


@numpy_names
def select(input: Any, dim: int, index: Any) -> Tensor:
    """One slice along a dimension, without that dimension (a view).

    Parameters
    ----------
    input : Tensor
    dim : int
    index : int

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        For an index out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.select(tg.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    return input[selected(unwrap(input).shape, dim, index, "select")]


def selected(shape: tuple[int, ...], dim: int, index: Any, who: str) -> tuple[Any, ...]:
    """The index of one slice."""
    if not shape:
        raise IndexError(f"{who}: the input must have a dimension to select from, got shape ()")
    dim, at = one_dim(dim, len(shape), who), operator.index(index)
    if not -shape[dim] <= at < shape[dim]:
        raise RangeError(f"{who}: index must be in [{-shape[dim]}, {shape[dim] - 1}], got {at}")
    return (*(slice(None),) * dim, at, ...)


def _dimension(input: Any, dim: int, who: str) -> tuple[int, int]:
    """A dimension to cut, and its size."""
    shape = unwrap(input).shape
    if not shape:
        raise RangeError(f"{who}: the input must have at least 1 dimension, got shape ()")
    dim = one_dim(dim, len(shape), who)
    return dim, shape[dim]


@numpy_names
def narrow(input: Any, dim: int, start: int, length: int) -> Tensor:
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
    if isinstance(start, (rules.Tensor, np.ndarray)) and (unwrap(start).ndim or unwrap(start).dtype.kind not in "iu"):
        raise InputError(f"narrow: start must be an integer, or an integer Tensor of no dimension, got {came(start)}")
    (dim, size), start = _dimension(input, dim, "narrow"), operator.index(start)
    first = start + size if start < 0 else start
    if length < 0 or first < 0 or first + length > size:
        raise RangeError(f"narrow: start {start} and length {length} must lie within size {size} of dim {dim}")
    return input[(slice(None),) * dim + (slice(first, first + length),)]


@numpy_names
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
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
    return cut(tensor, split_size_or_sections, dim, "split")


def cut(tensor: Any, split_size_or_sections: Any, dim: int, maker: str) -> tuple[Tensor, ...]:
    """`split`, for a `maker` of views none of which may be written to; all may be where it has no name."""
    dim, n = _dimension(tensor, dim, "split")
    if hasattr(split_size_or_sections, "__index__"):
        size = operator.index(split_size_or_sections)
        if size < 0 or (size == 0 and n):
            raise RuntimeError(f"split: the size must be positive, got {size}")
        pieces = [min(size, n - i) for i in range(0, n, size or 1)] or [0]
    else:
        try:
            pieces = [operator.index(p) for p in split_size_or_sections]
        except TypeError:
            raise TypeError(f"split: the size must be an integer or several, got {split_size_or_sections!r}") from None
        if sum(pieces) != n or min(pieces, default=0) < 0:
            raise RuntimeError(f"split: sizes must add up to {n}, the size of dim {dim}, got {pieces}")
    starts, before = accumulate(pieces, initial=0), (slice(None),) * dim
    return parts(tensor, [(*before, slice(a, a + length), ...) for a, length in zip(starts, pieces)], maker)


@numpy_names
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
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
    return chunks_of(input, chunks, dim, "chunk")


def chunks_of(input: Any, chunks: int, dim: int, maker: str) -> tuple[Tensor, ...]:
    """`chunk`, for a `maker` as in `cut`."""
    if chunks <= 0:
        raise RuntimeError(f"chunk: chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim, n = _dimension(input, dim, "chunk")
    return cut(input, max(-(-n // chunks), 1) if n else [0] * chunks, dim, maker)


@numpy_names
def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
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
    return slices(input, dim, "unbind")


def slices(input: Any, dim: int, maker: str) -> tuple[Tensor, ...]:
    """`unbind`, for a `maker` as in `cut`."""
    dim, n = _dimension(input, dim, "unbind")
    before = (slice(None),) * dim
    return parts(input, [(*before, i, ...) for i in range(n)], maker)


@numpy_names
def split_with_sizes(input: Any, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split` with the sizes of all pieces."""
    return cut(input, list(split_sizes), dim, "split_with_sizes")


@numpy_names
@other_names(sections=_PLACES, indices=_PLACES, tensor_indices_or_sections=_PLACES)
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut along a dimension into a number of pieces, or at some indices (views). NumPy's `array_split`.

    Parameters
    ----------
    input : Tensor
    indices_or_sections : int, sequence of int, or integer Tensor of at most 1 dimension
        How many pieces, of which the first ones are one larger where sizes cannot be equal; or where to cut, as in
        slices.
    dim : int

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ValueError
        For less than one piece.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor_split(tg.arange(5), 2), tg.tensor_split(tg.arange(5), (1, 3))
    ((tensor([0, 1, 2]), tensor([3, 4])), (tensor([0]), tensor([1, 2]), tensor([3, 4])))
    """
    (dim, n), given = _dimension(input, dim, "tensor_split"), unwrap(indices_or_sections)
    if np.ndim(given) == 0:
        sections = operator.index(given)
        if sections < 1:
            raise InputError(f"tensor_split: the number of sections must be positive, got {sections}")
        if sections > max(n, _MOST_PIECES):
            raise InputError(f"tensor_split: there must be at most {max(n, _MOST_PIECES)} sections, got {sections}")
        cuts = [i * (n // sections) + min(i, n % sections) for i in range(1, sections)]
    else:
        cuts = [operator.index(i) for i in given]
    before = (slice(None),) * dim
    return parts(input, [(*before, slice(a, b), ...) for a, b in zip([0, *cuts], [*cuts, n])])


def _evenly(input: Any, indices_or_sections: Any, dim: int, least: int, who: str) -> tuple[Any, ...]:
    shape, given = unwrap(input).shape, unwrap(indices_or_sections)
    if len(shape) < least:
        raise InputError(f"{who}: the input must have at least {least} dimensions, got shape {shape} "
                         f"(torch.{who} requires a tensor with at least {least} dimensions)")  # fmt: skip
    if np.ndim(given) == 0 and (given < 1 or shape[dim] % given):
        raise InputError(f"{who}: size {shape[dim]} of dim {dim} must divide into equal sections, got {given} "
                         f"(torch.{who} attempted to split along dimension {dim})")  # fmt: skip
    return tensor_split(input, indices_or_sections, dim)


@other_names(sections=_PLACES, indices=_PLACES)
def hsplit(input: Any, indices_or_sections: Any, *more: int) -> tuple[Tensor, ...]:
    """Cut along the second dimension, or the only one, into equal pieces or at some indices (views).

    Parameters
    ----------
    input : Tensor, at least 1 dimension
    indices_or_sections : int or sequence of int
        As in `tensor_split`, but pieces must be of one size.
    *more : int
        Further indices.

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.hsplit(tg.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1],
            [3]]), tensor([[2],
            [4]]))
    """
    return _evenly(
        input, (indices_or_sections, *more) if more else indices_or_sections, int(unwrap(input).ndim > 1), 1, "hsplit"
    )


@other_names(sections=_PLACES, indices=_PLACES)
def vsplit(input: Any, indices_or_sections: Any, *more: int) -> tuple[Tensor, ...]:
    """Cut along the first dimension into equal pieces or at some indices (views).

    Parameters
    ----------
    input : Tensor, at least 2 dimensions
    indices_or_sections : int or sequence of int
        As in `tensor_split`, but pieces must be of one size.
    *more : int
        Further indices.

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.vsplit(tg.tensor([[1, 2], [3, 4]]), 2)
    (tensor([[1, 2]]), tensor([[3, 4]]))
    """
    return _evenly(input, (indices_or_sections, *more) if more else indices_or_sections, 0, 2, "vsplit")


@other_names(sections=_PLACES, indices=_PLACES)
def dsplit(input: Any, indices_or_sections: Any, *more: int) -> tuple[Tensor, ...]:
    """Cut along the third dimension into equal pieces or at some indices (views).

    Parameters
    ----------
    input : Tensor, at least 3 dimensions
    indices_or_sections : int or sequence of int
        As in `tensor_split`, but pieces must be of one size.
    *more : int
        Further indices.

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> [part.shape for part in tg.dsplit(tg.zeros(2, 3, 4), (1,))]
    [(2, 3, 1), (2, 3, 3)]
    """
    return _evenly(input, (indices_or_sections, *more) if more else indices_or_sections, 2, 3, "dsplit")


def _np_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = ary.shape[axis]
    if isinstance(indices_or_sections, int):
        if n % indices_or_sections:
            raise InputError(f"np.split: {n} does not divide into {indices_or_sections} equal sections")
        size = n // indices_or_sections
        cuts = list(range(size, n, size)) if size else []
    else:
        cuts = list(indices_or_sections)
    return [narrow(ary, axis, a, b - a) for a, b in zip([0, *cuts], [*cuts, n])]


_NUMPY: dict[Any, Any] = {
    np.split: _np_split,
    np.array_split: lambda ary, indices_or_sections, axis=0: list(tensor_split(ary, indices_or_sections, axis)),
    np.hsplit: lambda ary, indices_or_sections: list(hsplit(ary, indices_or_sections)),
    np.vsplit: lambda ary, indices_or_sections: list(vsplit(ary, indices_or_sections)),
    np.dsplit: lambda ary, indices_or_sections: list(dsplit(ary, indices_or_sections)),
}  # fmt: skip
FAST.update(_NUMPY)
