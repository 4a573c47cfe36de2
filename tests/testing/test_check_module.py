"""`testing.check_module`: layers that keep the contract pass, and each planted bug is named."""

from __future__ import annotations

import dropout_check
import gradient_check
import layers_contract
import numpy as np
import planted_bugs
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.testing import ContractError, check_module

KEEPING = {
    "Linear": nn.Linear(3, 2),
    "MLP with dropout": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 2)),
    "LayerNorm": nn.LayerNorm(3),
    "BatchNorm1d": nn.BatchNorm1d(3),
}


@pytest.mark.parametrize("name", KEEPING)
def test_layers_of_the_library_keep_the_contract(name):
    module = KEEPING[name]
    before = {k: v.detach().numpy().copy() for k, v in module.state_dict().items()}
    state = tg.get_rng_state()
    report = check_module(module, tg.randn(5, 3))
    assert report
    assert str(report).startswith(f"{type(module).__name__} keeps the contract of a layer (nothing written to, ")
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(value.detach().numpy(), before[key])
    tg.set_rng_state(state)


@pytest.mark.each("bug", planted_bugs.BUGS, ids=lambda bug: bug.name)
def test_planted_bugs_are_named(bug):
    np.random.seed(0)  # noqa: NPY002
    with pytest.raises(ContractError, match=f"{bug.name} breaks the contract of a layer") as caught:
        check_module(bug.build(), *bug.inputs(), keywords=bug.keywords(), **bug.options())
    assert [b for b in caught.value.breaches if b.kind == bug.kind and bug.says in b.text], caught.value


def test_what_is_declared_is_no_breach():
    (x,) = planted_bugs.rows()
    assert check_module(planted_bugs.SoftmaxOverTheBatch(), x, batch_dim=None)
    report = check_module(planted_bugs.ForgottenBias(), x, report=True)
    assert [b.kind for b in report] == ["unused parameter"]
    assert not report
    assert check_module(planted_bugs.ForgottenBias(), x, allow_zero=["bias"])
    assert check_module(planted_bugs.OneMaskForAll(), x, allow=["shared randomness"])


class Right(planted_bugs.Attention):
    def hide(self, scores, padding):
        if padding is None:
            return scores.masked_fill(tg.ones(scores.shape[-1], scores.shape[-1]).triu(1) > 0, float("-inf"))
        return scores.masked_fill(padding[:, None, :], float("-inf"))


def test_masks_and_causal_orders_that_are_obeyed():
    (x,) = planted_bugs.sequences()
    assert check_module(Right(), x, mask=planted_bugs.PADDING, padding=tg.tensor(planted_bugs.PADDING))
    assert check_module(Right(), x, causal=1)
    refused = check_module(Right(), x, mask=np.zeros((2, 3), bool), report=True)
    assert "mask must hold True and False and be of the leading shape of an input" in str(refused)


def test_twins_of_either_library():
    (x,) = planted_bugs.rows()
    assert check_module(nn.BatchNorm1d(3), x, twin=nn.BatchNorm1d(3))
    other = check_module(nn.Linear(3, 2), x, twin=nn.Linear(3, 4), report=True)
    assert "the state dicts have not the same names and shapes" in str(other)
    torch = pytest.importorskip("torch")
    assert check_module(nn.BatchNorm1d(3), x, twin=torch.nn.BatchNorm1d(3))
    wrong = check_module(planted_bugs.TransposedWeight(3, 3), x, twin=torch.nn.Linear(3, 3), report=True)
    assert [b.text for b in wrong] == ["in evaluation, result 0 is not the twin's"]


def test_a_sample_of_all_layers_keeps_the_contract():
    for row in layers_contract.CALLED[::20]:  # python tests/tables/layers_contract.py checks all
        report = layers_contract.check(row)
        assert report, f"{row.layer}: {report}"


class Standardized(nn.Module):
    def forward(self, x):
        return gradient_check.HastyStandardize.apply(x)


BROKEN_IN_EXAMPLES = {
    "one mask for all samples": (lambda: dropout_check.SameForAll(0.5), "the same random numbers"),
    "beta without a gradient": (lambda: gradient_check.HastySwish(3), "no output depends on beta"),
    "mean and deviation as constants": (Standardized, "in train mode, input 0 at index"),
}


@pytest.mark.parametrize("name", BROKEN_IN_EXAMPLES)
def test_what_the_examples_break_is_named(name):
    build, says = BROKEN_IN_EXAMPLES[name]
    assert says in str(check_module(build(), *planted_bugs.rows(), report=True))


def test_what_is_recorded_must_be_what_is_called(monkeypatch):
    (x,) = planted_bugs.rows()
    assert "eager and recorded" in check_module(nn.Linear(3, 2), x).checked

    def forgets(module):  # a replay that gives the first call's results again
        found = []

        def call(*args):
            found.append(module(*args))
            return found[0]

        return call

    monkeypatch.setattr(tg.compiler, "compile", forgets)
    report = check_module(nn.Linear(3, 2), x, report=True)
    assert [b.text for b in report] == ["in evaluation, call 2 of tg.compile(module) differs from an eager call"]
