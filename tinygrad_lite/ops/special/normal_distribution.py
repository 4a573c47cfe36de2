r"""The normal distribution's functions, and two of information.

:math:`\Phi(x) = \mathrm{erfc}(-x / \sqrt 2) / 2` is exact in the lower tail, where 1 - erf is not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.arguments import refuse_numbers
from ...engine.fast_calls import elementwise
from ...kernels.elementwise import normal as kernels
from ...kernels.elementwise.fused import fused
from ...tensors.row_types import Unary
from ...tensors.tensor_type import Tensor
from ..argument_names import describe
from ..pointwise.clamp_round_where import masked
from ..pointwise.exp_log_trig import _beside, floating
from ..special.erf import erfc
from . import erf_numpy as erf
from .erf_numpy import erfc_series, erfcx_series, in_double

__all__ = ["entr", "erfcx", "log_ndtr", "ndtr", "ndtri", "xlog1py"]
SPECIAL = __all__

_ROOT_HALF, _ROOT_PI, _ROOT_2PI = math.sqrt(0.5), math.sqrt(math.pi), math.sqrt(2 * math.pi)

erfcx: Unary = elementwise(lambda x: erf.erfcx(x), name="erfcx", x=lambda g, x: g * _erfcx_fall(x))
_erfcx_fall: Unary = elementwise(
    lambda x: erf.erfcx_fall(x), name="erfcx_fall", x=lambda g, x, out: g * (2 * erfcx(x) + 2 * x * out)
)  # fmt: skip


def ndtr(input: Any) -> Tensor:
    return 0.5 * erfc(input * -_ROOT_HALF)


@in_double
def log_ndtr_series(x: Any) -> Any:
    low = np.minimum(x, 0.0)
    below = np.log(0.5 * erfcx_series(-low * _ROOT_HALF)) - 0.5 * low * low
    return np.where(x < 0, below, np.log1p(-0.5 * erfc_series(np.maximum(x, 0.0) * _ROOT_HALF)))


def _hazard(g: Any, x: Any) -> Any:
    """The density over what lies below, each side by a formula whose parts stay numbers there."""
    below = np.less(x, 0)
    above = np.where(below, 0.0, x)  # not np.maximum, whose slope at 0 is a half
    right = np.exp(-0.5 * above * above) / (_ROOT_2PI * ndtr(above))
    left = (2 / _ROOT_2PI) / erfcx(masked(x, below) * -_ROOT_HALF)
    return g * np.where(below, left, right)


log_ndtr: Unary = elementwise(fused(log_ndtr_series, kernels.log_ndtr), name="log_ndtr", x=_hazard)
ndtri: Unary = elementwise(
    lambda x: erf.ndtri(x), name="ndtri", x=lambda g, out: g * (_ROOT_2PI * np.exp(0.5 * (out * out)))
)  # fmt: skip


def _entr(x: Any) -> Any:
    x = floating(x)
    with np.errstate(all="ignore"):
        return np.where(x == 0, -x, np.where(x < 0, x.dtype.type(-np.inf), -x * np.log(x)))


entr: Unary = elementwise(_entr, name="entr", x=lambda g, x: -g * (1 + np.log(x)))


def _xlog1py(x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        return x * np.log1p(np.where(np.equal(x, 0) & ~np.isnan(y), 0.0, y))


def _xlog1py_x(g: Any, x: Any, y: Any) -> Any:
    slanted = np.not_equal(x, 0) | np.greater(y, -1) | np.isnan(y)
    return masked(g * np.log1p(np.where(slanted, y, 0.0)), slanted)


_xlog1py_op = elementwise(_xlog1py, name="xlog1py", x=_xlog1py_x, y=lambda g, x, y: g * x / (1 + y))


def xlog1py(input: Any, other: Any) -> Tensor:
    """``input * log1p(other)``, zero where `input` is zero, whatever `other` is, NaN aside.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast

    Returns
    -------
    Tensor, of the broadcast shape, floating

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.special.xlog1py(tg.tensor([0.0, 2.0]), tg.tensor([-1.0, 0.5]))
    tensor([0.0000, 0.8109])
    """
    refuse_numbers("xlog1py", "one", input, other)
    return _xlog1py_op(_beside(input, other), _beside(other, input))


__test__ = describe(
    globals(),
    """
    entr     | Entropy -x log(x); minus infinity where x is negative.       | 0.0, 0.5   | [-0.0000,  0.3466]
    erfcx    | erfc(x) exp(x^2), a number where `erfc` is zero.             | 0.0, 100.0 | [1.0000, 0.0056]
    ndtr     | Normal distribution function, the area below x.              | 0.0, 1.0   | [0.5000, 0.8413]
    ndtri    | Quantile of the normal distribution, the inverse of `ndtr`.  | 0.5, 0.975 | [0.0000, 1.9600]
    log_ndtr | Logarithm of `ndtr`, exact where that is zero in the tail.   | 0.0, -40.0 | [-6.9315e-01, -8.0461e+02]
    """,
    space="special.",
)
