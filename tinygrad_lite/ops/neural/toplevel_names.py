"""Functions of `nn.functional` as PyTorch has them at its top level, too: other orders, and reductions by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.errors import InputError
from ...rules import unwrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..linalg.norms import vector_norm
from ..shape.reshape_transpose import movedim
from . import embedding as rows
from .convolution import conv, conv_transpose
from .loss import ctc, distribution, regression
from .loss import margin as _margins
from .normalization import batch_norm as channels
from .normalization import layer_norm as layers

__all__ = [
    "batch_norm", "binary_cross_entropy_with_logits", "conv_tbc", "convolution", "cosine_embedding_loss", "ctc_loss",
    "embedding", "embedding_bag", "embedding_renorm_", "group_norm", "hinge_embedding_loss", "instance_norm", "kl_div",
    "layer_norm", "margin_ranking_loss", "norm_except_dim", "poisson_nll_loss", "triplet_margin_loss",
]  # fmt: skip
FUNCTIONAL = "conv_tbc"

_MODES = ("sum", "mean", "max")
_REDUCTIONS = ("none", "mean", "sum")


def _word(given: Any, words: Sequence[str], who: str, what: str) -> str:
    """The word that a number stands for; words stay what they are."""
    if isinstance(given, str):
        return given
    if given not in range(len(words)):
        raise InputError(f"{who}: {what} must be one of {', '.join(map(repr, words))}, or its number, got {given!r}")
    return words[int(given)]


# --- normalization ----------------------------------------------------------------------------------------------


def batch_norm(
    input: Floating,
    weight: Any = None,
    bias: Any = None,
    running_mean: Any = None,
    running_var: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Tensor:
    """`nn.functional.batch_norm`, the weight before the statistics.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    weight, bias : Tensor, shape (C,), optional
    running_mean, running_var : Tensor, shape (C,), optional
    training : bool
        Use the batch's own mean and variance.
    momentum : float
        How far the running statistics move.
    eps : float
    cudnn_enabled : bool
        Changes nothing on a CPU.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> tg.batch_norm(x, None, None, tg.tensor([2.0, 20.0]), tg.tensor([1.0, 100.0]), False, 0.1, 0.0)
    tensor([[-1., -1.],
            [ 1.,  1.]])
    """
    return channels.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Floating,
    weight: Any = None,
    bias: Any = None,
    running_mean: Any = None,
    running_var: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = False,
) -> Tensor:
    """`nn.functional.instance_norm`, the weight before the statistics.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), floating
    weight, bias : Tensor, shape (C,), optional
    running_mean, running_var : Tensor, shape (C,), optional
    use_input_stats : bool
        Use the samples' own mean and variance.
    momentum : float
        How far the running statistics move.
    eps : float
    cudnn_enabled : bool
        Changes nothing on a CPU.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.instance_norm(tg.tensor([[[1.0, 3.0]]]), eps=0.0)
    tensor([[[-1.,  1.]]])
    """
    return layers.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Floating,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    """`nn.functional.layer_norm`; `cudnn_enable` changes nothing on a CPU."""
    return layers.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Floating,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    """`nn.functional.group_norm`; `cudnn_enabled` changes nothing on a CPU."""
    return layers.group_norm(input, num_groups, weight, bias, eps)


# --- tables -----------------------------------------------------------------------------------------------------


def embedding(
    weight: Floating, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """`nn.functional.embedding`, the table first.

    Parameters
    ----------
    weight : Tensor, shape (V, D), floating
    indices : Tensor, integer
    padding_idx : int
        The row that gets no gradient; below 0 there is none.
    scale_grad_by_freq : bool
        Divide each row's gradient by how often it is used.
    sparse : bool
        Without effect: gradients are dense.

    Returns
    -------
    Tensor, shape (..., D)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.embedding(tg.tensor([[0.0, 1.0], [2.0, 3.0]]), tg.tensor([1, 0]))
    tensor([[2., 3.],
            [0., 1.]])
    """
    return rows.embedding(indices, weight, padding_idx if padding_idx >= 0 else None, None, 2.0, scale_grad_by_freq)


def embedding_bag(
    weight: Floating,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool = False,
    mode: Any = "sum",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """`nn.functional.embedding_bag`, the table first.

    PyTorch's returns what its backward pass needs beside the bags; this one returns the bags.

    Parameters
    ----------
    weight : Tensor, shape (V, D), floating
    indices : Tensor, shape (N,), integer
    offsets : Tensor, shape (B,), integer
        Where each bag begins.
    scale_grad_by_freq : bool
    mode : "sum", "mean" or "max", or their numbers 0 to 2
    sparse : bool
        Without effect: gradients are dense.
    per_sample_weights : Tensor, shape (N,), optional
    include_last_offset : bool
    padding_idx : int, optional

    Returns
    -------
    Tensor, shape (B, D)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> table = tg.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> tg.embedding_bag(table, tg.tensor([0, 2, 1]), tg.tensor([0, 2]))
    tensor([[4., 6.],
            [2., 3.]])
    """
    how = _word(mode, _MODES, "embedding_bag", "mode")
    return rows.embedding_bag(
        indices, weight, offsets, None, 2, scale_grad_by_freq, how, sparse, per_sample_weights, include_last_offset,
        padding_idx,
    )  # fmt: skip


def embedding_renorm_(input: Floating, indices: Any, max_norm: float, norm_type: float) -> Tensor:
    """Shorten the rows of a table that are used and too long, in place.

    Parameters
    ----------
    input : Tensor, shape (V, D), floating
    indices : Tensor, integer
        The rows.
    max_norm : float
    norm_type : float

    Returns
    -------
    Tensor
        The input.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.embedding_renorm_(tg.tensor([[3.0, 4.0], [6.0, 8.0]]), tg.tensor([1]), 1.0, 2.0)
    tensor([[3.0000, 4.0000],
            [0.6000, 0.8000]])
    """
    rows.renormalize(input, unwrap(indices), max_norm, norm_type, "embedding_renorm_")
    return input


# --- convolutions -----------------------------------------------------------------------------------------------


def convolution(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:
    """A convolution of 1 to 3 dimensions, or its transpose: what `conv1d` to `conv_transpose3d` are in PyTorch.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...)
    weight : Tensor
    bias : Tensor or None
    stride, padding, dilation, output_padding : sequence of int
        As many as there are dimensions.
    transposed : bool
    groups : int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.convolution(tg.ones(1, 1, 4), tg.ones(1, 1, 3), None, [1], [0], [1], False, [0], 1)
    tensor([[[3., 3.]]])
    """
    dims = unwrap(weight).ndim - 2
    if not 1 <= dims <= 3:
        raise InputError(f"convolution: weight must have 3 to 5 dimensions, got shape {unwrap(weight).shape}")
    if transposed:
        spread: Any = getattr(conv_transpose, f"conv_transpose{dims}d")
        return spread(input, weight, bias, stride, padding, output_padding, groups, dilation)
    convolve: Any = getattr(conv, f"conv{dims}d")
    return convolve(input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Any, weight: Any, bias: Any, pad: int = 0) -> Tensor:
    """A convolution over time of input whose first dimension is time, and whose last are the channels.

    Parameters
    ----------
    input : Tensor, shape (T, B, C)
    weight : Tensor, shape (K, C, D)
    bias : Tensor, shape (D,)
    pad : int

    Returns
    -------
    Tensor, shape (T + 2 * pad - K + 1, B, D)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conv_tbc(tg.ones(4, 1, 1), tg.ones(3, 1, 1), tg.zeros(1)).shape
    (2, 1, 1)
    """
    out = conv.conv1d(movedim(input, 0, 2), movedim(weight, 0, 2).transpose(0, 1), bias, 1, pad)
    return movedim(out, 2, 0)


def norm_except_dim(v: Floating, pow: int = 2, dim: int = 0) -> Tensor:
    """Norms over all dimensions but one, which stays with the others of size 1; ``dim=-1`` is the norm of all.

    Parameters
    ----------
    v : Tensor, floating
    pow : int
        The norm's order.
    dim : int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.norm_except_dim(tg.tensor([[3.0, 4.0], [6.0, 8.0]]))
    tensor([[ 5.],
            [10.]])
    """
    if dim == -1:
        return vector_norm(v, pow)
    others = tuple(d for d in range(v.ndim) if d != dim)
    return vector_norm(v, pow, others, True) if others else abs(v)


# --- losses -----------------------------------------------------------------------------------------------------


def kl_div(input: Floating, target: Any, reduction: Any = 1, *, log_target: bool = False) -> Tensor:
    """`nn.functional.kl_div`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "kl_div", "reduction")
    return distribution.kl_div(input, target, reduction=how, log_target=log_target)


def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: Any = 1
) -> Tensor:
    """`nn.functional.poisson_nll_loss`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "poisson_nll_loss", "reduction")
    return distribution.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=how)


def binary_cross_entropy_with_logits(
    input: Floating, target: Any, weight: Any = None, pos_weight: Any = None, reduction: Any = 1
) -> Tensor:
    """`nn.functional.binary_cross_entropy_with_logits`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "binary_cross_entropy_with_logits", "reduction")
    return regression.binary_cross_entropy_with_logits(input, target, weight, reduction=how, pos_weight=pos_weight)


def hinge_embedding_loss(input: Floating, target: Any, margin: float = 1.0, reduction: Any = 1) -> Tensor:
    """`nn.functional.hinge_embedding_loss`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "hinge_embedding_loss", "reduction")
    return _margins.hinge_embedding_loss(input, target, margin, reduction=how)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: Any = 1) -> Tensor:
    """`nn.functional.margin_ranking_loss`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "margin_ranking_loss", "reduction")
    return _margins.margin_ranking_loss(input1, input2, target, margin, reduction=how)


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: Any = 1) -> Tensor:
    """`nn.functional.cosine_embedding_loss`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "cosine_embedding_loss", "reduction")
    return _margins.cosine_embedding_loss(input1, input2, target, margin, reduction=how)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: Any = 1,
) -> Tensor:
    """`nn.functional.triplet_margin_loss`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "triplet_margin_loss", "reduction")
    return _margins.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=how)


def ctc_loss(
    log_probs: Floating,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: Any = 1,
    zero_infinity: bool = False,
) -> Tensor:
    """`nn.functional.ctc_loss`, with the reduction by word or number: none, mean, sum."""
    how = _word(reduction, _REDUCTIONS, "ctc_loss", "reduction")
    return ctc.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, how, zero_infinity)
