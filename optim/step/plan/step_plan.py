"""A cached step for one parameter group, and the checks that make it anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter, is_, itemgetter
from typing import Any, NamedTuple, cast

from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.kernels import backend

from ..bind.binding import scale
from ..declare.contract import Contract
from ..declare.hyperparameters import Group, resolved
from ..interrupts import uninterrupted
from .parameter_batch import Array, Cohort, name_of
from .states import constants_of, loop_of, progress, require_dtype, state_of, whole_update


class Access(NamedTuple):
    """How to get from what a parameter is known by to its array and its gradient's."""

    array: Callable[[Any], Array]
    grad: Callable[[Any], Array]  # AttributeError or KeyError if there is none
    has_grad: Callable[[Any], bool]
    same: Callable[[Any, Any], bool]
    tensors: bool = False  # they are Tensors, which a compiled call can look through


def tensor_access(params: list[Any]) -> Access:
    """Return how to read Tensors.

    A gradient lies in the node of a tensor that requires one: reading it there costs 0.04 us, the property
    0.1.
    """
    recorded = all(p.requires_grad for p in params if p.grad is not None)
    grad = attrgetter("_node.grad._data" if recorded else "grad._data")
    return Access(attrgetter("_data"), grad, lambda p: p.grad is not None, is_, True)


def frozen_access(params: list[Any]) -> Access:
    """As `tensor_access`, but for gradients as they are now: each is read once, and by no other thread changed."""
    pairs = [(p, p.grad) for p in params]
    found = {p: g._data for p, g in pairs if g is not None}
    return Access(attrgetter("_data"), found.__getitem__, found.__contains__, is_)


def getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that takes these keys' values out of a dict, as a tuple."""
    if len(names) == 1:
        (name,) = names
        return lambda values: (values[name],)
    return itemgetter(*names) if names else lambda values: ()


class Plan:
    """One group's parameters in cohorts, the hyperparameters as they were last seen, and the gradients at hand.

    Parameters
    ----------
    optimizer : Optimizer
    group : dict
    access : Access or None
        None: the parameters are Tensors.
    gain : float
        What multiplies the gradient.

    Attributes
    ----------
    cohorts : list of Cohort
        The parameters that have a gradient.
    grads : list of lists of arrays
        Their gradients in the coming step.
    """

    def __init__(self, optimizer: Contract, group: Group, access: Access | None, gain: float) -> None:
        self._optimizer, self._who = optimizer, optimizer._name
        self._params = list(group["params"])
        self._access = access or tensor_access(self._params)
        self._arrays = list(map(self._access.array, self._params))  # kept alive: no other can get their addresses
        self.cohorts: list[Cohort] = []
        self.group: Group = {}
        self._look(group, gain)
        self.cohorts = [self._cohort(keys, t, kept) for keys, t, kept in self._alike()]
        moved = {id(key) for cohort in self.cohorts for key in cohort.keys}
        self._idle = [key for key in self._params if id(key) not in moved]  # without asking anew
        self._look(group, gain)
        self._switches = [getter(tuple(name for name, _ in c.fused.switches)) for c in self.cohorts]
        self._settings = [tuple(on for _, on in c.fused.switches) for c in self.cohorts]
        self._scalars = [getter(c.fused.scalars) for c in self.cohorts]
        self.grads: list[list[Array]] = []
        self._collector: Any = None
        self._one_by_one = True  # the first gradients: one that steps in one call compiles no collector for nothing
        self._places: list[list[int]] = []
        self._ready: Any = None
        # while a quick step is made: how many steps and launches there were before, and how many steps of the optimizer
        self._began: tuple[int, int, int] | None = None
        self._held: Any = None
        self._backend = ""

    def _alike(self) -> list[tuple[list[Any], int, dict[str, float]]]:
        """Sort the parameters that have a gradient by dtype, number of steps, and the numbers they keep."""
        optimizer = self._optimizer
        found: dict[Any, tuple[list[Any], int, dict[str, float]]] = {}
        for key in self._params:
            if not self._access.has_grad(key):
                continue
            array = self._access.array(key)
            require_dtype(optimizer, key, array.dtype)
            if not array.flags.writeable:
                raise InputError(f"{optimizer._name}: {name_of(key)} is read-only")
            t, kept = progress(optimizer, key)
            found.setdefault((array.dtype.char, t, *kept.values()), ([], t, kept))[0].append(key)
        return list(found.values())

    def _cohort(self, keys: list[Any], t: int, kept: dict[str, float]) -> Cohort:
        optimizer = self._optimizer
        values = {**self.constants, **optimizer.scalars(self.group, t + 1, **kept)}
        fused = loop_of(optimizer, values)
        arrays = [self._access.array(key) for key in keys]
        states = [[state_of(optimizer, k, a, name, self.group) for k, a in zip(keys, arrays)] for name in fused.states]
        cohort = Cohort(keys, arrays, states, fused, t, kept)
        if optimizer._rule.whole:
            cohort.whole = whole_update(optimizer, self, cohort)
        return cohort

    # --- a step -----------------------------------------------------------------------------------------------------

    def _look(self, group: Group, gain: float) -> None:
        """Note the hyperparameters, and what follows from them alone."""
        optimizer, before = self._optimizer, self.group
        found, volatile = resolved(group, optimizer._steps)
        changed = {name: value for name, value in found.items() if before.get(name, self) is not value}
        if changed:  # in the group itself, or by a schedule
            optimizer._rule.check_values(changed)
        self.group = found
        self.constants = constants_of(optimizer, self.group, gain)
        self._seen, self._gain = None if volatile else dict(group), gain
        self._values: list[Group] = [{}] * len(self.cohorts)
        self._found: list[Group | None] = [None] * len(self.cohorts)

    def settle(self, group: Group, gain: float) -> bool:
        """Compute the scalars of the coming step; False if a switch is not as the plan has it."""
        try:
            changed = group != self._seen
        except (RuntimeError, ValueError):  # an array in the place of a number: a comparison of it is neither
            changed = True
        if changed:
            self._look(group, gain)
        elif gain != self._gain:
            self._gain = gain
            self.constants.update(scale(group, gain, self._optimizer.max_grad_norm is not None))
            self._found = [None] * len(self.cohorts)
        for i, cohort in enumerate(self.cohorts):
            found, before = self._optimizer.scalars(self.group, cohort.t + 1, **cohort.kept), self._found[i]
            if found == before and found is not before:
                continue  # as they were
            if before is None or len(found) != len(before):  # what is no longer returned comes from the group again
                self._values[i] = dict(self.constants)
            values = self._values[i]
            values.update(found)
            if self._switches[i](values) != self._settings[i]:
                return False
            cohort.values, self._found[i] = self._scalars[i](values), found
            if cohort.kept:
                cohort.next_kept = {name: float(values[name]) for name in cohort.kept}
        return True

    def collect(self, group: Group, access: Access | None) -> bool:
        """Take the gradients; False if the parameters, or which of them have one, are not as the plan has them."""
        access, params = access or self._access, group["params"]
        if self._backend != backend():
            self._prepare()
        ready, self._one_by_one = self._collector and not self._one_by_one, False
        found = self._collector.collect(params) if ready and type(params) is list else None
        for cohort in self.cohorts:
            cohort.located = found is not None
        if found is not None:
            self.grads = [[found[i] for i in places] for places in self._places]
            return True
        if len(params) != len(self._params) or not all(map(access.same, params, self._params)):
            return False
        if any(map(access.has_grad, self._idle)):
            return False
        self.grads = []
        for cohort in self.cohorts:
            if not all(map(is_, map(access.array, cohort.keys), cohort.arrays)):  # `p.data = ...`
                return False
            try:
                self.grads.append(list(map(access.grad, cohort.keys)))
            except (AttributeError, KeyError):
                return False
        return True

    def unfreeze(self) -> None:
        """Read gradients where they are, after a step that was prepared with those of one moment."""
        self._access, self._backend = tensor_access(self._params), ""

    def require_shapes(self) -> None:
        """Refuse gradients that have not their parameters' shapes."""
        for cohort, grads in zip(self.cohorts, self.grads):
            if not cohort.located:
                cohort.require_shapes(grads)

    def update(self) -> None:
        """Update all parameters, and let go of the gradients."""
        for cohort, grads in zip(self.cohorts, self.grads):
            cohort.update(grads)
            cohort.commit(self._who)
        self.grads = []

    def part(self) -> None:
        """Leave the parameters to another plan."""
        for cohort in self.cohorts:
            cohort.part()

    # --- with everything looked through in one compiled call ---------------------------------------------------------

    def quick(self, group: Group, gain: float, steps: int) -> bool:
        """Do the whole step of an only group in one call, if that is possible; False where nothing was done.

        An interrupt can come between any two lines of it, also between the launch and its being counted: whoever
        calls this calls `finish` then.

        Parameters
        ----------
        group : dict
        gain : float
        steps : int
            How many steps the optimizer has made.
        """
        if not self._aim(group, gain, steps):
            return False
        cohort = self.cohorts[0]
        if not self._ready.launch(group["params"], cohort.pack()):
            self._began = None
            return False
        cohort.commit(self._who)
        self._optimizer._steps = steps + 1
        self._began = None
        return True

    def _aim(self, group: Group, gain: float, steps: int) -> bool:
        """Get ready for a launch in one call; False where that is not possible."""
        if self._backend != backend():
            self._prepare()
        if self._ready is None or type(group["params"]) is not list or not self.settle(group, gain):
            return False
        self.grads = []
        self._began = self.cohorts[0].t, self._ready.count, steps
        return True

    def _hold(self, params: list[Any]) -> bool:
        """Locate the gradients and keep them alive; False if they are not as expected."""
        self._held = self._collector.collect(params)
        return self._held is not None

    def _fire(self) -> None:
        """Launch over gradients that are held."""
        if not self._ready.launch(self._params, self.cohorts[0].pack()):  # another thread has changed them since
            with uninterrupted():
                self.cohorts[0].launch()
                self._ready.count_one()

    @property
    def _launched(self) -> bool:
        return self._began is not None and bool(self._ready.recount() > self._began[1])

    def _prepare(self) -> None:
        self._backend, self._collector, self._ready = backend(), None, None
        if not (self._access.tensors and self.cohorts and all(cohort.in_place for cohort in self.cohorts)):
            return
        from tinygrad_lite.kernels.native.find_arrays import Collector
        from tinygrad_lite.kernels.native.object_layout import known

        if not known():
            return
        params = self._params
        targets: dict[int, int] = {}
        for cohort in self.cohorts:
            targets.update(zip(map(id, cohort.keys), cohort.tables.targets()))
        self._collector = Collector(params, self._arrays, [targets.get(id(p), 0) for p in params])
        index = {id(p): i for i, p in enumerate(params)}
        self._places = [[index[id(key)] for key in cohort.keys] for cohort in self.cohorts]
        cohort = self.cohorts[0]
        if len(self.cohorts) == 1 and not cohort.fused.factors and cohort.brief:
            from ...kernels.step_in_one_call import Ready

            kernel = cohort.fused.kernel("update", cohort.dtype)
            self._ready = Ready(self._collector, kernel, cohort.tables.pieces, cohort.dtype)


def quick(plans: list[Plan | None], groups: list[Group], gain: float, steps: int) -> bool:
    """Do the whole step of several groups in one call for each, if that is possible; False where nothing was done.

    As of `Plan.quick`, an interrupt can come anywhere, and whoever calls this calls `finish` then.
    """
    for plan, group in zip(plans, groups):
        if plan is None or not plan._aim(group, gain, steps) or not plan._hold(group["params"]):
            for each in plans:
                if each is not None:
                    each._began = None
            return False
    known = cast("list[Plan]", plans)
    for plan in known:
        plan._fire()
    for plan in known:
        plan.cohorts[0].commit(plan._who)
    known[0]._optimizer._steps = steps + 1
    for plan in known:
        plan._began = plan._held = None
    return True


def finish(plans: Iterable[Plan]) -> None:
    """After an interrupt in a quick step: make it whole, if it was begun, and count it."""
    begun = [plan for plan in plans if plan._began is not None]
    launched = [plan._launched for plan in begun]
    for plan, done in zip(begun, launched):
        assert plan._began is not None
        t, _, steps = plan._began
        if any(launched):
            if not done:
                plan._fire()
            plan.cohorts[0].t = t
            plan.cohorts[0].commit(plan._who)
            plan._optimizer._steps = steps + 1
        plan._began = plan._held = None
