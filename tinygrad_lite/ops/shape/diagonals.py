"""Diagonals, as views and as matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import views
from ...engine.arguments import FACTOR, check
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import one_dim

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "diagonal_scatter"]
METHODS = "diag diag_embed diagflat diagonal diagonal_scatter fill_diagonal_"


def _diagonal_a(g: Any, a_shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    return on_diagonal(g, a_shape, offset, axis1, axis2)


@differentiable(a=_diagonal_a, view=True, numpy=np.diagonal, name="diagonal", complex=True)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    out = a.diagonal(offset, axis1, axis2)
    out.flags.writeable = a.flags.writeable  # NumPy's is for reading only
    return out


@differentiable(
    value=lambda g, offset, axis1, axis2: _diagonal(g, offset, axis1, axis2), name="on_diagonal", complex=True
)
def on_diagonal(value: Any, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    """Zeros of a shape with `value` on a diagonal."""
    out = np.zeros(shape, value.dtype)
    _diagonal.function(out, offset, axis1, axis2)[...] = value
    return out


def _plane(ndim: int, dim1: int, dim2: int, who: str) -> tuple[int, int]:
    first, second = one_dim(dim1, ndim, who), one_dim(dim2, ndim, who)
    if first == second or ndim < 2:
        raise RuntimeError(f"{who}: dim1 and dim2 must be two different dimensions of {ndim}, got {dim1} and {dim2}")
    return first, second


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonals of two dimensions, as the last dimension (a view).

    Parameters
    ----------
    input : Tensor, at least 2 dimensions
    offset : int
        0 is the main diagonal, 1 the one above it.
    dim1, dim2 : int

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For dimensions that are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(2, 2)
    >>> x.diagonal().fill_(3.0)
    tensor([3., 3.])
    >>> x
    tensor([[3., 0.],
            [0., 3.]])
    """
    first, second = _plane(unwrap(input).ndim, dim1, dim2, "diagonal")
    return _diagonal.record((input, offset, first, second))


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension on their diagonals, and zeros elsewhere.

    Parameters
    ----------
    input : Tensor, shape (..., n)
    offset : int
        0 is the main diagonal, 1 the one above it.
    dim1, dim2 : int
        Where the two dimensions of the matrices will be.

    Returns
    -------
    Tensor
        One dimension more, of size ``n + abs(offset)``.

    Raises
    ------
    RuntimeError
        For dimensions that are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.diag_embed(tg.tensor([[1, 2], [3, 4]])).tolist()
    [[[1, 0], [0, 2]], [[3, 0], [0, 4]]]
    """
    shape = unwrap(input).shape
    if not shape:
        raise RuntimeError("diag_embed: the input must have at least 1 dimension, got shape ()")
    plane = _plane(len(shape) + 1, dim1, dim2, "diag_embed")
    rest, n = iter(shape[:-1]), shape[-1] + abs(offset)
    full = tuple([n if i in plane else next(rest) for i in range(len(shape) + 1)])
    return on_diagonal.record((input, full, offset, *plane))


def diag(input: Any, diagonal: int = 0) -> Tensor:
    """A matrix's diagonal (a copy), or the matrix with a vector on its diagonal.

    Parameters
    ----------
    input : Tensor, 1 or 2 dimensions
    diagonal : int
        0 is the main diagonal, 1 the one above it.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For another number of dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.diag(tg.tensor([1, 2])), tg.diag(tg.tensor([[1, 2], [3, 4]]), 1)
    (tensor([[1, 0],
            [0, 2]]), tensor([2]))
    """
    ndim = unwrap(input).ndim
    if ndim not in (1, 2):
        raise RuntimeError(f"diag: the input must have 1 or 2 dimensions, got shape {unwrap(input).shape}")
    return diag_embed(input, diagonal) if ndim == 1 else _diagonal.record((input, diagonal, 0, 1)).clone()


def diagflat(input: Any, offset: int = 0) -> Tensor:
    """The matrix with all elements on its diagonal.

    Parameters
    ----------
    input : Tensor
    offset : int
        0 is the main diagonal, 1 the one above it.

    Returns
    -------
    Tensor, 2 dimensions

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.diagflat(tg.tensor([[1], [2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(input.reshape(-1), offset)


def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy in which the diagonals hold other values.

    Parameters
    ----------
    input : Tensor, at least 2 dimensions
    src : Tensor
        Of the diagonal's shape.
    offset : int
        0 is the main diagonal, 1 the one above it.
    dim1, dim2 : int

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    RuntimeError
        For values of another shape.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.diagonal_scatter(tg.zeros(2, 2), tg.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    plane = _plane(unwrap(input).ndim, dim1, dim2, "diagonal_scatter")
    return placed(input, src, _diagonal, (offset, *plane), "diagonal_scatter")


def placed(input: Any, src: Any, row: Any, options: tuple[Any, ...], who: str) -> Any:
    """A copy of the input in which the view that a row makes holds other values, of just its shape."""
    shape = unwrap(row.record((wrap(unwrap(input)), *options))).shape
    if np.shape(unwrap(src)) != shape:
        raise RuntimeError(f"{who}: src must have shape {shape}, got {np.shape(unwrap(src))}")
    return views.scatter.record((input, src, ((row, options),)))


def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Tensor:
    """Set the main diagonal; of a high matrix again and again, with `wrap`."""
    check("fill_diagonal_", "fill_value", fill_value, FACTOR)
    shape = self.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise RuntimeError(f"fill_diagonal_: must have 2 dimensions, or several of one size, got shape {shape}")
    columns = shape[1]
    stop = len(shape) == 2 and shape[0] > columns + 1
    if stop and wrap:
        rows = np.arange(shape[0])
        rows = rows[rows % (columns + 1) < columns]
        self[rows, rows % (columns + 1)] = fill_value
    else:
        self[(np.arange(min(shape)),) * len(shape)] = fill_value
    return self


FAST[np.diag] = lambda v, k=0: diag(v, k)
FAST[np.diagflat] = lambda v, k=0: diagflat(v, k)
