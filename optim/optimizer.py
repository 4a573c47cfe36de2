"""`Optimizer`: PyTorch's face and the teaching texts', over one formula for each rule."""

from __future__ import annotations

import functools
import inspect
import numbers
from collections.abc import Callable, Mapping, MutableMapping
from operator import is_
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np

from tinygrad_lite import Tensor, enable_grad
from tinygrad_lite.graph import written

from . import dicts, groups, hyper, state
from .cohort import Access, Array, Cohort, Plan, in_order, is_dense, name_of, order_of, tensor_access
from .fuse import PROLOGUE_SWITCHES, Fused, fuse
from .groups import Group


class formula:
    """Decorate an update formula: a plain function of a parameter's element, its gradient's, and so on.

    On the class it is that function. On an optimizer ``update`` is the teaching texts' method,
    ``opt.update(params, grads)``, which applies the formula to dicts of arrays; see `Optimizer`.

    Parameters
    ----------
    function : callable
        ``function(p, g, ...)``: the parameter's element, the gradient's, then states and scalars by name; returns
        the new ``p``, followed by the states.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> optim.SGD.update(1.0, 2.0, None, lr=0.25, mu=0.0, c=1.0, heavy=False, nesterov=False)
    (0.5, None)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    @overload
    def __get__(self, optimizer: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(
        self, optimizer: Optimizer, owner: type
    ) -> Callable[[MutableMapping[str, Any], Mapping[str, Any]], None]: ...
    def __get__(self, optimizer: Any, owner: type) -> Callable[..., Any]:
        if optimizer is None:
            return self.function
        return functools.partial(dicts.update, optimizer)


@hyper.dataclass_transform(field_specifiers=(hyper.field,))
class _Declared:
    """What type checkers need to know: annotated attributes are arguments of the constructor."""

    state: Any
    update: Any
    param_groups: list[Group]
    defaults: Group
    grad_scale: float


class Optimizer(_Declared):
    r"""Base class of all optimizers.

    A subclass declares its hyperparameters, its state, and one formula for one element:

    * annotated attributes with defaults are the hyperparameters, arguments of the constructor in that order;
    * ``state`` names what is kept for each parameter: the formula's name for it -> the key in the state dict;
    * ``update(p, g, ...)``, marked `formula`, takes a parameter's element, its gradient's, then any of the
      states and scalars by name, and returns the new ``p`` followed by the states in the order of ``state``.
      It uses NumPy, branches on values with `np.where` only, and on switches (arguments that are True or
      False) with ``if``;
    * ``scalars(group, t)`` computes once per step, in Python's float64, whatever depends on no element: bias
      corrections, switches. What it does not return comes from the group by name.

    From these follow a loop compiled by numba that updates all parameters in place, its reference in plain
    NumPy, weight decay, `maximize`, parameter groups, state dicts, and the face of the teaching texts,
    `update(params, grads)`.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What `step` updates; dicts are groups with hyperparameters of their own. Left out (or None) for use
        with ``update(params, grads)``: then the first positional argument is the first hyperparameter.
    maximize : bool
        Follow the gradient uphill.
    foreach, fused, capturable, differentiable
        Accepted where PyTorch has them, and without effect: they choose between implementations there.

    Attributes
    ----------
    param_groups : list of dict
        As PyTorch's.
    state : dict
        Parameter -> its step count and arrays, as PyTorch's, but NumPy arrays.
    grad_scale : float
        Multiplies every gradient, at no cost: 1 by default.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import optim
    >>> class SignDescent(optim.Optimizer):
    ...     lr: float = 0.1
    ...
    ...     @optim.formula
    ...     def update(p, g, lr):
    ...         return p - lr * np.sign(g)
    >>> params, grads = {"w": np.ones(3)}, {"w": np.array([3.0, 0.0, -2.0])}
    >>> SignDescent().update(params, grads)
    >>> params["w"]
    array([0.9, 1. , 1.1])
    """

    if TYPE_CHECKING:
        params: Any = hyper.field(default=None)
        maximize: bool = hyper.field(default=False, kw_only=True)
        foreach: bool | None = hyper.field(default=None, kw_only=True)
        capturable: bool = hyper.field(default=False, kw_only=True)
        differentiable: bool = hyper.field(default=False, kw_only=True)
        fused: bool | None = hyper.field(default=None, kw_only=True)

    decoupled: ClassVar[bool] = False  # weight decay shrinks the parameter itself and stays out of the gradient
    counted: ClassVar[bool] = True  # the state dict has "step"; else `t` only tells the first step from the others
    elementwise: ClassVar[bool] = True  # False: `update` gets whole arrays, in NumPy, with either backend
    ignored: ClassVar[tuple[str, ...]] = ("foreach", "capturable", "differentiable", "fused")
    ranges: ClassVar[dict[str, tuple[float, float, str]]] = {}

    _fields: ClassVar[dict[str, Any]] = {}
    _ranges: ClassVar[dict[str, tuple[float, float, str]]] = hyper.RANGES
    _states: ClassVar[dict[str, str]] = {}
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = cls.__dict__.get("state")
        if declared is not None:
            cls._states = dict(declared) if isinstance(declared, Mapping) else {name: name for name in declared}
            del cls.state  # on an optimizer `state` is the state itself
        update = cls.__dict__.get("update")
        if update is not None and not isinstance(update, formula):
            cls.update = formula(update.__func__ if isinstance(update, staticmethod) else update)
        cls._ranges = {**cls._ranges, **cls.__dict__.get("ranges", {})}
        cls._fields = hyper.declare(cls, cls._fields)
        named = {"maximize": False, **{name: _IGNORED[name] for name in cls.ignored}}
        for name in named:
            setattr(cls, name, hyper.Hyperparameter(name, named[name]))
        cls.__signature__ = hyper.signature(cls._fields, named)

    def __init__(self, *args: Any, **hyperparameters: Any) -> None:
        if not hasattr(type(self), "update"):
            raise TypeError(f"{self._name}: a class without an update formula; see Optimizer")
        if args and isinstance(args[0], numbers.Real):
            args = (None, *args)
        try:
            bound = type(self).__signature__.bind(*args, **hyperparameters)
        except TypeError as error:
            raise TypeError(f"{self._name}: {error}") from None
        bound.apply_defaults()
        values = dict(bound.arguments)
        params = values.pop("params")
        self.defaults = self._checked(values)
        self.grad_scale = 1.0
        self.param_groups: list[Group] = []
        self._state: dict[Any, dict[str, Any]] = {}
        self._plans: dict[int, Plan] = {}
        self._boxes: dict[Any, Array] = {}
        self._by_name = params is None
        if self._by_name:
            self.param_groups.append({"params": [], **self.defaults})
            return
        for group in groups.listed(self._name, params):
            self.add_param_group(group)

    # --- for subclasses ------------------------------------------------------------

    def scalars(self, group: Group, t: int) -> dict[str, Any]:
        """Return what the formula needs and no element decides, by name: once per step, in Python's float64.

        Parameters
        ----------
        group : dict
            The hyperparameters.
        t : int
            The number of the step, from 1.

        Returns
        -------
        dict of float or bool
            By default ``beta1``, ``beta2`` ... from ``betas``. Hyperparameters need not be repeated.
        """
        return {f"beta{i}": beta for i, beta in enumerate(group.get("betas", ()), 1)}

    def start(self, group: Group) -> dict[str, float]:
        """Return the states that do not start at zero: the formula's name -> value."""
        return {}

    def check(self, group: Group) -> None:
        """Refuse hyperparameters that do not go together, by a ValueError; ranges are checked without it."""

    # --- groups ------------------------------------------------------------

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _checked(self, values: Group) -> Group:
        for name in type(self)._ranges.keys() & values.keys():
            if getattr(values[name], "ndim", None) == 0 or isinstance(values[name], Tensor):
                values[name] = float(values[name])
        hyper.check(self._name, values, type(self)._ranges)
        if values.get("differentiable"):
            raise ValueError(f"{self._name}: differentiable=True is not supported")
        self.check(values)
        return values

    def add_param_group(self, param_group: Group) -> None:
        """Add a group of parameters with hyperparameters of its own.

        Parameters
        ----------
        param_group : dict
            ``"params"`` and any hyperparameters that differ from the defaults.

        Raises
        ------
        TypeError
            If a parameter is no Tensor, or they come in a set.
        ValueError
            If one is no leaf, or is already being optimized, or a hyperparameter is out of range.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"{self._name}: param_group must be a dict, got {type(param_group).__name__}")
        if self._by_name:
            raise ValueError(f"{self._name}: made without parameters, for update(params, grads)")
        values = self._checked({**self.defaults, **{k: v for k, v in param_group.items() if k != "params"}})
        self.param_groups.append({**groups.members(self._name, param_group, self.param_groups), **values})

    # --- steps ------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and the gradients anew; called first, with gradients enabled.

        Returns
        -------
        What the closure returned, else None.
        """
        if self._by_name:
            raise ValueError(f"{self._name}.step: made without parameters; call update(params, grads)")
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for index, group in enumerate(self.param_groups):
            self._step_group(index, group, None)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients.

        Parameters
        ----------
        set_to_none : bool
            Set them to None; otherwise to zeros, in place.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad._data[...] = 0
                    written(p.grad._data, "zero_grad")

    def _step_group(self, index: int, group: Group, access: Access | None) -> None:
        plan = self._plans.get(index)
        work = None if plan is None else self._prepare(plan, group, access or plan.access)
        if work is None:
            plan = self._plans[index] = self._plan(group, access)
            work = self._prepare(plan, group, plan.access)
        if work is None:
            raise RuntimeError(f"{self._name}: gradients or hyperparameters change while a step is prepared")
        for cohort, grads, scalars in work:
            cohort.step(grads, scalars, self._name)

    def _prepare(self, plan: Plan, group: Group, access: Access) -> list[Any] | None:
        """Collect what each cohort's step needs; None if anything is not as the plan has it."""
        params = group["params"]
        if len(params) != len(plan.params) or not all(map(access.same, params, plan.params)):
            return None
        if any(map(access.has_grad, plan.idle)):
            return None
        work = []
        for cohort in plan.cohorts:
            if not all(map(is_, map(access.array, cohort.keys), cohort.arrays)):  # `p.data = ...`
                return None
            try:
                grads = list(map(access.grad, cohort.keys))
            except (AttributeError, KeyError):
                return None
            values = self._values(group, cohort.t + 1)
            if any(values[name] is not setting for name, setting in cohort.fused.switches):
                return None
            work.append((cohort, grads, [values[name] for name in cohort.fused.scalars]))
        return work

    def _values(self, group: Group, t: int) -> Group:
        """Everything a formula may ask for by name; the prologue's names are prefixed."""
        decay, gain = group.get("weight_decay", 0), -self.grad_scale if group["maximize"] else self.grad_scale
        decoupled = decay != 0 and bool(group.get("decoupled_weight_decay", self.decoupled))
        return {
            **group,
            **self.scalars(group, t),
            "prologue.gain": gain,
            "prologue.scaled": gain != 1,
            "prologue.l2": decay,
            "prologue.coupled": decay != 0 and not decoupled,
            "prologue.decay": 1 - group["lr"] * decay if decoupled else 1,
            "prologue.decoupled": decoupled,
        }

    def _plan(self, group: Group, access: Access | None) -> Plan:
        """Sort a group's parameters into cohorts, and make the state they need."""
        self._sync()
        params = list(group["params"])
        access = access or tensor_access(params)
        live = [key for key in params if access.has_grad(key)]
        alike: dict[Any, list[Any]] = {}
        for key in live:
            array, found = access.array(key), self._state.get(key)
            if array.dtype.kind != "f" or not array.flags.writeable:
                problem = "is read-only" if array.dtype.kind == "f" else f"is {array.dtype}, not floating point"
                raise ValueError(f"{self._name}: {name_of(key)} {problem}")
            t = 0 if not found else int(found["step"]) if self.counted else 1
            alike.setdefault((array.dtype.char, t), []).append(key)
        cohorts = []
        for (_, t), keys in alike.items():
            fused = self._fused(self._values(group, t + 1))
            arrays = [access.array(key) for key in keys]
            states = [[self._state_of(key, a, name, group) for key, a in zip(keys, arrays)] for name in fused.states]
            cohorts.append(Cohort(keys, arrays, states, fused, t))
        return Plan(params, [key for key in params if not access.has_grad(key)], cohorts, access)

    def _fused(self, values: Group) -> Fused:
        update = type(self).update
        names = (*PROLOGUE_SWITCHES, *inspect.signature(update).parameters)
        switches = tuple((name, values[name]) for name in names if isinstance(values.get(name), bool))
        fused = fuse(self._name, update, tuple(self._states), switches, self.elementwise)
        unknown = [name for name in fused.scalars if name not in values]
        if unknown:
            raise TypeError(
                f"{self._name}.update: {unknown[0]!r} is neither a state nor a hyperparameter, "
                "nor returned by scalars()"
            )
        return fused

    def _state_of(self, key: Any, p: Array, name: str, group: Group) -> Array:
        """One state of one parameter, in the parameter's memory order: as it is, or new."""
        states = self._state.setdefault(key, {})
        found: Array | None = states.get(self._states[name])
        order = order_of(p)
        if found is None:
            found = np.full(p.shape, self.start(group).get(name, 0), p.dtype, order)
        elif found.shape != p.shape:
            raise ValueError(f"{self._name}: the state of {name_of(key)} has shape {found.shape}, not {p.shape}")
        elif found.dtype != p.dtype or not is_dense(found) or not in_order(found, order):
            found = np.array(found, p.dtype, order=order)
        states[self._states[name]] = found
        return found

    # --- state ------------------------------------------------------------

    def _sync(self) -> None:
        """Write the step counts, which cohorts keep, to the state."""
        if self.counted:
            for plan in self._plans.values():
                for cohort in plan.cohorts:
                    for key in cohort.keys:
                        self._state.setdefault(key, {})["step"] = cohort.t

    @property
    def state(self) -> Any:
        """Parameter -> its state: the step count and the arrays."""
        self._sync()
        self._plans.clear()  # whoever asks may change it
        return self._state

    @state.setter
    def state(self, value: Any) -> None:
        self._state = dict(value)
        self._plans.clear()

    def state_dict(self, convert: Callable[[Array], Any] | None = None) -> dict[str, Any]:
        """Return the state and the hyperparameters, in PyTorch's layout.

        Parameters
        ----------
        convert : callable, optional
            Applied to every array; ``torch.from_numpy`` makes a state dict that PyTorch loads.

        Returns
        -------
        dict
            ``"state"``: a parameter's number (its key, for an optimizer of dicts) -> its state, the arrays
            themselves;
            ``"param_groups"``.
        """
        return state.pack(self, convert)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state and hyperparameters: copies, in the parameters' dtypes.

        Parameters
        ----------
        state_dict : dict
            From `state_dict`, or from the same optimizer of PyTorch.

        Raises
        ------
        ValueError
            If groups, parameters or shapes differ, or a parameter's state is incomplete. Nothing is changed
            then.
        """
        state.unpack(self, state_dict)

    def __getstate__(self) -> dict[str, Any]:
        self._sync()
        return {**self.__dict__, "_plans": {}}

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


_IGNORED: dict[str, Any] = {"foreach": None, "capturable": False, "differentiable": False, "fused": None}
