"""p-norms: lengths, distances, and cutting what is too long."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...kernels.loops.pairwise_sum import dims_of, pairwise_sum
from ...rules import differentiable, unwrap
from ..argument_names import floating_only, numpy_names, some_dims
from ..pointwise.arithmetic import abs
from ..pointwise.clamp_round_where import masked, where
from ..reduction.sums import kept_dims

__all__ = ["dist", "norm", "renorm"]


def _p_norm_x(g: Any, x: Any, out: Any, p: float, axis: Any, keepdims: bool) -> Any:
    """PyTorch's subgradients: zero at zero, and shared by the ties of a maximum."""
    if p == 0:
        return np.zeros_like(x)
    g, out = kept_dims(g, x.shape, axis, keepdims), kept_dims(out, x.shape, axis, keepdims)
    if p == 1:
        return g * np.sign(x)
    if math.isinf(p):
        peak = np.equal(abs(x), out) | np.isnan(x)
        shared = np.where(peak, 1.0, np.zeros_like(x))
        return g * np.sign(x) * (shared / pairwise_sum(shared, axis, True))
    zero = np.equal(out, 0)
    safe = np.where(zero, 1.0, out)
    if p == 2:
        return masked(g / safe, np.logical_not(zero)) * x
    at_zero = np.equal(x, 0)
    steep = np.sign(x) * np.where(at_zero, 1.0, abs(x)) ** (p - 1)
    return masked(g / safe ** (p - 1), np.logical_not(zero)) * masked(steep, np.logical_not(at_zero))


@differentiable(x=_p_norm_x, name="norm")
def p_norm(x: Any, p: float = 2, axis: Any = None, keepdims: Any = False) -> Any:
    """The p-norm over some axes, of floating point numbers."""
    if p == 2:
        return np.sqrt(pairwise_sum(x * x, axis, keepdims))
    size = np.abs(x)
    if p == 0:
        return np.add.reduce(size != 0, axis=axis, dtype=x.dtype, keepdims=keepdims)
    if p == 1:
        return pairwise_sum(size, axis, keepdims)
    if math.isinf(p):
        return (np.maximum if p > 0 else np.minimum).reduce(size, axis=axis, keepdims=keepdims)
    with np.errstate(divide="ignore"):  # negative powers of zero
        return pairwise_sum(size**p, axis, keepdims) ** (1 / p)


@numpy_names
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    r"""Norm over dimensions, :math:`(\sum |x|^p)^{1/p}`; at zero its gradient is zero.

    Parameters
    ----------
    input : Tensor, floating
    p : number, inf, -inf, "fro" or "nuc"
        "fro" is 2, "nuc" the sum of the singular values.
    dim : int or sequence of int, optional
        Default: all; for "nuc" two.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        To which the input is cast before.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        For integers.
    ValueError
        For another `p`.
    RuntimeError
        For the largest or smallest of nothing.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.norm(tg.tensor([3.0, 4.0])), tg.norm(tg.tensor([3.0, 4.0]), p=1)
    (tensor(5.), tensor(7.))
    """
    input = floating_only(input if dtype is None else input.to(dtype), "norm")
    if unwrap(input).dtype.kind == "c" and p != "nuc":
        input = abs(input)
    if p == "nuc":
        from ... import linalg

        return linalg.matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)
    if p is not None and not isinstance(p, (int, float)) and p != "fro":
        raise ValueError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
    order = 2 if p in (None, "fro") else p
    axis, shape = some_dims(dim), unwrap(input).shape
    if math.isinf(order) and not math.prod(shape[a] for a in dims_of(axis, len(shape))):
        raise RuntimeError(f"norm: of nothing there is no norm of order {order}, got shape {shape} and dim {dim}")
    return p_norm.record((abs(input) if unwrap(input).dtype.kind == "c" else input, order, axis, keepdim))


def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of a difference.

    Parameters
    ----------
    input, other : Tensor, floating, of shapes that broadcast
    p : number

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.dist(tg.tensor([1.0, 2.0]), tg.tensor([4.0, 6.0]))
    tensor(5.)
    """
    return norm(input - other, p)


@numpy_names
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """The slices along a dimension, those whose p-norm exceeds `maxnorm` shortened to it.

    Parameters
    ----------
    input : Tensor, floating, at least two dimensions
    p : number, positive
    dim : int
    maxnorm : number, not negative

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    RuntimeError
        For arguments out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.renorm(tg.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    ndim = unwrap(input).ndim
    if ndim < 2 or not p > 0 or not maxnorm >= 0:
        raise RuntimeError(
            f"renorm: the input must have two dimensions, p be positive and maxnorm not negative, "
            f"got {ndim} dimensions, p={p}, maxnorm={maxnorm}"
        )
    others = tuple(i for i in range(ndim) if i != dim % ndim)
    length = norm(input, p, others, True)
    return (input * where(length > maxnorm, maxnorm / (length + 1e-7), 1.0)).contiguous()
