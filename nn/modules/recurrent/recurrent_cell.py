"""One step of the recurrent layers as modules, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import Tensor, empty, zeros
from tinygrad_lite.engine.errors import InputError

from ... import init
from ..._checks import check_choice, check_device
from ...module import Module
from ...parameter import Parameter


def draw_parameters(module: Module, hidden_size: int) -> None:
    """Draw the parameters of a recurrent layer, or cell, from U(-k, k), k = 1 / sqrt(hidden_size)."""
    bound = 1.0 / math.sqrt(hidden_size) if hidden_size else 0.0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


class RNNCellBase(Module):
    """What the cells share: parameters, and inputs without a batch.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    num_chunks : int
        How many gates there are.
    device : optional
        None or "cpu".
    dtype : dtype, optional

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> [name for name, _ in nn.GRUCell(2, 3).named_parameters()]
    ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh']
    """

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        check_device(type(self).__name__, device)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, from U(-k, k), k = 1 / sqrt(hidden_size)."""
        draw_parameters(self, self.hidden_size)

    def _step(self, function: Any, input: Tensor, states: tuple[Tensor | None, ...]) -> tuple[Tensor, ...]:
        """Call the function for a batch, or for one example as a batch of one."""
        who = type(self).__name__
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise InputError(
                f"{who}: expected input of shape (batch, {self.input_size}) or ({self.input_size},), got {input.shape}"
            )
        wanted = (*input.shape[:-1], self.hidden_size)
        found = [zeros(wanted, dtype=input.dtype) if s is None else s for s in states]
        for state in found:
            if state.shape != wanted:
                raise InputError(f"{who}: expected hidden states of shape {wanted}, got {state.shape}")
        single = input.ndim == 1
        if single:
            input, found = input.unsqueeze(0), [state.unsqueeze(0) for state in found]
        weights = self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh
        out = function(input, tuple(found) if len(found) > 1 else found[0], *weights)
        outs = out if isinstance(out, tuple) else (out,)
        return tuple(state.squeeze(0) for state in outs) if single else outs

    def extra_repr(self) -> str:
        """Show the sizes, and what is not the default."""
        shown = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return shown if nonlinearity == "tanh" else f"{shown}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    nonlinearity : {"tanh", "relu"}
    device : optional
        None or "cpu".
    dtype : dtype, optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.RNNCell(10, 20)(tg.randn(3, 10)).shape
    (3, 20)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_choice("RNNCell", "nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next hidden state; `hx` is zero by default."""
        cell = tg.rnn_tanh_cell if self.nonlinearity == "tanh" else tg.rnn_relu_cell
        return self._step(cell, input, (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of an `LSTM`.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    device : optional
        None or "cpu".
    dtype : dtype, optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> h, c = nn.LSTMCell(10, 20)(tg.randn(3, 10))
    >>> h.shape, c.shape
    ((3, 20), (3, 20))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Return the next hidden and cell states; `hx`, the pair of them, is zero by default."""
        h, c = self._step(tg.lstm_cell, input, (None, None) if hx is None else tuple(hx))
        return h, c


class GRUCell(RNNCellBase):
    """One step of a `GRU`.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    device : optional
        None or "cpu".
    dtype : dtype, optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.GRUCell(10, 20)(tg.randn(3, 10)).shape
    (3, 20)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next hidden state; `hx` is zero by default."""
        return self._step(tg.gru_cell, input, (hx,))[0]
