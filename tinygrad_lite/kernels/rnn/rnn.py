"""Recurrent layers over all steps in one launch, forward and backward.

A piece of work is some examples of the batch over all steps: examples do not meet, so threads do not wait for each
other. A step multiplies the hidden states with weights that were laid out in panels once, and the gates follow while
the sums are near.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="attr-defined, call-arg, var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import Kernel, kernel
from ..linalg.blocked_product import NEAR, begin, copy_panel, multiply_strips
from ..loops.pairwise_sum import pairwise_sum
from ..loops.row_sums import add_row, copy_row
from ..native.memory import bare, claim
from ..native.simd.blocks import ROWS, WIDTH
from ..native.simd.panels import PITCH
from ..native.threads import launch
from ..spatial.padded_layout import helpers_for, no_plain, room
from .cells import gru_row, gru_row_back, lstm_row, lstm_row_back, rnn_row, rnn_row_back
from .rnn_numpy import GRU, LSTM, RELU

KIND = LSTM  # replaced in the text that is compiled: of one kind of cell only
MANY = 24_000_000  # operations: pieces of fewer examples, each of which goes through all weights, cost what they save


@kernel(no_plain)
def pack(w: Any, turned: bool, panels: Any) -> None:
    """Lay out the columns of `w`, or its rows, as columns of panels."""
    w, panels = bare(w), bare(panels)
    (depth, columns), size, lanes = w.shape, w.itemsize, WIDTH // w.itemsize
    step, apart = w.strides[0], size
    if turned:
        depth, columns, step, apart = columns, depth, size, step
    count = len(panels)
    least, more = -(-columns // lanes) // count, -(-columns // lanes) % count
    for p in range(count):
        start = begin(p, least, more, lanes)
        wide = min(begin(p + 1, least, more, lanes), columns) - start
        copy_panel(w.ctypes.data + start * apart, step, apart, depth, wide,
                   panels.ctypes.data + p * panels.strides[0], w.dtype, w.itemsize)  # fmt: skip


def add_product(
    a: int, a_row: int, rows: int, panels: Any, columns: int, out: int, pitch: int, fresh: int, bias: int
) -> None:
    """``out[r] += sum over k of a[r, k] * panels[k]``, or ``=`` that where `fresh` is not 0, plus the bias, if any.

    `a`, `out` and the bias by address, steps from row to row in bytes.
    """
    count, depth, _ = panels.shape
    size, lanes = panels.itemsize, WIDTH // panels.itemsize
    least, more = -(-columns // lanes) // count, -(-columns // lanes) % count
    for p in range(count):
        start = begin(p, least, more, lanes)
        end, base = min(begin(p + 1, least, more, lanes), columns), panels.ctypes.data + p * panels.strides[0]
        for k in range(0, depth, NEAR):
            multiply_strips(least + (p < more), panels.dtype, rows, a + k * size, a_row, size, ROWS * a_row,
                            base + k * PITCH, PITCH, min(NEAR, depth - k), out + start * size, pitch, end - start,
                            fresh and k == 0, bias + start * size if bias and k + NEAR >= depth else 0)  # fmt: skip


def next_row(sums: Any, more: Any, h: Any, c: Any, gates: Any, kept: Any, row: int, out: Any) -> None:
    """One example's step."""
    if KIND == LSTM:
        lstm_row(sums, c, gates[row], kept[row], out)
    elif KIND == GRU:
        gru_row(sums, more, h, gates[row], kept[row], out)
    else:
        rnn_row(sums, KIND == RELU, out)
    copy_row(out, h)


def forward_steps(
    h: Any, c: Any, weights: Any, bias: Any, steps: Any, share: int, sums: Any, gates: Any, kept: Any, rows: Any,
    cursor: Any,
) -> int:  # fmt: skip
    """All steps; a piece is `share` examples. `steps` holds for each step its first row and how many there are.

    `sums` has a line for each example, and where the cell is a GRU another one: the states' contribution stands by
    itself there, and `bias` is added to it.
    """
    h, c, bias, sums, gates, kept, rows = bare(h), bare(c), bare(bias), bare(sums), bare(gates), bare(kept), bare(rows)
    _, lines, _ = sums.shape
    width, done = gates.shape[1], 0
    while True:
        first = claim(cursor) * share
        if first >= len(h):
            return done
        done += 1
        here = np.intp(sums.ctypes.data) + first * sums.strides[0] + (lines - 1) * sums.strides[1]
        for s in range(len(steps)):
            n, row = max(min(steps[s, 1] - first, share), 0), steps[s, 0] + first
            for b in range(n):  # the loops of the gates are compiled for lines that they do not write to
                copy_row(gates[row + b], sums[first + b, 0])
            add_product(h.ctypes.data + first * h.strides[0], h.strides[0], n, weights, width, here, sums.strides[0],
                        KIND == GRU, bias.ctypes.data if KIND == GRU else 0)  # fmt: skip
            for b in range(n):
                next_row(sums[first + b, 0], sums[first + b, lines - 1], h[first + b], c[first + b], gates, kept,
                         row + b, rows[row + b])  # fmt: skip


def back_row(
    gh: Any, gc: Any, gates: Any, kept: Any, row: int, out: Any, before: Any, before_cell: Any, slopes: Any,
    more: Any,
) -> None:  # fmt: skip
    """One example's step, backward."""
    if KIND == LSTM:
        lstm_row_back(gh, gates[row], before_cell, kept[row], gc, slopes)
    elif KIND == GRU:
        gru_row_back(gh, gates[row], kept[row], before, slopes, more)
    else:
        rnn_row_back(gh, KIND == RELU, out, slopes)


def backward_steps(
    h0: Any, c0: Any, rows: Any, gates: Any, kept: Any, grows: Any, gh: Any, gc: Any, weights: Any, steps: Any,
    share: int, slopes: Any, more: Any, states: Any, sums: Any, cursor: Any,
) -> int:  # fmt: skip
    """All steps, backward; a piece is `share` examples.

    `sums`, shape (1 or 2, T, groups, G H), begins with zeros: those of `slopes` and `more` over `ROWS` examples each.
    """
    h0, c0, rows, gates, kept, grows, gh, gc = (
        bare(h0), bare(c0), bare(rows), bare(gates), bare(kept), bare(grows), bare(gh), bare(gc)
    )  # fmt: skip
    slopes, more, states, sums = bare(slopes), bare(more), bare(states), bare(sums)
    lines, done = len(sums), 0
    while True:
        first = claim(cursor) * share
        if first >= len(gh):
            return done
        done += 1
        for s in range(len(steps) - 1, -1, -1):
            n, row = max(min(steps[s, 1] - first, share), 0), steps[s, 0] + first
            for b in range(n):
                known = s > 0 and first + b < steps[s - 1, 1]
                i, r = first + b, row + b
                j = steps[s - 1, 0] + i if known else i
                before = rows[j] if known else h0[i]
                add_row(grows[r], gh[i])
                back_row(gh[i], gc[i], gates, kept, r, rows[r], before,
                         (kept[j] if known else c0[i]) if KIND == LSTM else before, slopes[r], more[r])  # fmt: skip
                copy_row(before, states[r])
                group = i // ROWS
                add_row(slopes[r], sums[0, s, group])
                if lines > 1:
                    add_row(more[r], sums[1, s, group])
            add_product(more.ctypes.data + row * more.strides[0], more.strides[0], n, weights, gh.shape[1],
                        gh.ctypes.data + first * gh.strides[0], gh.strides[0], KIND != GRU, 0)  # fmt: skip


# --- what prepares them -----------------------------------------------------------------------------------------------


_FORWARD, _BACKWARD = (  # by the kind of cell
    tuple(Kernel(steps, no_plain, KIND=kind) for kind in range(4)) for steps in (forward_steps, backward_steps)
)


def _shares(batch: int, work: int) -> tuple[int, int]:
    """How many pieces there are, and how many examples in each: whole strips, whose sums are the same in any piece."""
    wanted = min(helpers_for(work) + 1, -(-batch // ROWS)) if work >= MANY else 1
    share = -(-batch // (wanted * ROWS)) * ROWS
    return -(-batch // share), share


def _packed(w: Any, turned: bool) -> Any:
    depth, columns = w.shape[::-1] if turned else w.shape
    lanes = PITCH // w.itemsize
    panels = room("weights", (-(-columns // lanes), depth, lanes), w.dtype)
    pack.compiled(np.ascontiguousarray(w), turned, panels)
    return panels


def _pitch(width: int, itemsize: int) -> int:
    """Room for a line, and an odd number of cache lines, since others would meet in few places of a cache."""
    line = 64 // itemsize
    return (-(-width // line) | 1) * line


def forward_all(
    kind: int, h: Any, c: Any, w_hh: Any, w_hr: None, b_hh: Any, steps: Any, gates: Any, kept: Any, rows: Any
) -> None:
    """`rnn_numpy.forward_all`, compiled, in float32 or float64."""
    width, gru = len(w_hh), kind == GRU
    pieces, share = _shares(len(h), 2 * len(rows) * w_hh.size)
    sums = room("sums", (len(h), 1 + gru, _pitch(width, gates.itemsize)), gates.dtype)
    bias = np.zeros(width if gru else 0, gates.dtype)
    if gru and b_hh is not None:
        bias += b_hh
    launch(_FORWARD[kind].compiled, pieces, h, c, _packed(w_hh, True), bias, steps, share, sums, gates, kept, rows,
           helpers=pieces - 1)  # fmt: skip


def backward_all(
    kind: int, h0: Any, c0: Any, w_hh: Any, w_hr: None, steps: Any, gates: Any, kept: Any, grows: Any, gh: Any, gc: Any,
    slopes: Any, more: Any, states: Any, shown: Any, rows: Any,
) -> Any:  # fmt: skip
    """`rnn_numpy.backward_all`, compiled."""
    pieces, share = _shares(len(h0), 2 * len(rows) * w_hh.size)
    sums = np.zeros((1 + (kind == GRU), len(steps), -(-len(h0) // ROWS), len(w_hh)), gates.dtype)
    h0, c0 = np.ascontiguousarray(h0), np.ascontiguousarray(c0)
    launch(_BACKWARD[kind].compiled, pieces, h0, c0, rows, gates, kept, grows, gh, gc, _packed(w_hh, False), steps,
           share, slopes, more, states, sums, helpers=pieces - 1)  # fmt: skip
    return pairwise_sum(sums, (1, 2))
