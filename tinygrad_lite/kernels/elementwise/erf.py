"""`erf`, `erfc`, `lgamma`, `digamma`: loops by the C library's functions, and `erf_single`, which vectorizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def digamma_of(x: float) -> float:
    """The derivative of log Gamma: by reflection and recurrence from 10 on, and there DLMF 5.11.2."""
    total = 0.0
    if x <= 0.0:
        if x == 0.0:
            return math.copysign(math.inf, -x)
        if x == math.inf or x == -math.inf or x == math.floor(x):
            return math.nan
        total = -math.pi / math.tan(math.pi * (x - math.floor(x + 0.5)))
        x = 1.0 - x
    while x < 10.0:
        total -= 1.0 / x
        x += 1.0
    z = 1.0 / (x * x)
    p = 43867.0 / 14364.0 - 174611.0 / 6600.0 * z
    p = 1.0 / 12.0 + z * (p * z - 3617.0 / 8160.0)
    p = 1.0 / 132.0 + z * (p * z - 691.0 / 32760.0)
    p = 1.0 / 252.0 + z * (p * z - 1.0 / 240.0)
    p = 1.0 / 12.0 + z * (p * z - 1.0 / 120.0)
    return total + math.log(x) - 0.5 / x - z * p


def digamma(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = digamma_of(np.float64(x[i]))


def erf(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = math.erf(x[i])


def erfc(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = math.erfc(np.float64(x[i]))


def lgamma(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = math.lgamma(np.float64(x[i]))


def erf_single(x: Any, out: Any) -> None:
    """For float32: a rational minimax approximation of erf(x) / x in x^2, to 2e-9; beyond 4 it is 1 in float32."""
    for i in range(x.size):
        v = np.float64(x[i])
        if v > 4:
            v = np.float64(4)
        if v < -4:
            v = np.float64(-4)
        z = v * v
        p = (((((-1.320085234e-8 * z + 4.68448249e-6) * z + 3.795998682e-4) * z + 3.849670721e-3) * z + 5.431696204e-2)
             * z + 0.1852054346) * z + 1.128379169  # fmt: skip
        q = ((((6.310780433e-5 * z + 1.30756988e-3) * z + 1.546217718e-2) * z + 0.1139591157) * z + 0.4974674565) * z
        out[i] = v * p / (q + 1.0)
