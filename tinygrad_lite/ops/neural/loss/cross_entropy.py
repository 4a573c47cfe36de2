"""`cross_entropy`, `linear_cross_entropy` and `nll_loss`: the losses of classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError, RangeError
from ....engine.quiet import quietly
from ....kernels.losses import cross_entropy as kernel_loss
from ....kernels.losses.cross_entropy import losses_and_slope, scaled_slope
from ....kernels.single_precision import rounded_once
from ....rules import differentiable, unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...linalg.matmul import linear
from ...pointwise.clamp_round_where import masked
from ...reduction.softmax import log_softmax
from .regression import reduction_of

__all__ = ["cross_entropy", "linear_cross_entropy", "nll_loss"]
FUNCTIONAL = __all__
_F32 = np.dtype(np.float32)

# --- cross entropy ----------------------------------------------------------------------------------------------


def _rows_of(x: Any) -> Any:
    """Exponents relative to each row's maximum, their exponentials, and the row sums."""
    z = x - np.maximum.reduce(x, axis=1, keepdims=True)
    e = np.exp(z)
    return z, e, np.add.reduce(e, axis=1, keepdims=True)


def _index_twin(x: Any, target: Any, weight: Any, ignore: int, reduction: str) -> Any:
    return _nll_twin(log_softmax(x, 1), target, weight, ignore, reduction)


def _nll_twin(x: Any, target: Any, weight: Any, ignore: int, reduction: str) -> Any:
    kept = np.not_equal(target, ignore)
    index = np.where(kept, target, 0)
    picked = np.take_along_axis(x, index[:, None], 1)[:, 0]
    scale = masked(weight[index] if math.prod(weight.shape) else np.ones_like(picked), kept)
    if reduction == "mean":
        total = np.sum(scale)
        scale = scale / np.where(np.equal(total, 0), math.nan, total)
    loss = -(masked(picked, kept) * scale)
    return loss if reduction == "none" else loss.sum()


def _ce_index_x(g: Any, slope: Any, target: Any, ignore: int) -> Any:
    return scaled_slope(slope, g, target, ignore)


@differentiable(x=_ce_index_x, aux=("slope",), twin=_index_twin, name="cross_entropy", single=True)
def _ce_index(x: Any, target: Any, weight: Any, ignore: int, reduction: str) -> Any:
    """The loss of class indices, and its slope, found in the same pass."""
    losses, slope = np.empty(len(target), x.dtype), np.empty(x.shape, x.dtype)
    bad = losses_and_slope(x, target, weight, ignore, reduction == "mean", losses, slope)
    if bad >= 0:
        raise RangeError(f"cross_entropy: class indices must be in [0, {x.shape[1] - 1}], got {target[bad]}")
    return losses if reduction == "none" else np.add.reduce(losses), slope


def _dense_twin(x: Any, coefficients: Any, total: bool) -> Any:
    loss = -(log_softmax(x, 1) * coefficients).sum(1)
    return loss.sum() if total else loss


def _dense_x(g: Any, probabilities: Any, coefficients: Any) -> Any:
    each = g[:, None] if g.ndim else g
    weight = np.add.reduce(coefficients, axis=1, keepdims=True)
    return masked(each * (probabilities * weight - coefficients), np.not_equal(weight, 0))  # ignored rows: not 0 * inf


@differentiable(x=_dense_x, aux=("probabilities",), twin=_dense_twin, name="cross_entropy", single=True)
def _ce_dense(x: Any, coefficients: Any, total: bool) -> Any:
    """``-sum(coefficients * log_softmax(x))`` by row, or over all."""
    z, e, s = _rows_of(x)
    loss = -np.add.reduce((z - np.log(s)) * coefficients, axis=1)
    e /= s
    return (np.add.reduce(loss) if total else loss), e


def _scales(target: Any, weight: Any, ignored: Any, dtype: Any, mean: bool) -> tuple[Any, Any]:
    """The factor of each row's loss, before and after the division of a mean."""
    scale = np.ones(len(target), dtype) if weight is None else weight[target]
    if ignored is not None:
        scale = np.where(ignored, dtype.type(0), scale)
    if not mean:
        return scale, dtype.type(1)
    total = scale.sum()
    return scale, dtype.type(1 / total if total else np.nan)


def cross_entropy(
    input: Floating,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Cross entropy between logits and classes, :math:`-w_t \log \mathrm{softmax}(x)_t`, as one operation.

    Parameters
    ----------
    input : Tensor, shape (N, C), (C,) or (N, C, d1, ...), floating
        Unnormalized logits.
    target : Tensor
        Class indices of shape (N,), () or (N, d1, ...), or probabilities of the shape of `input`.
    weight : Tensor, shape (C,), optional
        A factor for each class. The mean divides by the sum of the targets' weights.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    ignore_index : int
        Rows with this target count for nothing.
    reduction : "none", "mean" or "sum"
        The mean over no rows is NaN.
    label_smoothing : float in [0, 1]
        Mix the target with the uniform distribution (Szegedy et al., 2016).

    Returns
    -------
    Tensor, scalar or the target's shape

    Raises
    ------
    ValueError
        For shapes that do not fit and options out of range.
    IndexError
        For a class index outside ``[0, C)``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cross_entropy(tg.zeros(2, 4), tg.tensor([1, 3]))
    tensor(1.3863)
    """
    x, t = unwrap(input), np.asarray(unwrap(target))
    if x.dtype.kind != "f":
        raise DtypeError(f"cross_entropy: input must be floating point, got {x.dtype}")
    reduction = reduction_of(reduction, size_average, reduce, "cross_entropy")
    if not 0.0 <= label_smoothing <= 1.0:
        raise InputError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    classes = x.shape[0 if x.ndim == 1 else 1] if x.ndim else 0
    w = _constant(weight, classes, wide(x.dtype), "cross_entropy")
    outer = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if x.ndim == 1:
        input = input[None]
    elif x.ndim > 2:
        input = input.movedim(1, -1).reshape(-1, classes)
    if t.shape == x.shape and t.dtype.kind == "f":
        if ignore_index >= 0:
            raise InputError(f"cross_entropy: ignore_index is for class indices, got {ignore_index} for probabilities")
        loss = _soft(input, target, t, w, reduction, label_smoothing, outer)
    else:
        if t.shape != outer or t.dtype.kind not in "iu":
            raise InputError(
                f"cross_entropy: target must hold class indices of shape {outer} or probabilities of shape {x.shape}, "
                f"got {t.dtype} of shape {t.shape}"
            )
        loss = _hard(input, t.reshape(-1), w, ignore_index, reduction, label_smoothing, classes)
    return loss.reshape(outer) if reduction == "none" else _of_none(loss, t, reduction)


@rounded_once
def linear_cross_entropy(
    input: Floating,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """`cross_entropy` of the results of `linear`.

    Parameters
    ----------
    input : Tensor, shape (N, in) or (in,), floating
    linear_weight : Tensor, shape (C, in), or (C, d_1, ..., d_K, in) for K further dimensions of the target
    target : Tensor
        See `cross_entropy`: class indices (N, d_1, ..., d_K), or probabilities (N, C, d_1, ..., d_K).
    linear_bias : Tensor, shape (C, d_1, ..., d_K), optional
    weight : Tensor, shape (C,), optional
    reduction : "none", "mean" or "sum"
    ignore_index : int, optional
        A class that counts for nothing. Default: -100.
    label_smoothing : float in [0, 1]
    options : optional
        How PyTorch cuts the batch to save memory. Accepted; the result is the same.

    Returns
    -------
    Tensor, scalar or the target's shape

    Raises
    ------
    ValueError
        For shapes that do not fit and options out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linear_cross_entropy(tg.zeros(3, 2), tg.ones(4, 2), tg.tensor([0, 1, 2]))
    tensor(1.3863)
    """
    classes, *outer, size = unwrap(linear_weight).shape if unwrap(linear_weight).ndim > 1 else (0, 0)
    if not size or (outer and unwrap(input).ndim != 2):
        raise InputError(f"linear_cross_entropy: linear_weight must be of shape (C, in), or (C, ..., in) for an input "
                         f"(N, in), got {unwrap(linear_weight).shape} and {unwrap(input).shape}")  # fmt: skip
    bias = linear_bias if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight.reshape(-1, size), bias)
    logits = logits.reshape(*unwrap(input).shape[:-1], classes, *outer)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight, ignore_index=ignored, reduction=reduction, label_smoothing=label_smoothing
    )


def _of_none(loss: Any, target: Any, reduction: str) -> Any:
    """The mean over no targets is NaN."""
    return loss if target.size or reduction == "sum" else loss * math.nan


def _hard(input: Any, t: Any, w: Any, ignore: int, reduction: str, smoothing: float, classes: int) -> Any:
    dtype = wide(unwrap(input).dtype)
    if not smoothing:
        return _ce_index.record((input, t, np.empty(0, dtype) if w is None else w, ignore, reduction))
    coefficients = smoothed(t, w, ignore, reduction == "mean", smoothing, classes, dtype)
    return _ce_dense.record((input, coefficients, reduction != "none"))


@quietly
def smoothed(t: Any, w: Any, ignore: int, mean: bool, smoothing: float, classes: int, dtype: Any) -> Any:
    """What each class counts for in each row, where targets are mixed with uniform ones."""
    ignored = t == ignore
    if ignored.any():
        t = np.where(ignored, 0, t)
    else:
        ignored = None
    if t.size and (t.min() < 0 or t.max() >= classes):
        raise RangeError(f"cross_entropy: class indices must be in [0, {classes - 1}], got {t.min()} to {t.max()}")
    scale, share = _scales(t, w, ignored, dtype, mean)
    uniform = (
        np.full((len(t), classes), smoothing / classes, dtype)
        if w is None
        else np.tile(w, (len(t), 1)) * dtype.type(smoothing / classes)
    )
    if ignored is not None:
        uniform[ignored] = 0
    uniform[np.arange(len(t)), t] += scale * dtype.type(1 - smoothing)
    return uniform * share


def _soft(input: Any, target: Any, t: Any, w: Any, reduction: str, smoothing: float, outer: Any) -> Any:
    count, classes = unwrap(input).shape
    wanted, share = getattr(target, "requires_grad", False), 1 / max(count, 1) if reduction == "mean" else None
    total = reduction != "none"
    if wanted:
        coefficients = _mixed(target, None if w is None else wrap(w), share, smoothing, classes)
        dtype = unwrap(input).dtype
        return _dense_twin(input.astype(wide(dtype)), coefficients, total).astype(dtype)
    return _ce_dense.record((input, mixed_targets(t, w, share, smoothing, classes), total))


def _mixed(source: Any, w: Any, share: float | None, smoothing: float, classes: int) -> Any:
    dtype = wide(unwrap(source).dtype)
    source = source if dtype == unwrap(source).dtype else source.astype(dtype)
    if source.ndim == 1:
        source = source[None]
    elif source.ndim > 2:
        moved = source.movedim(1, -1) if hasattr(source, "_node") else np.moveaxis(source, 1, -1)
        source = moved.reshape(-1, classes)
    mixed = source * (1 - smoothing) + smoothing / classes if smoothing else source
    if w is not None:
        mixed = mixed * w
    return mixed if share is None else mixed * dtype.type(share)


@quietly
def mixed_targets(t: Any, w: Any, share: float | None, smoothing: float, classes: int) -> Any:
    """Targets that are probabilities, mixed with uniform ones, and what each counts for."""
    return _mixed(t, w, share, smoothing, classes)


def wide(dtype: Any) -> Any:
    """In what the shares of many rows are computed, which float16 does not hold."""
    return _F32 if dtype == np.float16 else dtype


def _constant(weight: Any, classes: int, dtype: Any, who: str) -> Any:
    """Weights of classes as an array, or None."""
    if weight is None:
        return None
    if getattr(weight, "requires_grad", False):
        raise NotImplementedError(f"{who}: no gradient is known with respect to 'weight', which requires grad")
    w = unwrap(weight)
    if np.shape(w) != (classes,):
        raise InputError(
            f"{who}: weight must have shape ({classes},), got {np.shape(w)} (weight tensor should be defined either "
            f"for all {classes} classes or no classes)"
        )
    return as_dtype(w, dtype)


def as_dtype(weight: Any, dtype: Any) -> Any:
    """Weights of classes as an array of a dtype."""
    return np.asarray(weight, dtype)


def nll_loss(
    input: Floating,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of classes, given log-probabilities.

    Parameters
    ----------
    input : Tensor, shape (N, C), (C,) or (N, C, d1, ...), floating
        Log-probabilities, such as `log_softmax` gives.
    target : Tensor, shape (N,), () or (N, d1, ...), integer
    weight : Tensor, shape (C,), optional
        A factor for each class. The mean divides by the sum of the targets' weights.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    ignore_index : int
        Rows with this target count for nothing.
    reduction : "none", "mean" or "sum"
        The mean over no rows is NaN.

    Returns
    -------
    Tensor, scalar or the target's shape

    Raises
    ------
    ValueError
        For shapes that do not fit and options out of range.
    IndexError
        For a class index outside ``[0, C)``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nll_loss(tg.tensor([[-0.5, -1.0], [-2.0, -0.1]]), tg.tensor([0, 1]), reduction="none")
    tensor([0.5000, 0.1000])
    """
    x, t = unwrap(input), np.asarray(unwrap(target))
    how = reduction_of(reduction, size_average, reduce, "nll_loss")
    classes = x.shape[0 if x.ndim == 1 else 1] if x.ndim else 0
    outer = () if x.ndim == 1 else (x.shape[0], *x.shape[2:]) if x.ndim else None
    if t.shape != outer or t.dtype.kind not in "iu":
        raise InputError(
            f"nll_loss: target must hold class indices of shape {outer}, got {t.dtype} of shape {t.shape}"
            + (" (1D target tensor expected, multi-target not supported)" if x.ndim == 2 else "")
        )
    w = _constant(weight, classes, x.dtype, "nll_loss")
    rows = input[None] if x.ndim == 1 else input.movedim(1, -1).reshape(-1, classes) if x.ndim > 2 else input
    loss = _nll.record((rows, t.reshape(-1), np.empty(0, x.dtype) if w is None else w, ignore_index, how))
    return loss.reshape(outer) if how == "none" else _of_none(loss, t, how)


def _nll_x(g: Any, x_shape: Any, target: Any, ignore: int, scale: Any) -> Any:
    out = np.zeros(x_shape, scale.dtype)
    kept = target != ignore
    if kept.all():
        out[np.arange(len(target)), target] = -g * scale
    else:
        out[np.flatnonzero(kept), target[kept]] = (-g * scale)[kept]
    return out


@differentiable(x=_nll_x, aux=("scale",), twin=_nll_twin, name="nll_loss", single=True)
def _nll(x: Any, target: Any, weight: Any, ignore: int, reduction: str) -> Any:
    """Minus the targets' entries, and their factors."""
    target = target.astype(np.int64, copy=False)
    share = np.empty(1)
    bad = kernel_loss.targets.run(target, weight, ignore, x.shape[1], reduction == "mean", share)
    if bad >= 0:
        kept = target[target != ignore]
        raise RangeError(f"nll_loss: class indices must be in [0, {x.shape[1] - 1}], got {kept.min()} to {kept.max()}")
    losses, scale = np.empty((2, len(target)), x.dtype)
    kernel_loss.picked.run(x, target, weight, ignore, float(share[0]), losses, scale)
    return losses if reduction == "none" else np.add.reduce(losses), scale
