"""Special functions in plain NumPy, since NumPy has none and SciPy is not required."""

from __future__ import annotations

from typing import Any

import numpy as np

# Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23,
# 1969, tables II to IV, highest power first: erf on [0, 0.5], erfc on [0.46875, 4] and on [4, inf).
_SMALL = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip
_INV_SQRT_PI = 5.6418958354775628695e-1


def _ratio(table: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    top, bottom = table
    p, q = np.full_like(x, top[0]), np.full_like(x, bottom[0])
    for a in top[1:]:
        p = p * x + a
    for b in bottom[1:]:
        q = q * x + b
    return p / q


def erfc_positive(y: Any) -> Any:
    """The complementary error function for ``y >= 0.46875``."""
    near = np.minimum(y, 4.0)
    far = np.maximum(y, 4.0)
    z = 1 / (far * far)
    tail = (_INV_SQRT_PI - z * _ratio(_LARGE, z)) / far
    return np.exp(-y * y) * np.where(y <= 4.0, _ratio(_MIDDLE, near), tail)


def erf(x: Any) -> Any:
    r"""The error function, :math:`2/\sqrt\pi \int_0^x e^{-t^2} dt`, to double precision.

    Parameters
    ----------
    x : array, floating
    """
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(np.float32)
    y = np.abs(x)
    small = np.minimum(y, 0.5)
    centre = x * _ratio(_SMALL, small * small)
    outer = np.copysign(1 - erfc_positive(np.maximum(np.minimum(y, 30.0), 0.46875)), x)
    return np.where(y <= 0.46875, centre, np.where(np.isnan(x), x, outer))
