"""Counts in boxes of several dimensions; places in a result of a given size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..rules import unwrap, wrap

__all__ = ["histogramdd", "nonzero_static"]


class Boxes(NamedTuple):
    """How much fell into each box, and their edges along each dimension."""

    hist: Any
    bin_edges: Any


def histogramdd(
    input: Any, bins: Any, *, range: Sequence[float] | None = None, weight: Any = None, density: bool = False
) -> Boxes:
    """How many points fall into each box of a grid.

    Parameters
    ----------
    input : Tensor, shape (..., d), floating
        Points. There is no gradient.
    bins : int, sequence of d ints, or sequence of d Tensors
        Number of boxes along each dimension, or their edges.
    range : sequence of 2 d floats, optional
        Lowest and highest edge of each dimension. Default: the points'.
    weight : Tensor, shape (...), optional
        What a point counts. Default: 1.
    density : bool
        The sum over all boxes of what is in them, times their volume, is 1.

    Returns
    -------
    named tuple (hist, bin_edges)
        A Tensor of d dimensions, and a tuple of d vectors, in the input's dtype.

    Raises
    ------
    RuntimeError
        For shapes that do not fit.
    TypeError
        For points that are not floats.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.histogramdd(tg.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]]), [3, 3]).hist
    tensor([[0., 1., 0.],
            [1., 0., 0.],
            [1., 0., 1.]])
    """
    x = unwrap(input)
    if x.dtype.kind != "f":
        raise TypeError(f"histogramdd: input must be floating point, got {x.dtype}")
    if x.ndim < 2:
        raise RuntimeError(f"histogramdd: input must have at least 2 dimensions, got shape {x.shape}")
    d, given = x.shape[-1], bins if isinstance(bins, int) else [unwrap(b) for b in bins]
    if not isinstance(given, int) and len(given) != d:
        raise RuntimeError(f"histogramdd: bins must be given for each of {d} dimensions, got {len(given)}")
    if range is not None and len(range) != 2 * d:
        raise RuntimeError(f"histogramdd: range must hold {2 * d} numbers, got {len(range)}")
    if weight is not None and unwrap(weight).shape != x.shape[:-1]:
        raise RuntimeError(f"histogramdd: weight must be of shape {x.shape[:-1]}, got {unwrap(weight).shape}")
    ranges = None if range is None else [(range[2 * i], range[2 * i + 1]) for i in np.arange(d)]
    weights = None if weight is None else unwrap(weight).reshape(-1)
    hist, edges = np.histogramdd(x.reshape(-1, d), given, ranges, weights=weights, density=density)
    return Boxes(wrap(hist.astype(x.dtype)), tuple(wrap(e.astype(x.dtype)) for e in edges))


def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Any:
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
