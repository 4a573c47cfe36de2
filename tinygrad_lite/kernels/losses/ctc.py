"""Connectionist temporal classification: the formulas in NumPy, and the forward and backward recursion as a loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernel import kernel

_LEAST = -1e30  # stands for the logarithm of 0: sums of it stay finite, and so do gradients of any order


def later(alpha: Any, skip: Any, added: Any) -> Any:
    """Paths that stay in a state, come from the one before, or skip a blank between different letters."""
    n = len(alpha)
    one = np.concatenate([np.full((n, 1), _LEAST, alpha.dtype), alpha[:, :-1]], axis=1)
    two = np.concatenate([np.full((n, 2), _LEAST, alpha.dtype), alpha[:, :-2]], axis=1)[:, : alpha.shape[1]]
    return np.logaddexp(np.logaddexp(alpha, one), np.where(skip, two, _LEAST)) + added


def states(targets: Any, blank: int) -> tuple[Any, Any]:
    """The letters with blanks around each, (N, 2 S + 1), and which of them may be reached over a blank."""
    n, size = targets.shape
    letters = np.full((n, 2 * size + 1), blank)
    letters[:, 1::2] = targets
    skip = np.zeros(letters.shape, bool)
    skip[:, 2:] = (letters[:, 2:] != blank) & (letters[:, 2:] != letters[:, :-2])
    return letters, skip


def emitted(log_probs: Any, letters: Any) -> Any:
    """(T, N, states) of the logarithms that each state adds, kept above that of 0."""
    batch = np.arange(len(letters))[None, :, None]
    steps = np.arange(log_probs.shape[0])[:, None, None]
    return np.maximum(log_probs[steps, batch, letters[None]], _LEAST)


def begin(emitted: Any) -> Any:
    """The first step: a blank, or the first letter."""
    shown = np.arange(emitted.shape[2]) < 2
    return np.where(shown, emitted[0], _LEAST)


def likelihood(last: Any, lengths: Any) -> Any:
    """``log(alpha[2 S] + alpha[2 S - 1])`` for each sample."""
    batch = np.arange(len(lengths))
    end = last[batch, 2 * lengths]
    return np.logaddexp(end, np.where(lengths > 0, last[batch, np.maximum(2 * lengths - 1, 0)], _LEAST))


def losses(likelihood: Any, input_lengths: Any, target_lengths: Any) -> Any:
    """The negative log-likelihoods; no step can show the empty text only."""
    likelihood = np.where((input_lengths == 0) & (target_lengths == 0), 0.0, likelihood)
    return np.where(
        np.less(likelihood, _LEAST / 2) | ((input_lengths == 0) & (target_lengths > 0)), np.inf, -likelihood
    )


def forward_backward_plain(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, loss: Any, posterior: Any,
    first: int, end: int,
) -> None:  # fmt: skip
    """Samples ``first`` to ``end``, all of them at each step."""
    log_probs, posterior, targets = log_probs[:, first:end], posterior[:, first:end], targets[first:end]
    input_lengths, target_lengths = input_lengths[first:end], target_lengths[first:end]
    letters, skip = states(targets, blank)
    added = emitted(log_probs.astype(np.float64, copy=False), letters)  # sums of hundreds of steps
    steps, n, width = added.shape
    alpha = np.empty_like(added)
    alpha[0] = begin(added)
    for t in range(1, steps):
        alpha[t] = np.where((t < input_lengths)[:, None], later(alpha[t - 1], skip, added[t]), alpha[t - 1])
    found = likelihood(alpha[-1], target_lengths)
    place, last = np.arange(width), 2 * target_lengths[:, None]
    ends, known = (place == last) | (place == last - 1), ~(found <= _LEAST / 2)[:, None] & (place <= last)
    beta = np.where(ends, added.dtype.type(0), added.dtype.type(_LEAST))  # the rest of each path, from state s on
    back = np.zeros_like(skip)
    back[:, :-2] = skip[:, 2:]
    batch = np.broadcast_to(np.arange(n)[:, None], letters.shape)
    for t in range(steps - 1, -1, -1):
        inside = (t < input_lengths)[:, None]
        shares = np.exp(np.minimum(alpha[t] + beta - found[:, None], 0))
        np.add.at(posterior[t], (batch, letters), np.where(inside & known, shares, 0))
        ahead = beta + added[t]
        beta = np.where(inside, later(ahead[:, ::-1], back[:, ::-1], 0)[:, ::-1], beta)
    loss[first:end] = losses(found, input_lengths, target_lengths)


def _sum_of_three(a: float, b: float, c: float) -> float:
    """``log(exp(a) + exp(b) + exp(c))``."""
    most = max(a, b, c)
    if not most > -math.inf:
        return a + b + c  # of nothing nothing, of no number none
    return most + math.log(math.exp(a - most) + math.exp(b - most) + math.exp(c - most))


def _forward(log_probs: Any, n: int, letters: Any, skip: Any, alpha: Any) -> float:
    """Fill the logarithms of the ways to each state at each step, and return that of all ways to the ends."""
    steps, width = alpha.shape
    for s in range(width):
        alpha[0, s] = log_probs[0, n, letters[s]] if s < 2 else -math.inf
    for t in range(1, steps):
        before, row = alpha[t - 1], alpha[t]
        for s in range(width):
            one = before[s - 1] if s > 0 else -math.inf
            two = before[s - 2] if skip[s] else -math.inf
            row[s] = _sum_of_three(before[s], one, two) + log_probs[t, n, letters[s]]
    return _sum_of_three(alpha[-1, width - 1], alpha[-1, width - 2] if width > 1 else -math.inf, -math.inf)


def _backward(
    log_probs: Any, n: int, letters: Any, skip: Any, alpha: Any, found: float, posterior: Any
) -> None:  # fmt: skip
    steps, width = alpha.shape
    beta, ahead = np.full(width, -math.inf), np.empty(width)
    beta[width - 1] = beta[max(width - 2, 0)] = 0.0
    for t in range(steps - 1, -1, -1):
        for s in range(width):
            share = alpha[t, s] + beta[s] - found
            posterior[t, n, letters[s]] += 1.0 if share > 0 else math.exp(share)
            ahead[s] = beta[s] + log_probs[t, n, letters[s]]
        for s in range(width):
            one = ahead[s + 1] if s + 1 < width else -math.inf
            two = ahead[s + 2] if s + 2 < width and skip[s + 2] else -math.inf
            beta[s] = _sum_of_three(ahead[s], one, two)


@kernel(forward_backward_plain, dtypes="fd")
def forward_backward(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, loss: Any, posterior: Any,
    first: int, end: int,
) -> None:  # fmt: skip
    """Negative log-likelihoods, and how much each letter was needed at each step.

    Parameters
    ----------
    log_probs : array, shape (T, N, C)
    targets : array of intp, shape (N, S)
    input_lengths, target_lengths : array of intp, shape (N,)
    blank : int
    loss : array, shape (N,)
        Written, from sample `first` to sample `end`.
    posterior : array of zeros, shape (T, N, C)
        Written for the same samples, where the likelihood is not 0.
    first, end : int
    """
    for n in range(first, end):
        steps, width = input_lengths[n], 2 * target_lengths[n] + 1
        if steps == 0:
            loss[n] = 0.0 if width == 1 else math.inf
            continue
        letters, skip = np.full(width, blank, np.intp), np.zeros(width, np.bool_)
        for s in range(1, width, 2):
            letters[s] = targets[n, s // 2]
            skip[s] = s > 1 and letters[s] != blank and letters[s] != letters[s - 2]
        alpha = np.empty((steps, width))
        found = _forward(log_probs, n, letters, skip, alpha)
        loss[n] = -found
        if found != -math.inf:
            _backward(log_probs, n, letters, skip, alpha, found, posterior)
