"""Groups of parameters, taken apart and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_lite import Tensor

Group = dict[str, Any]


def listed(who: str, params: Any) -> list[Group]:
    """Return what an optimizer is made with as a list of groups."""
    if isinstance(params, (Tensor, np.ndarray, str, Mapping, set, frozenset)) or not isinstance(params, Iterable):
        raise TypeError(
            f"{who}: params must be an ordered iterable of Tensors, (name, Tensor) or dicts, "
            f"got {type(params).__name__}"
        )
    found = list(params)
    if not found:
        raise ValueError(f"{who}: got an empty list of parameters")
    return found if isinstance(found[0], dict) else [{"params": found}]


def members(who: str, group: Group, others: list[Group]) -> Group:
    """Return ``"params"`` of a new group, and ``"param_names"`` if they have names; refuse what cannot be optimized."""
    given = group["params"]
    if isinstance(given, (set, frozenset)):
        raise TypeError(f"{who}: params must be ordered, got a set, whose order differs between runs")
    each = [given] if isinstance(given, Tensor) else list(given)
    names = [p[0] for p in each if isinstance(p, tuple)]
    if names and len(names) < len(each):
        raise ValueError(f"{who}: either all parameters have names or none, got {len(names)} of {len(each)}")
    if others and bool(names) != ("param_names" in others[0]):
        raise ValueError(f"{who}: either all groups have parameter names or none")
    params = [p[1] if isinstance(p, tuple) else p for p in each]
    known = {id(p) for other in others for p in other["params"]}
    for p in params:
        if not isinstance(p, Tensor):
            raise TypeError(f"{who}: parameters must be Tensors, got {type(p).__name__}")
        if not p.is_leaf:
            raise ValueError(f"{who}: can't optimize a non-leaf Tensor, got one of shape {p.shape}")
        if id(p) in known:
            raise ValueError(f"{who}: a parameter of shape {p.shape} appears twice")
        known.add(id(p))
    return {"params": params, "param_names": names} if names else {"params": params}
