"""The main job, the optimizers' paths and races, and the checks of dropout and gradients: what they show holds."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from math import comb
from pathlib import Path

import common
import compare_optimizers
import dropout_check
import gradient_check
import numpy as np
import optimizer_trajectories
import pytest
import train_digits

import tinygrad_lite as tg
from tinygrad_lite import optim

EXAMPLES = Path(train_digits.__file__).parent


@pytest.fixture
def no_figures(monkeypatch):
    """For runs whose figures nobody looks at."""
    for example in (train_digits, compare_optimizers):
        monkeypatch.setattr(example, "draw", lambda *_: None)
        monkeypatch.setattr(example, "save_figure", lambda *_: None)


def run(example, out: Path, **options) -> dict:
    """Run the example as its command line does, and look at the figure it leaves."""
    options["out"] = out
    results = common.command_line(example.main, [f"--{name}={value}" for name, value in options.items()])
    picture = common.extra("matplotlib.image").imread(out / f"{example.__name__}.png")
    assert min(picture.shape[:2]) > 140  # with a third of the dots
    ink = (picture[..., :3].min(axis=2) < 0.9).reshape(4, picture.shape[0] // 4, -1)
    assert all(part.any() for part in ink), "a quarter of the figure is empty"
    return results


# --- train_digits ----------------------------------------------------------------------------------------------------


def test_train_digits(digits, tmp_path, capsys):
    results = run(train_digits, tmp_path, steps=200)
    assert results["accuracy"] > 0.92  # in 1,000 digits that it has not seen, after 6 rounds of 4,000
    (_, _), (x, t) = train_digits.load_mnist()
    assert common.accuracy(results["model"], x, t) == pytest.approx(results["accuracy"])
    losses, held_out = results["losses"], results["held_out"]
    assert len(losses) == held_out["update"][-1] == 200
    assert np.mean(losses[:10]) > 1.5 > 0.5 > np.mean(losses[-10:])
    assert held_out["loss"][-1] < 0.3 < held_out["loss"][0]
    assert {p.dtype for p in results["model"].parameters()} == {np.dtype("f")}
    assert f"accuracy {results['accuracy']:.2%} on held-out digits" in capsys.readouterr().out


def test_train_digits_depends_on_the_seed_alone(digits, no_figures):
    a, b, c = (train_digits.main(steps=3, seed=seed)["losses"] for seed in (0, 0, 1))
    assert a == b
    assert a != c


def test_train_digits_with_either_backend(digits, no_figures):
    a, b = (train_digits.main(steps=5, backend=backend)["losses"] for backend in ("numpy", "numba"))
    np.testing.assert_allclose(a, b, rtol=1e-4)


def test_train_digits_is_a_program(digits, tmp_path):
    """As README's command starts it, from anywhere."""
    command = [sys.executable, "-W", "error", EXAMPLES / "train_digits.py", "--steps=30"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("accuracy"))
    assert float(line.split()[1].rstrip("%")) > 75
    assert (tmp_path / "out" / "train_digits.png").is_file()


def test_shifted_images_lose_nothing():
    rng = np.random.default_rng(0)
    x = np.zeros((2, 28, 28), np.float32)
    x[:, 5:20, 3:25] = rng.random((2, 15, 22))
    places = set()
    for _ in range(60):
        y = train_digits.shifted(x.reshape(2, 784), rng).reshape(x.shape)
        row, column = (int(np.flatnonzero(y.any(axis=axes))[0]) for axes in ((0, 2), (0, 1)))
        np.testing.assert_array_equal(y[:, row : row + 15, column : column + 22], x[:, 5:20, 3:25])
        assert y.dtype == np.float32
        places.add((row - 5, column - 3))
    assert places == {(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)}


# --- optimizer_trajectories ------------------------------------------------------------------------------------------

LAST_PLOTTED = {  # the texts plot the point before each of 30 updates
    "SGD": (-0.387174580942, -0.0942025739449),
    "Momentum 0.9": (0.814112149508, 0.27287785238),
    "AdaGrad": (-0.136185399907, 9.07097872615e-17),
    "Adam": (0.0201490647175, 0.321957221871),
    "Nesterov": (0.619266308391, 0.00737368479474),
    "RMSProp": (-6.06105665451, 1.13518346748),
}
SGD_HISTORY_X = [  # as one of the texts prints it, by numerical differentiation; the point after each update
    -6.334999999999862, -5.7331749999996955, -5.188523375004966, -4.695613654381086, -4.249530357215863,
    -3.845824973281558, -3.4804716008198726, -3.1498267987425326, -2.850593252860905, -2.57978689383847,
    -2.3347071389235245, -2.112909960725267, -1.9121835144561499, -1.7305260805829468, -1.5661261029274252,
    -1.4173441231492494, -1.2826964314499805, -1.1608402704622607, -1.0505604447684092, -0.9507572025154459,
    -0.8604352682765366, -0.7786939177903135, -0.704717995600218, -0.6377697860182076, -0.577181656346486,
    -0.522349398993575, -0.47272620608918164, -0.42781721651071153, -0.387174580942181, -0.350392995752689,
]  # fmt: skip
SGD_HISTORY_Y = [
    -1.8000000000038003, 1.6200000000017294, -1.4579999999981847, 1.3121999999970972, -1.1809799999963362,
    1.0628819999964882, -0.9565937999966319, 0.8609344199970708, -0.7748409779966288, 0.6973568801961187,
    -0.6276211921768267, 0.5648590729591934, -0.5083731656634356, 0.45753584909703593, -0.41178226418699293,
    0.3706040377681584, -0.3335436339912141, 0.30018927059211564,
]  # fmt: skip


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_optimizer_trajectories(backend, tmp_path):
    paths = run(optimizer_trajectories, tmp_path, backend=backend, later=60)["paths"]
    assert paths.keys() == LAST_PLOTTED.keys() | {"Adadelta", "Momentum 0.95"}
    for name, point in LAST_PLOTTED.items():
        assert paths[name].shape == (31, 2)
        np.testing.assert_allclose(paths[name][29], point, rtol=1e-9, atol=0, err_msg=name)
    np.testing.assert_allclose(paths["SGD"][1:, 0], SGD_HISTORY_X, rtol=0, atol=1e-9)
    np.testing.assert_allclose(paths["SGD"][1:, 1][: len(SGD_HISTORY_Y)], SGD_HISTORY_Y, rtol=0, atol=1e-9)


def test_more_momentum_swings_wider_and_longer():
    """The other of the two values that the texts set, by hand; each title names the learning rate."""
    x, v, path = -7.0, 0.0, []
    for _ in range(60):
        v = 0.95 * v - 0.1 * x / 10
        x += v
        path.append(x)
    kind, options = optimizer_trajectories.OPTIMIZERS["Momentum 0.95"]
    wide = optimizer_trajectories.descend(kind(**options), 60)
    np.testing.assert_allclose(wide[1:, 0], path, rtol=1e-12)
    kind, options = optimizer_trajectories.OPTIMIZERS["Momentum 0.9"]
    narrow = optimizer_trajectories.descend(kind(**options), 60)
    assert wide[:, 0].max() > 1.5 * narrow[:, 0].max() > 0
    assert np.abs(wide[30:, 1]).max() > 2 * np.abs(narrow[30:, 1]).max()
    titles = [optimizer_trajectories.title(name) for name in ("SGD", "Momentum 0.95", "Adadelta")]
    assert titles == ["SGD, lr 0.95", "Momentum 0.95, lr 0.1", "Adadelta, no learning rate"]


def test_adadelta_follows_its_formula():
    """By hand, in plain Python: no text prints its path."""
    params, expected, s, d = dict(optimizer_trajectories.START), [], {"x": 0.0, "y": 0.0}, {"x": 0.0, "y": 0.0}
    for _ in range(30):
        for key, g in (("x", params["x"] / 10), ("y", params["y"] * 2)):
            s[key] = 0.99 * s[key] + 0.01 * g * g
            step = (d[key] ** 0.5 + 1e-6) / (s[key] ** 0.5 + 1e-6) * g
            d[key] = 0.99 * d[key] + 0.01 * step * step
            params[key] -= step
        expected.append(tuple(params.values()))
    path = optimizer_trajectories.descend(optim.textbook.Adadelta(decay=0.99), 30)
    np.testing.assert_allclose(path[1:], expected, rtol=1e-12)
    assert 1e-4 < path[30, 0] - path[0, 0] < 1e-3


def test_the_gradient_field():
    x, y = np.meshgrid(np.linspace(-9, 9, 7), np.linspace(-4, 4, 5))
    slopes = optimizer_trajectories.gradient(x, y)
    np.testing.assert_allclose(slopes, (x / 10, 2 * y), rtol=1e-14)


# --- compare_optimizers ----------------------------------------------------------------------------------------------


def test_compare_optimizers(digits, tmp_path, capsys):
    results = run(compare_optimizers, tmp_path, steps=250)
    means, losses = results["means"], results["losses"]
    assert sorted(means, key=means.get) == ["AdaGrad", "Adam", "Momentum", "SGD"]  # the text's order
    assert means["SGD"] > 1.8 * means["Momentum"] > 1.8 * 1.2 * means["Adam"]
    assert len({loss[0] for loss in losses.values()}) == 1  # all begin alike
    assert {p.dtype for network in results["networks"].values() for p in network.parameters()} == {np.dtype("f")}
    assert min(results["accuracies"][name] for name in ("AdaGrad", "Adam")) > 0.9
    assert results["accuracies"]["SGD"] < results["accuracies"]["Adam"]
    printed = capsys.readouterr().out
    assert "each of 4,000 digits was seen 8.0 times; the texts' 60,000 were 0.5 times" in printed
    rows = [line.split() for line in printed.splitlines()]
    table = {row[0]: row[1:] for row in rows if row[0].isdigit()}
    assert table.keys() == {"0", "100", "200"}
    assert table["200"] == [f"{losses[name][200]:.6f}" for name in ("SGD", "Momentum", "AdaGrad", "Adam")]


def test_fewer_digits_make_lower_losses(digits, no_figures, monkeypatch):
    """Why the losses are lower than those that the texts print."""
    few, held_out = compare_optimizers.load_mnist()
    monkeypatch.setattr(compare_optimizers, "OPTIMIZERS", {"AdaGrad": compare_optimizers.OPTIMIZERS["AdaGrad"]})
    last = []
    for n in (256, 4000):
        monkeypatch.setattr(
            compare_optimizers, "load_mnist", lambda folder, n=n: (tuple(part[:n] for part in few), held_out)
        )
        last.append(compare_optimizers.main(steps=60)["losses"]["AdaGrad"][-10:].mean())
    assert last[0] < 0.5 * last[1]


def test_compare_optimizers_depends_on_the_seed_alone(digits, no_figures):
    a, b, c = (compare_optimizers.main(steps=3, seed=seed)["losses"] for seed in (0, 0, 1))
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
        assert (a[name] != c[name]).all()


# --- dropout_check ---------------------------------------------------------------------------------------------------

FACTORS = {"inverted": (2.5, 1.0), "vanilla": (1.0, 0.4), "PyTorch": (2.5, 1.0), "one mask": (2.5, 1.0)}
# in training, in evaluation; the last is wrong, which the factors do not reveal


def check_dropout(results: dict, steps: int) -> None:
    n, keep = dropout_check.X.size, 0.4
    chance = np.array([comb(n, k) * keep**k * (1 - keep) ** (n - k) for k in range(n + 1)])
    for name, r in results.items():
        dropped = r["first"][1]
        lines = [*dropped, *dropped.T]  # samples and features
        training, evaluation = FACTORS[name]
        np.testing.assert_allclose(r["factor"], [training], rtol=1e-6)
        np.testing.assert_allclose(r["evaluation"], [evaluation], rtol=1e-6)
        assert r["error"] < 1e-5  # y is x times what the gradient is
        if name == dropout_check.WRONG:
            assert [set(line) for line in dropped.T] == [{False}, {True}, {True}, {False}]  # two features for everybody
            assert set(np.flatnonzero(r["counts"])) <= {0, 5, 10, 15, 20}
            continue
        assert all(len(set(line)) == 2 for line in lines), f"{name}: the default seed's mask has a whole line"
        deviation = np.sqrt(chance * (1 - chance) / steps)
        assert (np.abs(r["counts"] - chance) < 5 * deviation + 2 / steps).all(), "the elements are not independent"
        assert r["kept"] == pytest.approx(keep, abs=5 * (keep * (1 - keep) / n / steps) ** 0.5)
        assert r["training"] == pytest.approx(evaluation, rel=0.1)  # the mean of both is the same


def test_dropout_check_without_pytorch(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest))
    results = run(dropout_check, tmp_path, steps=400)
    assert list(results) == ["inverted", "vanilla", "one mask"]
    check_dropout(results, 400)


def test_dropout_check_with_pytorch(tmp_path):
    pytest.importorskip("torch")
    results = run(dropout_check, tmp_path, steps=400)
    assert list(results) == ["inverted", "vanilla", "PyTorch", "one mask"]
    check_dropout(results, 400)
    for what in ("factor", "evaluation"):
        np.testing.assert_array_equal(results["inverted"][what], results["PyTorch"][what])


# --- gradient_check --------------------------------------------------------------------------------------------------


def test_gradient_check_reports(tmp_path, capsys):
    results = run(gradient_check, tmp_path, steps=2)
    reports, errors = results["reports"], results["errors"]
    printed = capsys.readouterr().out
    assert [name for name, text in reports.items() if text == "passed"] == ["Standardize", "Swish", "Network"]
    for name, words in {
        "HastyStandardize": ("input 0 at index", "numerical", "of 24 entries differ"),
        "HastySwish": ("HastySwish in train mode", "beta at index", "got 0 (analytical)"),
        "sum of a Standardize": ("vacuous", "zero everywhere"),
    }.items():
        assert all(word in reports[name] for word in words), reports[name]
        assert reports[name] in printed
    right, swish, standardize = (errors[name] for name in gradient_check.NETWORKS)
    assert list(right) == ["into.weight", "into.bias", "out.weight", "out.bias", "swish.beta"]
    assert max(right.values()) < 1e-6
    assert swish.pop("swish.beta") == 1  # no gradient at all
    assert max(swish.values()) < 1e-6
    assert min(standardize["into.weight"], standardize["into.bias"]) > 0.01
    assert max(standardize["out.weight"], standardize["out.bias"], standardize["swish.beta"]) < 1e-6
    (row,) = (line for line in printed.splitlines() if line.startswith("both layers right") and "e-" in line)
    assert [float(text) for text in row.split()[3:]] == pytest.approx(list(right.values()), rel=0.1)


def test_gradient_check_jacobians():
    x = gradient_check.points(6)
    measured, right, hasty = gradient_check.jacobians(x).values()
    np.testing.assert_allclose(right, measured, rtol=0, atol=1e-8)
    np.testing.assert_allclose(hasty, np.eye(6) / x.detach().numpy().std(), rtol=1e-12)
    np.testing.assert_allclose(right @ np.ones(6), 0, atol=1e-12)  # shifting the row changes nothing
    assert np.abs(hasty - measured).max() > 0.1


def test_gradient_check_broken_networks_learn_too():
    for layers in ({}, {"swish": gradient_check.HastySwish}, {"standardize": gradient_check.HastyStandardize}):
        losses = gradient_check.train(40, 0, "", **layers)
        assert losses[-1] < 0.7 * losses[0]


def test_gradient_check_is_a_test_file():
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}  # as a user has it
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLES / "gradient_check.py"]
    done = subprocess.run(command, env=environment, cwd=EXAMPLES.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_swish_is_what_it_says():
    x = tg.linspace(-3, 3, 12).reshape(4, 3)
    layer = gradient_check.Swish(3)
    np.testing.assert_allclose(layer(x).detach().numpy(), x.numpy() / (1 + np.exp(-x.numpy())), rtol=1e-6)
