"""MultiheadAttention, TransformerEncoder, TransformerDecoder, Transformer; what programs take from PyTorch's file."""

from __future__ import annotations

from .transformer import _get_activation_fn as _get_activation_fn
from .transformer import _get_clones as _get_clones
