"""`gelu`, `silu`, `mish`, `softplus` and other smooth activations, and `relu`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError
from ....engine.fast_calls import elementwise
from ....engine.views import apply
from ....kernels.elementwise.float32_math import bell_single
from ....kernels.elementwise.scalar_forms import in_loops
from ....rules import differentiable
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import describe
from ...pointwise.clamp_round_where import masked
from ...pointwise.exp_log_trig import floating, inexact, sigmoid, sigmoid_of, softplus_of
from ...special.erf import erfc
from ...special.erf_numpy import erfc as _erfc

__all__ = ["gelu", "mish", "relu", "silu", "softplus", "softsign", "tanhshrink"]
METHODS = "relu_"
FUNCTIONAL = "gelu mish silu softplus softsign tanhshrink"

_ZEROS = {np.dtype(t): np.zeros((), t) for t in "?bhqilBHQILefdg"}  # an array costs a ufunc less than a number


@in_loops(lambda x: 0)
def _zero(x: Any) -> Any:
    try:
        return _ZEROS[x.dtype]
    except KeyError:
        raise DtypeError(f"relu: the input must hold real numbers, got {x.dtype}") from None


relu = elementwise(
    lambda x: np.maximum(x, _zero(x)), name="relu", compiled=True,
    x=lambda g, out: masked(g, np.not_equal(out, 0))  # NaN lets through, as in PyTorch
)  # fmt: skip

# --- smooth -----------------------------------------------------------------------------------------------------

_SQRT_HALF, _INV_SQRT_2PI = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)
_TANH_C = math.sqrt(2 / math.pi)


def gelu_of(x: Any) -> Any:
    """The exact gelu of an array; by erfc, since 1 + erf would cancel below zero."""
    x = floating(x)
    return x * (0.5 * _erfc(x * -_SQRT_HALF))


@in_loops(bell_single, single=True)
def _bell(z: Any) -> Any:
    """``exp(-z^2)``, which in loops is the one that `erfc` has already."""
    return np.exp(-(z * z))


def gelu_slope(g: Any, x: Any) -> Any:
    """`g` times the derivative of `gelu_of`."""
    z = x * -_SQRT_HALF
    return g * (0.5 * erfc(z) + x * (_INV_SQRT_2PI * _bell(z)))


def gelu_tanh_of(x: Any) -> Any:
    """The approximate gelu of an array: ``(1 + tanh(u)) / 2`` is ``sigmoid(2 u)``, which does not cancel."""
    x = floating(x)
    return x * sigmoid_of(2 * _TANH_C * (x + 0.044715 * (x * x * x)))


def gelu_tanh_slope(g: Any, x: Any) -> Any:
    """`g` times the derivative of `gelu_tanh_of`."""
    s = sigmoid(2 * _TANH_C * (x + 0.044715 * (x * x * x)))
    return g * (s + x * s * (1 - s) * (2 * _TANH_C * (1 + 3 * 0.044715 * (x * x))))


_gelu_exact = elementwise(gelu_of, name="gelu", compiled=True, x=gelu_slope)
_gelu_approximate = elementwise(gelu_tanh_of, name="gelu_tanh", compiled=True, x=gelu_tanh_slope)


def gelu(input: Floating, approximate: str = "none") -> Tensor:
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
    raise InputError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


def silu_of(x: Any) -> Any:
    """``x sigmoid(x)`` of an array."""
    return x * sigmoid_of(x)


def silu_slope(g: Any, x: Any) -> Any:
    """`g` times the derivative of `silu_of`."""
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


_silu = elementwise(silu_of, name="silu", compiled=True, complex=True, x=silu_slope)


def _odds(x: Any) -> tuple[Any, Any, Any]:
    """The x up to where the slope is 1, ``e = exp(x)`` of it, and n with ``tanh(softplus(x)) = n / (n + 2)``."""
    x = np.minimum(x, 20.0)
    e = np.exp(x)
    return x, e, e * (e + 2)


def mish_of(x: Any) -> Any:
    """``x tanh(softplus(x))`` of an array."""
    x = floating(x)
    _, _, n = _odds(x)
    return x * (n / (n + 2))


def mish_slope(g: Any, x: Any) -> Any:
    """`g` times the derivative of `mish_of`."""
    x, e, n = _odds(x)
    return g * (n / (n + 2) + 4 * x * e * (e + 1) / np.square(n + 2))


_mish = elementwise(mish_of, name="mish", compiled=True, single="each", x=mish_slope)


def silu(input: Floating, inplace: bool = False) -> Tensor:
    r"""Sigmoid linear unit, :math:`x \, \sigma(x)`.

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
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", 2017, eq. (9).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.silu(tg.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    return apply(input, _silu, "silu", inplace)


def mish(input: Floating, inplace: bool = False) -> Tensor:
    r"""Mish, :math:`x \tanh(\mathrm{softplus}(x))`.

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
    Misra, "Mish: a self regularized non-monotonic activation function", 2019, eq. (1).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.mish(tg.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    return apply(input, _mish, "mish", inplace)


def softplus_slope(g: Any, x: Any, beta: float, threshold: float) -> Any:
    """`g` times the derivative of `softplus_from`."""
    return g * np.where(np.greater(beta * x, threshold), 1.0, sigmoid(beta * x))


def softplus_from(x: Any, beta: float, threshold: float) -> Any:
    """Softplus of an array, itself where ``beta * x`` exceeds a threshold."""
    x = floating(x)
    return np.where(beta * x > threshold, x, softplus_of(beta * x) / beta)


_softplus = differentiable(softplus_from, name="softplus", compiled=True, single="each", x=softplus_slope)


def softplus(input: Floating, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
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


softsign = elementwise(
    lambda x: inexact(x) / (1 + np.abs(x)), name="softsign", x=lambda g, x: g / np.square(1 + np.abs(x)),
    complex=lambda x: x / (1 + np.abs(x))
)  # fmt: skip
tanhshrink = elementwise(
    lambda x: x - np.tanh(inexact(x)), name="tanhshrink", complex=True, x=lambda g, x: g * np.square(np.tanh(x))
)  # fmt: skip


__test__ = describe(
    globals(),
    """
    relu       | Rectified linear unit, max(x, 0); its derivative at 0 is 0. | -1.0, 2.0 | [0., 2.]
    softsign   | x / (1 + abs(x)).                                           | -1.0, 3.0 | [-0.5000,  0.7500]
    tanhshrink | x - tanh(x).                                                | -1.0, 2.0 | [-0.2384,  1.0360]
    """,
)
