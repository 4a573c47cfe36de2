"""`transpose_copy`, `view_copy` and their like, what a view shows in memory of its own; `fill`, `constant_pad_nd`."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from ...tensors.tensor_type import Tensor
from ..argument_names import one_dim
from ..pointwise.complex_numbers import view_as_complex, view_as_real
from .as_strided import as_strided, unfold
from .broadcasting import expand
from .cat_pad import pad as _pad
from .clone import copied
from .diagonals import diagonal
from .reshape_transpose import permute, reshape, squeeze, t, transpose, unsqueeze, view
from .split import chunks_of, cut, narrow, select, split, unbind

__all__ = [
    "alias_copy", "as_strided_copy", "constant_pad_nd", "detach_copy", "diagonal_copy", "expand_copy", "fill",
    "narrow_copy", "permute_copy", "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy", "squeeze_copy",
    "t_copy", "transpose_copy", "unbind_copy", "unfold_copy", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
    "unsqueeze_copy", "view_as_complex_copy", "view_as_real_copy", "view_copy",
]  # fmt: skip
METHODS = "narrow_copy unsafe_chunk unsafe_split unsafe_split_with_sizes"


def alias_copy(input: Any) -> Tensor:
    """A copy in C order."""
    return copied(input)


def detach_copy(input: Any) -> Tensor:
    """A copy without history.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.detach_copy(tg.ones(2, requires_grad=True))
    tensor([1., 1.])
    """
    return copied(input.detach())


def as_strided_copy(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A copy of `as_strided`."""
    return copied(as_strided(input, size, stride, storage_offset))


def diagonal_copy(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of `diagonal`."""
    return copied(diagonal(input, offset, dim1, dim2))


def expand_copy(input: Any, size: Any, *, implicit: bool = False) -> Tensor:
    """A copy of `Tensor.expand`; `implicit` is PyTorch's own, and without effect."""
    return copied(expand(input, size))


def narrow_copy(input: Any, dim: int, start: int, length: int) -> Tensor:
    """A copy of `narrow`."""
    return copied(narrow(input, dim, start, length))


def permute_copy(input: Any, dims: Sequence[int]) -> Tensor:
    """A copy of `permute`."""
    return copied(permute(input, dims))


def select_copy(input: Any, dim: int, index: int) -> Tensor:
    """A copy of `select`."""
    return copied(select(input, dim, index))


def slice(input: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """A view, ``input[start:end:step]`` along a dimension."""
    return input[(builtins.slice(None),) * one_dim(dim, input.ndim, "slice") + (builtins.slice(start, end, step),)]


def slice_copy(input: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """A copy of ``input[start:end:step]`` along a dimension."""
    return copied(slice(input, dim, start, end, step))


def split_copy(input: Any, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the parts that `split` gives."""
    return tuple(map(copied, split(input, split_size, dim)))


def split_with_sizes_copy(input: Any, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the parts, of given sizes, that `split` gives."""
    return tuple(map(copied, split(input, split_sizes, dim)))


def squeeze_copy(input: Any, dim: Any = None) -> Tensor:
    """A copy of `squeeze`."""
    return copied(squeeze(input, dim))


def t_copy(input: Any) -> Tensor:
    """A copy of `t`."""
    return copied(t(input))


def transpose_copy(input: Any, dim0: int, dim1: int) -> Tensor:
    """A copy of `transpose`."""
    return copied(transpose(input, dim0, dim1))


def unbind_copy(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the slices that `unbind` gives."""
    return tuple(map(copied, unbind(input, dim)))


def unfold_copy(input: Any, dimension: int, size: int, step: int) -> Tensor:
    """A copy of `Tensor.unfold`."""
    return copied(unfold(input, dimension, size, step))


def unsqueeze_copy(input: Any, dim: int) -> Tensor:
    """A copy of `unsqueeze`."""
    return copied(unsqueeze(input, dim))


def view_copy(input: Any, size: Any) -> Tensor:
    """A copy of another shape; or, given a dtype, of the bytes as such numbers."""
    return copied(reshape(input, size) if isinstance(size, (tuple, list)) else view(input, dtype=size))


def view_as_real_copy(input: Any) -> Tensor:
    """A copy of `view_as_real`."""
    return copied(view_as_real(input))


def view_as_complex_copy(input: Any) -> Tensor:
    """A copy of `view_as_complex`."""
    return copied(view_as_complex(input))


# --- what PyTorch has a second name for -----------------------------------------------------------------------------


def unsafe_chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk`, whose parts may be written to: that is seen here."""
    return chunks_of(input, chunks, dim, "")


def unsafe_split(input: Any, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """`split`, whose parts may be written to: that is seen here."""
    return cut(input, split_size, dim, "")


def unsafe_split_with_sizes(input: Any, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split` by sizes, whose parts may be written to: that is seen here."""
    return cut(input, list(split_sizes), dim, "")


def constant_pad_nd(input: Any, pad: Sequence[int], value: float = 0) -> Tensor:
    """`pad` with a constant."""
    return _pad(input, pad, "constant", value)


def fill(input: Any, value: Any) -> Tensor:
    """A copy in which every entry is one number.

    Parameters
    ----------
    input : Tensor
    value : number or Tensor of no dimension

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    RuntimeError
        For a value that has dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fill(tg.zeros(2), 3.0)
    tensor([3., 3.])
    """
    if getattr(value, "ndim", 0):
        raise RuntimeError(f"fill: value must have no dimension, got shape {tuple(value.shape)}")
    return input.clone().fill_(value)
