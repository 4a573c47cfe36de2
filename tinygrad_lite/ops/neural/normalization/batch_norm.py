"""`batch_norm`, and the rows by which groups are normalized: work channel by channel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....graph import written
from ....kernels.kernel import serves
from ....kernels.loops import channel_columns, channel_loops
from ....kernels.loops.channel_loops import are_channels, over_channels
from ....kernels.loops.pairwise_sum import pairwise_sum
from ....kernels.loops.row_loops import normalized_along
from ....rules import differentiable, unwrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...pointwise.arithmetic import rsqrt

__all__: list[str] = []  # at the top level they are in `toplevel_names`
FUNCTIONAL = ["batch_norm"]


def _others(x: Any) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _channel(v: Any, ndim: int) -> Any:
    """A per-channel vector, shaped to broadcast against (N, C, ...)."""
    return v if ndim == 2 else np.reshape(v, (-1, *(1,) * (ndim - 2)))


# --- loops over channels ----------------------------------------------------------------------------------------


def _vector(v: Any, x: Any, default: float) -> Any:
    return np.full(x.shape[1], default, x.dtype) if v is None else np.ascontiguousarray(v, x.dtype)


def _affine(x: Any, mean: Any, factor: Any, shift: Any) -> Any:
    out = np.empty(x.shape, x.dtype)
    over_channels(channel_loops.affine, (x, out), mean, factor, shift)
    return out


@serves(lambda g, factor: are_channels(g) and type(factor) is np.ndarray)
def _scaled_loops_x(g: Any, factor: Any) -> Any:
    none = np.zeros(g.shape[1], g.dtype)
    return _affine(g, none, np.ascontiguousarray(factor, g.dtype), none)


@_scaled_loops_x.otherwise
def _scaled_x(g: Any, factor: Any) -> Any:
    return g * _channel(factor, g.ndim)


@serves(are_channels)
def _scaled_loops_factor(g: Any, x: Any) -> Any:
    sums, products = np.empty((2, x.shape[1]), x.dtype)
    over_channels(channel_loops.moments, (g, x), np.zeros(x.shape[1], x.dtype), sums, products)
    return products


@_scaled_loops_factor.otherwise
def _scaled_factor(g: Any, x: Any) -> Any:
    return pairwise_sum(g * x, _others(g))


@serves(are_channels)
def _scaled_loops(x: Any, factor: Any, shift: Any) -> Any:
    return _affine(x, np.zeros(x.shape[1], x.dtype), np.ascontiguousarray(factor), np.ascontiguousarray(shift))


@differentiable(
    x=_scaled_x,
    factor=_scaled_factor,
    shift=lambda g: pairwise_sum(g, _others(g)),
    name="scale_channels",
    contiguous=True,
    single=True,
)
@_scaled_loops.otherwise
def scaled(x: Any, factor: Any, shift: Any) -> Any:
    """Each channel times a factor, plus a shift."""
    return x * _channel(factor, x.ndim) + _channel(shift, x.ndim)


# --- batch normalization ----------------------------------------------------------------------------------------


@serves(lambda g, x, *_: are_channels(g, x, short=True))
def _batch_norm_loops_vjp(g: Any, x: Any, weight: Any, mean: Any, scale: Any) -> Any:
    out = np.empty(x.shape, x.dtype)
    gb, gw, *room = np.empty((5, x.shape[1]), x.dtype)
    given = _vector(weight, x, 1), mean.reshape(-1), scale.reshape(-1)
    columns = channel_columns.normalize_back_columns
    over_channels(channel_loops.normalize_back, (g, x), *given, gb, gw, *room, out=out, columns=columns)
    return out, (None if weight is None else gw), gb


@_batch_norm_loops_vjp.otherwise
def _batch_norm_vjp(g: Any, x: Any, weight: Any, mean: Any, scale: Any) -> Any:
    axes, n = _others(x), x.size // x.shape[1]
    normal = (x - mean) * scale
    gb = pairwise_sum(g, axes)  # (C,)
    gw = pairwise_sum(g * normal, axes)  # (C,)
    gx = g - _channel(gb / n, x.ndim) - normal * _channel(gw / n, x.ndim)
    gx *= scale if weight is None else scale * _channel(weight, x.ndim)
    return gx, (None if weight is None else gw), gb


@serves(lambda x, *_: are_channels(x, short=True))
def _normalized_loops(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    out, eps = np.empty(x.shape, x.dtype), x.dtype.type(eps)
    mean, var, scale, factor = np.empty((4, x.shape[1]), x.dtype)
    given = _vector(weight, x, 1), _vector(bias, x, 0), eps
    columns = channel_columns.normalize_columns
    over_channels(channel_loops.normalize, (x,), *given, mean, var, scale, factor, out=out, columns=columns)
    shape = 1, -1, *(1,) * (x.ndim - 2)
    return out, mean.reshape(shape), scale.reshape(shape), var


def _normalized_along(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any, Any]:
    """The result, and the mean, the inverse of the deviation, and the variance of each channel; of Tensors, too."""
    axes, n = _others(x), math.prod(x.shape) // x.shape[1]
    mean = pairwise_sum(x, axes, True) / n
    d = x - mean
    var = pairwise_sum(d * d, axes, True) / n
    scale = 1 / np.sqrt(var + eps)
    out = d * scale
    if weight is not None:
        out = out * _channel(weight, x.ndim)
    return (out if bias is None else out + _channel(bias, x.ndim)), mean, scale, var


_normalized = _normalized_loops.otherwise(_normalized_along)


def _batch_norm_twin(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    return _normalized_along(x, weight, bias, eps)[0]


@differentiable(
    joint=[(("x", "weight", "bias"), _batch_norm_vjp)],
    aux=("mean", "scale"),
    twin=_batch_norm_twin,
    name="batch_norm",
    contiguous=True,
    single=True,
)
def _batch_norm(x: Any, weight: Any, bias: Any, mean_into: Any, var_into: Any, momentum: float, eps: float) -> Any:
    """Normalize by the batch's own statistics, and move the running ones towards them."""
    out, mean, scale, var = _normalized(x, weight, bias, eps)
    n = x.size // x.shape[1]
    if mean_into is not None:
        mean_into += momentum * (mean.reshape(-1) - mean_into)
        written(mean_into, "batch_norm", 4)
    if var_into is not None:  # the running variance is the unbiased estimate
        var_into += momentum * (var.reshape(-1) * (n / max(n - 1, 1)) - var_into)
        written(var_into, "batch_norm", 4)
    return out, mean, scale


# --- group normalization, by the same loops: what is a channel there is a channel of one sample here ---------------


def _group_twin(x: Any, weight: Any, bias: Any, groups: int, eps: float) -> Any:
    rows = x.reshape(x.shape[0], groups, -1)
    out = normalized_along(rows, None, None, eps, -1, True)[0].reshape(x.shape)
    if weight is not None:
        out = out * _channel(weight, x.ndim)
    return out if bias is None else out + _channel(bias, x.ndim)


def _group_vjp(g: Any, x: Any, weight: Any, groups: int, mean: Any, scale: Any) -> Any:
    n, c = x.shape[:2]
    size, center = x.dtype.type(x.size // (n * groups)), np.repeat(mean, c // groups)
    flat = [np.ascontiguousarray(a, x.dtype).reshape(1, n * c, -1) for a in (g, x)]
    sums, products = np.empty((2, n * c), x.dtype)
    over_channels(channel_loops.moments, tuple(flat), center, sums, products)
    each = np.repeat(scale, c // groups)
    gw, gb = (pairwise_sum(v.reshape(n, c), 0) for v in (products * each, sums))
    factor = each * np.tile(_vector(weight, x, 1), n)
    over = [np.repeat((v * factor).reshape(n * groups, -1).sum(1), c // groups) for v in (products, sums)]
    out = np.empty(x.shape, x.dtype)
    of_x, shift = each * each * over[0] / -size, over[1] / -size
    over_channels(channel_loops.mixed, (*flat, out.reshape(flat[1].shape)), center, factor, of_x, shift)
    return out, (None if weight is None else gw), gb


@differentiable(
    joint=[(("x", "weight", "bias"), _group_vjp)],
    aux=("mean", "scale"),
    twin=_group_twin,
    name="group_norm",
    single=True,
)
def grouped(x: Any, weight: Any, bias: Any, groups: int, eps: float) -> Any:
    """Normalize groups of channels, each sample by itself."""
    n, c = x.shape[:2]
    mean, var = np.empty((2, n * groups), x.dtype)
    over_channels(channel_loops.statistics, (np.ascontiguousarray(x).reshape(1, n * groups, -1),), mean, var)
    scale = 1 / np.sqrt(var + x.dtype.type(eps)) + 0 * var  # NaN where the variance is beyond the dtype's range
    factor = np.repeat(scale, c // groups) * np.tile(_vector(weight, x, 1), n)
    rows = np.ascontiguousarray(x).reshape(1, n * c, -1)
    out = _affine(rows, np.repeat(mean, c // groups), factor, np.tile(_vector(bias, x, 0), n))
    return out.reshape(x.shape), mean, scale


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def _affine_of_nothing(input: Any, weight: Any, bias: Any) -> Any:
    """The result of an empty batch, whose gradients are zero."""
    shape = unwrap(input).shape[1:2][:1] + (1,) * (unwrap(input).ndim - 2)
    out = input if weight is None else input * weight.reshape(shape)
    return out * 1.0 if bias is None else out + bias.reshape(shape)


def batch_norm(
    input: Floating,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    r"""Batch normalization, :math:`(x - \mu) / \sqrt{\sigma^2 + \epsilon} \cdot w + b` for each channel.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    running_mean, running_var : Tensor, shape (C,), or None
        Used in evaluation; in training moved towards the batch's statistics, in place.
    weight, bias : Tensor, shape (C,), optional
    training : bool
        Use the batch's own mean and biased variance.
    momentum : float
        How far the running statistics move.
    eps : float

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For shapes that do not fit, a single value per channel in training, and missing statistics in evaluation.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nn.functional.batch_norm(tg.tensor([[1.0, 10.0], [3.0, 30.0]]), None, None, training=True)
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])
    """
    x = unwrap(input)
    if x.ndim < 2 and (x.size or not x.ndim):
        raise InputError(f"batch_norm: input must have at least 2 dimensions (N, C, ...), got shape {x.shape}")
    for name, value in zip(
        ("running_mean", "running_var", "weight", "bias"), (running_mean, running_var, weight, bias)
    ):
        if value is not None and unwrap(value).shape != x.shape[:2][-1:]:
            raise InputError(f"batch_norm: {name} must have shape {x.shape[:2][-1:]}, got {unwrap(value).shape}")
    if (running_mean is None) != (running_var is None):
        raise InputError("batch_norm: running_mean and running_var must both be given, or neither")
    if training:
        if eps <= 0:
            raise InputError(f"batch_norm: eps must be positive in training, got {eps}")
        if not x.size:  # no statistics, and none that change
            return _affine_of_nothing(input, weight, bias)
        if x.size // x.shape[1] == 1:
            raise InputError(f"batch_norm: expected more than 1 value per channel when training, got shape {x.shape}")
        return _batch_norm.record((input, weight, bias, unwrap(running_mean), unwrap(running_var), momentum, eps))
    if running_mean is None or running_var is None:
        raise InputError("batch_norm: running_mean and running_var must be given in evaluation")
    if x.ndim < 2:
        return _affine_of_nothing(input, weight, bias)
    if x.dtype == np.float16:  # scale and shift in single precision, as all that is computed
        given = (running_mean, running_var, weight, bias)
        running_mean, running_var, weight, bias = (v if v is None else v.float() for v in given)
    scale = rsqrt(running_var + eps)
    scale = scale if weight is None else scale * weight
    shift = -running_mean * scale if bias is None else bias - running_mean * scale
    return scaled.record((input, scale, shift))
