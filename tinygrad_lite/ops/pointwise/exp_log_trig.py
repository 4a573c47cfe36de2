"""`exp`, `log`, `sin`, `sigmoid` and kin: exponentials, logarithms, trigonometry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...dtypes import get_default_dtype
from ...engine.arguments import refuse_numbers
from ...engine.errors import DtypeError
from ...engine.fast_calls import elementwise
from ...kernels.elementwise import remainder
from ...kernels.elementwise.float32_math import softplus_single
from ...kernels.elementwise.fused import fused
from ...kernels.elementwise.scalar_forms import in_loops
from ...kernels.elementwise.sinc import sinc_slope
from ...promotion import number
from ...rules import differentiable, unwrap
from ...tensors.row_types import Unary
from ...tensors.tensor_type import Tensor
from ..argument_names import built, describe
from .clamp_round_where import masked

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan",
    "atan2", "atanh", "cos", "cosh", "deg2rad", "exp", "exp2", "expm1", "hypot", "log",
    "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logit", "logsigmoid", "rad2deg", "sigmoid", "sin", "sinc",
    "sinh", "tan", "tanh", "xlogy",
]  # fmt: skip
METHODS = """
    acos_ acosh_ arccos_ arccosh_ arcsin_ arcsinh_ arctan2_ arctan_ arctanh_ asin_ asinh_ atan2_ atan_ atanh_
    cos_ cosh_ deg2rad_ exp2_ exp_ expm1_ hypot_ log10_ log1p_ log2_ log_ logaddexp logaddexp2 logit_ rad2deg_
    sigmoid_ sin_ sinc_ sinh_ tan_ tanh_ xlogy_
"""
SPECIAL = "exp2 expit=sigmoid expm1 log1p logit sinc xlogy"
FUNCTIONAL = "logsigmoid sigmoid tanh"


def _radius(x: Any, y: Any) -> Any:
    """The squared distance from the origin, where the angle has no slope: inf there, so that every slope is 0."""
    r = x * x + y * y
    return np.where(np.equal(r, 0), np.inf, r)


def _root_of_acosh(x: Any) -> Any:
    """``sqrt(x^2 - 1)``, on the branch that `acosh` has for complex numbers."""
    return np.sqrt(x - 1) * np.sqrt(x + 1) if x.dtype.kind == "c" else np.sqrt(x * x - 1)


exp = elementwise(np.exp, complex=True, x=lambda g, out: g * out)
exp2 = elementwise(np.exp2, complex=True, x=lambda g, out: g * (out * math.log(2)))
expm1 = elementwise(np.expm1, complex=True, x=lambda g, out: g * (out + 1))
log = elementwise(np.log, complex=True, x=lambda g, x: g / x)
log2 = elementwise(np.log2, complex=True, x=lambda g, x: g / (x * math.log(2)))
log10 = elementwise(np.log10, complex=True, x=lambda g, x: g / (x * math.log(10)))


@in_loops(lambda x: np.log1p(x))
def log1p_of(x: Any) -> Any:
    """``log(1 + x)`` of an array; NumPy's loses the real part of small complex numbers."""
    if not np.iscomplexobj(x):
        return np.log1p(x)
    a, b = x.real, x.imag
    near = np.abs(x) < 0.5
    small = 0.5 * np.log1p(np.where(near, a * (2 + a) + b * b, 0))
    out = np.empty_like(x)
    out.real, out.imag = np.where(near, small, np.log(np.hypot(1 + a, b))), np.arctan2(b, 1 + a)
    return out


log1p = elementwise(log1p_of, name="log1p", numpy=np.log1p, complex=True, x=lambda g, x: g / (1 + x))


@in_loops(lambda x, y: np.logaddexp(x, y))
def logaddexp_of(x: Any, y: Any) -> Any:
    """``log(exp(x) + exp(y))`` of arrays; of complex numbers, the one that is larger in its real part is taken out."""
    if "c" not in (np.asarray(x).dtype.kind, np.asarray(y).dtype.kind):
        return np.logaddexp(x, y)
    first = np.real(x) >= np.real(y)
    high, low = np.where(first, x, y), np.where(first, y, x)
    alike = np.isinf(np.real(high)) & (np.real(high) == np.real(low))  # both are 0, or both infinite
    usual = high + np.log1p(np.exp(np.where(alike, 0, low - high)))
    out = np.where(alike, np.where(np.real(high) < 0, y, np.log(np.exp(x) + np.exp(y))), usual)
    return np.where(np.isnan(x) | np.isnan(y), complex(np.nan, np.nan), out).astype(out.dtype)


logaddexp = elementwise(
    lambda x, y: logaddexp_of(x, y), name="logaddexp", numpy=np.logaddexp, compiled=True, numbers="", complex=True,
    x=lambda g, x, y: g * sigmoid(x - y), y=lambda g, x, y: g * sigmoid(y - x)
)  # fmt: skip
logaddexp2 = elementwise(
    np.logaddexp2,
    numbers="",
    x=lambda g, x, y: g * sigmoid((x - y) * math.log(2)),
    y=lambda g, x, y: g * sigmoid((y - x) * math.log(2)),
)
sin = elementwise(np.sin, complex=True, x=lambda g, x: g * np.cos(x))
cos = elementwise(np.cos, complex=True, x=lambda g, x: -g * np.sin(x))
tan = elementwise(np.tan, complex=True, x=lambda g, out: g * (1 + out * out))
sinh = elementwise(np.sinh, complex=True, x=fused(lambda g, x: g * np.cosh(x)))
cosh = elementwise(np.cosh, complex=True, x=fused(lambda g, x: g * np.sinh(x)))
tanh = elementwise(np.tanh, complex=True, x=lambda g, out: g - g * (out * out))  # without a number in it: twice as fast
asin = arcsin = elementwise(np.arcsin, complex=True, name="asin", x=lambda g, x: g / np.sqrt(1 - x * x))
acos = arccos = elementwise(np.arccos, complex=True, name="acos", x=lambda g, x: -g / np.sqrt(1 - x * x))
atan = arctan = elementwise(np.arctan, complex=True, name="atan", x=lambda g, x: g / (1 + x * x))
atan2 = arctan2 = elementwise(
    fused(lambda x, y: np.arctan2(x, y)), name="atan2", numpy=np.arctan2, numbers="",
    x=lambda g, x, y: g * (y / _radius(x, y)), y=lambda g, x, y: -g * (x / _radius(x, y))
)  # fmt: skip
hypot = elementwise(
    fused(lambda x, y: np.hypot(x, y), remainder.hypot), name="hypot", numpy=np.hypot, numbers="",
    x=fused(lambda g, x, out: g * (x / out)), y=fused(lambda g, y, out: g * (y / out))
)  # fmt: skip
asinh = arcsinh = elementwise(np.arcsinh, complex=True, name="asinh", x=lambda g, x: g / np.sqrt(x * x + 1))
acosh = arccosh = elementwise(
    np.arccosh, complex=True, name="acosh", x=lambda g, x: g / _root_of_acosh(x)
)  # fmt: skip
atanh = arctanh = elementwise(np.arctanh, complex=True, name="atanh", x=lambda g, x: g / (1 - x * x))
deg2rad = elementwise(lambda x: x * (math.pi / 180), name="deg2rad", numpy=np.deg2rad, x=lambda g: g * (math.pi / 180))
rad2deg = elementwise(lambda x: x * (180 / math.pi), name="rad2deg", numpy=np.rad2deg, x=lambda g: g * (180 / math.pi))


@in_loops(lambda x: x)
def floating(x: Any) -> Any:
    """Integers and booleans as float32."""
    if x.dtype.kind == "f":
        return x
    if x.dtype.kind == "c":
        raise DtypeError(f"the function of real numbers got {x.dtype}; take real, imag or abs of it before")
    return x.astype(np.float32)


@in_loops(lambda x: x)
def inexact(x: Any) -> Any:
    """Integers and booleans as float32; complex numbers stay what they are."""
    return x if x.dtype.kind == "c" else floating(x)


@in_loops(lambda z: np.reciprocal(z))
def _reciprocal(z: Any) -> Any:
    """Also of what is infinite in one part, and may be NaN in the other: 0."""
    out = np.reciprocal(z)
    return np.where(np.isinf(z), z.dtype.type(0), out) if z.dtype.kind == "c" else out


@np.errstate(over="ignore")  # exp(-x) may be inf: the result is 0 then
def sigmoid_of(x: Any) -> Any:
    """The sigmoid of an array."""
    z = np.exp(-inexact(x))
    z += 1
    return _reciprocal(z)


sigmoid: Unary = elementwise(
    sigmoid_of, name="sigmoid", compiled=True, complex=True, x=lambda g, out: g * (out * (1 - out))
)


@in_loops(softplus_single, single=True)
def softplus_of(x: Any) -> Any:
    """``log(1 + exp(x))`` of an array, without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def logsigmoid_of(x: Any) -> Any:
    """``-log(1 + exp(-x))`` of an array."""
    return -softplus_of(-floating(x))


logsigmoid: Unary = elementwise(
    logsigmoid_of, name="logsigmoid", compiled=True, contiguous=True, x=lambda g, x: g * sigmoid(-x)
)


# --- with a hole or a limit -------------------------------------------------------------------------------------


def _sinc(x: Any) -> Any:
    t = inexact(x) * math.pi
    zero = t == 0
    return np.where(zero, t.dtype.type(1), np.sin(t) / np.where(zero, t.dtype.type(1), t))


def _sinc_slope_x(g: Any, x: Any, order: int) -> Any:
    return g * _sinc_slope(x, order + 1)


@differentiable(x=_sinc_slope_x, name="sinc_slope", single="each")
def _sinc_slope(x: Any, order: int) -> Any:
    """A derivative of sinc, ``pi^n I_n(pi x)``; ``I_n(z)`` is the integral of ``t^n cos(z t + n pi / 2)`` from 0 to 1.

    ``I_n(z) = (sin(z + n pi / 2) - n I_{n-1}(z)) / z``; near zero, where that cancels, its Taylor series.
    """
    z = np.asarray(x, np.float64) * math.pi
    near = np.abs(z) < 2 + order
    far = np.where(near, 1.0, z)
    found = np.sin(far) / far
    for n in range(1, order + 1):
        found = (np.sin(far + n * (math.pi / 2)) - n * found) / far
    inside, term, series = np.where(near, z, 0.0), np.ones(z.shape), np.zeros(z.shape)
    for m in range(32 + 4 * order):
        sign = (1, 0, -1, 0)[(m + order) % 4]  # cos((m + n) pi / 2)
        series += sign * term / (m + order + 1)
        term = term * inside / (m + 1)
    return (np.where(near, series, found) * math.pi**order).astype(x.dtype)


def _sinc_of_complex(x: Any) -> Any:
    zero = np.equal(x, 0)
    t = np.where(zero, 1, x) * math.pi
    return np.where(zero, 1 - np.square(x) * (math.pi**2 / 6), np.sin(t) / t)  # the series, for what it is derived by


sinc = elementwise(
    _sinc, name="sinc", numpy=np.sinc, single="each", complex=_sinc_of_complex,
    x=fused(lambda g, x: g * _sinc_slope(x, 1), sinc_slope),
)  # fmt: skip


def _xlogy(x: Any, y: Any) -> Any:
    return x * np.log(np.where(np.equal(x, 0) & ~np.isnan(y), 1.0, y))


def _xlogy_x(g: Any, x: Any, y: Any) -> Any:
    slanted = np.not_equal(x, 0) | np.greater(y, 0) | np.isnan(y)
    return masked(g * np.log(np.where(slanted, y, 1.0)), slanted)


_xlogy_op = elementwise(_xlogy, name="xlogy", x=_xlogy_x, y=lambda g, x, y: g * x / y)


def _beside(value: Any, other: Any) -> Any:
    """A number as an array of the dtype that it has beside `other`: logarithms would take it for float64."""
    dtype, value = np.asarray(unwrap(other)).dtype, number(value)
    if type(value) not in (bool, int, float):
        return value
    return built(np.asarray, value, dtype if dtype.kind == "f" else get_default_dtype())


def xlogy(input: Any, other: Any) -> Tensor:
    """``input * log(other)``, zero where `input` is zero, whatever `other` is, NaN aside.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast

    Returns
    -------
    Tensor, of the broadcast shape, floating

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.xlogy(tg.tensor([0.0, 2.0]), tg.tensor([0.0, 1.5]))
    tensor([0.0000, 0.8109])
    """
    refuse_numbers("xlogy", "one", input, other)
    return _xlogy_op(_beside(input, other), _beside(other, input))


_logit_slope = fused(lambda g, x: np.where(np.less(x, 0) | np.greater(x, 1), math.nan, g / (x * (1 - x))))


def _logit_x(g: Any, x: Any, eps: float | None) -> Any:
    if eps is None:
        return _logit_slope(g, x)
    return masked(g / (x * (1 - x)), np.greater_equal(x, eps) & np.less_equal(x, 1 - eps))


@differentiable(x=_logit_x, name="logit", single="each")
def _logit(x: Any, eps: float | None) -> Any:
    x = floating(x)
    if eps is not None:
        x = np.clip(x, eps, 1 - eps)
    with np.errstate(divide="ignore", invalid="ignore"):  # its poles are at 0 and 1
        return np.log(x / (1 - x))


def logit(input: Any, eps: float | None = None) -> Tensor:
    """``log(x / (1 - x))``, the inverse of `sigmoid`; NaN outside [0, 1].

    Parameters
    ----------
    input : Tensor
    eps : float, optional
        The input is limited to ``[eps, 1 - eps]`` before; beyond these limits the gradient is zero.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.logit(tg.tensor([0.5, 0.9, 1.0]), eps=1e-6)
    tensor([ 0.0000,  2.1972, 13.8023])
    """
    return _logit.record((input, eps))


__test__ = describe(
    globals(),
    """
    exp        | Exponential, e^x.                                      | 0.0, 1.0           | [1.0000, 2.7183]
    exp2       | 2^x.                                                   | 0.5, 3.0           | [1.4142, 8.0000]
    expm1      | e^x - 1, exact near 0.                                 | 0.0, 1e-8          | [0.0000e+00, 1.0000e-08]
    log        | Natural logarithm.                                     | 1.0, 10.0          | [0.0000, 2.3026]
    log2       | Logarithm to base 2.                                   | 1.0, 8.0           | [0., 3.]
    log10      | Logarithm to base 10.                                  | 1.0, 10.0          | [0., 1.]
    log1p      | log(1 + x), exact near 0.                              | 0.0, 1e-8          | [0.0000e+00, 1.0000e-08]
    logaddexp  | log(e^x + e^y) without overflow.                       | 0.0, 1000.0; 0.0   | [6.9315e-01, 1.0000e+03]
    sin        | Sine of an angle in radians.                           | 0.0, 1.0           | [0.0000, 0.8415]
    cos        | Cosine of an angle in radians.                         | 0.0, 1.0           | [1.0000, 0.5403]
    tan        | Tangent of an angle in radians.                        | 0.0, 1.0           | [0.0000, 1.5574]
    sinh       | Hyperbolic sine.                                       | 0.0, 1.0           | [0.0000, 1.1752]
    cosh       | Hyperbolic cosine.                                     | 0.0, 1.0           | [1.0000, 1.5431]
    tanh       | Hyperbolic tangent.                                    | 0.0, 1.0           | [0.0000, 0.7616]
    asin       | Inverse sine, in [-pi/2, pi/2].                        | 0.0, 1.0           | [0.0000, 1.5708]
    acos       | Inverse cosine, in [0, pi].                            | 0.0, 1.0           | [1.5708, 0.0000]
    atan       | Inverse tangent, in [-pi/2, pi/2].                     | 0.0, 1.0           | [0.0000, 0.7854]
    atan2      | Angle of the point (y, x), in [-pi, pi]; y comes first. | 1.0, -1.0; 1.0, 0.0 | [ 0.7854, -1.5708]
    hypot      | Length of the vector (x, y), sqrt(x^2 + y^2).          | 3.0, 5.0; 4.0, 12.0 | [ 5., 13.]
    asinh      | Inverse hyperbolic sine.                               | 0.0, 1.0           | [0.0000, 0.8814]
    acosh      | Inverse hyperbolic cosine, of x >= 1.                  | 1.0, 2.0           | [0.0000, 1.3170]
    atanh      | Inverse hyperbolic tangent, of -1 <= x <= 1.           | 0.0, 0.5           | [0.0000, 0.5493]
    deg2rad    | Radians of degrees.                                    | 90.0, 180.0        | [1.5708, 3.1416]
    rad2deg    | Degrees of radians.                                    | 0.5, 1.0           | [28.6479, 57.2958]
    logaddexp2 | log2(2^x + 2^y) without overflow.                      | 0.0, 1000.0; 0.0   | [   1., 1000.]
    sinc       | sin(pi x) / (pi x), and 1 at 0.                        | 0.0, 0.5           | [1.0000, 0.6366]
    sigmoid    | Logistic function, 1 / (1 + e^-x).                     | 0.0, 1.0           | [0.5000, 0.7311]
    logsigmoid | Logarithm of the sigmoid, without underflow.           | 0.0, -50.0         | [ -0.6931, -50.0000]
    """,
)
