"""`leaky_relu`, `elu`, `hardtanh`, `hardswish`: activations made of straight pieces, or with an exponential below 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError
from ....engine.views import apply
from ....kernels.elementwise.fused import fused
from ....rules import differentiable, unwrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...pointwise.clamp_round_where import masked, ordered
from ...pointwise.exp_log_trig import floating
from ...random.random_streams import uniform

__all__ = [
    "celu", "elu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "prelu", "relu6", "rrelu",
    "selu", "softshrink", "threshold",
]  # fmt: skip
METHODS = "hardshrink prelu"
FUNCTIONAL = __all__

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554804  # of Klambauer et al., from their fixed point


def _floats(input: Any, who: str) -> Any:
    if unwrap(input).dtype.kind != "f":
        raise DtypeError(f"{who}: input must be floating point, got {unwrap(input).dtype}")
    return input


# --- two slopes -------------------------------------------------------------------------------------------------


def leaky_relu_of(x: Any, negative_slope: float) -> Any:
    """Leaky relu of an array."""
    x = floating(x)
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_slope(g: Any, x: Any, negative_slope: float) -> Any:
    """`g` times the derivative of `leaky_relu_of`."""
    return np.where(np.greater(x, 0), g, negative_slope * g)


_leaky_relu = differentiable(leaky_relu_of, name="leaky_relu", compiled=True, single="each", x=leaky_relu_slope)


def leaky_relu(input: Floating, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` above zero, ``negative_slope * x`` below.

    Parameters
    ----------
    input : Tensor, floating
    negative_slope : float
        Also the derivative at 0.
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.leaky_relu(tg.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    return apply(input, lambda x: _leaky_relu.record((x, negative_slope)), "leaky_relu", inplace)


def _prelu_weight(g: Any, x: Any) -> Any:
    return masked(g * x, np.logical_not(np.greater(x, 0)))


@differentiable(
    x=lambda g, x, weight: np.where(np.greater(x, 0), g, weight * g), weight=_prelu_weight, name="prelu", single="each"
)
def _prelu(x: Any, weight: Any) -> Any:
    return np.where(x > 0, x, weight * x)


def prelu(input: Floating, weight: Any) -> Tensor:
    """`leaky_relu` with a slope that is learned, one for all or one for each channel.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    weight : Tensor, shape (C,), (1,) or ()

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For another shape of the weight.

    References
    ----------
    He et al., "Delving deep into rectifiers", 2015, eq. (1).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.prelu(tg.tensor([[-1.0, -1.0]]), tg.tensor([0.1, 0.5]))
    tensor([[-0.1000, -0.5000]])
    """
    x, w = unwrap(_floats(input, "prelu")), unwrap(weight)
    channels = 1 if x.ndim < 2 else x.shape[1]
    if w.ndim > 1 or w.size not in (1, channels):
        raise InputError(f"prelu: weight must have shape (1,) or ({channels},), got {w.shape}")
    if w.dtype != x.dtype:
        raise DtypeError(f"prelu: weight must be of the input's dtype {x.dtype}, got {w.dtype}")
    shape = () if w.size == 1 else (-1, *(1,) * (x.ndim - 2))
    return _prelu.record((input, weight.reshape(shape)))


def random_slopes(shape: tuple[int, ...], dtype: Any, lower: float, upper: float, generator: Any) -> Any:
    """Numbers between two."""
    return (uniform(shape, np.float32, generator) * (upper - lower) + lower).astype(dtype, copy=False)


def rrelu(
    input: Floating,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Any = None,
) -> Tensor:
    """`leaky_relu` with a slope drawn for each element in training, and the slopes' mean in evaluation.

    Parameters
    ----------
    input : Tensor, floating
    lower, upper : float
        The slopes' limits.
    training : bool
    inplace : bool
        Overwrite the input.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        If `lower` exceeds `upper`.

    References
    ----------
    Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.rrelu(tg.tensor([-1.0, 2.0]), 0.1, 0.3)
    tensor([-0.2000,  2.0000])
    """
    if not lower <= upper:
        raise InputError(f"rrelu: lower must not exceed upper, got {lower} and {upper}")
    x = unwrap(_floats(input, "rrelu"))
    if not training:
        return apply(input, lambda t: _leaky_relu.record((t, (lower + upper) / 2)), "rrelu", inplace)
    slopes = random_slopes(x.shape, x.dtype, lower, upper, generator)
    return apply(input, lambda t: _prelu.record((t, slopes)), "rrelu", inplace)


# --- an exponential below zero ----------------------------------------------------------------------------------


def elu_slope(g: Any, x: Any, alpha: float, scale: float, inner: float) -> Any:
    """`g` times the derivative of `elu_of`; its own derivative is zero at 0, as PyTorch's is."""
    below = (alpha * scale * inner) * np.exp(inner * masked(x, np.less(x, 0)))
    return g * np.where(np.less_equal(x, 0), below, scale)


def elu_of(x: Any, alpha: float, scale: float, inner: float) -> Any:
    """``scale * x`` above zero, ``scale * alpha * (exp(inner * x) - 1)`` below."""
    x = floating(x)
    return np.where(x > 0, scale * x, (alpha * scale) * np.expm1(inner * np.minimum(x, 0)))


_elu = differentiable(elu_of, name="elu", compiled=True, single="each", x=elu_slope)


def elu(input: Floating, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit: ``x`` above zero, ``alpha * (exp(x) - 1)`` below.

    Parameters
    ----------
    input : Tensor, floating
    alpha : float
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    References
    ----------
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by ELUs", 2016, eq. (15).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.elu(tg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return apply(input, lambda x: _elu.record((x, alpha, 1.0, 1.0)), "elu", inplace)


def selu(input: Floating, inplace: bool = False) -> Tensor:
    """Scaled exponential linear unit: `elu` with the factors that keep mean 0 and variance 1 from layer to layer.

    Parameters
    ----------
    input : Tensor, floating
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", 2017, eq. (2).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.selu(tg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return apply(input, lambda x: _elu.record((x, _SELU_ALPHA, _SELU_SCALE, 1.0)), "selu", inplace)


def celu(input: Floating, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Continuously differentiable `elu`: ``x`` above zero, ``alpha * (exp(x / alpha) - 1)`` below.

    Parameters
    ----------
    input : Tensor, floating
    alpha : float
        Not 0.
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For ``alpha=0``.

    References
    ----------
    Barron, "Continuously differentiable exponential linear units", 2017, eq. (2).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.celu(tg.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise InputError("celu: alpha must not be 0")
    return apply(input, lambda x: _elu.record((x, alpha, 1.0, 1 / alpha)), "celu", inplace)


# --- straight pieces --------------------------------------------------------------------------------------------


def hardtanh_slope(g: Any, x: Any, low: float, high: float) -> Any:
    """`g` between the limits, zero elsewhere."""
    return masked(g, np.logical_not(np.less_equal(x, low) | np.greater_equal(x, high)))


@differentiable(x=fused(hardtanh_slope), name="hardtanh", single="each")
def _hardtanh(x: Any, low: float, high: float) -> Any:
    if ordered(x, "hardtanh").dtype.kind != "f":  # integers stay integers
        low, high = int(low), int(high)
    return np.clip(x, low, high)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """The input, limited; its derivative at the limits is 0, other than that of `clamp`.

    Parameters
    ----------
    input : Tensor
    min_val, max_val : float
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        If `min_val` exceeds `max_val`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.hardtanh(tg.tensor([-3.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min_val > max_val:
        raise InputError(f"hardtanh: min_val must not exceed max_val, got {min_val} and {max_val}")
    return apply(input, lambda x: _hardtanh.record((x, min_val, max_val)), "hardtanh", inplace)


def relu6(input: Any, inplace: bool = False) -> Tensor:
    """``min(max(x, 0), 6)``.

    Parameters
    ----------
    input : Tensor
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.relu6(tg.tensor([-1.0, 2.0, 7.0]))
    tensor([0., 2., 6.])
    """
    return apply(input, lambda x: _hardtanh.record((x, 0, 6)), "relu6", inplace)


def hardsigmoid_of(x: Any) -> Any:
    """Hard sigmoid of an array."""
    return np.clip(x + 3, 0, 6) / 6


def hardsigmoid_slope(g: Any, x: Any) -> Any:
    """`g` times the derivative of `hardsigmoid_of`."""
    return masked(g / 6, np.greater(x, -3) & np.less(x, 3))


_hardsigmoid = differentiable(hardsigmoid_of, name="hardsigmoid", compiled=True, x=hardsigmoid_slope)


def hardsigmoid(input: Floating, inplace: bool = False) -> Tensor:
    """A sigmoid of three straight pieces, ``relu6(x + 3) / 6``.

    Parameters
    ----------
    input : Tensor, floating
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.hardsigmoid(tg.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return apply(_floats(input, "hardsigmoid"), lambda x: _hardsigmoid.record((x,)), "hardsigmoid", inplace)


def hardswish_slope(g: Any, x: Any) -> Any:
    """`g` times the derivative of `hardswish_of`."""
    return np.where(np.less(x, 3), masked(g * (x / 3 + 0.5), np.greater(x, -3)), g)


def hardswish_of(x: Any) -> Any:
    """Hard swish of an array."""
    return x * np.clip(x + 3, 0, 6) / 6


_hardswish = differentiable(hardswish_of, name="hardswish", compiled=True, single="each", x=hardswish_slope)


def hardswish(input: Floating, inplace: bool = False) -> Tensor:
    """``x relu6(x + 3) / 6``.

    Parameters
    ----------
    input : Tensor, floating
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    References
    ----------
    Howard et al., "Searching for MobileNetV3", 2019, section 5.2.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.hardswish(tg.tensor([-4.0, 1.5, 4.0]))
    tensor([-0.0000,  1.1250,  4.0000])
    """
    return apply(_floats(input, "hardswish"), lambda x: _hardswish.record((x,)), "hardswish", inplace)


def _above(g: Any, x: Any, limit: float) -> Any:
    return masked(g, np.logical_not(np.less_equal(x, limit)))


@differentiable(x=_above, name="threshold", single="each")
def _threshold(x: Any, limit: float, value: float) -> Any:
    return np.where(ordered(x, "threshold") <= limit, np.asarray(value).astype(x.dtype), x)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """The input where it exceeds a threshold, `value` elsewhere.

    Parameters
    ----------
    input : Tensor
    threshold : float
    value : float
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.threshold(tg.tensor([0.1, 2.0]), 0.5, -1.0)
    tensor([-1.,  2.])
    """
    return apply(input, lambda x: _threshold.record((x, threshold, value)), "threshold", inplace)


def hardshrink_of(x: Any, limit: float) -> Any:
    """Hardshrink of an array."""
    return np.where(np.abs(x) <= limit, 0.0, x)


def softshrink_of(x: Any, limit: float) -> Any:
    """Softshrink of an array."""
    return np.where(x > limit, x - limit, np.where(x < -limit, x + limit, x * 0.0))


def shrink_slope(g: Any, x: Any, limit: float) -> Any:
    """`g` times the derivative of both."""
    return np.where(np.less_equal(np.abs(x), limit), 0.0, g)


_hardshrink = differentiable(hardshrink_of, name="hardshrink", compiled=True, single="each", x=shrink_slope)
_softshrink = differentiable(softshrink_of, name="softshrink", compiled=True, single="each", x=shrink_slope)


def hardshrink(input: Floating, lambd: float = 0.5) -> Tensor:
    """The input, but zero where its magnitude does not exceed `lambd`.

    Parameters
    ----------
    input : Tensor, floating
    lambd : float

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.hardshrink(tg.tensor([-1.0, 0.3]))
    tensor([-1.,  0.])
    """
    return _hardshrink.record((_floats(input, "hardshrink"), lambd))


def softshrink(input: Floating, lambd: float = 0.5) -> Tensor:
    """The input, moved towards zero by `lambd`, at most to zero.

    Parameters
    ----------
    input : Tensor, floating
    lambd : float
        Not negative.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For a negative `lambd`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.softshrink(tg.tensor([-1.0, 0.25, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if not lambd >= 0:
        raise InputError(f"softshrink: lambd must not be negative, got {lambd}")
    return _softshrink.record((_floats(input, "softshrink"), lambd))
