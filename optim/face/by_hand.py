"""Optimizers written PyTorch's way: ``super().__init__(params, defaults)`` and a `step` of their own."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from tinygrad_lite import Tensor, from_numpy

from ..step.declare.hyperparameters import Group


class _Required:
    """The default of a hyperparameter that every group must have."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `step` that calls the optimizer's hooks, and is counted for schedulers.

    A hook that is called before may return the arguments and keyword arguments to go on with. A step inside a step, as
    by ``super().step()``, is a part of it.
    """

    @functools.wraps(step)
    def made(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._stepping:
            return step(self, *args, **kwargs)
        self._stepping = True
        try:
            for hook in self._hooks_of("step_pre"):
                changed = hook(self, args, kwargs)
                if changed is not None:
                    args, kwargs = changed
            result = step(self, *args, **kwargs)
            for hook in self._hooks_of("step_post"):
                hook(self, args, kwargs)
            self._steps += 1
            return result
        finally:
            self._stepping = False

    return made


def with_defaults(who: str, group: Group, defaults: Mapping[str, Any]) -> Group:
    """Return a group's hyperparameters, and the defaults where it has none.

    Raises
    ------
    ValueError
        If there is none that is required.
    """
    found = {**defaults, **{name: value for name, value in group.items() if name != "params"}}
    missing = [name for name, value in found.items() if value is required]
    if missing:
        raise ValueError(f"{who}: a group of parameters must have {', '.join(missing)}, which has no default")
    return found


def pack(optimizer: Any, labels: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the state as a state dict has it: parameters by their labels, other keys as they are."""
    return {labels.get(key, key): value for key, value in optimizer._state.items()}


def unpack(optimizer: Any, keys: Mapping[Any, Any], state: Mapping[Any, Any], groups: list[Group]) -> None:
    """Take over a state and groups, by ``__setstate__`` as PyTorch does: a class may add what older ones lack."""
    found: dict[Any, Any] = defaultdict(dict)
    for label, value in state.items():
        key = keys.get(label, label)
        found[key] = cast_state(key, value) if label in keys else deepcopy(value)
    optimizer.__setstate__({"state": found, "param_groups": groups})


def cast_state(param: Tensor, value: Any, name: Any = None) -> Any:
    """Copy a value of a parameter's state: Tensors in the parameter's dtype, but for the step; the rest as it is."""
    if isinstance(value, Mapping):
        return {key: cast_state(param, each, key) for key, each in value.items()}
    if not isinstance(value, (Tensor, np.ndarray, np.generic)) and hasattr(value, "__array__"):  # another library's
        value = from_numpy(np.array(value))
    if isinstance(value, Tensor):
        found = value.detach().clone()
        return found.to(param.dtype) if name != "step" and param.is_floating_point() else found
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, np.ndarray)):
        return type(value)(cast_state(param, each) for each in value)  # type: ignore[call-arg]
    return deepcopy(value)
