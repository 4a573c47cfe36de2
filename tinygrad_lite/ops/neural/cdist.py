"""`cdist`, `pdist`: distances between vectors, in pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.errors import DtypeError, InputError
from ...kernels.loops.distances import (
    CHEBYSHEV,
    EUCLIDEAN,
    HAMMING,
    MANHATTAN,
    distance_slopes,
    distances,
    pair_distances,
    pair_slopes,
)
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...kernels.native.parallel import in_ranges
from ...rules import differentiable, unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import built
from ..linalg.norms import vector_norm
from ..pointwise.clamp_round_where import quotient_or_zero, where

__all__ = ["cdist", "pdist"]
FUNCTIONAL = "pdist"

PIECE = 1 << 16  # components of differences that are a thread's share
_NORMS = {0.0: HAMMING, 1.0: MANHATTAN, 2.0: EUCLIDEAN, math.inf: CHEBYSHEV}
_ORDERS = {norm: p for p, norm in _NORMS.items()}
_MOST_BY_DIFFERENCES = 25  # PyTorch's: with more rows than that, squares and products are faster than differences


def _euclidean_x(g: Any, x: Any, y: Any, out: Any) -> Any:
    pull = quotient_or_zero(g, out)
    return x * pairwise_sum(pull, -1)[..., None] - np.matmul(pull, y)


def _euclidean_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    pull = np.swapaxes(quotient_or_zero(g, out), -1, -2)
    return y * pairwise_sum(pull, -1)[..., None] - np.matmul(pull, x)


@differentiable(x=_euclidean_x, y=_euclidean_y, name="cdist", contiguous=True, single=True)
def _by_product(x: Any, y: Any) -> Any:
    """For p = 2: fast, and not exact for near points."""
    squares = np.matmul(-2 * x, np.swapaxes(y, -1, -2))
    squares += np.add.reduce(x * x, -1)[..., :, None]
    squares += np.add.reduce(y * y, -1)[..., None, :]
    return np.sqrt(np.maximum(squares, 0, out=squares), out=squares)


def _stacked(array: Any, lead: tuple[int, ...]) -> Any:
    """Matrices, (B, N, K), of those that broadcast to the leading dimensions."""
    shape, count = array.shape[-2:], math.prod(lead)
    if array.size != count * math.prod(shape):  # a broadcast array is read only: a loop of its own would be compiled
        array = np.broadcast_to(array, lead + shape)
    return np.ascontiguousarray(array).reshape(count, *shape)


def _piece(x: Any, others: int) -> int:
    """How many rows are a thread's share."""
    return max(1, PIECE // max(others * x.shape[-1], 1))


def _slopes(g: Any, x: Any, y: Any, out: Any, norm: int) -> Any:
    lead = g.shape[:-2]
    g, x, y, far = (_stacked(a, lead) for a in (g, x, y, out))
    gx = np.empty_like(x)
    in_ranges(distance_slopes, _piece(x, y.shape[1]), len(x) * x.shape[1], g, x, y, far, gx, norm)
    return gx.reshape(*lead, *gx.shape[1:])


def _by_differences_xy(g: Any, x: Any, y: Any, out: Any, norm: int) -> tuple[Any, Any]:
    g = quotient_or_zero(g, out) if norm == EUCLIDEAN else g
    return _slopes(g, x, y, out, norm), _slopes(np.swapaxes(g, -1, -2), y, x, np.swapaxes(out, -1, -2), norm)


@differentiable(
    joint=[(("x", "y"), _by_differences_xy)], twin=lambda x, y, norm: _norms(x, y, _ORDERS[norm]), name="cdist",
    contiguous=True, single=True,
)  # fmt: skip
def _by_differences(x: Any, y: Any, norm: int) -> Any:
    """Distances without the differences in memory."""
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = _stacked(x, lead), _stacked(y, lead)
    out = np.empty((len(x), x.shape[1], y.shape[1]), x.dtype)
    in_ranges(distances, _piece(x, y.shape[1]), len(x) * x.shape[1], out, x, y, norm)
    return out.reshape(*lead, *out.shape[1:])


def _pairs_x(g: Any, x: Any, out: Any, norm: int) -> Any:
    gx = np.empty_like(x)
    g = np.ascontiguousarray(quotient_or_zero(g, out) if norm == EUCLIDEAN else g)
    in_ranges(pair_slopes, _piece(x, len(x)), len(x), g, x, out, gx, norm)
    return gx


@differentiable(
    x=_pairs_x, twin=lambda x, norm: _norms_of_pairs(x, _ORDERS[norm]), name="pdist", contiguous=True, single=True
)
def _pairs(x: Any, norm: int) -> Any:
    n, x = len(x), np.ascontiguousarray(x)
    out = np.empty(n * (n - 1) // 2, x.dtype)
    in_ranges(pair_distances, _piece(x, n), n, out, x, norm)
    return out


def _real(x: Any, who: str) -> Any:
    if unwrap(x).dtype.kind != "f":
        raise DtypeError(f"{who}: the vectors must be floating point, got {unwrap(x).dtype}")
    return x


def _norm(d: Any, p: float) -> Any:
    """The norms of differences; of an unknown one unknown, also where they are counted."""
    out = vector_norm(d, p, -1)
    return where(np.isnan(unwrap(d)).any(-1), np.nan, out) if p == 0 else out


def _norms(x: Any, y: Any, p: float) -> Any:
    return _norm(x[..., :, None, :] - y[..., None, :, :], p)


def _norms_of_pairs(x: Any, p: float) -> Any:
    first, second = built(np.triu_indices, len(unwrap(x)), 1)
    return _norm(x[wrap(first)] - x[wrap(second)], p)


def cdist(
    x1: Floating, x2: Floating, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:  # fmt: skip
    """Distances from each vector of one collection to each of another.

    The gradient is 0 where two points are in one place. Where several components are the largest, for ``p=inf``, they
    share it; PyTorch gives all of it to each.

    Parameters
    ----------
    x1 : Tensor, shape (..., n, k), floating
    x2 : Tensor, shape (..., m, k), floating
        The dimensions in front broadcast.
    p : float
        Of the norm ``(sum_i |a_i - b_i|^p)^(1/p)``; not negative, may be infinite. 0 counts the differences.
    compute_mode : str, optional
        For ``p=2``: "use_mm_for_euclid_dist" goes over ``|a|^2 + |b|^2 - 2 a b``, which is fast, but not exact for near
        points; "donot_use_mm_for_euclid_dist" does not; None or "use_mm_for_euclid_dist_if_necessary" for more than 25
        vectors.

    Returns
    -------
    Tensor, shape (..., n, m)

    Raises
    ------
    RuntimeError
        For shapes that do not fit, and a negative `p`.
    ValueError
        For another mode.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cdist(tg.tensor([[0.0, 0.0], [3.0, 0.0]]), tg.tensor([[3.0, 4.0]]))
    tensor([[5.],
            [4.]])
    """
    x, y = unwrap(_real(x1, "cdist")).shape, unwrap(_real(x2, "cdist")).shape
    if len(x) < 2 or len(y) < 2 or x[-1] != y[-1]:
        raise RuntimeError(f"cdist: the tensors must be (..., n, k) and (..., m, k), got {x} and {y}")
    if not p >= 0:
        raise RuntimeError(f"cdist: p must not be negative, got {p}")
    modes = {"use_mm_for_euclid_dist": True, "donot_use_mm_for_euclid_dist": False}
    modes["use_mm_for_euclid_dist_if_necessary"] = max(x[-2], y[-2]) > _MOST_BY_DIFFERENCES
    mode = compute_mode or "use_mm_for_euclid_dist_if_necessary"
    if mode not in modes:
        raise InputError(f"cdist: compute_mode must be one of {sorted(modes)}, got {compute_mode!r}")
    if p == 2 and modes[mode]:
        return _by_product.record((x1, x2))
    return _by_differences.record((x1, x2, _NORMS[p])) if p in _NORMS else _norms(x1, x2, p)


def pdist(input: Floating, p: float = 2) -> Tensor:
    """Distances between any two of some vectors: the part of ``cdist(input, input)`` above the diagonal.

    Parameters
    ----------
    input : Tensor, shape (n, k), floating
    p : float
        As for `cdist`.

    Returns
    -------
    Tensor, shape (n * (n - 1) / 2,)

    Raises
    ------
    RuntimeError
        For another number of dimensions, and a negative `p`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.pdist(tg.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    shape = unwrap(_real(input, "pdist")).shape
    if len(shape) != 2:
        raise RuntimeError(f"pdist: expected 2 dimensions, got shape {shape}")
    if not p >= 0:
        raise RuntimeError(f"pdist: p must not be negative, got {p}")
    return _pairs.record((input, _NORMS[p])) if p in _NORMS else _norms_of_pairs(input, p)
