"""`nonzero`, `argwhere`, `take`: where elements are that are not zero, and reading by place in the flattened tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np

from ...engine.errors import InputError
from ...rules import FAST, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes
from .index import index_select, within
from .index import take as _read
from .index_put import integers

__all__ = ["argwhere", "nonzero", "nonzero_static", "take", "unravel_index"]
METHODS = "argwhere nonzero nonzero_static take"


@overload
def nonzero(input: Any, *, as_tuple: Literal[False] = False) -> Tensor: ...
@overload
def nonzero(input: Any, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Indices of the elements that are not zero.

    Parameters
    ----------
    input : Tensor
    as_tuple : bool
        As one vector for each dimension, which together are an index, in place of rows.

    Returns
    -------
    Tensor, shape (count, dimensions), int64
        Or a tuple of Tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nonzero(tg.tensor([[0, 7], [8, 9]]))
    tensor([[0, 1],
            [1, 0],
            [1, 1]])
    """
    x = unwrap(input)
    return wrap(tuple(map(np.ascontiguousarray, np.nonzero(np.atleast_1d(x))))) if as_tuple else wrap(np.argwhere(x))


def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Tensor:
    """`nonzero` in a result of a given size: the first places, or filled up.

    Parameters
    ----------
    input : Tensor
    size : int
        How many places.
    fill_value : int
        What stands for those that there are not.

    Returns
    -------
    Tensor, shape (size, d), int64

    Raises
    ------
    RuntimeError
        For a negative size.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nonzero_static(tg.tensor([0, 3, 0, 5]), size=3)
    tensor([[ 1],
            [ 3],
            [-1]])
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: size must not be negative, got {size}")
    places = np.argwhere(unwrap(input))[:size].astype(np.int64)
    out = np.full((size, unwrap(input).ndim), fill_value, np.int64)
    out[: len(places)] = places
    return wrap(out)


def argwhere(input: Any) -> Tensor:
    """Indices of the elements that are not zero, as rows.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor, shape (count, dimensions), int64

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.argwhere(tg.tensor([0, 5, 7]))
    tensor([[1],
            [2]])
    """
    return nonzero(input)


def take(input: Any, index: Any) -> Tensor:
    """Elements by their places in the flattened tensor.

    Parameters
    ----------
    input : Tensor
    index : Tensor, integer
        Negative ones count from the end.

    Returns
    -------
    Tensor, of the index's shape

    Raises
    ------
    IndexError
        For places that do not exist.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.take(tg.tensor([[1, 2], [3, 4]]), tg.tensor([3, 0]))
    tensor([4, 1])
    """
    n = unwrap(input).size
    return _read.record((input.reshape(-1), within(integers(index, "take"), n, "take", -n)))


def unravel_index(indices: Any, shape: int | Sequence[int]) -> tuple[Tensor, ...]:
    """Places in a flattened tensor as an index of the tensor.

    Parameters
    ----------
    indices : Tensor, integer
    shape : int or sequence of int

    Returns
    -------
    tuple of Tensor, int64

    Raises
    ------
    ValueError
        For places that do not exist.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.unravel_index(tg.tensor([3, 4]), (2, 3))
    (tensor([1, 1]), tensor([0, 1]))
    """
    try:
        return wrap(np.unravel_index(integers(indices, "unravel_index"), sizes((shape,), "unravel_index")))
    except ValueError as error:
        raise InputError(f"unravel_index: {error}") from None


def _np_take(a: Any, indices: Any, axis: int | None = None) -> Any:
    if axis is None:
        return take(a, wrap(np.asarray(unwrap(indices))))
    i = np.asarray(unwrap(indices))
    n, axis = a.shape[axis], axis % a.ndim
    flat = index_select(a, axis, np.where(i < 0, i + n, i).reshape(-1))
    return flat.reshape(*a.shape[:axis], *i.shape, *a.shape[axis + 1 :])


def _np_nonzero(a: Any) -> Any:
    return nonzero(a, as_tuple=True)


FAST.update({np.take: _np_take, np.nonzero: _np_nonzero, np.argwhere: argwhere, np.unravel_index: unravel_index})
