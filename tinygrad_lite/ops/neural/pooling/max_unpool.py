"""`max_unpool1d`, `2d`, `3d`: maxima put back where they were found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....rules import differentiable, unwrap
from ....tensors.tensor_type import Tensor
from ..spatial_arguments import Ints, batched, each
from .max_pool import pick

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]
FUNCTIONAL = __all__


@differentiable(y=lambda g, index, large: pick(g, index, large), name="max_unpool")
def _unpooled(y: Any, index: Any, large: Ints) -> Any:
    """Zeros of size `large`, with `y` at an index that counts through all spatial dimensions."""
    out = np.zeros((*y.shape[:2], math.prod(large)), y.dtype)
    np.put_along_axis(out, index, y, 2)
    return out.reshape(*y.shape[:2], *large)


def _in_cells(index: Any, cells: int, who: str) -> None:
    if index.size and (index.min() < 0 or index.max() >= cells):
        raise InputError(f"{who}: indices must be in [0, {cells - 1}], got {index.min()} to {index.max()}")


def _unpool(dims: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Any:
    who = f"max_unpool{dims}d"
    k = each(kernel_size, dims, who, "kernel_size", 1)
    s = each(kernel_size if stride is None else stride, dims, who, "stride", 1)
    p = each(padding, dims, who, "padding")
    y, alone = batched(input, dims, who)
    index = unwrap(indices)
    if index.shape != unwrap(input).shape or index.dtype.kind not in "iu":
        raise InputError(f"{who}: indices must be integers of the input's shape {unwrap(input).shape}, "
                         f"got {index.dtype} of shape {index.shape}")  # fmt: skip
    large = tuple([(n - 1) * b - 2 * c + a for n, a, b, c in zip(unwrap(y).shape[2:], k, s, p)])
    if output_size is not None:
        given = tuple(output_size)[-dims:]
        if len(output_size) not in (dims, dims + 2) or not all(n - b < m < n + b for n, m, b in zip(large, given, s)):
            raise InputError(f"{who}: output_size must differ from {large} by less than stride {s}, got {output_size}")
        large = given
    cells = math.prod(large)
    _in_cells(index, cells, who)
    n, c = unwrap(y).shape[:2]
    flat_index = index.reshape(n, c, math.prod(index.shape[-dims:]))
    flat = y.reshape(n, c, math.prod(index.shape[-dims:]))
    out = _unpooled.record((flat, flat_index, large))
    return out[0] if alone else out


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put maxima back where `max_pool1d` found them, among zeros.

    Where an index comes twice, the last value stands and all get the gradient, as in PyTorch.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L)
    indices : Tensor, of the input's shape, integer
    kernel_size, stride, padding : int, or a tuple of one
        Those of the pooling.
    output_size : sequence of int, optional
        Where several sizes would have been pooled to the input's.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For indices outside the result, and shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_unpool1d(tg.tensor([[3.0, 4.0]]), tg.tensor([[1, 2]]), 2)
    tensor([[0., 3., 4., 0.]])
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put maxima back where `max_pool2d` found them, among zeros.

    Where an index comes twice, the last value stands and all get the gradient, as in PyTorch.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W)
    indices : Tensor, of the input's shape, integer
    kernel_size, stride, padding : int or 2 of them
        Those of the pooling.
    output_size : sequence of int, optional
        Where several sizes would have been pooled to the input's.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For indices outside the result, and shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_unpool2d(tg.tensor([[[5.0]]]), tg.tensor([[[3]]]), 2)
    tensor([[[0., 0.],
             [0., 5.]]])
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Put maxima back where `max_pool3d` found them, among zeros.

    Where an index comes twice, the last value stands and all get the gradient, as in PyTorch.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W)
    indices : Tensor, of the input's shape, integer
    kernel_size, stride, padding : int or 3 of them
        Those of the pooling.
    output_size : sequence of int, optional
        Where several sizes would have been pooled to the input's.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For indices outside the result, and shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_unpool3d(tg.tensor([[[[5.0]]]]), tg.tensor([[[[7]]]]), 2)
    tensor([[[[0., 0.],
              [0., 0.]],
    <BLANKLINE>
             [[0., 0.],
              [0., 5.]]]])
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
