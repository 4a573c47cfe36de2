"""Exponentials normalized along a dimension: logsumexp, softmax, log_softmax."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...graph import outside
from ...kernels.loops import row_loops
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...kernels.loops.row_loops import over_rows
from ...rules import differentiable, unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import floating_only, numpy_names, one_dim, ordered_only, some_dims
from ..pointwise.exp_log_trig import inexact
from .sums import kept_dims

__all__ = ["log_softmax", "logsumexp", "softmax"]
METHODS = "log_softmax logsumexp softmax"
SPECIAL = __all__
FUNCTIONAL = "log_softmax softmax"


def _finite_max(x: Any, axis: Any) -> Any:
    m = np.maximum.reduce(np.real(x), axis=axis, keepdims=True, initial=-np.inf)
    return m if np.isfinite(m).all() else np.where(np.isfinite(m), m, 0)


def _reachable(out: Any) -> Any:
    """-inf has no direction to grow in: its gradient is zero rather than NaN."""
    return np.where(np.equal(out, -np.inf), 0.0, out)


def _logsumexp_x(g: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    total = _reachable(kept_dims(out, x.shape, axis, keepdims))
    return kept_dims(g, x.shape, axis, keepdims) * np.exp(x - total)


@differentiable(x=_logsumexp_x, name="logsumexp", contiguous=True, single=True, complex=True)
def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    x = inexact(x)
    m = _finite_max(x, axis)
    total = pairwise_sum(np.exp(x - m), axis, True)
    with np.errstate(divide="ignore"):
        out = np.log(total) + m
    return out if keepdims or not x.ndim else np.squeeze(out, axis)


_softmax = differentiable(
    over_rows(row_loops.softmax).otherwise(row_loops.softmax_along), name="softmax", contiguous=True, single=True,
    x=over_rows(row_loops.softmax_backward).otherwise(row_loops.softmax_backward_along),
)  # fmt: skip
_log_softmax = differentiable(
    over_rows(row_loops.log_softmax).otherwise(row_loops.log_softmax_along), name="log_softmax", contiguous=True,
    single=True, x=over_rows(row_loops.log_softmax_backward).otherwise(row_loops.log_softmax_backward_along),
)  # fmt: skip

# in place, of the last dimension; the second is written over the gradient of the first's result
softmax_here = row_loops.over_rows_here(row_loops.softmax_here)
softmax_slope_here = row_loops.over_rows_here(row_loops.softmax_backward_here)


@numpy_names
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """``log(sum(exp(input)))`` without overflow.

    Its gradient is 0 where all are -inf, and PyTorch's is NaN.

    Parameters
    ----------
    input : Tensor, real or complex
    dim : int or sequence of int
    keepdim : bool
        Keep the reduced dimensions, with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.logsumexp(tg.tensor([200.0, 200.0]), dim=0)
    tensor(200.6931)
    """
    return _logsumexp.record((input, some_dims(dim), keepdim))


def _prepared(input: Any, dim: Any, dtype: Any, who: str) -> tuple[Any, int]:
    input = floating_only(input if dtype is None else input.to(dtype), who)
    ordered_only(input, who)
    ndim = unwrap(input).ndim
    if dim is None:  # PyTorch's old default
        dim = 0 if ndim in (0, 1, 3) else 1
        warnings.warn(
            f"{who}: dim should be given; of {ndim} dimensions it is {dim}", UserWarning, stacklevel=outside()
        )
    return (input, one_dim(dim, ndim, who)) if ndim else (input.reshape(1), one_dim(dim, 0, who))


@numpy_names
def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Tensor:
    r"""Softmax, :math:`e^{x_i} / \sum_j e^{x_j}` along a dimension.

    Parameters
    ----------
    input : Tensor, floating, unless `dtype` is given
    dim : int, optional
        Without it, it is 0 for 0, 1 or 3 dimensions, else 1, as in PyTorch, with a UserWarning.
    dtype : dtype, optional
        To which the input is cast before.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.softmax(tg.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([0.0900, 0.2447, 0.6652])
    """
    x, axis = _prepared(input, dim, dtype, "softmax")
    out = _softmax.record((x, axis))
    return out if unwrap(input).ndim else out.reshape(())


@numpy_names
def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Logarithm of `softmax`, computed without leaving the exponents.

    Parameters
    ----------
    input : Tensor, floating, unless `dtype` is given
    dim : int, optional
        Without it, it is 0 for 0, 1 or 3 dimensions, else 1, as in PyTorch, with a UserWarning.
    dtype : dtype, optional
        To which the input is cast before.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.log_softmax(tg.tensor([0.0, -1000.0]), dim=0)
    tensor([    0., -1000.])
    """
    x, axis = _prepared(input, dim, dtype, "log_softmax")
    out = _log_softmax.record((x, axis))
    return out if unwrap(input).ndim else out.reshape(())
