"""`exp_single`, `log_single` and kin: float32 by polynomials that vectorize, in a tenth of the C library's time."""

from __future__ import annotations

from typing import Any

import numpy as np


def exp_single(x: Any) -> Any:
    """e^x of a float32, to 2 units in the last place; 0 below -87.3, infinite above 88.3, NaN for NaN.

    ``e^x = 2^n e^r`` with a whole n and ``|r| <= log(2) / 2``; the powers of 2 are made of their bits.
    """
    high = np.float32(88.37)
    y = exp_of_nonpositive(high if x > high else x)
    return np.float32(np.inf) if x > high else y


def exp_of_nonpositive(x: Any) -> Any:
    """`exp_single` of what is known not to be above 0, or by a rounding at most."""
    low = np.float32(-87.3)
    n, r = _split(low if x < low else x)
    y = (_rest(r) + np.float32(1)) * _power_of_two(n)
    return np.float32(0) if x < low else y


def expm1_single(x: Any) -> Any:
    """e^x - 1 of a float32, without cancellation; infinite above 88.3, NaN for NaN."""
    low, high = np.float32(-87.3), np.float32(88.37)
    v = low if x < low else x
    v = high if v > high else v
    n, r = _split(v)
    power = _power_of_two(n)
    y = power * _rest(r) + (power - np.float32(1))
    return np.float32(np.inf) if x > high else y


def tanh_single(x: Any) -> Any:
    """The hyperbolic tangent of a float32, without cancellation; 1 in float32 from 9.02 on."""
    ten = np.float32(10)
    v = ten if x > ten else x
    v = -ten if v < -ten else v
    e = expm1_single(v + v)
    return e / (e + np.float32(2))


def sinh_single(x: Any) -> Any:
    """The hyperbolic sine of a float32, without cancellation."""
    size = abs(x)
    q, e = _quarter_of_exp(size), expm1_single(size)
    near = np.float32(0.5) * (e + e / (e + np.float32(1)))
    y = np.float32(2) * q - np.float32(0.125) / q if size > np.float32(1) else near
    return -y if x < np.float32(0) else y


def cosh_single(x: Any) -> Any:
    """The hyperbolic cosine of a float32."""
    q = _quarter_of_exp(abs(x))
    return np.float32(2) * q + np.float32(0.125) / q


def _quarter_of_exp(x: Any) -> Any:
    """``e^x / 4`` for x from 0 on, which is finite where the hyperbolic functions are; NaN for NaN."""
    high = np.float32(90)
    n, r = _split(high if x > high else x)
    return (_rest(r) + np.float32(1)) * _power_of_two(n - np.float32(2))


def atan2_single(y: Any, x: Any) -> Any:
    """The angle of the point (x, y) in float32: the arctangent of a number from 0 to 1, and an octant."""
    wide, tall = abs(x), abs(y)
    large, small = (tall, wide) if tall > wide else (wide, tall)
    q = small / large
    q = np.float32(0) if large == np.float32(0) else q
    q = np.float32(1) if small == np.float32(np.inf) else q
    upper = q > np.float32(0.41421356)  # tan(pi / 8), above which pi / 4 is taken off
    v = (q - np.float32(1)) / (q + np.float32(1)) if upper else q
    z = v * v
    p = np.float32(8.05374449538e-2) * z - np.float32(1.38776856032e-1)
    p = p * z + np.float32(1.99777106478e-1)
    p = p * z - np.float32(3.33329491539e-1)
    t = p * z * v + v
    t = np.float32(0.78539816) + t if upper else t
    t = np.float32(1.57079633) - t if tall > wide else t
    t = np.float32(3.14159265) - t if np.float32(x).view(np.int32) < np.int32(0) else t
    t = -t if np.float32(y).view(np.int32) < np.int32(0) else t
    return x + y if (x != x) | (y != y) else t


def log1p_single(x: Any) -> Any:
    """log(1 + x) of a float32, without cancellation; -inf at -1, NaN below."""
    u = np.float32(1) + x
    n, m = _exponent(u)
    share = _power_of_two(np.float32(0) if n > np.float32(60) else -n)
    rest = x * share + (share - np.float32(1))  # (1 + x) / 2^n - 1, rounded once
    y = _log_of_near_one(m - np.float32(1) if n > np.float32(60) else rest, n)
    y = u if u == np.float32(np.inf) else y
    y = np.float32(-np.inf) if u == np.float32(0) else y
    return y if u >= np.float32(0) else np.float32(np.nan)


def log_single(x: Any) -> Any:
    """log(x) of a float32; -inf at 0, NaN below."""
    tiny = x < np.float32(1.1754944e-38)
    v = x * np.float32(8388608) if tiny else x
    n, m = _exponent(v)
    y = _log_of_near_one(m - np.float32(1), n - np.float32(23) if tiny else n)
    y = x if x == np.float32(np.inf) else y
    y = np.float32(-np.inf) if x == np.float32(0) else y
    return y if x >= np.float32(0) else np.float32(np.nan)


def logaddexp_single(x: Any, y: Any) -> Any:
    """log(e^x + e^y) of two float32."""
    d = np.float32(0) if x == y else abs(x - y)  # of two infinities, too
    return (x if x > y else y) + _log1p_of_share(exp_of_nonpositive(-d))


def softplus_single(x: Any) -> Any:
    """log(1 + e^x) of a float32, without overflow."""
    return (x if x > np.float32(0) else np.float32(0)) + _log1p_of_share(exp_of_nonpositive(-abs(x)))


def _log1p_of_share(e: Any) -> Any:
    """log(1 + e) for e from 0 to 1: 2 atanh(e / (2 + e)), as a series; the exponent need not be looked at."""
    s = e / (np.float32(2) + e)
    z = s * s
    p = np.float32(1 / 13) * z + np.float32(1 / 11)
    p = p * z + np.float32(1 / 9)
    p = p * z + np.float32(1 / 7)
    p = p * z + np.float32(1 / 5)
    p = p * z + np.float32(1 / 3)
    return np.float32(2) * (s + s * (z * p))


def bell_single(x: Any) -> Any:
    """``exp(-x^2)`` of a float32."""
    return exp_of_nonpositive(-(x * x))


def erfc_single(x: Any) -> Any:
    """1 - erf(x) of a float32: ``exp(-x^2)`` times a polynomial in ``t = 1 / (1 + 0.43 |x|)``, a fit to 1e-7."""
    t = np.float32(1) / (np.float32(1) + np.float32(0.43) * abs(x))
    p = np.float32(0.0737118099) * t - np.float32(0.310390607)
    p = p * t + np.float32(0.383737473)
    p = p * t - np.float32(0.0857572508)
    p = p * t + np.float32(0.246862508)
    p = p * t + np.float32(0.204945124)
    p = p * t + np.float32(0.244376494)
    p = p * t + np.float32(0.242514532)
    tail = p * t * bell_single(x)
    return np.float32(2) - tail if x < np.float32(0) else tail


def _exponent(u: Any) -> Any:
    """The n for which ``u / 2^n`` lies between sqrt(1/2) and sqrt(2), and that quotient."""
    bits = np.float32(u).view(np.int32)
    above = np.int32(np.int32(bits - np.int32(0x3F3504F3)) & np.int32(-0x800000))
    return np.float32(np.int32(above >> np.int32(23))), np.int32(bits - above).view(np.float32)


def _log_of_near_one(f: Any, n: Any) -> Any:
    """``log(1 + f) + n log(2)``, the first as 2 atanh(f / (2 + f)), a series; log(2) in two parts."""
    s = f / (np.float32(2) + f)
    z = s * s
    p = np.float32(1 / 9) * z + np.float32(1 / 7)
    p = p * z + np.float32(1 / 5)
    p = p * z + np.float32(1 / 3)
    s = s + s
    return (n * np.float32(-2.12194440e-4) + s * (z * p)) + s + n * np.float32(0.693359375)


def _split(v: Any) -> Any:
    """The whole n and the r of ``e^v = 2^n e^r``."""
    n = np.floor(v * np.float32(1.44269504) + np.float32(0.5))
    return n, v - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)  # log(2) in two parts


def _rest(r: Any) -> Any:
    """``e^r - 1``."""
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(0.5)
    return p * r * r + r


def _power_of_two(n: Any) -> Any:
    return np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
