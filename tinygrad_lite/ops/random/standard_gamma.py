"""Logarithms of gamma distributed numbers, with the derivative of the quantile in the shape parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import differentiable
from ...tensors.row_types import Unary
from ..special.erf_numpy import two_in_double
from ..special.gamma import digamma_series
from .generator import stream

_WIDE = 30.0  # from here on the series takes too many terms


@two_in_double
def log_quantile_slope(a: Any, log_x: Any) -> Any:
    """How the logarithm of a quantile of the gamma distribution changes with `a`.

    At a fixed probability P(a, x), dx / da is ``-(dP / da) / (dP / dx)``: implicit reparametrization.
    """
    x, out = np.exp(log_x), np.empty_like(log_x)
    below = (x <= a + 1) & (a <= _WIDE)
    for where, function in ((below, _by_series), (~below, _by_integral)):
        if where.any():
            out[where] = function(a[where], x[where], log_x[where])
    return out


def _by_series(a: Any, x: Any, log_x: Any) -> Any:
    """DLMF 8.7.1, term by term: all have one sign, so nothing cancels."""
    term, slope = np.ones_like(a), log_x - digamma_series(a + 1)
    total, n = slope.copy(), 0
    while np.any(term * np.abs(slope) > 1e-17 * np.abs(total)):
        n += 1
        term = term * x / (a + n)
        slope = slope - 1 / (a + n)
        total += term * slope
    return -total / a


def _by_integral(a: Any, x: Any, log_x: Any) -> Any:
    """The integral of ``(log t - digamma(a)) t^(a - 1) exp(-t)`` from `x` away from the peak, by Gauss."""
    points, weights = np.polynomial.legendre.leggauss(80)
    way = np.where(x <= a, -1.0, 1.0)
    slope, size = np.abs(x - a) / x, np.maximum(a, x)
    width = 90 / (np.sqrt(slope * slope + 90 / size) + slope)
    width = np.where(way < 0, np.minimum(width, x), 1.5 * width)
    total, center = np.zeros_like(x), digamma_series(a)
    for u, w in zip(points, weights):
        step = way * width * (0.5 * (u + 1))
        ratio = np.log1p(step / x)
        total += w * (log_x + ratio - center) * np.exp((a - 1) * ratio - step)
    return np.where(way < 0, -1.0, 1.0) * total * (0.5 * width) / x


def _draw(a: Any) -> Any:
    """Of one more, times a power of a uniform number: what is drawn does not underflow, however small `a` is."""
    rng = stream(None)
    wide = np.asarray(a, np.float64)
    with np.errstate(divide="ignore"):
        drawn = np.log(rng.standard_gamma(wide + 1)) - rng.standard_exponential(wide.shape) / wide
    return np.asarray(drawn).astype(a.dtype)


def _unknown(g: Any) -> Any:
    raise NotImplementedError("log_standard_gamma: the second derivative of gamma distributed samples is not known")


_log_quantile_slope = differentiable(log_quantile_slope, name="log_quantile_slope", joint=[(("a", "log_x"), _unknown)])
log_standard_gamma: Unary = differentiable(
    _draw, name="log_standard_gamma", a=lambda g, out, a: g * _log_quantile_slope(a, out)
)
