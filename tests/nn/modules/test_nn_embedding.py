"""Embeddings: what the rows of `layers_rows_sequence` do not say."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

WORDS = np.array([[1, 2, 4, 5], [4, 3, 2, 2]])


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


@pytest.mark.parametrize(
    "options",
    [
        {"padding_idx": 2},
        {"padding_idx": -3},
        {"max_norm": 1.0},
        {"max_norm": 0.5, "norm_type": 1.0, "padding_idx": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("layer", ["Embedding", "EmbeddingBag"])
def test_gradients_and_tables_equal_pytorch(layer, options, torch):
    ours = getattr(nn, layer)(7, 3, **options).double()
    theirs = getattr(torch.nn, layer)(7, 3, **options).double()
    theirs.load_state_dict({n: torch.from_numpy(v.numpy().copy()) for n, v in ours.state_dict().items()})
    assert repr(ours) == repr(theirs)
    assert ours.padding_idx == theirs.padding_idx
    out, expected = ours(tg.tensor(WORDS)), theirs(torch.tensor(WORDS))
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    g = np.random.default_rng(0).standard_normal(out.shape)
    out.backward(tg.tensor(g))
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_gradients_are_divided_by_frequencies(layer):
    """By definition: PyTorch's bags divide by the frequencies of other words."""
    plain, scaled = layer(7, 3), layer(7, 3, scale_grad_by_freq=True)
    for module in (plain, scaled):
        module(tg.tensor(WORDS)).sum().backward()
    often = np.maximum(np.bincount(WORDS.reshape(-1), minlength=7), 1)[:, None]
    assert often.max() == 3
    np.testing.assert_allclose(scaled.weight.grad.numpy(), plain.weight.grad.numpy() / often, rtol=1e-6)


def test_frequencies_equal_pytorch(torch):
    ours, theirs = nn.Embedding(7, 3, scale_grad_by_freq=True), torch.nn.Embedding(7, 3, scale_grad_by_freq=True)
    assert repr(ours) == repr(theirs)
    ours(tg.tensor(WORDS)).sum().backward()
    theirs(torch.tensor(WORDS)).sum().backward()
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-6)


def test_weights_of_samples_equal_pytorch(torch):
    ours, theirs = nn.EmbeddingBag(7, 3, mode="sum").double(), torch.nn.EmbeddingBag(7, 3, mode="sum").double()
    theirs.load_state_dict({n: torch.from_numpy(v.numpy().copy()) for n, v in ours.state_dict().items()})
    factors = np.random.default_rng(0).standard_normal(WORDS.shape)
    x, y = tg.tensor(factors, requires_grad=True), torch.tensor(factors, requires_grad=True)
    out, expected = ours(tg.tensor(WORDS), None, x), theirs(torch.tensor(WORDS), None, y)
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_initial_table(layer):
    weight = layer(200, 50, padding_idx=3).weight.detach().numpy()
    assert (weight[3] == 0).all()
    assert abs(np.delete(weight, 3, 0).mean()) < 0.05
    assert abs(np.delete(weight, 3, 0).std() - 1) < 0.05


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_from_pretrained(layer):
    table = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen, free = layer.from_pretrained(table), layer.from_pretrained(table, freeze=False, padding_idx=0)
    assert not frozen.weight.requires_grad
    assert free.weight.requires_grad
    assert (free.weight.detach().numpy() == table.numpy()).all()  # the padding row stays as it is given
    assert free.padding_idx == 0
    with pytest.raises(ValueError, match="2 dimensions"):
        layer.from_pretrained(tg.ones(3))


def test_refused():
    with pytest.raises(ValueError, match=r"padding_idx must be in \[-3, 3\), got 3"):
        nn.Embedding(3, 2, padding_idx=3)
    with pytest.raises(ValueError, match=r"must have shape \(3, 2\), got \(2, 3\)"):
        nn.EmbeddingBag(3, 2, _weight=tg.ones(2, 3))
    with pytest.raises(ValueError, match="mode must be one of"):
        nn.EmbeddingBag(3, 2, mode="median")
    with pytest.raises(IndexError):
        nn.Embedding(3, 2)(tg.tensor([3]))
    with pytest.raises((TypeError, RuntimeError)):
        nn.Embedding(3, 2)(tg.tensor([0.5]))
