"""Losses of distances that grow slower than their squares, and of distributions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from .... import promotion
from ....engine.errors import InputError
from ....graph import outside
from ....kernels.single_precision import rounded_once
from ....rules import differentiable, unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import built, floating_only
from ...pointwise.clamp_round_where import clamp, masked
from ...pointwise.exp_log_trig import exp, log, xlogy
from .regression import l1_loss, paired, reduced, reduction_of

__all__ = ["gaussian_nll_loss", "huber_loss", "smooth_l1_loss"]
FUNCTIONAL = [*__all__, "kl_div", "poisson_nll_loss"]


# --- distances --------------------------------------------------------------------------------------------------


def huber_of(x: Any, y: Any, delta: float) -> Any:
    """Huber's loss of arrays."""
    distance = np.abs(x - y)
    near = np.minimum(distance, delta)
    return near * (distance - 0.5 * near)  # both branches at once


def huber_slope(g: Any, x: Any, y: Any, delta: float) -> Any:
    """`g` times the derivative of `huber_of` with respect to `x`; at `delta` itself it counts as constant."""
    difference = x - y
    return g * np.where(np.less(np.abs(difference), delta), difference, delta * np.sign(difference))


_huber = differentiable(
    huber_of,
    x=huber_slope,
    y=lambda g, x, y, delta: huber_slope(g, y, x, delta),
    name="huber_loss",
    promotes=("x", "y"),
    single="each",
    compiled=True,
)


@rounded_once
def huber_loss(input: Floating, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Tensor:
    """0.5 d^2 where d = |input - target| < delta, delta (d - 0.5 delta) elsewhere.

    Parameters
    ----------
    input : Tensor, floating
    target : Tensor, floating or integer, of the same shape
        Others are broadcast, with a UserWarning.
    reduction : "none", "mean" or "sum"
    delta : float
        Where the square turns into a line.
    weight : Tensor, optional
        A factor for each element, of a shape that broadcasts; a mean still divides by their number.

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        If the shapes do not broadcast or delta is not positive.

    References
    ----------
    Huber, "Robust estimation of a location parameter", 1964.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.huber_loss(tg.tensor([1.0, 3.0]), tg.zeros(2), reduction="none", delta=2.0)
    tensor([0.5000, 4.0000])
    """
    if not delta > 0:
        raise InputError(f"huber_loss: delta must be > 0, got {delta}")
    how = reduction_of(reduction, None, None, "huber_loss")
    paired(input, target, "huber_loss")
    return reduced(_huber.record((input, target, delta)), weight, how)


@rounded_once
def smooth_l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """0.5 d^2 / beta where d = |input - target| < beta, d - 0.5 beta elsewhere.

    Parameters
    ----------
    input, target : Tensor, floating or integer, of the same shape
        Other shapes are broadcast, with a UserWarning. Both may be integers only where `beta` is 0, as in PyTorch.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"
    beta : float
        Where the square turns into the absolute value; 0 gives `l1_loss`.

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        If the shapes do not broadcast or beta is negative.

    References
    ----------
    Girshick, "Fast R-CNN", 2015, eq. (3).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.smooth_l1_loss(tg.tensor([0.5, 3.0]), tg.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    if not beta >= 0:
        raise InputError(f"smooth_l1_loss: beta must be >= 0, got {beta}")
    how = reduction_of(reduction, size_average, reduce, "smooth_l1_loss")
    if beta == 0:
        return l1_loss(input, target, reduction=how)
    if promotion.highest_kind(input, target) not in "fc":
        floating_only(input, "smooth_l1_loss")
    paired(input, target, "smooth_l1_loss")
    return reduced(_huber.record((input, target, beta)) / beta, None, how)


# --- distributions ----------------------------------------------------------------------------------------------


@rounded_once
def kl_div(
    input: Floating,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence ``target * (log(target) - input)``, the input being log-probabilities.

    Parameters
    ----------
    input : Tensor, floating
    target : Tensor, of a shape that broadcasts to the input's
        Others are broadcast, with a UserWarning.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean", "batchmean" or "sum"
        "mean", over all elements, comes with a UserWarning: "batchmean", the sum divided by the size of dimension 0,
        is the divergence's definition.
    log_target : bool
        Whether the target is log-probabilities, too.

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.kl_div(tg.tensor([[0.5, 0.5]]).log(), tg.tensor([[1.0, 0.0]]), reduction="batchmean")
    tensor(0.6931)
    """
    batch = reduction == "batchmean" and size_average is None and reduce is None
    how = reduction_of("sum" if batch else reduction, size_average, reduce, "kl_div")
    paired(input, target, "kl_div", smaller=True)
    if how == "mean":
        text = "kl_div: 'mean' divides by the number of all elements; the divergence is that of 'batchmean'"
        warnings.warn(text, UserWarning, stacklevel=outside())
    loss = exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    found = reduced(loss, None, how)
    return found / unwrap(input).shape[0] if batch and unwrap(input).ndim else found


@rounded_once
def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Negative log likelihood of counts, :math:`e^x - t x`, or :math:`x - t \log(x + \epsilon)`.

    Parameters
    ----------
    input : Tensor, floating or integer
        Logarithms of rates, or rates.
    target : Tensor, of a shape that broadcasts to the input's
        Others are broadcast, with a UserWarning.
        Counts.
    log_input : bool
        Whether the input is logarithms.
    full : bool
        Add Stirling's approximation of :math:`\log t!` for counts above 1.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    eps : float
        Keeps the logarithm of a rate finite.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.poisson_nll_loss(tg.tensor([0.0, 1.0]), tg.tensor([1.0, 2.0]), reduction="none")
    tensor([1.0000, 0.7183])
    """
    how = reduction_of(reduction, size_average, reduce, "poisson_nll_loss")
    paired(input, target, "poisson_nll_loss", smaller=True)
    loss = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        t = clamp(target, min=1)  # of what counts for nothing the logarithm shall be finite
        stirling = t * log(t) - t + 0.5 * log(2 * math.pi * t)
        loss = loss + masked(stirling, target > 1)
    return reduced(loss, None, how)


def variances(v: Any, who: str) -> Any:
    """Numbers of which none is negative."""
    if v.size and (v < 0).any():
        raise InputError(f"{who}: var must not be negative, got {v.min()}")
    return v


@rounded_once
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    r"""Negative log likelihood of a normal distribution, :math:`(\log\sigma^2 + (x - t)^2 / \sigma^2) / 2`.

    Parameters
    ----------
    input : Tensor, floating or integer
        Means.
    target : Tensor, of a shape that broadcasts to the input's
        Others are broadcast, with a UserWarning.
    var : Tensor or float
        Variances, not negative: of the input's shape, without its last dimension, or with a single 1 in it.
    full : bool
        Add the constant, half the logarithm of 2 pi.
    eps : float
        No variance counts as less; its gradient does not know of that.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For a negative variance, and one of another shape.

    References
    ----------
    Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994, eq. (4).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.gaussian_nll_loss(tg.tensor([1.0]), tg.tensor([3.0]), tg.tensor([4.0]))
    tensor(1.1931)
    """
    who = "gaussian_nll_loss"
    how = reduction_of(reduction, None, None, who)
    paired(input, target, who, smaller=True)
    x = unwrap(input)
    if not hasattr(var, "shape"):
        var = wrap(built(np.full, x.shape, var, x.dtype if x.dtype.kind == "f" else np.float32))
    v = variances(unwrap(var), who)
    if v.shape != x.shape:
        if v.shape == x.shape[:-1]:
            var = var.unsqueeze(-1)
        elif v.ndim != x.ndim or [m for n, m in zip(x.shape, v.shape) if n != m] != [1]:
            raise InputError(
                f"{who}: var must have shape {x.shape} or {x.shape[:-1]}, got {v.shape} (var is of incorrect size)"
            )
    var = var + masked(eps - var.detach(), var.detach() < eps)  # limited in value only
    loss = 0.5 * (log(var) + (input - target) ** 2 / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, None, how)
