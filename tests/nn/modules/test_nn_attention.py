"""Attention and transformers: masks and options, which the rows of `layers_rows_sequence` do not have."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.testing import gradcheck_module

T, S, B, D, HEADS = 4, 5, 3, 6, 2


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def twins(torch, build):
    """Our module and PyTorch's, in float64, with the same parameters, none of them zero."""
    ours = build(nn).double()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = build(torch.nn).double()
    with tg.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.1 * tg.randn(*parameter.shape, dtype=tg.float64))
    theirs.load_state_dict({n: torch.from_numpy(v.numpy().copy()) for n, v in ours.state_dict().items()})
    return ours, theirs


def of(library, arrays, double):
    return {k: library.tensor(a, **({"requires_grad": True} if k in double else {})) for k, a in arrays.items()}


def compare(torch, build, arrays, **options):
    """Outputs and gradients; floating arrays of three or two dimensions are inputs, others are masks."""
    ours, theirs = twins(torch, build)
    inputs = [k for k in arrays if not k.endswith("mask")]
    x, y = of(tg, arrays, inputs), of(torch, arrays, inputs)
    out, expected = ours(**x, **options), theirs(**y, **options)
    pairs = list(zip(out, expected)) if isinstance(out, tuple) else [(out, expected)]
    total, wanted = 0.0, 0.0
    for a, b in pairs:
        assert (a is None) == (b is None)
        if a is None:
            continue
        assert a.shape == tuple(b.shape)
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)
        total, wanted = total + (a * a).sum(), wanted + (b * b).sum()
    total.backward()
    wanted.backward()
    gradients = [(x[k].grad, y[k].grad) for k in inputs]
    gradients += [(a.grad, b.grad) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True)]
    for a, b in gradients:
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-10)


def draw(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def three(batched=True):
    shape = (B,) if batched else ()
    return {"query": draw(T, *shape, D), "key": draw(S, *shape, D), "value": draw(S, *shape, D)}


KEYS = np.array([[0, 0, 0, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
PLACES = np.triu(np.ones((T, S), bool), 2)
MASKS = {
    "keys": {"key_padding_mask": KEYS},
    "added to keys": {"key_padding_mask": np.where(KEYS, -np.inf, 0.0)},
    "places": {"attn_mask": PLACES},
    "added to places": {"attn_mask": draw(T, S)},
    "each head": {"attn_mask": np.random.default_rng(0).random((B * HEADS, T, S)) < 0.3},
    "both": {"key_padding_mask": KEYS, "attn_mask": PLACES},
}


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("name", MASKS)
def test_masks_equal_pytorch(name, weights, torch):
    compare(torch, lambda nn: nn.MultiheadAttention(D, HEADS), {**three(), **MASKS[name]}, need_weights=weights)


@pytest.mark.parametrize("options", [{"add_bias_kv": True}, {"add_zero_attn": True}, {"kdim": D, "vdim": D}], ids=str)
def test_masks_grow_with_added_keys(options, torch):
    compare(torch, lambda nn: nn.MultiheadAttention(D, HEADS, **options), {**three(), **MASKS["both"]})


def test_weights_of_each_head_equal_pytorch(torch):
    compare(torch, lambda nn: nn.MultiheadAttention(D, HEADS), three(), average_attn_weights=False)


def test_without_a_batch_equal_pytorch(torch):
    arrays = {**three(False), "key_padding_mask": KEYS[0], "attn_mask": PLACES}
    compare(torch, lambda nn: nn.MultiheadAttention(D, HEADS), arrays)


def test_initial_parameters():
    module = nn.MultiheadAttention(60, 2, add_bias_kv=True)
    limit = np.sqrt(6 / (60 + 180))
    weight = module.in_proj_weight.detach().numpy()
    assert 0.95 * limit < np.abs(weight).max() <= limit
    assert (module.in_proj_bias.detach().numpy() == 0).all()
    assert (module.out_proj.bias.detach().numpy() == 0).all()
    assert np.abs(module.bias_k.detach().numpy()).max() > 0
    separate = nn.MultiheadAttention(60, 2, kdim=30)
    assert separate.in_proj_weight is None
    assert separate.k_proj_weight.shape == (60, 30)


def test_dropout_of_weights():
    module, x = nn.MultiheadAttention(D, HEADS, dropout=0.5), tg.randn(T, B, D)
    assert not np.array_equal(module(x, x, x)[0].detach().numpy(), module(x, x, x)[0].detach().numpy())
    module.eval()
    assert np.array_equal(module(x, x, x)[0].detach().numpy(), module(x, x, x)[0].detach().numpy())


def test_refused():
    with pytest.raises(ValueError, match="divisible by num_heads, got 6 and 4"):
        nn.MultiheadAttention(6, 4)
    module = nn.MultiheadAttention(D, HEADS)
    with pytest.raises((ValueError, RuntimeError)):
        module(tg.ones(T, B, D + 2), tg.ones(S, B, D), tg.ones(S, B, D))
    with pytest.raises((ValueError, RuntimeError)):
        module(tg.ones(T, B, D), tg.ones(S, B, D), tg.ones(S, B, D), attn_mask=tg.zeros(S, T))
    with pytest.raises(ValueError, match="activation must be"):
        nn.TransformerEncoderLayer(D, HEADS, activation="tanh")
    with pytest.raises(ValueError, match="num_layers must be a positive integer"):
        nn.TransformerEncoder(nn.TransformerEncoderLayer(D, HEADS), 0)
    model = nn.Transformer(D, HEADS, 1, 1, 8)
    with pytest.raises(ValueError, match="one batch size"):
        model(tg.ones(S, 2, D), tg.ones(T, 3, D))
    with pytest.raises(ValueError, match=f"must have {D} features"):
        model(tg.ones(S, 2, D), tg.ones(T, 2, D + 1))


# Transformers

SMALL = {"d_model": D, "nhead": HEADS, "dim_feedforward": 8, "dropout": 0.0}


def causal(size):
    return np.triu(np.full((size, size), -np.inf), 1)


def test_masks_of_an_encoder_equal_pytorch(torch):
    def build(nn):
        return nn.TransformerEncoder(nn.TransformerEncoderLayer(**SMALL), 2, enable_nested_tensor=False)

    arrays = {"src": draw(S, B, D), "mask": causal(S), "src_key_padding_mask": np.where(KEYS, -np.inf, 0.0)}
    compare(torch, build, arrays)


def test_masks_of_a_decoder_equal_pytorch(torch):
    arrays = {
        "tgt": draw(T, B, D), "memory": draw(S, B, D), "tgt_mask": causal(T),
        "memory_mask": np.where(PLACES, -1.5, 0.0),
        "memory_key_padding_mask": np.where(KEYS, -np.inf, 0.0),
    }  # fmt: skip
    compare(torch, lambda nn: nn.TransformerDecoder(nn.TransformerDecoderLayer(**SMALL), 2, nn.LayerNorm(D)), arrays)


@pytest.mark.parametrize("options", [{}, {"norm_first": True, "activation": "gelu", "bias": False}], ids=str)
def test_masks_of_a_transformer_equal_pytorch(options, torch):
    arrays = {
        "src": draw(S, B, D), "tgt": draw(T, B, D), "tgt_mask": causal(T),
        "src_key_padding_mask": np.where(KEYS, -np.inf, 0.0), "memory_key_padding_mask": np.where(KEYS, -np.inf, 0.0),
    }  # fmt: skip
    build = lambda nn: nn.Transformer(num_encoder_layers=1, num_decoder_layers=2, **SMALL, **options)  # noqa: E731
    compare(torch, build, arrays)


def test_activation_is_any_function():
    layer = nn.TransformerEncoderLayer(**SMALL, activation=tg.tanh)
    assert gradcheck_module(layer, tg.randn(2, 2, D), mode="random")


def test_layers_are_copies():
    layer = nn.TransformerEncoderLayer(**SMALL)
    encoder = nn.TransformerEncoder(layer, 2)
    first, second = encoder.layers
    assert first is not layer
    assert first.linear1.weight is not second.linear1.weight
    assert (first.linear1.weight.detach().numpy() == second.linear1.weight.detach().numpy()).all()


def test_the_future_is_not_seen():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(**SMALL), 2).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(S)
    x = tg.randn(S, B, D)
    before = model(x, mask).detach().numpy()
    later = tg.cat([x[:3], tg.randn(S - 3, B, D)])
    after = model(later, mask).detach().numpy()
    np.testing.assert_allclose(after[:3], before[:3], atol=1e-6)
    assert np.abs(after[3:] - before[3:]).max() > 1e-3


def test_square_subsequent_mask():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert mask.dtype == np.float32
    assert mask.tolist() == [[0.0, -np.inf, -np.inf], [0.0, 0.0, -np.inf], [0.0, 0.0, 0.0]]


def test_one_module_of_ones_own():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(**SMALL), 1)
    model = nn.Transformer(D, HEADS, custom_encoder=encoder, num_decoder_layers=1, dim_feedforward=8)
    assert model.encoder is encoder
    assert model(tg.randn(S, B, D), tg.randn(T, B, D)).shape == (T, B, D)
