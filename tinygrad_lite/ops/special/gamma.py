"""The logarithm of the gamma function and its derivatives, to double precision."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from ...engine.arguments import whole
from ...engine.errors import InputError
from ...engine.fast_calls import elementwise
from ...kernels.elementwise import erf as kernels
from ...kernels.elementwise import gamma as single
from ...kernels.elementwise.fused import fastest, fused
from ...rules import differentiable
from ...tensors.row_types import Unary
from ...tensors.tensor_type import Tensor
from ..argument_names import describe
from .erf_numpy import in_double, piecewise, polynomial

__all__ = ["digamma", "lgamma", "mvlgamma", "polygamma"]
METHODS = "digamma_ lgamma_ mvlgamma_"
SPECIAL = "digamma gammaln=lgamma multigammaln=mvlgamma polygamma psi=digamma"

BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
"""B_2, B_4, ..., the coefficients of every expansion for large arguments."""

_FAR = 10.0  # from here on their first ten terms are exact
_EULER = 0.57721566490153286061


def hurwitz(s: Any, q: Any) -> Any:
    r"""Hurwitz' zeta function, :math:`\sum_k (q + k)^{-s}` for q > 0, by Euler and Maclaurin (DLMF 25.11.5)."""
    near = sum((q + k) ** -s for k in range(int(_FAR)))
    q = q + _FAR
    total = q ** (1 - s) / (s - 1) + 0.5 * q**-s
    factor = 1.0 * s  # s (s + 1) ... (s + 2 k - 2) / (2 k)!, term by term
    for k, b in enumerate(BERNOULLI, 1):
        factor = factor / ((2 * k - 1) * (2 * k))
        total = total + b * factor * q ** (1 - s - 2 * k)
        factor = factor * ((s + 2 * k - 1) * (s + 2 * k))
    return near + total


# --- the logarithm ----------------------------------------------------------------------------------------------


@functools.cache
def _around_two() -> tuple[float, ...]:
    """Coefficients of log Gamma(2 + w) in w, highest first, exact for |w| <= 1/2 (DLMF 5.7.3)."""
    series = [(-1) ** k * float(hurwitz(k, 2.0)) / k for k in range(2, 32)]
    return (*reversed(series), 1 - _EULER, 0.0)


def lgamma_after_one(x: Any) -> Any:
    """``log(Gamma(1 + x))`` for 0 <= x <= 1, exact near 0."""
    return np.where(x < 0.5, polynomial(_around_two(), x) - np.log1p(x), polynomial(_around_two(), x - 1))


def _stirling(x: Any) -> Any:
    """DLMF 5.11.1."""
    z = 1 / x
    terms = [b / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI, 1)]
    return (x - 0.5) * np.log(x) - x + 0.5 * math.log(2 * math.pi) + z * polynomial(terms[::-1], z * z)


def _shifted(x: Any) -> Any:
    """From ``x + 8``, by the recurrence Gamma(x + 1) = x Gamma(x)."""
    product = x.copy()
    for k in range(1, 8):
        product *= x + k
    return _stirling(x + 8) - np.log(product)


def _log_gamma_positive(x: Any) -> Any:
    return piecewise(x, [
        (x < 0.5, lambda x: polynomial(_around_two(), x) - np.log1p(x) - np.log(x)),
        (x < 1.5, lambda x: polynomial(_around_two(), x - 1) - np.log(x)),
        (x <= 2.5, lambda x: polynomial(_around_two(), x - 2)),
        (x < _FAR, _shifted),
        (x < np.inf, _stirling),
        (x == np.inf, np.copy),
    ])  # fmt: skip


def _log_gamma_negative(x: Any) -> Any:
    """Euler's reflection: Gamma(x) Gamma(1 - x) = pi / sin(pi x)."""
    size = np.abs(np.sin(math.pi * (x - np.round(x))))
    return math.log(math.pi) - np.log(size) - _log_gamma_positive(1 - x)


@in_double
def lgamma_series(x: Any) -> Any:
    return piecewise(x, [
        (x > 0, _log_gamma_positive),
        (x == np.round(x), lambda x: np.full_like(x, np.inf)),
        (x < 0, _log_gamma_negative),
    ])  # fmt: skip


_lgamma = fastest(lgamma_series, math.lgamma, kernels.lgamma, single.lgamma)

# --- its derivatives --------------------------------------------------------------------------------------------


def _digamma_positive(x: Any) -> Any:
    """The recurrence up to 10, then DLMF 5.11.2."""
    total = np.zeros_like(x)
    near = x < _FAR
    for _ in range(int(_FAR)):
        total -= np.where(near, 1 / x, 0.0)
        x = np.where(near, x + 1, x)
        near = x < _FAR
    z = 1 / (x * x)
    terms = [b / (2 * k) for k, b in enumerate(BERNOULLI, 1)]
    return total + np.log(x) - 0.5 / x - z * polynomial(terms[::-1], z)


@in_double
def digamma_series(x: Any) -> Any:
    def negative(x: Any) -> Any:
        return _digamma_positive(1 - x) - math.pi / np.tan(math.pi * (x - np.round(x)))

    return piecewise(x, [
        (x > 0, _digamma_positive),
        (x == 0, lambda x: np.copysign(np.inf, -x)),
        ((x != np.round(x)) & np.isfinite(x), negative),
    ])  # fmt: skip


_digamma = fastest(digamma_series, kernels.digamma_of, kernels.digamma, single.digamma)


@functools.cache
def _cotangent(n: int) -> tuple[float, ...]:
    """The n-th derivative of cot as a polynomial in cot, highest power first: each one is -(1 + c^2) p'(c)."""
    p = np.poly1d([1.0, 0.0])
    for _ in range(n):
        p = -np.poly1d([1.0, 0.0, 1.0]) * p.deriv()
    return tuple(p.coeffs)


@in_double
def polygamma_series(x: Any, n: int) -> Any:
    sign = (-1.0) ** (n + 1)

    def positive(x: Any) -> Any:
        return sign * math.factorial(n) * hurwitz(n + 1, x)

    def negative(x: Any) -> Any:
        cotangent = 1 / np.tan(math.pi * (x - np.round(x)))
        return -sign * positive(1 - x) - math.pi ** (n + 1) * polynomial(_cotangent(n), cotangent)

    return piecewise(x, [
        (x > 0, positive),
        ((x == np.round(x)) & np.isfinite(x), lambda x: np.full_like(x, sign * np.inf)),
        ((x < 0) & np.isfinite(x), negative),
    ])  # fmt: skip


def trigamma_series(x: Any) -> Any:
    """The second derivative of log Gamma."""
    return polygamma_series(x, 1)


_trigamma = fused(trigamma_series, single.trigamma)

# --- rows -------------------------------------------------------------------------------------------------------

lgamma: Unary = elementwise(_lgamma, name="lgamma", x=lambda g, x: g * digamma(x))
digamma: Unary = elementwise(_digamma, name="digamma", x=lambda g, x: g * polygamma(1, x))


def _polygamma_x(g: Any, x: Any, n: int) -> Any:
    return g * polygamma(n + 1, x)


@differentiable(x=_polygamma_x, name="polygamma")
def _polygamma(x: Any, n: int) -> Any:
    return _digamma(x) if n == 0 else _trigamma(x) if n == 1 else polygamma_series(x, n)


def polygamma(n: int, input: Any) -> Tensor:
    """The n-th derivative of `digamma`.

    At zero and the negative integers it is infinite, and PyTorch's a large number for ``n = 1``.

    Parameters
    ----------
    n : int, at least 0
    input : Tensor or number

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    RuntimeError
        For a negative `n`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.polygamma(1, tg.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    if isinstance(n, bool) or not whole(n) or n < 0:
        raise RuntimeError(f"polygamma: n must be an integer, and not negative, got {n!r}")
    n = operator.index(n)
    if n > 170:
        raise InputError(f"polygamma: n must be at most 170, since n! leaves the range of doubles, got {n}")
    return _polygamma.record((input, n))


def mvlgamma(input: Any, p: int) -> Tensor:
    r"""Multivariate log-gamma, :math:`\frac{p (p - 1)}{4} \log \pi + \sum_{j < p} \log \Gamma(x - j / 2)`.

    Parameters
    ----------
    input : Tensor, floating or integer
        PyTorch calls it undefined where ``input <= (p - 1) / 2``; the formula holds there, too.
    p : int, at least 1

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    RuntimeError
        For `p` below 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.mvlgamma(tg.tensor([3.5, 5.0]), 2)
    tensor([2.4665, 6.2042])
    """
    if not whole(p) or not 1 <= p < 2**31:
        raise RuntimeError(f"mvlgamma: p must be an integer of at least 1, and below 2**31, got {p!r}")
    p = operator.index(p)
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - j / 2)
    return total + p * (p - 1) / 4 * math.log(math.pi) if p > 1 else total


__test__ = describe(
    globals(),
    """
    digamma | Derivative of `lgamma`.                   | 1.0, 0.5 | [-0.5772, -1.9635]
    lgamma  | Logarithm of the gamma function's size.   | 0.5, 4.0 | [0.5724, 1.7918]
    """,
)
