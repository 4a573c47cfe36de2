"""TransformerEncoder, TransformerDecoder, Transformer: stacks of layers of attention and of two linear maps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import Tensor
from tinygrad_lite.engine.errors import InputError

from ... import init
from ...module import Module
from ..containers.container import ModuleList
from ..normalization.layer_norm import LayerNorm
from .transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer, _Activation, _activation, _causal


def _get_clones(layer: Module, count: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _get_activation_fn(activation: str) -> Callable[[Tensor], Tensor]:
    return _activation("activation", activation)


class TransformerEncoder(Module):
    """Encoder layers in a row.

    Parameters
    ----------
    encoder_layer : Module
        A `TransformerEncoderLayer`; copied `num_layers` times.
    num_layers : int
    norm : Module, optional
        Applied to the last output.
    enable_nested_tensor, mask_check : bool
        Accepted for PyTorch's sake, without effect: there are no nested tensors.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, nhead=2), num_layers=3)
    >>> encoder(tg.randn(5, 3, 8)).shape
    (5, 3, 8)
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _get_clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def _pytorchs_attributes(self) -> dict[str, Any]:
        return {"enable_nested_tensor": False, "use_nested_tensor": False, "mask_check": True}

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Send the input through all layers; arguments as in `TransformerEncoderLayer`."""
        causal = _causal(mask, is_causal)
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Decoder layers in a row.

    Parameters
    ----------
    decoder_layer : Module
        A `TransformerDecoderLayer`; copied `num_layers` times.
    num_layers : int
    norm : Module, optional
        Applied to the last output.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, nhead=2), num_layers=3)
    >>> decoder(tg.randn(4, 3, 8), tg.randn(5, 3, 8)).shape
    (4, 3, 8)
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _get_clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Send the input through all layers; arguments as in `TransformerDecoderLayer`."""
        causal = _causal(tgt_mask, tgt_is_causal)
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, causal,
                memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder, and a decoder that attends to its output.

    Parameters
    ----------
    d_model, nhead : int
    num_encoder_layers, num_decoder_layers : int
    dim_feedforward : int
    dropout : float
    activation : {"relu", "gelu"} or callable
    custom_encoder, custom_decoder : Module, optional
        Used in place of those that would be made.
    layer_norm_eps : float
    batch_first : bool
    norm_first : bool
    bias : bool
    device : optional
        None or "cpu".
    dtype : dtype, optional

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> model = nn.Transformer(8, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=16)
    >>> model(tg.randn(5, 3, 8), tg.randn(4, 3, 8)).shape
    (4, 3, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: _Activation = "relu",
        custom_encoder: Module | None = None,
        custom_decoder: Module | None = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)

        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(d_model, nhead, *options), num_encoder_layers, norm()
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(d_model, nhead, *options), num_decoder_layers, norm()
        )
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        """Draw all matrices from Xavier's uniform distribution."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode the source and decode the target; masks as in the layers.

        Parameters
        ----------
        src : Tensor, shape (S, B, d_model), (B, S, d_model) with `batch_first`, or (S, d_model)
        tgt : Tensor, shape (T, B, d_model), and so on
        src_mask, tgt_mask, memory_mask : Tensor, shapes (S, S), (T, T) and (T, S), optional
        src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask : Tensor, optional
        src_is_causal, tgt_is_causal, memory_is_causal : bool, optional

        Returns
        -------
        Tensor, of the shape of `tgt`
        """
        if src.ndim != tgt.ndim or src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise InputError(
                f"Transformer: src and tgt must have {self.d_model} features and the same number of dimensions, "
                f"got {src.shape} and {tgt.shape}"
            )
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise InputError(f"Transformer: src and tgt must have one batch size, got {src.shape} and {tgt.shape}")
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal,
            memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the causal mask: -inf above the diagonal, 0 elsewhere."""
        return tg.full((sz, sz), float("-inf"), dtype=dtype, device=device).triu(1)
