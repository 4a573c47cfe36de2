"""`sinc_slope`: the derivative of sinc in float32, by polynomials in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def sinc_slope_single(x: Any) -> Any:
    """The derivative of ``sin(pi x) / (pi x)`` at a float32, in double precision; near 0 a series, where that cancels.

    ``(cos(pi x) - sin(pi x) / (pi x)) / x``, of which ``pi x`` is taken modulo pi without rounding.
    """
    t = np.float64(x)
    n = np.floor(t + 0.5)
    z = math.pi * (t - n)
    w = z * z
    s = -7.647163731819816e-13 * w + 1.605904383682161e-10
    s = s * w - 2.505210838544172e-08
    s = s * w + 2.7557319223985893e-06
    s = s * w - 0.0001984126984126984
    s = s * w + 0.008333333333333333
    s = s * w - 0.16666666666666666
    s = (s * w + 1.0) * z
    c = 4.779477332387385e-14 * w - 1.1470745597729725e-11
    c = c * w + 2.08767569878681e-09
    c = c * w - 2.755731922398589e-07
    c = c * w + 2.48015873015873e-05
    c = c * w - 0.001388888888888889
    c = c * w + 0.041666666666666664
    c = (c * w - 0.5) * w + 1.0
    far = (c - s / (math.pi * t)) / t
    far = -far if n != 2.0 * np.floor(0.5 * n) else far
    near = -(math.pi**2 / 3) * t * (1.0 - 0.1 * w * (1.0 - w * (1 / 28)))
    return np.float32(near if abs(t) < 0.02 else far)


def sinc_slope(g: Any, x: Any, out: Any) -> None:
    for i in range(out.size):
        out[i] = g[i] * sinc_slope_single(x[i])
