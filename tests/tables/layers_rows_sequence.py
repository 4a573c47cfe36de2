"""LAYERS rows of sequences: recurrent layers and cells, embeddings, attention, transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
from layers_cases import Given, Row, labels, normal

T, B, F, H = 4, 3, 3, 4


def fixed(values: Any) -> Given:
    return Given(lambda rng: np.array(values), differentiable=False)


def _recurrent() -> list[Row]:
    rows = [
        Row("RNNBase", lambda nn, t: nn.RNNBase("GRU", 2, 3, bidirectional=True)),
        Row("RNNCellBase", lambda nn, t: getattr(nn, "RNNCellBase", nn.RNNCell.__base__)(2, 3, False, 4)),
        Row("RNN", lambda nn, t: nn.RNN(F, H, nonlinearity="relu", num_layers=2), (normal(T, B, F),)),
        Row("LSTM", lambda nn, t: nn.LSTM(F, H, proj_size=2, num_layers=2, bidirectional=True), (normal(T, B, F),)),
        Row("LSTM", lambda nn, t: nn.LSTM(F, H, bias=False, batch_first=True), (normal(B, T, F),)),
    ]  # fmt: skip
    for layer in ("RNN", "LSTM", "GRU"):

        def built(nn: Any, t: Any, layer: str = layer, **options: Any) -> Any:
            return getattr(nn, layer)(F, H, **options)

        rows += [
            Row(layer, built, (normal(T, B, F),), refused=((T, B, F + 1),)),
            Row(layer, built, (normal(T, F),), refused=((T,),)),
            Row(layer, built, (normal(T, 0, F),)),
            Row(
                layer,
                lambda nn, t, f=built: f(nn, t, num_layers=2, bidirectional=True, batch_first=True, bias=False),
                (normal(B, T, F),),
            ),
            Row(layer, lambda nn, t, f=built: f(nn, t, num_layers=3, dropout=0.4), (normal(T, B, F),), random=True),
        ]
        if layer != "LSTM":  # its states are a pair: test_nn_recurrent.py
            rows.append(Row(layer, built, (normal(T, B, F), normal(1, B, H)), refused=((T, B, F), (1, B, H + 1))))
    return rows


def _cells() -> list[Row]:
    rows = [
        Row("RNNCell", lambda nn, t: nn.RNNCell(F, H, nonlinearity="relu"), (normal(B, F), normal(B, H))),
        Row("RNNCell", lambda nn, t: nn.RNNCell(F, H), (normal(B, F), normal(B, H)), refused=((B, F), (B + 1, H))),
        Row("GRUCell", lambda nn, t: nn.GRUCell(F, H), (normal(B, F), normal(B, H)), refused=((B, F), (B, H + 1))),
    ]
    for layer in ("RNNCell", "LSTMCell", "GRUCell"):
        rows += [
            Row(layer, lambda nn, t, n=layer: getattr(nn, n)(F, H), (normal(B, F),), refused=((B, F + 1),),
                flat=("weight_hh",)),  # the state is zero
            Row(layer, lambda nn, t, n=layer: getattr(nn, n)(F, H, bias=False), (normal(F),), refused=((F + 1,),),
                flat=("weight_hh",)),
        ]  # fmt: skip
    return rows


def _embeddings() -> list[Row]:
    """Where the gradient is not the derivative, on purpose: test_nn_embedding.py."""
    bags = (labels(7, 8), fixed([0, 2, 5]))
    return [
        Row("Embedding", lambda nn, t: nn.Embedding(7, 3), (labels(7, 4, 5),)),
        Row("Embedding", lambda nn, t: nn.Embedding.from_pretrained(t([[1.0, 2.0], [3.0, 4.0]]), freeze=False),
            (labels(2, 4),)),
        Row("EmbeddingBag", lambda nn, t: nn.EmbeddingBag(7, 3), (labels(7, 4, 5),)),
        Row("EmbeddingBag", lambda nn, t: nn.EmbeddingBag(7, 3, mode="sum", padding_idx=1), bags),
        Row("EmbeddingBag", lambda nn, t: nn.EmbeddingBag(7, 3, mode="max"), bags),
        Row("EmbeddingBag", lambda nn, t: nn.EmbeddingBag(7, 3, mode="mean", include_last_offset=True),
            (labels(7, 8), fixed([0, 2, 5, 8]))),
    ]  # fmt: skip


def _attention() -> list[Row]:
    three = (normal(T, B, 4), normal(5, B, 4), normal(5, B, 4))
    return [
        Row("MultiheadAttention", lambda nn, t: nn.MultiheadAttention(4, 2), three,
            refused=((T, B, 4), (5, B, 4), (6, B, 4))),
        Row("MultiheadAttention", lambda nn, t: nn.MultiheadAttention(4, 2, bias=False, batch_first=True),
            (normal(B, T, 4), normal(B, 5, 4), normal(B, 5, 4))),
        Row("MultiheadAttention", lambda nn, t: nn.MultiheadAttention(4, 2, kdim=3, vdim=2, add_bias_kv=True),
            (normal(T, B, 4), normal(5, B, 3), normal(5, B, 2))),
        Row("MultiheadAttention", lambda nn, t: nn.MultiheadAttention(4, 1, add_zero_attn=True),
            (normal(T, 4), normal(5, 4), normal(5, 4))),
        Row("MultiheadAttention", lambda nn, t: nn.MultiheadAttention(4, 2, dropout=0.3), three, random=True),
    ]  # fmt: skip


def _transformers() -> list[Row]:
    x, memory = normal(T, B, 4), normal(5, B, 4)
    plain = {"d_model": 4, "nhead": 2, "dim_feedforward": 6, "dropout": 0.0}
    other = {**plain, "activation": "gelu", "norm_first": True, "bias": False, "layer_norm_eps": 1e-3}
    rows = [
        Row(
            "TransformerEncoder",
            lambda nn, t: nn.TransformerEncoder(
                nn.TransformerEncoderLayer(**plain), 2, nn.LayerNorm(4), enable_nested_tensor=False
            ),
            (x,),
        ),
        Row(
            "TransformerDecoder",
            lambda nn, t: nn.TransformerDecoder(nn.TransformerDecoderLayer(**other), 2),
            (x, memory),
        ),
        Row(
            "Transformer",
            lambda nn, t: nn.Transformer(num_encoder_layers=1, num_decoder_layers=1, batch_first=True, **plain),
            (normal(B, 5, 4), normal(B, T, 4)),
            refused=((B, 5, 4), (B, T, 5)),
        ),
        Row(
            "TransformerEncoderLayer",
            lambda nn, t: nn.TransformerEncoderLayer(4, 2, 6),
            (x,),
            random=True,
        ),
    ]
    for options in (plain, other):
        rows += [
            Row("TransformerEncoderLayer", lambda nn, t, o=options: nn.TransformerEncoderLayer(**o), (x,),
                refused=((T, B, 5),)),
            Row("TransformerDecoderLayer", lambda nn, t, o=options: nn.TransformerDecoderLayer(**o), (x, memory)),
            Row("TransformerEncoderLayer",
                lambda nn, t, o=options: nn.TransformerEncoderLayer(batch_first=True, **o), (normal(B, T, 4),)),
        ]  # fmt: skip
    return rows


ROWS = [*_recurrent(), *_cells(), *_embeddings(), *_attention(), *_transformers()]
