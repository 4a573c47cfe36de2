"""State dicts in PyTorch's layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .optimizer import Optimizer


def pack(optimizer: Optimizer, convert: Callable[[Any], Any] | None) -> dict[str, Any]:
    """Return `optimizer.state_dict(convert)`."""
    optimizer._sync()
    keys = list(chain.from_iterable(group["params"] for group in optimizer.param_groups))
    labels = {key: key if optimizer._by_name else i for i, key in enumerate(keys)}

    def value(x: Any) -> Any:
        return convert(x) if convert is not None and isinstance(x, np.ndarray) else x

    groups = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    for packed, group in zip(groups, optimizer.param_groups):
        packed["params"] = [labels[key] for key in group["params"]]
    states = {labels[key]: {k: value(v) for k, v in s.items()} for key, s in optimizer._state.items()}
    return {"state": states, "param_groups": groups}


def unpack(optimizer: Optimizer, state_dict: Mapping[str, Any]) -> None:
    """Do `optimizer.load_state_dict(state_dict)`."""
    who = optimizer._name
    groups = [dict(group) for group in state_dict["param_groups"]]
    if len(groups) != len(optimizer.param_groups):
        raise ValueError(f"{who}: the state dict has {len(groups)} groups, not {len(optimizer.param_groups)}")
    keys: dict[Any, Any] = {}
    for i, (saved, own) in enumerate(zip(groups, optimizer.param_groups)):
        params = saved["params"] if optimizer._by_name else own["params"]
        if len(saved["params"]) != len(params):
            raise ValueError(f"{who}: group {i} has {len(params)} parameters, the state dict's {len(saved['params'])}")
        keys.update(zip(saved["params"], params))
        values = {name: deepcopy(value) for name, value in saved.items() if name != "params"}
        names = {"param_names": own["param_names"]} if "param_names" in own else {}
        groups[i] = {"params": params, **names, **optimizer._checked({**optimizer.defaults, **values})}
    group_of = {label: group for group, saved in zip(groups, state_dict["param_groups"]) for label in saved["params"]}
    states = {}
    for label, saved in state_dict["state"].items():
        if label not in keys:
            raise ValueError(f"{who}: the state dict has a state of parameter {label!r}, which is in no group")
        states[keys[label]] = _copied(optimizer, label, keys[label], saved)
        _check_complete(optimizer, label, group_of[label], states[keys[label]])
    optimizer.param_groups[:] = groups
    optimizer.state = states


def _copied(optimizer: Optimizer, label: Any, key: Any, saved: Mapping[str, Any]) -> dict[str, Any]:
    """One parameter's state: arrays of its dtype, and the step as a number."""
    who = f"{optimizer._name}: the state of parameter {label!r}"
    wanted = set(optimizer._states.values())
    found: dict[str, Any] = {}
    for name, value in saved.items():
        if name == "step":
            found[name] = int(value)
        elif name in wanted and value is not None:
            array = np.asarray(value)
            if not optimizer._by_name:
                if array.shape != key.shape:
                    raise ValueError(f"{who}: {name} must have shape {key.shape}, got {array.shape}")
                array = array.astype(key.dtype)
            found[name] = array.copy()
        elif value is not None:
            raise ValueError(f"{who} has {name!r}, which {optimizer._name} does not know")
    if optimizer.counted and "step" not in found:
        raise ValueError(f"{who} lacks 'step'")
    return found


def _check_complete(optimizer: Optimizer, label: Any, group: dict[str, Any], found: Mapping[str, Any]) -> None:
    if not found or found.get("step") == 0:  # has not begun
        return
    for name in optimizer._fused(optimizer._values(group, int(found.get("step", 1)) + 1)).states:
        if optimizer._states[name] not in found:
            raise ValueError(f"{optimizer._name}: the state of parameter {label!r} lacks {optimizer._states[name]!r}")
