"""What a call gives and leaves behind: `writes`, `varies`, `needs_size`, `needs_order`, `changes_precision`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import rules
from ...autograd import backward
from ...rules import wrap
from ...transforms import pytree
from .breach import Breach
from .trial import Array, Trial, close, floating, same, tensors


def _kept(named: Any) -> dict[str, Array]:
    return {name: np.array(t._data) for name, t in named}


def _changed(named: Any, before: dict[str, Array]) -> list[str]:
    return [n for n, t in named if n in before and not np.array_equal(t._data, before[n], equal_nan=True)]


def writes(trial: Trial) -> Iterator[Breach]:
    """Inputs, parameters and, in evaluation, buffers that are overwritten."""
    for training in (True, False):
        call = trial.copied(training)
        module, given = call.module, [(str(i), t) for i, t in enumerate(tensors([call.args, call.keywords]))]
        inputs, parameters, buffers = _kept(given), _kept(module.named_parameters()), _kept(module.named_buffers())
        call.plain()
        for name in _changed(given, inputs):
            yield Breach("input written to", f"the module overwrites input {name}")
        for name in _changed(module.named_parameters(), parameters):
            yield Breach("parameter written to", f"the forward pass overwrites {name}")
        if not training:
            for name in _changed(module.named_buffers(), buffers):
                yield Breach("buffer written in evaluation", f"the forward pass in evaluation overwrites {name}")


def varies(trial: Trial) -> Iterator[Breach]:
    """Results in evaluation that differ from call to call, and those that are not finite in either mode."""
    call = trial.copied()
    first, second = call.plain(), call.plain()
    if not same(first, second):
        yield Breach("not deterministic in evaluation", "two calls in evaluation give different results")
    for mode, found in (("evaluation", first), ("training", trial.copied(True).plain())):
        if not all(np.isfinite(t._data).all() for t in floating(found)):
            yield Breach("not finite", f"the output in {mode} holds infinities or NaN")


def needs_size(trial: Trial) -> Iterator[Breach]:
    """A batch of one gives the first row of the whole batch's results, and an empty one gives none."""
    assert trial.batch_dim is not None
    dim, call = trial.batch_dim, trial.copied()
    args, keywords = call.args, call.keywords
    whole = [t for t in call.plain() if t.ndim > dim]
    batched = [t for t in tensors(args) if t.ndim > dim]
    size = batched[0].shape[dim] if batched else 0
    for count in (1, 0):
        place = (slice(None),) * dim + (slice(0, count),)

        def cut(value: Any, place: Any = place) -> Any:
            fits = isinstance(value, rules.Tensor) and value.ndim > dim and value.shape[dim] == size
            return value[place] if fits else value

        try:
            call.args, call.keywords = pytree.mapped(cut, args), pytree.mapped(cut, keywords)
            part = call.plain()
        except Exception as error:
            yield Breach("batch size", f"a batch of {count} is refused: {type(error).__name__}: {error}")
            continue
        if len([t for t in part if t.ndim > dim]) < len([t for t in whole if t.shape[dim] == size]):
            yield Breach(
                "batch size", f"a batch of {count} gives shape {tuple(part[0].shape)}" if part else "no output"
            )
        for a, b in zip((t for t in part if t.ndim > dim), whole):
            if b.shape[dim] == size and a.shape != b[place].shape:
                yield Breach("batch size", f"a batch of {count} gives shape {tuple(a.shape)}")
            elif b.shape[dim] == size and not close(a._data, b[place]._data):
                yield Breach("batch leakage", "in evaluation, a sample alone gives another result than in its batch")


def needs_order(trial: Trial) -> Iterator[Breach]:
    """Inputs that lie elsewhere in memory give the same."""
    call = trial.copied()
    before = call.plain()

    def scattered(value: Any) -> Any:
        if not isinstance(value, rules.Tensor) or not value.ndim:
            return value
        wide = np.zeros((*value.shape[::-1], 2), value.dtype)[..., 0].T  # the last index first, every other number
        wide[...] = value._data
        return wrap(wide)

    call.args, call.keywords = pytree.mapped(scattered, call.args), pytree.mapped(scattered, call.keywords)
    after = call.plain()
    if len(before) != len(after) or not all(close(b._data, a._data) for a, b in zip(before, after)):
        yield Breach("memory order", "inputs that are not contiguous give another result")


def changes_precision(trial: Trial) -> Iterator[Breach]:
    """float32 in, float32 out, in results and gradients; the same numbers as in float64; the same for float64."""
    results = {}
    for dtype in (np.float32, np.float64):
        name = np.dtype(dtype).name
        call = trial.copied(False, dtype)
        inputs = call.leaves()
        found = [t for t in floating(call()) if t.dtype.kind == "f"]
        results[name] = found
        if not all(t.dtype.kind == "f" and t.dtype == dtype for t in (*inputs, *call.module.parameters())):
            continue  # complex, or declared to be of a precision of its own
        for t in found:
            if t.dtype != dtype:
                yield Breach("dtype", f"{name} in, {t.dtype} out")
        roots = [t for t in found if t.requires_grad]
        if roots:
            backward(roots, [wrap(np.ones(t.shape, t.dtype)) for t in roots])
        for name_, leaf in (*((f"input {i}", t) for i, t in enumerate(inputs)), *call.module.named_parameters()):
            g = leaf.grad
            if g is not None and (g.dtype != leaf.dtype or g.shape != leaf.shape):
                is_, should = ((t.dtype, tuple(t.shape)) for t in (g, leaf))
                yield Breach("dtype", f"the gradient of {name_} has dtype and shape {is_}, not {should}")
    for single, double in zip(results["float32"], results["float64"]):
        largest = np.abs(double._data).max(initial=0.0)
        apart = np.abs(single._data.astype(np.float64) - double._data).max(initial=0.0)
        if single.shape != double.shape or apart > 1e-2 * max(largest, 1e-30):
            yield Breach(
                "precision", f"results in float32 are {apart:.2g} off those in float64, of at most {largest:.2g}"
            )
