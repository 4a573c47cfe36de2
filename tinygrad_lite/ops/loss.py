"""Losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import differentiable, elementwise, unwrap
from .elementwise import _softplus_unit, clamp, log, neg, sigmoid
from .elementwise import abs as _abs
from .reduce import log_softmax
from .reduce import mean as _mean
from .reduce import sum as _sum

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "l1_loss", "mse_loss",
    "nll_loss",
]  # fmt: skip

_REDUCTIONS = ("none", "mean", "sum")


def reduced(loss: Any, reduction: str, who: str) -> Any:
    """Apply a reduction by name."""
    if reduction == "mean":
        return _mean(loss)
    if reduction == "sum":
        return _sum(loss)
    if reduction == "none":
        return loss
    raise ValueError(f"{who}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")


# --- cross entropy --------------------------------------------------------------------------------------------------------


def _rows_of(x: Any) -> Any:
    """Exponents relative to each row's maximum, their exponentials, and the row sums."""
    z = x - np.maximum.reduce(x, axis=1, keepdims=True)
    e = np.exp(z)
    return z, e, np.add.reduce(e, axis=1, keepdims=True)


def _index_twin(x: Any, target: Any, scale: Any, total: bool) -> Any:
    picked = log_softmax(x, 1)[np.arange(len(target)), target]
    loss = -(picked * scale)
    return loss.sum() if total else loss


def _index_x(g: Any, probabilities: Any, target: Any, scale: Any) -> Any:
    each = g * scale
    d = probabilities * each[:, None]
    d[np.arange(len(target)), target] -= each
    return d


@differentiable(x=_index_x, aux=("probabilities",), twin=_index_twin, name="cross_entropy")
def _ce_index(x: Any, target: Any, scale: Any, total: bool) -> Any:
    """``-scale * log_softmax(x)[target]`` by row, or their sum."""
    z, e, s = _rows_of(x)  # (M, C), (M, C), (M, 1)
    picked = z[np.arange(len(target)), target]
    picked -= np.log(s[:, 0])
    loss = np.where(np.equal(scale, 0), 0, -picked) * scale
    e /= s
    return (np.add.reduce(loss) if total else loss), e


def _dense_twin(x: Any, coefficients: Any, total: bool) -> Any:
    loss = -(log_softmax(x, 1) * coefficients).sum(1)
    return loss.sum() if total else loss


def _dense_x(g: Any, probabilities: Any, coefficients: Any) -> Any:
    each = g[:, None] if g.ndim else g
    return each * (probabilities * np.add.reduce(coefficients, axis=1, keepdims=True) - coefficients)


@differentiable(x=_dense_x, aux=("probabilities",), twin=_dense_twin, name="cross_entropy")
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
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    r"""Cross entropy between logits and classes, :math:`-w_t \log \mathrm{softmax}(x)_t`, as one operation.

    Parameters
    ----------
    input : Tensor, shape (N, C), (C,) or (N, C, d1, ...), floating
        Unnormalized logits.
    target : Tensor
        Class indices of shape (N,), () or (N, d1, ...), or probabilities of the shape of `input`.
    weight : Tensor, shape (C,), optional
        A factor for each class. The mean divides by the sum of the targets' weights.
    ignore_index : int
        Rows with this target count for nothing.
    reduction : "none", "mean" or "sum"
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
        raise TypeError(f"cross_entropy: input must be floating point, got {x.dtype}")
    if reduction not in _REDUCTIONS:
        raise ValueError(f"cross_entropy: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    classes = x.shape[0 if x.ndim == 1 else 1] if x.ndim else 0
    w = None if weight is None else np.asarray(unwrap(weight), x.dtype)
    if w is not None and w.shape != (classes,):
        raise ValueError(f"cross_entropy: weight must have shape ({classes},), got {w.shape}")
    outer = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if x.ndim == 1:
        input = input[None]
    elif x.ndim > 2:
        input = input.movedim(1, -1).reshape(-1, classes)
    if t.shape == x.shape and t.dtype.kind == "f":
        loss = _soft(input, target, t, w, reduction, label_smoothing, outer)
    else:
        if t.shape != outer or t.dtype.kind not in "iu":
            raise ValueError(
                f"cross_entropy: target must hold class indices of shape {outer} or probabilities of shape {x.shape}, "
                f"got {t.dtype} of shape {t.shape}"
            )
        loss = _hard(input, t.reshape(-1), w, ignore_index, reduction, label_smoothing, classes)
    return loss.reshape(outer) if reduction == "none" else loss


def _hard(input: Any, t: Any, w: Any, ignore: int, reduction: str, smoothing: float, classes: int) -> Any:
    dtype = unwrap(input).dtype
    ignored = t == ignore
    if ignored.any():
        t = np.where(ignored, 0, t)
    else:
        ignored = None
    if t.size and (t.min() < 0 or t.max() >= classes):
        raise IndexError(f"cross_entropy: class indices must be in [0, {classes - 1}], got {t.min()} to {t.max()}")
    scale, share = _scales(t, w, ignored, dtype, reduction == "mean")
    total = reduction != "none"
    if not smoothing:
        return _ce_index.record((input, t, scale * share, total))
    uniform = np.full((len(t), classes), smoothing / classes, dtype) if w is None else np.tile(w, (len(t), 1)) * dtype.type(
        smoothing / classes
    )
    if ignored is not None:
        uniform[ignored] = 0
    uniform[np.arange(len(t)), t] += scale * dtype.type(1 - smoothing)
    return _ce_dense.record((input, uniform * share, total))


def _soft(input: Any, target: Any, t: Any, w: Any, reduction: str, smoothing: float, outer: Any) -> Any:
    dtype, classes = unwrap(input).dtype, unwrap(input).shape[1]
    total = reduction != "none"
    wanted = getattr(target, "requires_grad", False)
    source = target if wanted else t
    if t.ndim == 1:
        source = source[None]
    elif t.ndim > 2:
        source = source.movedim(1, -1).reshape(-1, classes) if wanted else np.moveaxis(t, 1, -1).reshape(-1, classes)
    mixed = source * (1 - smoothing) + smoothing / classes if smoothing else source
    if w is not None:
        mixed = mixed * w
    if reduction == "mean":
        mixed = mixed * dtype.type(1 / max(len(unwrap(input)), 1))
    return _dense_twin(input, mixed, total) if wanted else _ce_dense.record((input, mixed, total))


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """Negative log likelihood of class indices, given log-probabilities; arguments as `cross_entropy`'s."""
    x, t = unwrap(input), np.asarray(unwrap(target))
    if reduction not in _REDUCTIONS:
        raise ValueError(f"nll_loss: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    classes = x.shape[0 if x.ndim == 1 else 1] if x.ndim else 0
    outer = () if x.ndim == 1 else (x.shape[0], *x.shape[2:])
    if t.shape != outer or t.dtype.kind not in "iu":
        raise ValueError(f"nll_loss: target must hold class indices of shape {outer}, got {t.dtype} of shape {t.shape}")
    rows = input[None] if x.ndim == 1 else input.movedim(1, -1).reshape(-1, classes) if x.ndim > 2 else input
    flat = t.reshape(-1)
    ignored = flat == ignore_index
    flat = np.where(ignored, 0, flat)
    if flat.size and (flat.min() < 0 or flat.max() >= classes):
        raise IndexError(f"nll_loss: class indices must be in [0, {classes - 1}], got {flat.min()} to {flat.max()}")
    w = None if weight is None else np.asarray(unwrap(weight), x.dtype)
    scale, share = _scales(flat, w, ignored, x.dtype, reduction == "mean")
    loss = rows[np.arange(len(flat)), flat] * (-scale * share)
    return loss.reshape(outer) if reduction == "none" else loss.sum()


# --- regression -----------------------------------------------------------------------------------------------------------

_squared_error = elementwise(
    lambda x, y: np.square(x - y), name="squared_error",
    x=lambda g, x, y: g * (2 * (x - y)), y=lambda g, x, y: g * (2 * (y - x)),
)  # fmt: skip


def _paired(input: Any, target: Any, who: str) -> None:
    try:
        np.broadcast_shapes(unwrap(input).shape, np.shape(unwrap(target)))
    except ValueError:
        raise ValueError(
            f"{who}: input and target shapes must broadcast, got {unwrap(input).shape} and {np.shape(unwrap(target))}"
        ) from None


def mse_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Any:
    """Squared error, :math:`(x - y)^2`, reduced."""
    _paired(input, target, "mse_loss")
    loss = _squared_error(input, target)
    return reduced(loss if weight is None else loss * weight, reduction, "mse_loss")


def l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Any:
    """Absolute error, :math:`|x - y|`, reduced."""
    _paired(input, target, "l1_loss")
    loss = _abs(input - target)
    return reduced(loss if weight is None else loss * weight, reduction, "l1_loss")


# --- binary cross entropy ---------------------------------------------------------------------------------------------------


@differentiable(
    x=lambda g, x, target, pos_weight: (
        g * ((1 - target) - (1 + (pos_weight - 1) * target) * sigmoid(-x))
    ),
    target=lambda g, x, pos_weight: g * ((pos_weight - 1) * -_log_sigmoid(x) - x),
    pos_weight=lambda g, x, target: g * (target * -_log_sigmoid(x)),
    name="binary_cross_entropy_with_logits",
)
def _bce_logits(x: Any, target: Any, pos_weight: Any = 1.0) -> Any:
    return (1 - target) * x + (1 + (pos_weight - 1) * target) * _softplus_unit(-x)


def _log_sigmoid(x: Any) -> Any:
    from .elementwise import logsigmoid

    return logsigmoid(x)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    r"""Binary cross entropy of :math:`\sigma(x)`, without overflow.

    Parameters
    ----------
    input : Tensor, floating
        Logits.
    target : Tensor, the input's shape
        Probabilities.
    weight : Tensor, optional
        A factor for each element.
    reduction : "none", "mean" or "sum"
    pos_weight : Tensor, optional
        A factor for the positive part.
    """
    if np.shape(unwrap(target)) != unwrap(input).shape:
        raise ValueError(
            f"binary_cross_entropy_with_logits: target must have the input's shape {unwrap(input).shape}, "
            f"got {np.shape(unwrap(target))}"
        )
    loss = _bce_logits(input, target, 1.0 if pos_weight is None else pos_weight)
    return reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy_with_logits")


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    """Binary cross entropy of probabilities; logarithms are kept above -100, as in PyTorch."""
    p = unwrap(input)
    if np.shape(unwrap(target)) != p.shape:
        raise ValueError(
            f"binary_cross_entropy: target must have the input's shape {p.shape}, got {np.shape(unwrap(target))}"
        )
    if p.size and not ((p >= 0) & (p <= 1)).all():
        raise ValueError("binary_cross_entropy: input must hold probabilities in [0, 1]")
    with np.errstate(divide="ignore"):
        loss = neg(target * clamp(log(input), min=-100.0) + (1 - target) * clamp(log(1 - input), min=-100.0))
    return reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy")
