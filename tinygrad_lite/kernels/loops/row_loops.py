"""Work row by row: sums, softmax and its logarithm, normalization to mean 0 and variance 1, forward and backward."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..elementwise.float32_math import exp_of_nonpositive
from ..kernel import LARGE, Kernel, Served, kernel
from ..native.parallel import in_parts
from .pairwise_sum import pairwise_sum
from .row_sums import dot, largest_single, moment, spread, total


def piece(width: int = 1) -> int:
    """How many rows make a piece of a shared launch: some 10 us of work, a small part of what is worth sharing."""
    return max(1, (1 << 15) // max(width, 1))


_F32 = np.dtype(np.float32)


def _are_rows(*args: Any) -> bool:
    """Are arrays of one shape, and the last argument a dimension of theirs, what a loop over rows of float32 takes?"""
    *arrays, axis = args
    shape = arrays[0].shape
    for a in arrays:
        if type(a) is not np.ndarray or a.dtype is not _F32 or a.size < LARGE:
            return False
        if a.shape != shape or not a.flags.c_contiguous:
            return False
    return axis in (-1, len(shape) - 1)


def over_rows(kernel: Kernel) -> Served:
    """The results of a loop over rows of float32, as a new array; called with arrays, and the rows' dimension."""

    def run(*args: Any) -> Any:
        out = np.empty(args[0].shape, _F32)
        _in_rows(kernel, *args[:-1], out)
        return out

    return Served(run, _are_rows)


def over_rows_here(kernel: Kernel) -> Callable[..., None]:
    """A loop over rows of float32 that writes over its first argument; called with arrays alone."""
    return Served(functools.partial(_in_rows, kernel), lambda *arrays: _are_rows(*arrays, -1)).otherwise(kernel.plain)


def _in_rows(kernel: Kernel, *arrays: Any) -> None:
    width = arrays[0].shape[-1]
    in_parts(kernel, piece(width), [a.reshape(-1, width) for a in arrays])


def row_sums_plain(x: Any, out: Any) -> None:
    """The sum of each row, into `out`."""
    np.add.reduce(x, axis=1, out=out)


@kernel(row_sums_plain)
def row_sums(x: Any, out: Any) -> None:
    for i in range(len(x)):
        out[i] = total(x[i])


def fill_plain(out: Any, value: Any) -> None:
    """``out[i] = value``."""
    out.fill(value)


@kernel(fill_plain, dtypes="fd", least=LARGE)
def fill(out: Any, value: Any) -> None:
    for i in range(out.size):
        out[i] = value


def copied(x: Any) -> Any:
    """A copy that owns its memory, also of one number, expanded."""
    if x.size < LARGE or any(x.strides):
        return np.array(x)
    out = np.empty(x.shape, x.dtype)
    fill.run(out.reshape(-1), x.dtype.type(x.flat[0]))
    return out


def into_rows(formula: Callable[..., Any]) -> Callable[..., None]:
    """The twin of a loop over rows, by the formula along any dimension: called with the arrays, and the result."""

    def plain(*arrays: Any) -> None:
        arrays[-1][...] = formula(*arrays[:-1], -1)

    return plain


def softmax_along(x: Any, axis: int = -1) -> Any:
    """``exp(x) / sum(exp(x))``."""
    e = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf))
    e /= pairwise_sum(e, axis, True)
    return e


@kernel(into_rows(softmax_along))
def softmax(x: Any, out: Any) -> None:
    """For float32."""
    for i in range(len(x)):
        row, into = x[i], out[i]
        top = largest_single(row)
        for j in range(row.size):
            into[j] = exp_of_nonpositive(row[j] - top)
        share = np.float32(1.0 / total(into))
        for j in range(row.size):
            into[j] *= share


def softmax_backward_along(g: Any, out: Any, axis: int) -> Any:
    """The gradient of `softmax_along`, whose result is `out`."""
    return out * (g - pairwise_sum(g * out, axis, True))


@kernel(into_rows(softmax_backward_along))
def softmax_backward(g: Any, shown: Any, out: Any) -> None:
    for i in range(len(g)):
        up, p, into = g[i], shown[i], out[i]
        s = g.dtype.type(dot(up, p))
        for j in range(up.size):
            into[j] = p[j] * (up[j] - s)


@kernel(lambda x: np.copyto(x, softmax_along(x)))
def softmax_here(x: Any) -> None:
    """`softmax` over its argument, for float32: loops over two arrays that are the same do not vectorize."""
    for i in range(len(x)):
        row = x[i]
        top = largest_single(row)
        for j in range(row.size):
            row[j] = exp_of_nonpositive(row[j] - top)
        share = np.float32(1.0 / total(row))
        for j in range(row.size):
            row[j] *= share


@kernel(lambda g, shown: np.copyto(g, softmax_backward_along(g, shown, -1)))
def softmax_backward_here(g: Any, shown: Any) -> None:
    """`softmax_backward`, written over `g`."""
    for i in range(len(g)):
        up, p = g[i], shown[i]
        s = g.dtype.type(dot(up, p))
        for j in range(up.size):
            up[j] = p[j] * (up[j] - s)


def log_softmax_along(x: Any, axis: int = -1) -> Any:
    """``x - log(sum(exp(x)))``."""
    d = x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    d -= np.log(pairwise_sum(np.exp(d), axis, True))
    return d


@kernel(into_rows(log_softmax_along))
def log_softmax(x: Any, out: Any) -> None:
    """For float32."""
    for i in range(len(x)):
        row, into = x[i], out[i]
        top = largest_single(row)
        for j in range(row.size):
            into[j] = exp_of_nonpositive(row[j] - top)
        size = np.float32(math.log(total(into)))
        for j in range(row.size):
            into[j] = (row[j] - top) - size


def log_softmax_backward_along(g: Any, out: Any, axis: int) -> Any:
    """The gradient of `log_softmax_along`, whose result is `out`."""
    return g - np.exp(out) * pairwise_sum(g, axis, True)


@kernel(into_rows(log_softmax_backward_along))
def log_softmax_backward(g: Any, shown: Any, out: Any) -> None:
    """For float32."""
    for i in range(len(g)):
        up, logs, into = g[i], shown[i], out[i]
        s = np.float32(total(up))
        for j in range(up.size):
            into[j] = up[j] - exp_of_nonpositive(logs[j]) * s


def normalized_along(x: Any, weight: Any, bias: Any, eps: float, axes: Any, centered: bool) -> tuple[Any, Any, Any]:
    """Arrays or Tensors less their mean along dimensions, over their deviation; and the mean, and 1 over the latter."""
    mean = np.mean(x, axis=axes, keepdims=True) if centered else 0.0
    d = x - mean if centered else x
    var = np.mean(d * d, axis=axes, keepdims=True)
    scale = 1 / np.sqrt(var + eps)
    if centered:
        scale = scale + 0.0 * var  # a variance beyond the dtype's range makes NaN of a row, not zeros
    out = d * scale
    if weight is not None:
        out = out * weight
    return (out if bias is None else out + bias), mean, scale


def normalize_plain(
    x: Any, out: Any, mean: Any, scale: Any, weight: Any, bias: Any, eps: float, centered: bool
) -> None:
    """Rows less their mean, over their standard deviation.

    Parameters
    ----------
    x : array, shape (M, D), floating
    out : array, shape (M, D)
        Written.
    mean, scale : array, shape (M,)
        Written: the mean, and 1 over the standard deviation.
    weight, bias : array, shape (D,), or (0,) for none
    eps : float
        Added to the variance.
    centered : bool
        Subtract the mean; otherwise it counts as 0.
    """
    w, b = (v if v.size else None for v in (weight, bias))
    out[...], center, s = normalized_along(x, w, b, x.dtype.type(eps), 1, centered)
    mean[...], scale[...] = center[:, 0] if centered else 0, s[:, 0]


@kernel(normalize_plain, dtypes="fd", least=1)
def normalize(x: Any, out: Any, mean: Any, scale: Any, weight: Any, bias: Any, eps: float, centered: bool) -> None:
    n = x.shape[1]
    for i in range(len(x)):
        row, into = x[i], out[i]
        center = x.dtype.type(total(row) / n if centered else 0.0)
        var = spread(row, center) / n
        s = x.dtype.type(1.0 / math.sqrt(var + eps) + (0.0 * var if centered else 0.0))
        mean[i], scale[i] = center, s
        if weight.size and bias.size:
            for j in range(n):
                into[j] = (row[j] - center) * s * weight[j] + bias[j]
        elif weight.size:
            for j in range(n):
                into[j] = (row[j] - center) * s * weight[j]
        else:
            for j in range(n):
                into[j] = (row[j] - center) * s
            for j in range(bias.size):
                into[j] += bias[j]


def normalize_backward_plain(
    x: Any, g: Any, mean: Any, scale: Any, out: Any, gw: Any, gb: Any, weight: Any, centered: bool
) -> None:
    """The gradients of `normalize`.

    Parameters
    ----------
    x, g : array, shape (M, D)
    mean, scale : array, shape (M,)
    out : array, shape (M, D)
        Written: the gradient of `x`.
    gw, gb : array, shape (D,)
        The gradients of weight and bias are added to them.
    weight : array, shape (D,), or (0,) for none
    centered : bool
    """
    normal = (x - mean[:, None]) * scale[:, None]
    gb += pairwise_sum(g, 0)
    gw += pairwise_sum(g * normal, 0)
    d = g * weight if weight.size else g
    n = x.dtype.type(x.shape[1])
    along = np.add.reduce(d * normal, axis=1, keepdims=True) / n
    across = np.add.reduce(d, axis=1, keepdims=True) / n if centered else 0
    out[...] = (d - across - normal * along) * scale[:, None]


@kernel(normalize_backward_plain, dtypes="fd", least=1)
def normalize_backward(
    x: Any, g: Any, mean: Any, scale: Any, out: Any, gw: Any, gb: Any, weight: Any, centered: bool
) -> None:
    n = x.shape[1]
    for i in range(len(x)):
        up, row, into, center, s = g[i], x[i], out[i], mean[i], scale[i]
        for j in range(n):
            gb[j] += up[j]
            gw[j] += up[j] * ((row[j] - center) * s)
        if weight.size:
            for j in range(n):
                into[j] = up[j] * weight[j]
        else:
            for j in range(n):
                into[j] = up[j]
        along = x.dtype.type(moment(into, row, center) * s / n) * s
        across = x.dtype.type(total(into) / n if centered else 0.0)
        for j in range(n):
            into[j] = (into[j] - across - (row[j] - center) * along) * s
