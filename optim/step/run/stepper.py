"""`Stepper`: makes an optimizer's steps, from the first look at the gradients to the last count, whole or not made."""

from __future__ import annotations

from ..declare.contract import Contract
from ..declare.hyperparameters import Group
from ..interrupts import uninterrupted
from ..plan.step_plan import Access, Plan, finish, frozen_access, quick
from . import gradient_norm as inspection

TRIES = 100  # to prepare a step while other threads change what it is about


class Stepper:
    """The plans of an optimizer's groups, and the steps that are made by them.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups, state and hyperparameters these are.

    Attributes
    ----------
    plans : dict of int to Plan
        Of the groups by their numbers; thrown away where anything has changed.
    """

    def __init__(self, optimizer: Contract) -> None:
        self._optimizer = optimizer
        self.plans: dict[int, Plan] = {}

    def step(self, access: Access | None) -> None:
        """Make a step; it is whole, with its counters, or not made, whatever goes wrong."""
        optimizer = self._optimizer
        with optimizer._lock:
            if not self._quick_step():
                plans = self._prepared(access)
                if plans is None:
                    optimizer.skipped += 1
                    return
                with uninterrupted():
                    if optimizer.measure is not None:
                        inspection.measure(optimizer, plans)
                    for plan in plans:
                        plan.update()
                    optimizer._steps += 1

    def _quick_step(self) -> bool:
        """Make the step in one compiled call for each group, where that is possible."""
        optimizer, plans = self._optimizer, self.plans
        groups = optimizer.param_groups
        if len(plans) != len(groups) or self._inspects:
            return False
        try:
            if len(groups) == 1:
                return plans[0].quick(groups[0], optimizer.grad_scale, optimizer._steps)
            return quick([plans.get(i) for i in range(len(groups))], groups, optimizer.grad_scale, optimizer._steps)
        except BaseException:  # an interrupt
            with uninterrupted():
                finish(plans.values())
            raise

    @property
    def _inspects(self) -> bool:
        """Whether something is asked of the gradients before the step."""
        optimizer = self._optimizer
        asked = optimizer.max_grad_norm is not None or optimizer.on_nonfinite is not None
        return asked or optimizer.measure is not None

    def _prepared(self, access: Access | None) -> list[Plan] | None:
        """Return the plans of all groups, with nothing left that can fail; None to leave the step out."""
        optimizer = self._optimizer
        numbered, gain = list(enumerate(optimizer.param_groups)), optimizer.grad_scale
        if not self._inspects:
            plans = [self._planned(i, group, access, gain) for i, group in numbered]
        else:
            collected = [self._planned(i, group, access, None) for i, group in numbered]
            factor = inspection.factor(optimizer, collected)
            if factor is None:
                return None
            plans = [self._planned(i, group, access, gain * factor, collected[i]) for i, group in numbered]
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
        plan = collected or self.plans.get(index)
        at_hand = plan is not None and (collected is not None or plan.collect(group, access))
        if plan is not None and at_hand and (gain is None or plan.settle(group, gain)):
            return plan
        self.sync()
        if plan is not None:
            self.plans.pop(index).part()
        gain = self._optimizer.grad_scale if gain is None else gain
        plan = self.plans[index] = self._new_plan(group, access or (collected._access if collected else None), gain)
        return plan

    def _new_plan(self, group: Group, access: Access | None, gain: float) -> Plan:
        for attempt in range(TRIES):
            # other threads may give gradients and take them away: at the second try they are read only once
            given = frozen_access(group["params"]) if attempt and access is None else access
            plan = Plan(self._optimizer, group, given, gain)
            if plan.collect(group, given) and plan.settle(group, gain):
                if given is not access:
                    plan.unfreeze()
                return plan
            plan.part()
        raise RuntimeError(f"{self._optimizer._name}: hyperparameters change while a step is prepared")

    def sync(self) -> None:
        """Write the step counts and other numbers, which cohorts keep, to the state."""
        if not self.plans:
            return
        rule, state = self._optimizer._rule, self._optimizer._state
        if rule.counted or rule.kept:
            for cohort in (cohort for plan in self.plans.values() for cohort in plan.cohorts):
                for key in cohort.keys:
                    found = state.setdefault(key, {})
                    if rule.counted:
                        found["step"] = cohort.t
                    found.update(cohort.kept)

    def forget(self) -> None:
        """Throw all plans away."""
        for plan in self.plans.values():
            plan.part()
        self.plans.clear()
