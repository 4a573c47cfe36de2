"""`fuse_conv_bn_eval`, `fuse_linear_bn_eval`: batch normalization made a part of the layer before it.

``bn(W x + b) = s (W x + b - mean) + beta`` with ``s = gamma / sqrt(var + eps)``: again a layer, with the weight ``s W``
and the bias ``s (b - mean) + beta``.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from tinygrad_lite import Tensor, from_numpy
from tinygrad_lite.engine.errors import InputError

from ..module import Module
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def _array(value: Any, otherwise: float) -> Any:
    return otherwise if value is None else value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)


def fuse_conv_bn_weights(
    conv_w: Any, conv_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any, transpose: bool = False
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that does what a convolution and a batch normalization after it do.

    Parameters
    ----------
    conv_w : Tensor, shape (out, in, ...), with `transpose` (in, out, ...)
    conv_b : Tensor, shape (out,), or None
    bn_rm, bn_rv : Tensor, shape (out,)
        Running mean and variance.
    bn_eps : float
    bn_w, bn_b : Tensor, shape (out,), or None
    transpose : bool
        Whether the convolution is transposed.

    Returns
    -------
    weight, bias : Parameter

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> conv, bn = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
    >>> w, b = nn.utils.fuse_conv_bn_weights(
    ...     conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    >>> w.shape, b.shape
    ((2, 1, 3, 3), (2,))
    """
    w, mean, var = _array(conv_w, 0.0), _array(bn_rm, 0.0), _array(bn_rv, 1.0)
    outputs = 1 if transpose else 0
    if w.ndim < 2 or w.shape[outputs : outputs + 1] != mean.shape:
        raise InputError(
            f"fuse_conv_bn_weights: the running mean must have shape ({w.shape[outputs] if w.ndim > 1 else '?'},), one "
            f"for each output of the weight of shape {w.shape}, got {mean.shape}"
        )
    s = _array(bn_w, 1.0) / np.sqrt(var + var.dtype.type(bn_eps))  # (out,)
    along = tuple(-1 if i == outputs else 1 for i in range(w.ndim))
    bias = (_array(conv_b, 0.0) - mean) * s + _array(bn_b, 0.0)
    grad = bool(getattr(conv_w, "requires_grad", True)), bool(getattr(conv_b, "requires_grad", True))
    fused = (w * s.reshape(along)).astype(w.dtype), bias.astype(w.dtype)
    return Parameter(from_numpy(fused[0]), requires_grad=grad[0]), Parameter(
        from_numpy(fused[1]), requires_grad=grad[1]
    )


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear layer that does what one and a batch normalization after it do.

    Parameters
    ----------
    linear_w : Tensor, shape (out, in)
    linear_b : Tensor, shape (out,), or None
    bn_rm, bn_rv : Tensor, shape (out,)
        Running mean and variance.
    bn_eps : float
    bn_w, bn_b : Tensor, shape (out,), or None

    Returns
    -------
    weight, bias : Parameter

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> linear, bn = nn.Linear(3, 2), nn.BatchNorm1d(2)
    >>> w, b = nn.utils.fuse_linear_bn_weights(
    ...     linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    >>> w.shape
    (2, 3)
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _fused(layer: Module, bn: Any, transpose: bool, who: str) -> Any:
    if layer.training or bn.training:
        raise RuntimeError(f"{who}: both modules must be in evaluation mode, call eval() before")
    if bn.running_mean is None or bn.running_var is None:
        raise RuntimeError(f"{who}: the batch normalization must have running statistics (track_running_stats=True)")
    fused: Any = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of a convolution with the batch normalization after it built in; both in evaluation mode.

    Parameters
    ----------
    conv : Conv1d, Conv2d, Conv3d, or a transposed one without groups
    bn : BatchNorm1d, BatchNorm2d or BatchNorm3d
    transpose : bool
        Whether the convolution is transposed.

    Returns
    -------
    Module, of the class of `conv`

    Raises
    ------
    RuntimeError
        In training mode, or without running statistics.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
    >>> x = tg.randn(1, 1, 5, 5)
    >>> tg.allclose(nn.utils.fuse_conv_bn_eval(*model)(x), model(x), atol=1e-6)
    True
    """
    return _fused(conv, bn, transpose, "fuse_conv_bn_eval")


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of a linear layer with the batch normalization after it built in; both in evaluation mode.

    Parameters
    ----------
    linear : Linear
    bn : BatchNorm1d

    Returns
    -------
    Linear

    Raises
    ------
    RuntimeError
        In training mode, or without running statistics.
    ValueError
        If the normalization has another number of features than the layer has outputs.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
    >>> x = tg.randn(4, 3)
    >>> tg.allclose(nn.utils.fuse_linear_bn_eval(*model)(x), model(x), atol=1e-6)
    True
    """
    return _fused(linear, bn, False, "fuse_linear_bn_eval")
