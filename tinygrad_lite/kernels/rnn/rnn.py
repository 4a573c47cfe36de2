"""Recurrent layers over all steps in one launch, forward and backward.

A piece of work is some examples of the batch over all steps: examples do not meet, so threads do not wait for each
other. A step multiplies the input and the hidden state with weights that were packed once, and the gates follow while
the sums are near. Backward, the slopes of some steps are kept, until there are enough of them for a product of their
own with inputs and hidden states: the gradients of the weights.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="attr-defined, call-arg, var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import Kernel
from ..loops.pairwise_sum import pairwise_sum
from ..loops.row_sums import add_row, copy_row, fill_row
from ..native.memory import bare, claim
from ..native.simd.packed_products import NEAR, add_product, pack, pack_turned, places, shape_of
from ..native.threads import launch
from ..spatial.padded_layout import helpers_for, no_plain, room
from .cells import gru_row, gru_row_back, lstm_row, lstm_row_back, rnn_row, rnn_row_back
from .rnn_numpy import GRU, LSTM, RELU

KIND = LSTM  # replaced in the text that is compiled: of one kind of cell only
MANY = 24_000_000  # operations: pieces of fewer examples, each of which goes through all weights, cost what they save
CHUNK = 256 << 10  # bytes of slopes that wait for their product, which stay in the second cache


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
    x: Any, h: Any, c: Any, w_x: Any, w_h: Any, bias: Any, steps: Any, offsets: Any, sums: Any, gates: Any,
    kept: Any, rows: Any, cursor: Any,
) -> int:  # fmt: skip
    """All steps; a piece is some examples. `steps` holds for each step its first row and how many there are.

    `sums` has two lines for each example: the state's contribution stands by itself where the cell is a GRU's.
    """
    h, c, bias, sums, gates, kept, rows = bare(h), bare(c), bare(bias), bare(sums), bare(gates), bare(kept), bare(rows)
    pieces, share, lines, pitch = sums.shape
    width, size = bias.shape[1], x.itemsize
    done = 0
    while True:
        piece = claim(cursor)
        if piece >= pieces:
            return done
        done += 1
        first, here = piece * share, sums[piece]
        target = np.intp(here.ctypes.data)  # as `other`: two types would be two products
        other = target + (lines - 1) * pitch * size
        for s in range(len(steps)):
            n, row = max(min(steps[s, 1] - first, share), 0), steps[s, 0] + first
            for b in range(n):
                for line in range(lines):
                    copy_row(bias[line], here[b, line])
            add_product(x.ctypes.data + row * x.strides[0], x.strides[0], n, offsets, x.shape[1], w_x, width, target,
                        here.strides[0])  # fmt: skip
            add_product(h.ctypes.data + first * h.strides[0], h.strides[0], n, offsets, h.shape[1], w_h, width, other,
                        here.strides[0])  # fmt: skip
            for b in range(n):
                next_row(here[b, 0], here[b, lines - 1], h[first + b], c[first + b], gates, kept, row + b,
                         rows[row + b])  # fmt: skip


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


def put(source: Any, panels: Any, k: int) -> None:
    """Write a row of a matrix that is laid out in panels."""
    wide = panels.shape[2]
    for p in range(len(panels)):
        copy_row(source[p * wide : (p + 1) * wide], panels[p, k])


def backward_steps(
    x: Any, h0: Any, c0: Any, rows: Any, gates: Any, kept: Any, grows: Any, gh: Any, gc: Any, w_x: Any,
    w_h: Any, steps: Any, offsets: Any, across: Any, slopes: Any, inputs: Any, states: Any, sums: Any, gx: Any,
    gw_x: Any, gw_h: Any, gbias: Any, cursor: Any,
) -> int:  # fmt: skip
    """All steps, backward. `slopes` has lines as `sums` has in `forward_steps`; without rows `gx` is not wanted."""
    x, h0, c0, rows, gates, kept = bare(x), bare(h0), bare(c0), bare(rows), bare(gates), bare(kept)
    grows, gh, gc, slopes, inputs, states = bare(grows), bare(gh), bare(gc), bare(slopes), bare(inputs), bare(states)
    sums, gx, gw_x, gw_h, gbias = bare(sums), bare(gx), bare(gw_x), bare(gw_h), bare(gbias)
    pieces, chunk, lines, pitch = slopes.shape
    share, width, size, zero = sums.shape[1], gbias.shape[2], x.itemsize, x.dtype.type(0)
    done = 0
    while True:
        piece = claim(cursor)
        if piece >= pieces:
            return done
        done += 1
        fill_row(gw_x[piece].reshape(-1), zero)
        fill_row(gw_h[piece].reshape(-1), zero)
        fill_row(gbias[piece].reshape(-1), zero)
        first, filled, here, out = piece * share, 0, slopes[piece], sums[piece]
        base, last = np.intp(here.ctypes.data), (lines - 1) * pitch * size
        for s in range(len(steps) - 1, -1, -1):
            n, row = max(min(steps[s, 1] - first, share), 0), steps[s, 0] + first
            for b in range(n):
                known = s > 0 and first + b < steps[s - 1, 1]
                i, r = first + b, row + b
                j = steps[s - 1, 0] + i if known else i
                before = rows[j] if known else h0[i]
                add_row(grows[r], gh[i])
                back_row(gh[i], gc[i], gates, kept, r, rows[r], before,
                         (kept[j] if known else c0[i]) if KIND == LSTM else before, here[filled + b, 0],
                         here[filled + b, lines - 1])  # fmt: skip
                for line in range(lines):
                    add_row(here[filled + b, line], gbias[piece, line])
                put(x[r], inputs[piece], filled + b)
                put(before, states[piece], filled + b)
                fill_row(out[b], zero)
                if KIND == GRU:
                    copy_row(gh[i], out[b])
            there = base + filled * here.strides[0]
            add_product(there + last, here.strides[0], n, offsets, width, w_h, gh.shape[1], out.ctypes.data,
                        out.strides[0])  # fmt: skip
            for b in range(n):
                copy_row(out[b, : gh.shape[1]], gh[first + b])
            if len(gx):
                fill_row(out[:n].reshape(-1), zero)
                add_product(there, here.strides[0], n, offsets, width, w_x, gx.shape[1], out.ctypes.data,
                            out.strides[0])  # fmt: skip
                for b in range(n):
                    copy_row(out[b, : gx.shape[1]], gx[row + b])
            filled += n
            if filled + share > chunk or s == 0:
                add_product(base, size, width, across, filled, inputs[piece], x.shape[1], gw_x[piece].ctypes.data,
                            gw_x.strides[1])  # fmt: skip
                add_product(base + last, size, width, across, filled, states[piece], gh.shape[1],
                            gw_h[piece].ctypes.data, gw_h.strides[1])  # fmt: skip
                filled = 0


# --- what prepares them -----------------------------------------------------------------------------------------------


_FORWARD, _BACKWARD = (  # by the kind of cell
    tuple(Kernel(steps, no_plain, KIND=kind) for kind in range(4)) for steps in (forward_steps, backward_steps)
)


def _shares(batch: int, work: int) -> tuple[int, int]:
    """How many pieces there are, and how many examples in each."""
    wanted = min(helpers_for(work) + 1, -(-batch // 8)) if work >= MANY else 1
    share = -(-batch // wanted)
    return -(-batch // share), share


def _packed(name: str, w: Any, turned: bool) -> Any:
    depth, columns = w.shape[::-1] if turned else w.shape
    panels = room(name, shape_of(depth, columns, w.itemsize), w.dtype)
    (pack_turned if turned else pack).compiled(np.ascontiguousarray(w), panels)
    return panels


def _pitch(width: int, itemsize: int) -> int:
    """Room for whole panels, and an odd number of cache lines, since others would meet in few places of a cache."""
    count, _, wide = shape_of(1, width, itemsize)
    line = 64 // itemsize
    return (-(-count * wide // line) | 1) * line


def forward(
    kind: int, x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, steps: Any, gates: Any, kept: Any,
    rows: Any, w_hr: None = None,
) -> None:  # fmt: skip
    """`rnn_numpy.forward`, compiled, in float32 or float64; writes no gates of a plain cell."""
    width, lines = len(w_hh), 1 + (kind == GRU)
    bias = np.zeros((lines, width), x.dtype)
    for line, given in ((0, b_ih), (-1, b_hh)):
        if given is not None:
            bias[line] += given
    pieces, share = _shares(len(h), 2 * len(x) * (w_ih.size + w_hh.size))
    sums = room("sums", (pieces, share, lines, _pitch(width, x.itemsize)), x.dtype)
    w_x, w_h = _packed("w_x", w_ih, True), _packed("w_h", w_hh, True)
    launch(_FORWARD[kind].compiled, pieces, np.ascontiguousarray(x), h, c, w_x, w_h, bias, steps,
           places(x.itemsize), sums, gates, kept, rows, helpers=pieces - 1)  # fmt: skip


def backward(
    kind: int, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, steps: Any, gates: Any, kept: Any, rows: Any,
    grows: Any, gh: Any, gc: Any, needs_x: bool, w_hr: None = None,
) -> tuple[Any, Any, Any, Any, None]:  # fmt: skip
    """`rnn_numpy.backward`, compiled."""
    dtype, size, (width, depth), hidden = x.dtype, x.itemsize, w_ih.shape, w_hh.shape[1]
    lines, pitch = 1 + (kind == GRU), _pitch(width, x.itemsize)
    work = 2 * len(x) * (w_ih.size * (1 + needs_x) + 2 * w_hh.size)
    pieces, share = _shares(len(h0), work)
    chunk = max(share, min(len(x), max(NEAR, min(4 * NEAR, CHUNK // (pitch * lines * size)))))
    slopes = room("slopes", (pieces, chunk, lines, pitch), dtype)
    inputs = room("inputs", (pieces, *shape_of(chunk, depth, size)), dtype)
    states = room("states", (pieces, *shape_of(chunk, hidden, size)), dtype)
    sums = room("sums", (pieces, share, max(_pitch(depth, size), _pitch(hidden, size))), dtype)
    gw_x, gw_h = (room(f"gw_{n}", (pieces, width, _pitch(k, size)), dtype) for n, k in (("x", depth), ("h", hidden)))
    gbias = np.empty((pieces, lines, width), dtype)
    gx = np.empty((len(x) if needs_x else 0, depth), dtype)
    w_h = _packed("w_h", w_hh, False)
    w_x = _packed("w_x", w_ih, False) if needs_x else w_h
    launch(
        _BACKWARD[kind].compiled, pieces, np.ascontiguousarray(x), np.ascontiguousarray(h0),
        np.ascontiguousarray(c0), rows, gates, kept, grows, gh, gc, w_x, w_h, steps, places(size),
        places(lines * pitch * size, max(chunk, 2)), slopes, inputs, states, sums, gx, gw_x, gw_h, gbias,
        helpers=pieces - 1,
    )  # fmt: skip
    gw_ih, gw_hh, gb = _of_all(gw_x[:, :, :depth]), _of_all(gw_h[:, :, :hidden]), _of_all(gbias)
    return gx if needs_x else None, gw_ih, gw_hh, gb, None


def _of_all(pieces: Any) -> Any:
    """The sum of what the pieces found; of a single one, a third of a sum's time, since each cell in a loop has it."""
    return pieces[0].copy() if len(pieces) == 1 else pairwise_sum(pieces, 0)
