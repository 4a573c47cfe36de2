"""Order along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...rules import FAST, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, ordered_only
from ..indexing.index import _take_along_axis
from .min_max import Picked

__all__ = ["argsort", "msort", "sort", "topk"]
METHODS = "argsort msort sort topk"


def _order(x: Any, dim: int, descending: bool) -> Any:
    """Indices that sort; equal ones stay in order, NaN counts as largest, as in PyTorch."""
    if not x.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(x, dim, kind="stable")
    return x.shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), dim, kind="stable"), dim)


def _top(x: Any, k: int, dim: int, largest: bool) -> Any:
    """The first `k` indices of the order; of many entries only those that come into question are sorted."""
    n = x.shape[dim]
    if not 0 < k <= n // 8:
        return np.ascontiguousarray(_order(x, dim, largest)[(slice(None),) * dim + (slice(k),)])
    part = np.argpartition(x, n - k if largest else k - 1, dim)
    part = part[(slice(None),) * dim + (slice(n - k, None) if largest else slice(k),)]
    order = _order(np.take_along_axis(x, part, dim), dim, largest)
    return np.ascontiguousarray(np.take_along_axis(part, order, dim))


@numpy_names
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Indices that sort along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    descending : bool
    stable : bool
        Equal entries stay in order in any case.

    Returns
    -------
    Tensor, int64, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.argsort(tg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    ordered_only(input, "argsort")
    x = unwrap(input)
    return wrap(_order(x, one_dim(dim, x.ndim, "argsort"), descending))


@numpy_names
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool | None = False) -> Picked:
    """Sort along a dimension.

    Parameters
    ----------
    input : Tensor
    dim : int
    descending : bool
    stable : bool or None
        Equal entries stay in order in any case.

    Returns
    -------
    named tuple (values, indices) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> values, indices = tg.sort(tg.tensor([3.0, 1.0, 2.0]), descending=True)
    >>> values, indices
    (tensor([3., 2., 1.]), tensor([0, 2, 1]))
    """
    ordered_only(input, "sort")
    x = unwrap(input)
    dim = one_dim(dim, x.ndim, "sort")
    index = _order(x, dim, descending)
    return Picked(_take_along_axis.record((input, index, dim)) if x.ndim else input.clone(), wrap(index))


def msort(input: Any) -> Tensor:
    """The values sorted along the first dimension.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.msort(tg.tensor([[3, 1], [2, 5]]))
    tensor([[2, 1],
            [3, 5]])
    """
    return sort(input, 0).values


@numpy_names
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Picked:
    """The largest entries along a dimension.

    Parameters
    ----------
    input : Tensor
    k : int
        How many.
    dim : int
    largest : bool
        Or the smallest.
    sorted : bool
        They come sorted in any case.

    Returns
    -------
    named tuple (values, indices) of Tensors

    Raises
    ------
    ValueError
        For a `k` that the dimension does not have.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.topk(tg.tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    ordered_only(input, "topk")
    x = unwrap(input)
    dim = one_dim(dim, x.ndim, "topk")
    size = x.shape[dim] if x.ndim else 1
    if not 0 <= k <= size:
        raise InputError(f"topk: k must be in [0, {size}], the size of dim {dim}, got {k}")
    if not x.ndim:
        return Picked(input.clone(), wrap(np.zeros((), np.int64)))
    index = _top(x, k, dim, largest)
    return Picked(_take_along_axis.record((input, index, dim)), wrap(index))


def _np_sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return sort(a.reshape(-1), 0).values if axis is None else sort(a, axis).values


FAST[np.sort] = _np_sort
