"""TransformerEncoderLayer, TransformerDecoderLayer: attention and two linear maps, around which the input is led."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite import Tensor
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.rules import unwrap

from ... import functional as F
from ...module import Module
from ..dropout import Dropout
from ..linear import Linear
from ..normalization.layer_norm import LayerNorm
from .attention import MultiheadAttention

_Activation = str | Callable[[Tensor], Tensor]


def _activation(who: str, given: _Activation) -> Callable[[Tensor], Tensor]:
    if given in ("relu", "gelu"):
        return F.relu if given == "relu" else F.gelu
    if not callable(given):
        raise InputError(f"{who}: activation must be 'relu', 'gelu' or a function, got {given!r}")
    return given


def _causal(mask: Tensor | None, is_causal: bool | None) -> bool:
    """Whether a mask is the causal one: as told, or by looking."""
    if is_causal is not None or mask is None:
        return bool(is_causal)
    rows, columns = mask.shape[-2:]
    seen = unwrap(mask) if mask.dtype.kind == "b" else unwrap(mask) < 0
    return bool(mask.ndim == 2 and rows == columns and (seen == np.triu(np.ones((rows, columns), np.bool_), 1)).all())


class _Block(Module):
    """What both layers share: attention, the two linear maps, and where they are normalized."""

    def _feed(self, d_model: int, dim_feedforward: int, dropout: float, bias: bool, dtype: Any) -> None:
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, dtype=dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, dtype=dtype)

    def _sa_block(
        self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        """Self-attention and its dropout, under the name by which subclasses of PyTorch's layers replace it."""
        found = self.self_attn(
            x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=False, is_causal=is_causal
        )
        return self.dropout1(found[0])

    def _fed(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _around(self, x: Tensor, norm: Module, inner: Callable[[Tensor], Tensor]) -> Tensor:
        """``x + inner(x)``, normalized before (the inner's input) or after (the sum)."""
        if self.norm_first:
            return x + inner(norm(x))
        result: Tensor = norm(x + inner(x))
        return result

    self_attn: MultiheadAttention
    dropout1: Dropout
    activation: Callable[[Tensor], Tensor]
    norm_first: bool


class TransformerEncoderLayer(_Block):
    """Self-attention and two linear maps, each added to its input and normalized.

    Parameters
    ----------
    d_model, nhead : int
        Features, and heads of the attention.
    dim_feedforward : int
        Features between the two linear maps.
    dropout : float
    activation : {"relu", "gelu"} or callable
    layer_norm_eps : float
    batch_first : bool
        Whether the shapes are (B, T, d_model) instead of (T, B, d_model).
    norm_first : bool
        Normalize what goes into attention and linear maps, instead of the sums.
    bias : bool
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017. Xiong et al., "On layer normalization in the transformer
    architecture", 2020 (`norm_first`).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.TransformerEncoderLayer(8, nhead=2)(tg.randn(5, 3, 8)).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: _Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, device=device, dtype=dtype
        )
        self._feed(d_model, dim_feedforward, dropout, bias, dtype)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation("TransformerEncoderLayer", activation)

    def _pytorchs_attributes(self) -> dict[str, Any]:
        return {"activation_relu_or_gelu": {F.relu: 1, F.gelu: 2}.get(self.activation, 0)}

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Compute the layer's output; masks as in `MultiheadAttention`.

        Parameters
        ----------
        src : Tensor, shape (T, B, d_model), (B, T, d_model) with `batch_first`, or (T, d_model)
        src_mask : Tensor, shape (T, T) or (B * nhead, T, T), optional
        src_key_padding_mask : Tensor, shape (B, T), optional
        is_causal : bool
            A hint that `src_mask` is the causal mask.

        Returns
        -------
        Tensor, of the input's shape
        """

        def attend(x: Tensor) -> Tensor:
            return self._sa_block(x, src_mask, src_key_padding_mask, is_causal=is_causal)

        x = self._around(src, self.norm1, attend)
        return self._around(x, self.norm2, self._ff_block)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self._fed(x))


class TransformerDecoderLayer(_Block):
    """Self-attention, attention to a memory, and two linear maps, each added to its input and normalized.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        As for `TransformerEncoderLayer`.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.TransformerDecoderLayer(8, nhead=2)(tg.randn(4, 3, 8), tg.randn(5, 3, 8)).shape
    (4, 3, 8)
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: _Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        for name in ("self_attn", "multihead_attn"):
            attention = MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, device=device, dtype=dtype
            )
            self.register_module(name, attention)
        self._feed(d_model, dim_feedforward, dropout, bias, dtype)
        self.norm_first = norm_first
        for i in (1, 2, 3):
            self.register_module(f"norm{i}", LayerNorm(d_model, eps=layer_norm_eps, bias=bias, dtype=dtype))
        for i in (1, 2, 3):
            self.register_module(f"dropout{i}", Dropout(dropout))
        self.activation = _activation("TransformerDecoderLayer", activation)

    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm
    dropout1: Dropout
    dropout2: Dropout
    dropout3: Dropout

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Compute the layer's output; masks as in `MultiheadAttention`.

        Parameters
        ----------
        tgt : Tensor, shape (T, B, d_model), (B, T, d_model) with `batch_first`, or (T, d_model)
        memory : Tensor, shape (S, B, d_model), and so on
        tgt_mask, memory_mask : Tensor, shapes (T, T) and (T, S), optional
        tgt_key_padding_mask, memory_key_padding_mask : Tensor, shapes (B, T) and (B, S), optional
        tgt_is_causal, memory_is_causal : bool
            Hints that the masks are causal ones.

        Returns
        -------
        Tensor, of the shape of `tgt`
        """

        def itself(x: Tensor) -> Tensor:
            return self._sa_block(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal)

        def remember(x: Tensor) -> Tensor:
            return self._mha_block(x, memory, memory_mask, memory_key_padding_mask, memory_is_causal)

        x = self._around(tgt, self.norm1, itself)
        x = self._around(x, self.norm2, remember)
        return self._around(x, self.norm3, self._ff_block)

    def _mha_block(
        self, x: Tensor, mem: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        found = self.multihead_attn(
            x, mem, mem, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=False, is_causal=is_causal
        )
        return self.dropout2(found[0])

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self._fed(x))
