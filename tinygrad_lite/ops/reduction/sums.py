"""Sums, means, variances and products along dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...dtypes import as_dtype
from ...kernels.loops.along import (
    distances_along,
    products_along,
    products_along_backward,
    running_sums,
    squares_along,
    sum_along,
)
from ...kernels.loops.pairwise_sum import FEW, SMALL, dims_of, pairwise_sum
from ...kernels.loops.row_products import product_of_others
from ...rules import differentiable, unwrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import floating_only, numpy_names, some_dims
from ..pointwise.clamp_round_where import masked
from ..shape.broadcasting import expand_to

__all__ = ["cumsum", "mean", "prod", "std", "sum", "trace", "var"]
METHODS = "cumsum mean prod std sum trace var"

_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def kept_dims(g: Any, shape: tuple[int, ...], axis: Any, keepdims: Any) -> Any:
    """What a reduction of `shape` returned, so that it broadcasts: with its reduced dimensions back, of size 1."""
    if keepdims or axis is None:
        return g
    axes = dims_of(axis, len(shape))
    return g.reshape(tuple([1 if i in axes else n for i, n in enumerate(shape)]))


def _count(shape: tuple[int, ...], axis: Any) -> int:
    if axis is None or not shape:
        return math.prod(shape)
    return shape[axis] if type(axis) is int else math.prod([shape[a] for a in dims_of(axis, len(shape))])


def _spread(g: Any, shape: tuple[int, ...], axis: Any, keepdims: Any) -> Any:
    if axis is None and not keepdims:
        return (expand_to.function if isinstance(g, (np.ndarray, np.generic)) else expand_to)(g, shape)
    return expand_to(kept_dims(g, shape, axis, keepdims), shape)


def _wide(a: Any, dtype: Any) -> Any:
    """Booleans and unsigned integers add up to int64, as all integers do in PyTorch."""
    return np.int64 if dtype is None and a.dtype.kind in "bu" else dtype


def dims_and_freedom(dim: Any, unbiased: bool | None, correction: float | None) -> tuple[Any, float]:
    """The dimensions of a variance, and what is taken from their count: ``var(x, False)`` says `unbiased`."""
    if type(dim) is bool:
        dim, unbiased = None, dim
    given = correction if unbiased is None else int(unbiased)
    return dim if dim is None else some_dims(dim), 1 if given is None else given


# --- rows -------------------------------------------------------------------------------------------------------


_sum = differentiable(
    sum_along,
    a=lambda g, a_shape, axis, keepdims: _spread(g, a_shape, axis, keepdims),
    numpy=np.sum,
    name="sum",
    single=True,
    complex=True,
)


def _mean_a(g: Any, a_shape: Any, axis: Any, keepdims: Any) -> Any:
    return _spread(g / (_count(a_shape, axis) or 1), a_shape, axis, keepdims)


@differentiable(a=_mean_a, numpy=np.mean, name="mean", single=True, complex=True)
def _mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    if a.dtype.kind not in "fc":
        floating_only(a, "mean")
    total, count = sum_along(a, axis, dtype, keepdims), _count(a.shape, axis)
    return total / count if count else total * math.nan


@distances_along.otherwise
def _centred(a: Any, axis: Any) -> Any:
    """Distances from the mean; taken twice, since what is left by the mean's rounding may be as large as they are."""
    if type(a) is not np.ndarray:
        return a - np.mean(a, axis=axis, keepdims=True)
    n = (a.size if axis is None else _count(a.shape, axis)) or math.nan
    if a.dtype is _F32 and a.size < SMALL:
        wide = a.astype(_F64)
        total = np.add.reduce(wide, None) if axis is None else np.add.reduce(wide, axis, keepdims=True)
        return (wide - total / n).astype(_F32)
    d = a - pairwise_sum(a, axis, True) / n
    rest = pairwise_sum(d, axis, True) / n
    d -= np.where(np.isfinite(rest), rest, rest.dtype.type(0))  # beside an infinity others keep their distance from it
    return d


def _complex_squares(a: Any, axis: Any, keepdims: Any) -> Any:
    """The sum of squared distances from the mean, as `squares_along` has it of real numbers."""
    d = _centred(a, axis)
    return pairwise_sum((d * np.conj(d)).real, axis, keepdims)


def _per_freedom(shape: tuple[int, ...], axis: Any, ddof: float) -> float:
    """1 / (n - ddof); without any freedom infinite, which makes NaN of the variance of one number, as in PyTorch."""
    free = (math.prod(shape) if axis is None else _count(shape, axis)) - ddof
    return 1 / free if free > 0 else math.inf


def _var_a(g: Any, a: Any, axis: Any, ddof: float, keepdims: Any) -> Any:
    each = g * (2 * _per_freedom(a.shape, axis, ddof))
    return (each if axis is None else kept_dims(each, a.shape, axis, keepdims)) * _centred(a, axis)


def _variance(a: Any, axis: Any, ddof: float, keepdims: Any) -> Any:
    squares = squares_along if a.dtype.kind != "c" else _complex_squares
    return squares(a, axis, keepdims) * _per_freedom(a.shape, axis, ddof)


@differentiable(a=_var_a, numpy=np.var, name="var", contiguous=True, single=True)
def _var(a: Any, axis: Any = None, ddof: float = 0, keepdims: Any = False) -> Any:
    return np.asarray(_variance(a, axis, ddof, keepdims), a.dtype if a.dtype.kind != "c" else a.real.dtype)


def _std_a(g: Any, a: Any, out: Any, axis: Any, ddof: float, keepdims: Any) -> Any:
    """The distances are divided by the deviation first: neither leaves the range of float32 so."""
    g, out = (kept_dims(v, a.shape, axis, keepdims) for v in (g, out))
    constant = np.equal(out, 0)  # zero where nothing varies, as in PyTorch
    each = _centred(a, axis) / np.where(constant, 1.0, out)
    return np.where(constant, 0.0, g * _per_freedom(a.shape, axis, ddof)) * each


@differentiable(a=_std_a, numpy=np.std, name="std", contiguous=True, single=True)
def _std(a: Any, axis: Any = None, ddof: float = 0, keepdims: Any = False) -> Any:
    return np.sqrt(_variance(a, axis, ddof, keepdims)).astype(a.real.dtype)


@products_along_backward.otherwise
def _prod_a(g: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    g = kept_dims(g, a.shape, axis, keepdims)
    if a.ndim == 0 or 0 in a.shape:
        return g * np.ones_like(a)
    axes = dims_of(axis, a.ndim)
    order = tuple(i for i in range(a.ndim) if i not in axes) + axes
    moved = np.transpose(a, order)
    rows = np.reshape(moved, (*moved.shape[: a.ndim - len(axes)], -1))
    others = np.reshape(product_of_others(rows), moved.shape)
    return g * np.transpose(others, tuple(order.index(i) for i in range(a.ndim)))


@differentiable(a=_prod_a, numpy=np.prod, name="prod", complex=True, contiguous=True, single=True)
@products_along.otherwise
def _prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    if dtype is None and a.dtype == np.float32 and _count(a.shape, axis) > FEW:
        with np.errstate(over="ignore"):
            return np.multiply.reduce(a, axis, np.float64, keepdims=keepdims).astype(np.float32)
    return np.multiply.reduce(a, axis=axis, dtype=_wide(a, dtype), keepdims=keepdims)


def _cumsum_a(g: Any, axis: int | None, a_shape: tuple[int, ...]) -> Any:
    if axis is None:
        return np.reshape(np.flip(_cumsum(np.flip(g))), a_shape)
    return np.flip(_cumsum(np.flip(g, axis), axis), axis)


@differentiable(a=_cumsum_a, numpy=np.cumsum, name="cumsum", complex=True, contiguous=True, single=True)
def _cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    if a.dtype.char not in "fd" or not (dtype is None or dtype == a.dtype):  # float64 equals None
        if dtype == np.float16:  # whose sums would stand still at 2048
            return np.cumsum(a, axis, np.float32).astype(dtype)
        return np.cumsum(a, axis, _wide(a, dtype))
    return running_sums(a, axis)


# --- PyTorch's face ---------------------------------------------------------------------------------------------


@numpy_names
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum over dimensions.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        Of the sum; integers and booleans add up to int64.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.sum(x), x.sum(dim=0), x.sum(axis=0, keepdims=True)
    (tensor(10.), tensor([4., 6.]), tensor([[4., 6.]]))
    """
    dim = dim if dim is None else some_dims(dim)
    return _sum.record((input, dim, dtype if dtype is None else as_dtype(dtype), keepdim))


@numpy_names
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Mean over dimensions.

    Parameters
    ----------
    input : Tensor, floating, unless `dtype` says so
    dim : int or sequence of int, optional
        Default: all.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        To which the input is cast before.

    Returns
    -------
    Tensor
        NaN where there is nothing to take the mean of.

    Raises
    ------
    TypeError
        For integers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor([[1.0, 2.0], [3.0, 5.0]]).mean(dim=1)
    tensor([1.5000, 4.0000])
    """
    return _mean.record((input if dtype is None else input.to(dtype), some_dims(dim), None, keepdim))


@numpy_names
def var(
    input: Floating,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> Tensor:
    """Variance over dimensions, divided by ``n - correction``.

    Parameters
    ----------
    input : Tensor, floating
    dim : int or sequence of int, optional
        Default: all. A bool is `unbiased`.
    unbiased : bool, optional
        An older name of ``correction=1``.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    correction : number, optional
        PyTorch's default is 1; that of ``np.var``, which works on Tensors as well, is 0.

    Returns
    -------
    Tensor
        NaN for a single number, without PyTorch's warning.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, 2.0, 3.0, 6.0])
    >>> tg.var(x), tg.var(x, correction=0)
    (tensor(4.6667), tensor(3.5000))
    """
    dim, ddof = dims_and_freedom(dim, unbiased, correction)
    return _var.record((floating_only(input, "var"), dim, ddof, keepdim))


@numpy_names
def std(
    input: Floating,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = 1,
) -> Tensor:
    """Standard deviation over dimensions, the square root of `var`; its gradient is 0 where nothing varies.

    Parameters
    ----------
    input : Tensor, floating
    dim : int or sequence of int, optional
        Default: all. A bool is `unbiased`.
    unbiased : bool, optional
        An older name of ``correction=1``.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    correction : number, optional
        PyTorch's default is 1; that of ``np.std``, which works on Tensors as well, is 0.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.std(tg.tensor([[1.0, 3.0], [2.0, 2.0]]), dim=1, correction=0)
    tensor([1., 0.])
    """
    dim, ddof = dims_and_freedom(dim, unbiased, correction)
    return _std.record((floating_only(input, "std"), dim, ddof, keepdim))


@numpy_names
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Product over dimensions; its gradient is exact where entries are zero.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all. PyTorch allows only one.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        Of the product; integers and booleans give int64.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor([[1.0, 2.0], [3.0, 4.0]]).prod(dim=0)
    tensor([3., 8.])
    """
    return _prod.record((input, some_dims(dim), dtype if dtype is None else as_dtype(dtype), keepdim))


@numpy_names
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """Cumulative sum along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    dtype : dtype, optional
        Of the sums; integers and booleans add up to int64.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cumsum(tg.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 3., 6.])
    """
    if unwrap(input).ndim == 0:
        return sum(input, dim, dtype=dtype)
    return _cumsum.record((input, some_dims(dim), dtype if dtype is None else as_dtype(dtype)))


def _trace_a(g: Any, a_shape: Any) -> Any:
    return masked(expand_to(g, a_shape), np.eye(*a_shape, dtype=np.bool_))


@differentiable(a=_trace_a, numpy=np.trace, name="trace", single=True, complex=True)
def _trace(a: Any) -> Any:
    if a.ndim != 2:
        raise RuntimeError(f"trace: the input must be a matrix, got shape {a.shape}")
    return np.add.reduce(np.diagonal(a), dtype=_wide(a, None))


def trace(input: Any) -> Tensor:
    """Sum of the diagonal.

    Parameters
    ----------
    input : Tensor, shape (M, N)

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    RuntimeError
        For other than two dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.trace(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    return _trace(input)
