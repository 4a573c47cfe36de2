"""Normalization of each sample by itself: layer, group, instance and root-mean-square norms, and lengths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError
from ....engine.quiet import quietly
from ....graph import written
from ....kernels.kernel import serves
from ....kernels.loops import row_loops
from ....kernels.loops.channel_loops import pays
from ....kernels.loops.pairwise_sum import pairwise_sum
from ....kernels.native.parallel import in_parts
from ....kernels.single_precision import rounded_once
from ....rules import differentiable, unwrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import numpy_names
from ...linalg.norms import lengths_as_it_lies
from ...pointwise.arithmetic import rsqrt
from ...pointwise.clamp_round_where import clamp
from ...reduction.sums import mean
from ...shape.cat_pad import pad
from .batch_norm import _channel, batch_norm, grouped, scaled

__all__ = ["local_response_norm", "normalize", "rms_norm"]
FUNCTIONAL = [*__all__, "group_norm", "instance_norm", "layer_norm"]


MANY_ROWS = 4096  # the gradients of weight and bias are sums over so many in double precision

# --- the one operation ------------------------------------------------------------------------------------------


def _rows_twin(x: Any, weight: Any, bias: Any, eps: float, last: int, centered: bool) -> Any:
    return row_loops.normalized_along(x, weight, bias, eps, tuple(range(x.ndim - last, x.ndim)), centered)[0]


def _launch(kernel: Any, cut: Any, *others: Any, each: Any = ()) -> None:
    """Run a kernel over the rows of arrays; rows without elements have no mean and nothing to write."""
    if not cut[0].size:
        return
    in_parts(kernel, -(-len(cut[0]) // _pieces(cut[0])), cut, *others, each=each)


def _pieces(x: Any) -> int:
    """How many pieces the rows are cut into."""
    return max(1, -(-len(x) // row_loops.piece(x.shape[1])))


def _as_rows(x: Any, last: int) -> Any:
    """The array with one row for all of its last dimensions."""
    leading = x.ndim - last
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[:leading]), math.prod(x.shape[leading:]))


def _flat(v: Any, dtype: Any) -> Any:
    return np.empty(0, dtype) if v is None else np.ascontiguousarray(v, dtype).reshape(-1)


def _rows_vjp(g: Any, x: Any, weight: Any, bias: Any, last: int, centered: bool, mean: Any, scale: Any) -> Any:
    up, flat = _as_rows(g, last), _as_rows(x, last)
    w = _flat(weight, x.dtype)
    result, count = np.empty(x.shape, x.dtype), _pieces(flat)
    out = result.reshape(flat.shape)
    sums = np.zeros((2, count, flat.shape[1]), np.float64 if len(flat) > MANY_ROWS else x.dtype)
    _launch(row_loops.normalize_backward, (flat, up, mean, scale, out), w, centered, each=sums)
    gw, gb = sums[:, 0] if count == 1 else pairwise_sum(sums, 1)
    gw, gb = (v.astype(x.dtype, copy=False) for v in (gw, gb))
    gw = None if weight is None else gw.reshape(weight.shape)
    return result, gw, None if bias is None else gb.reshape(bias.shape)


@differentiable(
    joint=[(("x", "weight", "bias"), _rows_vjp)], aux=("mean", "scale"), twin=_rows_twin, name="layer_norm", single=True
)
def _normalized(x: Any, weight: Any, bias: Any, eps: float, last: int, centered: bool) -> Any:
    """Each row, which the last dimensions make up, less its mean and over its deviation."""
    flat = _as_rows(x, last)
    w, b = _flat(weight, x.dtype), _flat(bias, x.dtype)
    result, mean, scale = np.empty(x.shape, x.dtype), np.zeros(len(flat), x.dtype), np.zeros(len(flat), x.dtype)
    out = result.reshape(flat.shape)
    _launch(row_loops.normalize, (flat, out, mean, scale), w, b, eps, centered)
    return result, mean, scale


def _own_rows(input: Any, normalized_shape: Any, who: str, kinds: str = "f", **given: Any) -> tuple[int, ...]:
    """The shape of a row, checked against input, weight and bias."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    x = unwrap(input)
    if x.dtype.kind not in kinds:
        raise DtypeError(f"{who}: input must be floating point, got {x.dtype}")
    if not shape or x.shape[-len(shape) :] != shape:
        raise InputError(f"{who}: the input's last dimensions must be normalized_shape {shape}, got shape {x.shape}")
    for name, value in given.items():
        if value is not None and unwrap(value).shape != shape:
            raise InputError(f"{who}: {name} must have shape {shape}, got {unwrap(value).shape}")
    return shape


def layer_norm(
    input: Floating, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    r"""Layer normalization, :math:`(x - \mu) / \sqrt{\sigma^2 + \epsilon} \cdot w + b` over the last dimensions.

    Parameters
    ----------
    input : Tensor, shape (..., *normalized_shape), floating
    normalized_shape : int or sequence of int
        Mean and biased variance are taken over these dimensions.
    weight, bias : Tensor, shape normalized_shape, optional
    eps : float

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For shapes that do not fit.

    References
    ----------
    Ba, Kiros and Hinton, "Layer normalization", 2016, eq. (4).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.layer_norm(tg.tensor([[1.0, 3.0], [0.0, 8.0]]), (2,))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """
    shape = _own_rows(input, normalized_shape, "layer_norm", weight=weight, bias=bias)
    return _normalized.record((input, weight, bias, eps, len(shape), True))


def rms_norm(
    input: Floating, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None
) -> Tensor:
    r"""Root mean square normalization, :math:`x / \sqrt{\overline{x^2} + \epsilon} \cdot w` over the last dimensions.

    Parameters
    ----------
    input : Tensor, shape (..., *normalized_shape), floating or complex
        Complex numbers are squared themselves, not their absolute values, as in PyTorch.
    normalized_shape : int or sequence of int
        The mean is taken over these dimensions.
    weight : Tensor, shape normalized_shape, optional
    eps : float, optional
        Default: the machine epsilon of the input's dtype.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For shapes that do not fit.

    References
    ----------
    Zhang and Sennrich, "Root mean square layer normalization", 2019, eq. (4).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.rms_norm(tg.tensor([[3.0, 3.0], [0.0, -2.0]]), (2,))
    tensor([[ 1.0000,  1.0000],
            [ 0.0000, -1.4142]])
    """
    shape = _own_rows(input, normalized_shape, "rms_norm", "fc", weight=weight)
    if eps is None:
        eps = float(np.finfo(unwrap(input).dtype).eps)
    if unwrap(input).dtype.kind == "c":
        out = input * rsqrt(mean(input * input, tuple(range(-len(shape), 0)), True) + eps)
        return out if weight is None else out * weight
    return _normalized.record((input, weight, None, eps, len(shape), False))


def _by_channel(out: Any, weight: Any, bias: Any, ndim: int) -> Any:
    if weight is not None and bias is not None:
        return scaled.record((out, weight, bias))
    if weight is not None:
        out = out * _channel(weight, ndim)
    return out if bias is None else out + _channel(bias, ndim)


def _of_channels(x: Any, who: str, **given: Any) -> None:
    if x.ndim < 2 or x.dtype.kind != "f":
        raise InputError(f"{who}: input must be floating point of shape (N, C, ...), got {x.dtype} of shape {x.shape}")
    for name, value in given.items():
        if value is not None and unwrap(value).shape != (x.shape[1],):
            raise InputError(f"{who}: {name} must have shape ({x.shape[1]},), got {unwrap(value).shape}")


def group_norm(input: Floating, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Group normalization: `layer_norm` of each group of channels, then scaled and shifted by channel.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    num_groups : int
        A divisor of C.
    weight, bias : Tensor, shape (C,), optional
    eps : float

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For shapes that do not fit, and a single value in each group.

    References
    ----------
    Wu and He, "Group normalization", 2018, eq. (7).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.group_norm(tg.tensor([[1.0, 3.0, 0.0, 8.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    x = unwrap(input)
    _of_channels(x, "group_norm", weight=weight, bias=bias)
    if num_groups < 1 or x.shape[1] % num_groups:
        raise InputError(f"group_norm: num_groups must divide the {x.shape[1]} channels, got {num_groups}")
    if x.size and x.size == x.shape[0] * num_groups and x.shape[0] == 1:
        raise InputError(f"group_norm: expected more than 1 value per group, got shape {x.shape}")
    if not x.size:
        return _by_channel(input * 1, weight, bias, x.ndim)
    return _in_groups(input, weight, bias, num_groups, eps)


@serves(lambda input, *_: pays(input.shape, input.dtype))
def _group_loops(input: Any, weight: Any, bias: Any, num_groups: int, eps: float) -> Any:
    return grouped.record((input, weight, bias, num_groups, eps))


@_group_loops.otherwise
def _in_groups(input: Any, weight: Any, bias: Any, num_groups: int, eps: float) -> Any:
    x = unwrap(input)
    groups = input.reshape(x.shape[0], num_groups, -1)
    out = _normalized.record((groups, None, None, eps, 1, True)).reshape(x.shape)
    return _by_channel(out, weight, bias, x.ndim)


def _follow(input: Any, running_mean: Any, running_var: Any, momentum: float) -> None:
    """Move running statistics towards those of the samples."""
    x = unwrap(input)
    samples = x.reshape(*x.shape[:2], -1)
    _move(unwrap(running_mean), samples.mean(2).mean(0), momentum)
    _move(unwrap(running_var), samples.var(2, ddof=1).mean(0), momentum)


def _move(into: Any, found: Any, momentum: float) -> None:
    into += momentum * (found - into)
    written(into, "instance_norm", 5)


@quietly
def instance_norm(
    input: Floating,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Instance normalization: each channel of each sample by its own mean and variance.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    running_mean, running_var : Tensor, shape (C,), optional
        Moved towards the samples' average statistics, in place; used instead of them without `use_input_stats`.
    weight, bias : Tensor, shape (C,), optional
    use_input_stats : bool
    momentum : float
        How far the running statistics move.
    eps : float

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For shapes that do not fit, a single value per channel, and missing statistics.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016, eq. (7).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nn.functional.instance_norm(tg.tensor([[[1.0, 3.0], [0.0, 8.0]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])
    """
    x = unwrap(input)
    _of_channels(
        x, "instance_norm", running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )  # fmt: skip
    if (running_mean is None) != (running_var is None):
        raise InputError("instance_norm: running_mean and running_var must both be given, or neither")
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    size = math.prod(x.shape[2:])
    if size == 1:
        raise InputError(f"instance_norm: expected more than 1 value per channel of a sample, got shape {x.shape}")
    if not x.size:
        return _by_channel(input * 1, weight, bias, x.ndim)
    if running_mean is not None:
        _follow(input, running_mean, running_var, momentum)
    out = _normalized.record((input, None, None, eps, x.ndim - 2, True)) if x.ndim > 2 else input * 0
    return _by_channel(out, weight, bias, x.ndim)


# --- neighbours and lengths -------------------------------------------------------------------------------------


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    r"""Local response normalization, :math:`x_c / (k + \alpha / n \sum_{c'} x_{c'}^2)^\beta` over n near channels.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...) with at least 3 dimensions, floating or integer
    size : int
        How many channels, n.
    alpha, beta, k : float

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For fewer dimensions, and a size below 1.

    References
    ----------
    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012, 3.3.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.local_response_norm(tg.ones(1, 2, 1), 2, alpha=1.0, beta=1.0)
    tensor([[[0.6667],
             [0.5000]]])
    """
    x = unwrap(input)
    if x.ndim < 3:
        raise InputError(f"local_response_norm: input must have at least 3 dimensions, got shape {x.shape}")
    if size < 1:
        raise InputError(f"local_response_norm: size must be positive, got {size}")
    if not x.size:
        return input
    if x.dtype == np.float16:  # the squares of which are soon infinite
        return local_response_norm(input.float(), size, alpha, beta, k).to(x.dtype)
    squares = pad(input * input, (*(0, 0) * (x.ndim - 2), size // 2, (size - 1) // 2))
    channels = x.shape[1]
    total = squares[:, :channels]
    for shift in range(1, size):
        total = total + squares[:, shift : shift + channels]
    return input / (total * (alpha / size) + k) ** beta


@numpy_names
@rounded_once
def normalize(input: Floating, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Tensor:
    """Vectors along a dimension over their norm, which counts as `eps` at least.

    Parameters
    ----------
    input : Tensor, floating
    p : float
        Of the norm.
    dim : int or tuple of int
    eps : float

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.normalize(tg.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    return input / clamp(lengths_as_it_lies(input, p, dim, True, "normalize"), min=eps)
