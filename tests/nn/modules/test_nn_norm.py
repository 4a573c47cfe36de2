"""Batch normalization beside the universal checks: running statistics over several batches, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def batches(count=5, shape=(8, 3)):
    rng = np.random.default_rng(0)
    return [rng.normal(2.0, 3.0, shape) for _ in range(count)]


@pytest.mark.parametrize("momentum", [0.1, 0.5, 1.0])
def test_running_statistics_by_the_formula(momentum):
    norm = nn.BatchNorm1d(3, momentum=momentum).double()
    mean, var = np.zeros(3), np.ones(3)
    for count, x in enumerate(batches(), start=1):
        norm(tg.tensor(x))
        mean = (1 - momentum) * mean + momentum * x.mean(0)
        var = (1 - momentum) * var + momentum * x.var(0, ddof=1)  # unbiased
        np.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-12)
        np.testing.assert_allclose(norm.running_var.numpy(), var, rtol=1e-12)
        assert norm.num_batches_tracked.item() == count


def test_without_momentum_the_statistics_are_averages():
    norm = nn.BatchNorm2d(3, momentum=None).double()
    given = batches(4, (2, 3, 4, 5))
    for x in given:
        norm(tg.tensor(x))
    means = [x.mean((0, 2, 3)) for x in given]
    variances = [x.var((0, 2, 3), ddof=1) for x in given]
    np.testing.assert_allclose(norm.running_mean.numpy(), np.mean(means, 0), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var.numpy(), np.mean(variances, 0), rtol=1e-12)


def test_training_normalizes_by_the_batch_and_evaluation_by_the_running_statistics():
    norm = nn.BatchNorm1d(3, eps=1e-15).double()
    (x,) = batches(1)
    y = norm(tg.tensor(x)).numpy(force=True)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(0), 1, rtol=1e-12)  # the biased variance
    norm.eval()
    before = norm.running_mean.numpy().copy()
    y = norm(tg.tensor(x)).numpy(force=True)
    expected = (x - norm.running_mean.numpy()) / np.sqrt(norm.running_var.numpy())
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert (norm.running_mean.numpy() == before).all()
    assert norm.num_batches_tracked.item() == 1


def test_without_running_statistics_evaluation_uses_the_batch():
    norm = nn.BatchNorm1d(3, track_running_stats=False).double()
    (x,) = batches(1)
    trained = norm(tg.tensor(x)).numpy(force=True)
    assert (norm.eval()(tg.tensor(x)).numpy(force=True) == trained).all()
    assert list(norm.buffers()) == []
    assert list(norm.state_dict()) == ["weight", "bias"]


def test_statistics_put_there_by_hand_are_not_moved():
    norm = nn.BatchNorm1d(3, track_running_stats=False)
    norm.running_mean, norm.running_var = tg.zeros(3), tg.ones(3)
    norm(tg.randn(4, 3))
    assert (norm.running_mean.numpy() == 0).all()
    x = tg.randn(4, 3)
    np.testing.assert_allclose(norm.eval()(x).numpy(force=True), x.numpy(), rtol=1e-4)


def test_running_statistics_carry_no_graph():
    norm = nn.BatchNorm1d(3)
    x = tg.randn(4, 3, requires_grad=True)
    for _ in range(3):
        norm(x).sum().backward()
    assert not norm.running_mean.requires_grad
    with tg.no_grad():
        norm(x)
    assert norm.num_batches_tracked.item() == 4


def test_moving_the_statistics_is_announced():
    norm = nn.BatchNorm1d(3).eval()
    x = tg.randn(4, 3, requires_grad=True)
    y = norm(x) * norm.running_mean.exp()
    product = (x * norm.running_mean).sum()
    norm.train()(tg.randn(4, 3))
    with pytest.raises(RuntimeError, match="batch_norm"):
        product.backward()
    assert y.requires_grad


def test_reset():
    norm = nn.BatchNorm1d(3)
    norm(tg.randn(4, 3))
    with tg.no_grad():
        norm.weight.zero_()
    norm.reset_parameters()
    fresh = nn.BatchNorm1d(3).state_dict()
    for name, value in norm.state_dict().items():
        assert (value.numpy() == fresh[name].numpy()).all(), name


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d, (3,)),
        (nn.BatchNorm1d, (2, 3, 4, 4)),
        (nn.BatchNorm1d, (1, 3)),
        (nn.BatchNorm2d, (2, 3)),
        (nn.BatchNorm2d, (2, 3, 4)),
        (nn.BatchNorm2d, (1, 3, 1, 1)),
    ],
)
def test_errors_are_pytorchs(layer, shape):
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="xpected") as theirs:
        getattr(torch.nn, layer.__name__)(3)(torch.zeros(shape))
    with pytest.raises(ValueError, match="xpected") as ours:
        layer(3)(tg.zeros(shape))
    assert str(theirs.value)[1:-1].split(", got")[0].lower() in str(ours.value).lower()


def test_a_failed_call_leaves_the_state_alone():
    norm = nn.BatchNorm1d(3)
    for shape in ((3,), (4, 5)):
        with pytest.raises(ValueError, match="expected"):
            norm(tg.zeros(shape))
    assert norm.num_batches_tracked.item() == 0


def test_the_plain_average_of_all_batches_in_a_recorded_step():
    """The number of batches is a tensor's, not one that Python divides by."""

    def trained(recorded):
        norm = nn.BatchNorm1d(3, momentum=None)

        def step(x):
            norm.zero_grad()
            norm(x).square().sum().backward()
            return norm.weight.grad

        step = tg.compile(step, fullgraph=True) if recorded else step
        rng = np.random.default_rng(0)
        batches = [rng.standard_normal((5, 3)).astype("f") for _ in range(6)]
        grads = [step(tg.from_numpy(x)).numpy().tobytes() for x in batches]
        assert not recorded or step.hits() == 4
        np.testing.assert_allclose(norm.running_mean.numpy(), np.mean(batches, (0, 1)), rtol=1e-5)
        np.testing.assert_allclose(norm.running_var.numpy(), np.var(batches, 1, ddof=1).mean(0), rtol=1e-5)
        return grads, norm.running_mean.numpy().tobytes(), norm.running_var.numpy().tobytes()

    assert trained(True) == trained(False)


def test_the_plain_average_goes_on_beyond_what_half_precision_counts():
    norm = nn.BatchNorm1d(1, momentum=None).half()
    norm.num_batches_tracked.fill_(99_999)
    norm(tg.full((4, 1), 1000.0, dtype=tg.float16))
    assert norm.running_mean.item() == pytest.approx(0.01, rel=2e-3)
