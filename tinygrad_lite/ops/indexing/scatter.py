"""Scattering: ``out[index[i][j]][j] = src[i][j]`` for ``dim = 0``, replacing or reducing what meets at one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...kernels.single_precision import rounded_once
from ...promotion import held
from ...rules import differentiable, unwrap, wrap
from ..argument_names import built, numpy_names, one_dim
from ..pointwise.clamp_round_where import masked
from .index import _grid, index_sum, take, within
from .index import index_add as _add
from .index import index_put as _put
from .index_keys import spans
from .index_put import both, fitting, integers, slices

__all__ = ["index_reduce", "scatter", "scatter_add", "scatter_reduce"]
METHODS = "index_reduce_ scatter_ scatter_add_ scatter_reduce_"

# --- rows -------------------------------------------------------------------------------------------------------


def _at(ufunc: np.ufunc, a: Any, value: Any, index: Any) -> Any:
    """A copy of `a` with ``ufunc(a[index], value)`` at the index, entries named several times included."""
    out = np.array(a, order="C")  # of a number, too
    starts, width = spans(a.shape, index)
    places = starts if width == 1 else (starts[:, None] + np.arange(width)).reshape(-1)
    ufunc.at(out.reshape(-1), places, np.ascontiguousarray(value, a.dtype).reshape(-1))
    return out


def _ones(x: Any, where: Any) -> Any:
    return masked(np.ones_like(x), where)


def _times_others(g: Any, a: Any, value: Any, index: Any) -> tuple[Any, Any]:
    """Every factor's gradient is the product of the others, found by a division where none of them is zero.

    Of the zeros at a place one factor at most can be left: its value, which is zero, stands in the product, so that
    second derivatives with respect to it are right, too.
    """
    zeros, value_zeros = np.equal(a, 0), np.equal(value, 0)
    one, value_one = _ones(a, zeros), _ones(value, value_zeros)
    zero, value_zero = masked(a, zeros), masked(value, value_zeros)
    safe, value_safe = a - zero + one, value - value_zero + value_one  # where they are zero: 1, and constant
    product = times_at(safe, value_safe, index)
    count, rest = _add(one, value_one, index), _add(zero, value_zero, index)

    def others(safe: Any, one: Any, zero: Any, product: Any, count: Any, rest: Any) -> Any:
        left = count - one
        return product / safe * (np.equal(left, 0) + masked(rest - zero, np.equal(left, 1)))

    for_value = others(value_safe, value_one, value_zero, *(take(x, index) for x in (product, count, rest)))
    return g * others(safe, one, zero, product, count, rest), take(g, index) * for_value


@differentiable(joint=[(("a", "value"), _times_others)], name="scatter_prod")
def times_at(a: Any, value: Any, index: Any) -> Any:
    """A copy of `a` with ``a[index] *= value``, repeated entries included."""
    return _at(np.multiply, a, value, index)


def _to_winners(g: Any, a: Any, value: Any, out: Any, index: Any) -> tuple[Any, Any]:
    """Those equal to the extreme share its gradient."""
    won, value_won = np.equal(a, out), np.equal(value, take(out, index))
    count = _add(_ones(a, won), _ones(value, value_won), index)
    share = g / (count + _ones(a, np.equal(count, 0)))  # none where the extreme is NaN
    return masked(share, won), masked(take(share, index), value_won)


@differentiable(joint=[(("a", "value"), _to_winners)], name="scatter_extreme")
def extreme_at(a: Any, value: Any, index: Any, largest: bool) -> Any:
    """A copy of `a` in which the largest or smallest of ``a`` and the values at the index is left."""
    return _at(np.maximum if largest else np.minimum, a, value, index)


# --- reductions -------------------------------------------------------------------------------------------------


def _identity(reduce: str, dtype: Any) -> Any:
    """What leaves the other one as it is."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    sign = -1 if reduce == "amax" else 1
    if dtype.kind == "f":
        return sign * np.inf
    if dtype.kind == "b":
        return reduce == "amin"
    return getattr(np.iinfo(dtype), "min" if sign < 0 else "max")


def _reduction(reduce: str, include_self: bool, known: tuple[str, ...], who: str) -> Callable[..., Any]:
    """The out-of-place function ``(input, value, index)`` of a reduction."""
    if reduce not in known:
        raise InputError(f"{who}: reduce must be {', '.join(map(repr, known[:-1]))} or {known[-1]!r}, got {reduce!r}")

    def reduced(input: Any, value: Any, index: Any) -> Any:
        dtype = unwrap(input).dtype
        base: Any = input if include_self else _put(input, _identity(reduce, dtype), index)
        if reduce == "prod":
            return times_at(base, value, index)
        if reduce in ("amax", "amin"):
            return extreme_at(base, value, index, reduce == "amax")
        total: Any = _add(base, value, index)
        if reduce == "sum":
            return total
        ones = wrap(built(np.ones, unwrap(value).shape, np.intp))
        count: Any = index_sum(ones, unwrap(input).shape, index) + int(include_self)
        count = np.maximum(count, 1).astype(dtype)
        return total / count if dtype.kind in "fc" else total // count

    return rounded_once(reduced) if reduce == "mean" else reduced


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def _place(input: Any, dim: int, index: Any, src: Any, who: str) -> tuple[Any, Any]:
    """The places that an index along a dimension names, and the part of the source that goes there."""
    shape = unwrap(input).shape
    dim = one_dim(dim, len(shape), who)
    i = integers(index, who)
    if not i.ndim:
        i = i.reshape(1)
    if not i.size:
        i = i.reshape((0,) * len(shape))
    if i.ndim != len(shape) or any(n > m for d, (n, m) in enumerate(zip(i.shape, shape)) if d != dim):
        raise RuntimeError(f"{who}: index of shape {i.shape} must fit into {shape} in all dimensions but {dim}")
    key = _grid(within(i, shape[dim], who), dim)
    given = unwrap(src)
    if not isinstance(given, np.ndarray):
        raise TypeError(f"{who}: src must be a Tensor, got {type(src).__name__}")
    if not given.ndim:
        src, given = src.reshape(1), given.reshape(1)
    if i.size and (given.ndim != i.ndim or any(n > m for n, m in zip(i.shape, given.shape))):
        raise RuntimeError(f"{who}: src must be at least as large as the index {i.shape}, got shape {given.shape}")
    if not i.size:
        src = src.reshape(-1)[:0].reshape(i.shape)
    elif given.shape != i.shape:
        src = src[tuple([slice(n) for n in i.shape])]
    return key, fitting(src, i.shape, input, who)


@numpy_names
@both
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """``out[index[i][j]][j] = src[i][j]`` for ``dim = 0``, and so on; of several at one place the last one counts.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, integer
        As many dimensions as `input`, and no larger in those other than `dim`.
    src : Tensor or number
        A Tensor at least as large as the index, of the input's dtype.
    value : number
        The same by another name.
    reduce : "add" or "multiply", optional
        Instead of replacing. `scatter_reduce` has more of these.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For indices out of range.
    RuntimeError
        For an index or a source that does not fit.

    Notes
    -----
    Where several meet, the last one gets the gradient: PyTorch gives it to all of them.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.scatter(tg.zeros(2, 3), 1, tg.tensor([[2], [0]]), tg.tensor([[5.0], [7.0]]))
    tensor([[0., 0., 5.],
            [7., 0., 0.]])
    """
    if (src is None) == (value is None):
        raise TypeError("scatter: one of src and value must be given")
    source = value if src is None else src
    if np.ndim(unwrap(source)) == 0 and not hasattr(source, "_node"):
        dtype = unwrap(input).dtype
        source = wrap(built(np.full, np.shape(unwrap(index)), held(source, dtype, "scatter"), dtype))
    key, given = _place(input, dim, index, source, "scatter")
    if reduce is None:
        return _put, given, key
    if reduce not in ("add", "multiply"):
        raise InputError(f"scatter: reduce must be 'add' or 'multiply', got {reduce!r}")
    return (_add if reduce == "add" else times_at), given, key


@numpy_names
@both
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """``out[index[i][j]][j] += src[i][j]`` for ``dim = 0``, and so on.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, integer
        As many dimensions as `input`, and no larger in those other than `dim`.
    src : Tensor
        At least as large as the index, of the input's dtype.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For indices out of range.
    RuntimeError
        For an index or a source that does not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.scatter_add(tg.zeros(3), 0, tg.tensor([1, 1, 2]), tg.tensor([1.0, 2.0, 5.0]))
    tensor([0., 3., 5.])
    """
    key, source = _place(input, dim, index, src, "scatter_add")
    return _add, source, key


@numpy_names
@both
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """Reduce what a source has for the same place: ``out[index[i][j]][j]`` over ``src[i][j]`` for ``dim = 0``.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, integer
        As many dimensions as `input`, and no larger in those other than `dim`.
    src : Tensor
        At least as large as the index, of the input's dtype.
    reduce : "sum", "prod", "mean", "amax" or "amin"
        Of several extremes that are equal, each gets its share of the gradient.
    include_self : bool
        Whether the input's own element takes part. Where nothing is scattered to, it stays in any case.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For indices out of range.
    RuntimeError
        For an index or a source that does not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> i, x = tg.tensor([0, 0, 2]), tg.tensor([3.0, 5.0, 7.0])
    >>> tg.scatter_reduce(tg.ones(3), 0, i, x, "mean"), tg.scatter_reduce(tg.ones(3), 0, i, x, "amax")
    (tensor([3., 1., 4.]), tensor([5., 1., 7.]))
    """
    row = _reduction(reduce, include_self, ("sum", "prod", "mean", "amax", "amin"), "scatter_reduce")
    key, source = _place(input, dim, index, src, "scatter_reduce")
    return row, source, key


@numpy_names
@both
def index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """Reduce the slices that a source has for the same index along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, shape (k,), integer
    source : Tensor
        Of the input's shape, but of size k in `dim`, and of its dtype.
    reduce : "prod", "mean", "amax" or "amin"
        For sums there is `index_add`.
    include_self : bool
        Whether the input's own slice takes part. Where nothing is added, it stays in any case.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For indices out of range.
    RuntimeError
        For a source of another shape or dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.index_reduce(tg.ones(3), 0, tg.tensor([0, 0]), tg.tensor([3.0, 5.0]), "prod")
    tensor([15.,  1.,  1.])
    """
    row = _reduction(reduce, include_self, ("prod", "mean", "amax", "amin"), "index_reduce")
    key, shape = slices(input, dim, index, "index_reduce")
    return row, fitting(source, shape, input, "index_reduce"), key
