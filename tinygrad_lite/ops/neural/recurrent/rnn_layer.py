"""Recurrent layers: one row of the table for one layer in one direction over all steps.

The steps of a batch stand one below the other in rows: ``sizes[t]`` of them belong to step t. Sequences are sorted by
length, longest first, so `sizes` never grows, and example b is row b of every step that it takes part in. A batch of
equal lengths is the case where all sizes are equal; it may also come as (T, B, I) with states (1, B, H), as do the
results then: a layer that is alone needs no views around it, each of which would take as long as a small step.

What walks over the steps is compiled as a whole, or NumPy's: see `kernels.rnn`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .... import rules
from ....kernels.rnn import loops
from ....kernels.rnn.rnn_numpy import GRU, LSTM, RELU, TANH
from ....rules import differentiable
from ...pointwise.exp_log_trig import sigmoid, tanh
from ...shape.cat_pad import cat

__all__ = ["gru_layer", "lstm_layer", "rnn_layer"]

Spans = list[tuple[int, int]]


def _spans(sizes: tuple[int, ...], reverse: bool) -> Spans:
    """Where the rows of each step begin and end, in the order of the steps."""
    ends = np.cumsum(sizes).tolist()
    spans = list(zip([0, *ends[:-1]], ends))
    return spans[::-1] if reverse else spans


@functools.lru_cache(64)
def _steps(sizes: tuple[int, ...], reverse: bool) -> Any:
    """Where the rows of each step begin, and how many there are, in the order of the steps; only to be read."""
    counts = np.array(sizes, np.intp)
    steps = np.stack([np.cumsum(counts) - counts, counts], 1)
    return np.ascontiguousarray(steps[::-1]) if reverse else steps


def _rows(*arrays: Any) -> list[Any]:
    """Matrices of what may have come in three dimensions."""
    return [a if a.ndim == 2 else a.reshape(math.prod(a.shape[:2]), a.shape[2]) for a in arrays]


def _as_came(x: Any, rows: Any, *states: Any) -> list[Any]:
    """Rows and states in as many dimensions as the input has."""
    return [rows, *states] if x.ndim == 2 else [rows.reshape(*x.shape[:2], rows.shape[1]), *(s[None] for s in states)]


def _arrived(g: Any, rows: Any, *states: Any) -> list[Any]:
    """The gradients of the rows and of the last states, zero where none arrived; the latter are to be written to."""
    values, *last = g.values
    return [
        np.zeros(rows.shape, rows.dtype) if values is None else np.ascontiguousarray(values).reshape(rows.shape),
        *(
            np.zeros(s.shape, s.dtype) if v is None else np.array(v, order="C").reshape(s.shape)
            for v, s in zip(last, states)
        ),
    ]


def _back(came: Any, gx: Any, *others: Any) -> tuple[Any, ...]:
    """The gradients of input and states, in as many dimensions as they have."""
    return gx if gx is None else gx.reshape(came.shape), *(o if came.ndim == 2 else o[None] for o in others)


def _or_none(bias: Any, gradient: Any) -> Any:
    return None if bias is None else gradient


def _recorded(g: Any) -> bool:
    """Whether the rule is called with Tensors, for derivatives of higher order."""
    return any(isinstance(v, rules.Tensor) for v in g.values)


def _through_twin(twin: Callable[..., Any], g: Any, wanted: int, *args: Any) -> tuple[Any, ...]:
    """The gradients of the first arguments, recorded: those of the twin, whose arguments are Tensors of their own."""
    from ....autograd import grad

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


def _taken(first: Any, spans: Spans) -> Iterator[tuple[int, int, Callable[[Any, Any], Any]]]:
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
    came, (x, h0, c0) = x, _rows(x, h0, c0)
    h, c, parts = h0, c0, []
    for start, end, replaced in _taken(h0, _spans(sizes, reverse)):
        n = end - start
        i, f, g, o = (_affine(x[start:end], w_ih, b_ih) + _affine(h[:n], w_hh, b_hh)).chunk(4, 1)
        cell = sigmoid(f) * c[:n] + sigmoid(i) * tanh(g)
        hidden = sigmoid(o) * tanh(cell)
        if w_hr is not None:
            hidden = hidden @ w_hr.T
        h, c = replaced(h, hidden), replaced(c, cell)
        parts.append(hidden)
    return tuple(_as_came(came, _in_order(parts, reverse), h, c))


def _lstm_vjp(
    g: Any, out_0: Any, out_3: Any, out_4: Any, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
    w_hr: Any, sizes: Any, reverse: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    if _recorded(g):
        return _through_twin(_lstm_twin, g, 8, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse)
    came, (x, h0, c0, rows), gates, cells = x, _rows(x, h0, c0, out_0), out_3, out_4
    grows, gh, gc = _arrived(g, rows, h0, c0)
    args = LSTM, x, h0, c0, w_ih, w_hh, _steps(sizes, reverse), gates, cells, rows, grows, gh, gc, needs_x
    gx, gw_ih, gw_hh, (bias,), project = loops.backward(*args, w_hr)
    return *_back(came, gx, gh, gc), gw_ih, gw_hh, _or_none(b_ih, bias), _or_none(b_hh, bias), project


@differentiable(
    joint=[(("x", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr"), _lstm_vjp)], name="lstm", single=True
)
def lstm_layer(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any,
    sizes: tuple[int, ...], reverse: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    """All hidden states, the last hidden and cell states, and what the backward pass needs: gates and cell states."""
    came, (x, h, c) = x, _rows(x, np.array(h0, order="C"), np.array(c0, order="C"))
    gates, cells, rows = loops.forward(LSTM, x, h, c, w_ih, w_hh, b_ih, b_hh, _steps(sizes, reverse), w_hr)
    return *_as_came(came, rows, h, c), gates, cells


# --- GRU --------------------------------------------------------------------------------------------------------------


def _gru_twin(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, sizes: Any, reverse: Any, *_: Any
) -> tuple[Any, ...]:
    came, (x, h0) = x, _rows(x, h0)
    h, parts = h0, []
    for start, end, replaced in _taken(h0, _spans(sizes, reverse)):
        n = end - start
        r, z, new = _affine(x[start:end], w_ih, b_ih).chunk(3, 1)
        mr, mz, more = _affine(h[:n], w_hh, b_hh).chunk(3, 1)
        new = tanh(new + sigmoid(r + mr) * more)
        hidden = new + sigmoid(z + mz) * (h[:n] - new)
        h = replaced(h, hidden)
        parts.append(hidden)
    return tuple(_as_came(came, _in_order(parts, reverse), h))


def _gru_vjp(
    g: Any, out_0: Any, out_2: Any, out_3: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
    sizes: Any, reverse: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    if _recorded(g):
        return _through_twin(_gru_twin, g, 6, x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
    came, (x, h0, rows), gates, kept = x, _rows(x, h0, out_0), out_2, out_3
    grows, gh = _arrived(g, rows, h0)
    steps = _steps(sizes, reverse)
    gx, gw_ih, gw_hh, (bias, more), _ = loops.backward(
        GRU, x, h0, h0, w_ih, w_hh, steps, gates, kept, rows, grows, gh, gh, needs_x
    )
    return *_back(came, gx, gh), gw_ih, gw_hh, _or_none(b_ih, bias), _or_none(b_hh, more)


@differentiable(joint=[(("x", "h0", "w_ih", "w_hh", "b_ih", "b_hh"), _gru_vjp)], name="gru", single=True)
def gru_layer(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, sizes: tuple[int, ...], reverse: bool, needs_x: bool
) -> tuple[Any, ...]:
    """All hidden states, the last, and what the backward pass needs: gates, and what the state gave to the new one."""
    came, (x, h) = x, _rows(x, np.array(h0, order="C"))
    gates, kept, rows = loops.forward(GRU, x, h, h, w_ih, w_hh, b_ih, b_hh, _steps(sizes, reverse))
    return *_as_came(came, rows, h), gates, kept


# --- the plain cell ---------------------------------------------------------------------------------------------------


def _rnn_twin(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, sizes: Any, reverse: Any, bent: Any, *_: Any
) -> tuple[Any, ...]:
    came, (x, h0) = x, _rows(x, h0)
    h, parts = h0, []
    for start, end, replaced in _taken(h0, _spans(sizes, reverse)):
        total = _affine(x[start:end], w_ih, b_ih) + _affine(h[: end - start], w_hh, b_hh)
        hidden = total.relu() if bent else tanh(total)
        h = replaced(h, hidden)
        parts.append(hidden)
    return tuple(_as_came(came, _in_order(parts, reverse), h))


def _rnn_vjp(
    g: Any, out_0: Any, x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
    sizes: Any, reverse: bool, bent: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    if _recorded(g):
        return _through_twin(_rnn_twin, g, 6, x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse, bent)
    came, (x, h0, rows) = x, _rows(x, h0, out_0)
    grows, gh = _arrived(g, rows, h0)
    kind, steps = RELU if bent else TANH, _steps(sizes, reverse)
    gx, gw_ih, gw_hh, (bias,), _ = loops.backward(
        kind, x, h0, h0, w_ih, w_hh, steps, rows, rows, rows, grows, gh, gh, needs_x
    )
    return *_back(came, gx, gh), gw_ih, gw_hh, _or_none(b_ih, bias), _or_none(b_hh, bias)


@differentiable(joint=[(("x", "h0", "w_ih", "w_hh", "b_ih", "b_hh"), _rnn_vjp)], name="rnn", single=True)
def rnn_layer(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any,
    sizes: tuple[int, ...], reverse: bool, bent: bool, needs_x: bool,
) -> tuple[Any, ...]:  # fmt: skip
    """All hidden states and the last one; the cell is relu where `bent`, else tanh."""
    came, (x, h) = x, _rows(x, np.array(h0, order="C"))
    kind = RELU if bent else TANH
    _, _, rows = loops.forward(kind, x, h, h, w_ih, w_hh, b_ih, b_hh, _steps(sizes, reverse))
    return tuple(_as_came(came, rows, h))
