"""`bessel`: a loop for modified Bessel functions of whole order in float32, by way of float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernel import LARGE
from .float64_math import exp_wide

NEAR, FAR = 17, 13  # terms of the series up to the knee, and of the polynomial beyond it
KNEE = 8.0


def suits(x: Any, order: int, scaled: bool) -> bool:
    """What the loop serves: large arrays of float32, and orders to 2."""
    return order <= 2 and type(x) is np.ndarray and x.dtype == np.float32 and x.size >= LARGE


def bessel(x: Any, out: Any, near: Any, far: Any, order: int, scaled: bool) -> None:
    """``out = I_n(x)``, times ``exp(-|x|)`` if it is to be `scaled`.

    Parameters
    ----------
    x : array, shape (N,), float32
    out : array, shape (N,), float32
        Written.
    near : array, shape (NEAR,), float64
        Coefficients of ``I_n(y) / y^n`` in y^2 up to the knee, highest power first.
    far : array, shape (FAR,), float64
        Those of ``exp(-y) I_n(y) sqrt(y)`` in 1 / y beyond it.
    order : int
    scaled : bool
    """
    for i in range(x.size):
        v = np.float64(x[i])
        y = abs(v)
        low = KNEE if y > KNEE else y
        z = low * low
        p = near[0]
        for k in range(1, NEAR):
            p = p * z + near[k]
        p = p * (low if order >= 1 else 1.0) * (low if order >= 2 else 1.0)
        u = 1.0 / (KNEE if y < KNEE else y)
        q = far[0]
        for k in range(1, FAR):
            q = q * u + far[k]
        q = q * math.sqrt(u)
        if scaled:
            value = p * exp_wide(-low) if y <= KNEE else q
        else:
            value = p if y <= KNEE else q * exp_wide(y)
            value = y if y == np.inf else value
        value = v if v != v else value
        out[i] = -value if (order == 1) & (v < 0.0) else value
