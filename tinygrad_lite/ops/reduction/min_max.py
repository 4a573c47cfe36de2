"""Largest and smallest along dimensions, and questions about all entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, overload

import numpy as np

from ...kernels.loops.pairwise_sum import pairwise_sum
from ...rules import FAST, TABLE, differentiable, unwrap, without_gradient, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, ordered_only, other_names, some_dims
from ..indexing.index import _take_along_axis
from ..pointwise.clamp_round_where import masked, masked_of, maximum, minimum
from ..shape.reshape_transpose import squeeze
from .sums import kept_dims

__all__ = ["all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "max", "min"]
METHODS = "all amax amin aminmax any argmax argmin count_nonzero max min"


class Picked(NamedTuple):
    """Values found along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


class Extremes(NamedTuple):
    """The smallest and the largest."""

    min: Tensor
    max: Tensor


def _extreme_a(g: Any, a: Any, out: Any, axis: Any, keepdims: Any) -> Any:
    if type(g) is np.ndarray:
        return _extreme_array(g, a, out, axis, keepdims)
    peak = np.equal(a, kept_dims(out, a.shape, axis, keepdims)) | np.isnan(a)
    ties = pairwise_sum(np.where(peak, 1.0, np.zeros_like(a)), axis, True)  # they share evenly, as in PyTorch
    return np.where(peak, kept_dims(g, a.shape, axis, keepdims) / ties, np.zeros_like(a))


def _extreme_array(g: Any, a: Any, out: Any, axis: Any, keepdims: Any) -> Any:
    """`_extreme_a` of plain arrays, in fewer passes."""
    peak = np.equal(a, kept_dims(out, a.shape, axis, keepdims))
    if (out != out).any() if out.ndim else out != out:  # NaN
        peak |= np.isnan(a)
    if axis is None:
        share = g / int(np.count_nonzero(peak))  # int: a NumPy integer would widen it
        return masked_of(np.asarray(share), peak)  # not 0 * inf
    shares = np.add.reduce(peak, axis, g.dtype, keepdims=True)
    return masked(np.broadcast_to(kept_dims(g, a.shape, axis, keepdims) / shares, a.shape), peak)


@differentiable(a=_extreme_a, numpy=np.max, name="amax", contiguous=True, single=True, complex=True)
def _amax(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.maximum.reduce(a, axis, keepdims=keepdims)


@differentiable(a=_extreme_a, numpy=np.min, name="amin", contiguous=True, single=True, complex=True)
def _amin(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return np.minimum.reduce(a, axis, keepdims=keepdims)


TABLE[np.amax], TABLE[np.amin] = _amax, _amin
_argmax, _argmin = without_gradient(np.argmax), without_gradient(np.argmin)
_all, _any = without_gradient(np.all), without_gradient(np.any)
argsort_array = without_gradient(np.argsort)


# --- PyTorch's face ---------------------------------------------------------------------------------------------


@numpy_names
def amax(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Maximum over dimensions; ties share the gradient evenly.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all.
    keepdim : bool
        Keep the reduced dimensions, with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.amax(tg.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([5., 7.])
    """
    ordered_only(input, "amax")
    return _amax.record((input, some_dims(dim), keepdim))


@numpy_names
def amin(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Minimum over dimensions; ties share the gradient evenly.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all.
    keepdim : bool
        Keep the reduced dimensions, with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.amin(tg.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    ordered_only(input, "amin")
    return _amin.record((input, some_dims(dim), keepdim))


@numpy_names
def aminmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Extremes:
    """Minimum and maximum along a dimension; ties share the gradient evenly.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Default: of all.
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    named tuple (min, max) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.aminmax(tg.tensor([3.0, 1.0, 2.0]))
    Extremes(min=tensor(1.), max=tensor(3.))
    """
    ordered_only(input, "aminmax")
    if dim is not None:
        dim = one_dim(dim, unwrap(input).ndim, "aminmax")
    return Extremes(amin(input, dim, keepdim), amax(input, dim, keepdim))


def place_of(x: Any, dim: int, find: Callable[..., Any]) -> Any:
    """Where along a dimension what is looked for is, with the dimension kept."""
    return find(x, dim)[(slice(None),) * dim + (None,)]


def _choose(
    input: Any, dim: Any, keepdim: bool, whole: Any, pair: Callable[..., Any], find: Callable[..., Any], who: str
) -> Any:
    if dim is None:
        return whole.record((input, None, keepdim))
    if not hasattr(dim, "__index__") or hasattr(dim, "_data"):
        if isinstance(dim, (tuple, list)):
            raise TypeError(f"{who}: dim must be one integer, got {dim}; a{who} takes several")
        return pair(input, dim)
    x = unwrap(input)
    dim = one_dim(dim, x.ndim, who)
    if not x.ndim:
        return Picked(input.clone(), wrap(np.zeros((), np.int64)))
    if not x.shape[dim]:
        raise IndexError(f"{who}: the size of dim {dim} must not be 0, got shape {x.shape}")
    index = place_of(x, dim, find)
    values = _take_along_axis.record((input, index, dim))
    return Picked(values, wrap(index)) if keepdim else Picked(squeeze(values, dim), wrap(np.squeeze(index, dim)))


@overload
def max(input: Any, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def max(input: Any, dim: int, keepdim: bool = False) -> Picked: ...
@overload
def max(input: Any, dim: Tensor) -> Tensor: ...
@numpy_names
@other_names(other="dim")
def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The maximum of all; with a dimension, the maxima along it and their indices; with a Tensor, `maximum`.

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        Along a dimension the gradient goes to the one index returned; over all, ties share it.
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    Tensor, or a named tuple ``(values, indices)`` of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> x.max()
    tensor(7.)
    >>> values, indices = x.max(dim=1)
    >>> values, indices
    (tensor([5., 7.]), tensor([1, 0]))
    """
    ordered_only(input, "max")
    return _choose(input, dim, keepdim, _amax, maximum, np.argmax, "max")


@overload
def min(input: Any, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def min(input: Any, dim: int, keepdim: bool = False) -> Picked: ...
@overload
def min(input: Any, dim: Tensor) -> Tensor: ...
@numpy_names
@other_names(other="dim")
def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The minimum of all; with a dimension, the minima along it and their indices; with a Tensor, `minimum`.

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        Along a dimension the gradient goes to the one index returned; over all, ties share it.
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    Tensor, or a named tuple ``(values, indices)`` of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor([[1.0, 5.0], [7.0, 2.0]]).min(dim=1).values
    tensor([1., 2.])
    """
    ordered_only(input, "min")
    return _choose(input, dim, keepdim, _amin, minimum, np.argmin, "min")


@numpy_names
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the maximum along a dimension; the first of several, and the first NaN where there is one.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Default: the index counts through all entries.
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    Tensor, int64

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> tg.argmax(x), tg.argmax(x, dim=1)
    (tensor(2), tensor([1, 0]))
    """
    ordered_only(input, "argmax")
    return _argmax(input, axis=dim, keepdims=keepdim)


@numpy_names
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the minimum along a dimension; the first of several, and the first NaN where there is one.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Default: the index counts through all entries.
    keepdim : bool
        Keep the reduced dimension, with size 1.

    Returns
    -------
    Tensor, int64

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.argmin(tg.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([0, 1])
    """
    ordered_only(input, "argmin")
    return _argmin(input, axis=dim, keepdims=keepdim)


def _truth(reduce: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    """Of bytes 0 and 1 in bytes, as PyTorch, whose masks they once were. No dimensions are none here, and not all."""
    none = isinstance(dim, (tuple, list)) and not dim
    out = reduce(input, axis=() if none else some_dims(dim), keepdims=keepdim)
    return (out.byte() if unwrap(input).dtype == np.uint8 else out).contiguous()


@numpy_names
def all(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether all entries are nonzero.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all. An empty sequence: none, every entry is asked for itself.
    keepdim : bool
        Keep the reduced dimensions, with size 1.

    Returns
    -------
    Tensor, bool; of bytes uint8

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.all(tg.tensor([[1, 0], [2, 3]]), dim=1)
    tensor([False,  True])
    """
    return _truth(_all, input, dim, keepdim)


@numpy_names
def any(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any entry is nonzero.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all. An empty sequence: none, every entry is asked for itself.
    keepdim : bool
        Keep the reduced dimensions, with size 1.

    Returns
    -------
    Tensor, bool; of bytes uint8

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.any(tg.tensor([[1, 0], [0, 0]]), dim=1)
    tensor([ True, False])
    """
    return _truth(_any, input, dim, keepdim)


@numpy_names
def count_nonzero(input: Any, dim: Any = None, *more: int) -> Tensor:
    """How many entries are nonzero.

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Default: all.
    *more : int
        Further ones.

    Returns
    -------
    Tensor, int64

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.count_nonzero(tg.tensor([[1, 0], [2, 3]]), dim=1)
    tensor([1, 2])
    """
    return wrap(_nonzeros(unwrap(input), some_dims((dim, *more) if more else dim)))


def _nonzeros(x: Any, dims: Any) -> Any:
    return np.asarray(np.count_nonzero(x, axis=dims), np.int64, order="C")  # NumPy 2.0 gives an int


FAST[np.count_nonzero] = lambda a, axis=None: count_nonzero(a, axis)
