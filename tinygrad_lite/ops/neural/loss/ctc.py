"""Connectionist temporal classification: the probability of a text, however its letters are stretched over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....kernels.losses.ctc import begin, emitted, forward_backward, later, likelihood, losses, states
from ....kernels.native.parallel import in_ranges
from ....kernels.single_precision import rounded_once
from ....rules import differentiable, unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...pointwise.clamp_round_where import masked, where
from ...pointwise.comparison import isinf
from ...reduction.sums import mean
from ...reduction.sums import sum as total
from .regression import reduction_of

__all__: list[str] = []  # at the top level they are in `toplevel_names`
FUNCTIONAL = ["ctc_loss"]
PIECE = 1 << 12  # states, over all steps, that are a thread's share


def _twin(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> Any:
    letters, skip = states(targets, blank)
    probabilities = emitted(log_probs, letters)
    alpha = begin(probabilities)
    for t in range(1, len(unwrap(log_probs))):
        alpha = np.where((t < input_lengths)[:, None], later(alpha, skip, probabilities[t]), alpha)
    return losses(likelihood(alpha, target_lengths), input_lengths, target_lengths)


def _log_probs(g: Any, posterior: Any) -> Any:
    return masked(-g[:, None] * posterior, np.not_equal(posterior, 0))  # steps after a text's end: not 0 * inf


@differentiable(log_probs=_log_probs, aux=("posterior",), twin=_twin, name="ctc_loss", contiguous=True, single=True)
def _ctc(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> Any:
    """The negative log-likelihoods, and how much each letter was needed at each step."""
    steps, n, _ = log_probs.shape
    posterior, loss = np.zeros_like(log_probs), np.empty(n, log_probs.dtype)
    size = max(1, PIECE // max(steps * (2 * targets.shape[1] + 1), 1))
    in_ranges(forward_backward, size, n, log_probs, targets, input_lengths, target_lengths, blank, loss, posterior)
    return loss, posterior


@rounded_once
def ctc_loss(
    log_probs: Floating,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Negative log-likelihood of texts that are stretched over time, summed over all ways to do that.

    The gradient is that with respect to the log-probabilities. PyTorch adds their exponentials to it, which makes no
    difference below a `log_softmax`. Where the loss is infinite it is 0, and PyTorch's NaN.

    Parameters
    ----------
    log_probs : Tensor, shape (T, N, C) or (T, C), floating
        Of C letters, the blank included, at each time.
    targets : Tensor, shape (N, S), (sum(target_lengths),) or (S,), integer
        The texts; none of the letters is the blank.
    input_lengths, target_lengths : Tensor or sequence of int, shape (N,), or a number
    blank : int
        Which letter means nothing.
    reduction : "none", "mean" or "sum"
        The mean is that of the losses over the lengths of the texts.
    zero_infinity : bool
        A text that does not fit its time counts for nothing, rather than infinitely.

    Returns
    -------
    Tensor, scalar, or shape (N,) unless reduced

    Raises
    ------
    ValueError
        For shapes, lengths and letters that do not fit.

    References
    ----------
    Graves et al., "Connectionist temporal classification", 2006, eq. (6) to (16).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.full((2, 3), 1 / 3).log()
    >>> tg.ctc_loss(x, tg.tensor([1]), 2, 1).exp()  # 3 of 9 ways: -1, 1-, 11
    tensor(3.)
    """
    how = reduction_of(reduction, None, None, "ctc_loss")
    x, single = unwrap(log_probs), unwrap(log_probs).ndim == 2
    if x.dtype.kind != "f" or x.ndim not in (2, 3) or not len(x):
        raise InputError(f"ctc_loss: log_probs must be floating point of shape (T, N, C), got {x.dtype} {x.shape}")
    if single:
        log_probs, x = log_probs.unsqueeze(1), x[:, None]
    if not 0 <= blank < x.shape[2]:
        raise InputError(f"ctc_loss: blank must be in [0, {x.shape[2] - 1}], got {blank}")
    times = _lengths(input_lengths, x.shape[1], len(x), "input_lengths")
    numbers = type(target_lengths) in (int, tuple, list)
    texts, sizes = (_texts if numbers else texts_of_lengths)(targets, target_lengths, x.shape[1], x.shape[2])
    loss = _ctc.record((log_probs, texts, times, sizes, blank))
    if zero_infinity:
        loss = where(isinf(loss), 0.0, loss)
    if how == "mean":
        return mean(loss / wrap(_at_least_one(sizes)))
    return total(loss) if how == "sum" else loss[0] if single else loss


def _lengths(given: Any, count: int, most: int | None, name: str) -> Any:
    found = np.asarray(unwrap(given)).reshape(-1)
    if found.dtype.kind not in "iu" or found.shape != (count,):
        raise InputError(f"ctc_loss: {name} must be {count} integers, got {found.dtype} of shape {found.shape}")
    if count and (found.min() < 0 or (most is not None and found.max() > most)):
        raise InputError(f"ctc_loss: {name} must be in [0, {most}], got {found.min()} to {found.max()}")
    return found.astype(np.intp, copy=False)


def _at_least_one(sizes: Any) -> Any:
    return np.maximum(sizes, 1)


def texts_of_lengths(targets: Any, lengths: Any, count: int, classes: int) -> tuple[Any, Any]:
    """As `_texts`, where the longest is as long as the values of a tensor say."""
    return _texts(targets, lengths, count, classes)


def _texts(targets: Any, lengths: Any, count: int, classes: int) -> tuple[Any, Any]:
    """The texts as rows (N, S), and their lengths."""
    targets = unwrap(targets)
    if targets.dtype.kind not in "iu" or targets.ndim not in (1, 2):
        raise InputError(
            f"ctc_loss: targets must be integers of 1 or 2 dimensions, got {targets.dtype} {targets.shape}"
        )
    most = targets.shape[1] if targets.ndim == 2 else None
    sizes = _lengths(lengths, count, most, "target_lengths")
    longest = int(sizes.max(initial=0))
    shown = np.arange(longest) < sizes[:, None]
    if targets.ndim == 2:
        if len(targets) != count:
            raise InputError(f"ctc_loss: targets must have {count} rows, got shape {targets.shape}")
        letters = targets[:, :longest][shown]
    else:
        if len(targets) != sizes.sum():
            raise InputError(f"ctc_loss: targets must hold the {sizes.sum()} letters of all texts, got {len(targets)}")
        letters = targets
    if letters.size and (letters.min() < 0 or letters.max() >= classes):
        raise InputError(f"ctc_loss: targets must be in [0, {classes - 1}], got {letters.min()} to {letters.max()}")
    texts = np.zeros((count, longest), np.intp)
    texts[shown] = letters
    return texts, sizes
