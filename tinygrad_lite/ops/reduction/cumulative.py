"""Running products, extremes and sums of exponentials along a dimension; differences and areas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...dtypes import as_dtype, get_default_dtype
from ...engine.errors import ArgumentError
from ...kernels.loops import running_sum as loops
from ...kernels.loops.pairwise_sum import FEW
from ...kernels.loops.take_along import running_extreme
from ...kernels.single_precision import rounded_once
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, ordered_only
from ..indexing.index import _take_along_axis
from ..pointwise.comparison import logical_xor
from ..pointwise.exp_log_trig import floating, logaddexp
from ..shape.cat_pad import cat
from .min_max import Picked
from .softmax import _reachable
from .sums import _wide, cumsum

__all__ = ["cummax", "cummin", "cumprod", "cumulative_trapezoid", "diff", "logcumsumexp", "trapezoid", "trapz"]
METHODS = "cummax cummin cumprod diff logcumsumexp"


# --- rows, along the last axis ----------------------------------------------------------------------------------


def _back(x: Any) -> Any:
    return np.flip(x, -1)


def _delayed(x: Any, first: float) -> Any:
    """Each entry's predecessor."""
    return np.concatenate([np.full_like(x[..., :1], first), x[..., :-1]], axis=-1)


def _recurrence_bc(g: Any, c: Any, out: Any) -> Any:
    d = _back(recurrence(_back(g), _delayed(_back(c), 0.0)))
    return d, d * _delayed(out, 0.0)


@differentiable(joint=[(("b", "c"), _recurrence_bc)], complex=True, single=True)
def recurrence(b: Any, c: Any) -> Any:
    """``s[k] = b[k] + c[k] * s[k-1]`` along the last axis; the first `c` plays no part."""
    out = np.empty(b.shape, b.dtype)
    if out.size:
        n = b.shape[-1]
        rows = (np.ascontiguousarray(a, b.dtype).reshape(-1, n) for a in (b, c))
        loops.recurrence.run(*rows, out.reshape(-1, n))
    return out


def _cumprod_x(g: Any, x: Any, out: Any) -> Any:
    """What comes before an entry times what comes behind it: no division, so zeros are no exception."""
    return _delayed(out, 1.0) * _back(recurrence(_back(g), _delayed(_back(x), 0.0)))


@differentiable(x=_cumprod_x, name="cumprod", single=True, complex=True)
def _cumprod(x: Any, dtype: Any = None) -> Any:
    if x.dtype in (np.float32, np.float64) and (dtype is None or dtype == x.dtype) and x.size:
        out = np.empty(x.shape, x.dtype)
        n = x.shape[-1]
        loops.running_product(np.ascontiguousarray(x).reshape(-1, n), out.reshape(-1, n))
        return out
    return np.cumprod(x, -1, _wide(x, dtype))


def _logcumsumexp_x(g: Any, x: Any, out: Any) -> Any:
    """With exponents of differences that are not positive: nothing overflows."""
    later = _reachable(out)
    decay = np.exp(out[..., :-1] - later[..., 1:])
    decay = np.concatenate([np.zeros_like(x[..., :1]), _back(decay)], axis=-1)
    return np.exp(x - later) * _back(recurrence(_back(g), decay))


def _logcumsumexp_complex(x: Any) -> Any:
    """Term by term, each result from the one before."""
    out = x[..., :1]
    parts = [out]
    for i in range(1, x.shape[-1]):
        out = logaddexp(out, x[..., i : i + 1])
        parts.append(out)
    return np.concatenate(parts, -1)


@differentiable(x=_logcumsumexp_x, name="logcumsumexp", single=True, complex=_logcumsumexp_complex)
def _logcumsumexp(x: Any) -> Any:
    if x.dtype.kind == "c":
        nothing = np.isneginf(x.real) & ~np.isnan(x)  # exp(x) is 0, which has no phase
        return _logcumsumexp_complex(np.where(nothing, -np.inf, x).astype(x.dtype))
    x = floating(x)
    wide = x.astype(np.float64) if x.shape[-1] > FEW else x
    return np.logaddexp.accumulate(wide, -1).astype(x.dtype, copy=False)


def _along(row: Callable[..., Any], input: Any, dim: Any, who: str) -> Any:
    """A row that works along the last axis, along another one."""
    ndim = unwrap(input).ndim
    dim = one_dim(dim, ndim, who)
    if not ndim:
        return row(input.reshape(1)).reshape(())
    out = row(input) if dim == ndim - 1 else row(input.transpose(dim, -1)).transpose(dim, -1)
    return out.contiguous()  # as PyTorch's


# --- PyTorch's face ---------------------------------------------------------------------------------------------


@numpy_names
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """Cumulative product along a dimension; its gradient is exact where entries are zero.

    Parameters
    ----------
    input : Tensor
    dim : int
    dtype : dtype, optional
        Of the products; integers and booleans give int64.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cumprod(tg.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 2., 6.])
    """
    target = dtype if dtype is None else as_dtype(dtype)
    return _along(lambda x: _cumprod.record((x, target)), input, dim, "cumprod")


@numpy_names
def logcumsumexp(input: Floating, dim: int) -> Tensor:
    """``log(cumsum(exp(input)))`` without overflow.

    Parameters
    ----------
    input : Tensor, floating
    dim : int

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.logcumsumexp(tg.tensor([0.0, 0.0, 1000.0]), dim=0)
    tensor([0.0000e+00, 6.9315e-01, 1.0000e+03])
    """
    return _along(_logcumsumexp, input, dim, "logcumsumexp")


def extremes_at(x: Any, largest: bool, dim: int) -> Any:
    """Where the largest or smallest so far is, the last of several."""
    index = np.empty(x.shape, np.int64)
    if x.size:
        shape = math.prod(x.shape[:dim]), x.shape[dim], math.prod(x.shape[dim + 1 :])
        running_extreme.run(np.ascontiguousarray(x).reshape(shape), largest, index.reshape(shape))
    return index


def _cumulative(input: Any, dim: Any, largest: bool, who: str) -> Picked:
    x = unwrap(input)
    dim = one_dim(dim, x.ndim, who)
    if not x.ndim:
        return Picked(input.clone(), wrap(np.zeros((), np.int64)))
    index = extremes_at(x, largest, dim)
    return Picked(_take_along_axis.record((input, index, dim)), wrap(index))


@numpy_names
def cummax(input: Any, dim: int) -> Picked:
    """Cumulative maximum along a dimension, and where it is: the last of several.

    Parameters
    ----------
    input : Tensor
    dim : int

    Returns
    -------
    named tuple (values, indices) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cummax(tg.tensor([1.0, 3.0, 2.0]), dim=0).values
    tensor([1., 3., 3.])
    """
    ordered_only(input, "cummax")
    return _cumulative(input, dim, True, "cummax")


@numpy_names
def cummin(input: Any, dim: int) -> Picked:
    """Cumulative minimum along a dimension, and where it is: the last of several.

    Parameters
    ----------
    input : Tensor
    dim : int

    Returns
    -------
    named tuple (values, indices) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cummin(tg.tensor([2.0, 3.0, 1.0]), dim=0).indices
    tensor([0, 0, 2])
    """
    ordered_only(input, "cummin")
    return _cumulative(input, dim, False, "cummin")


# --- neighbours -------------------------------------------------------------------------------------------------


def _neighbours(x: Any, dim: int) -> tuple[Any, Any]:
    n = max(unwrap(x).shape[dim], 1)  # of none there are none
    return x.narrow(dim, 0, n - 1), x.narrow(dim, min(1, unwrap(x).shape[dim]), n - 1)


@numpy_names
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along a dimension, n times; of booleans, whether they differ.

    Parameters
    ----------
    input : Tensor, at least one dimension
    n : int
    dim : int
    prepend, append : Tensor, optional
        Joined to the input before.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For a 0-d input, or a negative `n`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.diff(tg.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    ndim = unwrap(input).ndim
    if not ndim or n < 0:
        raise RuntimeError(
            f"diff: the input must have a dimension and n must not be negative, got {ndim} and {n} "
            "(diff expects input to be at least one-dimensional)"
        )
    dim = one_dim(dim, ndim, "diff")
    if not n:  # nothing is joined, either
        same: Any = np.copy(input)
        return same
    parts = [part for part in (prepend, input, append) if part is not None]
    if (other := next((part for part in parts if unwrap(part).ndim != ndim), None)) is not None:
        raise RuntimeError(
            f"diff: prepend and append must have the input's {ndim} dimensions, got shape {unwrap(other).shape} "
            "(diff expects prepend or append to be the same dimension as input)"
        )
    shapes = [unwrap(part).shape for part in parts]
    if len({shape[:dim] + shape[dim % ndim + 1 :] for shape in shapes}) > 1:
        raise RuntimeError(
            f"diff: prepend and append must have the input's sizes but for dimension {dim}, got {shapes} "
            "(diff expects the shape of tensor to prepend or append to match that of input)"
        )
    x = cat(parts, dim) if len(parts) > 1 else input
    for _ in range(min(n, unwrap(x).shape[dim])):
        if not unwrap(x).shape[dim]:
            break
        before, after = _neighbours(x, dim)
        x = logical_xor(after, before) if unwrap(x).dtype == np.bool_ else after - before
    return x


def _areas(y: Any, x: Any, dx: Any, dim: int, who: str) -> Any:
    """The trapezoids between neighbours."""
    if x is not None and dx is not None:
        raise ArgumentError(f"{who}: x or dx must be given, not both, got {x} and {dx}")
    y = y if unwrap(y).dtype.kind in "fc" else y.to(get_default_dtype())
    before, after = _neighbours(y, dim)
    mean = (before + after) * 0.5
    if x is None:
        return mean if dx is None else mean * dx
    if x.ndim == 1:
        x = x.reshape([-1 if i == dim else 1 for i in range(y.ndim)])
    if x.shape[dim % y.ndim - y.ndim] != y.shape[dim]:
        raise RuntimeError(f"{who}: x must have a point for each of y's {y.shape[dim]}, got shape {x.shape}")
    x = x if unwrap(x).dtype.kind in "fc" else x.to(y.dtype)  # differences of unsigned points may be negative
    return mean * diff(x, dim=dim % y.ndim - y.ndim)


@numpy_names
@rounded_once
def trapezoid(y: Any, x: Any = None, dx: Any = None, dim: int = -1) -> Tensor:
    """Area under a curve by the trapezoidal rule.

    Parameters
    ----------
    y : Tensor
        Integers become floats first, so that nothing wraps around; PyTorch's small integers do.
    x : Tensor, optional
        The points where `y` was taken.
    dx : number, optional
        Their distance where there is no `x`; 1 by default.
    dim : int

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For both `x` and `dx`, or an `x` that does not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.trapezoid(tg.tensor([1.0, 2.0, 3.0]), dx=0.5)
    tensor(2.)
    """
    dim = one_dim(dim, unwrap(y).ndim, "trapezoid")
    return _areas(y, x, dx, dim, "trapezoid").sum(dim)


trapz = trapezoid


@numpy_names
@rounded_once
def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = None, dim: int = -1) -> Tensor:
    """Areas under a curve up to each point but the first, by the trapezoidal rule.

    Parameters
    ----------
    y : Tensor
    x : Tensor, optional
        The points where `y` was taken.
    dx : number, optional
        Their distance where there is no `x`; 1 by default.
    dim : int

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For both `x` and `dx`, or an `x` that does not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cumulative_trapezoid(tg.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    dim = one_dim(dim, unwrap(y).ndim, "cumulative_trapezoid")
    return cumsum(_areas(y, x, dx, dim, "cumulative_trapezoid"), dim)


def _np_cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return cumprod(a.reshape(-1) if axis is None else a, 0 if axis is None else axis, dtype=dtype)


def _np_diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return diff(a, n, axis, prepend, append)


FAST.update({np.cumprod: _np_cumprod, np.diff: _np_diff})
if hasattr(np, "trapezoid"):
    FAST[np.trapezoid] = lambda y, x=None, dx=1.0, axis=-1: trapezoid(y, x, dx=dx if x is None else None, dim=axis)
