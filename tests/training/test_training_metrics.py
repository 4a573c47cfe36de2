"""Running metrics: equal to scikit-learn's in one pass, whatever the batches; by hand where that is not installed."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import training

RNG = np.random.default_rng(0)
N, C = 157, 4
SCORES = RNG.normal(size=(N, C)).astype(np.float32)
TARGET = RNG.choice(C, N, p=[0.5, 0.3, 0.19, 0.01])
COARSE = np.round(RNG.normal(size=N) * 2)  # many are equal
BINARY = RNG.integers(0, 2, N)


def running(metric, *arrays, size=50):
    """A metric of batches, the last of which is smaller; half are Tensors."""
    for begin in range(0, N, size):
        batch = [a[begin : begin + size] for a in arrays]
        metric.update(*(map(tg.tensor, batch) if begin % 2 == 0 else batch))
    return metric.compute()


TAKEN = SCORES.argmax(axis=1)
RATES = {"Precision": "precision_score", "Recall": "recall_score", "F1": "f1_score"}
ROWS = {
    "accuracy": (lambda m: m.accuracy_score(TARGET, TAKEN), training.Accuracy(), (SCORES, TARGET)),
    "labels": (lambda m: m.accuracy_score(TARGET, TAKEN), training.Accuracy(), (TAKEN, TARGET)),
    "top 2": (
        lambda m: m.top_k_accuracy_score(TARGET, SCORES, k=2, labels=range(C)),
        training.Accuracy(top_k=2), (SCORES, TARGET),
    ),
    "confusion": (
        lambda m: m.confusion_matrix(TARGET, TAKEN, labels=range(C)), training.ConfusionMatrix(C), (SCORES, TARGET),
    ),
    "AUC": (lambda m: m.roc_auc_score(BINARY, COARSE), training.AUC(), (COARSE, BINARY)),
    "AUC of several": (
        lambda m: m.roc_auc_score(TARGET, SHARES, multi_class="ovr"), training.AUC(), (SCORES * 0 + 1, TARGET),
    ),
    "perplexity": (
        lambda m: np.exp(m.log_loss(TARGET, SHARES, labels=range(C))), training.Perplexity(), (SCORES, TARGET),
    ),
    **{
        f"{name} {average}": (
            lambda m, theirs=theirs, average=average: getattr(m, theirs)(
                TARGET, TAKEN, labels=range(C), average=average, zero_division=0
            ),
            getattr(training, name)(C, average=average), (TAKEN, TARGET),
        )
        for name, theirs in RATES.items() for average in ("macro", "micro", "weighted", None)
    },
    **{
        f"{name} binary": (
            lambda m, theirs=theirs: getattr(m, theirs)(BINARY, BINARY[::-1]),
            getattr(training, name)(), (BINARY[::-1], BINARY),
        )
        for name, theirs in RATES.items()
    },
}  # fmt: skip
EXP = np.exp(SCORES.astype(np.float64))
SHARES = EXP / EXP.sum(axis=1, keepdims=True)
ROWS["AUC of several"] = (*ROWS["AUC of several"][:2], (SHARES, TARGET))


@pytest.mark.parametrize("name", ROWS)
def test_as_scikit_learn(name):
    metrics = pytest.importorskip("sklearn.metrics")
    theirs, ours, arrays = ROWS[name]
    ours.reset()
    np.testing.assert_allclose(running(ours, *arrays), theirs(metrics), rtol=1e-7 if name == "perplexity" else 1e-12)


def test_by_hand():
    confusion = [[3, 1, 0], [2, 2, 0], [0, 0, 0]]
    taken = np.repeat([0, 1, 2] * 3, np.ravel(confusion))
    true = np.repeat([0, 0, 0, 1, 1, 1, 2, 2, 2], np.ravel(confusion))
    found = {}
    for name in ("ConfusionMatrix", *RATES):
        metric = getattr(training, name)(3)
        metric.update(taken, true)
        found[name] = metric.compute()
    assert found["ConfusionMatrix"].tolist() == confusion
    assert found["Precision"] == pytest.approx((3 / 5 + 2 / 3) / 3)  # of class 2 there is none: 0
    assert found["Recall"] == pytest.approx((3 / 4 + 2 / 4) / 3)
    assert found["F1"] == pytest.approx((6 / 9 + 4 / 7) / 3)
    top = training.Accuracy(top_k=2)
    top.update(tg.tensor([[1.0, 1, 1], [1, 1, 1], [3, 2, 1]]), tg.tensor([1, 2, 2]))
    assert top.compute() == 1 / 3  # of equal scores the first come first: a constant model is not always right
    auc = training.AUC()
    auc.update([0.0, 0.0, 1.0], [0, 1, 1])
    assert auc.compute() == 0.75
    perplexity = training.Perplexity(ignore_index=-100)
    perplexity.update(tg.tensor([[[0.0, math.log(3)], [5, 5]], [[1, 1], [9, 9]]]), tg.tensor([[1, -100], [0, -100]]))
    assert perplexity.compute() == pytest.approx(1 / math.sqrt(3 / 4 * 1 / 2))
    big = training.Perplexity()
    big.update(tg.tensor([[1e4, 0.0]]), tg.tensor([0]))
    assert big.compute() == 1


def test_mean_of_unequal_batches():
    """The mean of all rows, not the mean of means."""
    mean = training.Mean()
    mean.update(tg.tensor(1.0), 3)
    mean.update(5.0, 1)
    assert mean.compute() == 2
    for _ in range(10**5):
        mean.update(np.float32(0.1))
    assert mean.compute() == pytest.approx((8 + 1e5 * float(np.float32(0.1))) / (4 + 1e5), rel=1e-12)


@pytest.mark.parametrize("name", ["accuracy", "confusion", "AUC", "perplexity", "F1 macro"])
def test_reset_and_state(name):
    _, metric, arrays = ROWS[name]
    metric.reset()
    nothing = metric.state_dict()
    whole = running(metric, *arrays)
    metric.reset()
    metric.update(*(a[:70] for a in arrays))
    state = metric.state_dict()
    metric.reset()
    metric.load_state_dict(state)
    metric.update(*(a[70:] for a in arrays))
    np.testing.assert_allclose(metric.compute(), whole, rtol=1e-14)
    metric.reset()
    assert str(metric.state_dict()) == str(nothing)
    with pytest.raises(ValueError, match="the state must have"):
        metric.load_state_dict({})


def test_of_nothing():
    for metric in (training.Accuracy(), training.Mean(), training.AUC(), training.Perplexity()):
        assert math.isnan(metric.compute())
    auc = training.AUC()
    auc.update([1.0, 2.0], [1, 1])
    assert math.isnan(auc.compute())
    assert training.F1().compute() == 0


@pytest.mark.parametrize(
    ("metric", "batch", "says"),
    [
        (training.Accuracy(), ([[0.1, np.nan]], [1]), "got nan among them"),
        (training.Accuracy(), ([[0.1, 0.2]], [2]), r"target must be in \[0, 1\], got 2"),
        (training.Accuracy(), ([[0.1, 0.2]], [1, 1]), r"got \(1, 2\) and \(2,\)"),
        (training.Accuracy(), ([0.3], [1]), "scores must be integers"),
        (training.Accuracy(), ([[0.1, 0.2]], [1.0]), "target must be integers"),
        (training.ConfusionMatrix(3), ([[0.1, 0.2]], [1]), "must be of 3 classes"),
        (training.ConfusionMatrix(3), ([3], [1]), r"scores must be in \[0, 2\]"),
        (training.AUC(), ([0.1], [2]), r"target must be in \[0, 1\]"),
        (training.AUC(), ([[0.1, 0.9]], [1]), "scores of class 1 only"),
        (training.Perplexity(), ([[0.1, 0.9]], [3]), "target must be in"),
        (training.Mean(), (1.0, -1.0), "weight must be finite"),
    ],
)
def test_batches_are_checked(metric, batch, says):
    with pytest.raises((ValueError, TypeError), match=says):
        metric.update(*batch)


@pytest.mark.parametrize(
    "call",
    [
        lambda: training.Accuracy(top_k=0),
        lambda: training.ConfusionMatrix(1),
        lambda: training.F1(3, average="binary"),
        lambda: training.F1(3, average="mean"),
    ],
)
def test_options_are_checked(call):
    with pytest.raises(ValueError, match="must be|is for"):
        call()
