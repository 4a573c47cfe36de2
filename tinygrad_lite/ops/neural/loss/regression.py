"""Losses that compare element by element, and the reductions of all losses."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....engine.fast_calls import elementwise
from ....graph import outside
from ....kernels.elementwise.fused import fused
from ....kernels.single_precision import rounded_once
from ....rules import differentiable, unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import built, ordered_only
from ...pointwise.arithmetic import abs as _abs
from ...pointwise.clamp_round_where import masked_of
from ...pointwise.exp_log_trig import logsigmoid, sigmoid, softplus_of
from ...reduction.sums import mean, sum

__all__ = ["binary_cross_entropy", "l1_loss", "mse_loss"]
FUNCTIONAL = [*__all__, "binary_cross_entropy_with_logits"]


def reduction_of(reduction: str, size_average: Any, reduce: Any, who: str) -> str:
    """The reduction's name, checked; PyTorch's old flags take precedence, as there."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise InputError(f"{who}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    return reduction


def reduced(loss: Any, weight: Any, reduction: str) -> Any:
    """The loss of elements, weighted and then reduced; a mean divides by the number of elements."""
    if weight is not None:
        loss = loss * weight
    return mean(loss) if reduction == "mean" else sum(loss) if reduction == "sum" else loss


def probabilities(given: Any, name: str) -> None:
    """Refuse what is no probability."""
    value = unwrap(given)
    if value.size and not (value.min() >= 0 and value.max() <= 1):
        raise InputError(f"binary_cross_entropy: {name} must be in [0, 1], got {value.min()} to {value.max()}")


def _weighted(loss: Any, weight: Any, reduction: str) -> Any:
    """As `reduced`, but a mean divides by the sum of the weights."""
    if weight is None or reduction != "mean":
        return reduced(loss, weight, reduction)
    return sum(loss * weight) / sum(weight * wrap(built(np.ones, loss.shape, loss.dtype)))


# --- regression -------------------------------------------------------------------------------------------------

_squared_error = elementwise(
    lambda x, y: np.square(x - y), name="squared_error", single="each",
    x=lambda g, x, y: g * (2 * (x - y)), y=lambda g, x, y: g * (2 * (y - x)),
)  # fmt: skip


def paired(input: Any, target: Any, who: str, *, smaller: bool = False) -> None:
    """Warn of shapes that differ, as PyTorch does for distances: (N, 1) and (N,) compare all with all.

    Where `smaller` is true, a target that broadcasts to the input's shape is nothing to warn of.
    """
    shapes = unwrap(input).shape, unwrap(target).shape
    if shapes[0] == shapes[1]:
        return
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise InputError(f"{who}: input and target shapes must broadcast, got {shapes[0]} and {shapes[1]}") from None
    if not (smaller and shape == shapes[0]):
        text = (
            f"{who}: input and target should have the same shape, got {shapes[0]} and {shapes[1]}, which broadcast "
            "(This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.)"
        )
        warnings.warn(text, UserWarning, stacklevel=outside())


def within(input: Any, target: Any, who: str) -> None:
    """Refuse a target that does not broadcast to the input's shape."""
    shapes = unwrap(input).shape, unwrap(target).shape
    if shapes[0] == shapes[1]:
        return
    try:
        fits = np.broadcast_shapes(*shapes) == shapes[0]
    except ValueError:
        fits = False
    if not fits:
        raise InputError(f"{who}: target must broadcast to the input's shape {shapes[0]}, got {shapes[1]}")


@rounded_once
def mse_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Tensor:
    """Squared error, ``(input - target)**2``.

    Parameters
    ----------
    input, target : Tensor, of the same shape
        Others are broadcast, with a UserWarning.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"
    weight : Tensor, optional
        A factor for each element, of a shape that broadcasts; a mean divides by the sum of the factors.

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For shapes that do not broadcast, and another reduction.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.mse_loss(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0]))
    tensor(2.)
    """
    how = reduction_of(reduction, size_average, reduce, "mse_loss")
    for each in (input, target):
        ordered_only(each, "mse_loss")  # the square of a complex number is no distance
    paired(input, target, "mse_loss")
    return _weighted(_squared_error(input, target), weight, how)


@rounded_once
def l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", weight: Any = None
) -> Tensor:
    """Absolute error, ``|input - target|``.

    Parameters
    ----------
    input, target : Tensor, of the same shape
        Others are broadcast, with a UserWarning.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"
    weight : Tensor, optional
        A factor for each element, of a shape that broadcasts; a mean divides by the sum of the factors.

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For shapes that do not broadcast, and another reduction.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.l1_loss(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0]))
    tensor(1.)
    """
    how = reduction_of(reduction, size_average, reduce, "l1_loss")
    paired(input, target, "l1_loss")
    return _weighted(_abs(input - target), weight, how)


# --- binary cross entropy ---------------------------------------------------------------------------------------


def _matched(input: Any, target: Any, who: str) -> None:
    shapes = unwrap(input).shape, np.shape(unwrap(target))
    if shapes[0] != shapes[1]:
        raise InputError(f"{who}: target must have the input's shape {shapes[0]}, got {shapes[1]}")


def logits_loss_of(x: Any, target: Any) -> Any:
    """Binary cross entropy of arrays, without a factor."""
    above, below = np.maximum(x, 0) * (1 - target), masked_of(np.minimum(x, 0) * target, np.not_equal(target, 0))
    return softplus_of(-np.abs(x)) + (above - below)  # each infinite alone


def logits_loss_slope(g: Any, x: Any, target: Any) -> Any:
    """`g` times the derivative of `logits_loss_of` with respect to `x`."""
    return g * (sigmoid(x) - target)


_logits_loss, _logits_loss_back = fused(logits_loss_of), fused(logits_loss_slope)


def _bce_logits_x(g: Any, x: Any, target: Any, pos_weight: Any) -> Any:
    if type(pos_weight) is float:
        return _logits_loss_back(g, x, target)
    return g * ((1 - target) - (1 + (pos_weight - 1) * target) * sigmoid(-x))


@differentiable(
    x=_bce_logits_x,
    target=lambda g, x, pos_weight: g * (logsigmoid(-x) - pos_weight * logsigmoid(x)),
    pos_weight=lambda g, x, target: -g * (target * logsigmoid(x)),
    name="binary_cross_entropy_with_logits",
    promotes=("x", "target", "pos_weight"),
    single="each",
)
def _bce_logits(x: Any, target: Any, pos_weight: Any = 1.0) -> Any:
    """The factor is an array, or 1.0."""
    if type(pos_weight) is float:
        return _logits_loss(x, target)
    return (1 - target) * x + (1 + (pos_weight - 1) * target) * softplus_of(-x)


@rounded_once
def binary_cross_entropy_with_logits(
    input: Floating,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Tensor:
    r"""Binary cross entropy of logits, :math:`-w_+ t \log\sigma(x) - (1 - t) \log(1 - \sigma(x))`, without overflow.

    Parameters
    ----------
    input : Tensor, floating
        Logits.
    target : Tensor, the input's shape
        Probabilities.
    weight : Tensor, optional
        A factor for each element, of a shape that broadcasts.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"
    pos_weight : Tensor, optional
        The factor of the first term, of a shape that broadcasts.

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For shapes that differ, and another reduction.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.binary_cross_entropy_with_logits(tg.tensor([0.0, 1000.0]), tg.tensor([1.0, 1.0]))
    tensor(0.3466)
    """
    who = "binary_cross_entropy_with_logits"
    how = reduction_of(reduction, size_average, reduce, who)
    _matched(input, target, who)
    loss = _bce_logits.record((input, target, 1.0 if pos_weight is None else pos_weight))
    return reduced(loss, weight, how)


def _bce_spread(x: Any) -> Any:
    return np.maximum((1 - x) * x, 1e-12)


@differentiable(
    x=lambda g, x, target: (
        g * ((x * x - 2 * x * target + target) / np.square((1 - x) * x + 1e-12))
    ),  # so PyTorch has it
    target=lambda g, x: -g / _bce_spread(x),
    name="binary_cross_entropy",
)
def _bce_slope(x: Any, target: Any) -> Any:
    """A row of its own, since the slope of what is kept above 1e-12 is not that of a constant."""
    return (x - target) / _bce_spread(x)


@differentiable(
    x=lambda g, x, target: g * _bce_slope(x, target),
    target=lambda g, x: g * (np.log1p(-x) - np.log(x)),
    name="binary_cross_entropy",
    single="each",
)
def _bce(x: Any, target: Any) -> Any:
    with np.errstate(divide="ignore"):
        return -target * np.maximum(np.log(x), -100) - (1 - target) * np.maximum(np.log1p(-x), -100)


@rounded_once
def binary_cross_entropy(
    input: Floating,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Binary cross entropy of probabilities, :math:`-t \log p - (1 - t) \log(1 - p)`.

    Logarithms are kept above -100 and the gradient's denominator :math:`p (1 - p)` above 1e-12, as in PyTorch; so are
    the second derivatives, of which that limit is no part.

    Parameters
    ----------
    input : Tensor, floating, in [0, 1]
    target : Tensor, the input's shape, in [0, 1]
    weight : Tensor, optional
        A factor for each element, of a shape that broadcasts.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For shapes that differ, numbers that are no probabilities, and another reduction.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.binary_cross_entropy(tg.tensor([0.5, 1.0]), tg.tensor([1.0, 1.0]))
    tensor(0.3466)
    """
    how = reduction_of(reduction, size_average, reduce, "binary_cross_entropy")
    _matched(input, target, "binary_cross_entropy")
    probabilities(input, "input")
    probabilities(target, "target")
    return reduced(_bce.record((input, target)), weight, how)
