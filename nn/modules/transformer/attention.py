"""Attention with several heads; the mathematics is in `nn.functional`."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import Tensor, empty
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ... import init
from ..._checks import check_device
from ...module import Module
from ...parameter import Parameter
from ..linear import NonDynamicallyQuantizableLinear


class MultiheadAttention(Module):
    r"""Attention with several heads, ``softmax(q k^T / sqrt(d)) v`` of projected queries, keys and values.

    Parameters
    ----------
    embed_dim : int
        Features of queries and outputs; divided among the heads.
    num_heads : int
    dropout : float
        Its probability on the weights of the attention, in training.
    bias : bool
        Whether the projections have biases.
    add_bias_kv : bool
        Add a learned key and value.
    add_zero_attn : bool
        Add a key and value of zeros.
    kdim, vdim : int, optional
        Features of keys and values; those of the queries by default.
    batch_first : bool
        Whether the shapes are (B, T, features) instead of (T, B, features).
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.

    Raises
    ------
    ValueError
        If the heads do not divide `embed_dim`.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, section 3.2.2.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> x = tg.randn(5, 2, 8)
    >>> output, weights = nn.MultiheadAttention(8, 2)(x, x, x)
    >>> output.shape, weights.shape
    ((5, 2, 8), (2, 5, 5))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        who = "MultiheadAttention"
        check_device(who, device)
        if embed_dim < 1 or num_heads < 1 or embed_dim % num_heads:
            raise InputError(f"{who}: embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}")
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn

        def made(there: bool, *shape: int) -> Parameter | None:
            return Parameter(empty(*shape, dtype=dtype)) if there else None

        joint = self._qkv_same_embed_dim
        for name, size in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            self.register_parameter(f"{name}_proj_weight", made(not joint, embed_dim, size))
        self.register_parameter("in_proj_weight", made(joint, 3 * embed_dim, embed_dim))
        self.register_parameter("in_proj_bias", made(bias, 3 * embed_dim))
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, dtype=dtype)
        self.register_parameter("bias_k", made(add_bias_kv, 1, 1, embed_dim))
        self.register_parameter("bias_v", made(add_bias_kv, 1, 1, embed_dim))
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw the projections from Xavier's uniform distribution; biases are zero."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Parameters
        ----------
        query : Tensor, shape (T, B, embed_dim), or (T, embed_dim)
        key : Tensor, shape (S, B, kdim), or (S, kdim)
        value : Tensor, shape (S, B, vdim), or (S, vdim)
        key_padding_mask : Tensor, shape (B, S) or (S,), optional
            True where a key is not to be seen, or numbers to be added.
        need_weights : bool
            Whether the weights are returned.
        attn_mask : Tensor, shape (T, S) or (B * num_heads, T, S), optional
            True where a key is not to be seen by a query, or numbers to be added.
        average_attn_weights : bool
            Whether the weights are averaged over heads.
        is_causal : bool
            A hint that `attn_mask` is the causal mask, which must be given, too.

        Returns
        -------
        output : Tensor, of the query's shape
        weights : Tensor, shape (B, T, S), or (B, num_heads, T, S) where not averaged, or None
        """
        turn = self.batch_first and query.ndim == 3
        if turn:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias,
            self.bias_k, self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights,
            attn_mask=attn_mask, use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight, k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (output.transpose(0, 1) if turn else output), weights
