"""Dropout by its statistics, in both kinds."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import nn

N = 40000
kinds = pytest.mark.parametrize("mode", ["inverted", "vanilla"])
probabilities = pytest.mark.parametrize("p", [0.1, 0.5, 0.8])


def applied(p, mode, training=True, **options):
    tg.manual_seed(0)
    x = tg.full((N,), 3.0, requires_grad=True)
    layer = nn.Dropout(p, mode=mode, **options).train(training)
    y = layer(x)
    y.sum().backward()
    return y.numpy(force=True), x.grad.numpy()


@kinds
@probabilities
def test_elements_are_zeroed_with_probability_p(p, mode):
    y, _ = applied(p, mode)
    assert abs((y == 0).mean() - p) < 4 * math.sqrt(p * (1 - p) / N)
    pairs = (y[:-1] == 0) & (y[1:] == 0)  # independently of their neighbours
    assert abs(pairs.mean() - p * p) < 6 * math.sqrt(p * p * (1 - p * p) / N)


@probabilities
def test_inverted_scales_in_training(p):
    y, gradient = applied(p, "inverted")
    np.testing.assert_allclose(y[y != 0], 3.0 / (1 - p), rtol=1e-6)
    np.testing.assert_allclose(gradient, y / 3.0, rtol=1e-6)
    y, gradient = applied(p, "inverted", training=False)
    assert (y == 3.0).all()
    assert (gradient == 1.0).all()


@probabilities
def test_vanilla_scales_in_evaluation(p):
    y, gradient = applied(p, "vanilla")
    assert (y[y != 0] == 3.0).all()
    assert (gradient == y / 3.0).all()
    y, gradient = applied(p, "vanilla", training=False)
    np.testing.assert_allclose(y, 3.0 * (1 - p), rtol=1e-6)
    np.testing.assert_allclose(gradient, 1 - p, rtol=1e-6)


@kinds
@probabilities
def test_training_and_evaluation_agree_in_expectation(p, mode):
    trained, _ = applied(p, mode)
    evaluated, _ = applied(p, mode, training=False)
    spread = trained.std() / math.sqrt(N)
    assert abs(trained.mean() - evaluated.mean()) < 4 * spread


@kinds
@pytest.mark.parametrize("training", [True, False])
def test_the_ends(mode, training):
    y, gradient = applied(0.0, mode, training)
    assert (y == 3.0).all()
    assert (gradient == 1.0).all()
    y, gradient = applied(1.0, mode, training)
    kept = mode == "inverted" and not training  # which does not depend on p
    assert (y == (3.0 if kept else 0.0)).all()
    assert (gradient == (1.0 if kept else 0.0)).all()


@kinds
def test_every_call_draws_anew_and_the_seed_decides(mode):
    layer, x = nn.Dropout(mode=mode), tg.ones(100)
    tg.manual_seed(0)
    a, b = layer(x).numpy(), layer(x).numpy()
    tg.manual_seed(0)
    assert (layer(x).numpy() == a).all()
    assert (a != b).any()


@kinds
def test_a_generator_of_its_own(mode):
    def layer():
        return nn.Dropout(mode=mode, generator=tg.Generator().manual_seed(7))

    x = tg.ones(100)
    tg.manual_seed(0)
    expected = tg.rand(1).item()
    tg.manual_seed(0)
    a = layer()(x).numpy()
    assert tg.rand(1).item() == expected  # the global one was not used
    assert (layer()(x).numpy() == a).all()
    assert (copy.deepcopy(layer())(x).numpy() == a).all()
    assert (F.dropout(x, mode=mode, generator=tg.Generator().manual_seed(7)).numpy() == a).all()


@kinds
@pytest.mark.parametrize("training", [True, False])
def test_inplace(mode, training):
    x = tg.ones(1000)
    y = nn.Dropout(0.5, inplace=True, mode=mode).train(training)(x)
    assert y is x
    assert ((x.numpy() == 0).any()) == training


def test_repr():
    assert repr(nn.Dropout(0.2)) == "Dropout(p=0.2, inplace=False)"
    assert repr(nn.Dropout(0.2, mode="vanilla")) == "Dropout(p=0.2, inplace=False, mode='vanilla')"


@pytest.mark.parametrize(
    "make", [nn.Dropout, lambda p=0.5, **k: F.dropout(tg.ones(2), p, **k)], ids=["layer", "function"]
)
def test_arguments_are_checked(make):
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=f"ropout: p must be in .0, 1., got {p}"):
            make(p)
    with pytest.raises(ValueError, match="ropout: mode must be one of 'inverted', 'vanilla', got 'keep'"):
        make(mode="keep")


@pytest.mark.parametrize("name", "dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout".split())
def test_integers_are_kept_or_dropped_and_not_scaled(name: str) -> None:
    """Their dtype holds no factor; PyTorch refuses them, too."""
    function, x = getattr(F, name), tg.ones(2, 3, 2, dtype=tg.int64)
    assert tg.equal(function(x, 0.0, True), x)
    assert not function(x, 1.0, True).any()
    with pytest.raises(TypeError, match=f"{name}: the input must be floating point, got int64"):
        function(x, 0.1, True)
