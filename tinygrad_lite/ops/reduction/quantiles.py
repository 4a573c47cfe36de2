"""What stands at a place in the order: medians, quantiles, the k-th value, the most frequent one."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any, overload

import numpy as np

from ...engine.errors import InputError
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import built, floating_only, numpy_names, one_dim, ordered_only
from ..indexing.index import _take_along_axis
from ..pointwise.fused_arithmetic import lerp
from ..shape.reshape_transpose import squeeze
from .min_max import Picked
from .sort_topk import sort

__all__ = ["kthvalue", "median", "mode", "nanmedian", "nanquantile", "quantile"]
METHODS = "kthvalue median mode nanmedian nanquantile quantile"


def found_at(find: Any, x: Any, dim: int) -> Any:
    """What ``find(x)`` gives for the last axis, for another one, which stays with a size of 1."""
    return np.expand_dims(np.asarray(find(np.moveaxis(x, dim, -1)), order="C"), dim)


def _pick(input: Any, find: Any, dim: Any, keepdim: bool, who: str) -> Picked:
    """The entries at ``find(x)``, an index into the last axis of `x`, and where they are."""
    x = unwrap(input)
    dim = one_dim(dim, x.ndim, who)
    if not x.ndim:
        found_at(find, x.reshape(1), 0)
        return Picked(input.clone(), wrap(np.zeros((), np.int64)))
    if not x.shape[dim]:
        raise IndexError(f"{who}: the size of dim {dim} must not be 0, got shape {x.shape}")
    index = found_at(find, x, dim)
    values = _take_along_axis.record((input, index, dim))
    return Picked(values, wrap(index)) if keepdim else Picked(squeeze(values, dim), wrap(np.squeeze(index, dim)))


# --- medians ----------------------------------------------------------------------------------------------------


def _middle(x: Any) -> Any:
    """Where the lower median is along the last axis, or the first NaN."""
    k = (x.shape[-1] - 1) // 2
    index = np.argpartition(x, k, -1)[..., k]
    hole = np.isnan(x)
    return np.where(hole.any(-1), hole.argmax(-1), index) if hole.any() else index


def _middle_of_numbers(x: Any) -> Any:
    """The same among what is not NaN; 0 where there is nothing else."""
    hole = np.isnan(x)
    if not hole.any():
        return _middle(x)
    k = np.maximum(x.shape[-1] - np.count_nonzero(hole, -1, keepdims=True) - 1, 0) // 2
    return np.take_along_axis(np.argsort(x, -1, kind="stable"), k, -1)[..., 0]


def _at(x: Any, find: Any) -> Any:
    if not x.size:
        if x.dtype.kind != "f":
            raise RuntimeError(f"median: of nothing there is none in {x.dtype}, got shape {x.shape}")
        return np.full((), math.nan, x.dtype)
    flat = x.reshape(-1)
    return flat[find(flat)]


def _whole_a(g: Any, a: Any, out: Any) -> Any:
    middle = np.equal(a, out) | (np.isnan(a) & np.isnan(out))
    shared = np.where(middle, 1.0, np.zeros_like(a))
    return np.where(middle, g * (shared / pairwise_sum(shared)), np.zeros_like(a))  # not 0 * inf


@differentiable(a=_whole_a, name="median")
def _median(a: Any) -> Any:
    return _at(a, _middle)


@differentiable(a=_whole_a, name="nanmedian")
def _nanmedian(a: Any) -> Any:
    return _at(a, _middle_of_numbers)


@overload
def median(input: Any, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def median(input: Any, dim: int, keepdim: bool = False) -> Picked: ...
@numpy_names
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median: of an even number of entries the lower of the two in the middle, and NaN where one is NaN.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Default: the median of all, whose gradient is shared by all entries equal to it.
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    Tensor, or a named tuple ``(values, indices)`` of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.median(tg.tensor([4.0, 1.0, 2.0, 3.0]))
    tensor(2.)
    """
    ordered_only(input, "median")
    return _median(input) if dim is None else _pick(input, _middle, dim, keepdim, "median")


@overload
def nanmedian(input: Any, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def nanmedian(input: Any, dim: int, keepdim: bool = False) -> Picked: ...
@numpy_names
def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The `median` of what is not NaN.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Default: the median of all.
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    Tensor, or a named tuple ``(values, indices)`` of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nanmedian(tg.tensor([4.0, float("nan"), 2.0, 3.0]))
    tensor(3.)
    """
    ordered_only(input, "nanmedian")
    return _nanmedian(input) if dim is None else _pick(input, _middle_of_numbers, dim, keepdim, "nanmedian")


# --- a place, a frequency ---------------------------------------------------------------------------------------


def _kth(k: int, dim: int, x: Any) -> Any:
    if not 1 <= k <= x.shape[-1]:
        raise RuntimeError(f"kthvalue: k must be in [1, {x.shape[-1]}], the size of dim {dim}, got {k}")
    return np.argpartition(x, k - 1, -1)[..., k - 1]


@numpy_names
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Picked:
    """The k-th smallest entry along a dimension; NaN counts as largest.

    Parameters
    ----------
    input : Tensor
    k : int, from 1 to the size of the dimension
    dim : int
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    named tuple (values, indices) of Tensors

    Raises
    ------
    RuntimeError
        For another `k`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.kthvalue(tg.tensor([3.0, 1.0, 2.0]), 2).values
    tensor(2.)
    """
    ordered_only(input, "kthvalue")
    return _pick(input, functools.partial(_kth, operator.index(k), dim), dim, keepdim, "kthvalue")


def _most_frequent(x: Any) -> Any:
    """The last place of the smallest value among the most frequent."""
    order = np.argsort(x, -1, kind="stable")
    y = np.take_along_axis(x, order, -1)
    place = np.arange(x.shape[-1])
    new = np.concatenate([np.ones_like(y[..., :1], np.bool_), y[..., 1:] != y[..., :-1]], -1)
    length = place - np.maximum.accumulate(np.where(new, place, 0), -1)
    return np.take_along_axis(order, length.argmax(-1, keepdims=True), -1)[..., 0]


@numpy_names
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Picked:
    """The most frequent value along a dimension, the smallest of several, and the last place where it stands.

    Parameters
    ----------
    input : Tensor
    dim : int
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    named tuple (values, indices) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> values, indices = tg.mode(tg.tensor([3, 2, 2, 3, 1]))
    >>> values, indices
    (tensor(2), tensor(2))
    """
    ordered_only(input, "mode")
    return _pick(input, _most_frequent, dim, keepdim, "mode")


# --- quantiles --------------------------------------------------------------------------------------------------

_WEIGHTS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, holes: bool, who: str) -> Any:
    floating_only(input, who)
    shape, dtype = unwrap(input).shape, unwrap(input).dtype
    if interpolation not in _WEIGHTS:
        raise InputError(f"{who}: interpolation must be one of {', '.join(_WEIGHTS)}, got {interpolation!r}")
    if 0 in shape:
        raise RuntimeError(f"{who}: quantile() input tensor must be non-empty, got shape {shape}")
    q = wrap(built(np.asarray, q, dtype)) if isinstance(q, (int, float)) else q
    points = unwrap(q)
    if points.ndim > 1 or points.dtype != dtype:
        raise RuntimeError(f"{who}: q must be a number or a vector of {dtype}, got {points.dtype} of {points.shape}")
    _checked_points(q, who)
    axis = None if dim is None else one_dim(dim, len(shape), who)
    rows = input.reshape(-1) if axis is None or not shape else input.movedim(axis, -1)
    out = _between(sort(rows).values, q, interpolation, holes)  # (..., Q)
    if points.ndim:
        out = out.movedim(-1, 0)
    else:
        out = squeeze(out, -1)
    if not keepdim:
        return out
    kept = [1] * len(shape) if axis is None else [1 if i == axis else n for i, n in enumerate(shape)]
    return out.reshape([*points.shape, *kept])


def _checked_points(q: Any, who: str) -> None:
    points = unwrap(q)
    if not ((points >= 0) & (points <= 1)).all():
        raise InputError(f"{who}: q must be in [0, 1], got {points.min()} to {points.max()}")


def _last_numbers(ordered: Any) -> Any:
    """Where the last entry stands that is not NaN."""
    y = unwrap(ordered)
    return np.maximum(y.shape[-1] - np.count_nonzero(np.isnan(y), -1, keepdims=True) - 1, 0).astype(y.dtype)


def _neighbours(ordered: Any, rank: Any, holes: bool, interpolation: str) -> tuple[Any, Any, Any]:
    """The places before and after each quantile, and the one before as a number."""
    y, place = unwrap(ordered), unwrap(rank)
    place = np.broadcast_to(place, (*y.shape[:-1], place.shape[-1]))
    if not holes and np.isnan(y[..., -1]).any():
        place = np.where(np.isnan(y[..., -1:]), y.shape[-1] - 1, place)  # there is a NaN, and it stands last
    if interpolation == "nearest":
        place = np.round(place)
    floor = np.floor(place)
    return floor.astype(np.int64), np.ceil(place).astype(np.int64), floor


def _between(ordered: Any, q: Any, interpolation: str, holes: bool) -> Any:
    """Between which two entries the quantiles lie, and how near to which."""
    axis, n = unwrap(ordered).ndim - 1, unwrap(ordered).shape[-1]
    rank = q.reshape(-1) * (wrap(_last_numbers(ordered)) if holes else float(n - 1))  # (..., Q)
    before, after, floor = _neighbours(ordered, rank, holes, interpolation)
    if interpolation == "higher":
        return _take_along_axis.record((ordered, after, axis))
    lower = _take_along_axis.record((ordered, before, axis))
    if interpolation in ("lower", "nearest"):
        return lower
    upper = _take_along_axis.record((ordered, after, axis))
    return lerp(lower, upper, 0.5 if interpolation == "midpoint" else rank - wrap(floor))


@numpy_names
def quantile(
    input: Floating, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Quantiles along a dimension; NaN where an entry is NaN.

    Parameters
    ----------
    input : Tensor, floating
    q : number in [0, 1], or Tensor, shape () or (Q,), of the input's dtype
    dim : int, optional
        Default: of all entries.
    keepdim : bool
        Keep the reduced dimension, with size 1.
    interpolation : "linear", "lower", "higher", "midpoint" or "nearest"
        What is between two entries.

    Returns
    -------
    Tensor
        With a leading dimension for several `q`.

    Raises
    ------
    ValueError, RuntimeError
        For a `q` outside [0, 1] or of another dtype or shape, another interpolation, an empty input.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.quantile(tg.tensor([0.0, 1.0, 2.0, 10.0]), tg.tensor([0.25, 0.5]))
    tensor([0.7500, 1.5000])
    """
    return _quantile(input, q, dim, keepdim, interpolation, False, "quantile")


@numpy_names
def nanquantile(
    input: Floating, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The `quantile` of what is not NaN.

    Parameters
    ----------
    input : Tensor, floating
    q : number in [0, 1], or Tensor, shape () or (Q,), of the input's dtype
    dim : int, optional
        Default: of all entries.
    keepdim : bool
        Keep the reduced dimension, with size 1.
    interpolation : "linear", "lower", "higher", "midpoint" or "nearest"
        What is between two entries.

    Returns
    -------
    Tensor
        With a leading dimension for several `q`; NaN where all are NaN.

    Raises
    ------
    ValueError, RuntimeError
        For a `q` outside [0, 1] or of another dtype or shape, another interpolation, an empty input.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nanquantile(tg.tensor([0.0, float("nan"), 2.0]), 0.5)
    tensor(1.)
    """
    return _quantile(input, q, dim, keepdim, interpolation, True, "nanquantile")


# --- NumPy's, whose median is the mean of the two in the middle ---------------------------------------------------


def _np_quantile(a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    return quantile(a, q, axis, keepdims, interpolation=method)


def _np_nanquantile(a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    return nanquantile(a, q, axis, keepdims, interpolation=method)


def _np_nanmedian(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return nanquantile(a, 0.5, axis, keepdims)


def _np_median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return quantile(a, 0.5, axis, keepdims)


FAST.update({
    np.median: _np_median, np.quantile: _np_quantile, np.nanquantile: _np_nanquantile, np.nanmedian: _np_nanmedian,
})  # fmt: skip
