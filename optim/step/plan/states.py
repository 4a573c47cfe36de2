"""The state of each parameter: its steps, and the numbers and arrays it keeps, made when first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.engine.errors import InputError

from ..bind.binding import bind, constants
from ..bind.loop_codegen import Fused
from ..bind.prologue_epilogue import AVERAGE, BEFORE
from ..declare.contract import Contract
from ..declare.hyperparameters import Group
from .parameter_batch import Array, Cohort, as_real, in_order, is_dense, name_of, order_of


def loop_of(optimizer: Contract, values: Group) -> Fused:
    """Return the loop of an optimizer's rule; its formulas are checked by now."""
    rule = optimizer._rule
    if not optimizer._formulas_are_checked:
        type(optimizer)._formulas_are_checked = rule.check_formulas(defined=True)
    return bind(rule, type(optimizer).update, values)


def constants_of(optimizer: Contract, group: Group, gain: float) -> Group:
    """Return what a formula may ask for by name, of one group without schedules."""
    return constants(optimizer._rule, group, gain, optimizer.max_grad_norm is not None)


def require_dtype(optimizer: Contract, key: Any, dtype: Any) -> None:
    """Refuse a parameter of a dtype for which the optimizer's rule has no meaning.

    A formula for one element takes complex numbers as pairs of real ones; one for whole arrays would see a shape that
    is not the parameter's.
    """
    if dtype.kind == "c" and not optimizer.takes_complex:
        raise InputError(f"{optimizer._name}: {name_of(key)} is {dtype}; it does not support complex parameters")
    if dtype.kind not in ("fc" if optimizer._rule.elementwise else "f"):
        raise InputError(f"{optimizer._name}: {name_of(key)} is {dtype}, not floating point")


def progress(optimizer: Contract, key: Any) -> tuple[int, dict[str, float]]:
    """Return how many steps a parameter has made, and the numbers it keeps."""
    rule, found = optimizer._rule, optimizer._state.get(key)
    if not found:
        return 0, dict(rule.kept)
    t = int(found.get("step", 0)) if rule.counted else 1  # no count: prepared for a step that was not made
    return t, {name: float(found.get(name, first)) for name, first in rule.kept.items()}


def state_of(optimizer: Contract, key: Any, p: Array, name: str, group: Group) -> Array:
    """Return one state of one parameter, in the parameter's memory order: as it is, or new."""
    states = optimizer._state.setdefault(key, {})
    label = "ema" if name == AVERAGE else optimizer._rule.states[name]
    found: Array | None = states.get(label)
    order = order_of(p)
    if found is None:
        found = staggered(p, order, len(states))
        if name == AVERAGE:
            found[...] = p
        else:
            as_real(found)[...] = optimizer.start(group).get(name, 0)
    elif found.shape != p.shape:
        raise ValueError(f"{optimizer._name}: the state of {name_of(key)} has shape {found.shape}, not {p.shape}")
    elif found.dtype != p.dtype or not is_dense(found) or not in_order(found, order):
        found = np.array(found, p.dtype, order=order)
    states[label] = found
    return found


def whole_update(optimizer: Contract, plan: Any, cohort: Cohort) -> Callable[[list[Array], int], None]:
    """Return what updates a cohort, for a class that is not elementwise.

    Parameters
    ----------
    optimizer : Contract
    plan : Plan
        Whose constants and group are those of the coming step.
    cohort : Cohort
    """
    update = optimizer._update_together(cohort, [optimizer._state.setdefault(key, {}) for key in cohort.keys])

    def whole(grads: list[Array], t: int) -> None:
        gain, limit = plan.constants[BEFORE + "gain"], plan.constants[BEFORE + "limit"]
        if gain != 1:
            grads = [g * cohort.dtype.type(gain) for g in cohort.fitting(grads)]
        if limit is not None:
            grads = [np.clip(g, -limit, limit) for g in cohort.fitting(grads)]
        update(grads, plan.group, t)

    return whole


def staggered(like: Array, order: str, k: int) -> Array:
    """Return an array like another, that begins elsewhere in a page: arrays in step with each other slow a loop down.

    Separate large allocations all begin at the same place in a page, and a loop over several of them then takes 20 to
    25 % longer in cache.

    Parameters
    ----------
    like : array
    order : {"C", "F"}
    k : int
        How many such arrays there are already.
    """
    if like.nbytes < _PAGE:
        return np.empty(like.shape, like.dtype, order)  # type: ignore[call-overload]
    room = np.empty(like.nbytes + 2 * _PAGE, np.uint8)
    shift = (like.ctypes.data + (k + 1) * _APART - room.ctypes.data) % _PAGE
    return room[shift : shift + like.nbytes].view(like.dtype).reshape(like.shape, order=order)  # type: ignore[call-overload]


_PAGE, _APART = 4096, 1088
