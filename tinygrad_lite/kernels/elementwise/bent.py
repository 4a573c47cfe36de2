"""Activations and losses made of pieces, in float32, forward and backward in one pass each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernel import kernel
from .float32_math import exp_single, expm1_single, log1p_single
from .smooth import logistic


def _formula(module: str, name: str, arrays: int = 1) -> Callable[..., None]:
    """The twin: the formula in NumPy, of so many arrays and some numbers."""

    def plain(*args: Any) -> None:
        from ... import ops

        args[arrays][...] = getattr(getattr(ops, module), name)(*args[:arrays], *args[arrays + 1 :])

    return plain


@kernel(_formula("bent", "leaky_relu_of"))
def leaky_relu(x: Any, out: Any, slope: Any) -> None:
    zero = np.float32(0)
    for i in range(x.size):
        v = x[i]
        out[i] = v if v > zero else slope * v


@kernel(_formula("bent", "leaky_relu_slope", 2))
def leaky_relu_backward(g: Any, x: Any, out: Any, slope: Any) -> None:
    zero = np.float32(0)
    for i in range(x.size):
        up = g[i]
        out[i] = up if x[i] > zero else slope * up


@kernel(_formula("bent", "elu_of"))
def elu(x: Any, out: Any, alpha: Any, scale: Any, inner: Any) -> None:
    zero, below = np.float32(0), alpha * scale
    for i in range(x.size):
        v = x[i]
        low = below * expm1_single(inner * (zero if v > zero else v))
        out[i] = scale * v if v > zero else low


@kernel(_formula("bent", "elu_slope", 2))
def elu_backward(g: Any, x: Any, out: Any, alpha: Any, scale: Any, inner: Any) -> None:
    zero, below = np.float32(0), alpha * scale * inner
    for i in range(x.size):
        v = x[i]
        low = below * exp_single(inner * (zero if v > zero else v))
        out[i] = g[i] * (low if v <= zero else scale)


@kernel(_formula("bent", "hardtanh_slope", 2))
def hardtanh_backward(g: Any, x: Any, out: Any, low: Any, high: Any) -> None:
    zero = np.float32(0)
    for i in range(x.size):
        v, up = x[i], g[i]
        up = zero if v <= low else up
        out[i] = zero if v >= high else up


@kernel(_formula("bent", "hardsigmoid_of"))
def hardsigmoid(x: Any, out: Any) -> None:
    zero, three, six = np.float32(0), np.float32(3), np.float32(6)
    for i in range(x.size):
        v = x[i] + three
        v = zero if v < zero else v
        v = six if v > six else v
        out[i] = v / six


@kernel(_formula("bent", "hardsigmoid_slope", 2))
def hardsigmoid_backward(g: Any, x: Any, out: Any) -> None:
    zero, three, six = np.float32(0), np.float32(3), np.float32(6)
    for i in range(x.size):
        v = g[i] / six
        v = v if x[i] > -three else zero
        out[i] = v if x[i] < three else zero


@kernel(_formula("bent", "hardswish_of"))
def hardswish(x: Any, out: Any) -> None:
    zero, three, six = np.float32(0), np.float32(3), np.float32(6)
    for i in range(x.size):
        v = x[i] + three
        v = zero if v < zero else v
        v = six if v > six else v
        out[i] = x[i] * v / six


@kernel(_formula("bent", "hardswish_slope", 2))
def hardswish_backward(g: Any, x: Any, out: Any) -> None:
    zero, half, three = np.float32(0), np.float32(0.5), np.float32(3)
    for i in range(x.size):
        v, up = x[i], g[i]
        inside = up * (v / three + half)
        inside = inside if v > -three else zero
        out[i] = inside if v < three else up


@kernel(_formula("activation", "softplus_from"))
def softplus(x: Any, out: Any, beta: Any, threshold: Any) -> None:
    zero = np.float32(0)
    for i in range(x.size):
        v = beta * x[i]
        above = v if v > zero else zero
        s = (above + log1p_single(exp_single(-abs(v)))) / beta
        out[i] = x[i] if v > threshold else s


@kernel(_formula("activation", "softplus_slope", 2))
def softplus_backward(g: Any, x: Any, out: Any, beta: Any, threshold: Any) -> None:
    for i in range(x.size):
        v, up = beta * x[i], g[i]
        out[i] = up if v > threshold else up * logistic(v)


@kernel(_formula("exponential", "logsigmoid_of"))
def logsigmoid(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = x[i]
        below = v if v < np.float32(0) else np.float32(0)
        out[i] = below - log1p_single(exp_single(-abs(v)))


@kernel(_formula("exponential", "logsigmoid_slope", 2))
def logsigmoid_backward(g: Any, x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = g[i] * logistic(-x[i])


@kernel(_formula("robust_loss", "huber_of", 2))
def huber(x: Any, y: Any, out: Any, delta: Any) -> None:
    half = np.float32(0.5)
    for i in range(x.size):
        distance = abs(x[i] - y[i])
        near = delta if distance > delta else distance
        out[i] = near * (distance - half * near)


@kernel(_formula("robust_loss", "huber_slope", 3))
def huber_backward(g: Any, x: Any, y: Any, out: Any, delta: Any) -> None:
    for i in range(x.size):
        d = x[i] - y[i]
        d = delta if d > delta else d
        d = -delta if d < -delta else d
        out[i] = g[i] * d


@kernel(_formula("pointwise_loss", "logits_loss_of", 2))
def logits_loss(x: Any, target: Any, out: Any) -> None:
    zero = np.float32(0)
    for i in range(x.size):
        v, t = x[i], target[i]
        above = v if v > zero else zero
        part = zero if t == zero else v * t  # of an infinite v, too
        out[i] = above - part + log1p_single(exp_single(-abs(v)))


@kernel(_formula("pointwise_loss", "logits_loss_slope", 3))
def logits_loss_backward(g: Any, x: Any, target: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = g[i] * (logistic(x[i]) - target[i])


@kernel(_formula("floats", "nan_to_num_of"))
def nan_to_num(x: Any, out: Any, nan: Any, top: Any, bottom: Any) -> None:
    high = np.float32(np.inf)
    for i in range(x.size):
        v = x[i]
        w = top if v == high else v
        w = bottom if v == -high else w
        out[i] = nan if v != v else w


@kernel(_formula("exponential", "logaddexp_of", 2))
def logaddexp(x: Any, y: Any, out: Any) -> None:
    for i in range(x.size):
        v, w = x[i], y[i]
        d = np.float32(0) if v == w else abs(v - w)  # of two infinities, too
        out[i] = (v if v > w else w) + log1p_single(exp_single(-d))
