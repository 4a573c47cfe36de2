"""Thirty-four layers with one bug each, and what `check_module` must say of them. `benchmark_checks.py` runs the table.

Only the two lines that import differ from the same file for PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn


class Planted(nn.Module):
    """A linear layer, which subclasses break in one place."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(tg.tensor(np.arange(1.0, 10.0, dtype=np.float32).reshape(3, 3) / 7))


# --- gradients --------------------------------------------------------------------------------------------------------


class WrongFactor(Planted):
    """The backward pass of 3 w says 2."""

    class Triple(tg.autograd.Function):
        @staticmethod
        def forward(ctx, w):
            return w * 3

        @staticmethod
        def backward(ctx, g):
            return g * 2

    def forward(self, x):
        return x @ self.Triple.apply(self.weight)


class ForgottenDeviation(nn.Module):
    """The backward pass of a standardization takes mean and deviation for constants."""

    class Standardize(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            deviation = x.std(dim=-1, keepdim=True)
            ctx.save_for_backward(deviation)
            return (x - x.mean(dim=-1, keepdim=True)) / deviation

        @staticmethod
        def backward(ctx, g):
            (deviation,) = ctx.saved_tensors
            return g / deviation

    def forward(self, x):
        return self.Standardize.apply(x)


class DetachedBranch(Planted):
    """Half of the dependence on x has no gradient."""

    def forward(self, x):
        return x @ self.weight + x.detach() ** 2


class SlipOfATenThousandth(Planted):
    """A gradient wrong by 1e-4 of itself."""

    def forward(self, x):
        y = x @ self.weight
        return y + 1e-4 * (y.exp() - y.exp().detach())


class NanInTheBackward(Planted):
    """The square root of exactly 0 on a branch that is not taken."""

    def forward(self, x):
        y = x @ self.weight
        return tg.where(y > 1e3, (y * 0).sqrt(), y)


class RandomNumbersFromElsewhere(Planted):
    """Noise that no seed of the library reaches."""

    def forward(self, x):
        y = x @ self.weight
        return y + tg.tensor(np.random.standard_normal((1, 3))).to(y.dtype) if self.training else y  # noqa: NPY002


# --- parameters and state -----------------------------------------------------------------------------------------


class DetachedWeight(Planted):
    """The weight never learns."""

    def forward(self, x):
        return x @ self.weight.detach()


class ForgottenBias(Planted):
    """A bias that is never added."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(tg.zeros(3))

    def forward(self, x):
        return x @ self.weight


class LayersInAList(Planted):
    """Layers in a plain list are not registered."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(3, 3), nn.Linear(3, 3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.to(x.dtype)(x)
        return x @ self.weight


class TensorForParameter(Planted):
    """A tensor that requires grad is not a parameter."""

    def __init__(self):
        super().__init__()
        self.scale = tg.ones(3, requires_grad=True)

    def forward(self, x):
        return x @ self.weight * self.scale.to(x.dtype)


class StateOutsideTheStateDict(Planted):
    """A buffer that is not saved."""

    def __init__(self):
        super().__init__()
        self.register_buffer("shift", tg.ones(3), persistent=False)

    def forward(self, x):
        return x @ self.weight + self.shift


class SharedBuffer(Planted):
    """Running statistics that belong to the class, and so to all layers of this kind."""

    mean = np.zeros(3)

    def forward(self, x):
        if self.training:
            self.mean[:] = 0.9 * self.mean + 0.1 * x.detach().numpy().mean(0)
        return (x - tg.tensor(self.mean).to(x.dtype)) @ self.weight


class LambdaInside(Planted):
    """A function without a name cannot be pickled."""

    def __init__(self):
        super().__init__()
        self.activation = lambda x: x.tanh()

    def forward(self, x):
        return self.activation(x @ self.weight)


class StatisticsInEvaluation(Planted):
    """Running statistics that evaluation goes on changing."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", tg.zeros(3))

    def forward(self, x):
        y = (x - self.mean) @ self.weight
        self.mean.mul_(0.9).add_(0.1 * x.detach().mean(0))
        return y


class NormalizedInPlace(Planted):
    """The forward pass rescales its own weight."""

    def forward(self, x):
        with tg.no_grad():
            self.weight.div_(self.weight.norm())
        return x @ self.weight


# --- samples, time, masks -----------------------------------------------------------------------------------------


class SoftmaxOverTheBatch(Planted):
    """Dimension 0 for dimension 1."""

    def forward(self, x):
        return (x @ self.weight).softmax(0)


class BatchStatisticsInEvaluation(Planted):
    """Evaluation that centres by the batch at hand."""

    def forward(self, x):
        return (x - x.mean(0)) @ self.weight


class DetachedBatchStatistics(Planted):
    """The same behind a detach, where no gradient shows it."""

    def forward(self, x):
        return (x / (1 + x.detach().abs().max())) @ self.weight


class SqueezedBatch(Planted):
    """squeeze() without a dimension takes a batch of one away."""

    def forward(self, x):
        return (x @ self.weight).squeeze()


class LoopOverTheBatch(Planted):
    """A stack of no rows."""

    def forward(self, x):
        return tg.stack([row @ self.weight for row in x])


class Attention(nn.Module):
    """One head over (B, T, 3); `hide` makes the mask."""

    def __init__(self):
        super().__init__()
        self.query, self.value = nn.Linear(3, 3), nn.Linear(3, 3)

    def hide(self, scores, padding):
        return scores

    def forward(self, x, padding=None):
        scores = self.query(x) @ x.transpose(1, 2)  # (B, T, T)
        return self.hide(scores, padding).softmax(-1) @ self.value(x)


class MaskIgnored(Attention):
    """The padding is passed, and not used."""


class MaskInverted(Attention):
    """Padding is what is attended to."""

    def hide(self, scores, padding):
        return scores.masked_fill(~padding[:, None, :], -1e9)


class CausalMaskOffByOne(Attention):
    """Each position sees the next one."""

    def hide(self, scores, padding):
        size = scores.shape[-1]
        return scores.masked_fill(tg.ones(size, size).triu(2) > 0, float("-inf"))


class NormOverTime(Planted):
    """Scaled by the largest number of the whole sequence, future included."""

    def forward(self, x):
        return x @ self.weight / (1 + x.detach().abs().amax(1, keepdim=True))


# --- inputs and numbers -------------------------------------------------------------------------------------------


class InPlaceOnTheInput(Planted):
    """The caller's tensor is halved."""

    def forward(self, x):
        with tg.no_grad():
            x.mul_(0.5)
        return x @ self.weight


class OrderOfMemory(Planted):
    """Numbers taken as they lie in memory."""

    def forward(self, x):
        flat = tg.tensor(x.detach().numpy().ravel(order="K")).to(x.dtype)
        return x @ self.weight + flat.reshape(x.shape)


class DoubleInside(Planted):
    """A constant in float64 makes all that follows float64."""

    def forward(self, x):
        return x @ self.weight * tg.tensor(np.ones(3))


class ExponentialOfHundreds(Planted):
    """A softmax without subtracting the largest number first."""

    def forward(self, x):
        e = (1000 * x @ self.weight).exp()
        return e / e.sum(-1, keepdim=True)


class Cancellation(Planted):
    """A variance as the difference of two large numbers."""

    def forward(self, x):
        y = x @ self.weight + 3000
        return (y * y).mean(-1) - y.mean(-1) ** 2


# --- dropout ------------------------------------------------------------------------------------------------------


class UnscaledDropout(Planted):
    """Kept elements are not divided by the probability of being kept."""

    def forward(self, x):
        y = x @ self.weight
        return y * (tg.rand(*y.shape) < 0.5).to(y.dtype) if self.training else y


class OneMaskForAll(Planted):
    """All samples lose the same features."""

    def forward(self, x):
        y = x @ self.weight
        return y * (tg.rand(y.shape[1]) < 0.5).to(y.dtype) * 2 if self.training else y


class DropoutInEvaluation(Planted):
    """Dropout that is never switched off."""

    def forward(self, x):
        return nn.functional.dropout(x @ self.weight, 0.5, True)


# --- against a layer that is right --------------------------------------------------------------------------------


class TransposedWeight(nn.Linear):
    """nn.Linear keeps its weight the other way round."""

    def forward(self, x):
        return x @ self.weight + self.bias


class NormOverTheWrongAxis(nn.BatchNorm1d):
    """In training the mean of each sample, not of each feature."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        centred = x - x.mean(1, keepdim=True)
        return centred / (x.var(1, keepdim=True, correction=0) + self.eps).sqrt() * self.weight + self.bias


PADDING = np.array([[False, False, True], [False, True, True]])


def rows():
    return (tg.tensor(np.linspace(0.3, 1.9, 12, dtype=np.float32).reshape(4, 3)),)


def sequences():
    return (tg.tensor(np.sin(np.arange(18, dtype=np.float32)).reshape(2, 3, 3)),)


@dataclass
class Bug:
    """A class, how to call it, and what must be said of it."""

    build: Callable[[], Any]
    kind: str
    says: str
    inputs: Callable[[], tuple] = rows
    options: Callable[[], dict] = dict
    keywords: Callable[[], dict] = dict
    name: str = field(init=False)

    def __post_init__(self):
        self.name = (self.build if isinstance(self.build, type) else type(self.build())).__name__


def padding():
    return {"padding": tg.tensor(PADDING)}


ROW = "in evaluation, row 0 of the output depends on row 1 of input 0"

BUGS = [
    Bug(WrongFactor, "gradients", "in train mode, weight at index"),
    Bug(ForgottenDeviation, "gradients", "in train mode, input 0 at index"),
    Bug(DetachedBranch, "gradients", "in train mode, input 0 at index"),
    Bug(SlipOfATenThousandth, "gradients", "in train mode, input 0 at index"),
    Bug(NanInTheBackward, "gradients", "NaN only in the backward at"),
    Bug(RandomNumbersFromElsewhere, "gradients", "not deterministic: two calls gave different results"),
    Bug(DetachedWeight, "unused parameter", "no output depends on weight"),
    Bug(ForgottenBias, "unused parameter", "no output depends on bias"),
    Bug(LayersInAList, "not registered", "layers holds a module that parameters() and state_dict() do not see"),
    Bug(TensorForParameter, "not registered", "scale holds a tensor that requires grad that parameters()"),
    Bug(StateOutsideTheStateDict, "state dict", "a copy that has loaded the state dict gives other results"),
    Bug(SharedBuffer, "shared between copies", "training a copy of the module changes the module"),
    Bug(LambdaInside, "pickle", "LambdaInside.__init__.<locals>.<lambda>"),
    Bug(StatisticsInEvaluation, "buffer written in evaluation", "the forward pass in evaluation overwrites mean"),
    Bug(NormalizedInPlace, "parameter written to", "the forward pass overwrites weight"),
    Bug(SoftmaxOverTheBatch, "batch leakage", ROW),
    Bug(BatchStatisticsInEvaluation, "batch leakage", ROW),
    Bug(DetachedBatchStatistics, "batch leakage", "a sample alone gives another result than in its batch"),
    Bug(SqueezedBatch, "batch size", "a batch of 1 gives shape (3,)"),
    Bug(LoopOverTheBatch, "batch size", "a batch of 0 is refused"),
    Bug(MaskIgnored, "mask", "depends on input 0 at (0, 2), which is masked", sequences,
        lambda: {"mask": PADDING}, padding),
    Bug(MaskInverted, "mask", "depends on input 0 at (0, 2), which is masked", sequences,
        lambda: {"mask": PADDING}, padding),
    Bug(CausalMaskOffByOne, "causal order", "time 0 depends on input 0 at time 1, which is later", sequences,
        lambda: {"causal": 1}),
    Bug(NormOverTime, "causal order", "other inputs from time 1 on change the output before it", sequences,
        lambda: {"causal": 1}),
    Bug(InPlaceOnTheInput, "input written to", "overwrites input 0"),
    Bug(OrderOfMemory, "memory order", "inputs that are not contiguous give another result"),
    Bug(DoubleInside, "dtype", "float32 in, float64 out"),
    Bug(ExponentialOfHundreds, "not finite", "the output in evaluation holds infinities or NaN"),
    Bug(Cancellation, "precision", "results in float32 are"),
    Bug(UnscaledDropout, "training scale", "in training the output is in the mean 0."),
    Bug(OneMaskForAll, "shared randomness", "all samples of a batch get the same random numbers"),
    Bug(DropoutInEvaluation, "not deterministic in evaluation", "two calls in evaluation give different results"),
    Bug(lambda: TransposedWeight(3, 3), "twin", "in evaluation, result 0 is not the twin's",
        options=lambda: {"twin": nn.Linear(3, 3)}),
    Bug(lambda: NormOverTheWrongAxis(3), "twin", "in training, result 0 is not the twin's",
        options=lambda: {"twin": nn.BatchNorm1d(3)}),
]  # fmt: skip
