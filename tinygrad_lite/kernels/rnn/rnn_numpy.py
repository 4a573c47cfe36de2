"""Recurrent layers over all steps in NumPy, forward and backward: the twins of what `unroll` compiles.

The steps of a batch stand one below the other in rows. The products with the input's weights are one product for all
steps, as are backward those that give the gradients of the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..loops.pairwise_sum import pairwise_sum
from .cells import gru_back, gru_step, lstm_back, lstm_step, rnn_back, rnn_step

LSTM, GRU, TANH, RELU = range(4)


def before(rows: Any, first: Any, steps: Any) -> Any:
    """The state before each step, of all rows: that of the step before, or the first one."""
    out = np.empty((len(rows), *first.shape[1:]), first.dtype)
    last, m = 0, 0
    for start, n in steps.tolist():
        known = min(m, n)
        out[start : start + known] = rows[last : last + known]
        out[start + known : start + n] = first[known:n]
        last, m = start, n
    return out


def forward(
    kind: int, x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, steps: Any, gates: Any, kept: Any,
    rows: Any, w_hr: Any = None,
) -> None:  # fmt: skip
    """All steps of a layer.

    Parameters
    ----------
    kind : {LSTM, GRU, TANH, RELU}
    x : array, shape (N, I), floating
    h, c : array, shape (B, P) and (B, H)
        The states, overwritten by the last ones; `c` is that of an LSTM.
    w_ih, w_hh : array, shape (G H, I) and (G H, P)
        Of G gates; P is H without `w_hr`.
    b_ih, b_hh : array, shape (G H,), or None
    steps : array, shape (T, 2), intp
        For each step, in their order, where its rows begin and how many there are.
    gates : array, shape (N, G H)
        Written; of the plain cell these are `rows`.
    kept : array, shape (N, H)
        Written: the cell states of an LSTM; for a GRU what the hidden states contribute to n.
    rows : array, shape (N, P)
        Written: the hidden states.
    w_hr : array, shape (P, H), optional
        The projection of an LSTM.
    """
    np.dot(x, w_ih.T, gates)
    for bias in (b_ih, b_hh if kind != GRU else None):
        if bias is not None:
            gates += bias
    weight = w_hh.T if len(steps) == 1 else np.ascontiguousarray(w_hh.T)
    inside = rows if w_hr is None else np.empty_like(kept)
    for start, n in steps.tolist():
        here, more = slice(start, start + n), np.dot(h[:n], weight)
        sums = gates[here]
        if kind == GRU:
            if b_hh is not None:
                more += b_hh
            gru_step.run(sums, more, h[:n], sums, kept[here], rows[here])
        else:
            sums += more
            if kind == LSTM:
                lstm_step.run(sums, c[:n], sums, kept[here], inside[here])
            else:
                rnn_step.run(sums, kind == RELU, sums)
        if w_hr is not None:
            np.dot(inside[here], w_hr.T, rows[here])
        h[:n] = rows[here]


def backward(
    kind: int, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, steps: Any, gates: Any, kept: Any, rows: Any,
    grows: Any, gh: Any, gc: Any, needs_x: bool, w_hr: Any = None,
) -> tuple[Any, Any, Any, Any, Any]:  # fmt: skip
    """All steps of a layer, backward; other arguments as of `forward`.

    Parameters
    ----------
    h0, c0 : array, shape (B, P) and (B, H)
        The first states.
    grows : array, shape (N, P)
        The gradient of the hidden states.
    gh, gc : array, shape (B, P) and (B, H)
        The gradients of the last states, overwritten by those of the first.
    needs_x : bool

    Returns
    -------
    tuple
        The gradients of x (None where it is not wanted), w_ih, w_hh, the biases (shape (1, G H), or (2, G H) where
        those of b_ih and b_hh differ), and w_hr.
    """
    states = before(rows, h0, steps)
    cells = before(kept, c0, steps) if kind == LSTM else kept
    slopes, shown = np.empty_like(gates), None if w_hr is None else np.empty_like(rows)
    slopes_more = np.empty_like(gates) if kind == GRU else slopes
    for start, n in steps[::-1].tolist():
        here, g = slice(start, start + n), gh[:n]
        g += grows[here]
        if kind == LSTM:
            if shown is not None:
                shown[here] = g
            through = g if w_hr is None else np.dot(g, w_hr)
            lstm_back.run(through, gates[here], cells[here], kept[here], gc[:n], slopes[here])
        elif kind == GRU:
            gru_back.run(g, gates[here], kept[here], states[here], slopes[here], slopes_more[here])
        else:
            rnn_back.run(g, kind == RELU, rows[here], slopes[here])
        found = np.dot(slopes_more[here], w_hh)
        g[...] = g + found if kind == GRU else found
    project = None if shown is None else np.dot(shown.T, gates[:, 3 * kept.shape[1] :] * np.tanh(kept))
    bias = np.stack([pairwise_sum(s, 0) for s in ((slopes, slopes_more) if kind == GRU else (slopes,))])
    gx = np.dot(slopes, w_ih) if needs_x else None
    return gx, np.dot(slopes.T, x), np.dot(slopes_more.T, states), bias, project
