r"""Modified Bessel functions of the first kind, to 13 digits.

PyTorch has the orders 0 and 1. Their derivatives need the others, :math:`2 I_n' = I_{n-1} + I_{n+1}` (DLMF 10.29.1),
which holds at 0 as it does elsewhere.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...kernels.elementwise.bessel import FAR, KNEE, NEAR, bessel, suits
from ...kernels.elementwise.fused import PIECE, memory_order, turned_back
from ...kernels.kernel import kernel, serves
from ...kernels.native.parallel import in_parts
from ...rules import FAST, differentiable
from ...tensors.tensor_type import Tensor
from ..argument_names import describe
from .erf_numpy import in_double

__all__ = ["i0", "i0e", "i1", "i1e"]
METHODS = "i0_"
SPECIAL = "i0 i0e i1 i1e modified_bessel_i0=i0 modified_bessel_i1=i1"

_FAR = 30.0  # from here on the asymptotic series is exact, for small orders
_DEGREE = 30  # where one polynomial takes over from the other

# --- series -----------------------------------------------------------------------------------------------------


def _near(x: Any, n: int) -> Any:
    """``exp(-x) I_n(x) / x^n`` for 0 <= x <= 30 by DLMF 10.25.2, whose terms are all positive."""
    term = np.full_like(x, 0.5**n / math.factorial(n))
    total, z = term.copy(), 0.25 * x * x
    for k in range(1, 60):
        term *= z / (k * (k + n))
        total += term
    return total * np.exp(-x)


def _far(x: Any, n: int) -> Any:
    """``exp(-x) I_n(x) sqrt(x)`` from 30 on, by DLMF 10.40.1."""
    term = np.ones_like(x)
    total = term.copy()
    for k in range(1, 25):
        term *= ((2 * k - 1) ** 2 - 4 * n * n) / (8 * k * x)
        total += term
    return total / math.sqrt(2 * math.pi)


def _behind(x: Any, n: int) -> Any:
    """``exp(-x) I_n(x) sqrt(x)``, wherever."""
    with np.errstate(all="ignore"):  # x^n of what is not chosen
        return np.where(x < _FAR, np.minimum(x, _FAR) ** (n + 0.5) * _near(np.minimum(x, _FAR), n), _far(x, n))


# --- polynomials: 30 terms where the series have 60 -----------------------------------------------------------------


@functools.cache
def _fitted(n: int) -> tuple[Any, Any]:
    """Chebyshev coefficients of what `_near` computes up to the knee, and of what `_behind` computes from there on."""
    interpolate = np.polynomial.chebyshev.chebinterpolate
    near = interpolate(lambda u: _near(0.5 * KNEE * (u + 1), n), _DEGREE)
    return near, interpolate(lambda u: _behind(2 * KNEE / (u + 1), n), _DEGREE)


def _clenshaw(coefficients: Any, u: Any) -> Any:
    b, before, twice = np.full_like(u, coefficients[-1]), np.zeros_like(u), 2 * u
    for c in coefficients[-2:0:-1]:
        before, b = b, twice * b - before + c
    return u * b - before + coefficients[0]


def _scaled(x: Any, n: int) -> Any:
    """``exp(-x) I_n(x)`` of vectors that are not negative."""
    if n > 1:
        return np.where(x == 0, 0.0, _behind(x, n) / np.sqrt(x))
    out, near = np.empty_like(x), x <= KNEE
    y = x[near]
    value = _clenshaw(_fitted(n)[0], y * (2 / KNEE) - 1)
    out[near] = y * value if n else value
    y = x[~near]
    out[~near] = _clenshaw(_fitted(n)[1], 2 * KNEE / y - 1) / np.sqrt(y)
    return out


@in_double
def bessel_series(x: Any, n: int, scaled: bool) -> Any:
    """``I_n(x)``, times ``exp(-|x|)`` if it is to be `scaled`."""
    y = np.abs(x)
    out = _scaled(y, n)
    if not scaled:  # in two steps: I_n is a number where exp is none any more
        half = np.exp(0.5 * y)
        out = np.where(y == np.inf, np.inf, out * half * half)
    return np.copysign(out, x) if n % 2 else out


@functools.cache
def _coefficients(n: int) -> tuple[Any, Any]:
    """What the loop for float32 needs of DLMF 10.25.2, and of a shorter polynomial beyond the knee."""
    near = [0.5 ** (n + 2 * k) / (math.factorial(k) * math.factorial(k + n)) for k in range(NEAR)]
    far = np.polynomial.chebyshev.chebinterpolate(lambda u: _behind(2 * KNEE / (u + 1), n), FAR - 1)
    powers = np.polynomial.Polynomial(np.polynomial.chebyshev.cheb2poly(far))
    return np.array(near[::-1]), powers(np.polynomial.Polynomial([-1.0, 2 * KNEE])).coef[::-1].copy()


def _bessel_plain(x: Any, out: Any, near: Any, far: Any, n: int, scaled: bool) -> None:
    out[...] = bessel_series(x, n, scaled)


_many = kernel(_bessel_plain)(bessel)


@serves(suits)
def _in_loops(x: Any, n: int, scaled: bool) -> Any:
    if order := memory_order(x):
        return turned_back(_bessel(x.transpose(order), n, scaled), order)
    out = np.empty(x.shape, x.dtype)
    source, target = np.ascontiguousarray(x).reshape(-1), out.reshape(-1)
    near, far = _coefficients(n)
    in_parts(_many, PIECE, (source, target), near, far, n, scaled)
    return out


_bessel = _in_loops.otherwise(bessel_series)


# --- rows -------------------------------------------------------------------------------------------------------


def _around(row: Any, x: Any, n: int) -> Any:
    """The sum of the orders before and after n, which are the same for 0."""
    return row(x, n - 1) + row(x, n + 1) if n else 2 * row(x, 1)


def _modified_x(g: Any, x: Any, n: int) -> Any:
    return g * 0.5 * _around(_modified, x, n)


@differentiable(x=_modified_x, name="modified_bessel_i", single=True)
def _modified(x: Any, n: int) -> Any:
    return _bessel(x, n, False)


def _damped_x(g: Any, x: Any, out: Any, n: int) -> Any:
    return g * (0.5 * _around(_damped, x, n) - np.sign(x) * out)


@differentiable(x=_damped_x, name="scaled_modified_bessel_i", single=True)
def _damped(x: Any, n: int) -> Any:
    return _bessel(x, n, True)


def _of_order(row: Any, n: int, name: str) -> Callable[[Any], Tensor]:
    def function(input: Any) -> Tensor:
        return row(input, n)

    function.__name__ = function.__qualname__ = name
    return function


i0, i1 = _of_order(_modified, 0, "i0"), _of_order(_modified, 1, "i1")
i0e, i1e = _of_order(_damped, 0, "i0e"), _of_order(_damped, 1, "i1e")
FAST[np.i0] = i0

__test__ = describe(
    globals(),
    """
    i0  | Modified Bessel function of the first kind, of order 0. | 0.0, 1.0 | [1.0000, 1.2661]
    i1  | Modified Bessel function of the first kind, of order 1. | 0.0, 1.0 | [0.0000, 0.5652]
    i0e | `i0` times exp(-abs(x)).                                | 0.0, 1.0 | [1.0000, 0.4658]
    i1e | `i1` times exp(-abs(x)).                                | 0.0, 1.0 | [0.0000, 0.2079]
    """,
    space="special.",
)
