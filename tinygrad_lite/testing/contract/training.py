"""What training needs: `forgets_parameters`, `errs` (gradients), `scales_noise`, `shares_noise`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...autograd import grad
from ...rules import wrap
from ..checks import gradcheck_module
from .breach import Breach
from .trial import Array, Call, Trial, floating

_DRAWS = 256  # passes in training for the mean of a random layer


def forgets_parameters(trial: Trial) -> Iterator[Breach]:
    """Parameters that no output depends on in either mode."""
    reached: set[str] = set()
    for training in (True, False):
        call = trial.copied(training)
        named = {n: p for n, p in call.module.named_parameters() if p.requires_grad}
        outputs = [t for t in floating(call.pure()()) if t.requires_grad]
        if outputs and named:
            ones = [wrap(np.ones(o.shape, o.dtype)) for o in outputs]
            found = grad(outputs, list(named.values()), ones, allow_unused=True)
            reached |= {n for n, g in zip(named, found) if g is not None}
    trial.unused = {n for n, p in trial.module.named_parameters() if p.requires_grad} - reached
    for name in sorted(trial.unused):
        if not trial.spared(name):
            yield Breach("unused parameter", f"no output depends on {name}")


def errs(trial: Trial) -> Iterator[Breach]:
    """Gradients that are wrong, in training or in evaluation."""
    report = gradcheck_module(
        trial.module, *trial.args, keywords=trial.keywords, allow_zero=trial.allow_zero, report=True, seed=trial.seed
    )
    for finding in report:
        if not finding.passed and finding.name not in trial.unused:
            yield Breach("gradients", f"in {finding.mode} mode, {finding}")


def _draws(call: Call, count: int) -> list[Array]:
    """Results of several passes in training, each as one vector."""
    found = [call.plain() for _ in range(count)]
    return [np.concatenate([t._data.real.astype(np.float64).reshape(-1) for t in floating(f)]) for f in found]


def scales_noise(trial: Trial) -> Iterator[Breach]:
    """A random layer's mean in training is its result in evaluation, where they are in proportion at all."""
    one, two = _draws(trial.copied(True), 2)
    if np.array_equal(one, two, equal_nan=True) or not (np.isfinite(one).all() and np.isfinite(two).all()):
        return
    samples = np.stack(_draws(trial.copied(True), _DRAWS))
    (expected,) = _draws(trial.copied(), 1)
    mean, blur = samples.mean(0), samples.std(0) / _DRAWS**0.5
    moved = blur > 1e-9 * np.abs(expected).max(initial=0.0)
    if not np.abs(expected[moved]).max(initial=0.0):
        return
    y, m, s = expected[moved], mean[moved], blur[moved]
    factors = samples[:, moved] @ (y / s**2) / (y * y / s**2).sum()  # one a pass: elements may share random numbers
    factor, width = factors.mean(), factors.std() / _DRAWS**0.5
    in_proportion = np.abs((m - factor * y) / s).max() < 5
    if in_proportion and abs(factor - 1) > max(6 * width, 0.05):
        text = f"in training the output is in the mean {factor:.3g} times that in evaluation"
        yield Breach("training scale", text)


def shares_noise(trial: Trial) -> Iterator[Breach]:
    """Each sample of a batch has random numbers of its own."""
    assert trial.batch_dim is not None
    dim, call = trial.batch_dim, trial.copied(True)
    for t in floating([call.args, call.keywords]):
        if t.ndim > dim and t.shape[dim]:
            t._data[...] = np.take(t._data, [0], axis=dim)  # the same sample over and over
    passes = [[t._data for t in floating(call.plain()) if t.ndim > dim and t.shape[dim] > 1] for _ in range(8)]
    for outs in zip(*passes):
        alike = all(np.array_equal(out, np.broadcast_to(np.take(out, [0], axis=dim), out.shape)) for out in outs)
        if alike and not all(np.array_equal(out, outs[0]) for out in outs) and np.isfinite(outs).all():
            yield Breach("shared randomness", "in training all samples of a batch get the same random numbers")
