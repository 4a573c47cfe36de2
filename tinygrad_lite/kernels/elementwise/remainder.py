"""`fmod`, `remainder`, `floor_divide`, `hypot`: loops for float32 by way of float64, as exact as NumPy's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_FAR = 536870912.0  # 2^29: up to here a quotient of two float32 is cut off rightly in float64, and exact times one


def with_sign(r: Any, x: Any) -> Any:
    """r, with the sign of x; of zeros, too."""
    size, sign = np.float32(r).view(np.int32) & np.int32(0x7FFFFFFF), np.float32(x).view(np.int32) >> np.int32(31)
    return np.int32(size | (sign << np.int32(31))).view(np.float32)


def cut(x: Any, y: Any) -> Any:
    """The remainder of float32, with the sign of x, if the quotient is not beyond `_FAR`."""
    v, w = np.float64(x), np.float64(y)
    r = np.float32(v - np.trunc(v / w) * w)
    return x if abs(v) < abs(w) else with_sign(r, x)


def floored(r: Any, y: Any) -> Any:
    """The remainder with the sign of y, given that with the sign of x."""
    moved = r + y if (r < np.float32(0)) != (y < np.float32(0)) else r
    return with_sign(r, y) if r == np.float32(0) else moved


def far(x: Any, y: Any) -> Any:
    """1 if the quotient is finite, and too large for `cut`."""
    v, w = abs(np.float64(x)), abs(np.float64(y))
    return np.int32(1) if (v >= _FAR * w) & (w > 0.0) & (v < np.inf) else np.int32(0)


def fmod(x: Any, y: Any, out: Any) -> None:
    left = np.int32(0)
    for i in range(x.size):
        out[i] = cut(x[i], y[i])
        left |= far(x[i], y[i])
    if left:
        for i in range(x.size):
            if far(x[i], y[i]):
                out[i] = np.fmod(np.float64(x[i]), np.float64(y[i]))


def remainder(x: Any, y: Any, out: Any) -> None:
    left = np.int32(0)
    for i in range(x.size):
        out[i] = floored(cut(x[i], y[i]), y[i])
        left |= far(x[i], y[i])
    if left:
        for i in range(x.size):
            if far(x[i], y[i]):
                out[i] = floored(np.float32(np.fmod(np.float64(x[i]), np.float64(y[i]))), y[i])


def fmod_number(x: Any, out: Any, y: Any) -> None:
    left = np.int32(0)
    for i in range(x.size):
        out[i] = cut(x[i], y)
        left |= far(x[i], y)
    if left:
        for i in range(x.size):
            if far(x[i], y):
                out[i] = np.fmod(np.float64(x[i]), np.float64(y))


def remainder_number(x: Any, out: Any, y: Any) -> None:
    left = np.int32(0)
    for i in range(x.size):
        out[i] = floored(cut(x[i], y), y)
        left |= far(x[i], y)
    if left:
        for i in range(x.size):
            if far(x[i], y):
                out[i] = floored(np.float32(np.fmod(np.float64(x[i]), np.float64(y))), y)


def hypot(x: Any, y: Any, out: Any) -> None:
    for i in range(x.size):
        v, w = np.float64(x[i]), np.float64(y[i])
        r = math.sqrt(v * v + w * w)
        out[i] = np.inf if (abs(v) == np.inf) | (abs(w) == np.inf) else r


def quotient(x: Any, y: Any) -> Any:
    """The largest integer not above ``x / y``."""
    v, w = np.float64(x), np.float64(y)
    q = np.float32(np.floor(v / w))
    q = (np.float32(-1) if (v < 0.0) != (w < 0.0) else np.float32(0)) if abs(v) < abs(w) and v != 0.0 else q
    return np.float32(np.nan) if (abs(v) == np.inf) & (w != 0.0) else q


def floor_divide(x: Any, y: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = quotient(x[i], y[i])


def floor_divide_number(x: Any, out: Any, y: Any) -> None:
    for i in range(x.size):
        out[i] = quotient(x[i], np.float32(y))


def floor_slope(g: Any, x: Any, y: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = -g[i] * quotient(x[i], y[i])
