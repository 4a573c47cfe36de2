"""State dicts in PyTorch's layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from tinygrad_lite import Tensor, from_numpy

from ..schedules import Schedule
from ..step.bind.prologue_epilogue import AVERAGE
from ..step.declare.hyperparameters import Group, resolved
from ..step.plan.states import constants_of, loop_of
from . import by_hand

STEPS = "scheduled_steps"  # in a group's dict: how many steps its schedules have seen


def pack(optimizer: Any, convert: Callable[[Any], Any] | None, by_name: bool) -> dict[str, Any]:
    """Return `optimizer.state_dict(convert, by_name=by_name)`."""
    optimizer._stepper.sync()
    keys = list(dict.fromkeys(chain.from_iterable(group["params"] for group in optimizer.param_groups)))
    labels: dict[Any, Any] = {key: key if optimizer._by_name else i for i, key in enumerate(keys)}
    if by_name and not optimizer._by_name:
        names = [name for group in optimizer.param_groups for name in group.get("param_names", ())]
        if len(names) != len(keys):
            raise ValueError(f"{optimizer._name}.state_dict: by_name needs parameters given as (name, Tensor) pairs")
        labels = dict(zip(keys, names))

    convert = converter(optimizer, convert)

    def value(x: Any) -> Any:
        x = x._data if isinstance(x, Tensor) else x
        return convert(x) if convert is not None and isinstance(x, np.ndarray) else x

    groups = [_saved_group(optimizer, group) for group in optimizer.param_groups]
    for packed, group in zip(groups, optimizer.param_groups):
        packed["params"] = [labels[key] for key in group["params"]]
    if not hasattr(type(optimizer), "update"):
        return {"state": by_hand.pack(optimizer, labels), "param_groups": groups}
    states = {
        labels[key]: {k: value(v) for k, v in s.items()}
        for key, s in optimizer._state.items()
        if isinstance(s, Mapping)
    }
    states |= {key: s for key, s in optimizer._state.items() if not isinstance(s, Mapping)}  # what a hook keeps there
    return {"state": states, "param_groups": groups}


def converter(optimizer: Any, convert: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """What a state dict's arrays become: Tensors by default, and nothing else for an optimizer of dicts of arrays."""
    return convert or (None if optimizer._by_name else from_numpy)


def _saved_group(optimizer: Any, group: Group) -> Group:
    """The hyperparameters, schedules as descriptions; those that are functions of the user's stay with the user."""
    found: Group = {}
    for name, value in group.items():
        if name == "params" or (callable(value) and not isinstance(value, Schedule)):
            continue
        found[name] = value.to_dict() if isinstance(value, Schedule) else value
        if isinstance(value, tuple) and any(map(callable, value)):
            if not all(isinstance(v, Schedule) for v in value if callable(v)):
                del found[name]
                continue
            found[name] = tuple(v.to_dict() if callable(v) else v for v in value)
    if any(callable(v) or (isinstance(v, tuple) and any(map(callable, v))) for v in group.values()):
        found[STEPS] = optimizer._steps
    return found


def _loaded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Schedule.from_dict(value)
    if isinstance(value, (tuple, list)) and any(isinstance(v, Mapping) for v in value):
        return tuple(_loaded(v) for v in value)
    return deepcopy(value)


def unpack(optimizer: Any, state_dict: Mapping[str, Any], strict: bool) -> None:
    """Do `optimizer.load_state_dict(state_dict, strict=strict)`."""
    who = optimizer._name
    saved_groups = [dict(group) for group in state_dict["param_groups"]]
    if len(saved_groups) != len(optimizer.param_groups):
        raise ValueError(f"{who}: the state dict has {len(saved_groups)} groups, not {len(optimizer.param_groups)}")
    keys = paired(optimizer, saved_groups, strict)
    if not hasattr(type(optimizer), "update"):
        rest = [{n: deepcopy(v) for n, v in saved.items() if n != "params"} for saved in saved_groups]
        filled = [{"params": group["params"], **each} for group, each in zip(optimizer.param_groups, rest)]
        by_hand.unpack(optimizer, keys, state_dict["state"], filled)
        return
    groups, steps = [], optimizer._steps
    for saved, own in zip(saved_groups, optimizer.param_groups):
        steps = int(saved.pop(STEPS, steps))
        values = {n: _loaded(v) for n, v in saved.items() if n not in ("params", "param_names")}
        params = [keys[label] for label in saved["params"]] if optimizer._by_name else own["params"]
        names = {"param_names": own["param_names"]} if "param_names" in own else {}
        kept = {n: v for n, v in own.items() if callable(v) and n not in values}
        checked = optimizer._checked({**optimizer.defaults, **kept, **values})
        groups.append({"params": params, **names, **checked})
    group_of = {label: group for group, saved in zip(groups, saved_groups) for label in saved["params"]}
    states = {}
    for label, saved in state_dict["state"].items():
        if label not in group_of and not isinstance(saved, Mapping):  # what a hook keeps there
            states[label] = deepcopy(saved)
            continue
        if label not in group_of:
            raise ValueError(f"{who}: the state dict has a state of parameter {label!r}, which is in no group")
        if label in keys:
            states[keys[label]] = _copied(optimizer, label, keys[label], saved)
            _check_complete(optimizer, label, group_of[label], states[keys[label]])
    optimizer.param_groups[:] = groups
    optimizer.state = states
    optimizer._steps = steps


def paired(optimizer: Any, saved_groups: list[Group], strict: bool) -> dict[Any, Any]:
    """What the state dict calls each parameter -> the parameter."""
    who, keys = optimizer._name, dict[Any, Any]()
    if optimizer._by_name:
        return {label: label for saved in saved_groups for label in saved["params"]}
    own_names = [group.get("param_names") for group in optimizer.param_groups]
    names: list[Any] = [saved.get("param_names") or _if_names(saved["params"]) for saved in saved_groups]
    if all(own_names) and all(names):
        own = {n: p for group in optimizer.param_groups for n, p in zip(group["param_names"], group["params"])}
        theirs = {n: label for saved, each in zip(saved_groups, names) for n, label in zip(each, saved["params"])}
        missing, unexpected = [n for n in own if n not in theirs], [n for n in theirs if n not in own]
        if strict and (missing or unexpected):
            raise ValueError(f"{who}: the state dict's parameters differ: missing {missing}, unexpected {unexpected}")
        return {label: own[n] for n, label in theirs.items() if n in own}
    for i, (saved, group) in enumerate(zip(saved_groups, optimizer.param_groups)):
        if len(saved["params"]) != len(group["params"]):
            raise ValueError(
                f"{who}: group {i} has {len(group['params'])} parameters, the state dict's {len(saved['params'])}"
            )
        keys.update(zip(saved["params"], group["params"]))
    return keys


def _if_names(labels: list[Any]) -> list[Any] | None:
    return labels if labels and all(isinstance(label, str) for label in labels) else None


def _copied(optimizer: Any, label: Any, key: Any, saved: Mapping[str, Any]) -> dict[str, Any]:
    """One parameter's state: arrays of its dtype, and numbers as numbers."""
    who = f"{optimizer._name}: the state of parameter {label!r}"
    wanted = {*optimizer._rule.states.values(), "ema"}
    found: dict[str, Any] = {}
    for name, value in saved.items():
        if name == "step":
            found[name] = int(value)
        elif name in optimizer._rule.kept:
            found[name] = float(value)
        elif name in wanted and value is not None:
            array = np.asarray(value)
            if not optimizer._by_name:
                if array.shape != key.shape and not optimizer._rule.whole:
                    raise ValueError(f"{who}: {name} must have shape {key.shape}, got {array.shape}")
                array = array.astype(key.dtype)
            found[name] = array.copy()
        elif value is not None:
            raise ValueError(f"{who} has {name!r}, which {optimizer._name} does not know")
    if optimizer._rule.counted and "step" not in found:
        raise ValueError(f"{who} lacks 'step'")
    return found


def _check_complete(optimizer: Any, label: Any, group: Group, found: Mapping[str, Any]) -> None:
    if not found or found.get("step") == 0:  # has not begun
        return
    found_group, _ = resolved(group, optimizer._steps)
    kept = {name: found.get(name, first) for name, first in optimizer._rule.kept.items()}
    constants = constants_of(optimizer, found_group, optimizer.grad_scale)
    fused = loop_of(optimizer, {**constants, **optimizer.scalars(found_group, int(found.get("step", 1)) + 1, **kept)})
    for name in fused.states:
        if name != AVERAGE and optimizer._rule.states[name] not in found:
            raise ValueError(
                f"{optimizer._name}: the state of parameter {label!r} lacks {optimizer._rule.states[name]!r}"
            )
