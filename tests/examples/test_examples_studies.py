"""The examples that study learning rates, first weights, batch normalization, overfitting and random search."""

from __future__ import annotations

import batch_norm
import hyperparameters
import learning_rates
import numpy as np
import overfit
import pytest
import weight_init
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn


def pictures(folder) -> set[str]:
    """Names of the PNG files in a folder, which must all show something."""
    from matplotlib.image import imread

    files = list(folder.glob("*.png"))
    assert all(imread(file).std() > 0.05 for file in files)
    return {file.stem for file in files}


# --- learning rates ---------------------------------------------------------------------------------------------------


FALLING = [2.0 - 0.01 * k for k in range(60)]


@pytest.mark.parametrize(
    ("errors", "accuracies", "expected"),
    [
        (FALLING, [0.5] * 60, None),
        (FALLING, [0.5] * 40 + [0.92] * 20, learning_rates.REACHED),
        (FALLING, [0.5] * 40 + [0.91] + [0.92] * 19, None),
        (FALLING[:20], [0.92] * 20, None),
        (FALLING[:40] + [1.7] * 20, [0.5] * 60, learning_rates.STUCK),
        (FALLING[:40] + [1.7] * 19, [0.5] * 59, None),
        ([2.0 - 0.00004 * k for k in range(60)], [0.5] * 60, learning_rates.STUCK),
        (FALLING[:40] + [1.7] * 20, [0.92] * 60, learning_rates.REACHED),
    ],
)
def test_learning_rates_stop_by_rule(errors, accuracies, expected):
    assert learning_rates.verdict(errors, accuracies) == expected


def test_learning_rates(digits, tmp_path, capsys):
    result = learning_rates.main(steps=240, interval=40, out=tmp_path, seeds=2)
    runs, several = result["runs"], result["seeds"]
    assert list(several) == list(runs)
    assert all(len(each) == 2 and each[0]["steps"] <= 80 for each in several.values())
    assert all(each[0]["accuracy"] == runs[name]["accuracy"][:1] for name, each in several.items())  # the same seed
    table = capsys.readouterr().out.partition("how many classes are lost\n")[2].splitlines()
    assert table[0].split() == ["seed", "0", "1", "mean"]
    lost = [len(run["lost"]) for run in several["fixed 0.2"]]
    assert [int(cell) for cell in table[2].split()[3:6:2]] == [-n for n in lost]
    assert list(runs) == list(learning_rates.STUDY)
    assert pictures(tmp_path) >= {"learning_rates", "learning_rates_fixed_0.2", "learning_rates_adam_0.0001"}
    assert len(pictures(tmp_path)) == 2 + len(runs)
    assert {run["stopped"] for run in runs.values()} == {learning_rates.LIMIT}
    last = {name: run["accuracy"][-1] for name, run in runs.items()}
    assert last["fixed 0.0001"] < 0.4 < 0.5 < min(last["fixed 0.01"], last["Adam 0.0001"])
    assert last["fixed 0.01"] < last["Momentum 0.002"]
    assert all(run["error"][0] > run["error"][-1] for run in runs.values())


def test_learning_rates_run_until_stopped(digits, monkeypatch):
    mnist = load_mnist()
    monkeypatch.setattr(learning_rates, "SMALLEST_GAIN", 0.05)
    crawling = learning_rates.train("fixed 0.0001", mnist, 100, 1, 0, True)
    assert crawling["stopped"] == learning_rates.STUCK
    assert learning_rates.PATIENCE < crawling["steps"] < 100
    monkeypatch.setattr(learning_rates, "GOAL", 0.6)
    fast = [learning_rates.train("Momentum 0.002", mnist, 2000, 20, 0, True) for _ in range(2)]
    assert fast[0]["stopped"] == learning_rates.REACHED
    assert fast[0]["steps"] < 2000
    assert min(fast[0]["accuracy"][-learning_rates.PATIENCE :]) > 0.6
    assert fast[0]["error"] == fast[1]["error"]  # the same seed, the same numbers


def test_learning_rates_lose_classes_behind_a_relu(digits):
    with_relu, without = (learning_rates.train("fixed 0.2", load_mnist(), 600, 300, 2, relu) for relu in (True, False))
    assert with_relu["lost"]
    assert not without["lost"]
    assert with_relu["accuracy"][-1] < 0.85 < without["accuracy"][-1]


def test_learning_rates_need_one_validation(tmp_path):
    with pytest.raises(ValueError, match="learning_rates: steps must be at least one interval of 938, got 3"):
        learning_rates.main(steps=3, out=tmp_path)


# --- first weights ----------------------------------------------------------------------------------------------------


def test_weight_init(digits, tmp_path):
    result = weight_init.main(steps=120, out=tmp_path)
    assert pictures(tmp_path) == {"weight_init", "weight_init_activations"}
    spread = {key: np.array([a.std() for a in layers]) for key, layers in result["activations"].items()}
    assert all(a.shape == (1000, 100) for layers in result["activations"].values() for a in layers)
    assert (spread["tanh", "std 0.01"][1:] < 0.2 * spread["tanh", "std 0.01"][:-1]).all()  # dies out
    assert (spread["ReLU", "std 1"][1:] > 4 * spread["ReLU", "std 1"][:-1]).all()  # explodes
    saturated = np.array(result["activations"]["sigmoid", "std 1"])
    assert (np.minimum(saturated, 1 - saturated) < 0.05).mean() > 0.6
    assert spread["ReLU", "He"].max() < 1.25 * spread["ReLU", "He"].min()
    assert spread["ReLU", "Xavier"][-1] < 0.4 * spread["ReLU", "Xavier"][0]
    end = {scale: curve[-20:].mean() for scale, curve in result["losses"].items()}
    assert end["std 0.01"] == pytest.approx(np.log(10), abs=0.01)
    assert end["He"] < 1.6 < end["Xavier"] < 2.27


# --- batch normalization ----------------------------------------------------------------------------------------------


def test_batch_norm(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_norm, "SCALES", batch_norm.SCALES[::2])
    result = batch_norm.main(steps=60, out=tmp_path)
    assert pictures(tmp_path) == {"batch_norm"}
    learnt = {bn: sum(curve[-1] > 0.5 for curve in curves) for bn, curves in result["curves"].items()}
    assert learnt[True] >= 4 > 1 == learnt[False]
    assert all(len(curve) == 7 for curves in result["curves"].values() for curve in curves)
    assert result["zero"] == sorted(f"{3 * k}.bias" for k in range(5))
    others = [g for name, g in result["gradients"].items() if name not in result["zero"]]
    assert len(others) == 17
    assert min(others) > 1e-3


def test_batch_norm_gradient_check_allows_no_more_than_it_must(digits, monkeypatch):
    monkeypatch.setattr(batch_norm, "normalized_biases", lambda model: [])
    named = "0.bias, 3.bias, 6.bias, 9.bias, 12.bias is zero"
    with pytest.raises(tg.testing.GradcheckError, match=f"vacuous.* {named}"):
        batch_norm.check_gradients(load_mnist()[0], seed=0)


@pytest.mark.parametrize("wrong", [lambda x: x - x.detach(), lambda x: 0.05 * (x.mean() - x.mean().detach())])
def test_batch_norm_gradient_check_finds_a_wrong_gradient(digits, monkeypatch, wrong):
    right = nn.BatchNorm1d.forward
    monkeypatch.setattr(batch_norm, "SIZES", (784, 20, 20, 10))
    # the value stays the same, the gradient does not
    monkeypatch.setattr(nn.BatchNorm1d, "forward", lambda self, x: right(self, x) + wrong(x))
    with pytest.raises(tg.testing.GradcheckError, match="Sequential in train mode"):
        batch_norm.check_gradients(load_mnist()[0], seed=0)


# --- overfitting ------------------------------------------------------------------------------------------------------


def test_overfit(digits, tmp_path):
    curves = overfit.main(steps=200, out=tmp_path)
    assert pictures(tmp_path) == {"overfit"}
    train, test = ({kind: c[part][-1] for kind, c in curves.items()} for part in ("train", "test"))
    assert train["nothing"] > 0.9
    assert train["weight decay 0.02"] > train["weight decay 0.1"] + 0.05  # too little to keep it from learning
    assert train["nothing"] - test["nothing"] > 0.12  # learnt by heart
    assert train["nothing"] - 0.1 > train["weight decay 0.1"] > train["vanilla dropout 0.2"]
    assert train["nothing"] - 0.1 > train["inverted dropout 0.2"] > train["vanilla dropout 0.2"] + 0.1


# --- random search ----------------------------------------------------------------------------------------------------


def test_log_uniform():
    rng = np.random.default_rng(0)
    drawn = np.log10([hyperparameters.log_uniform(rng, 1e-6, 1e-2) for _ in range(4000)])
    counts, _ = np.histogram(drawn, np.linspace(-6, -2, 5))
    assert counts.sum() == 4000
    np.testing.assert_allclose(counts, 1000, atol=100)


def test_edges_of_a_range():
    limits = hyperparameters.LEARNING_RATES
    assert hyperparameters.edge([9e-3, 5e-3, 2e-3], *limits) == "upper"
    assert hyperparameters.edge([2e-6], *limits) == "lower"
    assert hyperparameters.edge([1e-4, 9e-3, 2e-6], *limits) == "neither"


def test_hyperparameters(digits, tmp_path, capsys):
    result = hyperparameters.main(steps=60, trials=8, seed=4, out=tmp_path)
    assert pictures(tmp_path) == {"hyperparameters", "hyperparameters_search"}
    trials = result["trials"]
    assert len(trials) == 8
    last = [trial["validation"][-1] for trial in trials]
    assert last == sorted(last, reverse=True)
    assert all(1e-6 < trial["lr"] < 1e-2 and 1e-8 < trial["weight_decay"] < 1e-4 for trial in trials)
    assert trials[0]["lr"] > 0.005  # the three largest drawn are 0.0086, 0.0080 and 0.0059
    assert last[0] > last[-1] + 0.2
    assert result["correlation"]["lr"] > 0.4
    assert result["edges"]["lr"] == "upper"
    assert "learning rate: the best 1 lie at the upper edge of the range: search beyond it" in capsys.readouterr().out


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_the_same_seed_gives_the_same_numbers(digits, backend):
    x, t = (part[:400] for part in load_mnist()[0])

    def run(seed):
        with kernels.use(backend):
            return hyperparameters.train(0.05, 1e-4, (x, t), (x[:100], t[:100]), 40, seed)["validation"]

    first = run(0)
    np.testing.assert_array_equal(run(0), first)
    assert (run(1) != first).any()
