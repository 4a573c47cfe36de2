"""`tg.lint`: each planted mistake is told with its line, and right loops are left alone."""

from __future__ import annotations

import inspect

import lint_examples
import planted_mistakes
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F
from tinygrad_lite.testing.lint.mistakes import ADVICE, LintWarning

ALSO = {  # what comes with it
    "parameters of another model": "parameters without optimizer", "inputs that are not finite": "not finite",
    "dead units": "gradient of zero",
}  # fmt: skip
LOOPS = [
    *planted_mistakes.MISTAKES.items(),
    ("activation in front of the loss", planted_mistakes.relu_behind_the_last_layer),
]


def test_every_kind_is_planted():
    assert set(planted_mistakes.MISTAKES) == set(ADVICE) - {"not finite"}  # which comes with another


@pytest.mark.each(("kind", "loop"), LOOPS, ids=lambda value: getattr(value, "__name__", ""))
def test_planted_mistakes_are_told_once_with_the_line(kind, loop):
    tg.manual_seed(0)
    report = loop()
    kinds = [m.kind for m in report]
    assert set(kinds) - {ALSO.get(kind)} == {kind}, report
    assert len(kinds) == len(set(kinds))
    (mistake,) = (m for m in report if m.kind == kind)
    lines, first = inspect.getsourcelines(loop)
    marked = [first + i for i, line in enumerate(lines) if line.rstrip().endswith("# here")]
    file, _, line = mistake.line.rpartition(":")
    assert file == planted_mistakes.__file__
    assert not marked or int(line) == marked[0]
    assert str(mistake) == f"{mistake.line}: {kind}: {mistake.text}; {ADVICE[kind]}"


def closures(model):
    lbfgs = optim.LBFGS(model.parameters())

    def closure():
        lbfgs.zero_grad()
        loss = F.cross_entropy(model(x), t)
        loss.backward()
        return loss

    x, t = planted_mistakes.points()
    with tg.lint(model, lbfgs) as report:
        for _ in range(3):
            lbfgs.step(closure)
    return report


def accumulated_on_purpose(model):
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with tg.lint(model, sgd) as report:
        for _ in range(3):
            for _ in range(2):
                x, t = planted_mistakes.points()
                (F.cross_entropy(model(x), t) / 2).backward()
            sgd.step()
            sgd.zero_grad()
    return report


def gradients_of_inputs_between(model):
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with tg.lint(model, sgd) as report:
        for _ in range(3):
            x, t = planted_mistakes.points()
            tg.autograd.grad(model(x.requires_grad_()).sum(), x)
            model.zero_grad()
            F.cross_entropy(model(x), t).backward()
            sgd.step()
    return report


def two_players(model):
    other = planted_mistakes.network(2, 1)
    first, second = optim.Adam(model.parameters()), optim.Adam(other.parameters())
    with tg.lint([model, other], [first, second]) as report:
        for _ in range(3):
            x, _ = planted_mistakes.points()
            for optimizer, sign in ((second, 1), (first, -1)):
                optimizer.zero_grad()
                (sign * other(model(x))).mean().backward()
                optimizer.step()
    return report


def plain(model):
    adam = optim.Adam(model.parameters())
    with tg.lint(model, adam) as report:
        planted_mistakes.train(model, adam, steps=8)
    return report


@pytest.mark.parametrize("loop", [plain, closures, accumulated_on_purpose, gradients_of_inputs_between, two_players])
def test_right_loops_are_left_alone(loop):
    tg.manual_seed(0)
    assert loop(planted_mistakes.network()), "no mistakes"


def test_a_study_of_right_and_wrong_layers_is_left_alone():
    assert lint_examples.run("gradient_check", steps=6) == (3, [])  # python tests/lint_examples.py runs all


def test_warnings_stand_at_the_line():
    model = planted_mistakes.network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    lines, first = inspect.getsourcelines(test_warnings_stand_at_the_line)
    wanted = next(first + i for i, line in enumerate(lines) if line.strip() == "sgd.step()")
    with pytest.warns(LintWarning, match=r"step\(\) came before the first") as caught, tg.lint(model, sgd):
        sgd.step()
    assert (caught[0].filename, caught[0].lineno) == (__file__, wanted)


def test_hooks_are_gone_afterwards_and_errors_come_through():
    model = nn.Linear(2, 2)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ZeroDivisionError), tg.lint(model, sgd):
        sgd.step(lambda: 1 / 0)
    model(tg.ones(1, 2)).sum().backward()
    sgd.step()
    assert not tg.autograd.is_anomaly_enabled()
    with pytest.raises(TypeError, match="lint: takes a model and its optimizer, got SGD"):
        tg.lint(sgd, model)
