"""examples/sequence.py: its task is the one it states, and recurrent networks learn it."""

from __future__ import annotations

import numpy as np
import pytest
import sequence

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_the_task_is_what_it_says():
    x, t = sequence.adding(20_000, 11, np.random.default_rng(0))
    assert x.shape == (20_000, 11, 2)
    assert x.dtype == t.dtype == np.float32
    values, marks = x[:, :, 0], x[:, :, 1]
    assert 0 <= values.min() < 1e-3 < 0.999 < values.max() < 1
    assert set(np.unique(marks)) == {0, 1}
    np.testing.assert_array_equal(marks[:, :5].sum(axis=1), 1)
    np.testing.assert_array_equal(marks[:, 5:].sum(axis=1), 1)
    np.testing.assert_allclose(marks.mean(axis=0), [1 / 5] * 5 + [1 / 6] * 6, atol=0.015)  # no step is preferred
    first, second = values[:, :5][marks[:, :5] > 0], values[:, 5:][marks[:, 5:] > 0]
    np.testing.assert_allclose(t, first + second, rtol=1e-6)
    assert np.mean((t - 1) ** 2) == pytest.approx(sequence.BASELINE, rel=0.03)
    assert np.var(t) == pytest.approx(sequence.BASELINE, rel=0.03)


def test_the_answer_is_read_after_the_last_step():
    for network in sequence.NETWORKS.values():
        model, x = network(6, 9), tg.randn(4, 9, 2)
        whole, last = model(x), tg.cat([x[:, :-1], tg.randn(4, 1, 2)], dim=1)
        assert whole.shape == (4,)
        assert (np.abs((whole - model(last)).detach().numpy()) > 1e-4).all()
        swapped = model(x.flip(0)).detach().numpy()[::-1]  # no sequence sees another
        np.testing.assert_allclose(whole.detach().numpy(), swapped, rtol=1e-5, atol=1e-6)


def test_slow_cells_keep_what_they_hold():
    """Whatever the cells start with is there after as many steps as their biases say, with zeros read on the way."""
    model = sequence.slow(sequence.Adder(nn.LSTM, 64), 100)
    hidden = 64
    total = (model.rnn.bias_ih_l0 + model.rnn.bias_hh_l0).detach().numpy()
    takes, forgets = total[:hidden], total[hidden : 2 * hidden]
    np.testing.assert_allclose(takes, -forgets, rtol=1e-6)
    lasting = 1 + np.exp(forgets)
    assert lasting.min() < 20 < 80 < lasting.max() <= 100
    with tg.no_grad():
        for weight in (model.rnn.weight_ih_l0, model.rnn.weight_hh_l0):
            weight.zero_()
        model.rnn.bias_ih_l0[2 * hidden : 3 * hidden] = 0
        model.rnn.bias_hh_l0[2 * hidden : 3 * hidden] = 0
        start = tg.zeros(1, 1, hidden), tg.ones(1, 1, hidden)
        _, (_, c) = model.rnn(tg.zeros(1, 10, 2), start)
    np.testing.assert_allclose(c[0, 0].numpy(), (1 - 1 / lasting) ** 10, rtol=1e-4)


def test_reach_is_the_mean_norm_of_the_derivative():
    model, x = sequence.Adder(nn.GRU, 5).double(), np.random.default_rng(0).random((2, 4, 2))
    h, slopes = 1e-6, np.empty(x.shape)
    with tg.no_grad():
        for n, t, k in np.ndindex(x.shape):
            plus, minus = x.copy(), x.copy()
            plus[n, t, k] += h
            minus[n, t, k] -= h
            slopes[n, t, k] = (model(tg.tensor(plus)) - model(tg.tensor(minus)))[n].item() / (2 * h)
    expected = np.sqrt((slopes**2).sum(axis=2)).mean(axis=0)
    np.testing.assert_allclose(sequence.reach(model, x), expected, rtol=1e-6)


def test_the_cells_shown_are_those_of_the_whole_run():
    model, (x, _) = sequence.Adder(nn.LSTM, 6), sequence.adding(30, 8, np.random.default_rng(0))
    cells, answers = sequence.memory(model, x[0])
    with tg.no_grad():
        _, (_, c) = model.rnn(tg.tensor(x[:1]))
        np.testing.assert_allclose(answers[-1], model(tg.tensor(x[:1])).numpy()[0], rtol=1e-5)
    np.testing.assert_allclose(cells[-1], c[0, 0].numpy(), rtol=1e-5)
    assert cells.shape == (8, 6)
    halfway = np.array([sequence.memory(model, one)[0][3] for one in x])
    first = (x[:, :4, 0] * x[:, :4, 1]).sum(axis=1)
    expected = [np.corrcoef(cell, first)[0, 1] for cell in halfway.T]
    np.testing.assert_allclose(sequence.remembered(model, x), expected, rtol=1e-4, atol=1e-5)


def test_sequence(tmp_path, capsys):
    """Short sequences and few updates: those with gates learn already."""
    results = sequence.main(steps=450, length=16, hidden=16, out=str(tmp_path))
    assert list(results) == ["RNN", "GRU", "LSTM", "LSTM, slow"]
    for name, r in results.items():
        assert r["curve"][-1, 0] == 450
        assert r["curve"][0, 1] > sequence.BASELINE / 2, name
        assert 0 <= r["clipped"] < 1
        assert r["before"].shape == r["after"].shape == (16,)
    gated = [results[name] for name in ("GRU", "LSTM", "LSTM, slow")]
    assert all(r["error"] < sequence.BASELINE / 10 for r in gated)  # held out
    assert all(0 < r["learnt"] <= 450 for r in gated)
    assert all(r["after"][:8].mean() > 5 * r["before"][:8].mean() for r in gated)  # now the first half counts
    assert results["LSTM, slow"]["before"][0] > 5 * results["LSTM"]["before"][0]
    assert np.abs(results["LSTM"]["remembered"]).max() > 0.9
    printed = capsys.readouterr().out
    assert f"{results['LSTM']['error']:.5f}; always saying 1: 1/6 = 0.16667" in printed
    from matplotlib.image import imread

    picture = imread(tmp_path / "sequence.png")[..., :3]
    assert all((part.min(axis=2) < 0.9).any() for part in np.array_split(picture, 4))


def test_sequence_depends_on_the_seed_alone(monkeypatch):
    monkeypatch.setattr(sequence, "save_figure", lambda *_: None)
    monkeypatch.setattr(sequence, "draw", lambda *_: None)
    runs = [sequence.main(steps=3, length=6, hidden=4, seed=seed) for seed in (0, 0, 1)]
    for name in sequence.NETWORKS:
        a, b, c = (run[name]["curve"] for run in runs)
        np.testing.assert_array_equal(a, b)
        assert (a[:, 1] != c[:, 1]).all()
