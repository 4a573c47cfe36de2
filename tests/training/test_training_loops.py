"""Gradient accumulation, early stopping, the learning-rate finder, seeds and the progress line, on values."""

from __future__ import annotations

import io
import math
import random

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim, training
from tinygrad_lite.utils.data import DataLoader, TensorDataset

# --- accumulate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[10], [6, 3, 1], [0, 9, 0, 1]])
def test_parts_are_as_the_whole(sizes):
    x, model = tg.randn(10, 3, dtype=tg.float64), nn.Linear(3, 2, dtype=tg.float64)
    whole = model(x).square().mean()
    whole.backward()
    wanted = [p.grad.numpy().copy() for p in model.parameters()]
    with training.accumulate(model) as parts:
        for part in x.split(sizes):
            parts.backward(model(part).square().mean() if len(part) else tg.tensor(math.nan), rows=len(part))
    for p, grad in zip(model.parameters(), wanted):
        np.testing.assert_allclose(p.grad, grad, rtol=1e-13)
    assert parts.rows == 10
    assert parts.loss == pytest.approx(whole.item(), rel=1e-13)


def test_tokens_that_count():
    """Rows are what the loss is the mean of: targets that are ignored are none."""
    logits = tg.randn(4, 5, requires_grad=True, dtype=tg.float64)
    target = tg.tensor([1, -100, -100, 3])
    nn.functional.cross_entropy(logits, target).backward()
    wanted = logits.grad.numpy().copy()
    with training.accumulate(logits) as parts:
        for part in (slice(0, 3), slice(3, 4)):
            loss = nn.functional.cross_entropy(logits[part], target[part])
            parts.backward(loss, rows=int((target[part] != -100).sum()))
    np.testing.assert_allclose(logits.grad, wanted, rtol=1e-13)


def test_no_half_a_gradient():
    w = tg.ones(2, requires_grad=True)
    w.sum().backward()
    with pytest.raises(ZeroDivisionError), training.accumulate([w]) as parts:  # noqa: PT012
        parts.backward(w.mean(), rows=2)
        raise ZeroDivisionError
    assert w.grad is None
    with pytest.raises(ValueError, match="parts with rows, got none"), training.accumulate([w]):
        pass
    with training.accumulate([w]) as parts:
        with pytest.raises(ValueError, match=r"one number, a mean over rows, got shape \(2,\)"):
            parts.backward(w * 2, rows=2)
        with pytest.raises(ValueError, match="rows must be a finite number"):
            parts.backward(w.mean(), rows=-1)
        parts.backward(w.mean(), rows=3)
    assert w.grad.tolist() == [0.5, 0.5]
    with pytest.raises(TypeError, match="a Module or Tensors"):
        training.accumulate([1.0])


# --- early stopping ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "scores", "stops", "best"),
    [
        ({"patience": 2}, [3, 2, 2, 2.5, 0], 3, 2),
        ({"patience": 1, "mode": "max"}, [0.1, 0.2, 0.15], 2, 0.2),
        ({"patience": 2, "min_delta": 0.5}, [3, 2.6, 2.4, 2.3, 2.0], 4, 2.4),
        ({"patience": 2}, [math.nan, 1, math.nan, math.nan], 3, 1),
        ({"patience": 1}, [math.inf, 3, 2, -math.inf, -math.inf], 4, -math.inf),
    ],
)
def test_early_stopping(options, scores, stops, best):
    stopping = training.EarlyStopping(**options)
    for i, score in enumerate(scores):
        fresh = training.EarlyStopping(**options)  # as a resumed run has it
        fresh.load_state_dict(stopping.state_dict())
        stopping = fresh
        stop = stopping(tg.tensor(float(score), dtype=tg.float64))
        assert stop == (i == stops)
        assert stopping.improved == (stopping.bad == 0)
        if stop:
            break
    assert stopping.best == best


@pytest.mark.parametrize("options", [{"patience": 0}, {"mode": "low"}, {"min_delta": -1.0}, {"min_delta": math.nan}])
def test_early_stopping_options(options):
    with pytest.raises(ValueError, match="EarlyStopping: "):
        training.EarlyStopping(**options)


# --- learning rates ---------------------------------------------------------------------------------------------------


def test_find_lr(tmp_path):
    """On ``c/2 w^2`` each step multiplies w with ``1 - c lr``: the losses are known."""
    c, w = 2.0, tg.tensor([3.0], dtype=tg.float64, requires_grad=True)
    model = nn.ParameterList([nn.Parameter(w)])
    other = nn.Parameter(tg.zeros(1))
    sgd = optim.SGD([{"params": model.parameters(), "lr": 0.5}, {"params": [other], "lr": 0.25}])
    seen = []

    def loss(batch):
        seen.append([group["lr"] for group in sgd.param_groups])
        return (c / 2 * model[0] ** 2).sum()

    found = training.find_lr(model, sgd, loss, [0], start=1e-3, end=1e3, steps=61, smoothing=0.0)
    at = 3.0 * np.cumprod([1, *(1 - c * found.lrs[:-1])])
    np.testing.assert_allclose(found.losses, c / 2 * at**2, rtol=1e-9)
    np.testing.assert_allclose(found.losses, found.smooth)
    assert len(found.lrs) < 61, "it ends when the loss has grown"
    slope = np.diff(found.losses[: found.losses.argmin() + 1])
    near = found.lrs[slope.argmin()]
    assert near / 1.3 < found.suggestion < near * 1.3
    np.testing.assert_allclose([a / b for a, b in seen], 2.0)
    assert model[0].item() == 3.0
    assert [group["lr"] for group in sgd.param_groups] == [0.5, 0.25]
    assert model[0].grad is None
    pytest.importorskip("matplotlib").use("Agg")
    found.plot(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").read_bytes()[:4] == b"\x89PNG"


def test_find_lr_leaves_no_trace():
    x = tg.randn(20, 3)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 1))
    adam = optim.Adam(model.parameters())
    loader = DataLoader(TensorDataset(x), batch_size=8, shuffle=True)
    model(x).sum().backward()
    adam.step()
    before = str(model.state_dict()), str(adam.state_dict()), str(tg.get_rng_state()), str(loader.state_dict())
    found = training.find_lr(model, adam, lambda batch: model(batch[0]).square().mean(), loader, steps=10)
    assert np.isfinite(found.losses).all()
    assert (
        str(model.state_dict()),
        str(adam.state_dict()),
        str(tg.get_rng_state()),
        str(loader.state_dict()),
    ) == before
    with pytest.raises(ZeroDivisionError):
        training.find_lr(model, adam, lambda batch: 1 / 0, loader)
    assert (
        str(model.state_dict()),
        str(adam.state_dict()),
        str(tg.get_rng_state()),
        str(loader.state_dict()),
    ) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"start": 1.0, "end": 0.1}, "0 < start < end"),
        ({"steps": 1}, "steps must be an integer"),
        ({"smoothing": 1.0}, "smoothing must be in"),
        ({"batches": []}, "must be a batch"),
        ({"loss": lambda batch: tg.tensor(math.nan)}, "must be finite"),
    ],
)
def test_find_lr_options(options, says):
    model = nn.Linear(1, 1)
    given = {"loss": lambda batch: model(tg.ones(1)).sum(), "batches": [0], **options}
    with pytest.raises(ValueError, match=says):
        training.find_lr(model, optim.SGD(model.parameters(), lr=0.1), **given)


# --- seeds and progress -----------------------------------------------------------------------------------------------


def test_seed_everything():
    draws = []
    for seed in (5, 6, np.int64(5)):
        assert training.seed_everything(seed) == seed
        draws.append((tg.rand(()).item(), np.random.rand(), random.random()))  # noqa: NPY002
    assert draws[0] == draws[2]
    assert not set(draws[0]) & set(draws[1])
    tg.manual_seed(5)
    assert tg.rand(()).item() == draws[0][0]
    for bad in (-1, 2**32, 1.5, True):
        with pytest.raises(ValueError, match="seed must be an integer in"):
            training.seed_everything(bad)


@pytest.mark.parametrize("backend", ["tqdm", "rich"])
def test_progress(backend):
    pytest.importorskip(backend)
    file = io.StringIO()
    options = {"file": file, "ncols": 120, "mininterval": 0}
    if backend == "rich":
        from rich.console import Console

        options = {"console": Console(file=file, force_terminal=True, width=120)}
    line = training.progress(iter("abc"), "letters", total=3, backend=backend, **options)
    found = []
    for letter in line:
        found.append(letter)
        line.set(loss=tg.tensor(0.25), lr=1e-05, phase="last")
    assert found == ["a", "b", "c"]
    shown = file.getvalue()
    for text in ("letters", "100%", "/s", "loss 0.25, lr 1e-05, phase last", "0:00"):
        assert text in shown


def test_progress_says_what_is_missing(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(ImportError, match=r"needs tqdm or rich: pip install tqdm, or tinygrad_lite\[progress\]"):
        training.progress([1])
    with pytest.raises(ValueError, match="backend must be"):
        training.progress([1], backend="bar")
