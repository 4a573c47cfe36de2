"""erf, erfc and erfinv: the error function, its complement and its inverse."""

from __future__ import annotations

import math

import numpy as np

from ...engine.fast_calls import elementwise
from ..argument_names import describe
from . import erf_numpy

__all__ = ["erf", "erfc", "erfinv"]
METHODS = "erf_ erfc_ erfinv_"
SPECIAL = __all__

_TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)

erf = elementwise(erf_numpy.erf, name="erf", x=lambda g, x: g * (_TWO_BY_ROOT_PI * np.exp(-x * x)))
erfc = elementwise(erf_numpy.erfc, name="erfc", x=lambda g, x: -g * (_TWO_BY_ROOT_PI * np.exp(-x * x)))
erfinv = elementwise(
    lambda x: erf_numpy.erfinv(x), name="erfinv", x=lambda g, out: g * (np.exp(out * out) / _TWO_BY_ROOT_PI)
)  # fmt: skip

__test__ = describe(
    globals(),
    """
    erfc       | 1 - erf(x), exact where it is small.                   | 0.0, 1.0           | [1.0000, 0.1573]
    erfinv     | Inverse of `erf`.                                      | 0.0, 0.5           | [0.0000, 0.4769]
    erf        | Error function, 2/sqrt(pi) int_0^x e^(-t^2) dt.        | 0.0, 1.0           | [0.0000, 0.8427]
    """,
)
