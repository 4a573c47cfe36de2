"""The regularized incomplete gamma functions, to double precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.arguments import refuse_numbers
from ...rules import differentiable
from ...tensors.tensor_type import Tensor
from ..argument_names import describe
from ..pointwise.exp_log_trig import xlogy
from .erf_numpy import polynomial, two_in_double
from .gamma import BERNOULLI, lgamma, lgamma_after_one, lgamma_series

__all__ = ["igamma", "igammac"]
METHODS = "igamma_ igammac_"
SPECIAL = "gammainc=igamma gammaincc=igammac"

_LARGE = 16.0  # from here on Stirling's series is exact
_WIDE = 100.0  # from here on series take too many terms
_TINY = 1e-300


def _weight(a: Any, x: Any, beyond: Any) -> Any:
    """``x^a exp(-x) / Gamma(a + 1)``; for large `a` around its peak at ``x = a``, where logarithms would cancel.

    `beyond` is ``x - a``, which may be known better than from their difference.
    """
    plain = np.exp(a * np.log(x) - x - lgamma_series(a + 1))
    z, off = 1 / np.maximum(a, _LARGE), beyond / a
    terms = [b / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI, 1)]
    rest = z * polynomial(terms[::-1], z * z)
    bend = off - np.where(np.abs(off) < 0.5, np.log1p(off), np.log(x / a))
    near = off * off * polynomial([(-1) ** k / (k + 2) for k in range(7, -1, -1)], off)
    bend = np.where(np.abs(off) < 0.01, near, bend)
    around = np.exp(-a * bend - rest) / np.sqrt(2 * math.pi * a)
    return np.where(a < _LARGE, plain, around)


def _lower(a: Any, x: Any) -> Any:
    """P(a, x) by DLMF 8.7.1, for ``x <= a + 1``: terms that fall from the first one on."""
    term = np.ones_like(x)
    total, n = term.copy(), 0
    while np.any(term > 1e-17 * total):
        n += 1
        term *= x / (a + n)
        total += term
    return _weight(a, x, x - a) * total


def _upper(a: Any, x: Any) -> Any:
    """Q(a, x) by Lentz's evaluation of the continued fraction DLMF 8.9.2, for ``x >= a + 1``."""
    b = x + 1 - a
    c, d = np.full_like(x, 1 / _TINY), 1 / b
    total, n, step = d.copy(), 0, np.zeros_like(x)
    while np.any(np.abs(step - 1) > 1e-15) and n < 1000:
        n += 1
        b += 2
        factor = n * (a - n)
        d, c = factor * d + b, b + factor / c
        d = 1 / np.where(np.abs(d) < _TINY, _TINY, d)
        c = np.where(np.abs(c) < _TINY, _TINY, c)
        step = c * d
        total *= step
    return _weight(a, x, x - a) * a * total


def _upper_small(a: Any, x: Any) -> Any:
    """Q(a, x) for `a` and `x` up to 1, where it may be tiny, by DLMF 8.7.3 less its first term and one."""
    power = a * np.log(x) - lgamma_after_one(a)
    term, rest = np.ones_like(x), np.zeros_like(x)
    for n in range(1, 20):
        term *= -x / n
        rest += term / (a + n)
    return -np.expm1(power) - np.exp(power) * a * rest


def _tail(a: Any, x: Any) -> Any:
    """P(a, x) where x is below `a`, Q(a, x) where it is above: the integral from `x` away from the density's peak.

    By Gauss, over as much of it as is seen in double precision: the logarithm falls with the slope at `x`, and bends.
    """
    points, weights = np.polynomial.legendre.leggauss(60)
    way = np.where(x <= a, -1.0, 1.0)
    size = np.maximum(a, x)
    slope = np.abs(x - a) / x
    width = 90 / (np.sqrt(slope * slope + 90 / size) + slope)
    width = np.where(way < 0, np.minimum(width, x), 1.5 * width)
    total = np.zeros_like(x)
    for u, w in zip(points, weights):
        step = way * width * (0.5 * (u + 1))
        total += w * _weight(a, x + step, (x - a) + step) * (a / (x + step))
    return np.where(width == 0, 0.0, 0.5 * width * total)


def _regularized(a: Any, x: Any, upper: bool) -> Any:
    """One of the two, by way of that one which is computed without cancellation."""
    out = np.full_like(x, math.nan)
    out[(x == 0) & (a > 0) | (x >= 0) & np.isfinite(x) & (a == np.inf)] = float(upper)
    out[(x > 0) & (a == 0) | (x == np.inf) & (a > 0) & np.isfinite(a)] = float(not upper)
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    wide, tiny = inside & (a > _WIDE), inside & upper & (a <= 1) & (x <= 1)
    inside &= ~wide & ~tiny
    pieces: list[tuple[Any, Callable[..., Any], bool]] = [
        (inside & (x <= a + 1), _lower, False),
        (inside & (x > a + 1), _upper, True),
        (tiny, _upper_small, True),
        (wide & (x <= a), _tail, False),
        (wide & (x > a), _tail, True),
    ]
    for where, function, complement in pieces:
        if where.any():
            found = function(a[where], x[where])
            out[where] = found if complement == upper else 1 - found
    return out


@two_in_double
def igamma_series(a: Any, x: Any) -> Any:
    return _regularized(a, x, False)


@two_in_double
def igammac_series(a: Any, x: Any) -> Any:
    return _regularized(a, x, True)


def _density(g: Any, a: Any, x: Any) -> Any:
    """The gamma distribution's: ``x^(a - 1) exp(-x) / Gamma(a)``."""
    return g * np.exp(xlogy(a - 1, x) - x - lgamma(a))


_igamma = differentiable(igamma_series, name="igamma", x=_density)
_igammac = differentiable(igammac_series, name="igammac", x=lambda g, a, x: -_density(g, a, x))


def igamma(input: Any, other: Any) -> Tensor:
    refuse_numbers("igamma", "", input, other)
    return _igamma.record((input, other))


def igammac(input: Any, other: Any) -> Tensor:
    refuse_numbers("igammac", "", input, other)
    return _igammac.record((input, other))


__test__ = describe(
    globals(),
    """
    igamma  | Regularized lower incomplete gamma function P(a, x); no gradient in a. | 1.0, 2.0; 1.0 | [0.6321, 0.2642]
    igammac | Regularized upper incomplete gamma function Q(a, x); no gradient in a. | 1.0, 2.0; 1.0 | [0.3679, 0.7358]
    """,
)
