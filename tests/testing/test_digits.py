"""`tg.digits`: digits that float32 leaves, and the line that loses them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def network():
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 3))


def test_what_is_stable_keeps_its_digits():
    model = network()
    report = tg.digits(model, tg.randn(8, 4), loss=lambda y: nn.functional.cross_entropy(y, tg.arange(8) % 3))
    assert 6 < report.loss <= 16
    assert list(report.gradients) == [name for name, _ in model.named_parameters()]
    assert all(5.5 < d < 9 for d in report.gradients.values())
    assert report.verdict.endswith("digits or more can be trusted: if training fails, it is not for rounding")
    assert (report.operation, report.line, report.finite) == ("", "", True)
    assert all(p.grad is None and p.dtype == tg.float32 for p in model.parameters())


def test_half_precision_has_fewer():
    report = tg.digits(network(), tg.randn(8, 4), dtype=tg.float16)
    assert report.dtype == "float16"
    assert 2 < min(report.gradients.values()) < 5


class Variance(nn.Linear):
    def forward(self, x):
        y = super().forward(x) + 1000
        return (y * y).mean(0) - y.mean(0) ** 2  # cancels


class LogOfSoftmax(nn.Linear):
    def forward(self, x):
        e = (40 * super().forward(x)).exp()  # overflows
        return (e / e.sum(1, keepdim=True)).log()


class Backwards(nn.Linear):
    def forward(self, x):
        return Cancelling.apply(super().forward(x))


class Cancelling(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return (g + 1e6) * 2 - 2e6


@pytest.mark.parametrize(
    ("kind", "operation", "back", "mark"),
    [
        (Variance, "sub", False, "# cancels"),
        (LogOfSoftmax, "exp", False, "# overflows"),
        (Backwards, "", True, "Cancelling.apply"),
    ],
)
def test_the_line_that_loses_the_digits_is_named(kind, operation, back, mark):
    tg.manual_seed(0)
    x = tg.randn(50, 3) * 2
    report = tg.digits(kind(3, 2), x)
    lines, first = inspect.getsourcelines(kind)
    wanted = next(first + i for i, line in enumerate(lines) if mark in line)
    assert report.line == f"{__file__}:{wanted}", report
    assert report.backward is back
    assert not operation or report.operation == operation
    assert "an unstable formula" in str(report)
    assert min([report.loss, *report.gradients.values()]) < 3


def test_numbers_that_are_too_large_in_any_precision_are_no_formula():
    model = network()
    with tg.no_grad():
        for p in model.parameters():
            p.mul_(float("inf"))
    report = tg.digits(model, tg.randn(8, 4))
    assert not report.finite
    assert "weights or a learning rate too large" in report.verdict


def test_parameters_without_gradient_have_no_digits():
    model = network()
    model.unused = nn.Linear(2, 2)
    report = tg.digits(nn.Sequential(model[0], model[1]), tg.randn(8, 4))
    assert report.gradients.keys() == {"0.weight", "0.bias"}

    class Detached(nn.Linear):
        def forward(self, x):
            return (x @ self.weight.detach().T).square() + self.bias

    report = tg.digits(Detached(4, 2), tg.randn(8, 4))
    assert report.gradients["weight"] is None
    assert "weight  none" in str(report)
    assert np.isfinite(report.loss)
