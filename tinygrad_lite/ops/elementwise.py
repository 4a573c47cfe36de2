"""Operations element by element: one row each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..rules import differentiable, elementwise, unwrap, without_gradient
from .special import erf as _erf

__all__ = [
    "abs", "absolute", "acos", "add", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan", "atan2",
    "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "ceil", "clamp", "clip", "cos", "cosh",
    "div", "divide", "elu", "eq", "erf", "exp", "exp2", "expm1", "floor", "floor_divide", "fmax", "fmin",
    "fmod", "ge", "gelu", "greater", "greater_equal", "gt", "hypot", "isclose", "isfinite", "isinf",
    "isnan", "le", "leaky_relu", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logsigmoid", "lt", "maximum", "minimum",
    "mul", "multiply", "ne", "neg", "negative", "not_equal", "positive", "pow", "reciprocal", "relu",
    "remainder", "round", "rsqrt", "sigmoid", "sign", "signbit", "silu", "sin", "sinh", "softplus",
    "sqrt", "square", "sub", "subtract", "tan", "tanh", "true_divide", "trunc", "where",
]  # fmt: skip

# --- arithmetic ---------------------------------------------------------------------------------------------------------

_add = elementwise(np.add, name="add", x=lambda g: g, y=lambda g: g)
_subtract = elementwise(np.subtract, name="sub", x=lambda g: g, y=lambda g: -g)
mul = multiply = elementwise(np.multiply, name="mul", x=lambda g, y: g * y, y=lambda g, x: g * x)
true_divide = elementwise(np.true_divide, name="div", x=lambda g, y: g / y, y=lambda g, y, out: -g * out / y)
neg = negative = elementwise(np.negative, name="neg", x=lambda g: -g)
positive = elementwise(np.positive, x=lambda g: g)


def _power(x: Any, y: Any) -> Any:
    return x**y  # the operator knows that x**2 is a square; the ufunc does not


def _power_x(g: Any, x: Any, y: Any) -> Any:
    if type(y) in (int, float):  # a constant exponent: no need to guard what cannot happen
        return np.zeros_like(x) * g if y == 0 else g * (y * x ** (y - 1))
    return g * np.where(np.equal(y, 0), 0.0, y * x ** np.where(np.equal(y, 0), 1.0, y - 1))


def _power_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    vanishes = np.equal(x, 0) & np.greater_equal(y, 0)  # 0**y stays 0: PyTorch's convention
    return g * np.where(vanishes, 0.0, out * np.log(np.where(vanishes, 1.0, x)))


pow = power = elementwise(_power, name="pow", numpy=np.power, x=_power_x, y=_power_y)
square = elementwise(np.square, x=lambda g, x: g * (2 * x))
sqrt = elementwise(np.sqrt, x=lambda g, out: g / (2 * out))
reciprocal = elementwise(np.reciprocal, x=lambda g, out: -g * out * out)


def _rsqrt(x: Any) -> Any:
    return 1 / np.sqrt(x)


rsqrt = elementwise(_rsqrt, name="rsqrt", x=lambda g, out: g * (-0.5 * (out * out * out)))


def _absolute_rule(g: Any, x: Any) -> Any:
    return g * np.sign(x)


abs = absolute = elementwise(np.absolute, name="abs", x=_absolute_rule)
remainder = elementwise(np.remainder, x=lambda g: g, y=lambda g, x, y: -g * np.floor(x / y))
fmod = elementwise(np.fmod, x=lambda g: g, y=lambda g, x, y: -g * np.trunc(x / y))


def add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """``input + alpha * other``, broadcast."""
    return _add(input, other if alpha == 1 else mul(other, alpha))


def sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """``input - alpha * other``, broadcast."""
    return _subtract(input, other if alpha == 1 else mul(other, alpha))


subtract = sub


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """``input / other``, broadcast.

    Parameters
    ----------
    input, other : Tensor or number
    rounding_mode : None, "trunc" or "floor"
        Round the quotient towards zero or down; no gradient flows then.
    """
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return trunc(true_divide(input, other))
    raise ValueError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")


divide = div

# --- exponentials and their kin -----------------------------------------------------------------------------------------

exp = elementwise(np.exp, x=lambda g, out: g * out)
exp2 = elementwise(np.exp2, x=lambda g, out: g * (out * math.log(2)))
expm1 = elementwise(np.expm1, x=lambda g, out: g * (out + 1))
log = elementwise(np.log, x=lambda g, x: g / x)
log2 = elementwise(np.log2, x=lambda g, x: g / (x * math.log(2)))
log10 = elementwise(np.log10, x=lambda g, x: g / (x * math.log(10)))
log1p = elementwise(np.log1p, x=lambda g, x: g / (1 + x))
logaddexp = elementwise(np.logaddexp, x=lambda g, x, out: g * np.exp(x - out), y=lambda g, y, out: g * np.exp(y - out))
sin = elementwise(np.sin, x=lambda g, x: g * np.cos(x))
cos = elementwise(np.cos, x=lambda g, x: -g * np.sin(x))
tan = elementwise(np.tan, x=lambda g, out: g * (1 + out * out))
sinh = elementwise(np.sinh, x=lambda g, x: g * np.cosh(x))
cosh = elementwise(np.cosh, x=lambda g, x: g * np.sinh(x))
tanh = elementwise(np.tanh, x=lambda g, out: g * (1 - out * out))
arcsin = asin = elementwise(np.arcsin, name="asin", x=lambda g, x: g / np.sqrt(1 - x * x))
arccos = acos = elementwise(np.arccos, name="acos", x=lambda g, x: -g / np.sqrt(1 - x * x))
arctan = atan = elementwise(np.arctan, name="atan", x=lambda g, x: g / (1 + x * x))
arctan2 = atan2 = elementwise(
    np.arctan2, name="atan2", x=lambda g, x, y: g * (y / (x * x + y * y)), y=lambda g, x, y: -g * (x / (x * x + y * y))
)
hypot = elementwise(np.hypot, x=lambda g, x, out: g * (x / out), y=lambda g, y, out: g * (y / out))
erf = elementwise(_erf, name="erf", x=lambda g, x: g * (2 / math.sqrt(math.pi) * np.exp(-x * x)))


def _sigmoid(x: Any) -> Any:
    z = np.exp(-np.abs(x))  # never overflows, and keeps its digits far below zero
    return np.where(np.signbit(x), z, 1) / (1 + z)


sigmoid = elementwise(_sigmoid, name="sigmoid", x=lambda g, out: g * (out * (1 - out)))


def _softplus_unit(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


logsigmoid = elementwise(lambda x: -_softplus_unit(-x), name="logsigmoid", x=lambda g, out: g * -np.expm1(out))

# --- piecewise ------------------------------------------------------------------------------------------------------------


def _share(g: Any, x: Any, y: Any) -> Any:
    """The part of a maximum's gradient that goes to `x`, which wins or ties."""
    return np.where(np.equal(x, y), 0.5 * g, np.where(np.isnan(x) | np.greater(x, y), g, 0.0))


maximum = elementwise(np.maximum, x=lambda g, x, y: _share(g, x, y), y=lambda g, x, y: _share(g, y, x))
minimum = elementwise(np.minimum, x=lambda g, x, y: _share(g, -x, -y), y=lambda g, x, y: _share(g, -y, -x))
fmax = elementwise(np.fmax, x=lambda g, x, y: g * (np.greater_equal(x, y) | np.isnan(y)),
                   y=lambda g, x, y: g * ~(np.greater_equal(x, y) | np.isnan(y)))  # fmt: skip
fmin = elementwise(np.fmin, x=lambda g, x, y: g * (np.less_equal(x, y) | np.isnan(y)),
                   y=lambda g, x, y: g * ~(np.less_equal(x, y) | np.isnan(y)))  # fmt: skip


def _zero(g: Any) -> Any:
    return g * 0.0


sign = elementwise(np.sign, x=_zero)
floor = elementwise(np.floor, x=_zero)
ceil = elementwise(np.ceil, x=_zero)
trunc = elementwise(np.trunc, x=_zero)
rint = elementwise(np.rint, x=_zero)


@differentiable(a=lambda g: g * 0.0, numpy=np.round)
def _round(a: Any, decimals: int = 0) -> Any:
    return np.round(a, decimals)


def round(input: Any, *, decimals: int = 0) -> Any:
    """Round to `decimals` digits, halves to even."""
    return _round(input, decimals)


def _within(g: Any, a: Any, a_min: Any, a_max: Any) -> Any:
    inside = True
    if a_min is not None:
        inside = np.greater_equal(a, a_min)
    if a_max is not None:
        inside = np.less_equal(a, a_max) & inside
    return np.where(inside, g, 0.0)


def _below(g: Any, a: Any, a_min: Any, a_max: Any) -> Any:
    low = np.less(a, a_min)
    return np.where(low if a_max is None else low & np.less(a_min, a_max), g, 0.0)


def _above(g: Any, a: Any, a_min: Any, a_max: Any) -> Any:
    high = np.greater(a, a_max)
    return np.where(high if a_min is None else high | np.greater(a_min, a_max), g, 0.0)


@differentiable(a=_within, a_min=_below, a_max=_above, numpy=np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    return np.clip(a, a_min, a_max)


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """Limit to ``[min, max]``; either may be missing, a number or a Tensor.

    The gradient at a limit goes to `input`, as in PyTorch.
    """
    if min is None and max is None:
        raise ValueError("clamp: at least one of min and max must be given")
    return _clip(input, min, max)


clip = clamp


def _where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


_where_op = differentiable(
    _where,
    name="where",
    numpy=np.where,
    x=lambda g, condition: np.where(condition, g, 0.0),
    y=lambda g, condition: np.where(condition, 0.0, g),
)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """``input`` where the condition holds, ``other`` elsewhere; with the condition alone, its nonzero indices.

    Parameters
    ----------
    condition : Tensor, bool
    input, other : Tensor or number, broadcast against the condition
    """
    if input is None and other is None:
        return without_gradient(np.nonzero)(condition)
    if not np.asarray(unwrap(condition)).dtype == np.bool_:
        raise TypeError(f"where: condition must be boolean, got dtype {np.asarray(unwrap(condition)).dtype}")
    return _where_op(condition, input, other)


# --- activations ------------------------------------------------------------------------------------------------------------


_ZEROS = {np.dtype(t): np.zeros((), t) for t in "?bhilqBHILQefd"}  # an array costs a ufunc less than a number


def _relu(x: Any) -> Any:
    return np.maximum(x, _ZEROS[x.dtype])


def _relu_x(g: Any, out: Any) -> Any:
    return g * np.greater(out, _ZEROS[out.dtype])


relu = elementwise(_relu, name="relu", x=_relu_x)

_SQRT_HALF, _INV_SQRT_2PI = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)


def _gelu(x: Any) -> Any:
    return x * (0.5 * (1 + _erf(x * _SQRT_HALF)))


def _gelu_x(g: Any, x: Any) -> Any:
    return g * (0.5 * (1 + erf(x * _SQRT_HALF)) + x * (_INV_SQRT_2PI * np.exp(-0.5 * (x * x))))


_gelu_exact = elementwise(_gelu, name="gelu", x=_gelu_x)

_TANH_C = math.sqrt(2 / math.pi)


def _gelu_tanh(x: Any) -> Any:
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

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, eq. (1) and (2).
    """
    if approximate == "none":
        return _gelu_exact(input)
    if approximate == "tanh":
        return _gelu_approximate(input)
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


silu = elementwise(
    lambda x: x * _sigmoid(x), name="silu", x=lambda g, x: g * (sigmoid(x) * (1 + x * (1 - sigmoid(x))))
)  # fmt: skip


@differentiable(x=lambda g, x, negative_slope: np.where(np.greater(x, 0), g, negative_slope * g))
def _leaky_relu(x: Any, negative_slope: float) -> Any:
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """``x`` above zero, ``negative_slope * x`` below."""
    return _leaky_relu(input, negative_slope)


@differentiable(x=lambda g, x, alpha: g * np.where(np.greater(x, 0), 1.0, alpha * np.exp(np.minimum(x, 0))))
def _elu(x: Any, alpha: float) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu(input: Any, alpha: float = 1.0) -> Any:
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below (Clevert et al., 2016)."""
    return _elu(input, alpha)


def _softplus_x(g: Any, x: Any, beta: float, threshold: float) -> Any:
    return g * np.where(np.greater(beta * x, threshold), 1.0, sigmoid(beta * x))


@differentiable(x=_softplus_x)
def _softplus(x: Any, beta: float, threshold: float) -> Any:
    return np.where(beta * x > threshold, x, _softplus_unit(beta * x) / beta)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """``log(1 + exp(beta x)) / beta``, and ``x`` itself where ``beta x > threshold``."""
    return _softplus(input, beta, threshold)


# --- without gradient ---------------------------------------------------------------------------------------------------------

eq = equal_elementwise = without_gradient(np.equal)
ne = not_equal = without_gradient(np.not_equal)
lt = less = without_gradient(np.less)
le = less_equal = without_gradient(np.less_equal)
gt = greater = without_gradient(np.greater)
ge = greater_equal = without_gradient(np.greater_equal)
isnan = without_gradient(np.isnan)
isinf = without_gradient(np.isinf)
isfinite = without_gradient(np.isfinite)
signbit = without_gradient(np.signbit)
logical_and = without_gradient(np.logical_and)
logical_or = without_gradient(np.logical_or)
logical_not = without_gradient(np.logical_not)
logical_xor = without_gradient(np.logical_xor)
bitwise_and = without_gradient(np.bitwise_and)
bitwise_or = without_gradient(np.bitwise_or)
bitwise_xor = without_gradient(np.bitwise_xor)
bitwise_not = invert = without_gradient(np.invert)
left_shift = without_gradient(np.left_shift)
right_shift = without_gradient(np.right_shift)
floor_divide = without_gradient(np.floor_divide)
isclose = without_gradient(np.isclose)
