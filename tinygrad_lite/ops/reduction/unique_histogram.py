"""`unique`, `bincount`, `histogram`, `searchsorted`: what there is, how often, in which bin, at which place."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, overload

import numpy as np

from ... import rules
from ...engine import views
from ...engine.errors import DtypeError, InputError
from ...engine.quiet import quietly
from ...promotion import held, like
from ...rules import FAST, unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, ordered_only
from ..indexing.index import index_select, take

__all__ = ["bincount", "bucketize", "histc", "histogram", "searchsorted", "unique", "unique_consecutive"]
METHODS = "bincount histc histogram unique unique_consecutive"


# --- what there is ----------------------------------------------------------------------------------------------


def _answer(values: Any, inverse: Any, counts: Any, return_inverse: bool, return_counts: bool) -> Any:
    extra = [wrap(a) for a, wanted in ((inverse, return_inverse), (counts, return_counts)) if wanted]
    return (values, *extra) if extra else values


def _slices(input: Any, dim: Any, who: str) -> tuple[Any, int]:
    """The slices along a dimension as rows."""
    x = unwrap(input)
    if not x.ndim:
        raise IndexError(f"{who}: the input must have a dimension for dim to name one, got a 0-d tensor and dim={dim}")
    dim = one_dim(dim, x.ndim, who)
    if 0 in x.shape[:dim] + x.shape[dim + 1 :]:
        raise RuntimeError(f"{who}: only dim {dim} may be empty, got shape {x.shape}")
    return np.moveaxis(x, dim, 0).reshape(x.shape[dim], math.prod(x.shape[:dim] + x.shape[dim + 1 :])), dim


@overload
def unique(
    input: Any,
    sorted: bool = True,
    return_inverse: Literal[False] = False,
    return_counts: Literal[False] = False,
    dim: int | None = None,
) -> Tensor: ...
@overload
def unique(
    input: Any,
    sorted: bool = True,
    *,
    return_inverse: Literal[True],
    return_counts: Literal[True],
    dim: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def unique(
    input: Any,
    sorted: bool = True,
    *,
    return_inverse: Literal[True],
    return_counts: Literal[False] = False,
    dim: int | None = None,
) -> tuple[Tensor, Tensor]: ...
@overload
def unique(
    input: Any,
    sorted: bool = True,
    *,
    return_inverse: Literal[False] = False,
    return_counts: Literal[True],
    dim: int | None = None,
) -> tuple[Tensor, Tensor]: ...
@overload
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any: ...
@numpy_names
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The values there are, or the slices along a dimension, in order. No two NaN are the same.

    The gradient goes to the first place of each; PyTorch has none.

    Parameters
    ----------
    input : Tensor
    sorted : bool
        They come sorted in any case.
    return_inverse, return_counts : bool
        Tell which one each entry is, and how often each occurs.
    dim : int, optional
        Default: of all entries.

    Returns
    -------
    Tensor, or a tuple of Tensors (values, inverse, counts), the last two as asked for

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.unique(tg.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    x = unwrap(input)
    if dim is None:
        differs = isinstance(input, rules.Tensor) and views.node_of(input) is not None
        if not differs and x.dtype.kind in "biuf":
            values, inverse, counts = _distinct(x.reshape(-1), return_inverse)
            inverse = inverse.reshape(x.shape) if return_inverse else None
            return _answer(wrap(values), inverse, counts, return_inverse, return_counts)
        _, first, inverse, counts = np.unique(x.reshape(-1), True, True, True, equal_nan=False)
        return _answer(take(input.reshape(-1), first), inverse.reshape(x.shape), counts, return_inverse, return_counts)
    rows, axis = _slices(input, dim, "unique")
    if not rows.size:
        first, inverse, counts = _all_alike(len(rows))
    else:
        _, first, inverse, counts = np.unique(rows, True, True, True, axis=0, equal_nan=False)
    return _answer(index_select(input, axis, first), inverse.reshape(-1), counts, return_inverse, return_counts)


def _distinct(x: Any, placed: bool) -> tuple[Any, Any, Any]:
    """The values of a vector in order, where each entry is among them if that is asked for, and how often each is.

    Integers that lie close together are counted, which takes a hundredth of the time of sorting them.
    """
    if x.dtype.kind in "iu" and x.size:
        low, high = int(x.min()), int(x.max())
        if high - low < 2 * x.size + 256 and high < 1 << 62:
            found = x.astype(np.intp) - low
            often = np.bincount(found)
            values = np.flatnonzero(often)
            inverse = (np.cumsum(often > 0) - 1)[found] if placed else None
            return (values + low).astype(x.dtype), inverse, often[values]
    if placed:
        values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, equal_nan=False)
        return values, inverse, counts
    ordered = np.sort(x)
    new = np.ones(x.shape, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    return ordered[starts], None, np.diff(np.append(starts, x.size))


def _all_alike(n: int) -> tuple[Any, Any, Any]:
    """First places, inverse and counts of `n` slices that hold nothing."""
    return np.arange(min(n, 1)), np.zeros(n, np.int64), np.full(min(n, 1), n)


@overload
def unique_consecutive(
    input: Any, return_inverse: Literal[False] = False, return_counts: Literal[False] = False, dim: int | None = None
) -> Tensor: ...
@overload
def unique_consecutive(
    input: Any, *, return_inverse: Literal[True], return_counts: Literal[True], dim: int | None = None
) -> tuple[Tensor, Tensor, Tensor]: ...
@overload
def unique_consecutive(
    input: Any, *, return_inverse: Literal[True], return_counts: Literal[False] = False, dim: int | None = None
) -> tuple[Tensor, Tensor]: ...
@overload
def unique_consecutive(
    input: Any, *, return_inverse: Literal[False] = False, return_counts: Literal[True], dim: int | None = None
) -> tuple[Tensor, Tensor]: ...
@overload
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any: ...
@numpy_names
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """One of each run of equal values, or of equal slices along a dimension.

    The gradient goes to the first of each run; PyTorch has none.

    Parameters
    ----------
    input : Tensor
    return_inverse, return_counts : bool
        Tell in which run each entry is, and how long each is.
    dim : int, optional
        Default: of all entries.

    Returns
    -------
    Tensor, or a tuple of Tensors (values, inverse, counts), the last two as asked for

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.unique_consecutive(tg.tensor([1, 1, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    x = unwrap(input)
    rows, axis = (x.reshape(-1, 1), 0) if dim is None else _slices(input, dim, "unique_consecutive")
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    first, inverse = np.flatnonzero(new), np.cumsum(new) - 1
    counts = np.diff(np.append(first, len(rows)))
    if dim is None:
        return _answer(take(input.reshape(-1), first), inverse.reshape(x.shape), counts, return_inverse, return_counts)
    return _answer(index_select(input, axis, first), inverse, counts, return_inverse, return_counts)


# --- how often --------------------------------------------------------------------------------------------------


@quietly
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each of the numbers 0, 1, 2, ... occurs.

    Parameters
    ----------
    input : Tensor, shape (N,), integer
        Not negative.
    weights : Tensor, shape (N,), optional
        Each counts as much; without gradient.
    minlength : int
        At least so many numbers.

    Returns
    -------
    Tensor, shape (max(input) + 1,)
        int64; float32 with weights of float32, and float64 with others.

    Raises
    ------
    RuntimeError
        For another input, or weights of another shape.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.bincount(tg.tensor([1, 2, 2]), minlength=4)
    tensor([0, 1, 2, 0])
    """
    x, w = unwrap(input), unwrap(weights)
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x < 0).any():
        text = f"bincount: the input must be a vector of integers >= 0, got {x.dtype} of shape {x.shape}"
        raise InputError(text) if x.dtype.kind in "iu" else DtypeError(text)
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength must not be negative, got {minlength}")
    if w is None:
        return wrap(np.bincount(x, minlength=minlength).astype(np.int64, copy=False))
    if w.shape != x.shape:
        raise RuntimeError(f"bincount: weights must have the input's shape {x.shape}, got {w.shape}")
    counts = np.bincount(x, w, minlength)
    return wrap(counts.astype(np.float32) if w.dtype == np.float32 else counts)


class Histogram(NamedTuple):
    """Counts, and the limits between them."""

    hist: Tensor
    bin_edges: Tensor


def _limits(x: Any, low: float, high: float, who: str) -> tuple[float, float]:
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{who}: the range must be finite, got [{low}, {high}]")
    if low > high:
        raise RuntimeError(f"{who}: max must be larger than min, got [{low}, {high}]")
    return low, high


def _counts(x: Any, bins: int, limits: tuple[float, float], who: str, weights: Any = None) -> tuple[Any, Any]:
    if x.dtype.kind != "f":
        raise DtypeError(f"{who}: the input must be floating point, got {x.dtype}")
    if bins < 1:
        raise RuntimeError(f"{who}: bins must be at least 1, got {bins}")
    flat = x.reshape(-1).astype(np.float64)
    inside = (flat >= limits[0]) & (flat <= limits[1])  # NaN is in no bin
    kept = None if weights is None else weights.reshape(-1)[inside]
    return np.histogram(flat[inside], bins, limits, weights=kept)


def histc(input: Floating, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many entries lie in each of a number of bins of equal width; those outside are not counted.

    Parameters
    ----------
    input : Tensor, floating
    bins : int
    min, max : number
        Where they are equal, the smallest and the largest entry.

    Returns
    -------
    Tensor, shape (bins,), of the input's dtype

    Raises
    ------
    RuntimeError
        For no bins, or limits that are none.
    TypeError
        For integers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.histc(tg.tensor([1.0, 2.0, 1.0, 4.0]), bins=4, min=0, max=4)
    tensor([0., 2., 1., 1.])
    """
    return wrap(_in_bins(unwrap(input), bins, min, max))


def _in_bins(x: Any, bins: int, low: float, high: float) -> Any:
    low, high = (float(held(limit, x.dtype, "histc")) for limit in (low, high))
    low, high = _limits(x, low, high, "histc")
    if low == high:
        low, high = low - 1, high + 1
    return _counts(x, bins, (low, high), "histc")[0].astype(x.dtype)


@quietly
def histogram(
    input: Floating, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False
) -> Histogram:
    """How many entries lie in each bin.

    Parameters
    ----------
    input : Tensor, floating
    bins : int or Tensor, shape (bins + 1,)
        How many of equal width, or their limits in order.
    range : pair of numbers, optional
        Of the bins. Default: the smallest and the largest entry.
    weight : Tensor, of the input's shape, optional
        Each entry counts as much; without gradient.
    density : bool
        Divide so that the integral is 1.

    Returns
    -------
    named tuple (hist, bin_edges) of Tensors, shapes (bins,) and (bins + 1,), of the input's dtype

    Raises
    ------
    RuntimeError
        For no bins, or a range that is none.
    TypeError
        For integers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> hist, edges = tg.histogram(tg.tensor([1.0, 2.0, 1.0, 4.0]), 2, range=(0.0, 4.0))
    >>> hist, edges
    (tensor([2., 2.]), tensor([0., 2., 4.]))
    """
    x, w, limits = unwrap(input), unwrap(weight), unwrap(bins)
    if w is not None and w.shape != x.shape:
        raise RuntimeError(f"histogram: weight must have the input's shape {x.shape}, got {w.shape}")
    if isinstance(bins, int):
        given = range or (0.0, 0.0)
        low, high = _limits(x, given[0], given[1], "histogram")
        if low == high:
            low, high = (low - 0.5, high + 0.5) if x.size else (0.0, 1.0)
        hist, edges = _counts(x, bins, (low, high), "histogram", w)
    else:
        if x.dtype.kind != "f":
            raise DtypeError(f"histogram: the input must be floating point, got {x.dtype}")
        edges = limits
        hist = np.histogram(x.reshape(-1), limits, weights=None if w is None else w.reshape(-1))[0]
    hist = hist.astype(np.float64)
    if density:
        hist = hist / (hist.sum() * np.diff(edges))
    return Histogram(wrap(hist.astype(x.dtype)), wrap(edges.astype(x.dtype)))


# --- at which place ---------------------------------------------------------------------------------------------


def _side(right: bool, side: str | None, who: str) -> Any:
    if side not in (None, "left", "right"):
        raise RuntimeError(f"{who}: side must be 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise RuntimeError(f"{who}: side and right must not contradict each other, got side='left' and right=True")
    return "right" if right else side or "left"


def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Tensor:  # fmt: skip
    """Where values would have to be inserted to keep an order, row by row.

    Parameters
    ----------
    sorted_sequence : Tensor, shape (N,) or (..., N)
        Each row in order.
    input : Tensor or number
        Of any shape for one row, else of shape (..., M) with the same leading dimensions.
    out_int32 : bool
        Give int32, not int64.
    right : bool
        Behind equal ones, not before them.
    side : "left" or "right", optional
        The same by name.
    sorter : Tensor, integer, of the shape of `sorted_sequence`, optional
        Indices that sort it.

    Returns
    -------
    Tensor, of the shape of `input`

    Raises
    ------
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.searchsorted(tg.tensor([1, 3, 5]), tg.tensor([3, 6]), right=True)
    tensor([2, 3])
    """
    input = input if isinstance(input, rules.Tensor) else like(input, unwrap(sorted_sequence).dtype)
    rows, values, order = unwrap(sorted_sequence), np.asarray(unwrap(input)), unwrap(sorter)
    where = _side(right, side, "searchsorted")
    ordered_only(rows, "searchsorted")
    ordered_only(values, "searchsorted")
    if order is not None and (order.shape != rows.shape or order.dtype.kind not in "iu"):
        raise RuntimeError(f"searchsorted: sorter must hold integers in shape {rows.shape}, got {order.shape}")
    if rows.ndim == 0 or (rows.ndim > 1 and (values.shape[:-1] != rows.shape[:-1] or not values.ndim)):
        raise RuntimeError(
            f"searchsorted: input must have the leading dimensions of sorted_sequence, got {values.shape} "
            f"and {rows.shape}"
        )
    return wrap(_found_in(rows, values, order, where, np.int32 if out_int32 else np.int64))


def _found_in(rows: Any, values: Any, order: Any, where: Any, dtype: Any) -> Any:
    """The places at which values would stand in rows that are in order, or put in order."""
    if order is not None:
        rows = np.take_along_axis(rows, order, -1)
    if rows.ndim == 1:
        return np.asarray(np.searchsorted(rows, values, where), dtype)
    out = np.empty(values.shape, dtype)
    for index in np.ndindex(rows.shape[:-1]):
        out[index] = np.searchsorted(rows[index], values[index], where)
    return out


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The bucket ``i`` of each value, for which ``boundaries[i-1] < value <= boundaries[i]``.

    Parameters
    ----------
    input : Tensor or number
    boundaries : Tensor, shape (N,), in order
    out_int32 : bool
        Give int32, not int64.
    right : bool
        ``boundaries[i-1] <= value < boundaries[i]`` instead.

    Returns
    -------
    Tensor, of the shape of `input`

    Raises
    ------
    RuntimeError
        For boundaries that are no vector.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.bucketize(tg.tensor([0, 1, 2]), tg.tensor([1, 2]))
    tensor([0, 0, 1])
    """
    if unwrap(boundaries).ndim != 1:
        raise RuntimeError(f"bucketize: boundaries must be a vector, got shape {unwrap(boundaries).shape}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def _np_unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None,
    *, equal_nan: bool = True,
) -> Any:  # fmt: skip
    if return_index or (equal_nan and np.isnan(unwrap(ar)).any()):
        raise NotImplementedError("np.unique with return_index, or with NaN but equal_nan=True, is for arrays")
    return unique(ar, True, return_inverse, return_counts, axis)


FAST[np.unique] = _np_unique
FAST[np.bincount] = lambda x, /, weights=None, minlength=0: bincount(x, weights, minlength)
FAST[np.searchsorted] = lambda a, v, side="left", sorter=None: searchsorted(a, v, side=side, sorter=sorter)
