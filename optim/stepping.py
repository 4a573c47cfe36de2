"""The machinery of a step: what a class declares, and the parameters at hand, made into plans and kernels."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import Tensor

from . import groups, hyper, inspection
from .cohort import Array, Cohort, in_order, is_dense, name_of, order_of
from .fuse import Fused, fuse
from .groups import Group
from .plan import Access, Plan
from .stages import AFTER, AVERAGE, BEFORE, SWITCHES


@hyper.dataclass_transform(field_specifiers=(hyper.field,))
class Stepping:
    """The part of `Optimizer` that users do not see.

    Type checkers learn from it that a subclass's annotated attributes are arguments of its constructor.
    """

    state: Any
    update: Any
    param_groups: list[Group]
    defaults: Group
    grad_scale: float
    skipped: int
    max_grad_norm: float | None
    on_nonfinite: str | None

    decoupled: ClassVar[bool]
    counted: ClassVar[bool]
    own_decay: ClassVar[bool]
    elementwise: ClassVar[bool]
    kept: ClassVar[dict[str, float]]
    measure: ClassVar[Callable[..., Any] | None]
    sums: ClassVar[tuple[str, ...]]
    _states: ClassVar[dict[str, str]]

    _state: dict[Any, dict[str, Any]]
    _plans: dict[int, Plan]
    _steps: int  # what schedules count

    _is_whole: ClassVar[bool] = False  # has `update_array` in a formula's place

    scalars: Callable[..., dict[str, Any]]
    start: Callable[..., dict[str, float]]
    ratios: Callable[..., dict[str, Any]]
    gathered: Callable[..., None]
    update_array: Callable[..., None]

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _step(self, access: Access | None) -> None:
        cls, gain = type(self), self.grad_scale
        if self.max_grad_norm is None and self.on_nonfinite is None and cls.measure is None:
            for index, group in enumerate(self.param_groups):
                plan = self._plans.get(index)
                if plan is None or not plan.quick(group, gain):
                    plan = self._planned(index, group, access, gain)
                    if not plan.quick(group, gain):
                        plan.update()
            self._steps += 1
            return
        plans = [self._planned(i, group, access, None) for i, group in enumerate(self.param_groups)]
        factor = inspection.factor(self, plans)
        if factor is None:
            self.skipped += 1
            return
        plans = [self._planned(i, group, access, gain * factor, plans[i]) for i, group in enumerate(self.param_groups)]
        if cls.measure is not None:
            inspection.measure(self, plans)
        for plan in plans:
            plan.update()
        self._steps += 1

    def _planned(
        self, index: int, group: Group, access: Access | None, gain: float | None, collected: Plan | None = None
    ) -> Plan:
        """Return a group's plan, the gradients taken and the scalars computed; a new one if anything has changed.

        Parameters
        ----------
        index : int
        group : dict
        access : Access or None
        gain : float or None
            What multiplies the gradients; None where that depends on them, and is to be found out with the plan.
        collected : Plan, optional
            The plan, if it has the gradients.
        """
        plan = collected or self._plans.get(index)
        at_hand = plan is not None and (collected is not None or plan.collect(group, access))
        if plan is not None and at_hand and (gain is None or plan.settle(group, gain)):
            return plan
        self._sync()
        if plan is not None:
            self._plans.pop(index).part()
        gain = self.grad_scale if gain is None else gain
        plan = Plan(self, group, access or (collected._access if collected else None), gain)
        if not (plan.collect(group, access) and plan.settle(group, gain)):
            raise RuntimeError(f"{self._name}: gradients or hyperparameters change while a step is prepared")
        self._plans[index] = plan
        return plan

    def _resolved(self, group: Group) -> tuple[Group, bool]:
        """The group with schedules at the coming step; and whether its values can change unseen."""
        return hyper.resolved(group, self._steps)

    def _constants(self, group: Group, gain: float) -> Group:
        """Everything a formula may ask for by name and `scalars` need not compute; the other stages' are prefixed."""
        decay = 0 if self.own_decay else group.get("weight_decay", 0)
        has_decay = isinstance(decay, Tensor) or decay != 0
        decoupled = has_decay and bool(group.get("decoupled_weight_decay", self.decoupled))
        limit, ema = group.get("max_grad_value"), group.get("ema")
        return {
            **group,
            **self._scale(group, gain),
            BEFORE + "limit": limit,
            BEFORE + "limited": limit is not None,
            BEFORE + "l2": decay,
            BEFORE + "coupled": has_decay and not decoupled,
            BEFORE + "decay": 1 - group["lr"] * decay if decoupled else 1,
            BEFORE + "decoupled": decoupled,
            AFTER + "pace": 0.0 if ema is None else 1 - ema,
            AFTER + "averaged": ema is not None,
        }

    def _scale(self, group: Group, gain: float) -> Group:
        """What multiplies the gradient; where that is a matter of its norm, always something."""
        gain = -gain if group["maximize"] else gain
        return {BEFORE + "gain": gain, BEFORE + "scaled": gain != 1 or self.max_grad_norm is not None}

    def _fused(self, values: Group) -> Fused:
        update, measure = type(self).update, type(self).measure
        asked = dict.fromkeys(inspect.signature(update).parameters)
        asked.update(dict.fromkeys(inspect.signature(measure).parameters if measure else ()))
        switches = tuple((name, values[name]) for name in (*SWITCHES, *asked) if isinstance(values.get(name), bool))
        factors: tuple[str, ...] = ()
        if measure is not None:
            known = {*values, *self._states}
            factors = tuple(name for name in [*inspect.signature(update).parameters][2:] if name not in known)
        fused = fuse(self._name, update, tuple(self._states), switches, measure, factors, self.elementwise)
        unknown = [name for name in fused.scalars if name not in values]
        if unknown:
            raise TypeError(
                f"{self._name}.update: {unknown[0]!r} is neither a state nor a hyperparameter, "
                "nor returned by scalars()"
            )
        return fused

    def _whole(self, plan: Plan, cohort: Cohort) -> Callable[[list[Array], int], None]:
        """Return what updates a cohort, for a class that is not elementwise."""
        update = self._together(cohort, [self._state.setdefault(key, {}) for key in cohort.keys])

        def whole(grads: list[Array], t: int) -> None:
            gain, limit = plan.constants[BEFORE + "gain"], plan.constants[BEFORE + "limit"]
            if gain != 1:
                grads = [g * cohort.dtype.type(gain) for g in cohort.fitting(grads)]
            if limit is not None:
                grads = [np.clip(g, -limit, limit) for g in cohort.fitting(grads)]
            update(grads, plan.group, t)

        return whole

    def _together(self, cohort: Cohort, states: list[dict[str, Any]]) -> Callable[[list[Array], Group, int], None]:
        """Return what updates a cohort from its gradients: one array after the other, where nothing better is known."""

        def update(grads: list[Array], group: Group, t: int) -> None:
            for p, g, state in zip(cohort.dense, cohort.fitting(grads), states):
                self.update_array(p, g, state, group, t)

        return update

    def _progress(self, key: Any) -> tuple[int, dict[str, float]]:
        """How many steps a parameter has made, and the numbers it keeps."""
        found = self._state.get(key)
        if not found:
            return 0, dict(self.kept)
        t = int(found.get("step", 0)) if self.counted else 1  # no count: prepared for a step that was not made
        return t, {name: float(found.get(name, first)) for name, first in self.kept.items()}

    def _state_of(self, key: Any, p: Array, name: str, group: Group) -> Array:
        """One state of one parameter, in the parameter's memory order: as it is, or new."""
        states = self._state.setdefault(key, {})
        label = "ema" if name == AVERAGE else self._states[name]
        found: Array | None = states.get(label)
        order = order_of(p)
        if found is None:
            found = groups.staggered(p, order, len(states))
            found[...] = p if name == AVERAGE else self.start(group).get(name, 0)
        elif found.shape != p.shape:
            raise ValueError(f"{self._name}: the state of {name_of(key)} has shape {found.shape}, not {p.shape}")
        elif found.dtype != p.dtype or not is_dense(found) or not in_order(found, order):
            found = np.array(found, p.dtype, order=order)
        states[label] = found
        return found

    def _sync(self) -> None:
        """Write the step counts and other numbers, which cohorts keep, to the state."""
        if self.counted or self.kept:
            for plan in self._plans.values():
                for cohort in plan.cohorts:
                    for key in cohort.keys:
                        found = self._state.setdefault(key, {})
                        if self.counted:
                            found["step"] = cohort.t
                        found.update(cohort.kept)

    def _forget_plans(self) -> None:
        for plan in self._plans.values():
            plan.part()
        self._plans.clear()
