"""`gradient`, `vander`: numerical derivatives, and Vandermonde's matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...promotion import meet
from ...rules import FAST, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import built, numpy_names, one_dim
from ..shape.cat_pad import cat

__all__ = ["gradient", "vander"]
LINALG = "vander=powers"


def _uniform(f: Any, h: float, edge_order: int) -> Any:
    """Along the last axis."""
    inner = (f[..., 2:] - f[..., :-2]) / (2 * h)
    if edge_order == 1:
        first, last = (f[..., 1:2] - f[..., :1]) / h, (f[..., -1:] - f[..., -2:-1]) / h
    else:
        first = (-1.5 * f[..., :1] + 2 * f[..., 1:2] - 0.5 * f[..., 2:3]) / h
        last = (1.5 * f[..., -1:] - 2 * f[..., -2:-1] + 0.5 * f[..., -3:-2]) / h
    return cat([first, inner, last], -1)


def _between(f: Any, x: Any, edge_order: int) -> Any:
    """At places `x`: the slopes of the parabolas through each three neighbours."""
    h = x[1:] - x[:-1]
    slope = (f[..., 1:] - f[..., :-1]) / h
    a, b = h[:-1], h[1:]
    inner = (b * slope[..., :-1] + a * slope[..., 1:]) / (a + b)
    first, last = slope[..., :1], slope[..., -1:]
    if edge_order == 2:
        first = first + (first - slope[..., 1:2]) * (h[0] / (h[0] + h[1]))
        last = last + (last - slope[..., -2:-1]) * (h[-1] / (h[-1] + h[-2]))
    return cat([first, inner, last], -1)


def _spacings(spacing: Any, dims: Sequence[int], shape: tuple[int, ...]) -> list[Any]:
    """A number or places for each dimension."""
    if spacing is None:
        spacing = 1
    if isinstance(spacing, (bool, int, float, complex)) or (hasattr(spacing, "ndim") and unwrap(spacing).ndim == 0):
        return [spacing] * len(dims)
    given = list(spacing)
    if len(given) != len(dims):
        raise RuntimeError(f"gradient: expected spacing to be a number or one entry per dimension, got "
                           f"{len(given)} for {len(dims)} dimensions")  # fmt: skip
    for h, d in zip(given, dims):
        size = np.shape(unwrap(h))
        if size not in ((), (shape[d],)):
            raise RuntimeError(f"gradient: spacing of dimension {d} must be a number or {shape[d]} places, got {size}")
    return given


@numpy_names
def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Slopes along dimensions, estimated by differences; exact for parabolas, at the edges if `edge_order` is 2.

    Parameters
    ----------
    input : Tensor
        Integers and booleans are taken as floats.
    spacing : number, or sequence of numbers or of Tensors, optional
        The distance of neighbours, in all dimensions or in each; or, as a tensor, their places.
    dim : int or sequence of int, optional
        Default: all.
    edge_order : {1, 2}
        How many differences an edge is estimated from.

    Returns
    -------
    tuple of Tensors, one per dimension, of the input's shape

    Raises
    ------
    RuntimeError
        For fewer than ``edge_order + 1`` entries along a dimension.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.gradient(tg.tensor([0.0, 1.0, 4.0, 9.0]), edge_order=2)
    (tensor([0., 2., 4., 6.]),)
    """
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order must be 1 or 2, got {edge_order!r}")
    f = input if unwrap(input).dtype.kind in "fc" else input * 1.0
    shape = unwrap(f).shape
    ndim = len(shape)
    given = range(ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = [one_dim(d, ndim, "gradient") for d in given]
    if len(set(dims)) < len(dims):
        raise InputError(f"gradient: dim must name each dimension at most once, got {dim}")
    found = []
    for d, h in zip(dims, _spacings(spacing, dims, shape)):
        if np.ndim(unwrap(h)) and unwrap(h).dtype.kind in "biu":
            h = h.astype(unwrap(f).real.dtype)  # bytes have no negative differences
        if shape[d] <= edge_order:
            raise RuntimeError(f"gradient: each dimension must have at least {edge_order + 1} entries, got {shape}")
        turned = np.swapaxes(f, d, -1)
        if np.ndim(unwrap(h)):  # differences of neighbours, too, in the dtype that holds both
            turned = turned.astype(meet(unwrap(f).dtype, unwrap(h).dtype))
        slope = _between(turned, h, edge_order) if np.ndim(unwrap(h)) else _uniform(turned, h, edge_order)
        found.append(np.swapaxes(slope, d, -1).contiguous())
    return tuple(found)


def powers(x: Any, *, N: int | None = None) -> Tensor:
    """Vandermonde's matrices, whose columns are the powers of `x` from 0 up.

    Parameters
    ----------
    x : Tensor, shape (..., n)
        A number is a vector of one.
    N : int, optional
        Number of columns. Default: n.

    Returns
    -------
    Tensor, shape (..., n, N)

    Raises
    ------
    RuntimeError
        For fewer than two columns.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.vander(tg.tensor([2, 3]), N=4)
    tensor([[ 1,  2,  4,  8],
            [ 1,  3,  9, 27]])
    """
    x = x if unwrap(x).ndim else np.reshape(x, (1,))
    N = unwrap(x).shape[-1] if N is None else N
    if N <= 1:
        raise RuntimeError(f"vander: N must be greater than 1, got {N}")
    return _columns(x, N)


def _columns(x: Any, N: int) -> Any:
    array = unwrap(x)
    if N >= 2**31:
        raise RuntimeError(f"vander: N must be such that the result fits into memory, got {N}")
    x = x if array.dtype.kind in "fc" else wrap(array.astype(np.int64))
    columns = [wrap(built(np.ones, array.shape, unwrap(x).dtype))]
    for _ in range(N - 1):
        columns.append(columns[-1] * x)
    return np.stack(columns, -1) if columns[:N] else wrap(built(np.ones, (*array.shape, 0), unwrap(x).dtype))


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """Vandermonde's matrix, whose columns are the powers of `x` from the highest down.

    Parameters
    ----------
    x : Tensor, shape (n,)
    N : int, optional
        Number of columns. Default: n.
    increasing : bool
        From 0 up.

    Returns
    -------
    Tensor, shape (n, N)

    Raises
    ------
    RuntimeError
        For tensors that are not vectors.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.vander(tg.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    array = unwrap(x)
    if array.ndim != 1 or (N is not None and N < 0):
        raise RuntimeError(f"vander: x must be a vector, and N not negative, got shape {array.shape} and N={N}")
    out = _columns(x, len(array) if N is None else N)
    return out if increasing else np.flip(out, -1)


def _np_gradient(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    given = spacing[0] if len(spacing) == 1 and not np.ndim(unwrap(spacing[0])) else spacing or 1
    found = gradient(f, spacing=given, dim=axis, edge_order=edge_order)
    return found[0] if len(found) == 1 else found


FAST.update({np.gradient: _np_gradient, np.vander: vander})
