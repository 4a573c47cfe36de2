"""`lgamma`, `digamma`, `trigamma`: loops for float32, by way of float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from .float64_math import log_wide, sin_wide

_STEPS = 6  # from this number on the asymptotic expansions are good to 1e-10


def near_two(x: Any) -> Any:
    """``lgamma(x) / ((x - 1) * (x - 2))`` from 1/2 to 5/2: a minimax fit, to 1e-8."""
    v = x - 1.5
    p = 0.0003842517175156 * v - 0.0005278420055204
    p = p * v - 0.0008033188354875
    p = p * v + 0.0009539857510166
    p = p * v + 0.001369738928043
    p = p * v - 0.001669610700746
    p = p * v - 1.391040626238e-05
    p = p * v - 0.0004416826798653
    p = p * v + 0.002195430645508
    p = p * v - 0.003445176376505
    p = p * v + 0.005389995984167
    p = p * v - 0.009386480252704
    p = p * v + 0.01680289362868
    p = p * v - 0.03131140425528
    p = p * v + 0.06291117366429
    p = p * v - 0.1459598330136
    return p * v + 0.483128952004


def lgamma(x: Any, out: Any) -> None:
    """Up to 9/2 by `near_two` and the recurrence, then by Stirling's series (DLMF 5.11.1), below 0 by reflection."""
    for i in range(x.size):
        v = np.float64(x[i])
        below = v < 0.0
        a = 1.0 - v if below else v
        low, high, stirling = a < 0.5, a > 2.5, a > 4.5
        y = a + 1.0 if low else a
        y = a - 2.0 if high else y
        y = np.float64(2.5) if y > 2.5 else y
        close = (y - 1.0) * (y - 2.0) * near_two(y)
        product = y * (y + 1.0)
        above = product if high else 1.0
        log = log_wide(a if low | stirling else above)
        u = 1.0 / (1.0 if low else a)
        z = u * u
        p = z * (1 / 1188) - 1 / 1680
        p = p * z + 1 / 1260
        p = p * z - 1 / 360
        p = p * z + 1 / 12
        large = (a - 0.5) * log - a + 0.9189385332046727 + p * u
        value = close + (-log if low else log)
        value = large if stirling else value
        f = v - np.floor(v + 0.5)
        left = 1.1447298858494002 - log_wide(abs(sin_wide(f))) - value
        value = left if below else value
        value = np.inf if below & (f == 0.0) else value
        out[i] = np.inf if abs(v) == np.inf else value


def digamma(x: Any, out: Any) -> None:
    """The recurrence as one fraction, then DLMF 5.11.2; below 0 by reflection."""
    for i in range(x.size):
        v = np.float64(x[i])
        y = 1.0 - v if v < 0.0 else v
        shift = y < _STEPS
        a = y if shift else 1.0
        over, under = 0.0, 1.0
        for k in range(_STEPS):
            over = over * (a + k) + under
            under *= a + k
        y = y + _STEPS if shift else y
        u = 1.0 / y
        z = u * u
        p = z * (1 / 132) - 1 / 240
        p = p * z + 1 / 252
        p = p * z - 1 / 120
        p = p * z + 1 / 12
        total = log_wide(y) - 0.5 * u - z * p - (over / under if shift else 0.0)
        f = v - np.floor(v + 0.5)
        cotangent = sin_wide(0.5 - abs(f)) / sin_wide(f)
        total = total - 3.141592653589793 * cotangent if v < 0.0 else total
        total = np.nan if (v < 0.0) & (f == 0.0) else total
        total = -1.0 / v if v == 0.0 else total
        out[i] = total


def trigamma(x: Any, out: Any) -> None:
    """As `digamma`, with DLMF 5.15.8."""
    for i in range(x.size):
        v = np.float64(x[i])
        y = 1.0 - v if v < 0.0 else v
        shift = y < _STEPS
        a = y if shift else 1.0
        over, under = 0.0, 1.0
        for k in range(_STEPS):
            square = (a + k) * (a + k)
            over = over * square + under
            under *= square
        y = y + _STEPS if shift else y
        u = 1.0 / y
        z = u * u
        p = z * (5 / 66) - 1 / 30
        p = p * z + 1 / 42
        p = p * z - 1 / 30
        p = p * z + 1 / 6
        total = u + 0.5 * z + u * z * p + (over / under if shift else 0.0)
        s = sin_wide(v - np.floor(v + 0.5))
        out[i] = 9.869604401089358 / (s * s) - total if v < 0.0 else total
