"""Smooth activations in float32, forward and backward in one pass each: an exponential and a division an element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernel import kernel
from .float32_math import exp_single


def _formula(name: str) -> Callable[..., None]:
    """The twin: the activation's formula in NumPy, which its row in the table has already."""

    def plain(*args: Any) -> None:
        from ...ops.neural.activation import smooth
        from ...ops.pointwise import exp_log_trig

        *inputs, out = args
        formula = getattr(smooth, name, None) or getattr(exp_log_trig, name)
        out[...] = formula(*inputs)

    return plain


def logistic(x: Any) -> Any:
    """``1 / (1 + exp(-x))``."""
    return np.float32(1) / (np.float32(1) + exp_single(-x))


@kernel(_formula("sigmoid_of"))
def sigmoid(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = logistic(x[i])


@kernel(_formula("sigmoid_slope"))
def sigmoid_backward(g: Any, shown: Any, out: Any) -> None:
    for i in range(shown.size):
        out[i] = g[i] * (shown[i] * (np.float32(1) - shown[i]))


def upper_tail(z: Any, e: Any) -> Any:
    """``erfc(z) / 2`` for z >= 0, given ``e = exp(-z * z)``, to 1e-7: Abramowitz and Stegun, 7.1.26."""
    t = np.float32(1) / (np.float32(1) + np.float32(0.3275911) * z)
    p = np.float32(1.061405429) * t - np.float32(1.453152027)
    p = p * t + np.float32(1.421413741)
    p = p * t - np.float32(0.284496736)
    p = p * t + np.float32(0.254829592)
    return np.float32(0.5) * p * t * e


def bend(x: Any) -> Any:
    """Twice the argument of the hyperbolic tangent in the approximate gelu."""
    return np.float32(1.5957691216) * (x + np.float32(0.044715) * (x * x * x))


@kernel(_formula("gelu_of"))
def gelu(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        q = upper_tail(np.float32(0.70710678) * abs(v), exp_single(np.float32(-0.5) * v * v))
        out[i] = v * (q if v < np.float32(0) else np.float32(1) - q)


@kernel(_formula("gelu_slope"))
def gelu_backward(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        e = exp_single(np.float32(-0.5) * v * v)
        q = upper_tail(np.float32(0.70710678) * abs(v), e)
        below = q if v < np.float32(0) else np.float32(1) - q
        out[i] = g[i] * (below + v * np.float32(0.3989422804) * e)


@kernel(_formula("gelu_tanh_of"))
def gelu_tanh(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = x[i] * logistic(bend(x[i]))


@kernel(_formula("gelu_tanh_slope"))
def gelu_tanh_backward(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        s = logistic(bend(v))
        rise = np.float32(1.5957691216) * (np.float32(1) + np.float32(0.134145) * (v * v))
        out[i] = g[i] * (s + v * s * (np.float32(1) - s) * rise)


@kernel(_formula("silu_of"))
def silu(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = x[i] * logistic(x[i])


@kernel(_formula("silu_slope"))
def silu_backward(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        s = logistic(x[i])
        out[i] = g[i] * (s * (np.float32(1) + x[i] * (np.float32(1) - s)))


@kernel(_formula("mish_of"))
def mish(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        e = exp_single(np.float32(20) if v > np.float32(20) else v)
        n = e * (e + np.float32(2))
        out[i] = v * (n / (n + np.float32(2)))


@kernel(_formula("mish_slope"))
def mish_backward(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        e = exp_single(np.float32(20) if v > np.float32(20) else v)
        n = e * (e + np.float32(2))
        d = np.float32(1) / (n + np.float32(2))
        out[i] = g[i] * (n * d + np.float32(4) * v * e * (e + np.float32(1)) * d * d)
