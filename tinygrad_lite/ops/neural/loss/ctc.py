"""Connectionist temporal classification: the probability of a text, however its letters are stretched over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....rules import differentiable, unwrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...pointwise.clamp_round_where import masked, where
from ...reduction.sums import mean
from ...reduction.sums import sum as total
from .regression import reduction_of

__all__ = ["ctc_loss"]
FUNCTIONAL = __all__

_LEAST = -1e30  # stands for the logarithm of 0: sums of it stay finite, and so do gradients of any order


def _later(alpha: Any, skip: Any, added: Any) -> Any:
    """Paths that stay in a state, come from the one before, or skip a blank between different letters."""
    n = len(alpha)
    one = np.concatenate([np.full((n, 1), _LEAST, alpha.dtype), alpha[:, :-1]], axis=1)
    two = np.concatenate([np.full((n, 2), _LEAST, alpha.dtype), alpha[:, :-2]], axis=1)
    return np.logaddexp(np.logaddexp(alpha, one), np.where(skip, two, _LEAST)) + added


def _states(targets: Any, blank: int) -> tuple[Any, Any]:
    """The letters with blanks around each, (N, 2 S + 1), and which of them may be reached over a blank."""
    n, size = targets.shape
    letters = np.full((n, 2 * size + 1), blank)
    letters[:, 1::2] = targets
    skip = np.zeros(letters.shape, bool)
    skip[:, 2:] = (letters[:, 2:] != blank) & (letters[:, 2:] != letters[:, :-2])
    return letters, skip


def _emitted(log_probs: Any, letters: Any) -> Any:
    """(T, N, states) of the logarithms that each state adds, kept above that of 0."""
    batch = np.arange(len(letters))[None, :, None]
    steps = np.arange(len(unwrap(log_probs)))[:, None, None]
    return np.maximum(log_probs[steps, batch, letters[None]], _LEAST)


def _begin(emitted: Any) -> Any:
    """The first step: a blank, or the first letter."""
    shown = np.arange(unwrap(emitted).shape[2]) < 2
    return np.where(shown, emitted[0], _LEAST)


def _likelihood(last: Any, lengths: Any) -> Any:
    """``log(alpha[2 S] + alpha[2 S - 1])`` for each sample."""
    batch = np.arange(len(lengths))
    end = last[batch, 2 * lengths]
    return np.logaddexp(end, np.where(lengths > 0, last[batch, np.maximum(2 * lengths - 1, 0)], _LEAST))


def _twin(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> Any:
    letters, skip = _states(targets, blank)
    emitted = _emitted(log_probs, letters)
    alpha = _begin(emitted)
    for t in range(1, len(unwrap(log_probs))):
        alpha = np.where((t < input_lengths)[:, None], _later(alpha, skip, emitted[t]), alpha)
    return _found(_likelihood(alpha, target_lengths), input_lengths, target_lengths)


def _found(likelihood: Any, input_lengths: Any, target_lengths: Any) -> Any:
    likelihood = np.where((input_lengths == 0) & (target_lengths == 0), 0.0, likelihood)
    return np.where(
        np.less(likelihood, _LEAST / 2) | ((input_lengths == 0) & (target_lengths > 0)), np.inf, -likelihood
    )


def _log_probs(g: Any, posterior: Any) -> Any:
    return masked(-g[:, None] * posterior, np.not_equal(posterior, 0))  # steps after a text's end: not 0 * inf


@differentiable(log_probs=_log_probs, aux=("posterior",), twin=_twin, name="ctc_loss", single=True)
def _ctc(log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int) -> Any:
    """The negative log-likelihoods, and how much each letter was needed at each step."""
    letters, skip = _states(targets, blank)
    emitted = _emitted(log_probs, letters)
    steps, n, width = emitted.shape
    alpha = np.empty_like(emitted)
    alpha[0] = _begin(emitted)
    for t in range(1, steps):
        alpha[t] = np.where((t < input_lengths)[:, None], _later(alpha[t - 1], skip, emitted[t]), alpha[t - 1])
    likelihood = _likelihood(alpha[-1], target_lengths)
    place = np.arange(width)
    last = 2 * target_lengths[:, None]
    ends = (place == last) | (place == last - 1)
    beta = np.where(ends, emitted.dtype.type(0), emitted.dtype.type(_LEAST))  # the rest of each path, from state s on
    back = np.zeros_like(skip)
    back[:, :-2] = skip[:, 2:]
    posterior = np.zeros_like(log_probs)
    batch = np.broadcast_to(np.arange(n)[:, None], letters.shape)
    for t in range(steps - 1, -1, -1):
        inside = (t < input_lengths)[:, None]
        shares = np.exp(np.minimum(alpha[t] + beta - likelihood[:, None], 0))
        np.add.at(posterior[t], (batch, letters), np.where(inside & (likelihood > _LEAST / 2)[:, None], shares, 0))
        ahead = beta + emitted[t]
        beta = np.where(inside, _later(ahead[:, ::-1], back[:, ::-1], 0)[:, ::-1], beta)
    return _found(likelihood, input_lengths, target_lengths), posterior


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
    texts, sizes = _texts(unwrap(targets), target_lengths, x.shape[1], x.shape[2])
    loss = _ctc.record((log_probs, texts, times, sizes, blank))
    if zero_infinity:
        loss = where(np.isinf(unwrap(loss)), 0.0, loss)
    if how == "mean":
        return mean(loss / np.maximum(sizes, 1))
    return total(loss) if how == "sum" else loss[0] if single else loss


def _lengths(given: Any, count: int, most: int | None, name: str) -> Any:
    found = np.asarray(unwrap(given)).reshape(-1)
    if found.dtype.kind not in "iu" or found.shape != (count,):
        raise InputError(f"ctc_loss: {name} must be {count} integers, got {found.dtype} of shape {found.shape}")
    if count and (found.min() < 0 or (most is not None and found.max() > most)):
        raise InputError(f"ctc_loss: {name} must be in [0, {most}], got {found.min()} to {found.max()}")
    return found.astype(np.intp, copy=False)


def _texts(targets: Any, lengths: Any, count: int, classes: int) -> tuple[Any, Any]:
    """The texts as rows (N, S), and their lengths."""
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
