"""One step of recurrent cells, forward and backward: what is left when the matrix products are taken out.

The gates of one example stand side by side in a row; their order is PyTorch's. What is compiled works row by row, which
is how `unroll` uses it for all steps, and every loop runs over one contiguous piece of a row, so that it vectorizes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernel import kernel
from ..loops.row_sums import copy_row


def tanh_of(v: Any, single: bool) -> Any:
    """tanh; of float32 by a rational minimax approximation of tanh(x) / x in x^2, to 4e-7, which vectorizes."""
    if not single:
        return math.tanh(v)
    limit = np.float32(9)  # from where on it is 1 in float32
    v = limit if v > limit else v
    v = -limit if v < -limit else v
    z = v * v
    p = np.float32(1.3354713e-8) * z + np.float32(2.0609123e-5)
    p = (p * z + np.float32(3.4955907e-3)) * z + np.float32(1.3381028e-1)
    q = np.float32(7.7765804e-7) * z + np.float32(3.2856389e-4)
    q = (q * z + np.float32(2.5876992e-2)) * z + np.float32(4.6714343e-1)
    one = np.float32(1)
    return v * (p * z + one) / (q * z + one)


def sigmoid_plain(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _bend(sums: Any, gates: Any, slope: Any, shift: Any) -> None:
    """``tanh(sums)`` with a slope of 1, the logistic function with both a half: one loop to be compiled for either."""
    single = gates.itemsize == 4
    for j in range(gates.size):
        gates[j] = shift + slope * tanh_of(slope * sums[j], single)


def _next_cell(forget: Any, gain: Any, value: Any, cell: Any) -> None:
    for j in range(cell.size):
        cell[j] = forget[j] * cell[j] + gain[j] * value[j]


def _show(cell: Any, gate: Any, hidden: Any) -> None:
    single = cell.itemsize == 4
    for j in range(cell.size):
        hidden[j] = gate[j] * tanh_of(cell[j], single)


def lstm_step_plain(sums: Any, cell: Any, gates: Any, cells: Any, hidden: Any) -> None:
    """One step of an LSTM.

    Parameters
    ----------
    sums : array, shape (B, 4 H), floating
        What input and hidden state contribute to i, f, g and o.
    cell : array, shape (B, H)
        The cell state, overwritten by the next.
    gates : array, shape (B, 4 H)
        Written: the gates; may be `sums`.
    cells, hidden : array, shape (B, H)
        Written: the next cell state again, and ``o tanh(c)``.
    """
    gates[...] = sums
    i, f, g, o = np.split(gates, 4, 1)
    for gate in (i, f, o):
        gate[...] = sigmoid_plain(gate)
    g[...] = np.tanh(g)
    cell[...] = f * cell + i * g
    cells[...] = cell
    hidden[...] = o * np.tanh(cell)


def lstm_row(sums: Any, cell: Any, gates: Any, kept: Any, hidden: Any) -> None:
    size = cell.size
    zero, half, one = cell.dtype.type(0), cell.dtype.type(0.5), cell.dtype.type(1)
    for k in range(4):
        slope, shift = (one, zero) if k == 2 else (half, half)
        _bend(sums[k * size : (k + 1) * size], gates[k * size : (k + 1) * size], slope, shift)
    _next_cell(gates[size : 2 * size], gates[:size], gates[2 * size : 3 * size], cell)
    copy_row(cell, kept)
    _show(cell, gates[3 * size :], hidden)


@kernel(lstm_step_plain)
def lstm_step(sums: Any, cell: Any, gates: Any, cells: Any, hidden: Any) -> None:
    for b in range(len(cell)):
        lstm_row(sums[b], cell[b], gates[b], cells[b], hidden[b])


def _through_cell(gh: Any, gc: Any, o: Any, cell: Any, slope: Any) -> None:
    """From the hidden to the cell state, and the gate between."""
    single, one = cell.itemsize == 4, cell.dtype.type(1)
    for j in range(cell.size):
        t = tanh_of(cell[j], single)
        slope[j] = gh[j] * t * o[j] * (one - o[j])
        gc[j] += gh[j] * o[j] * (one - t * t)


def _through_gate(gc: Any, factor: Any, gate: Any, slope: Any) -> None:
    one = gate.dtype.type(1)
    for j in range(gate.size):
        slope[j] = gc[j] * factor[j] * gate[j] * (one - gate[j])


def _through_value(gc: Any, factor: Any, value: Any, slope: Any) -> None:
    one = value.dtype.type(1)
    for j in range(value.size):
        slope[j] = gc[j] * factor[j] * (one - value[j] * value[j])


def _scale(x: Any, factor: Any) -> None:
    for j in range(x.size):
        x[j] *= factor[j]


def lstm_back_plain(gh: Any, gates: Any, before: Any, cells: Any, gc: Any, slopes: Any) -> None:
    """One step of an LSTM, backward.

    Parameters
    ----------
    gh : array, shape (B, H), floating
        The gradient of ``o tanh(c)``.
    gates : array, shape (B, 4 H)
    before, cells : array, shape (B, H)
        The cell states before and after the step.
    gc : array, shape (B, H)
        The gradient of the cell state after the step, overwritten by that of the one before.
    slopes : array, shape (B, 4 H)
        Written: the gradients of the gates' sums.
    """
    i, f, g, o = np.split(gates, 4, 1)
    di, df, dg, do = np.split(slopes, 4, 1)
    t = np.tanh(cells)
    do[...] = gh * t * o * (1 - o)
    gc += gh * o * (1 - t * t)
    di[...] = gc * g * i * (1 - i)
    df[...] = gc * before * f * (1 - f)
    dg[...] = gc * i * (1 - g * g)
    gc *= f


def lstm_row_back(gh: Any, gates: Any, before: Any, cell: Any, gc: Any, slopes: Any) -> None:
    size = cell.size
    i, f, g = gates[:size], gates[size : 2 * size], gates[2 * size : 3 * size]
    _through_cell(gh, gc, gates[3 * size :], cell, slopes[3 * size : 4 * size])
    _through_gate(gc, g, i, slopes[:size])
    _through_gate(gc, before, f, slopes[size : 2 * size])
    _through_value(gc, i, g, slopes[2 * size : 3 * size])
    _scale(gc, f)


@kernel(lstm_back_plain)
def lstm_back(gh: Any, gates: Any, before: Any, cells: Any, gc: Any, slopes: Any) -> None:
    for b in range(len(cells)):
        lstm_row_back(gh[b], gates[b], before[b], cells[b], gc[b], slopes[b])


def gru_step_plain(sums: Any, more: Any, state: Any, gates: Any, kept: Any, hidden: Any) -> None:
    """One step of a GRU.

    Parameters
    ----------
    sums, more : array, shape (B, 3 H), floating
        What the input and what the hidden state contributes to r, z and n.
    state : array, shape (B, H)
        The hidden state.
    gates : array, shape (B, 3 H)
        Written: the gates; may be `sums`.
    kept, hidden : array, shape (B, H)
        Written: the last third of `more`, and the next hidden state.
    """
    gates[...] = sums
    r, z, n = np.split(gates, 3, 1)
    mr, mz, mn = np.split(more, 3, 1)
    r[...] = sigmoid_plain(r + mr)
    z[...] = sigmoid_plain(z + mz)
    n[...] = np.tanh(n + r * mn)
    kept[...] = mn
    hidden[...] = n + z * (state - n)


def _two_sigmoids(sums: Any, more: Any, gates: Any) -> None:
    single, half = gates.itemsize == 4, gates.dtype.type(0.5)
    for j in range(gates.size):
        gates[j] = half + half * tanh_of(half * (sums[j] + more[j]), single)


def _reset(sums: Any, r: Any, more: Any, value: Any) -> None:
    single = value.itemsize == 4
    for j in range(value.size):
        value[j] = tanh_of(sums[j] + r[j] * more[j], single)


def _blend(state: Any, z: Any, value: Any, hidden: Any) -> None:
    for j in range(state.size):
        hidden[j] = value[j] + z[j] * (state[j] - value[j])


def gru_row(sums: Any, more: Any, state: Any, gates: Any, kept: Any, hidden: Any) -> None:
    size = state.size
    _two_sigmoids(sums[: 2 * size], more[: 2 * size], gates[: 2 * size])
    _reset(sums[2 * size : 3 * size], gates[:size], more[2 * size : 3 * size], gates[2 * size :])
    copy_row(more[2 * size : 3 * size], kept)
    _blend(state, gates[size : 2 * size], gates[2 * size :], hidden)


@kernel(gru_step_plain)
def gru_step(sums: Any, more: Any, state: Any, gates: Any, kept: Any, hidden: Any) -> None:
    for b in range(len(state)):
        gru_row(sums[b], more[b], state[b], gates[b], kept[b], hidden[b])


def gru_back_plain(gh: Any, gates: Any, kept: Any, before: Any, slopes: Any, slopes_more: Any) -> None:
    """One step of a GRU, backward.

    Parameters
    ----------
    gh : array, shape (B, H), floating
        The gradient of the hidden state after the step, overwritten by what goes straight to the one before.
    gates : array, shape (B, 3 H)
    kept, before : array, shape (B, H)
        What the hidden state contributed to n, and the hidden state before the step.
    slopes, slopes_more : array, shape (B, 3 H)
        Written: the gradients of what the input and what the hidden state contributed.
    """
    r, z, n = np.split(gates, 3, 1)
    dr, dz, dn = np.split(slopes, 3, 1)
    dn[...] = gh * (1 - z) * (1 - n * n)
    dz[...] = gh * (before - n) * z * (1 - z)
    dr[...] = dn * kept * r * (1 - r)
    slopes_more[...] = slopes
    slopes_more[:, 2 * r.shape[1] :] *= r
    gh *= z


def _through_new(gh: Any, z: Any, value: Any, slope: Any) -> None:
    one = value.dtype.type(1)
    for j in range(value.size):
        slope[j] = gh[j] * (one - z[j]) * (one - value[j] * value[j])


def _through_update(gh: Any, before: Any, value: Any, z: Any, slope: Any) -> None:
    one = z.dtype.type(1)
    for j in range(z.size):
        slope[j] = gh[j] * (before[j] - value[j]) * z[j] * (one - z[j])


def gru_row_back(gh: Any, gates: Any, kept: Any, before: Any, slopes: Any, slopes_more: Any) -> None:
    size = kept.size
    r, z, n = gates[:size], gates[size : 2 * size], gates[2 * size :]
    _through_new(gh, z, n, slopes[2 * size : 3 * size])
    _through_update(gh, before, n, z, slopes[size : 2 * size])
    _through_gate(slopes[2 * size : 3 * size], kept, r, slopes[:size])
    copy_row(slopes[: 3 * size], slopes_more)
    _scale(slopes_more[2 * size : 3 * size], r)
    _scale(gh, z)


@kernel(gru_back_plain)
def gru_back(gh: Any, gates: Any, kept: Any, before: Any, slopes: Any, slopes_more: Any) -> None:
    for b in range(len(kept)):
        gru_row_back(gh[b], gates[b], kept[b], before[b], slopes[b], slopes_more[b])


def rnn_step_plain(sums: Any, bent: bool, hidden: Any) -> None:
    """One step of the plain cell: the tanh of the sums, or their relu where `bent`; all of shape (B, H)."""
    if bent:
        np.maximum(sums, sums.dtype.type(0), out=hidden)
    else:
        np.tanh(sums, out=hidden)


def rnn_row(sums: Any, bent: bool, hidden: Any) -> None:
    if not bent:
        _bend(sums, hidden, hidden.dtype.type(1), hidden.dtype.type(0))
        return
    zero = hidden.dtype.type(0)
    for j in range(hidden.size):
        hidden[j] = zero if sums[j] <= zero else sums[j]


@kernel(rnn_step_plain)
def rnn_step(sums: Any, bent: bool, hidden: Any) -> None:
    for b in range(len(hidden)):
        rnn_row(sums[b], bent, hidden[b])


def rnn_back_plain(gh: Any, bent: bool, hidden: Any, slopes: Any) -> None:
    """One step of the plain cell, backward: ``slopes = gh * f'``, all of shape (B, H)."""
    np.multiply(gh, np.not_equal(hidden, 0) if bent else 1 - hidden * hidden, out=slopes)


def rnn_row_back(gh: Any, bent: bool, hidden: Any, slopes: Any) -> None:
    one, zero = hidden.dtype.type(1), hidden.dtype.type(0)
    for j in range(hidden.size):
        slopes[j] = gh[j] * ((one if hidden[j] != zero else zero) if bent else one - hidden[j] * hidden[j])


@kernel(rnn_back_plain)
def rnn_back(gh: Any, bent: bool, hidden: Any, slopes: Any) -> None:
    for b in range(len(hidden)):
        rnn_row_back(gh[b], bent, hidden[b], slopes[b])
