"""Recurrent layers: one row of the table for one layer in one direction over all steps.

The steps of a batch stand one below the other in rows: ``sizes[t]`` of them belong to step t. Sequences are sorted by
length, longest first, so `sizes` never grows, and example b is row b of every step that it takes part in. A batch of
equal lengths is the case where all sizes are equal.

The products with the input's weights are one product for all steps. A step multiplies the hidden state, and a compiled
loop does the rest. Backward, the gradients of the weights are one product for all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import rules
from ..kernels import recurrent as kernels
from ..rules import differentiable
from .elementwise import sigmoid, tanh
from .join import cat

__all__ = ["gru_layer", "lstm_layer", "rnn_layer"]

Spans = list[tuple[int, int]]


def _spans(sizes: tuple[int, ...], reverse: bool) -> Spans:
    """Where the rows of each step begin and end, in the order of the steps."""
    ends = np.cumsum(sizes).tolist()
    spans = list(zip([0, *ends[:-1]], ends))
    return spans[::-1] if reverse else spans


def _before(rows: Any, first: Any, spans: Spans) -> Any:
    """The state before each step, of all rows: that of the step before, or the first one."""
    n = len(first)
    if len(rows) == n * len(spans):  # equal lengths
        return np.concatenate((first, rows[:-n]) if spans[0][0] == 0 and len(spans) > 1 else (rows[n:], first))
    out = np.empty((len(rows), *first.shape[1:]), first.dtype)
    last, m = 0, 0
    for start, end in spans:
        known = min(m, end - start)
        out[start : start + known] = rows[last : last + known]
        out[start + known : end] = first[known : end - start]
        last, m = start, end - start
    return out


def _contribution(x: Any, weight: Any, *biases: Any) -> Any:
    """What the input contributes to the gates, for all steps."""
    out = np.dot(x, weight.T)
    given = [bias for bias in biases if bias is not None]
    if given:
        out += sum(given[1:], given[0])  # one pass over all steps
    return out


def _arrived(g: Any, rows: Any, *states: Any) -> list[Any]:
    """The gradients of the rows and of the last states, zero where none arrived; the latter are to be written to."""
    values, *last = g.values
    return [
        np.zeros_like(rows) if values is None else np.ascontiguousarray(values),
        *(np.zeros_like(s) if v is None else np.array(v, order="C") for v, s in zip(last, states)),
    ]


Pieces = list[tuple[slice, Any]]


def _cut(weight: Any, rows: int) -> Pieces:
    """A matrix in vertical pieces, so small that OpenBLAS multiplies `rows` rows with each as they stand.

    Above a million multiplications it copies the matrix into blocks first, at every step, and shares the work between
    threads that wait for each other: 16 x 128 with 128 x 512 takes 21 us on one core whole and 16 in two pieces.
    """
    k, n = weight.shape
    count = min(-(-rows * k * n // 1_000_000), 8) or 1
    width = -(-n // count)
    return [(slice(i, i + width), np.ascontiguousarray(weight[:, i : i + width])) for i in range(0, n, width)]


def _multiply(x: Any, pieces: Pieces, out: Any) -> None:
    if len(pieces) == 1:
        np.dot(x, pieces[0][1], out)
        return
    for columns, weight in pieces:
        np.matmul(x, weight, out=out[:, columns])


def _or_none(bias: Any, gradient: Any) -> Any:
    return None if bias is None else gradient


def _recorded(g: Any) -> bool:
    """Whether the rule is called with Tensors, for derivatives of higher order."""
    return any(isinstance(v, rules.Tensor) for v in g.values)


def _through_twin(twin: Callable[..., Any], g: Any, wanted: int, *args: Any) -> tuple[Any, ...]:
    """The gradients of the first arguments, recorded: those of the twin, whose arguments are Tensors of their own."""
    from ..autograd import grad

    own = [a.clone() if isinstance(a, rules.Tensor) else a for a in args]
    outs = twin(*own)
    pairs = [(o, v) for o, v in zip(outs, g.values) if v is not None]
    leaves = [i for i in range(wanted) if isinstance(own[i], rules.Tensor) and own[i].requires_grad]
    found = grad(
        [o for o, _ in pairs],
        [own[i] for i in leaves],
        [v for _, v in pairs],
        create_graph=True,
        allow_unused=True,
    )
    gradients = dict(zip(leaves, found))
    return tuple(gradients.get(i) for i in range(wanted))


def _steps(first: Any, spans: Spans) -> Iterator[tuple[int, int, Callable[[Any, Any], Any]]]:
    """For the twins: each step's rows, and what puts the states of those that take part in place of the old ones."""
    for start, end in spans:

        def replaced(old: Any, new: Any, n: int = end - start) -> Any:
            return new if n == len(first) else cat([new, old[n:]])

        yield start, end, replaced


def _in_order(parts: list[Any], reverse: bool) -> Any:
    return cat(parts[::-1] if reverse else parts)


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    out = x @ weight.T
    return out if bias is None else out + bias


# --- LSTM -------------------------------------------------------------------------------------------------------------


def _lstm_twin(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, sizes: Any, reverse: Any, *_: Any
) -> tuple[Any, ...]:
    h, c, parts = h0, c0, []
    for start, end, replaced in _steps(h0, _spans(sizes, reverse)):
        n = end - start
        i, f, g, o = (_affine(x[start:end], w_ih, b_ih) + _affine(h[:n], w_hh, b_hh)).chunk(4, 1)
        cell = sigmoid(f) * c[:n] + sigmoid(i) * tanh(g)
        hidden = sigmoid(o) * tanh(cell)
        if w_hr is not None:
            hidden = hidden @ w_hr.T
        h, c = replaced(h, hidden), replaced(c, cell)
        parts.append(hidden)
    return _in_order(parts, reverse), h, c


def _lstm_vjp(
    g: Any, out: Any, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any,
    sizes: Any, reverse: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    if _recorded(g):
        return _through_twin(_lstm_twin, g, 8, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse)
    rows, gates, cells = out[0], out[3], out[4]
    spans = _spans(sizes, reverse)
    grows, gh, gc = _arrived(g, rows, h0, c0)
    back = _cut(w_hh, len(h0))
    before = _before(cells, c0, spans)
    slopes = np.empty_like(gates)
    shown = None if w_hr is None else np.empty_like(rows)
    step = kernels.lstm_back.run
    for start, end in reversed(spans):
        here, dgates = gh[: end - start], slopes[start:end]
        here += grows[start:end]
        if shown is not None:
            shown[start:end] = here
        through = here if w_hr is None else np.dot(here, w_hr)
        step(through, gates[start:end], before[start:end], cells[start:end], gc[: end - start], dgates)
        _multiply(dgates, back, here)
    bias = np.add.reduce(slopes, axis=0)
    project = None
    if shown is not None:
        project = np.dot(shown.T, gates[:, 3 * cells.shape[1] :] * np.tanh(cells))
    return (
        np.dot(slopes, w_ih) if needs_x else None, gh, gc, np.dot(slopes.T, x),
        np.dot(slopes.T, _before(rows, h0, spans)), _or_none(b_ih, bias), _or_none(b_hh, bias), project,
    )  # fmt: skip


@differentiable(joint=[(("x", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr"), _lstm_vjp)], name="lstm")
def lstm_layer(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any,
    sizes: tuple[int, ...], reverse: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    """All hidden states, the last hidden and cell states, and what the backward pass needs: gates and cell states."""
    gates = _contribution(x, w_ih, b_ih, b_hh)
    h, c = np.array(h0, order="C"), np.array(c0, order="C")
    rows, cells = np.empty((len(x), h.shape[1]), gates.dtype), np.empty((len(x), c.shape[1]), gates.dtype)
    weight, more = _cut(w_hh.T, len(h)), np.empty((len(h), gates.shape[1]), gates.dtype)
    inside = None if w_hr is None else np.empty_like(c)
    step = kernels.lstm_step.run
    for start, end in _spans(sizes, reverse):
        n = end - start
        _multiply(h[:n], weight, more[:n])
        hidden = rows[start:end] if inside is None else inside[:n]
        step(gates[start:end], more[:n], c[:n], cells[start:end], hidden)
        if inside is not None:
            np.dot(hidden, w_hr.T, rows[start:end])
        h[:n] = rows[start:end]
    return rows, h, c, gates, cells


# --- GRU --------------------------------------------------------------------------------------------------------------


def _gru_twin(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, sizes: Any, reverse: Any, *_: Any
) -> tuple[Any, ...]:
    h, parts = h0, []
    for start, end, replaced in _steps(h0, _spans(sizes, reverse)):
        n = end - start
        r, z, new = _affine(x[start:end], w_ih, b_ih).chunk(3, 1)
        mr, mz, more = _affine(h[:n], w_hh, b_hh).chunk(3, 1)
        new = tanh(new + sigmoid(r + mr) * more)
        hidden = new + sigmoid(z + mz) * (h[:n] - new)
        h = replaced(h, hidden)
        parts.append(hidden)
    return _in_order(parts, reverse), h


def _gru_vjp(
    g: Any, out: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
    sizes: Any, reverse: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    if _recorded(g):
        return _through_twin(_gru_twin, g, 6, x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
    rows, gates, kept = out[0], out[2], out[3]
    spans = _spans(sizes, reverse)
    grows, gh = _arrived(g, rows, h0)
    back = _cut(w_hh, len(h0))
    before = _before(rows, h0, spans)
    slopes, slopes_more = np.empty_like(gates), np.empty_like(gates)
    through = np.empty_like(gh)
    step = kernels.gru_back.run
    for start, end in reversed(spans):
        n = end - start
        here, dmore = gh[:n], slopes_more[start:end]
        here += grows[start:end]
        step(here, gates[start:end], kept[start:end], before[start:end], slopes[start:end], dmore)
        _multiply(dmore, back, through[:n])
        here += through[:n]
    return (
        np.dot(slopes, w_ih) if needs_x else None, gh, np.dot(slopes.T, x), np.dot(slopes_more.T, before),
        _or_none(b_ih, np.add.reduce(slopes, axis=0)), _or_none(b_hh, np.add.reduce(slopes_more, axis=0)),
    )  # fmt: skip


@differentiable(joint=[(("x", "h0", "w_ih", "w_hh", "b_ih", "b_hh"), _gru_vjp)], name="gru")
def gru_layer(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, sizes: tuple[int, ...], reverse: bool, needs_x: bool
) -> tuple[Any, ...]:
    """All hidden states, the last, and what the backward pass needs: gates, and what the state gave to the new one."""
    gates = _contribution(x, w_ih, b_ih)
    h = np.array(h0, order="C")
    rows, kept = np.empty((len(x), h.shape[1]), gates.dtype), np.empty((len(x), h.shape[1]), gates.dtype)
    weight, more = _cut(w_hh.T, len(h)), np.empty((len(h), gates.shape[1]), gates.dtype)
    step = kernels.gru_step.run
    for start, end in _spans(sizes, reverse):
        n = end - start
        _multiply(h[:n], weight, more[:n])
        if b_hh is not None:
            more[:n] += b_hh
        step(gates[start:end], more[:n], h[:n], kept[start:end], rows[start:end])
    return rows, h, gates, kept


# --- the plain cell ---------------------------------------------------------------------------------------------------


def _rnn_twin(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, sizes: Any, reverse: Any, bent: Any, *_: Any
) -> tuple[Any, ...]:
    h, parts = h0, []
    for start, end, replaced in _steps(h0, _spans(sizes, reverse)):
        total = _affine(x[start:end], w_ih, b_ih) + _affine(h[: end - start], w_hh, b_hh)
        hidden = total.relu() if bent else tanh(total)
        h = replaced(h, hidden)
        parts.append(hidden)
    return _in_order(parts, reverse), h


def _rnn_vjp(
    g: Any, out: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
    sizes: Any, reverse: bool, bent: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    if _recorded(g):
        return _through_twin(_rnn_twin, g, 6, x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse, bent)
    rows = out[0]
    spans = _spans(sizes, reverse)
    grows, gh = _arrived(g, rows, h0)
    back = _cut(w_hh, len(h0))
    slopes = np.not_equal(rows, 0).astype(rows.dtype) if bent else 1 - rows * rows
    for start, end in reversed(spans):
        here, slope = gh[: end - start], slopes[start:end]
        here += grows[start:end]
        slope *= here
        _multiply(slope, back, here)
    bias = np.add.reduce(slopes, axis=0)
    return (
        np.dot(slopes, w_ih) if needs_x else None, gh, np.dot(slopes.T, x),
        np.dot(slopes.T, _before(rows, h0, spans)), _or_none(b_ih, bias), _or_none(b_hh, bias),
    )  # fmt: skip


@differentiable(joint=[(("x", "h0", "w_ih", "w_hh", "b_ih", "b_hh"), _rnn_vjp)], name="rnn")
def rnn_layer(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
    sizes: tuple[int, ...], reverse: bool, bent: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    """All hidden states and the last one; the cell is relu where `bent`, else tanh."""
    rows = _contribution(x, w_ih, b_ih, b_hh)
    h = np.array(h0, order="C")
    weight, more = _cut(w_hh.T, len(h)), np.empty_like(h)
    for start, end in _spans(sizes, reverse):
        here, state = rows[start:end], h[: end - start]
        _multiply(state, weight, more[: end - start])
        if bent:
            here += more[: end - start]
            np.maximum(here, rows.dtype.type(0), out=here)
            state[...] = here
        else:
            kernels.tanh_step.run(here, more[: end - start], state)
    return rows, h
