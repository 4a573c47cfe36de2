"""`erf`, `erfc`, `erfinv` and kin in plain NumPy, which has none, and without SciPy, which is not required."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.errors import DtypeError
from ...kernels.elementwise import erf as kernels
from ...kernels.elementwise import normal
from ...kernels.elementwise.float32_math import erfc_single
from ...kernels.elementwise.fused import fastest, fused, memory_order, turned_back
from ...kernels.elementwise.scalar_forms import in_loops

Table = tuple[tuple[float, ...], tuple[float, ...]]
"""A rational function: coefficients above and below the line, highest power first."""

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23, 1969, tables II to IV: erf on
# [0, 0.5], erfc on [0.46875, 4] and on [4, inf).
_SMALL: Table = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE: Table = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_LARGE: Table = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip
_INV_SQRT_PI = 5.6418958354775628695e-1

# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Appl. Statist. 37, 1988, PPND16:
# the quantile in the middle, in the tails, and far out in them.
_CENTRE: Table = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_TAIL: Table = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip
_FAR: Table = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip

# --- how they are evaluated -------------------------------------------------------------------------------------

_BLOCK = 4096  # elements whose intermediate values stay in the nearest cache


def in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """Evaluate ``function(x, *options)`` in float64 and in blocks; the result has the dtype of `x`, or float32.

    The function gets vectors, and warnings are off: at its poles it may divide by zero.
    """
    who = function.__name__.removesuffix("_series")

    @functools.wraps(function)
    def evaluate(x: Any, *options: Any) -> Any:
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise DtypeError(f"{who}: the input must hold real numbers, got {x.dtype}")
        if order := memory_order(x):
            return turned_back(evaluate(x.transpose(order), *options), order)
        source = x.reshape(-1)
        out = np.empty(x.shape, x.dtype if x.dtype.kind == "f" else np.float32)
        target = out.reshape(-1)
        with np.errstate(all="ignore"):
            for start in range(0, source.size, _BLOCK):
                block = slice(start, start + _BLOCK)
                target[block] = function(source[block].astype(np.float64), *options)
        return out

    return evaluate


def two_in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """`in_double` for functions of two arrays, which broadcast."""
    who = function.__name__.removesuffix("_series")

    @functools.wraps(function)
    def evaluate(a: Any, x: Any, *options: Any) -> Any:
        dtypes = [v.dtype for v in (a, x) if isinstance(v, (np.ndarray, np.generic)) and v.dtype.kind == "f"]
        a, x = np.asarray(a), np.asarray(x)
        if not {a.dtype.kind, x.dtype.kind} <= set("fiub"):
            raise DtypeError(f"{who}: both must hold real numbers, got {a.dtype} and {x.dtype}")
        a, x = np.broadcast_arrays(a, x)
        if order := memory_order(x):
            return turned_back(evaluate(a.transpose(order), x.transpose(order), *options), order)
        with np.errstate(all="ignore"):
            out = function(a.astype(np.float64).reshape(-1), x.astype(np.float64).reshape(-1), *options)
        return out.reshape(x.shape).astype(np.result_type(*dtypes) if dtypes else np.float32)

    return evaluate


def polynomial(coefficients: Any, x: Any) -> Any:
    """Horner's rule, highest power first."""
    p = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        p *= x
        p += c
    return p


def _ratio(table: Table, x: Any) -> Any:
    return polynomial(table[0], x) / polynomial(table[1], x)


def piecewise(x: Any, pieces: list[tuple[Any, Callable[[Any], Any]]]) -> Any:
    """``f(x)`` for the first piece ``(where, f)`` whose condition holds; NaN where none does."""
    out = np.full_like(x, math.nan)
    left = np.ones(x.shape, np.bool_)
    for where, f in pieces:
        chosen = left & where
        if chosen.any():
            out[chosen] = f(x[chosen])
            left &= ~chosen
    return out


# --- error function ---------------------------------------------------------------------------------------------


def _decay(y: Any) -> Any:
    """``exp(-y * y)``, the square split so that its rounding does not grow with it (Cody)."""
    head = np.trunc(16 * y) / 16
    return np.exp(-head * head) * np.exp(-(y - head) * (y + head))


def _erf_small(x: Any) -> Any:
    return x * _ratio(_SMALL, x * x)


def _erfc_middle(y: Any) -> Any:
    return _decay(y) * _ratio(_MIDDLE, y)


def _erfc_large(y: Any) -> Any:
    y = np.minimum(y, 30.0)  # all is zero there
    z = 1 / (y * y)
    return _decay(y) * (_INV_SQRT_PI - z * _ratio(_LARGE, z)) / y


def _erf_outer(x: Any) -> Any:
    return np.copysign(1 - _erfc_middle(np.abs(x)), x)


@in_double
def erf_series(x: Any) -> Any:
    r"""The error function, :math:`2/\sqrt\pi \int_0^x e^{-t^2} dt`, to double precision.

    Parameters
    ----------
    x : array
    """
    y = np.abs(x)
    return piecewise(x, [(y <= 0.46875, _erf_small), (y <= 6, _erf_outer), (y > 6, np.sign)])


@in_double
def erfc_series(x: Any) -> Any:
    """``1 - erf(x)``, exact to double precision also where it is small.

    Parameters
    ----------
    x : array
    """
    return piecewise(x, [
        (np.abs(x) <= 0.46875, lambda x: 1 - _erf_small(x)),
        (x < 0, lambda x: 1 - _erf_outer(np.maximum(x, -6.0))),
        (x <= 4, _erfc_middle),
        (x > 4, _erfc_large),
    ])  # fmt: skip


erf = fastest(erf_series, math.erf, kernels.erf, kernels.erf_single)
erfc = in_loops(erfc_single, single=True)(fastest(erfc_series, math.erfc, kernels.erfc, normal.erfc))


def _quantile_centre(y: Any) -> Any:
    q = 0.5 * y
    return q * _ratio(_CENTRE, 0.180625 - q * q)


def _quantile_outer(y: Any) -> Any:
    r = np.sqrt(-np.log(0.5 * (1 - np.abs(y))))
    z = piecewise(r, [(r <= 5, lambda r: _ratio(_TAIL, r - 1.6)), (r > 5, lambda r: _ratio(_FAR, r - 5))])
    return np.copysign(z, y)


@in_double
def erfcx_series(x: Any) -> Any:
    """``exp(x * x) * erfc(x)``, which neither overflows nor vanishes for large x.

    Parameters
    ----------
    x : array
    """
    return piecewise(x, [
        (np.abs(x) <= 0.46875, lambda x: np.exp(x * x) * (1 - _erf_small(x))),
        (x < 0, lambda x: 2 * np.exp(x * x) - erfcx_series(-x)),
        (x <= 4, lambda x: _ratio(_MIDDLE, x)),
        (x > 4, lambda x: (_INV_SQRT_PI - 1 / (x * x) * _ratio(_LARGE, 1 / (x * x))) / x),
    ])  # fmt: skip


@in_double
def erfcx_fall(x: Any) -> Any:
    """The derivative of `erfcx`, ``2 x erfcx(x) - 2 / sqrt(pi)``, without the difference where both are near."""
    return piecewise(x, [
        (x <= 4, lambda x: 2 * (x * erfcx_series(x) - _INV_SQRT_PI)),
        (x > 4, lambda x: -2 / (x * x) * _ratio(_LARGE, 1 / (x * x))),
    ])  # fmt: skip


def _quantile_of_tail(p: Any) -> Any:
    """For p < 0.075; far out, beyond 1e-300, too."""
    r = np.sqrt(-np.log(p))
    return -piecewise(r, [(r <= 5, lambda r: _ratio(_TAIL, r - 1.6)), (r > 5, lambda r: _ratio(_FAR, r - 5))])


@in_double
def quantile_of_normal(x: Any) -> Any:
    """Where the normal distribution has reached `x`, exact also for tiny x.

    Parameters
    ----------
    x : array
    """
    return piecewise(x, [
        (np.abs(x - 0.5) <= 0.425, lambda p: _quantile_centre(2 * p - 1)),
        ((x > 0) & (x < 0.5), _quantile_of_tail),
        ((x > 0.5) & (x < 1), lambda p: -_quantile_of_tail(1 - p)),
        (x == 0, lambda p: np.full_like(p, -np.inf)),
        (x == 1, lambda p: np.full_like(p, np.inf)),
    ])  # fmt: skip


@in_double
def erfinv_series(x: Any) -> Any:
    """The inverse of `erf`, by way of the normal distribution's quantile; infinite at -1 and 1, NaN beyond.

    Parameters
    ----------
    x : array
    """
    size = np.abs(x)
    return math.sqrt(0.5) * piecewise(x, [
        (size <= 0.85, _quantile_centre),
        (size < 1, _quantile_outer),
        (size == 1, lambda x: np.copysign(np.inf, x)),
    ])  # fmt: skip


erfcx = fused(erfcx_series, normal.erfcx)
ndtri = fused(quantile_of_normal, normal.ndtri)
erfinv = fused(erfinv_series, normal.erfinv)
