"""Losses with a margin: what is right shall be ahead of what is wrong by some distance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....engine.errors import InputError, RangeError
from ....kernels.single_precision import rounded_once
from ....rules import unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...indexing.index import take_along_dim
from ...pointwise.arithmetic import sqrt
from ...pointwise.clamp_round_where import clamp, masked, minimum
from ...pointwise.exp_log_trig import logsigmoid
from ...reduction.sums import mean
from ...reduction.sums import sum as total
from ..activation.smooth import softplus
from ..cosine_similarity import pairwise_distance
from .regression import paired, reduced, reduction_of, within

__all__ = [
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip
FUNCTIONAL = [*__all__, "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "triplet_margin_loss"]


def _same_ranks(who: str, **given: Any) -> None:
    shapes = {name: unwrap(value).shape for name, value in given.items()}
    if len({len(s) for s in shapes.values()}) > 1:
        named = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InputError(f"{who}: all tensors must have the same number of dimensions, got {named}")


# --- pairs ------------------------------------------------------------------------------------------------------


@rounded_once
def hinge_embedding_loss(
    input: Floating,
    target: Any,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The input itself where the target is 1, ``max(0, margin - input)`` where it is -1.

    Parameters
    ----------
    input : Tensor, floating
        Distances.
    target : Tensor of 1 and -1, of a shape that broadcasts to the input's
        Others are broadcast, with a UserWarning.
    margin : float
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.hinge_embedding_loss(tg.tensor([0.5, 0.2]), tg.tensor([1, -1]), reduction="none")
    tensor([0.5000, 0.8000])
    """
    how = reduction_of(reduction, size_average, reduce, "hinge_embedding_loss")
    paired(input, target, "hinge_embedding_loss", smaller=True)
    loss = masked(clamp(margin - input, min=0), target != 1) + masked(input, target != -1)
    return reduced(loss, None, how)


@rounded_once
def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target * (input1 - input2) + margin)``.

    Parameters
    ----------
    input1, input2 : Tensor, of the same number of dimensions
    target : Tensor of 1 and -1
        Which of the two shall be larger: 1 for the first.
    margin : float
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For different numbers of dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x, y = tg.tensor([1.0, 1.0]), tg.tensor([0.0, 3.0])
    >>> tg.margin_ranking_loss(x, y, tg.tensor([1, 1]), reduction="none")
    tensor([0., 2.])
    """
    how = reduction_of(reduction, size_average, reduce, "margin_ranking_loss")
    _same_ranks("margin_ranking_loss", input1=input1, input2=input2, target=target)
    return reduced(clamp(-target * (input1 - input2) + margin, min=0), None, how)


@rounded_once
def soft_margin_loss(
    input: Floating, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """``log(1 + exp(-target * input))``, without PyTorch's overflow.

    Parameters
    ----------
    input : Tensor, floating
    target : Tensor of 1 and -1, of a shape that broadcasts to the input's
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.soft_margin_loss(tg.tensor([0.0, 3.0]), tg.tensor([1.0, -1.0]), reduction="none")
    tensor([0.6931, 3.0486])
    """
    how = reduction_of(reduction, size_average, reduce, "soft_margin_loss")
    within(input, target, "soft_margin_loss")
    return reduced(softplus(-target * input, threshold=math.inf), None, how)  # exact, and as the input lies


@rounded_once
def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos`` where the target is 1, ``max(0, cos - margin)`` where it is -1; cos is that of the angle.

    Parameters
    ----------
    input1, input2 : Tensor, shape (N, D) or (D,), floating or integer
    target : Tensor of 1 and -1, shape (N,) or ()
    margin : float
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For other numbers of dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x, y = tg.tensor([[1.0, 0.0]]), tg.tensor([[3.0, 4.0]])
    >>> tg.cosine_embedding_loss(x, y, tg.tensor([1]))
    tensor(0.4000)
    """
    how = reduction_of(reduction, size_average, reduce, "cosine_embedding_loss")
    t, x, y = unwrap(target), unwrap(input1), unwrap(input2)
    if t.ndim > 1 or x.ndim != t.ndim + 1 or y.ndim != t.ndim + 1:
        raise InputError(
            "cosine_embedding_loss: target must have 0 or 1 dimensions and the inputs one more, "
            f"got target {t.shape}, input1 {x.shape} and input2 {y.shape}"
        )
    tiny = 1e-12  # PyTorch's
    squares = (total(input1 * input1, -1) + tiny) * (total(input2 * input2, -1) + tiny)
    cosine = total(input1 * input2, -1) / sqrt(squares)
    loss = masked(1 - cosine, target == 1) + masked(clamp(cosine - margin, min=0), target == -1)
    return reduced(loss, None, how)


# --- triplets ---------------------------------------------------------------------------------------------------


@rounded_once
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)``, where d is `pairwise_distance`.

    Parameters
    ----------
    anchor, positive, negative : Tensor, shape (N, D) or (D,), floating or integer
    margin : float
        Positive.
    p, eps : float
        As for `pairwise_distance`.
    swap : bool
        Take the positive in place of the anchor where it is nearer to the negative.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For a margin that is not positive, and different numbers of dimensions.

    References
    ----------
    Balntas et al., "Learning local feature descriptors with triplets", 2016, eq. (2) and section 3.3.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> a, p, n = tg.tensor([[0.0, 0.0]]), tg.tensor([[0.0, 1.0]]), tg.tensor([[1.5, 0.0]])
    >>> tg.triplet_margin_loss(a, p, n)
    tensor(0.5000)
    """
    how = reduction_of(reduction, size_average, reduce, "triplet_margin_loss")
    distance = lambda x, y: pairwise_distance(x, y, p, eps)  # noqa: E731
    return _triplets("triplet_margin_loss", anchor, positive, negative, distance, margin, swap, how)


@rounded_once
def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own.

    Parameters
    ----------
    anchor, positive, negative : Tensor
    distance_function : callable, optional
        Of two tensors. Default: `pairwise_distance`.
    margin : float
        Positive.
    swap : bool
        Take the positive in place of the anchor where it is nearer to the negative.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For a margin that is not positive, and different numbers of dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> a, p, n = tg.tensor([[0.0, 0.0]]), tg.tensor([[0.0, 1.0]]), tg.tensor([[1.5, 0.0]])
    >>> tg.triplet_margin_with_distance_loss(a, p, n, distance_function=lambda x, y: (x - y).abs().sum(-1))
    tensor(0.5000)
    """
    who = "triplet_margin_with_distance_loss"
    how = reduction_of(reduction, None, None, who)
    return _triplets(who, anchor, positive, negative, distance_function or pairwise_distance, margin, swap, how)


def _triplets(
    who: str, anchor: Any, positive: Any, negative: Any, distance: Any, margin: float, swap: bool, how: str
) -> Any:
    if not margin > 0:
        raise InputError(f"{who}: margin must be positive, got {margin}")
    _same_ranks(who, anchor=anchor, positive=positive, negative=negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(clamp(margin + near - far, min=0), None, how)


# --- classes ----------------------------------------------------------------------------------------------------


def _classes(input: Any, target: Any, who: str, each: bool) -> tuple[Any, Any]:
    """Input and target as (N, C) and (N,), or (N, C) for labels of each class; a number is a sample of one class."""
    if not unwrap(input).ndim:
        input, target = input.reshape(1), target.reshape(1)
    x, t = unwrap(input), unwrap(target)
    if x.dtype.kind != "f" or x.ndim not in (1, 2) or x.shape[-1:] == (0,):
        raise InputError(
            f"{who}: input must be floating point of shape (N, C) or (C,), got {x.dtype} of shape {x.shape}"
        )
    expected = x.shape if each else x.shape[:-1]
    if t.dtype.kind not in "iu" or (t.shape != expected and not (x.ndim == 1 and t.size == 1 and not each)):
        raise InputError(f"{who}: target must hold class indices of shape {expected}, got {t.dtype} of shape {t.shape}")
    return input.reshape(-1, x.shape[-1]), target.reshape(-1, x.shape[-1]) if each else target.reshape(-1)


def _in_range(t: Any, low: int, count: int, who: str) -> None:
    if t.size and (t.min() < low or t.max() >= count):
        raise RangeError(f"{who}: class indices must be in [{low}, {count - 1}], got {t.min()} to {t.max()}")


def other_classes(t: Any, count: int, who: str) -> tuple[Any, Any]:
    """The samples' classes as a column, and which classes are not theirs, (N, C)."""
    t = unwrap(t)
    _in_range(t, 0, count, who)
    return t[:, None], t[:, None] != np.arange(count)


def listed_classes(t: Any, who: str) -> tuple[Any, Any]:
    """Classes that are listed, 0 after the end of a list; and where one is listed (dim 1) and one is not (dim 2)."""
    t = unwrap(t)
    count = t.shape[1]
    _in_range(t, -1, count, who)
    listed = np.logical_and.accumulate(t >= 0, axis=1)
    member = np.zeros((len(t), count), bool)
    sample, place = np.nonzero(listed)
    member[sample, t[sample, place]] = True
    return np.where(listed, t, 0), listed[:, :, None] & ~member[:, None, :]


@rounded_once
def multi_margin_loss(
    input: Floating,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Hinge loss of classes, :math:`\sum_{j \ne y} w_y \max(0, m - x_y + x_j)^p / C`.

    Parameters
    ----------
    input : Tensor, shape (N, C) or (C,), floating
    target : Tensor, shape (N,) or (), integer
    p : 1 or 2
    margin : float
    weight : Tensor, shape (C,), optional
        A factor for each class; a mean still divides by the number of samples.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For shapes that do not fit, and another `p`.
    IndexError
        For a class outside ``[0, C)``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.multi_margin_loss(tg.tensor([[0.1, 0.2, 0.4, 0.8]]), tg.tensor([3]))
    tensor(0.3250)
    """
    who = "multi_margin_loss"
    how = reduction_of(reduction, size_average, reduce, who)
    if p not in (1, 2):
        raise InputError(f"{who}: p must be 1 or 2, got {p}")
    x, t = _classes(input, target, who, each=False)
    count = unwrap(x).shape[1]
    own, others = other_classes(t, count, who)
    short = _short(margin - take_along_dim(x, own, 1) + x, others)
    loss = total(short if p == 1 else short * short, 1) / count
    if weight is not None:
        shape = unwrap(weight).shape
        if shape != (count,):
            raise InputError(f"{who}: weight must have shape ({count},), got {shape}")
        loss = loss * weight[t]
    return reduced(loss.reshape(unwrap(input).shape[:-1]), None, how)


def _short(x: Any, where: Any) -> Any:
    """``max(0, x)`` where the mask holds, zero elsewhere."""
    return masked(x, wrap(where) & (x > 0))


@rounded_once
def multilabel_margin_loss(
    input: Floating, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    r"""Hinge loss of several classes, :math:`\sum_{j \in T} \sum_{i \notin T} \max(0, 1 - x_j + x_i) / C`.

    Parameters
    ----------
    input : Tensor, shape (N, C) or (C,), floating
    target : Tensor, of the input's shape, integer
        The classes T, then -1 if there are fewer than C; what follows counts for nothing.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Raises
    ------
    ValueError
        For shapes that do not fit.
    IndexError
        For a class outside ``[-1, C)``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.multilabel_margin_loss(tg.tensor([0.1, 0.2, 0.4, 0.8]), tg.tensor([3, 0, -1, 1]))
    tensor(0.8500)
    """
    who = "multilabel_margin_loss"
    how = reduction_of(reduction, size_average, reduce, who)
    x, t = _classes(input, target, who, each=True)
    places, pairs = listed_classes(t, who)
    right = take_along_dim(x, places, 1)  # (N, C), of which the listed ones count
    short = _short(1 - right[:, :, None] + x[:, None, :], pairs)
    loss = total(short, (1, 2)) / t.shape[1]
    return reduced(loss.reshape(unwrap(input).shape[:-1]), None, how)


@rounded_once
def multilabel_soft_margin_loss(
    input: Floating,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Binary cross entropy of logits, the mean over the classes.

    Parameters
    ----------
    input : Tensor, shape (N, C) or (C,), floating
    target : Tensor of 0 and 1, of a shape that broadcasts to the input's
    weight : Tensor, shape (C,), optional
        A factor for each class.
    size_average, reduce : bool, optional
        PyTorch's old names of reductions.
    reduction : "none", "mean" or "sum"

    Returns
    -------
    Tensor, scalar unless `reduction` is "none"

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.multilabel_soft_margin_loss(tg.tensor([[0.0, 2.0]]), tg.tensor([[1.0, 1.0]]))
    tensor(0.4100)
    """
    how = reduction_of(reduction, size_average, reduce, "multilabel_soft_margin_loss")
    within(input, target, "multilabel_soft_margin_loss")
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(mean(loss, -1), None, how)
