"""`forward_all`, `backward_all`: all steps of a recurrent layer in NumPy, the twins of what `rnn` compiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..linalg.matrix_product import matrix_product
from ..loops.pairwise_sum import pairwise_sum
from .cells import gru_back, gru_step, lstm_back, lstm_step, rnn_back, rnn_step

LSTM, GRU, TANH, RELU = range(4)


def before(rows: Any, first: Any, steps: Any, out: Any) -> Any:
    """The state before each step, of all rows: that of the step before, or the first one."""
    last, m = 0, 0
    for start, n in steps.tolist():
        known = min(m, n)
        out[start : start + known] = rows[last : last + known]
        out[start + known : start + n] = first[known:n]
        last, m = start, n
    return out


def forward_all(
    kind: int, h: Any, c: Any, w_hh: Any, w_hr: Any, b_hh: Any, steps: Any, gates: Any, kept: Any, rows: Any
) -> None:
    """All steps of a layer, in place: see `loops.forward`. `gates` holds what the inputs contribute."""
    weight = w_hh.T if len(steps) == 1 else np.ascontiguousarray(w_hh.T)
    inside = rows if w_hr is None else np.empty_like(kept)
    for start, n in steps.tolist():
        here, more = slice(start, start + n), matrix_product(h[:n], weight)
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


def backward_all(
    kind: int, h0: Any, c0: Any, w_hh: Any, w_hr: Any, steps: Any, gates: Any, kept: Any, grows: Any, gh: Any, gc: Any,
    slopes: Any, more: Any, states: Any, shown: Any, rows: Any,
) -> Any:  # fmt: skip
    """All steps of a layer, backward, in place: see `loops.backward`.

    Written are `slopes` and `more`, the gradients of what inputs and states contribute, shape (N, G H), the same array
    if the cell is no GRU; `states`, the hidden states before each step, shape (N, P); and with a projection `shown`,
    the gradients of all hidden states. Returns the sums of `slopes` and, if it is another array, of `more`.
    """
    before(rows, h0, steps, states)
    cells = before(kept, c0, steps, np.empty_like(kept)) if kind == LSTM else kept
    for start, n in steps[::-1].tolist():
        here, g = slice(start, start + n), gh[:n]
        g += grows[here]
        if kind == LSTM:
            if w_hr is not None:
                shown[here] = g
            through = g if w_hr is None else np.dot(g, w_hr)
            lstm_back.run(through, gates[here], cells[here], kept[here], gc[:n], slopes[here])
        elif kind == GRU:
            gru_back.run(g, gates[here], kept[here], states[here], slopes[here], more[here])
        else:
            rnn_back.run(g, kind == RELU, rows[here], slopes[here])
        found = matrix_product(more[here], w_hh)
        g[...] = g + found if kind == GRU else found
    return np.stack([pairwise_sum(s, 0) for s in ((slopes, more) if kind == GRU else (slopes,))])
