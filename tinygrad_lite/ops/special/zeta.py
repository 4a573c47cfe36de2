"""Hurwitz' zeta function of real arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.arguments import refuse_numbers
from ...rules import differentiable
from ...tensors.tensor_type import Tensor
from .erf_numpy import two_in_double
from .gamma import hurwitz

__all__ = ["zeta"]
SPECIAL = __all__


@two_in_double
def zeta_series(s: Any, q: Any) -> Any:
    """Negative q are raised term by term: powers of negative numbers are real for whole `s` only."""
    out = np.full_like(q, math.nan)
    out[(s == 1) & ~np.isnan(q)] = np.inf
    defined = (s > 1) & np.isfinite(q)
    pole = defined & (q <= 0) & (q == np.floor(q))
    out[pole] = np.inf
    defined &= ~pole & ((q > 0) | (s == np.floor(s)))
    s, q = s[defined], q[defined]
    steps, near = np.maximum(np.ceil(-q), 0.0), np.zeros_like(q)
    for k in range(int(steps.max(initial=0.0))):
        near += np.where(k < steps, (q + k) ** -s, 0.0)
    out[defined] = near + hurwitz(s, q + steps)
    return out


_zeta = differentiable(zeta_series, name="zeta", promotes=("s", "q"), q=lambda g, s, q: g * (-s * zeta(s + 1, q)))


def zeta(input: Any, other: Any) -> Tensor:
    r"""Hurwitz' zeta function, :math:`\sum_k (q + k)^{-s}`; there is no gradient in `s`.

    Parameters
    ----------
    input : Tensor or number
        `s`; above 1.
    other : Tensor or number
        `q`; infinite at zero and the negative integers, and below zero defined for whole `s`.

    Returns
    -------
    Tensor, of the broadcast shape, floating

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.special.zeta(tg.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])
    """
    refuse_numbers("zeta", "one", input, other)
    return _zeta.record((input, other))
