"""The functions behind the layers, under PyTorch's names.

Most are the engine's own operations; here they get the arguments that only this face has (``inplace``,
``mode``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import (
    Generator,
    Tensor,
    batch_norm,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    gelu,
    l1_loss,
    linear,
    log_softmax,
    logsigmoid,
    mse_loss,
    nll_loss,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from tinygrad_lite.views import write

from ._checks import REDUCTIONS, check_choice, check_probability

__all__ = [
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "gelu",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "tanh",
]

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


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """max(x, 0) + negative_slope * min(x, 0), elementwise.

    Parameters
    ----------
    input : Tensor, any shape, floating
    negative_slope : float
        The slope for negative inputs.
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.leaky_relu(tg.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    if inplace:
        return _overwrite(input, lambda x: tg.leaky_relu(x, negative_slope), "leaky_relu_")
    return tg.leaky_relu(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit, elementwise: x above zero, alpha (exp(x) - 1) below.

    Parameters
    ----------
    input : Tensor, any shape, floating
    alpha : float
    inplace : bool
        Overwrite the input.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.elu(tg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return _overwrite(input, lambda x: tg.elu(x, alpha), "elu_") if inplace else tg.elu(input, alpha)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Sigmoid linear unit x sigma(x), elementwise.

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
    >>> F.silu(tg.tensor([0.0, 2.0]))
    tensor([0.0000, 1.7616])
    """
    return _overwrite(input, tg.silu, "silu_") if inplace else tg.silu(input)


def softmin(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """exp(-x_i) / sum_j exp(-x_j) along one dimension.

    Parameters
    ----------
    input : Tensor, floating
    dim : int, optional
        Always say which; see `nn.Softmax`.
    dtype : dtype, optional
        Of the result, into which the input is cast first.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.softmin(tg.tensor([0.0, 2.0]), dim=0)
    tensor([0.8808, 0.1192])
    """
    return softmax(-input, dim, dtype=dtype)


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


# --- the rest -------------------------------------------------------------------------------------


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Turn classes into rows with a single one.

    Parameters
    ----------
    tensor : Tensor, any shape, integer
        Classes from 0 on.
    num_classes : int
        -1: one more than the largest class.

    Returns
    -------
    Tensor, shape (..., num_classes), int64

    Raises
    ------
    TypeError
        If the classes are no integers.
    ValueError
        If a class is negative or too large, or the number of classes cannot be told.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> import tinygrad_lite.nn.functional as F
    >>> F.one_hot(tg.tensor([2, 0]))
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    classes = tensor._data
    if classes.dtype.kind not in "iu":
        raise TypeError(f"one_hot: tensor must be of an integer dtype, got {classes.dtype}")
    if num_classes == -1:
        if classes.size == 0:
            raise ValueError("one_hot: num_classes must be given for an empty tensor")
        num_classes = int(classes.max()) + 1
    if num_classes < 1:
        raise ValueError(f"one_hot: num_classes must be positive, got {num_classes}")
    if classes.size and not (classes.min() >= 0 and classes.max() < num_classes):
        raise ValueError(f"one_hot: classes must be in [0, {num_classes}), got {classes.min()} to {classes.max()}")
    return Tensor((classes[..., None] == np.arange(num_classes)).astype(np.int64))
