"""`optim.verify` over every optimizer, and over wrong ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from optimizers_table import OPTIMIZERS, Row

from tinygrad_lite import optim

ROWS = [pytest.param(row, id=row.name) for row in OPTIMIZERS]


def test_muon_passes():
    variant = {"nesterov": False, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"}
    assert optim.verify(optim.Muon, steps=2, show=False).passed
    assert optim.verify(optim.Muon, steps=2, dtypes=[np.float32], show=False, **variant).passed


@pytest.mark.each("row", ROWS)
def test_every_optimizer_passes(row: Row):
    for variant, dtypes in zip(row.variants, ((np.float32,), (np.float64,))):
        report = optim.verify(row.cls, steps=2, show=False, dtypes=dtypes, **variant)
        assert report.passed, f"{variant}\n{report}"
        assert len(report.rows) >= 2 * len(dtypes)  # two ways at least
        assert report.elements == 65_550
        assert min(report.compared.values()) > 0.25


class Heavy(optim.Optimizer):
    """Momentum, right."""

    lr: float = 0.1
    mu: float = 0.9

    state = ("b",)

    @optim.formula
    def update(p, g, b, lr, mu):
        b = mu * b + g
        return p - lr * b, b


def heavy(p, g, state, t, lr=0.1, mu=0.9):
    state["b"] = mu * state.get("b", 0.0) + g
    return p - lr * state["b"]


def nearly_heavy(p, g, state, t, lr=0.1, mu=0.9):
    return heavy(p, g, state, t, lr * (1 + 1e-6), mu)


def test_a_reference_is_compared(capsys):
    assert optim.verify(Heavy, heavy, steps=5).passed
    shown = capsys.readouterr().out
    assert shown.startswith("Heavy: 5 steps on 65550 elements, passed\n")
    assert "the reference" in shown
    report = optim.verify(Heavy, nearly_heavy, steps=5, show=False)
    assert not report.passed
    assert "FAILED: more than 16 ulps" in str(report)
    assert optim.verify(Heavy, heavy, steps=3, show=False, mu=0.5).passed


class Adam(optim.Optimizer):
    """Not PyTorch's: eps under the root."""

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)

    state = {"m": "exp_avg", "v": "exp_avg_sq"}  # noqa: RUF012

    @optim.formula
    def update(p, g, m, v, lr, beta1, beta2):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        return p - lr * m / np.sqrt(v + 1e-8), m, v


def test_a_namesake_of_pytorchs_is_compared_with_it_only_in_the_library():
    assert not any("PyTorch" in way for _, way, _ in optim.verify(Adam, steps=2, show=False).rows)


def test_differences_are_seen():
    """The formula that is compiled is another one than NumPy's: for NaN in place of a number there is no excuse."""
    plain = optim.verify(Heavy, steps=2, show=False)
    assert 0 < plain.worst < 2  # contraction is seen
    from tinygrad_lite.optim.verify import _difference

    values, unit = np.array([1.0, np.nan, 3.0]), np.full(3, 1e-16)
    assert _difference({"p": values}, {"p": values}, {"p": unit}, 3) == (0, 2, 3)
    assert _difference({"p": values}, {"p": values + 1e-15}, {"p": unit}, 3)[0] == pytest.approx(10, rel=0.3)
    assert _difference({"p": values}, {"p": np.array([1.0, 2.0, 3.0])}, {"p": unit}, 3)[0] == math.inf
    unsure = np.array([1, np.nan, 1])
    assert _difference({"p": values}, {"p": np.array([1.0, 2.0, 3.0])}, {"p": unsure}, 3) == (0, 2, 3)


class Ruined(optim.Optimizer):
    """What is infinite in one place makes all of it NaN, in every way there is."""

    lr: float = 0.1

    @optim.formula
    def update(p, g, lr):
        return p - lr * (g - g) / (p - p)


def test_a_report_that_compared_nothing_does_not_pass():
    report = optim.verify(Ruined, steps=2, show=False)
    assert report.worst == 0
    assert not report.passed
    assert str(report).startswith("Ruined: 2 steps on 65550 elements, FAILED: compared nothing")


def test_only_optimizers_are_verified():
    with pytest.raises(TypeError, match="verify: optimizer must be a class derived from Optimizer, got 3"):
        optim.verify(3)
    with pytest.raises(TypeError, match="verify: LBFGS has a step of its own, which no formula describes"):
        optim.verify(optim.LBFGS)
