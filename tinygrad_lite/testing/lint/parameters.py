"""`Parameters`: what gradients and updates show, at the steps of an optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import rules
from .mistakes import LintReport

Array = np.ndarray[Any, Any]
_STEPS = 3  # after which what was always so is told


def _array(value: Any) -> Array:
    return np.asarray(value._data if isinstance(value, rules.Tensor) else value)


class Parameters:
    """The parameters of models and optimizers.

    Parameters
    ----------
    models, optimizers : sequence
    report : LintReport
    """

    def __init__(self, models: Sequence[Any], optimizers: Sequence[Any], report: LintReport) -> None:
        self.models, self.optimizers, self.report = models, optimizers, report
        self.missing: dict[str, int] = {}
        self.zero: dict[str, int] = {}
        self.ratios: list[tuple[float, float]] = []  # of all parameters in one step: median, largest
        self.losses: list[float] = []
        self.before: dict[int, Array] = {}

    def named(self) -> dict[int, tuple[str, Any]]:
        """The parameters of the models, by identity."""
        found = {}
        for k, model in enumerate(self.models):
            for name, p in model.named_parameters():
                found[id(p)] = name if len(self.models) == 1 else f"{k}.{name}", p
        return found

    def held(self) -> dict[int, Any]:
        """Those of the optimizers."""
        return {id(p): p for o in self.optimizers for group in o.param_groups for p in group["params"]}

    def compare(self, line: str, step: int) -> None:
        """Who holds what."""
        named, held = self.named(), self.held()
        free = [name for i, (name, p) in named.items() if p.requires_grad and i not in held]
        if free:
            text = f"no optimizer holds {_listed(free)}"
            self.report.add("parameters without optimizer", text, line, step)
        strange = [p for i, p in held.items() if i not in named]
        if strange:
            shapes = _listed([str(tuple(p.shape)) for p in strange])
            text = f"the optimizer holds {len(strange)} that the model does not have, of shape {shapes}"
            self.report.add("parameters of another model", text, line, step)

    def remember(self) -> None:
        """Keep the values for the length of an update."""
        self.before = {i: _array(p).copy() for i, p in self.held().items()}

    def after_step(self, loss: float, line: str, step: int) -> None:
        """Look at gradients and updates of a step."""
        add, named, held = self.report.add, self.named(), self.held()
        self.losses.append(loss)
        sizes: dict[str, float] = {}
        ratios = []
        for i, p in held.items():
            if not p.requires_grad:
                continue
            name = named[i][0] if i in named else "?"
            g = None if p.grad is None else _array(p.grad)
            self.missing[name] = self.missing.get(name, 0) + (g is None)
            self.zero[name] = self.zero.get(name, 0) + (g is not None and not g.any())
            if g is None:
                continue
            if not np.isfinite(g).all():
                add("not finite", f"the gradient of {name} holds infinities or NaN", line, step)
                continue
            value, before = _array(p), self.before.get(i)
            size, slope = 0.0 if before is None else _norm(before), _norm(g)
            if g.ndim > 1 and g.any():
                sizes[name] = float(np.sqrt(np.mean(np.square(g, dtype=np.float64))))
                alike = before is not None and len(g) > 1 and (before == before[:1]).all() and (g == g[:1]).all()
                if alike:
                    text = f"all {len(g)} units of {name} have the same weights and the same gradients"
                    add("equal units", text, line, step)
                if size and before is not None:
                    ratios.append(_norm(value - before) / size)
            if size and slope > 1e5 * max(size, 1.0):
                add("exploding gradients", f"the norm of the gradient of {name} is {slope:.2g}", line, step)
        if len(sizes) > 1 and min(sizes.values()) < 1e-9 * max(sizes.values()):
            worst = min(sizes, key=sizes.__getitem__)
            text = (
                f"the gradient of {worst} is {sizes[worst]:.1g} in the mean, that of others {max(sizes.values()):.1g}"
            )
            add("vanishing gradients", text, line, step)
        if ratios:
            self.ratios.append((float(np.median(ratios)), max(ratios)))
        if not np.isfinite(loss) and np.isinf(loss):
            add("not finite", "the loss is infinite", line, step)

    def finish(self, line: str, step: int) -> None:
        """What was so in all steps."""
        if step < _STEPS:
            return
        add = self.report.add
        none = [name for name, count in self.missing.items() if count == step]
        if none:
            add("no gradient", f"in {step} steps {_listed(none)} had none", line, step)
        zero = [name for name, count in self.zero.items() if count == step]
        if zero:
            add("gradient of zero", f"in {step} steps that of {_listed(zero)} was exactly 0", line, step)
        if len(self.ratios) < _STEPS:
            return
        median = float(np.median([m for m, _ in self.ratios]))
        first, last = self.losses[0], self.losses[-1]
        if median > 0.3 and not last < 1.5 * first:
            text = f"a step changes weights by {median:.1g} of themselves, the loss went from {first:.3g} to {last:.3g}"
            add("learning rate too large", text, line, step)
        largest = max(m for _, m in self.ratios)
        if largest < 1e-7:
            add(
                "learning rate too small",
                f"no step changes any weight by more than {largest:.1g} of itself",
                line,
                step,
            )


def _norm(array: Array) -> float:
    """In double precision, where float32 would overflow."""
    return float(np.sqrt(np.sum(np.square(np.abs(array), dtype=np.float64))))


class Leftovers:
    """The gradients that an optimizer's last step has used, and whether a backward pass adds to them.

    Parameters
    ----------
    optimizer : Optimizer
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer, self.used, self.line = optimizer, dict[int, Array](), ""

    def _now(self) -> dict[int, Array]:
        held = (p for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None)
        return {id(p): _array(p.grad) for p in held}

    def stepped(self) -> None:
        """Keep what a step has used."""
        self.used, self.line = {i: g.copy() for i, g in self._now().items() if g.any()}, ""

    def before_backward(self, line: str) -> None:
        """Note the line where they are still there."""
        same = [np.array_equal(g, self.used[i], equal_nan=True) for i, g in self._now().items() if i in self.used]
        self.line = "" if not same else line if all(same) else self.line

    def before_step(self) -> int:
        """In how many parameters they were added to."""
        now = self._now().items() if self.line else ()
        return sum(i in self.used and not np.array_equal(g, self.used[i], equal_nan=True) for i, g in now)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
