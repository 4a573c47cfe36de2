"""`testing.check_module`: layers that keep the contract pass, and each planted bug is named."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.testing import ContractError, check_module

KEEPING = {
    "Linear": nn.Linear(3, 2),
    "MLP with dropout": nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 2)),
    "LayerNorm": nn.LayerNorm(3),
    "BatchNorm1d in evaluation": nn.BatchNorm1d(3),
}


@pytest.mark.parametrize("name", KEEPING)
def test_layers_of_the_library_keep_the_contract(name):
    module = KEEPING[name]
    before = {k: v.detach().numpy().copy() for k, v in module.state_dict().items()}
    assert check_module(module, tg.randn(5, 3)) == ()
    for key, value in module.state_dict().items():
        np.testing.assert_array_equal(value.detach().numpy(), before[key])


class Planted(nn.Module):
    """A linear layer that a subclass breaks in one place."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(tg.tensor(np.arange(1.0, 10.0).reshape(3, 3) / 7))


class SoftmaxOverTheBatch(Planted):
    kind, says = "batch leakage", "row 0 of the output depends on row 1 of input 0"

    def forward(self, x):
        return (x @ self.weight).softmax(0)


class NormOverTheBatchInEvaluation(Planted):
    kind, says = "batch leakage", "row 0 of the output depends on row 1 of input 0"

    def forward(self, x):
        return (x - x.mean(0)) @ self.weight


class BatchStatisticsDetached(Planted):
    kind, says = "batch leakage", "a sample alone gives another result than in its batch"

    def forward(self, x):
        return (x / (1 + x.detach().abs().max())) @ self.weight


class DetachedBranch(Planted):
    kind, says = "gradients", "in train mode, input 0 at index"

    def forward(self, x):
        return x @ self.weight + x.detach() ** 2


class DetachedWeight(Planted):
    kind, says = "unused parameter", "no output depends on weight"

    def forward(self, x):
        return x @ self.weight.detach()


class ForgottenParameter(Planted):
    kind, says = "unused parameter", "no output depends on bias"

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(tg.zeros(3))

    def forward(self, x):
        return x @ self.weight


class WritesToItsInput(Planted):
    kind, says = "input written to", "overwrites input 0"

    def forward(self, x):
        with tg.no_grad():
            x.mul_(0.5)
        return x @ self.weight


class DropoutInEvaluation(Planted):
    kind, says = "not deterministic in evaluation", "two calls"

    def forward(self, x):
        return tg.dropout(x @ self.weight, 0.5, True)


class StateOutsideTheStateDict(Planted):
    kind, says = "state dict", "gives other results"

    def __init__(self):
        super().__init__()
        self.register_buffer("shift", tg.ones(3), persistent=False)

    def forward(self, x):
        return x @ self.weight + self.shift


class SqueezesTheBatch(Planted):
    kind, says = "batch size", "a batch of 1 gives shape (3,)"

    def forward(self, x):
        return (x @ self.weight).squeeze()


class RefusesTheEmptyBatch(Planted):
    kind, says = "batch size", "a batch of 0 is refused"

    def forward(self, x):
        return tg.stack([row @ self.weight for row in x])


class WrongScale(Planted):
    kind, says = "gradients", "weight at index"

    class Scale(tg.autograd.Function):
        @staticmethod
        def forward(ctx, w):
            return w * 3

        @staticmethod
        def backward(ctx, g):
            return g * 2

    def forward(self, x):
        return x @ self.Scale.apply(self.weight)


class KinkedNan(Planted):
    kind, says = "not finite", "infinities or NaN"

    def forward(self, x):
        return (x * 0 - 1).log() @ self.weight


BROKEN = [value for value in list(globals().values()) if isinstance(value, type) and issubclass(value, Planted)][1:]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_planted_bugs_are_named(broken):
    with pytest.raises(ContractError, match=f"{broken.__name__} breaks the contract of a layer") as caught:
        check_module(broken(), tg.tensor(np.linspace(0.3, 1.9, 12).reshape(4, 3)))
    assert [b for b in caught.value.breaches if b.kind == broken.kind and broken.says in b.text], caught.value


def test_what_is_declared_is_no_breach():
    x = tg.tensor(np.linspace(0.3, 1.9, 12).reshape(4, 3))
    assert check_module(SoftmaxOverTheBatch(), x, batch_dim=None) == ()
    assert [b.kind for b in check_module(ForgottenParameter(), x, report=True)] == ["unused parameter"]
    assert check_module(ForgottenParameter(), x, allow_zero=["bias"]) == ()
