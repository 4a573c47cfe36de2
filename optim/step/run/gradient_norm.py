"""What is asked of the gradients before anything is overwritten: their norm, whether they are finite, and sums."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ..bind.loop_codegen import Fused, fuse, unchanged
from ..bind.prologue_epilogue import SWITCHES
from ..declare import hyperparameters as hyper
from ..declare.contract import Contract
from ..plan.parameter_batch import Array, Cohort, name_of
from ..plan.step_plan import Plan

ON_NONFINITE = (None, "raise", "skip")


def checked(who: str, values: dict[str, Any]) -> tuple[float | None, str | None]:
    """Take `max_grad_norm` and `on_nonfinite` out of an optimizer's arguments."""
    norm, action = values.pop("max_grad_norm"), values.pop("on_nonfinite")
    hyper.check_kinds(who, {"max_grad_norm": norm}, {"max_grad_norm": "float | None"})
    if norm is not None:
        hyper.check(who, {"max_grad_norm": norm}, {"max_grad_norm": (0.0, math.inf, "(]")})
    if not isinstance(action, (str, type(None))) or action not in ON_NONFINITE:
        raise ValueError(f'{who}: on_nonfinite must be "raise", "skip" or None, got {action!r}')
    return None if norm is None else float(norm), action


def squared(p: Any, g: Any) -> Any:
    """The formula whose sums are the squares of the gradients' norms."""
    return g * g


@cache
def _squares() -> Fused:
    return fuse("squares", unchanged, (), tuple((name, False) for name in SWITCHES), squared)


def factor(optimizer: Contract, plans: list[Plan]) -> float | None:
    """Return what the gradients are to be multiplied by to have the norm that is allowed; None to leave the step out.

    Parameters
    ----------
    optimizer : Optimizer
    plans : list of Plan
        With the gradients of the coming step.

    Raises
    ------
    FloatingPointError
        If a gradient is not finite and the optimizer is to raise an error then.
    """
    if optimizer.max_grad_norm is None and optimizer.on_nonfinite is None:
        return 1.0
    each = [
        (cohort, grads, cohort.sums(grads, _squares(), np.empty(0, cohort.dtype))[:, 0])
        for plan in plans
        for cohort, grads in zip(plan.cohorts, plan.grads)
    ]
    over_ranks = optimizer._over_ranks
    square = over_ranks(sum(float(sums.sum()) for _, _, sums in each))
    if not math.isfinite(square):
        bad = _bad([(cohort, grads) for cohort, grads, _ in each])
        if not over_ranks(bad is not None):  # all are finite, and only their squares are not
            square = over_ranks(_large([g for _, grads, _ in each for g in grads]) ** 2)
        elif optimizer.on_nonfinite == "skip":
            return None
        elif optimizer.on_nonfinite == "raise":
            raise FloatingPointError(
                f"{optimizer._name}: the gradient of {_named(optimizer, bad)} is not finite; nothing was updated"
                if bad is not None
                else f"{optimizer._name}: a gradient in another rank is not finite; nothing was updated"
            )
    if optimizer.max_grad_norm is None:
        return 1.0
    norm = math.sqrt(square) * abs(optimizer.grad_scale)
    found = optimizer.max_grad_norm / (norm + 1e-6)
    return found if not found >= 1.0 else 1.0  # nan stays nan, as in PyTorch


def _bad(each: list[tuple[Cohort, list[Array]]]) -> Any:
    """The first parameter whose gradient is not finite."""
    for cohort, grads in each:
        for key, g in zip(cohort.keys, grads):
            if not np.isfinite(g).all():
                return key
    return None


def _large(grads: list[Array]) -> float:
    """The norm of gradients whose squares overflow."""
    top = max((float(np.abs(g).max(initial=0)) for g in grads), default=0.0) or 1.0
    return min(top * math.sqrt(sum(float(np.square(np.abs(g / top)).sum()) for g in grads)), 1e150)


def _named(optimizer: Contract, key: Any) -> str:
    for group in optimizer.param_groups:
        for p, name in zip(group["params"], group.get("param_names", ())):
            if p is key:
                return repr(name)
    return name_of(key)


def measure(optimizer: Contract, plans: list[Plan]) -> None:
    """Compute the sums that an optimizer asks for, and with them each tensor's own numbers."""
    names = optimizer._rule.sums
    found = [[cohort.sums(grads) for cohort, grads in zip(plan.cohorts, plan.grads)] for plan in plans]
    totals = np.sum([sums.sum(0) for each in found for sums in each], axis=0) if any(found) else np.zeros(len(names))
    optimizer.gathered(dict(zip(names, map(float, totals))))
    for plan, each in zip(plans, found):
        for cohort, sums in zip(plan.cohorts, each):
            cohort.factors = optimizer.ratios(plan.group, cohort.t + 1, **dict(zip(names, sums.T)))
