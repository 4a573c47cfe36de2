"""Sums, means, extremes and what is built of them, along dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..rules import TABLE, differentiable, unwrap, without_gradient, wrap

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "cumsum", "log_softmax",
    "logsumexp", "max", "mean", "min", "prod", "softmax", "std", "sum", "var",
]  # fmt: skip

Dims = int | Sequence[int] | None


class MaxResult(NamedTuple):
    """Values and indices of an extreme along a dimension."""

    values: Any
    indices: Any


def _axes(axis: Dims, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim if ndim else 0 for a in ((axis,) if isinstance(axis, int) else axis))


def _kept(g: Any, shape: tuple[int, ...], axis: Dims, keepdims: bool) -> Any:
    """A reduction's gradient with its reduced dimensions back, of size 1."""
    if keepdims or not shape:
        return g
    axes = _axes(axis, len(shape))
    return np.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def _count(shape: tuple[int, ...], axis: Dims) -> int:
    return math.prod(shape[a] for a in _axes(axis, len(shape))) if shape else 1


def _spread(g: Any, shape: tuple[int, ...], axis: Dims, keepdims: bool) -> Any:
    return expand_to(_kept(g, shape, axis, keepdims), shape)


@differentiable(a=lambda g, a_shape: g if g.shape == a_shape else unexpand(g, a_shape), numpy=np.broadcast_to, view=True)
def expand_to(a: Any, shape: tuple[int, ...]) -> Any:
    """`np.broadcast_to` without its overhead for the common cases."""
    if a.shape == shape:
        return a
    if a.ndim == 0 and isinstance(a, np.ndarray):
        return np.ndarray(shape, a.dtype, a, 0, (0,) * len(shape))
    return np.broadcast_to(a, shape)


def unexpand(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum over what broadcasting stretched."""
    from ..autograd import unbroadcast

    return unbroadcast(g, shape)


# --- sums -------------------------------------------------------------------------------------------------------------------


@differentiable(a=lambda g, a_shape, axis, keepdims: _spread(g, a_shape, axis, keepdims), numpy=np.sum, name="sum")
def _sum(a: Any, axis: Dims = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return np.add.reduce(a, axis=axis, dtype=dtype, keepdims=keepdims)


def _mean_a(g: Any, a_shape: Any, axis: Dims, keepdims: bool) -> Any:
    return _spread(g / _count(a_shape, axis) if _count(a_shape, axis) else g, a_shape, axis, keepdims)


@differentiable(a=_mean_a, numpy=np.mean, name="mean")
def _mean(a: Any, axis: Dims = None, dtype: Any = None, keepdims: bool = False) -> Any:
    if a.dtype.kind != "f" and a.dtype.kind != "c":
        raise TypeError(f"mean: the input must be floating point, got {a.dtype}")
    if a.size == 0:
        return np.add.reduce(a, axis=axis, dtype=dtype, keepdims=keepdims) * a.dtype.type(np.nan)
    return np.add.reduce(a, axis=axis, dtype=dtype, keepdims=keepdims) / a.dtype.type(_count(a.shape, axis))


def _centred(a: Any, axis: Dims) -> Any:
    return a - np.mean(a, axis=axis, keepdims=True)


def _var_a(g: Any, a: Any, axis: Dims, ddof: float, keepdims: bool) -> Any:
    free = _count(a.shape, axis) - ddof
    return _kept(g, a.shape, axis, keepdims) * (_centred(a, axis) * (2 / free if free > 0 else math.nan))


def _freedom(a: Any, axis: Dims, ddof: float) -> float:
    free = _count(a.shape, axis) - ddof
    return 1 / free if free > 0 else math.nan


@differentiable(a=_var_a, numpy=np.var, name="var")
def _var(a: Any, axis: Dims = None, ddof: float = 0, keepdims: bool = False) -> Any:
    d = _centred(a, axis)
    return np.add.reduce(d * d, axis=axis, keepdims=keepdims) * _freedom(a, axis, ddof)


def _std_a(g: Any, a: Any, out: Any, axis: Dims, ddof: float, keepdims: bool) -> Any:
    flat = np.equal(out, 0)
    half = np.where(flat, 0.0, g / (2 * np.where(flat, 1.0, out)))  # zero where nothing varies, as in PyTorch
    return _var_a(half, a, axis, ddof, keepdims)


@differentiable(a=_std_a, numpy=np.std, name="std")
def _std(a: Any, axis: Dims = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return np.sqrt(_var.function(a, axis, ddof, keepdims))


# --- products ---------------------------------------------------------------------------------------------------------------


def _others(x: Any) -> Any:
    """Along the last axis, the product of all *other* entries: no division, so zeros are no exception."""
    n = x.shape[-1]
    if n == 1:
        return np.ones_like(x)
    if n % 2:
        x = np.concatenate([x, np.ones_like(x[..., :1])], axis=-1)
    a, b = x[..., 0::2], x[..., 1::2]
    rest = _others(a * b)
    return np.reshape(np.stack([b * rest, a * rest], axis=-1), x.shape)[..., :n]


def _prod_a(g: Any, a: Any, axis: Dims, keepdims: bool) -> Any:
    if a.ndim == 0 or 0 in a.shape:
        return g * np.ones_like(a)
    axes = _axes(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    moved = np.transpose(a, rest + axes)
    others = np.reshape(_others(np.reshape(moved, (*moved.shape[: len(rest)], -1))), moved.shape)
    back = np.argsort(rest + axes)
    return _kept(g, a.shape, axis, keepdims) * np.transpose(others, tuple(int(i) for i in back))


@differentiable(a=_prod_a, numpy=np.prod, name="prod")
def _prod(a: Any, axis: Dims = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return np.multiply.reduce(a, axis=axis, dtype=dtype, keepdims=keepdims)


# --- extremes ---------------------------------------------------------------------------------------------------------------


def _extreme_a(g: Any, a: Any, out: Any, axis: Dims, keepdims: bool) -> Any:
    peak = np.equal(a, _kept(out, a.shape, axis, keepdims)) | np.isnan(a)
    shared = np.where(peak, 1.0, np.zeros_like(a))  # ties share evenly, as PyTorch's amax
    return _kept(g, a.shape, axis, keepdims) * (shared / np.sum(shared, axis=axis, keepdims=True))


@differentiable(a=_extreme_a, numpy=np.max, name="amax")
def _amax(a: Any, axis: Dims = None, keepdims: bool = False) -> Any:
    return np.maximum.reduce(a, axis=axis, keepdims=keepdims)


@differentiable(a=_extreme_a, numpy=np.min, name="amin")
def _amin(a: Any, axis: Dims = None, keepdims: bool = False) -> Any:
    return np.minimum.reduce(a, axis=axis, keepdims=keepdims)


TABLE[np.amax], TABLE[np.amin] = _amax, _amin
_argmax = without_gradient(np.argmax)
_argmin = without_gradient(np.argmin)
_all = without_gradient(np.all)
_any = without_gradient(np.any)
_count_nonzero = without_gradient(np.count_nonzero)
argsort_array = without_gradient(np.argsort)

# --- exponentials -------------------------------------------------------------------------------------------------------------


def _finite_max(x: Any, axis: Dims) -> Any:
    m = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    return m if np.isfinite(m).all() else np.where(np.isfinite(m), m, 0)


@differentiable(
    x=lambda g, x, out, axis, keepdims: (
        _kept(g, x.shape, axis, keepdims) * np.exp(x - _reachable(_kept(out, x.shape, axis, keepdims)))
    )
)
def _logsumexp(x: Any, axis: Dims = None, keepdims: bool = False) -> Any:
    m = _finite_max(x, axis)
    total = np.add.reduce(np.exp(x - m), axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        out = np.log(total) + m
    return out if keepdims else np.reshape(out, np.add.reduce(x, axis=axis).shape) if x.ndim else out


def _reachable(out: Any) -> Any:
    """-inf has no direction to grow in: its gradient is zero rather than NaN."""
    return np.where(np.equal(out, -np.inf), 0.0, out)


@differentiable(x=lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)))
def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    e /= np.add.reduce(e, axis=axis, keepdims=True)
    return e


@differentiable(x=lambda g, out, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True))
def _log_softmax(x: Any, axis: int = -1) -> Any:
    d = x - np.maximum.reduce(x, axis=axis, keepdims=True)
    d -= np.log(np.add.reduce(np.exp(d), axis=axis, keepdims=True))
    return d


@differentiable(
    a=lambda g, axis, a_shape: (
        np.flip(np.cumsum(np.flip(g, axis), axis), axis)
        if axis is not None
        else np.reshape(np.flip(np.cumsum(np.flip(g))), a_shape)
    ),
    numpy=np.cumsum,
    name="cumsum",
)
def _cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return np.cumsum(a, axis, dtype)


# --- PyTorch's face -------------------------------------------------------------------------------------------------------------


def _float(input: Any, who: str) -> Any:
    dtype = unwrap(input).dtype
    if dtype.kind not in "fc":
        raise TypeError(f"{who}: the input must be floating point, got {dtype}")
    return input


def sum(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Sum over `dim` (an int, several, or None for all).

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
    keepdim : bool
    dtype : dtype, optional
        Of the sum; integers and booleans are summed as int64.
    """
    return _sum(input, _tuple(dim), dtype, keepdim)


def _tuple(dim: Dims) -> Any:
    return dim if dim is None or isinstance(dim, int) else tuple(dim) or None


def mean(input: Any, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Mean over `dim`; floating input only."""
    return _mean(input, _tuple(dim), dtype, keepdim)


def var(input: Any, dim: Dims = None, *, correction: float = 1, keepdim: bool = False, unbiased: bool | None = None) -> Any:
    """Variance over `dim`, divided by ``n - correction``; PyTorch's default is 1 where NumPy's is 0."""
    return _var(_float(input, "var"), _tuple(dim), correction if unbiased is None else int(unbiased), keepdim)


def std(input: Any, dim: Dims = None, *, correction: float = 1, keepdim: bool = False, unbiased: bool | None = None) -> Any:
    """Standard deviation over `dim`; see `var`."""
    return _std(_float(input, "std"), _tuple(dim), correction if unbiased is None else int(unbiased), keepdim)


def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Product over `dim`; its gradient is exact at zeros."""
    return _prod(input, dim, dtype, keepdim)


def amax(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Maximum over `dim`; ties share the gradient evenly."""
    return _amax(input, _tuple(dim), keepdim)


def amin(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Minimum over `dim`; ties share the gradient evenly."""
    return _amin(input, _tuple(dim), keepdim)


def _along(input: Any, dim: int, keepdim: bool, find: Any) -> MaxResult:
    index = np.expand_dims(find(unwrap(input), dim), dim) if unwrap(input).ndim else np.zeros((), np.int64)
    values = np.take_along_axis(input, index, dim) if unwrap(input).ndim else input.clone()
    if not keepdim and unwrap(input).ndim:
        return MaxResult(np.squeeze(values, dim), wrap(np.squeeze(index, dim)))
    return MaxResult(values, wrap(index))


def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The maximum of all; with `dim` an int, ``(values, indices)`` along it; with a Tensor, `maximum`.

    With a dimension the gradient goes to the returned index; over all, ties share it.
    """
    return _max_or_min(input, dim, keepdim, _amax, np.maximum, np.argmax)


def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The minimum; see `max`."""
    return _max_or_min(input, dim, keepdim, _amin, np.minimum, np.argmin)


def _max_or_min(input: Any, dim: Any, keepdim: bool, whole: Any, pair: Any, find: Any) -> Any:
    if dim is None:
        return whole(input, None, keepdim)
    if not isinstance(dim, int):
        return pair(input, dim)
    return _along(input, dim, keepdim, find)


def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Index of the maximum, of the flattened input where `dim` is None."""
    return _argmax(input, axis=dim, keepdims=keepdim)


def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """Index of the minimum, of the flattened input where `dim` is None."""
    return _argmin(input, axis=dim, keepdims=keepdim)


def all(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether all are nonzero."""
    return _all(input, axis=_tuple(dim), keepdims=keepdim)


def any(input: Any, dim: Dims = None, keepdim: bool = False) -> Any:
    """Whether any is nonzero."""
    return _any(input, axis=_tuple(dim), keepdims=keepdim)


def count_nonzero(input: Any, dim: Dims = None) -> Any:
    """How many are nonzero."""
    return _count_nonzero(input, axis=_tuple(dim))


def logsumexp(input: Any, dim: Dims, keepdim: bool = False) -> Any:
    """``log(sum(exp(input)))`` without overflow."""
    return _logsumexp(_float(input, "logsumexp"), _tuple(dim), keepdim)


def _dim_checked(input: Any, dim: Any, who: str) -> int:
    ndim = unwrap(input).ndim
    if dim is None:
        dim = 0 if ndim in (0, 1, 3) else 1  # PyTorch's legacy choice
    if not -np.maximum(ndim, 1) <= dim < np.maximum(ndim, 1):
        raise IndexError(f"{who}: dim must be in [{-ndim}, {ndim - 1}], got {dim}")
    return int(dim)


def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    r"""Softmax, :math:`e^{x_i} / \sum_j e^{x_j}` along `dim`.

    Parameters
    ----------
    input : Tensor, floating
    dim : int
    dtype : dtype, optional
        Cast before.
    """
    dim = _dim_checked(input, dim, "softmax")
    if unwrap(input).ndim == 0:
        return softmax(input.reshape(1), 0, dtype).reshape(())
    return _softmax(_float(input if dtype is None else input.to(dtype), "softmax"), dim)


def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """Logarithm of `softmax`, computed without leaving the exponents."""
    dim = _dim_checked(input, dim, "log_softmax")
    if unwrap(input).ndim == 0:
        return log_softmax(input.reshape(1), 0, dtype).reshape(())
    return _log_softmax(_float(input if dtype is None else input.to(dtype), "log_softmax"), dim)


def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Cumulative sum along `dim`."""
    if unwrap(input).ndim == 0:
        return input.clone()
    return _cumsum(input, dim, dtype)
