"""Attention with functions of the scores and masks: values are PyTorch's, gradients those of the plain attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.nn.attention import flex_attention as ours

RNG = np.random.default_rng(0)
Q, K, V = (RNG.standard_normal((2, heads, 5, 4)).astype("f") for heads in (4, 2, 2))
BIAS = RNG.standard_normal(4).astype("f")


def test_values_are_those_of_a_mask_that_is_added():
    q, k, v, bias = (tg.tensor(a) for a in (Q, K, V, BIAS))
    seen = ours.and_masks(lambda b, h, i, j: i >= j, ours.or_masks(lambda b, h, i, j: j != 1, lambda b, h, i, j: i > 3))
    mask = ours.create_block_mask(seen, None, None, 5, 5, device="cpu", BLOCK_SIZE=128)
    out, lse = ours.flex_attention(
        q, k, v, lambda score, b, h, i, j: score + bias[h] * (i - j), mask, enable_gqa=True, return_lse=True
    )
    steps = tg.arange(5)[:, None] - tg.arange(5)
    hidden = (steps < 0) | ((tg.arange(5) == 1) & (tg.arange(5)[:, None] <= 3))
    added = (bias[:, None, None] * steps).masked_fill(hidden, -tg.inf)
    plain = tg.nn.functional.scaled_dot_product_attention(q, k, v, added, enable_gqa=True)
    np.testing.assert_allclose(out.numpy(), plain.numpy(), 1e-5, 1e-6)
    scores = q @ k.repeat_interleave(2, 1).mT / 2 + added
    np.testing.assert_allclose(lse.numpy(), scores.logsumexp(-1).numpy(), 1e-5)


def test_what_sees_nothing_is_zero():
    x = tg.ones(1, 1, 2, 3)
    mask = ours.create_block_mask(lambda b, h, i, j: (i > 0) & (j >= 0), None, None, 2, 2)
    out, aux = ours.flex_attention(
        x, x, x, block_mask=mask, scale=1.0, return_aux=ours.AuxRequest(lse=True, max_scores=True)
    )
    assert out.tolist() == [[[[0.0] * 3, [1.0] * 3]]]
    assert aux.max_scores.tolist() == [[[-np.inf, 3.0]]]


def test_gradients_are_those_of_the_plain_attention():
    def gradients(attend: Any) -> list[Any]:
        q, k, v = (tg.tensor(a, requires_grad=True) for a in (Q, Q + 1, Q - 1))
        attend(q, k, v).sin().sum().backward()
        return [t.grad for t in (q, k, v)]

    mask = ours.create_block_mask(lambda b, h, i, j: i >= j, None, None, 5, 5)
    found = gradients(lambda q, k, v: ours.flex_attention(q, k, v, block_mask=mask))
    plain = gradients(lambda q, k, v: tg.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True))
    for one, other in zip(found, plain):
        np.testing.assert_allclose(one.numpy(), other.numpy(), 1e-4, 1e-6)


def test_blocks_and_refusals():
    mask = ours.create_block_mask(lambda b, h, i, j: i >= j, 2, None, 6, 4, BLOCK_SIZE=(2, 2))
    assert mask.to_dense().tolist() == [[[[1, 0], [1, 1], [1, 1]]]] * 2
    assert mask.sparsity() == pytest.approx(100 / 6)
    assert (mask.shape, mask.numel()) == ((2, 1, 6, 4), 48)
    x = tg.ones(1, 2, 4, 3)
    with pytest.raises(ValueError, match="block_mask must be of at least"):
        ours.flex_attention(x, x, x, block_mask=ours.create_block_mask(ours.noop_mask, 1, 1, 2, 2))
    with pytest.raises(ValueError, match="heads of query and key must be as many, got 2 and 1"):
        ours.flex_attention(x, x[:, :1], x[:, :1])
