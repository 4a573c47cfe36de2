"""examples/common.py: what every example relies on."""

from __future__ import annotations

import common
import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_command_line_has_the_parameters_of_main():
    def main(steps=10, seed=0, out="out", backend=None, lr=0.1, quick=False, rates=(0.1, 0.2)) -> dict:
        return dict(locals())

    defaults = common.command_line(main, [])
    assert defaults == main()
    options = ["--steps=3", "--seed=1", "--out=x", "--backend=numpy", "--lr=1", "--quick"]
    given = common.command_line(main, options)
    assert given == main(3, 1, "x", "numpy", 1.0, True)
    assert isinstance(given["lr"], float)
    for wrong in (["--backend", "cuda"], ["--steps", "many"], ["--rates", "1"]):
        with pytest.raises(SystemExit):
            common.command_line(main, wrong)


@pytest.mark.parametrize(("n", "size", "steps"), [(10, 4, 5), (7, 7, 3), (3, 8, 4), (5, 1, 12)])
def test_batches_come_round(n, size, steps):
    taken = list(common.batches(n, size, steps, np.random.default_rng(0)))
    assert [len(batch) for batch in taken] == [size] * steps
    rounds = np.concatenate(taken)
    for start in range(0, len(rounds) - n + 1, n):
        assert sorted(rounds[start : start + n]) == list(range(n))


def test_batches_are_reproducible_and_shuffled():
    a, b, c = (next(common.batches(1000, 1000, 1, np.random.default_rng(seed))) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert (a != c).mean() > 0.9
    assert (a != np.arange(1000)).mean() > 0.9


@pytest.mark.parametrize("length", [1, 3, 11])
def test_smooth_curve(length):
    line = np.arange(40.0)
    smooth = common.smooth_curve(line, length)
    assert smooth.shape == line.shape
    half = length // 2
    np.testing.assert_allclose(smooth[half : 40 - half], line[half : 40 - half], atol=1e-12)
    np.testing.assert_allclose(common.smooth_curve(np.full(40, 2.5), length), 2.5, rtol=1e-14)
    noise = np.random.default_rng(0).standard_normal(4000)
    assert common.smooth_curve(noise, length).var() == pytest.approx(
        (np.kaiser(length, 2.0) ** 2).sum() / np.kaiser(length, 2.0).sum() ** 2, rel=0.1
    )
    assert len(common.smooth_curve([3.0], length)) == 1


@pytest.mark.parametrize(("std", "expected"), [("he", (2 / 400) ** 0.5), ("xavier", 1 / 20), (0.01, 0.01)])
def test_init_weights(std, expected):
    common.setup(0)
    model = common.mlp(400, 300, 10, std=std)
    weight = model[0].weight.detach().numpy()
    assert weight.std() == pytest.approx(expected, rel=0.01)
    assert abs(weight.mean()) < 0.01 * expected * 3
    assert not model[0].bias.detach().numpy().any()
    assert model[0].weight.requires_grad


def test_mlp():
    model = common.mlp(4, 8, 6, 2, activation=nn.Tanh, batch_norm=True, dropout=lambda: nn.Dropout(0.25))
    kinds = [nn.Linear, nn.BatchNorm1d, nn.Tanh, nn.Dropout]
    assert [type(layer) for layer in model] == [*kinds, *kinds, nn.Linear]
    shapes = [layer.weight.shape for layer in model if isinstance(layer, nn.Linear)]
    assert shapes == [(8, 4), (6, 8), (2, 6)]


def test_accuracy():
    class Sign(nn.Module):
        def forward(self, x):
            assert not self.training
            assert not tg.is_grad_enabled()
            return tg.cat([-x, x], dim=1)

    x = np.linspace(-1, 1, 10, dtype=np.float32).reshape(10, 1)
    t = (x[:, 0] > 0).astype(np.int64)
    t[:3] = 1
    model = Sign()
    assert common.accuracy(model, x, t, size=3) == 0.7
    assert model.training


def test_save_figure(tmp_path, capsys):
    plt = common.pyplot()
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([1, 2])
    path = common.save_figure(figure, tmp_path / "new" / "folder", "name")
    assert path == tmp_path / "new" / "folder" / "name.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == f"wrote {path}\n"
    assert not plt.get_fignums()
