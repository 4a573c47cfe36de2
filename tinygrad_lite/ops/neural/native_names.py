"""`native_layer_norm`, `native_group_norm`, `native_batch_norm`: normalizations that return their statistics, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..pointwise.arithmetic import rsqrt
from ..reduction.statistics import var_mean
from .normalization.batch_norm import batch_norm
from .normalization.layer_norm import group_norm, layer_norm

__all__ = ["native_batch_norm", "native_dropout_backward", "native_group_norm", "native_layer_norm"]


def _statistics(x: Any, dims: tuple[int, ...], eps: float, keepdim: bool = False) -> tuple[Any, Any]:
    var, mean = var_mean(x, dims, correction=0, keepdim=keepdim)
    return mean, rsqrt(var + eps)


def native_layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any, bias: Any, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`layer_norm`, with the means and the reciprocal deviations.

    Parameters
    ----------
    input : Tensor, shape (..., *normalized_shape), floating
    normalized_shape : sequence of int
    weight, bias : Tensor or None
    eps : float

    Returns
    -------
    tuple of Tensors
        The result, and means and reciprocal deviations with sizes of 1 in place of `normalized_shape`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.native_layer_norm(tg.tensor([[1.0, 3.0]]), [2], None, None, 0.0)
    (tensor([[-1.,  1.]]), tensor([[2.]]), tensor([[1.]]))
    """
    dims = tuple(range(-len(normalized_shape), 0))
    return layer_norm(input, normalized_shape, weight, bias, eps), *_statistics(input, dims, eps, True)


def native_group_norm(
    input: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`group_norm`, with the means and the reciprocal deviations.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    weight, bias : Tensor of shape (C,), or None
    N, C, HxW : int
        The input's sizes.
    group : int
        Number of groups.
    eps : float

    Returns
    -------
    tuple of Tensors
        The result, and means and reciprocal deviations of shape (N, group).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.native_group_norm(tg.tensor([[[1.0], [3.0]]]), None, None, 1, 2, 1, 1, 0.0)[1:]
    (tensor([[2.]]), tensor([[1.]]))
    """
    if unwrap(input).shape[:2] != (N, C) or unwrap(input).size != N * C * HxW:
        raise RuntimeError(
            f"native_group_norm: input must have the sizes {(N, C, HxW)}, got shape {unwrap(input).shape}"
        )
    statistics = _statistics(input.reshape(N, group, C // group * HxW), (2,), eps)
    return group_norm(input, group, weight, bias, eps), *statistics


def native_batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_norm`, with the means and the reciprocal deviations of the channels.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    weight, bias : Tensor of shape (C,), or None
    running_mean, running_var : Tensor of shape (C,), or None
    training : bool
    momentum : float
    eps : float

    Returns
    -------
    tuple of Tensors
        The result, and means and reciprocal deviations of shape (C,), which are empty in evaluation.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.native_batch_norm(tg.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 0.0)[1:]
    (tensor([2.]), tensor([1.]))
    """
    out = batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return out, wrap(np.zeros(0, unwrap(input).dtype)), wrap(np.zeros(0, unwrap(input).dtype))
    return out, *_statistics(input, (0, *range(2, unwrap(input).ndim)), eps)


def native_dropout_backward(grad_output: Any, mask: Any, scale: float) -> Tensor:
    """The gradient of dropout's input.

    Parameters
    ----------
    grad_output : Tensor
    mask : Tensor, bool, of its shape
        What was kept.
    scale : float
        By which it was multiplied.

    Returns
    -------
    Tensor, of the shape of `grad_output`

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.native_dropout_backward(tg.ones(2), tg.tensor([True, False]), 2.0)
    tensor([2., 0.])
    """
    return grad_output * mask * scale
