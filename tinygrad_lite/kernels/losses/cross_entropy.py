"""Cross entropy: loss and gradient together, row by row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..elementwise.float32_math import exp_of_nonpositive
from ..kernel import LARGE, kernel
from ..loops.row_loops import piece
from ..loops.row_sums import fill_row, largest_single, total
from ..native.parallel import in_parts


def cross_entropy_plain(x: Any, target: Any, weight: Any, ignore: int, mean: bool, losses: Any, slope: Any) -> int:
    """Losses of rows, and their derivatives with respect to the logits.

    Parameters
    ----------
    x : array, shape (M, C), floating
    target : array, shape (M,), integer
    weight : array, shape (C,), or (0,) for none
    ignore : int
    mean : bool
        Divide by the sum of the targets' weights.
    losses : array, shape (M,)
        Written.
    slope : array, shape (M, C)
        Written: the derivative of each loss.

    Returns
    -------
    int
        The first row whose target is not a class, or -1; after the former the results mean nothing.
    """
    share = np.ones(1)
    bad = targets_plain(target, weight, ignore, x.shape[1], mean, share)
    if bad < 0:
        rows_plain(x, target, losses, slope, weight, ignore, share)
    return bad


@kernel(cross_entropy_plain)
def cross_entropy(x: Any, target: Any, weight: Any, ignore: int, mean: bool, losses: Any, slope: Any) -> int:
    m, classes = x.shape
    total = 0.0
    for i in range(m):
        t = target[i]
        if t != ignore:
            if t < 0 or t >= classes:
                return i
            total += weight[t] if weight.size else 1.0
    share = 1.0
    if mean:
        share = 1.0 / total if total != 0.0 else math.nan
    for i in range(m):
        t = target[i]
        if t == ignore:
            fill_row(slope[i], x.dtype.type(0))
            losses[i] = share if math.isnan(share) else 0.0
            continue
        top = x[i, 0]
        for c in range(1, classes):
            if not (x[i, c] <= top):
                top = x[i, c]
        s = 0.0
        for c in range(classes):
            e = math.exp(x[i, c] - top)
            slope[i, c] = e
            s += e
        scale = share * weight[t] if weight.size else share
        losses[i] = (math.log(s) - (x[i, t] - top)) * scale
        factor = x.dtype.type(scale / s)
        for c in range(classes):
            slope[i, c] *= factor
        slope[i, t] -= x.dtype.type(scale)
    return -1


def targets_plain(target: Any, weight: Any, ignore: int, classes: int, mean: bool, share: Any) -> int:
    """The first row whose target is not a class, or -1.

    Parameters
    ----------
    target, weight, ignore, mean
        As for `cross_entropy_plain`.
    classes : int
    share : array of float64, shape (1,)
        Written: what each loss is multiplied with, 1 over the sum of the targets' weights if it is a mean.
    """
    ignored = target == ignore
    index = np.where(ignored, 0, target)
    outside = (index < 0) | (index >= classes)
    if outside.any():
        return int(np.argmax(outside))
    total = ((weight[index] if weight.size else np.ones(len(target))) * ~ignored).sum(dtype=np.float64)
    share[0] = 1.0 if not mean else 1 / total if total else math.nan
    return -1


@kernel(targets_plain)
def targets(target: Any, weight: Any, ignore: int, classes: int, mean: bool, share: Any) -> int:
    total = 0.0
    for i in range(target.size):
        t = target[i]
        if t != ignore:
            if t < 0 or t >= classes:
                return i
            total += weight[t] if weight.size else 1.0
    share[0] = 1.0
    if mean:
        share[0] = 1.0 / total if total != 0.0 else math.nan
    return -1


def rows_plain(x: Any, target: Any, losses: Any, slope: Any, weight: Any, ignore: int, share: Any) -> None:
    """Losses of rows times `share`, and their derivatives; of checked targets.

    Parameters
    ----------
    x, target, losses, slope, weight, ignore
        As for `cross_entropy_plain`.
    share : array of float64, shape (1,)
        What each loss is multiplied with.
    """
    ignored, share = target == ignore, float(share[0])
    rows, index = np.arange(len(x)), np.where(ignored, 0, target)
    scale = (weight[index] if weight.size else np.ones(len(x), x.dtype)) * x.dtype.type(share)
    z = x - np.maximum.reduce(x, axis=1, keepdims=True, initial=-np.inf)
    np.exp(z, out=slope)
    s = np.add.reduce(slope, axis=1, keepdims=True)
    losses[...] = (np.log(s[:, 0]) - z[rows, index]) * scale
    slope *= scale[:, None] / s
    slope[rows, index] -= scale
    losses[ignored], slope[ignored] = share if math.isnan(share) else 0, 0


@kernel(rows_plain)
def rows(x: Any, target: Any, losses: Any, slope: Any, weight: Any, ignore: int, share: Any) -> None:
    """For float32."""
    part = share[0]
    for i in range(len(x)):
        t, row, into = target[i], x[i], slope[i]
        if t == ignore:
            fill_row(into, x.dtype.type(0))
            losses[i] = part if math.isnan(part) else 0.0
            continue
        top = largest_single(row)
        for c in range(row.size):
            into[c] = exp_of_nonpositive(row[c] - top)
        s = total(into)
        scale = part * weight[t] if weight.size else part
        losses[i] = (math.log(s) - (row[t] - top)) * scale
        factor = np.float32(scale / s)
        for c in range(row.size):
            into[c] *= factor
        into[t] -= np.float32(scale)


def losses_and_slope(x: Any, target: Any, weight: Any, ignore: int, mean: bool, losses: Any, slope: Any) -> int:
    """`cross_entropy_plain` by the loop that suits the rows."""
    if x.size < LARGE or x.dtype.char != "f":
        # in rows much longer than this NumPy's vectorized exp makes up for its passes over memory
        loop = cross_entropy.run if x.shape[1] <= 64 else cross_entropy_plain
        return int(loop(x, target, weight, ignore, mean, losses, slope))
    share = np.empty(1)
    bad = targets.run(target, weight, ignore, x.shape[1], mean, share)
    if bad >= 0:
        return int(bad)
    in_parts(rows, piece(x.shape[1]), (np.ascontiguousarray(x), target, losses, slope), weight, ignore, share)
    return -1


def scaled_plain(slope: Any, each: Any, target: Any, out: Any, ignore: int) -> None:
    """Rows of slopes times each row's gradient, and zero in ignored ones, where it may be infinite.

    Parameters
    ----------
    slope, out : array, shape (M, C)
        `out` is written.
    each : array, shape (M,), or (1,) for all rows
    target : array, shape (M,)
    ignore : int
    """
    np.multiply(slope, np.where(target == ignore, each.dtype.type(0), each)[:, None], out=out)


@kernel(scaled_plain)
def scaled(slope: Any, each: Any, target: Any, out: Any, ignore: int) -> None:
    for i in range(len(slope)):
        factor = each[i % each.size] if target[i] != ignore else each.dtype.type(0)
        row, into = slope[i], out[i]
        for c in range(row.size):
            into[c] = row[c] * factor


def scaled_slope(slope: Any, g: Any, target: Any, ignore: int) -> Any:
    """`scaled_plain` as a new array, of one gradient for all rows or one for each."""
    out = np.empty(slope.shape, slope.dtype)
    if slope.size < LARGE:  # a small step feels it being asked for how many threads it is
        scaled.run(slope, np.ascontiguousarray(g, slope.dtype), target, out, ignore)
    else:
        each = np.empty(len(slope), slope.dtype)
        each[...] = g
        in_parts(scaled, piece(slope.shape[1]), (slope, each, target, out), ignore)
    return out


def picked_plain(x: Any, target: Any, weight: Any, ignore: int, share: float, losses: Any, scale: Any) -> None:
    """Minus the target's entry of each row, times its weight and `share`; of checked targets.

    Parameters
    ----------
    x, target, weight, ignore, losses
        As for `rows_plain`.
    share : float
        What each loss is multiplied with.
    scale : array, shape (M,)
        Written: the factor of each row, zero where it is ignored.
    """
    ignored = target == ignore
    index = np.where(ignored, 0, target)
    scale[...] = (weight[index] if weight.size else np.ones(len(x), x.dtype)) * x.dtype.type(share)
    losses[...] = -x[np.arange(len(x)), index] * scale
    losses[ignored], scale[ignored] = share if math.isnan(share) else 0, 0


@kernel(picked_plain)
def picked(x: Any, target: Any, weight: Any, ignore: int, share: float, losses: Any, scale: Any) -> None:
    for i in range(target.size):
        t = target[i]
        if t == ignore:
            losses[i], scale[i] = share if math.isnan(share) else 0.0, 0.0
            continue
        scale[i] = share * weight[t] if weight.size else share
        losses[i] = -x[i, t] * scale[i]
