"""Does anything work at all? ``pytest -m smoke`` says so in seconds: a step of training, a gradient, a file."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn, optim

pytestmark = pytest.mark.smoke


@pytest.fixture(autouse=True)
def without_compiling():
    with kernels.use("numpy"):
        yield


def test_a_gradient():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x.exp() * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1, 2, 3]) * [2, 3, 4], rtol=1e-6)


def test_gradients_of_gradients():
    x = tg.tensor(2.0, requires_grad=True)
    (first,) = tg.autograd.grad(x**4, x, create_graph=True)
    (second,) = tg.autograd.grad(first, x)
    assert (first.item(), second.item()) == (32.0, 48.0)


def test_a_wrong_rule_is_found():
    from tinygrad_lite.rules import differentiable

    wrong = differentiable(lambda x: x * x, name="wrong", x=lambda g, x: g * x)
    with pytest.raises(tg.GradcheckError):
        tg.gradcheck(wrong, tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_training_lowers_the_loss(name):
    x = tg.randn(64, 3)
    y = (x * tg.tensor([1.0, -2.0, 0.5])).sum(dim=1, keepdim=True)
    model = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = getattr(optim, name)(model.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_layers_of_an_image_model():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(36, 2),
    )
    loss = nn.functional.cross_entropy(model(tg.randn(5, 1, 8, 8)), tg.tensor([0, 1, 0, 1, 1]))
    loss.backward()
    assert np.isfinite(loss.item())
    assert all(np.abs(p.grad.numpy()).sum() > 0 for p in model[-1].parameters())


def test_what_is_saved_is_loaded(tmp_path):
    model = nn.Linear(3, 2)
    tg.save(model.state_dict(), tmp_path / "model.safetensors")
    other = nn.Linear(3, 2)
    other.load_state_dict(tg.load(tmp_path / "model.safetensors"))
    assert (other.weight == model.weight).all()


def test_errors_name_who_and_what():
    with pytest.raises(RuntimeError, match="matmul"):
        tg.ones(2, 3) @ tg.ones(2, 3)
    with pytest.raises(ValueError, match="Adam: betas"):
        optim.Adam([tg.ones(1, requires_grad=True)], betas=(1.0, 0.9))
