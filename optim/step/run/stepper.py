"""`Stepping`: a step from its first look at the gradients to its last count, whole or not made."""

from __future__ import annotations

from typing import Any

from ..declare import hyperparameters as hyper
from ..declare.contract import Contract
from ..declare.hyperparameters import Group
from ..interrupts import uninterrupted
from ..plan.parameter_batch import Array
from ..plan.step_plan import Access, Plan, finish, frozen_access, quick
from . import gradient_norm as inspection

TRIES = 100  # to prepare a step while other threads change what it is about


@hyper.dataclass_transform(field_specifiers=(hyper.field,))
class Stepping(Contract):
    """The part of `Optimizer` that makes steps.

    Type checkers learn from it that a subclass's annotated attributes are arguments of its constructor.
    """

    _plans: dict[int, Plan]
    _boxes: dict[Any, Array]  # of numbers that are parameters
    _by_name: bool  # the parameters are given at each step
    _stepping: bool = False  # a `step` written PyTorch's way is at it
    _lock: Any  # held while a step is made

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

    def _sync(self) -> None:
        """Write the step counts and other numbers, which cohorts keep, to the state."""
        if self._plans and (self._rule.counted or self._rule.kept):
            for plan in self._plans.values():
                for cohort in plan.cohorts:
                    for key in cohort.keys:
                        found = self._state.setdefault(key, {})
                        if self._rule.counted:
                            found["step"] = cohort.t
                        found.update(cohort.kept)

    def _forget_plans(self) -> None:
        for plan in self._plans.values():
            plan.part()
        self._plans.clear()
