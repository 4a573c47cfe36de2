"""Recurrent networks under PyTorch's names: layers on top of each other, two directions, dropout between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ....engine.errors import DtypeError, InputError
from ....rules import unwrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...shape.cat_pad import cat, stack
from ..dropout import dropout as drop
from .rnn_layer import gru_layer, lstm_layer, rnn_layer

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]

_Layer = Callable[..., tuple[Any, ...]]


def _needs(x: Any) -> bool:
    """Without its gradient the backward pass saves a product of matrices."""
    return bool(getattr(x, "requires_grad", False))


def _fit(who: str, x: Any, states: Sequence[Any], weights: Sequence[Any]) -> None:
    """Check one layer's rows, states of all its examples, and weights."""
    w_ih, w_hh = weights[0], weights[1]
    if unwrap(x).dtype.kind != "f":
        raise DtypeError(f"{who}: input must be floating, got {x.dtype}")
    if x.shape[-1] != w_ih.shape[1]:
        raise InputError(f"{who}: input must have {w_ih.shape[1]} features, got shape {x.shape}")
    for state, size in zip(states, (w_hh.shape[1], w_hh.shape[0] // 4)):
        if state.shape[-1] != size:
            raise InputError(f"{who}: hidden states must have {size} features, got shape {state.shape}")
    for value in (*states, *weights):
        if value is not None and value.dtype != x.dtype:
            raise InputError(f"{who}: all arguments must have one dtype, got {x.dtype} and {value.dtype}")


def _lstm_one(x: Any, states: Any, weights: Any, sizes: Any, reverse: bool) -> Any:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    return lstm_layer(x, *states, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse, _needs(x))[:3]


def _gru_one(x: Any, states: Any, weights: Any, sizes: Any, reverse: bool) -> Any:
    return gru_layer(x, *states, *weights[:4], sizes, reverse, _needs(x))[:2]


def _rnn_one(x: Any, states: Any, weights: Any, sizes: Any, reverse: bool, bent: bool) -> Any:
    return rnn_layer(x, *states, *weights[:4], sizes, reverse, bent, _needs(x))


def _grouped(who: str, params: Sequence[Any], layers: int, directions: int, biases: bool) -> list[tuple[Any, ...]]:
    """For each layer and direction (w_ih, w_hh, b_ih, b_hh, w_hr), None for those that it does not have."""
    count, rest = divmod(len(params), layers * directions)
    plain = 4 if biases else 2
    if rest or count not in ((plain, plain + 1) if who == "lstm" else (plain,)):
        raise InputError(f"{who}: {layers * directions} layers take {plain} parameters each, got {len(params)}")
    groups = [params[i : i + count] for i in range(0, len(params), count)]
    return [(*g[:2], *(g[2:4] if biases else (None, None)), g[plain] if count > plain else None) for g in groups]


def _network(
    who: str, one: _Layer, input: Any, hx: Sequence[Any], params: Sequence[Any], has_biases: bool, num_layers: int,
    dropout: float, train: bool, bidirectional: bool, batch_first: bool, batch_sizes: Any,
) -> tuple[Any, ...]:  # fmt: skip
    directions = 2 if bidirectional else 1
    alone = batch_sizes is None and num_layers * directions == 1
    x, sizes = _rows(who, input, batch_first, batch_sizes, alone)
    groups = _grouped(who, params, num_layers, directions, has_biases)
    for state in hx:
        if state.ndim != 3 or state.shape[:2] != (len(groups), sizes[0]):
            raise InputError(
                f"{who}: hidden states must have shape ({len(groups)}, {sizes[0]}, features), got {state.shape}"
            )
    if alone:
        _fit(who, x, hx, groups[0])
        x, *last = one(x, hx, groups[0], sizes, False)
        return (x.transpose(0, 1) if batch_first else x, *last)
    lasts = []
    for layer in range(num_layers):
        outs = []
        for k in range(layer * directions, (layer + 1) * directions):
            states = [state[k] for state in hx]
            _fit(who, x, states, groups[k])
            rows, *last = one(x, states, groups[k], sizes, k % directions == 1)
            outs.append(rows)
            lasts.append(last)
        x = outs[0] if directions == 1 else cat(outs, 1)
        if dropout and train and layer < num_layers - 1:
            x = drop(x, dropout)
    if batch_sizes is None:
        x = x.reshape(len(sizes), sizes[0], x.shape[1])
        x = x.transpose(0, 1) if batch_first else x
    return (x, *(stack(states) for states in zip(*lasts)))


def _rows(who: str, input: Any, batch_first: bool, batch_sizes: Any, alone: bool) -> tuple[Any, tuple[int, ...]]:
    """The steps below each other, for one layer `alone` as (T, B, I), and how many rows each has."""
    if batch_sizes is not None:
        sizes = tuple(unwrap(batch_sizes).tolist())
        if input.ndim != 2 or sum(sizes) != len(input) or any(a < b for a, b in zip(sizes, sizes[1:])):
            raise InputError(f"{who}: batch_sizes must not grow and sum to the rows of {input.shape}, got {sizes}")
        return input, sizes
    if input.ndim != 3:
        raise InputError(f"{who}: input must have 3 dimensions (steps, batch, features), got shape {input.shape}")
    x = input.transpose(0, 1) if batch_first else input
    steps, batch, features = x.shape
    if not steps:
        raise InputError(f"{who}: expected at least one step, got shape {input.shape}")
    return x if alone else x.reshape(-1, features), (batch,) * steps


def lstm(
    input: Floating, hx: Sequence[Any], params: Sequence[Any], has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool = False, *, batch_sizes: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    r"""Long short-term memory over a batch of sequences.

    :math:`c_t = \sigma(f) c_{t-1} + \sigma(i) \tanh(g)` and :math:`h_t = W_{hr} \sigma(o) \tanh(c_t)`, where the gates
    i, f, g, o are :math:`W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh}`.

    Parameters
    ----------
    input : Tensor, shape (T, B, I), or (B, T, I) with `batch_first`, or (N, I) with `batch_sizes`, floating
    hx : pair of Tensor, shapes (layers * directions, B, P) and (layers * directions, B, H)
        The first hidden and cell states.
    params : sequence of Tensor
        For each layer and direction ``w_ih, w_hh, b_ih, b_hh, w_hr``, without those that are not there.
    has_biases : bool
    num_layers : int
    dropout : float
        The probability of dropout between layers.
    train : bool
        Whether there is dropout.
    bidirectional : bool
    batch_first : bool
    batch_sizes : Tensor, shape (T,), integer, optional
        How many rows of a packed input belong to each step. PyTorch takes it as its second argument.

    Returns
    -------
    tuple of Tensor
        The hidden states of the last layer at all steps, and the last hidden and cell states of all layers.

    Raises
    ------
    ValueError
        For shapes and dtypes that do not fit.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", 1997; Gers et al., "Learning to forget", 2000.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x, h, c = tg.ones(3, 1, 2), tg.zeros(1, 1, 1), tg.zeros(1, 1, 1)
    >>> out, h, c = tg.lstm(x, (h, c), [tg.ones(4, 2), tg.ones(4, 1)], False, 1, 0.0, False, False)
    >>> out.flatten()
    tensor([0.6083, 0.8726, 0.9353])
    """
    out, h, c = _network(
        "lstm", _lstm_one, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first,
        batch_sizes,
    )  # fmt: skip
    return out, h, c


def gru(
    input: Floating, hx: Any, params: Sequence[Any], has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool = False, *, batch_sizes: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    r"""Gated recurrent units over a batch of sequences.

    :math:`h_t = (1 - z) n + z h_{t-1}` with :math:`n = \tanh(W_{in} x_t + b_{in} + r (W_{hn} h_{t-1} + b_{hn}))` and
    :math:`r, z = \sigma(W_i x_t + b_i + W_h h_{t-1} + b_h)`.

    Parameters
    ----------
    input : Tensor, shape (T, B, I), or (B, T, I) with `batch_first`, or (N, I) with `batch_sizes`, floating
    hx : Tensor, shape (layers * directions, B, H)
        The first hidden states.
    params, has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes
        As for `lstm`.

    Returns
    -------
    tuple of Tensor
        The hidden states of the last layer at all steps, and the last hidden states of all layers.

    Raises
    ------
    ValueError
        For shapes and dtypes that do not fit.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, with r applied to the product, as
    PyTorch and cuDNN have it.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> weights = [tg.ones(3, 2), tg.ones(3, 1)]
    >>> out, h = tg.gru(tg.ones(3, 1, 2), tg.zeros(1, 1, 1), weights, False, 1, 0.0, False, False)
    >>> out.flatten()
    tensor([0.1149, 0.2070, 0.2832])
    """
    out, h = _network(
        "gru", _gru_one, input, (hx,), params, has_biases, num_layers, dropout, train, bidirectional, batch_first,
        batch_sizes,
    )  # fmt: skip
    return out, h


def rnn_tanh(
    input: Any, hx: Any, params: Sequence[Any], has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool = False, *, batch_sizes: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh)``; arguments as of `gru`."""
    out, h = _network(
        "rnn_tanh", partial(_rnn_one, bent=False), input, (hx,), params, has_biases, num_layers, dropout, train,
        bidirectional, batch_first, batch_sizes,
    )  # fmt: skip
    return out, h


def rnn_relu(
    input: Any, hx: Any, params: Sequence[Any], has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool = False, *, batch_sizes: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``h[t] = relu(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh)``; arguments as of `gru`."""
    out, h = _network(
        "rnn_relu", partial(_rnn_one, bent=True), input, (hx,), params, has_biases, num_layers, dropout, train,
        bidirectional, batch_first, batch_sizes,
    )  # fmt: skip
    return out, h


# --- one step ---------------------------------------------------------------------------------------------------------


def _step(who: str, one: _Layer, x: Any, states: Sequence[Any], *weights: Any) -> tuple[Any, ...]:
    if x.ndim != 2 or any(s.ndim != 2 or len(s) != len(x) for s in states):
        shapes = ", ".join(str(v.shape) for v in (x, *states))
        raise InputError(f"{who}: input and hidden states must have shape (batch, features), got {shapes}")
    _fit(who, x, states, weights)
    return tuple(one(x, states, (*weights, None), (len(x),), False)[1:])


def lstm_cell(
    input: Floating, hx: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> tuple[Tensor, Tensor]:
    """One step of `lstm`.

    Parameters
    ----------
    input : Tensor, shape (B, I), floating
    hx : pair of Tensor, shape (B, H)
        Hidden and cell state.
    w_ih : Tensor, shape (4 H, I)
    w_hh : Tensor, shape (4 H, H)
    b_ih, b_hh : Tensor, shape (4 H,), optional

    Returns
    -------
    pair of Tensor, shape (B, H)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> h, c = tg.lstm_cell(tg.ones(1, 2), (tg.zeros(1, 1), tg.zeros(1, 1)), tg.ones(4, 2), tg.ones(4, 1))
    >>> h, c
    (tensor([[0.6083]]), tensor([[0.8491]]))
    """
    h, c = _step("lstm_cell", _lstm_one, input, hx, w_ih, w_hh, b_ih, b_hh)
    return h, c


def gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    """One step of `gru`: the next hidden state."""
    return _step("gru_cell", _gru_one, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    """One step of `rnn_tanh`: the next hidden state."""
    return _step("rnn_tanh_cell", partial(_rnn_one, bent=False), input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    """One step of `rnn_relu`: the next hidden state."""
    return _step("rnn_relu_cell", partial(_rnn_one, bent=True), input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
