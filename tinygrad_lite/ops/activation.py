"""Activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernels import activation as kernel_activation
from ..rules import differentiable, elementwise
from .exponential import erf, floating, sigmoid, sigmoid_of, softplus_of
from .names import describe
from .piecewise import masked
from .special import erf as _erf

__all__ = ["elu", "gelu", "leaky_relu", "relu", "silu", "softplus"]

_ZEROS = {np.dtype(t): np.zeros((), t) for t in "?bhqilBHQILefd"}  # an array costs a ufunc less than a number


def _loops(x: Any) -> bool:
    """Is a compiled loop worth its call, and possible?"""
    return bool(x.size >= 2048 and x.flags.c_contiguous and x.dtype.kind == "f" and x.dtype.itemsize > 2)


def _relu(x: Any) -> Any:
    if not _loops(x):
        return np.maximum(x, _ZEROS[x.dtype])
    out = np.empty(x.shape, x.dtype)
    kernel_activation.relu.run(x, out)
    return out


def _relu_x(g: Any, out: Any) -> Any:
    if type(g) is np.ndarray and g.shape == out.shape and g.dtype == out.dtype and _loops(g) and _loops(out):
        result = np.empty(g.shape, g.dtype)
        kernel_activation.relu_backward.run(g, out, result)
        return result
    return masked(g, np.not_equal(out, 0))  # NaN lets through, as in PyTorch


relu = elementwise(_relu, name="relu", x=_relu_x)

# --- smooth -----------------------------------------------------------------------------------------------------

_SQRT_HALF, _INV_SQRT_2PI = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)


def _gelu(x: Any) -> Any:
    x = floating(x)
    return x * (0.5 * (1 + _erf(x * _SQRT_HALF)))


def _gelu_x(g: Any, x: Any) -> Any:
    return g * (0.5 * (1 + erf(x * _SQRT_HALF)) + x * (_INV_SQRT_2PI * np.exp(-0.5 * (x * x))))


_gelu_exact = elementwise(_gelu, name="gelu", x=_gelu_x)

_TANH_C = math.sqrt(2 / math.pi)


def _gelu_tanh(x: Any) -> Any:
    x = floating(x)
    return 0.5 * x * (1 + np.tanh(_TANH_C * (x + 0.044715 * (x * x * x))))


def _gelu_tanh_x(g: Any, x: Any) -> Any:
    t = np.tanh(_TANH_C * (x + 0.044715 * (x * x * x)))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (_TANH_C * (1 + 3 * 0.044715 * (x * x))))


_gelu_approximate = elementwise(_gelu_tanh, name="gelu_tanh", x=_gelu_tanh_x)


def gelu(input: Any, approximate: str = "none") -> Any:
    r"""Gaussian error linear unit, :math:`x \Phi(x)`.

    Parameters
    ----------
    input : Tensor, floating
    approximate : "none" or "tanh"
        The exact function, or :math:`x/2 \, (1 + \tanh(\sqrt{2/\pi} (x + 0.044715 x^3)))`.

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        For another approximation.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, eq. (1) and (2).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.gelu(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    if approximate == "none":
        return _gelu_exact(input)
    if approximate == "tanh":
        return _gelu_approximate(input)
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


def _silu_x(g: Any, x: Any) -> Any:
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


silu = elementwise(lambda x: x * sigmoid_of(x), name="silu", x=_silu_x)


def _softplus_x(g: Any, x: Any, beta: float, threshold: float) -> Any:
    return g * np.where(np.greater(beta * x, threshold), 1.0, sigmoid(beta * x))


@differentiable(x=_softplus_x, name="softplus")
def _softplus(x: Any, beta: float, threshold: float) -> Any:
    x = floating(x)
    return np.where(beta * x > threshold, x, softplus_of(beta * x) / beta)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    r"""A smooth `relu`, :math:`\log(1 + e^{\beta x}) / \beta`.

    Parameters
    ----------
    input : Tensor, floating
    beta : float
    threshold : float
        Where ``beta * input`` exceeds it, the result is the input itself.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.softplus(tg.tensor([-1.0, 0.0, 30.0]))
    tensor([ 0.3133,  0.6931, 30.0000])
    """
    return _softplus.record((input, beta, threshold))


# --- bent -------------------------------------------------------------------------------------------------------


@differentiable(x=lambda g, x, negative_slope: np.where(np.greater(x, 0), g, negative_slope * g), name="leaky_relu")
def _leaky_relu(x: Any, negative_slope: float) -> Any:
    x = floating(x)
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """``x`` above zero, ``negative_slope * x`` below.

    Parameters
    ----------
    input : Tensor, floating
    negative_slope : float
        Also the derivative at 0.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.leaky_relu(tg.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    return _leaky_relu.record((input, negative_slope))


@differentiable(x=lambda g, x, alpha: g * np.where(np.greater(x, 0), 1.0, alpha * np.exp(np.minimum(x, 0))), name="elu")
def _elu(x: Any, alpha: float) -> Any:
    x = floating(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu(input: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: ``x`` above zero, ``alpha * (exp(x) - 1)`` below.

    Parameters
    ----------
    input : Tensor, floating
    alpha : float

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
    return _elu.record((input, alpha))


__test__ = describe(
    globals(),
    """
    relu | Rectified linear unit, max(x, 0); its derivative at 0 is 0. | -1.0, 2.0 | [0., 2.]
    silu | Sigmoid linear unit, x sigmoid(x).                          | -1.0, 2.0 | [-0.2689,  1.7616]
    """,
)
