"""`constants`, `bind`: what a formula is given by name, and the loop that these values make of a rule."""

from __future__ import annotations

import inspect
from typing import Any

from tinygrad_lite import Tensor

from ..declare.hyperparameters import Group
from ..declare.rule import Rule
from .loop_codegen import Fused, fuse
from .prologue_epilogue import AFTER, BEFORE, SWITCHES


def constants(rule: Rule, group: Group, gain: float, clipped: bool) -> Group:
    """Return everything a formula may ask for by name and ``scalars`` need not compute; other stages' are prefixed.

    Parameters
    ----------
    rule : Rule
    group : dict
        The hyperparameters, without schedules.
    gain : float
        What multiplies the gradients.
    clipped : bool
        Whether that depends on their norm.
    """
    decay = 0 if rule.own_decay else group.get("weight_decay", 0)
    has_decay = isinstance(decay, Tensor) or decay != 0
    decoupled = has_decay and bool(group.get("decoupled_weight_decay", rule.decoupled))
    limit, ema = group.get("max_grad_value"), group.get("ema")
    return {
        **group,
        **scale(group, gain, clipped),
        BEFORE + "limit": limit,
        BEFORE + "limited": limit is not None,
        BEFORE + "l2": decay,
        BEFORE + "coupled": has_decay and not decoupled,
        BEFORE + "decay": 1 - group["lr"] * decay if decoupled else 1,
        BEFORE + "decoupled": decoupled,
        AFTER + "pace": 0.0 if ema is None else 1 - ema,
        AFTER + "averaged": ema is not None,
    }


def scale(group: Group, gain: float, clipped: bool) -> Group:
    """Return what multiplies the gradient; where that is a matter of its norm, always something."""
    gain = -gain if group["maximize"] else gain
    return {BEFORE + "gain": gain, BEFORE + "scaled": gain != 1 or clipped}


def bind(rule: Rule, update: Any, values: Group) -> Fused:
    """Return a rule's loop with its switches set as the values have them.

    Parameters
    ----------
    rule : Rule
    update : callable
        The rule's formula, or what stands for one.
    values : dict
        The `constants`, and what ``scalars`` returned.
    """
    measure = rule.measure
    asked = dict.fromkeys(inspect.signature(update).parameters)
    asked.update(dict.fromkeys(inspect.signature(measure).parameters if measure else ()))
    switches = tuple((name, values[name]) for name in (*SWITCHES, *asked) if isinstance(values.get(name), bool))
    factors: tuple[str, ...] = ()
    if measure is not None:
        known = {*values, *rule.states}
        factors = tuple(name for name in [*inspect.signature(update).parameters][2:] if name not in known)
    fused = fuse(rule.name, update, tuple(rule.states), switches, measure, factors, rule.elementwise)
    unknown = [name for name in fused.scalars if name not in values]
    if unknown:
        raise TypeError(
            f"{rule.name}.update: {unknown[0]!r} is neither a state nor a hyperparameter, nor returned by scalars()"
        )
    return fused
