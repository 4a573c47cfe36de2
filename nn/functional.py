"""The functions behind the layers, under PyTorch's names.

Most are the engine's own operations; here they get the arguments that only this face has (``inplace``,
``mode``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import (
    Generator,
    Tensor,
    batch_norm,
    bilinear,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    linear,
    log_softmax,
    logsigmoid,
    mse_loss,
    nll_loss,
    one_hot,
    pdist,
    sigmoid,
    softmax,
    tanh,
)
from tinygrad_lite.ops import activation, bent, gates, spatial
from tinygrad_lite.ops.activation import *
from tinygrad_lite.ops.bent import *
from tinygrad_lite.ops.fold import fold as fold
from tinygrad_lite.ops.fold import unfold as unfold
from tinygrad_lite.ops.gates import *
from tinygrad_lite.ops.join import pad as pad
from tinygrad_lite.ops.spatial import *  # noqa: F403  the names are in spatial.__all__
from tinygrad_lite.views import write

from ._checks import REDUCTIONS, check_choice, check_probability

__all__ = [
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pdist",
    "sigmoid",
    "smooth_l1_loss",
    "softmax",
    "tanh",
]

__all__ += ["fold", "pad", "unfold"]
__all__ += [*spatial.__all__, *activation.__all__, *bent.__all__, *gates.__all__]

DROPOUT_MODES = ("inverted", "vanilla")


# --- activations ----------------------------------------------------------------------------------


def _overwrite(input: Tensor, function: Callable[[Tensor], Tensor], name: str) -> Tensor:
    return write(input, function, (), name)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise.

    Parameters
    ----------
    input : Tensor, any shape, floating
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.relu(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _overwrite(input, tg.relu, "relu_") if inplace else tg.relu(input)


# --- dropout --------------------------------------------------------------------------------------


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    mode: str = "inverted",
    generator: Generator | None = None,
) -> Tensor:
    """In training, set each element to zero with probability p, independently.

    Parameters
    ----------
    input : Tensor, floating
    p : float
        In [0, 1].
    training : bool
    inplace : bool
        Overwrite the input.
    mode : {"inverted", "vanilla"}
        See `nn.Dropout`, which explains the two kinds.
    generator : Generator, optional
        What the mask is drawn with.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    ValueError
        If p is not in [0, 1] or the mode is unknown.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> y = F.dropout(tg.ones(1000), 0.75, generator=tg.Generator().manual_seed(0))
    >>> sorted(set(y.tolist()))
    [0.0, 4.0]
    """
    check_choice("dropout", "mode", mode, DROPOUT_MODES)
    check_probability("dropout", "p", p)

    def thinned(x: Tensor) -> Tensor:
        if mode == "inverted":
            return tg.dropout(x, p, training, generator=generator)
        if training:
            return x * (tg.rand(x.shape, generator=generator) >= p).to(x.dtype)
        return x * (1.0 - p)

    return _overwrite(input, thinned, "dropout_") if inplace else thinned(input)


# --- losses ---------------------------------------------------------------------------------------


def _reduced(loss: Tensor, reduction: str, who: str) -> Tensor:
    check_choice(who, "reduction", reduction, REDUCTIONS)
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _same_shape(who: str, input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        raise ValueError(f"{who}: input and target must have the same shape, got {input.shape} and {target.shape}")


def smooth_l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """0.5 d^2 / beta where d = |input - target| < beta, d - 0.5 beta elsewhere.

    Parameters
    ----------
    input, target : Tensor, of the same shape
    reduction : {"mean", "sum", "none"}
    beta : float
        Where the square turns into the absolute value; 0 gives `l1_loss`.

    Returns
    -------
    Tensor, shape () when reduced

    Raises
    ------
    ValueError
        If the shapes differ or beta is negative.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.smooth_l1_loss(tg.tensor([0.5, 3.0]), tg.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must be >= 0, got {beta}")
    if beta == 0:
        _same_shape("smooth_l1_loss", input, target)
        return l1_loss(input, target, reduction=reduction)
    return huber_loss(input, target, reduction=reduction, delta=beta) / beta


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """0.5 d^2 where d = |input - target| < delta, delta (d - 0.5 delta) elsewhere.

    Parameters
    ----------
    input, target : Tensor, of the same shape
    reduction : {"mean", "sum", "none"}
    delta : float
        Where the square turns into a line.
    weight : Tensor, optional
        Of the elements, broadcast with them.

    Returns
    -------
    Tensor, shape () when reduced

    Raises
    ------
    ValueError
        If the shapes differ or delta is not positive.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.huber_loss(tg.tensor([1.0, 3.0]), tg.zeros(2), reduction="none", delta=2.0)
    tensor([0.5000, 4.0000])
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be > 0, got {delta}")
    _same_shape("huber_loss", input, target)
    distance = tg.abs(input - target)
    near = tg.clamp(distance, max=delta)
    loss = near * (distance - 0.5 * near)  # both branches at once
    return _reduced(loss if weight is None else loss * weight, reduction, "huber_loss")


def kl_div(input: Tensor, target: Tensor, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """Kullback-Leibler divergence target (log(target) - input), the input being log probabilities.

    Parameters
    ----------
    input, target : Tensor, of shapes that broadcast
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the size of dimension 0.
    log_target : bool
        Whether the target is log probabilities, too.

    Returns
    -------
    Tensor, shape () when reduced

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.kl_div(tg.tensor([[0.5, 0.5]]).log(), tg.tensor([[1.0, 0.0]]), reduction="batchmean")
    tensor(0.6931)
    """
    if log_target:
        loss = tg.exp(target) * (target - input)
    else:
        loss = target * (tg.log(tg.where(target > 0, target, 1.0)) - input)  # 0 log 0 = 0
    if reduction == "batchmean":
        return loss.sum() / input.shape[0]
    return _reduced(loss, reduction, "kl_div")
