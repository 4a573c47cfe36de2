r"""Bessel functions of whole order 0 and 1 of the other kinds (J, Y, K), the spherical j of order 0, and Airy's Ai.

Up to 25 by their integrals (DLMF 10.9.1, 10.9.7, 10.32.9, 9.5.4), whose sums over equal steps or at Gauss's points
converge exponentially; beyond by Hankel's series (DLMF 10.17.3). To 12 digits of the largest value nearby.
PyTorch has no gradients of these; here all but Ai and the spherical one have them. Its J and Y have only 7 digits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...rules import differentiable
from .erf_numpy import in_double

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_k0", "modified_bessel_k1",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
]  # fmt: skip
SPECIAL = __all__

_FAR = 25.0


@functools.cache
def _nodes(n: int) -> tuple[Any, Any]:
    """Gauss's nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(n)
    return 0.5 * (x + 1), 0.5 * w


def _hankel(x: Any, n: int) -> tuple[Any, Any]:
    """The amplitudes of cos and of sin far out, times ``sqrt(2 / (pi x))``."""
    even, odd, term = np.ones_like(x), np.zeros_like(x), np.ones_like(x)
    for k in range(1, 24):
        term = term * ((4 * n * n - (2 * k - 1) ** 2) / (8 * k * x))
        if k % 2:
            odd = odd + (-1) ** (k // 2) * term
        else:
            even = even + (-1) ** (k // 2) * term
    scale = np.sqrt(2 / (math.pi * x))
    return scale * even, scale * odd


@in_double
def bessel_j_series(x: Any, n: int) -> Any:
    """``J_n(x)``."""
    y = np.abs(x)
    near, far = np.minimum(y, _FAR), np.maximum(y, _FAR)
    angle = (np.arange(64) + 0.5) * (math.pi / 64)
    inside = np.cos(n * angle - near[:, None] * np.sin(angle)).mean(-1)
    p, q = _hankel(far, n)
    phase = far - (n / 2 + 0.25) * math.pi
    out = np.where(y <= _FAR, inside, p * np.cos(phase) - q * np.sin(phase))
    out = np.where(np.isnan(x), x, np.where(y == np.inf, 0.0, out))
    return np.where(x < 0, -out, out) if n else out


@in_double
def bessel_y_series(x: Any, n: int) -> Any:
    """``Y_n(x)``; NaN of negative numbers."""
    near, far = np.clip(x, 1e-300, _FAR), np.maximum(x, _FAR)
    node, weight = _nodes(96)
    angle = math.pi * node
    first = np.sin(near[:, None] * np.sin(angle) - n * angle) @ weight
    end = np.arcsinh(45 / near)  # where the second integrand is none any more
    t = end[:, None] * node
    second = (np.exp(n * t) + (-1) ** n * np.exp(-n * t)) * np.exp(-near[:, None] * np.sinh(t))
    middle = first - second @ weight * end / math.pi
    low = np.minimum(near, 5.0)
    series = _y_near(low, n)
    p, q = _hankel(far, n)
    phase = far - (n / 2 + 0.25) * math.pi
    out = np.where(x <= 5, series, np.where(x <= _FAR, middle, p * np.sin(phase) + q * np.cos(phase)))
    out = np.where(x == 0, -np.inf, np.where(x == np.inf, 0.0, out))
    return np.where(x < 0, np.nan, np.where(np.isnan(x), x, out))


def _y_near(x: Any, n: int) -> Any:
    """DLMF 10.8.1 and 10.8.2, whose terms hardly cancel up to 5."""
    z, total, harmonic = -0.25 * x * x, np.zeros_like(x), -2 * np.euler_gamma
    j, term = np.zeros_like(x), np.ones_like(x) if n == 0 else 0.5 * x
    if n:
        harmonic += 1.0
    for k in range(40):
        j = j + term
        total = total + harmonic * term
        term = term * z / ((k + 1) * (k + 1 + n))
        harmonic += 1 / (k + 1) + 1 / (k + 1 + n)
    out = (2 * np.log(0.5 * x) * j - total) / math.pi
    return out - 2 / (math.pi * x) if n else out


def _k_of(x: Any, order: float) -> Any:
    """``exp(x) K(x)`` of any order, of positive numbers."""
    y = np.maximum(x, 1e-9)
    end = np.arccosh(1 + 45 / y)[:, None]
    t = end * np.arange(161) / 160
    terms = np.exp(-y[:, None] * (2 * np.sinh(0.5 * t) ** 2)) * np.cosh(order * t)
    terms[:, 0] *= 0.5
    return terms.sum(-1) * end[:, 0] / 160


@in_double
def bessel_k_series(x: Any, n: int, scaled: bool) -> Any:
    """``K_n(x)``, times ``exp(x)`` if it is to be `scaled`; NaN of negative numbers."""
    tiny = -np.log(0.5 * x) - np.euler_gamma if n == 0 else 1 / x
    tiny = tiny * np.exp(x) if scaled else tiny
    out = np.where(x < 1e-8, tiny, _k_of(x, n) * (1.0 if scaled else np.exp(-x)))
    out = np.where(x == 0, np.inf, np.where(x == np.inf, 0.0, out))
    return np.where(x < 0, np.nan, np.where(np.isnan(x), x, out))


@in_double
def airy_series(x: Any) -> Any:
    """``Ai(x)``; NaN of infinite numbers, as in PyTorch."""
    zeta = 2 / 3 * np.abs(x) ** 1.5
    right = np.sqrt(np.maximum(x, 0) / 3) / math.pi * _k_of(zeta, 1 / 3) * np.exp(-zeta)
    near = np.clip(x, -10.0, 2.0)[:, None]
    t = np.linspace(-12, 12, 481) + 0.5j  # the path, shifted to where the integrand falls like a bell
    inside = np.exp(1j * (t**3 / 3 + near * t)).real.sum(-1) * (24 / 480) / (2 * math.pi)
    z, far = np.maximum(zeta, 20.0), np.minimum(x, -10.0)
    even, odd, term = np.ones_like(z), np.zeros_like(z), np.ones_like(z)
    for k in range(1, 16):
        term = term * ((6 * k - 5) * (6 * k - 3) * (6 * k - 1) / (216 * k * (2 * k - 1))) / z
        if k % 2:
            odd = odd + (-1) ** (k // 2) * term
        else:
            even = even + (-1) ** (k // 2) * term
    phase = z - 0.25 * math.pi
    left = (np.cos(phase) * even + np.sin(phase) * odd) / (math.sqrt(math.pi) * (-far) ** 0.25)
    out = np.where(x > 2, right, np.where(x >= -10, inside, left))
    return np.where(np.isinf(x), np.nan, out)


@in_double
def spherical_series(x: Any) -> Any:
    """``sin(x) / x``, 1 at 0."""
    out = np.where(np.abs(x) < 1e-4, 1 - x * x / 6, np.sin(x) / np.where(x == 0, 1.0, x))
    return np.where(np.isinf(x), 0.0, out)


# --- rows -------------------------------------------------------------------------------------------------------


def _over(x: Any, out: Any) -> Any:
    """``out / x``, half where both are 0: the slope of J_1."""
    zero = np.equal(x, 0)
    return np.where(zero, 0.5, out / np.where(zero, 1.0, x))


_SUMMARIES = {
    "airy_ai": "Airy's function Ai, without a gradient.",
    "bessel_j0": "Bessel function of the first kind, of order 0.",
    "bessel_j1": "Bessel function of the first kind, of order 1.",
    "bessel_y0": "Bessel function of the second kind, of order 0; NaN of negative numbers.",
    "bessel_y1": "Bessel function of the second kind, of order 1; NaN of negative numbers.",
    "modified_bessel_k0": "Modified Bessel function of the second kind, of order 0; NaN of negative numbers.",
    "modified_bessel_k1": "Modified Bessel function of the second kind, of order 1; NaN of negative numbers.",
    "scaled_modified_bessel_k0": "`modified_bessel_k0` times exp(x).",
    "scaled_modified_bessel_k1": "`modified_bessel_k1` times exp(x).",
    "spherical_bessel_j0": "Spherical Bessel function of order 0, sin(x) / x, without a gradient; see `sinc`.",
}


def _row(series: Callable[..., Any], name: str, **rules: Callable[..., Any]) -> Any:
    def of_input(input: Any) -> Any:
        return series(input)

    def of_x(x: Any) -> Any:
        return series(x)

    function = of_input if "input" in rules else of_x  # as PyTorch names it there
    function.__name__ = function.__qualname__ = name
    function.__doc__ = _SUMMARIES[name]
    return differentiable(function, name=name, **rules)


bessel_j0: Any = _row(lambda x: bessel_j_series(x, 0), "bessel_j0", input=lambda g, input: -g * bessel_j1(input))
bessel_j1: Any = _row(
    lambda x: bessel_j_series(x, 1), "bessel_j1",
    input=lambda g, input, out: g * (bessel_j0(input) - _over(input, out)),
)  # fmt: skip
bessel_y0: Any = _row(lambda x: bessel_y_series(x, 0), "bessel_y0", input=lambda g, input: -g * bessel_y1(input))
bessel_y1: Any = _row(
    lambda x: bessel_y_series(x, 1), "bessel_y1", input=lambda g, input, out: g * (bessel_y0(input) - out / input)
)
modified_bessel_k0: Any = _row(
    lambda x: bessel_k_series(x, 0, False), "modified_bessel_k0",
    input=lambda g, input: -g * modified_bessel_k1(input),
)  # fmt: skip
modified_bessel_k1: Any = _row(
    lambda x: bessel_k_series(x, 1, False), "modified_bessel_k1",
    input=lambda g, input, out: -g * (modified_bessel_k0(input) + out / input),
)  # fmt: skip
scaled_modified_bessel_k0: Any = _row(
    lambda x: bessel_k_series(x, 0, True), "scaled_modified_bessel_k0",
    x=lambda g, x, out: g * (out - scaled_modified_bessel_k1(x)),
)  # fmt: skip
scaled_modified_bessel_k1: Any = _row(
    lambda x: bessel_k_series(x, 1, True), "scaled_modified_bessel_k1",
    x=lambda g, x, out: g * (out - scaled_modified_bessel_k0(x) - out / x),
)  # fmt: skip
airy_ai: Any = _row(airy_series, "airy_ai")
spherical_bessel_j0: Any = _row(spherical_series, "spherical_bessel_j0")
