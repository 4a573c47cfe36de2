"""Error and gamma functions over arrays, by the C library's, and in float32 by a formula that vectorizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .backend import kernel


def erf_plain(x: Any, out: Any) -> None:
    """``out = erf(x)`` by series in NumPy."""
    from ..ops import special

    out[...] = special.erf_series(x)


def erfc_plain(x: Any, out: Any) -> None:
    """``out = erfc(x)`` by series in NumPy."""
    from ..ops import special

    out[...] = special.erfc_series(x)


def lgamma_plain(x: Any, out: Any) -> None:
    """``out = lgamma(x)`` by series in NumPy."""
    from ..ops import gamma

    out[...] = gamma.lgamma_series(x)


@kernel(erf_plain)
def erf(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = math.erf(x[i])


@kernel(erfc_plain)
def erfc(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = math.erfc(np.float64(x[i]))


@kernel(lgamma_plain)
def lgamma(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = math.lgamma(np.float64(x[i]))


@kernel(erf_plain)
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
