"""PyTorch's names within: `native_layer_norm` and its like, which return statistics, too; parts of gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...rules import unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import built
from ..pointwise.arithmetic import rsqrt
from ..pointwise.clamp_round_where import masked, where
from ..reduction.softmax import softmax
from ..reduction.statistics import var_mean
from ..shape.clone import clone, detach
from .convolution.fold_pixel_shuffle import channel_shuffle
from .dropout import dropout
from .normalization.batch_norm import batch_norm
from .normalization.layer_norm import group_norm, layer_norm
from .pooling.max_pool import scatter
from .vision.interpolate import interpolate, resized

__all__ = [
    "_batch_norm_with_update", "_native_batch_norm_legit", "_safe_softmax", "_softmax_backward_data",
    "_upsample_bilinear2d_aa", "max_pool2d_with_indices_backward", "native_batch_norm", "native_channel_shuffle",
    "native_dropout", "native_dropout_backward", "native_group_norm", "native_layer_norm",
]  # fmt: skip


def _statistics(x: Any, dims: tuple[int, ...], eps: float, keepdim: bool = False) -> tuple[Any, Any]:
    var, mean = var_mean(x, dims, correction=0, keepdim=keepdim)
    return mean, rsqrt(var + eps)


def native_layer_norm(
    input: Floating, normalized_shape: Sequence[int], weight: Any, bias: Any, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`layer_norm`, with the means and the reciprocal deviations, which have no gradients, as in PyTorch.

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
    return layer_norm(input, normalized_shape, weight, bias, eps), *_statistics(detach(input), dims, eps, True)


def native_group_norm(
    input: Floating, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int, eps: float
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
    input: Floating,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_norm`, with the means and the reciprocal deviations of the channels, which have no gradients.

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
    >>> tg.native_batch_norm(tg.tensor([[1.0], [3.0]]), None, None, None, None, True, 0.1, 1e-9)[1:]
    (tensor([2.]), tensor([1.]))
    """
    out = batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        return out, wrap(np.zeros(0, unwrap(input).dtype)), wrap(np.zeros(0, unwrap(input).dtype))
    return out, *_statistics(detach(input), (0, *range(2, unwrap(input).ndim)), eps)


def _native_batch_norm_legit(input: Any, weight: Any, bias: Any, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    """`native_batch_norm`, also without running statistics: ``(input, weight, bias, training, momentum, eps)``."""
    return native_batch_norm(input, weight, bias, *(rest if len(rest) == 5 else (None, None, *rest)))


def _batch_norm_with_update(
    input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, momentum: float, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`native_batch_norm` in training, and an empty reserve, which a CPU has no use for."""
    out = native_batch_norm(input, weight, bias, running_mean, running_var, True, momentum, eps)
    return *out, wrap(np.zeros(0, np.uint8))


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


def native_dropout(input: Floating, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """`dropout`, with the mask of what was kept.

    Parameters
    ----------
    input : Tensor, floating
    p : float
        The probability of zero.
    train : bool, optional
        Whether to drop anything. Default: yes.

    Returns
    -------
    tuple of Tensors
        The result, and a mask, both of the input's shape.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.native_dropout(tg.ones(2), 0.5, False)
    (tensor([1., 1.]), tensor([True, True]))
    """
    x = unwrap(input)
    if train is False or not x.size:
        return clone(input), wrap(np.ones(x.shape, np.bool_))
    kept = unwrap(dropout(wrap(np.ones(x.shape, x.dtype)), p))
    return input * kept, wrap(kept != 0)


def native_channel_shuffle(input: Any, groups: int) -> Tensor:
    """`channel_shuffle`, by another name."""
    return channel_shuffle(input, groups)


def _softmax_backward_data(grad_output: Any, output: Any, dim: int, input_dtype: Any) -> Tensor:
    """The gradient of softmax's input, from that of its result and the result."""
    return (output * (grad_output - (grad_output * output).sum(dim, keepdim=True))).to(input_dtype)


def _safe_softmax(input: Any, dim: int, dtype: Any = None) -> Tensor:
    """`softmax` that is 0 where all entries are minus infinity, and not NaN."""
    nothing = (unwrap(input) == -np.inf).all(dim, keepdims=True)
    return where(wrap(nothing), 0.0, softmax(where(wrap(nothing), 0.0, input), dim, dtype=dtype))


def max_pool2d_with_indices_backward(
    grad_output: Any,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    indices: Any,
) -> Tensor:
    """The gradient of the input of `max_pool2d`, from that of its result and the places of the maxima.

    Parameters
    ----------
    grad_output : Tensor, shape (..., H', W')
    input : Tensor, shape (..., H, W)
        Only its shape counts; its gradient is zero.
    kernel_size, stride, padding, dilation : int or 2 of them
    ceil_mode : bool
        All of these are in the indices already.
    indices : Tensor, integer, of the shape of `grad_output`
        Counted through H and W.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[[1.0, 2.0]]])
    >>> tg.max_pool2d_with_indices_backward(tg.ones(1, 1, 1), x, (1, 2), (1, 2), 0, 1, False, tg.tensor([[[1]]]))
    tensor([[[0., 1.]]])
    """
    shape = unwrap(input).shape
    planes = (1, *shape[:-2])[-2:]
    index = unwrap(indices).reshape(*planes, *unwrap(indices).shape[-2:])
    out = scatter(grad_output.reshape(index.shape), index, shape[-2:]).reshape(shape)
    return out + masked(input, built(np.zeros, (), np.bool_)) if getattr(input, "requires_grad", False) else out


def _upsample_bilinear2d_aa(
    input: Any,
    output_size: Any,
    align_corners: bool,
    scales_h: float | None = None,
    scales_w: float | None = None,
    *,
    scale_factors: Any = None,
) -> Tensor:
    """`interpolate` with mode "bilinear" and the filter that widens when shrinking."""
    if scale_factors is not None:
        return interpolate(input, None, tuple(scale_factors), "bilinear", align_corners, antialias=True)
    return resized(input, list(output_size), [scales_h, scales_w], "bilinear", align_corners, True)
