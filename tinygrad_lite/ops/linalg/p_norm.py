"""`p_norm`: the p-norm over dimensions, the row that all norms are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.errors import EmptyError
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...rules import differentiable
from ..pointwise.arithmetic import abs
from ..pointwise.clamp_round_where import masked
from ..reduction.sums import kept_dims


def _p_norm_x(g: Any, x: Any, out: Any, p: float, axis: Any, keepdims: bool) -> Any:
    """PyTorch's subgradients: zero at zero, and shared by the ties of a maximum."""
    if p == 0:
        return np.zeros_like(x)
    g, out = kept_dims(g, x.shape, axis, keepdims), kept_dims(out, x.shape, axis, keepdims)
    if p == 1:
        return g * np.sign(x)
    if math.isinf(p):
        peak = np.equal(abs(x), out) | np.isnan(x)
        shared = np.where(peak, 1.0, np.zeros_like(x))
        return g * np.sign(x) * (shared / pairwise_sum(shared, axis, True))
    zero = np.equal(out, 0)
    safe = np.where(zero, 1.0, out)
    if p == 2:
        return masked(g / safe, np.logical_not(zero)) * x
    if p > 1:  # not masked at zero, where for 1 < p < 2 there is no second derivative
        return masked(g / safe ** (p - 1), np.logical_not(zero)) * (np.sign(x) * abs(x) ** (p - 1))
    at_zero = np.equal(x, 0)
    steep = np.sign(x) * np.where(at_zero, 1.0, abs(x)) ** (p - 1)
    return masked(g / safe ** (p - 1), np.logical_not(zero)) * masked(steep, np.logical_not(at_zero))


@differentiable(x=_p_norm_x, name="norm", single=True)
def p_norm(x: Any, p: float = 2, axis: Any = None, keepdims: Any = False) -> Any:
    """The p-norm over some axes, of floating point numbers."""
    if p == 2:
        return np.sqrt(pairwise_sum(x * x, axis, keepdims))
    size = np.abs(x)
    if p == 0:
        return np.add.reduce(size != 0, axis=axis, dtype=x.dtype, keepdims=keepdims)
    if p == 1:
        return pairwise_sum(size, axis, keepdims)
    if math.isinf(p):
        return (np.maximum if p > 0 else np.minimum).reduce(size, axis=axis, keepdims=keepdims)
    if p < 0 and not x.size and 0 in (x.shape if axis is None else [x.shape[d] for d in np.atleast_1d(axis)]):
        raise EmptyError(f"norm: of order {p} must be of some numbers, got shape {x.shape} and dim {axis}")
    with np.errstate(divide="ignore"):  # negative powers of zero
        return pairwise_sum(size**p, axis, keepdims) ** (1 / p)
