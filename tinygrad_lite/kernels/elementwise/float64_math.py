"""Functions of float64 by polynomials that vectorize, to 1e-10: what float32 results are rounded from."""

from __future__ import annotations

from typing import Any

import numpy as np

_ROUND = 6755399441055744.0  # 1.5 * 2^52: added to a number it leaves the nearest whole one in the low bits
_SPLIT = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)


def exp_wide(x: Any) -> Any:
    """e^x up to e^700, where it stays, and from e^-700 on, below which it is as good as 0 in float32."""
    v = -700.0 if x < -700.0 else x
    v = 700.0 if v > 700.0 else v
    shifted = v * 1.4426950408889634 + _ROUND
    r = v - (shifted - _ROUND) * 0.6931471805599453
    p = r * (1 / 362880) + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    exponent = np.float64(shifted).view(np.int64) << np.int64(52)
    return p * np.int64(exponent + np.int64(0x3FF0000000000000)).view(np.float64)


def log_wide(x: Any) -> Any:
    """log(x) of normal numbers; -inf of 0, NaN of negative ones and of NaN."""
    bits = np.float64(x).view(np.int64)
    above = bits - np.int64(_SPLIT)
    m = np.int64(bits - (above & np.int64(-0x10000000000000))).view(np.float64)  # from sqrt(1/2) to sqrt(2)
    k = ((above + np.int64(0x4000000000000000)) >> np.int64(52)) & np.int64(0xFFF)  # the exponent, and 1024
    n = np.int64(k + np.int64(0x4338000000000000)).view(np.float64) - (_ROUND + 1024.0)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    p = z * (2 / 13) + 2 / 11
    p = p * z + 2 / 9
    p = p * z + 2 / 7
    p = p * z + 2 / 5
    p = p * z + 2 / 3
    y = n * 0.6931471805599453 + (s * z * p + 2.0 * s)
    y = y if x < np.inf else x
    return np.nan if x < 0.0 else (-np.inf if x == 0.0 else y)


def sin_wide(f: Any) -> Any:
    """sin(pi f) for |f| <= 1/2."""
    t = f * 3.141592653589793
    z = t * t
    p = z * (1 / 6227020800) - 1 / 39916800
    p = p * z + 1 / 362880
    p = p * z - 1 / 5040
    p = p * z + 1 / 120
    p = p * z - 1 / 6
    return t + t * (z * p)
