"""The machinery of a step: what a class declares, and the parameters at hand, made into plans and kernels."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import Tensor

from . import groups, hyper, inspection
from .cohort import Array, Cohort, in_order, is_dense, name_of, order_of
from .formula import has_rule
from .formula_language import check_formula
from .fuse import Fused, fuse
from .groups import Group
from .interrupts import uninterrupted
from .plan import Access, Plan, finish, frozen_access, quick
from .stages import AFTER, AVERAGE, BEFORE, SWITCHES

TRIES = 100  # to prepare a step while other threads change what it is about


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
    _stepping: bool = False  # a `step` written PyTorch's way is at it
    _steps: int  # what schedules count
    _lock: Any  # held while a step is made

    _fields: ClassVar[dict[str, Any]] = {}
    _kinds: ClassVar[dict[str, str]]
    _ranges: ClassVar[dict[str, tuple[float, float, str]]]
    _checked_formulas: ClassVar[bool] = True  # False: they use what was not defined yet
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
        """Make a step; it is whole, with its counters, or not made, whatever goes wrong."""
        with self._lock:
            if not self._quick_step():
                plans = self._prepared(access)
                if plans is None:
                    self.skipped += 1
                    return
                with uninterrupted():
                    if type(self).measure is not None:
                        inspection.measure(self, plans)
                    for plan in plans:
                        plan.update()
                    self._steps += 1

    def _quick_step(self) -> bool:
        """Make the step in one compiled call for each group, where that is possible."""
        groups, plans = self.param_groups, self._plans
        if len(plans) != len(groups) or self._inspects:
            return False
        try:
            if len(groups) == 1:
                return plans[0].quick(groups[0], self.grad_scale, self._steps)
            return quick([plans.get(i) for i in range(len(groups))], groups, self.grad_scale, self._steps)
        except BaseException:  # an interrupt
            with uninterrupted():
                finish(plans.values())
            raise

    @property
    def _inspects(self) -> bool:
        """Whether something is asked of the gradients before the step."""
        return self.max_grad_norm is not None or self.on_nonfinite is not None or type(self).measure is not None

    def _prepared(self, access: Access | None) -> list[Plan] | None:
        """Return the plans of all groups, with nothing left that can fail; None to leave the step out."""
        numbered = list(enumerate(self.param_groups))
        if not self._inspects:
            return self._whole_plans([self._planned(i, group, access, self.grad_scale) for i, group in numbered])
        plans = [self._planned(i, group, access, None) for i, group in numbered]
        factor = inspection.factor(self, plans)
        if factor is None:
            return None
        gain = self.grad_scale * factor
        return self._whole_plans([self._planned(i, group, access, gain, plans[i]) for i, group in numbered])

    def _whole_plans(self, plans: list[Plan]) -> list[Plan]:
        for plan in plans:
            plan.require_shapes()
        return plans

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
        plan = self._plans[index] = self._new_plan(group, access or (collected._access if collected else None), gain)
        return plan

    def _new_plan(self, group: Group, access: Access | None, gain: float) -> Plan:
        for attempt in range(TRIES):
            # other threads may give gradients and take them away: at the second try they are read only once
            given = frozen_access(group["params"]) if attempt and access is None else access
            plan = Plan(self, group, given, gain)
            if plan.collect(group, given) and plan.settle(group, gain):
                if given is not access:
                    plan.unfreeze()
                return plan
            plan.part()
        raise RuntimeError(f"{self._name}: hyperparameters change while a step is prepared")

    def _check_values(self, values: Mapping[str, Any]) -> None:
        """Refuse hyperparameters of a wrong kind or outside their ranges."""
        hyper.check_kinds(self._name, values, self._kinds)
        hyper.check(self._name, {name: v for name, v in values.items() if v is not None}, self._ranges)

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

    @classmethod
    def _check_formulas(cls, defined: bool) -> None:
        """Refuse formulas that NumPy and a compiled loop would take for different ones."""
        if not (has_rule(cls) and cls.elementwise):
            return
        elements = (*cls._states, *(name for name, default in cls._fields.items() if not isinstance(default, bool)))
        done = check_formula(f"{cls.__name__}.update", cls.update, elements, ("p", *cls._states), defined)
        if cls.measure is not None:
            done &= check_formula(f"{cls.__name__}.measure", cls.measure, elements, cls.sums, defined)
        cls._checked_formulas = done

    def _fused(self, values: Group) -> Fused:
        if not self._checked_formulas:
            self._check_formulas(defined=True)
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
