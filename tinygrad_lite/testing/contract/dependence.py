"""`leaks`, `anticipates`, `sees_masked`: which outputs depend on which inputs, read off the Jacobian in float64.

A derivative of exactly zero proves that nothing flows, for almost every point; what flows past the graph is seen by
other numbers in the places that must not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...autograd import grad
from ...rules import unwrap, wrap
from .breach import Breach
from .trial import Array, Call, Trial, close, floating


def _rows(call: Call, dim: int, seed: int) -> Iterator[tuple[int, Array]]:
    """For each input that has as many rows as the output: its place, and how much each row depends on each of its."""
    leaves = [t for t in call.leaves() if t.ndim > dim]
    random = np.random.default_rng(seed)
    for out in (t for t in floating(call()) if t.requires_grad and t.ndim > dim and leaves):
        size = out.shape[dim]
        seen = {i: np.zeros((size, size)) for i, leaf in enumerate(leaves) if leaf.shape[dim] == size}
        for row in range(size):
            weights = np.zeros(out.shape, out.dtype)
            place = (slice(None),) * dim + (row,)
            weights[place] = random.standard_normal(weights[place].shape)
            found = grad(out, leaves, wrap(weights), retain_graph=True, allow_unused=True)
            for i, matrix in seen.items():
                g = found[i]
                if g is not None:
                    matrix[row] = np.abs(g._data).max(axis=tuple(k for k in range(g.ndim) if k != dim), initial=0.0)
        yield from seen.items()


def leaks(trial: Trial) -> Iterator[Breach]:
    """Rows of the output that depend on other samples."""
    assert trial.batch_dim is not None
    for i, matrix in _rows(trial.copied(), trial.batch_dim, trial.seed):
        for row, column in np.argwhere(matrix * ~np.eye(len(matrix), dtype=bool)):
            text = f"in evaluation, row {row} of the output depends on row {column} of input {i}"
            yield Breach("batch leakage", text)
            return


def anticipates(trial: Trial) -> Iterator[Breach]:
    """Results that depend on later inputs."""
    assert trial.causal is not None
    dim = trial.causal
    for i, matrix in _rows(trial.copied(), dim, trial.seed):
        for row, column in np.argwhere(np.triu(matrix, 1)):
            yield Breach(
                "causal order", f"the output at time {row} depends on input {i} at time {column}, which is later"
            )
            return
    call = trial.copied()
    sequences = [t for t in floating([call.args, call.keywords]) if t.ndim > dim]
    before = call.plain()
    for time in {t.shape[dim] // 2 for t in sequences}:
        changed = _replaced(trial, sequences, lambda t, time=time: (slice(None),) * dim + (slice(time, None),), call)
        for a, b in zip(before, changed):
            early = (slice(None),) * dim + (slice(0, time),)
            if a.ndim > dim and not close(b._data[early], a._data[early]):
                yield Breach("causal order", f"other inputs from time {time} on change the output before it")
                return


def sees_masked(trial: Trial) -> Iterator[Breach]:
    """Results at places that count which depend on places that do not."""
    hidden = np.asarray(unwrap(trial.mask)).astype(bool)
    call = trial.copied()
    leaves = [t for t in call.leaves() if t.shape[: hidden.ndim] == hidden.shape]
    if not leaves or not hidden.any() or hidden.all():
        shape = [tuple(t.shape) for t in call.leaves()]
        text = f"mask must hold True and False and be of the leading shape of an input, got {hidden.shape} for {shape}"
        yield Breach("call", text)
        return
    random = np.random.default_rng(trial.seed)
    for out in (t for t in floating(call()) if t.requires_grad):
        weights = np.asarray(random.standard_normal(out.shape), out.dtype)
        if out.shape[: hidden.ndim] == hidden.shape:
            weights[hidden] = 0.0
        found = grad(out, leaves, wrap(weights), retain_graph=True, allow_unused=True)
        for i, g in enumerate(found):
            if g is not None and (g._data[hidden] != 0).any():
                at = tuple(
                    map(int, np.argwhere(hidden)[np.argmax((g._data[hidden] != 0).reshape(hidden.sum(), -1).any(1))])
                )
                yield Breach("mask", f"the output depends on input {i} at {at}, which is masked")
                return
    call = trial.copied()
    before = call.plain()
    inputs = [t for t in floating([call.args, call.keywords]) if t.shape[: hidden.ndim] == hidden.shape]
    for a, b in zip(before, _replaced(trial, inputs, lambda _: hidden, call)):
        counts = ~hidden if a.shape[: hidden.ndim] == hidden.shape else ...
        if not close(b._data[counts], a._data[counts]):
            yield Breach("mask", "other numbers at masked places of the input change the output")
            return


def _replaced(trial: Trial, inputs: list[Any], place: Any, call: Call) -> list[Any]:
    """What comes out with other numbers at some places."""
    random = np.random.default_rng(trial.seed + 1)
    for t in inputs:
        where = place(t)
        t._data[where] = t._data[where] * 0.5 + random.standard_normal(t._data[where].shape)
    return call.plain()
