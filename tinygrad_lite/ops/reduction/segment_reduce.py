"""`segment_reduce`: sums, means, products and extremes of stretches along a dimension."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...kernels.single_precision import rounded_once
from ...rules import unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..indexing.index_put import index_add, integers
from ..indexing.scatter import index_reduce
from ..pointwise.clamp_round_where import where

__all__ = ["segment_reduce"]

_EMPTY = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -math.inf, "min": math.inf}


@rounded_once
def segment_reduce(
    data: Floating,
    reduce: str,
    *,
    lengths: Any = None,
    indices: Any = None,
    offsets: Any = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: float | None = None,
) -> Tensor:
    """Reduce stretches of different lengths along a dimension.

    Parameters
    ----------
    data : Tensor, floating, shape (*B, N, ...)
    reduce : "sum", "mean", "prod", "max" or "min"
    lengths : Tensor, integer, shape (*B, S), optional
        Of the stretches, one after another. They add up to N.
    indices : None
        Not implemented, as in PyTorch.
    offsets : Tensor, integer, shape (*B, S + 1), optional
        Where they begin, and where the last one ends; instead of `lengths`.
    axis : int
        The dimension of N.
    unsafe : bool
        Lengths need not add up to N: entries after the last stretch count for nothing. They are checked all the same.
    initial : float, optional
        What each stretch begins with, and the result for an empty one. Default: 0, 1 for "prod", minus or plus infinity
        for "max" and "min"; an empty mean is NaN.

    Returns
    -------
    Tensor, shape (*B, S, ...)

    Raises
    ------
    ValueError
        For another `reduce`, and lengths that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.segment_reduce(tg.tensor([1.0, 2.0, 4.0]), "sum", lengths=tg.tensor([2, 0, 1]))
    tensor([3., 0., 4.])
    """
    x = unwrap(data)
    if reduce not in _EMPTY:
        raise InputError(f"segment_reduce: reduce must be one of {', '.join(_EMPTY)}, got {reduce!r}")
    if x.dtype.kind != "f" or (lengths is None) == (offsets is None) or indices is not None:
        raise InputError(f"segment_reduce: data must be floating and lengths or offsets be given, got {x.dtype}")
    sizes = np.diff(integers(offsets, "segment_reduce")) if lengths is None else integers(lengths, "segment_reduce")
    axis = axis + x.ndim if axis < 0 else axis
    if sizes.shape[:-1] != x.shape[:axis] or sizes.ndim != axis + 1 or not axis < x.ndim or (sizes < 0).any():
        raise InputError(f"segment_reduce: lengths must be of shape {x.shape[:axis]} and one more dimension and not "
                         f"negative, got shape {sizes.shape}")  # fmt: skip
    covered = sizes.sum(-1)
    if (covered > x.shape[axis]).any() or not (unsafe or (covered == x.shape[axis]).all()):
        raise InputError(f"segment_reduce: lengths must add up to {x.shape[axis]}, got {covered.tolist()}")
    rest = x.shape[axis + 1 :]
    stretch = wrap(np.repeat(np.arange(sizes.size), sizes.reshape(-1)))
    if (covered < x.shape[axis]).any():
        data = data[wrap(np.arange(x.shape[axis]) < covered[..., None])]
    start = wrap(np.full((sizes.size, *rest), _EMPTY[reduce] if initial is None else initial, x.dtype))
    flat = data.reshape(len(stretch), *rest)
    if reduce in ("sum", "mean"):
        out = index_add(start, 0, stretch, flat)
    else:
        out = index_reduce(start, 0, stretch, flat, {"max": "amax", "min": "amin"}.get(reduce, reduce))
    if reduce == "mean":
        counts = sizes.reshape(-1, *(1,) * len(rest))
        nothing = math.nan if initial is None else initial
        out = where(wrap(counts == 0), nothing, out / wrap(np.maximum(counts, 1).astype(x.dtype)))
    return out.reshape(*sizes.shape, *rest)
