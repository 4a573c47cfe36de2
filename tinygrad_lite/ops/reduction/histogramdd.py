"""Counts in boxes of several dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine.errors import DtypeError
from ...engine.quiet import quietly
from ...rules import unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor

__all__ = ["histogramdd"]


class Boxes(NamedTuple):
    """How much fell into each box, and their edges along each dimension."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


@quietly
def histogramdd(
    input: Floating, bins: Any, range: Sequence[float] | None = None, weight: Any = None, density: bool = False
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
        raise DtypeError(f"histogramdd: input must be floating point, got {x.dtype}")
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
