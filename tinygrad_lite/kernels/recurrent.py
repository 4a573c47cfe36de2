"""One step of recurrent cells, forward and backward: what is left when the matrix products are taken out.

The gates of one example stand side by side in a row; their order is PyTorch's. Every loop runs over one contiguous
piece of such a row, so that it vectorizes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .backend import kernel


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


def _add_sigmoid(row: Any, more: Any) -> None:
    single, half = row.itemsize == 4, row.dtype.type(0.5)
    for j in range(row.size):
        row[j] = half + half * tanh_of(half * (row[j] + more[j]), single)


def _add_tanh(row: Any, more: Any) -> None:
    single = row.itemsize == 4
    for j in range(row.size):
        row[j] = tanh_of(row[j] + more[j], single)


def _next_cell(forget: Any, gain: Any, value: Any, cell: Any) -> None:
    for j in range(cell.size):
        cell[j] = forget[j] * cell[j] + gain[j] * value[j]


def _show(cell: Any, gate: Any, hidden: Any) -> None:
    single = cell.itemsize == 4
    for j in range(cell.size):
        hidden[j] = gate[j] * tanh_of(cell[j], single)


def lstm_step_plain(gates: Any, more: Any, cell: Any, cells: Any, hidden: Any) -> None:
    """One step of an LSTM.

    Parameters
    ----------
    gates : array, shape (B, 4 H), floating
        What the input contributes to i, f, g and o; their values are written in its place.
    more : array, shape (B, 4 H)
        What the hidden state contributes.
    cell : array, shape (B, H)
        The cell state, overwritten by the next.
    cells, hidden : array, shape (B, H)
        Written: the next cell state again, and ``o tanh(c)``.
    """
    gates += more
    i, f, g, o = np.split(gates, 4, 1)
    for gate in (i, f, o):
        gate[...] = sigmoid_plain(gate)
    g[...] = np.tanh(g)
    cell[...] = f * cell + i * g
    cells[...] = cell
    hidden[...] = o * np.tanh(cell)


@kernel(lstm_step_plain)
def lstm_step(gates: Any, more: Any, cell: Any, cells: Any, hidden: Any) -> None:
    n, size = cell.shape
    for b in range(n):
        row, extra, state = gates[b], more[b], cell[b]
        _add_sigmoid(row[: 2 * size], extra[: 2 * size])
        _add_tanh(row[2 * size : 3 * size], extra[2 * size : 3 * size])
        _add_sigmoid(row[3 * size :], extra[3 * size :])
        _next_cell(row[size : 2 * size], row[:size], row[2 * size : 3 * size], state)
        cells[b] = state
        _show(state, row[3 * size :], hidden[b])


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


@kernel(lstm_back_plain)
def lstm_back(gh: Any, gates: Any, before: Any, cells: Any, gc: Any, slopes: Any) -> None:
    n, size = cells.shape
    for b in range(n):
        row, slope, state = gates[b], slopes[b], gc[b]
        i, f, g = row[:size], row[size : 2 * size], row[2 * size : 3 * size]
        _through_cell(gh[b], state, row[3 * size :], cells[b], slope[3 * size :])
        _through_gate(state, g, i, slope[:size])
        _through_gate(state, before[b], f, slope[size : 2 * size])
        _through_value(state, i, g, slope[2 * size : 3 * size])
        _scale(state, f)


def gru_step_plain(gates: Any, more: Any, state: Any, kept: Any, hidden: Any) -> None:
    """One step of a GRU.

    Parameters
    ----------
    gates : array, shape (B, 3 H), floating
        What the input contributes to r, z and n; their values are written in its place.
    more : array, shape (B, 3 H)
        What the hidden state contributes.
    state : array, shape (B, H)
        The hidden state, overwritten by the next.
    kept, hidden : array, shape (B, H)
        Written: the last third of `more`, and the next hidden state again.
    """
    r, z, n = np.split(gates, 3, 1)
    mr, mz, mn = np.split(more, 3, 1)
    r[...] = sigmoid_plain(r + mr)
    z[...] = sigmoid_plain(z + mz)
    n[...] = np.tanh(n + r * mn)
    kept[...] = mn
    state[...] = n + z * (state - n)
    hidden[...] = state


def _reset(value: Any, r: Any, more: Any) -> None:
    single = value.itemsize == 4
    for j in range(value.size):
        value[j] = tanh_of(value[j] + r[j] * more[j], single)


def _blend(state: Any, z: Any, value: Any) -> None:
    for j in range(state.size):
        state[j] = value[j] + z[j] * (state[j] - value[j])


@kernel(gru_step_plain)
def gru_step(gates: Any, more: Any, state: Any, kept: Any, hidden: Any) -> None:
    n, size = state.shape
    for b in range(n):
        row, extra = gates[b], more[b]
        _add_sigmoid(row[: 2 * size], extra[: 2 * size])
        _reset(row[2 * size :], row[:size], extra[2 * size :])
        kept[b] = extra[2 * size :]
        _blend(state[b], row[size : 2 * size], row[2 * size :])
        hidden[b] = state[b]


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


@kernel(gru_back_plain)
def gru_back(gh: Any, gates: Any, kept: Any, before: Any, slopes: Any, slopes_more: Any) -> None:
    m, size = kept.shape
    for b in range(m):
        row, slope, more = gates[b], slopes[b], slopes_more[b]
        r, z, n = row[:size], row[size : 2 * size], row[2 * size :]
        _through_new(gh[b], z, n, slope[2 * size :])
        _through_update(gh[b], before[b], n, z, slope[size : 2 * size])
        _through_gate(slope[2 * size :], kept[b], r, slope[:size])
        more[:] = slope
        _scale(more[2 * size :], r)
        _scale(gh[b], z)


def tanh_step_plain(sums: Any, more: Any, state: Any) -> None:
    """``tanh(sums + more)``, in place of `sums` and `state`, of shape (B, H)."""
    sums += more
    np.tanh(sums, out=sums)
    state[...] = sums


@kernel(tanh_step_plain)
def tanh_step(sums: Any, more: Any, state: Any) -> None:
    for b in range(sums.shape[0]):
        _add_tanh(sums[b], more[b])
        state[b] = sums[b]
