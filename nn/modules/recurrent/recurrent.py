"""Recurrent layers over whole sequences; the mathematics is in `tinygrad_lite.lstm` and its neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import Tensor, empty, zeros
from tinygrad_lite.engine.errors import InputError

from ..._checks import check_choice, check_device
from ...module import Module
from ...parameter import Parameter
from ...utils.rnn import PackedSequence
from .recurrent_cell import draw_parameters

_NETWORKS: dict[str, Callable[..., Any]] = {
    "LSTM": tg.lstm,
    "GRU": tg.gru,
    "RNN_TANH": tg.rnn_tanh,
    "RNN_RELU": tg.rnn_relu,
}
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


_FLAT = ("_flat_weights_names", "_flat_weights", "_all_weights")  # what PyTorch's layers keep


class RNNBase(Module):
    """What `RNN`, `LSTM` and `GRU` share: parameters, the forms of the input, and packed sequences.

    Parameters
    ----------
    mode : {"LSTM", "GRU", "RNN_TANH", "RNN_RELU"}
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        As for `LSTM`.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> [name for name, _ in nn.GRU(2, 3).named_parameters()]
    ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_device(who, device)
        check_choice(who, "mode", mode, tuple(_GATES))
        if not 0 <= proj_size < hidden_size or (proj_size and mode != "LSTM"):
            raise InputError(
                f"{who}: proj_size must be 0, or in an LSTM less than hidden_size={hidden_size}, got {proj_size}"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"{who}: dropout={dropout} has no effect with num_layers=1: it acts between layers", stacklevel=5
            )
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        for name, shape in self._shapes():
            self.register_parameter(name, Parameter(empty(*shape, dtype=dtype)))
        self.reset_parameters()

    def _shapes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Names and shapes of all parameters, in order."""
        rows, out = _GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        directions = 2 if self.bidirectional else 1
        found: list[tuple[str, tuple[int, ...]]] = []
        for layer in range(self.num_layers):
            inputs = out * directions if layer else self.input_size
            for suffix in (f"_l{layer}", f"_l{layer}_reverse")[:directions]:
                found += [(f"weight_ih{suffix}", (rows, inputs)), (f"weight_hh{suffix}", (rows, out))]
                if self.bias:
                    found += [(f"bias_ih{suffix}", (rows,)), (f"bias_hh{suffix}", (rows,))]
                if self.proj_size:
                    found.append((f"weight_hr{suffix}", (out, self.hidden_size)))
        return found

    def reset_parameters(self) -> None:
        """Draw the parameters anew, from U(-k, k), k = 1 / sqrt(hidden_size)."""
        draw_parameters(self, self.hidden_size)

    def _pytorchs_attributes(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in _FLAT}, "_flat_weight_refs": []}

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for name, _ in self._shapes()]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def _all_weights(self) -> list[list[str]]:
        names, count = self._flat_weights_names, 2 + 2 * self.bias + bool(self.proj_size)
        return [names[i : i + count] for i in range(0, len(names), count)]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Do nothing: for PyTorch's sake."""

    def _first_states(self, hx: Any, x: Tensor, batch: int, batched: bool) -> tuple[Tensor, ...]:
        """The first states, of a batch: those given, or zeros."""
        layers = self.num_layers * (2 if self.bidirectional else 1)
        sizes = (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]
        if hx is None:
            return tuple(zeros(layers, batch, size, dtype=x.dtype) for size in sizes)
        given = tuple(hx) if self.mode == "LSTM" else (hx,)
        if len(given) != len(sizes):
            raise InputError(f"{type(self).__name__}: hx must be the pair (h_0, c_0), got {len(given)} values")
        for state, size in zip(given, sizes):
            wanted = (layers, batch, size) if batched else (layers, size)
            if state.shape != wanted:
                raise InputError(f"{type(self).__name__}: expected hidden states of shape {wanted}, got {state.shape}")
        return given if batched else tuple(state.unsqueeze(1) for state in given)

    def _call(self, x: Tensor, states: tuple[Tensor, ...], batch_sizes: Tensor | None) -> tuple[Tensor, ...]:
        """Call the function; the output, then the last states."""
        result = _NETWORKS[self.mode](
            x, states if self.mode == "LSTM" else states[0], [getattr(self, name) for name, _ in self._shapes()],
            self.bias, self.num_layers, self.dropout, self.training, self.bidirectional, self.batch_first,
            batch_sizes=batch_sizes,
        )  # fmt: skip
        return tuple(result)

    def _packed(self, input: PackedSequence, hx: Any) -> Any:
        data, sizes, order, back = input
        states = self._first_states(hx, data, int(sizes.numpy()[0]), True)
        if order is not None and hx is not None:
            states = tuple(state.index_select(1, order) for state in states)
        out, *last = self._call(data, states, sizes)
        if back is not None:
            last = [state.index_select(1, back) for state in last]
        return PackedSequence(out, sizes, order, back), last

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Compute the outputs at all steps, and the last states of all layers.

        Parameters
        ----------
        input : Tensor, shape (T, B, input_size), (B, T, input_size) with `batch_first`, or (T, input_size); or \
PackedSequence
        hx : Tensor, shape (layers * directions, B, features), or a pair of them for an LSTM, optional
            The first states; zeros by default.

        Returns
        -------
        tuple
            ``(output, h_n)``, for an LSTM ``(output, (h_n, c_n))``. A packed input gives a packed output.
        """
        if isinstance(input, PackedSequence):
            self._fit(input.data, (2,))
            out, last = self._packed(input, hx)
        else:
            self._fit(input, (2, 3))
            batched = input.ndim == 3
            step = 1 - self.batch_first  # the batch's dimension
            x = input if batched else input.unsqueeze(step)
            states = self._first_states(hx, x, x.shape[step], batched)
            out, *last = self._call(x, states, None)
            if not batched:
                out, last = out.squeeze(step), [state.squeeze(1) for state in last]
        return out, (tuple(last) if self.mode == "LSTM" else last[0])

    def _fit(self, x: Tensor, ranks: tuple[int, ...]) -> None:
        who = type(self).__name__
        if not isinstance(x, Tensor):
            raise TypeError(f"{who}: input must be a Tensor, got {type(x).__name__}")
        if x.ndim not in ranks:
            raise InputError(f"{who}: expected input with {' or '.join(map(str, ranks))} dimensions, got {x.shape}")
        if x.shape[-1] != self.input_size:
            raise InputError(f"{who}: input.size(-1) must be equal to input_size={self.input_size}, got {x.shape}")

    def extra_repr(self) -> str:
        """Show the sizes, and what is not the default."""
        shown = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0,
                    "bidirectional": False}  # fmt: skip
        shown += [f"{name}={getattr(self, name)}" for name, usual in defaults.items() if getattr(self, name) != usual]
        return ", ".join(shown)


class RNN(RNNBase):
    """h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh), over sequences.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        Each takes the outputs of the one before.
    nonlinearity : {"tanh", "relu"}
    bias : bool
    batch_first : bool
        Whether input and output have the shape (B, T, features) instead of (T, B, features).
    dropout : float
        Its probability on the outputs of all layers but the last, in training.
    bidirectional : bool
        Also from the end to the beginning; the features of both directions stand side by side.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.

    References
    ----------
    Elman, "Finding structure in time", 1990.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> output, h = nn.RNN(10, 20, num_layers=2)(tg.randn(5, 3, 10))
    >>> output.shape, h.shape
    ((5, 3, 20), (2, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_choice("RNN", "nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout,
            bidirectional, 0, device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory over sequences; the formula is at `tinygrad_lite.lstm`.

    Parameters
    ----------
    input_size, hidden_size : int
    num_layers : int
        Each takes the outputs of the one before.
    bias : bool
    batch_first : bool
        Whether input and output have the shape (B, T, features) instead of (T, B, features).
    dropout : float
        Its probability on the outputs of all layers but the last, in training.
    bidirectional : bool
        Also from the end to the beginning; the features of both directions stand side by side.
    proj_size : int
        If positive, hidden states are projected to this many features.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", 1997. Sak et al., "Long short-term memory based recurrent
    neural network architectures", 2014 (projections).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> output, (h, c) = nn.LSTM(10, 20, batch_first=True, bidirectional=True)(tg.randn(3, 5, 10))
    >>> output.shape, h.shape, c.shape
    ((3, 5, 40), (2, 3, 20), (2, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
            device, dtype,
        )  # fmt: skip


class GRU(RNNBase):
    """Gated recurrent units over sequences; the formula is at `tinygrad_lite.gru`.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        As for `LSTM`.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> output, h = nn.GRU(10, 20)(tg.randn(5, 3, 10))
    >>> output.shape, h.shape
    ((5, 3, 20), (1, 3, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
