"""The convolutional network on digits: it learns, its shifts lose nothing, and its numbers are what it says."""

from __future__ import annotations

import cnn_digits
import common
import numpy as np
import pytest
from test_examples import run

import tinygrad_lite as tg


def test_cnn_digits(digits, tmp_path, capsys):
    results = run(cnn_digits, tmp_path, steps=80, **{"batch-size": 32})
    assert results["accuracy"] > 0.93  # in 1,000 digits that it has not seen, after 2,560 others
    model, losses, held_out = results["model"], results["losses"], results["held_out"]
    _, (x, t) = cnn_digits.load_mnist(flatten=False)
    assert common.accuracy(model, x, t) == pytest.approx(results["accuracy"])
    assert held_out["accuracy"][-1] == results["accuracy"]
    assert len(losses) == held_out["update"][-1] == 80
    assert np.mean(losses[:5]) > 1.5 > 0.6 > np.mean(losses[-10:])
    assert held_out["loss"][-1] < 0.3 < held_out["loss"][0]
    assert {p.dtype for p in model.parameters()} == {np.dtype("f")}

    printed = capsys.readouterr().out
    assert "Total parameters: 29,434" in printed
    rows = [line.split() for line in printed.splitlines() if line.split()[0].isdigit() and line.endswith("%")]
    rates = [float(row[1]) for row in rows]
    assert [int(row[0]) for row in rows] == list(range(8, 81, 8))
    assert 5e-3 >= max(rates[1:4]) > 4e-3 > rates[0] > rates[-1]  # up, and down to almost nothing
    assert rates[-1] < 1e-6
    assert f"accuracy {results['accuracy']:.2%} on held-out digits" in printed


def test_cnn_digits_depends_on_the_seed_alone(digits, monkeypatch):
    monkeypatch.setattr(cnn_digits, "draw", lambda *_: None)
    monkeypatch.setattr(cnn_digits, "save_figure", lambda *_: None)
    a, b, c = (cnn_digits.main(steps=5, batch_size=16, seed=seed)["losses"] for seed in (0, 0, 1))
    assert a == b
    assert a != c


def test_every_image_is_shifted_by_its_own_and_loses_nothing():
    rng = np.random.default_rng(0)
    x = np.zeros((500, 1, 28, 28), np.float32)
    x[:, 0, 5:20, 3:25] = 0.1 + rng.random((500, 15, 22))
    before = x.copy()
    y = cnn_digits.shifted(x, rng)
    assert y.shape == x.shape
    assert y.dtype == np.float32
    np.testing.assert_array_equal(x, before)
    shifts = []
    for image, original in zip(y[:, 0], x[:, 0]):
        row, column = np.flatnonzero(image.any(axis=1))[0], np.flatnonzero(image.any(axis=0))[0]
        np.testing.assert_array_equal(image[row : row + 15, column : column + 22], original[5:20, 3:25])
        assert np.count_nonzero(image) == 15 * 22
        shifts.append((row - 5, column - 3))
    counts = {shift: shifts.count(shift) for shift in shifts}
    assert counts.keys() == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}
    assert max(counts.values()) < 45  # 20 of each are expected


def test_predictions_are_of_the_evaluation_mode_and_leave_the_model_as_it_was():
    model = cnn_digits.network()
    x = np.random.default_rng(0).random((7, 1, 28, 28), np.float32)
    model(tg.tensor(x))  # running statistics that differ from those of x
    whole, parts = (cnn_digits.predict(model, x, size) for size in (7, 3))
    assert model.training
    assert not whole.requires_grad
    np.testing.assert_allclose(whole.numpy(), parts.numpy(), rtol=0, atol=1e-5)
    with tg.no_grad():
        np.testing.assert_array_equal(whole.numpy(), model.eval()(tg.tensor(x)).numpy())
        assert np.abs(model.train()(tg.tensor(x)).numpy() - whole.numpy()).max() > 1e-2
