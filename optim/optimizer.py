"""`Optimizer`: PyTorch's face and the teaching texts', over one formula for each rule."""

from __future__ import annotations

import inspect
import os
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinygrad_lite import Tensor, enable_grad
from tinygrad_lite.graph import written

from .face import by_hand, dict_interface
from .face import param_groups as groups
from .face import state_dict as state
from .face.by_hand import required as required
from .face.hooks import Hooks
from .face.hooks import register_optimizer_step_post_hook as register_optimizer_step_post_hook
from .face.hooks import register_optimizer_step_pre_hook as register_optimizer_step_pre_hook
from .step.declare import hyperparameters as hyper
from .step.declare.contract import Contract
from .step.declare.formula import formula as formula
from .step.declare.hyperparameters import Group
from .step.declare.rule import declare
from .step.interrupts import uninterrupted
from .step.plan.parameter_batch import Array
from .step.plan.states import require_dtype
from .step.run import differentiable_step as unrolled
from .step.run import gradient_norm as inspection
from .step.run.stepper import Stepper

_HERE = f"{__package__}."
_all: weakref.WeakSet[Any] = weakref.WeakSet()
_IGNORED: dict[str, Any] = {"foreach": None, "capturable": False, "differentiable": False, "fused": None}
_WHOLE = {"max_grad_norm", "on_nonfinite"}  # about all groups together
_KINDS = {
    "maximize": "bool",
    "foreach": "bool | None",
    "capturable": "bool",
    "differentiable": "bool",
    "fused": "bool | None",
    "max_grad_value": "float | None",
    "ema": "float | None",
}
_OPTIONAL = ("max_grad_norm", "max_grad_value", "on_nonfinite", "ema")  # in no group unless they are set


def _has_formula(cls: type) -> bool:
    """Whether a class declares what is to be compiled. An unmarked `update` beside a `step` of its own does not."""
    update = inspect.getattr_static(cls, "update", None)
    return isinstance(update, formula) or (update is not None and "step" not in cls.__dict__)


class Optimizer(Contract, Hooks):
    r"""Base class of all optimizers.

    A subclass declares its hyperparameters, its state, and one formula for one element:

    * annotated attributes with defaults are the hyperparameters, arguments of the constructor in that order;
    * ``state`` names what is kept for each parameter: the formula's name for it -> the key in the state dict;
    * ``update(p, g, ...)``, marked `formula`, takes a parameter's element, its gradient's, then any of the
      states and scalars by name, and returns the new ``p`` followed by the states in the order of ``state``.
      It uses NumPy, branches on values with `np.where` only, and on switches (arguments that are True or
      False) with ``if``;
    * ``scalars(group, t)`` computes once per step, in Python's float64, whatever depends on no element: bias
      corrections, switches. What it does not return comes from the group by name;
    * ``kept`` names numbers that each parameter keeps between steps, with their first values: ``scalars`` gets them
      by keyword and returns the next ones;
    * ``measure(p, g, ...)``, a formula for what is to be summed over each tensor before the update, ``sums``, the
      sums' names, and ``ratios(group, t, **sums)``, which makes of them what the update needs for each tensor; see
      `LARS`;
    * ``elementwise = False`` and ``update_array(p, g, state, group, t)`` instead of a formula, where whole arrays
      are needed; see `Muon`.

    From these follow a loop compiled by numba that updates all parameters in place, its reference in plain
    NumPy, weight decay, clipping, `maximize`, running means of the weights, parameter groups, state dicts,
    derivatives of a step, and the face of the teaching texts, `update(params, grads)`. A class that is written as for
    PyTorch, with ``super().__init__(params, defaults)`` and a `step` of its own over ``self.param_groups`` and
    ``self.state[p]``, works as well; of these it has the groups, hooks, state dicts and schedulers.

    Any hyperparameter may be a schedule: a function of the number of steps made before, such as those in
    `tinygrad_lite.optim.schedules`.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What `step` updates; dicts are groups with hyperparameters of their own. Left out (or None) for use
        with ``update(params, grads)``: then the first positional argument is the first hyperparameter.
        Complex ones are updated as pairs of real numbers, which a rule for whole arrays (Muon, Adafactor) refuses.
    maximize : bool
        Follow the gradient uphill.
    max_grad_norm : float, optional
        Scale the gradients down so that the norm of all of them together is at most this, in the same step; what
        `nn.utils.clip_grad_norm_` does in a pass of its own.
    max_grad_value : float, optional
        Clip every element of the gradient to this absolute value.
    on_nonfinite : {"raise", "skip"}, optional
        What to do about a gradient that is infinite or not a number, before anything is overwritten: raise an
        error that names the parameter, or leave the step out (and count it in `skipped`).
    ema : float, optional
        Keep a running mean of the weights, ``e = ema * e + (1 - ema) * p``, in the same pass; see `averaged`.
    differentiable : bool
        Run the formula on Tensors and record it, so that a later loss can be differentiated with respect to
        hyperparameters and the first parameters. The parameters get new arrays then and are no leaves any more.
    foreach, fused, capturable
        Accepted where PyTorch has them, and without effect: they choose between implementations there.

    Attributes
    ----------
    param_groups : list of dict
        As PyTorch's.
    state : dict
        Parameter -> its step count and arrays, as PyTorch's, but NumPy arrays.
    grad_scale : float
        Multiplies every gradient, at no cost: 1 by default.
    skipped : int
        How many steps were left out for gradients that are not finite.

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
        max_grad_norm: float | None = hyper.field(default=None, kw_only=True)
        max_grad_value: float | None = hyper.field(default=None, kw_only=True)
        on_nonfinite: str | None = hyper.field(default=None, kw_only=True)
        ema: float | None = hyper.field(default=None, kw_only=True)
        foreach: bool | None = hyper.field(default=None, kw_only=True)
        capturable: bool = hyper.field(default=False, kw_only=True)
        differentiable: bool = hyper.field(default=False, kw_only=True)
        fused: bool | None = hyper.field(default=None, kw_only=True)

    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not (_has_formula(cls) or "update_array" in cls.__dict__ or cls.__module__.startswith(_HERE)):
            if "step" in cls.__dict__:
                cls.step = by_hand.hooked(cls.step)  # type: ignore[method-assign]
            cls._by_hand = cls.step is not Optimizer.step
            if cls._by_hand:
                return  # written PyTorch's way: it declares nothing, and a method called `update` is its own
        cls._rule = declare(cls, getattr(cls, "_rule", None), _KINDS)
        cls._by_hand = not hasattr(cls, "update")
        if not cls.__module__.startswith(_HERE):  # those are checked by tests, and reading a text takes milliseconds
            cls._formulas_are_checked = cls._rule.check_formulas(defined=False)
        named = {"maximize": False, **{name: _IGNORED[name] for name in cls.ignored}, **dict.fromkeys(_OPTIONAL)}
        for name in (*named, "differentiable"):
            setattr(cls, name, hyper.Hyperparameter(name, named.get(name, False), _KINDS.get(name, "")))
        for name in _WHOLE:
            delattr(cls, name)
        cls.__signature__ = hyper.signature(cls._rule.fields, named)

    _by_hand: ClassVar[bool] = True  # has no formula

    def __new__(cls, *args: Any, **hyperparameters: Any) -> Any:
        self = super().__new__(cls)
        self._begin()
        return self

    def _begin(self) -> None:
        """Whatever is there before ``__init__``, which a wrapper around another optimizer may never call here."""
        self.grad_scale, self.skipped = 1.0, 0
        self._state: dict[Any, dict[str, Any]] = defaultdict(dict)
        self._stepper = Stepper(self)
        self._boxes: dict[Any, Array] = {}
        self._steps = 0  # what schedules count
        self._by_name = False
        self.max_grad_norm = self.on_nonfinite = None
        self._over_ranks: Callable[[float], float] = float  # sums what is asked of gradients that are elsewhere, too
        self._renew_lock()

    def __init__(self, *args: Any, **hyperparameters: Any) -> None:
        if type(self)._by_hand:
            self._begin_by_hand(*args, **hyperparameters)
            return
        if args and groups.is_schedule(args[0]):
            args = (None, *args)
        try:
            bound = type(self).__signature__.bind(*args, **hyperparameters)
        except TypeError as error:
            raise TypeError(f"{self._name}: {error}") from None
        bound.apply_defaults()
        values = dict(bound.arguments)
        params = values.pop("params")
        self.max_grad_norm, self.on_nonfinite = inspection.checked(self._name, values)
        self._set_up(self._checked(values), params)

    def _begin_by_hand(self, params: Any = None, defaults: Any = None) -> None:
        """What ``super().__init__(params, defaults)`` is in a class with a `step` of its own."""
        if not isinstance(defaults, Mapping):
            raise TypeError(
                f"{self._name}: a class without an update formula; see Optimizer. One with a step of its own calls "
                "super().__init__(params, defaults), with a dict of hyperparameters"
            )
        if params is None:
            raise TypeError(f"{self._name}: params must be an iterable of Tensors, got None: it has no formula")
        self._set_up(dict(defaults), params)

    def _set_up(self, defaults: Group, params: Any) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self._by_name = params is None
        if self._by_name:
            self.param_groups.append({"params": [], **self.defaults})
            return
        for group in groups.listed(self._name, params):
            self.add_param_group(group)

    # --- groups ------------------------------------------------------------

    def _checked(self, values: Group) -> Group:
        self._rule.check_values(values)
        differentiable = bool(values.get("differentiable"))
        for name, value in values.items():
            if isinstance(value, Tensor) and value.ndim == 0 and not (differentiable and value.requires_grad):
                values[name] = float(value)
            elif isinstance(value, np.bool_):
                values[name] = bool(value)
        for name in _OPTIONAL:
            if name in values and values[name] is None:
                del values[name]
        if differentiable and (self._rule.whole or type(self).gathered is not Optimizer.gathered):
            raise ValueError(f"{self._name}: differentiable=True is not supported: it is no formula for one tensor")
        self.check(hyper.resolved(values, 0)[0])
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
        for name in _WHOLE & param_group.keys():
            raise ValueError(f"{self._name}: {name} is about all groups together; give it to the optimizer")
        values = by_hand.with_defaults(self._name, param_group, self.defaults)
        if not self._by_hand:
            values = self._checked(values)
        leaves = not values.get("differentiable")
        members = groups.members(self._name, param_group, self.param_groups, leaves)
        if not self.takes_complex:
            for p in members["params"]:
                require_dtype(self, p, p.dtype)
        self.param_groups.append({**members, **values})

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

        Raises
        ------
        FloatingPointError
            If a gradient is not finite and `on_nonfinite` is "raise"; nothing was changed then.
        """
        if not hasattr(type(self), "update"):
            raise NotImplementedError(f"{self._name}.step: must be defined, or an update formula; see Optimizer")
        if self._by_name:
            raise ValueError(f"{self._name}.step: made without parameters; call update(params, grads)")
        if self._hooks:
            self._call_hooks("step_pre", closure)
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if self.param_groups[0].get("differentiable"):
            unrolled.step(self)
        else:
            self._step(None)
        if self._hooks:
            self._call_hooks("step_post", closure)
        return loss

    def _update_dict(self, params: MutableMapping[Any, Any], grads: Mapping[Any, Any]) -> None:
        """Update a dict or list of parameters from a dict or list of gradients; what ``update`` is on an optimizer."""
        dict_interface.update(self, params, grads)

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
                elif (grad := p.grad) is not None:
                    grad._data[...] = 0
                    written(grad._data, "zero_grad")

    # --- state ------------------------------------------------------------

    @property
    def state(self) -> Any:
        """Parameter -> its state: the step count and the arrays."""
        with self._lock:
            self._stepper.sync()
            self._stepper.forget()  # whoever asks may change it
        return self._state

    @state.setter
    def state(self, value: Any) -> None:
        self._state = defaultdict(dict, value)
        self._stepper.forget()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Have the running means of the weights, which `ema` keeps, in the parameters inside a ``with`` block.

        Examples
        --------
        >>> import tinygrad_lite as tg
        >>> from tinygrad_lite import optim
        >>> w = tg.tensor([1.0], requires_grad=True)
        >>> opt = optim.SGD([w], lr=0.5, ema=0.5)
        >>> w.grad = tg.tensor([1.0])
        >>> opt.step()
        >>> with opt.averaged():
        ...     print(w.item())
        0.75
        >>> w.item()
        0.5
        """
        self._exchange_averages()
        try:
            yield
        finally:
            self._exchange_averages()

    def _exchange_averages(self) -> None:
        if not any("ema" in s for s in self._state.values()):
            raise ValueError(f"{self._name}.averaged: no running mean is kept; make the optimizer with ema=")
        with uninterrupted():
            for key, found in self._state.items():
                if "ema" in found:
                    array = key._data if isinstance(key, Tensor) else self._boxes[key]
                    array[...], found["ema"][...] = found["ema"].copy(), array.copy()
                    written(array, "averaged", 3)

    def state_dict(self, convert: Callable[[Array], Any] | None = None, *, by_name: bool = False) -> dict[str, Any]:
        """Return the state and the hyperparameters, in PyTorch's layout.

        Parameters
        ----------
        convert : callable, optional
            Applied to every array; ``torch.from_numpy`` makes a state dict that PyTorch loads. Default: Tensors that
            share their memory; for an optimizer of dicts of arrays, the arrays themselves.
        by_name : bool
            Let parameters be known by their names, with which the optimizer must have been made, and not by
            numbers.

        Returns
        -------
        dict
            ``"state"``: a parameter's number (its key, for an optimizer of dicts) -> its state; ``"param_groups"``.
        """
        self._call_hooks("state_dict_pre")
        with self._lock:  # a first step elsewhere would add to what is walked through
            packed = state.pack(self, convert, by_name)
        return self._call_hooks("state_dict_post", packed) or packed

    def load_state_dict(self, state_dict: Mapping[str, Any], *, strict: bool = True) -> None:
        """Take over a state and hyperparameters: copies, in the parameters' dtypes.

        Parameters are found by name where both sides have names, whatever their order, else by their places.

        Parameters
        ----------
        state_dict : dict
            From `state_dict`, or from the same optimizer of PyTorch.
        strict : bool
            Whether names must agree. If not, parameters that the state dict does not have start anew, and what
            it has besides is left.

        Raises
        ------
        ValueError
            If groups, parameters or shapes differ, or a parameter's state is incomplete. Nothing is changed
            then.
        """
        state_dict = self._call_hooks("load_state_dict_pre", state_dict) or state_dict
        with self._lock:
            state.unpack(self, state_dict, strict)
        self._call_hooks("load_state_dict_post")

    def __getstate__(self) -> dict[str, Any]:
        self._stepper.sync()
        left = ("_hooks", "_lock", "_stepper")  # hooks as in PyTorch
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            self.__dict__["_state" if name == "state" else name] = value

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()
        _all.add(self)

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _after_fork() -> None:
    """No thread of a child's is in the middle of a step: it gets locks that are free."""
    for optimizer in list(_all):
        optimizer._renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
