"""Exponentials, logarithms, trigonometry and their kin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules import elementwise
from .names import describe
from .special import erf as _erf

__all__ = [
    "acos", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan", "atan2", "cos", "cosh", "erf", "exp", "exp2",
    "expm1", "hypot", "log", "log10", "log1p", "log2", "logaddexp", "logsigmoid", "sigmoid", "sin", "sinh", "tan",
    "tanh",
]  # fmt: skip


def _radius(x: Any, y: Any) -> Any:
    """The squared distance from the origin, where the angle has no slope: 1 there, so that 0 comes of a division."""
    r = x * x + y * y
    return np.where(np.equal(r, 0), 1.0, r)


exp = elementwise(np.exp, x=lambda g, out: g * out)
exp2 = elementwise(np.exp2, x=lambda g, out: g * (out * math.log(2)))
expm1 = elementwise(np.expm1, x=lambda g, out: g * (out + 1))
log = elementwise(np.log, x=lambda g, x: g / x)
log2 = elementwise(np.log2, x=lambda g, x: g / (x * math.log(2)))
log10 = elementwise(np.log10, x=lambda g, x: g / (x * math.log(10)))
log1p = elementwise(np.log1p, x=lambda g, x: g / (1 + x))
logaddexp = elementwise(
    np.logaddexp, x=lambda g, x, y: g * sigmoid(x - y), y=lambda g, x, y: g * sigmoid(y - x)
)  # fmt: skip
sin = elementwise(np.sin, x=lambda g, x: g * np.cos(x))
cos = elementwise(np.cos, x=lambda g, x: -g * np.sin(x))
tan = elementwise(np.tan, x=lambda g, out: g * (1 + out * out))
sinh = elementwise(np.sinh, x=lambda g, x: g * np.cosh(x))
cosh = elementwise(np.cosh, x=lambda g, x: g * np.sinh(x))
tanh = elementwise(np.tanh, x=lambda g, out: g - g * (out * out))  # without a number in it: twice as fast
asin = arcsin = elementwise(np.arcsin, name="asin", x=lambda g, x: g / np.sqrt(1 - x * x))
acos = arccos = elementwise(np.arccos, name="acos", x=lambda g, x: -g / np.sqrt(1 - x * x))
atan = arctan = elementwise(np.arctan, name="atan", x=lambda g, x: g / (1 + x * x))
atan2 = arctan2 = elementwise(
    np.arctan2, name="atan2", x=lambda g, x, y: g * (y / _radius(x, y)), y=lambda g, x, y: -g * (x / _radius(x, y))
)
hypot = elementwise(np.hypot, x=lambda g, x, out: g * (x / out), y=lambda g, y, out: g * (y / out))
erf = elementwise(_erf, name="erf", x=lambda g, x: g * (2 / math.sqrt(math.pi) * np.exp(-x * x)))


def floating(x: Any) -> Any:
    """Integers and booleans as float32."""
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def sigmoid_of(x: Any) -> Any:
    """The sigmoid of an array."""
    with np.errstate(over="ignore"):  # exp(-x) may be inf: the result is 0 then
        z = np.exp(-floating(x))
    z += 1
    return np.reciprocal(z)


sigmoid: Callable[..., Any] = elementwise(sigmoid_of, name="sigmoid", x=lambda g, out: g * (out * (1 - out)))


def softplus_of(x: Any) -> Any:
    """``log(1 + exp(x))`` of an array, without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


logsigmoid: Callable[..., Any] = elementwise(
    lambda x: -softplus_of(-floating(x)), name="logsigmoid", x=lambda g, out: g * -np.expm1(out)
)  # fmt: skip

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
    erf        | Error function, 2/sqrt(pi) int_0^x e^(-t^2) dt.        | 0.0, 1.0           | [0.0000, 0.8427]
    sigmoid    | Logistic function, 1 / (1 + e^-x).                     | 0.0, 1.0           | [0.5000, 0.7311]
    logsigmoid | Logarithm of the sigmoid, without underflow.           | 0.0, -50.0         | [ -0.6931, -50.0000]
    """,
)
