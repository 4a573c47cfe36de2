"""`erfc`, `erfcx`, `erfinv`, `ndtri`, `log_ndtr`: loops for float32, by way of float64.

The coefficients are minimax fits of this library's own, good to 2e-8 or better.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .float64_math import exp_wide, log_wide


def scaled_tail(y: Any) -> Any:
    """``exp(y * y) * erfc(y)`` for y >= 0: a polynomial in (y - 4) / (y + 4), over 1 + 2 y."""
    v = 1e30 if y > 1e30 else y
    q = (v - 4.0) / (v + 4.0)
    p = -9.476236564204e-06 * q - 8.606116471862e-06
    p = p * q + 0.0001473561569946
    p = p * q - 0.0002204613140346
    p = p * q - 0.0007546817348311
    p = p * q + 0.005047292146744
    p = p * q - 0.01619935896062
    p = p * q + 0.03716145100104
    p = p * q - 0.0663298963481
    p = p * q + 0.09373408067287
    p = p * q - 0.1010391338475
    p = p * q + 0.06809694083141
    p = p * q + 0.01537965591849
    p = p * q - 0.1396211138475
    p = p * q + 1.232995118589
    return p / (1.0 + 2.0 * y)


def erfc(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = np.float64(x[i])
        y = abs(v)
        t = exp_wide(-y * y) * scaled_tail(y)
        out[i] = 2.0 - t if v < 0.0 else t


def erfcx(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = np.float64(x[i])
        t = scaled_tail(abs(v))
        out[i] = 2.0 * exp_wide(v * v) - t if v < 0.0 else t


def log_ndtr(x: Any, out: Any) -> None:
    """Below 0 by the logarithm of the scaled tail, above by that of 1 less it, with what the 1 rounds away."""
    for i in range(x.size):
        v = np.float64(x[i])
        half = 0.5 * v * v
        t = 0.5 * scaled_tail(abs(v) * 0.7071067811865476)
        above = t * exp_wide(-half)
        rest = 1.0 - above
        y = log_wide(t if v < 0.0 else rest)
        out[i] = y - half if v < 0.0 else y - ((rest - 1.0) + above) / rest


def quantile(x: Any, w: Any) -> Any:
    """The inverse of erf at x, given ``w = -log(1 - x * x)``: x times a function of w, as Giles (2010) found."""
    p = 6.25521194072e-10 * w - 2.423922645736e-08
    p = p * w + 3.827872168678e-07
    p = p * w - 2.911650252381e-06
    p = p * w + 7.240899706153e-06
    p = p * w + 3.75637331661e-05
    p = p * w - 0.0001183482806781
    p = p * w - 0.002341123665939
    p = p * w + 0.01155124482652
    p = p * w + 0.2320134348349
    p = p * w + 0.8862269300358
    s = math.sqrt(6.0 if w < 6.0 else w)
    u = 1.0 / s
    q = 32628.40013262 * u - 83473.7929486
    q = q * u + 93562.09680986
    q = q * u - 60646.50293912
    q = q * u + 25301.15627434
    q = q * u - 7156.316676593
    q = q * u + 1410.270588085
    q = q * u - 197.9479368441
    q = q * u + 21.38470680938
    q = q * u - 2.17203231367
    q = q * u + 0.003595055743858
    q = q * u + 0.9998762370084
    return x * (p if w < 6.0 else q * s)


def erfinv(x: Any, out: Any) -> None:
    for i in range(x.size):
        v = np.float64(x[i])
        y = quantile(v, -log_wide((1.0 - v) * (1.0 + v)))
        out[i] = v * np.inf if abs(v) == 1.0 else y


def ndtri(x: Any, out: Any) -> None:
    for i in range(x.size):
        p = np.float64(x[i])
        v = p + p - 1.0
        y = 1.4142135623730951 * quantile(v, -log_wide(4.0 * p * (1.0 - p)))
        out[i] = v * np.inf if (p == 0.0) | (p == 1.0) else y
