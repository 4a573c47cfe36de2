"""Groups of parameters, taken apart and checked."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from tinygrad_lite import Tensor

from ..step.declare.hyperparameters import Group


def listed(who: str, params: Any) -> list[Group]:
    """Return what an optimizer is made with as a list of groups."""
    if isinstance(params, (Tensor, np.ndarray, str, Mapping, set, frozenset)) or not isinstance(params, Iterable):
        raise TypeError(
            f"{who}: params must be an ordered iterable of Tensors, (name, Tensor) or dicts, got {_shown(params)} "
            "(params argument given to the optimizer should be an iterable of Tensors or dicts)"
        )
    found = list(params)
    if not found:
        raise ValueError(f"{who}: got an empty list of parameters")
    return found if isinstance(found[0], dict) else [{"params": found}]


def is_schedule(first: Any) -> bool:
    """Whether an optimizer's first argument is a hyperparameter, of one that is made without parameters."""
    is_number = isinstance(first, numbers.Real) and not isinstance(first, np.ndarray)
    return is_number or (callable(first) and not _owner(first))


def _owner(params: Any) -> str:
    """The type of the module that is given in its parameters' place, or whose method is, without being called."""
    for each, name in ((params, type(params).__name__), (getattr(params, "__self__", None), "")):
        if hasattr(each, "named_parameters"):
            return name or type(each).__name__
    return ""


def _shown(params: Any) -> str:
    """What was given as parameters, and what might have been meant."""
    if inspect.ismethod(params) and _owner(params):
        return f"the method {params.__name__} itself; call it: {params.__name__}()"
    if _owner(params):
        return f"the module {type(params).__name__}; its parameters are what its method parameters() returns"
    hint = "; its parameters are its values()" if isinstance(params, Mapping) else ""
    hint = "; a single one goes into a list" if isinstance(params, Tensor) else hint
    return f"{type(params).__name__}{hint}"


def members(who: str, group: Group, others: list[Group], leaves: bool = True) -> Group:
    """Return ``"params"`` of a new group, and ``"param_names"`` if they have names; refuse what cannot be optimized."""
    if "params" not in group:
        raise ValueError(f"{who}: a group of parameters needs 'params', got {', '.join(map(repr, group)) or 'nothing'}")
    given = group["params"]
    if not isinstance(given, Iterable) or isinstance(given, (np.ndarray, str, Mapping)):
        raise TypeError(f"{who}: a group's params must be Tensors in a list, got {_shown(given)}")
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
        if leaves and not p.is_leaf:
            raise ValueError(f"{who}: can't optimize a non-leaf Tensor, got one of shape {p.shape}")
        if id(p) in known:
            raise ValueError(
                f"{who}: a parameter of shape {p.shape} appears twice "
                "(some parameters appear in more than one parameter group)"
            )
        known.add(id(p))
    return {"params": params, "param_names": names} if names else {"params": params}


def _named(who: str, model: Any) -> list[tuple[str, Tensor]]:
    """The parameters that require grad, with their names, of a module or as pairs."""
    pairs = list(model.named_parameters() if hasattr(model, "named_parameters") else model)
    if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise TypeError(f"{who}: needs a module, or (name, Tensor) pairs; got {type(model).__name__}")
    found = [(name, p) for name, p in pairs if p.requires_grad]
    if not found:
        raise ValueError(f"{who}: no parameter requires grad")
    return found


def groups_by_name(model: Any, patterns: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    """Sort parameters into groups by their names.

    Parameters
    ----------
    model : Module or iterable of (name, Tensor)
        Parameters that do not require grad are left out.
    patterns : dict of str to dict
        A pattern of names, as file names have them (``"*.bias"``, ``"encoder.*"``), and the hyperparameters of what it
        matches. The first that matches counts; what none matches has the optimizer's own hyperparameters.

    Returns
    -------
    list of dict
        What an optimizer takes as its first argument, named.

    Raises
    ------
    ValueError
        If a pattern matches nothing.

    Examples
    --------
    >>> from tinygrad_lite import nn, optim
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    >>> groups = optim.groups_by_name(model, {"1.*": {"lr": 0.1}, "*.bias": {"lr": 0.0}})
    >>> [[name for name, _ in group["params"]] for group in groups]
    [['1.weight', '1.bias'], ['0.bias'], ['0.weight']]
    """
    named = _named("groups_by_name", model)
    found: dict[Any, Group] = {pattern: {"params": [], **values} for pattern, values in patterns.items()}
    rest: Group = {"params": []}
    for name, p in named:
        match = next((pattern for pattern in patterns if fnmatchcase(name, pattern)), None)
        (rest if match is None else found[match])["params"].append((name, p))
    for pattern, group in found.items():
        if not group["params"]:
            raise ValueError(f"groups_by_name: no parameter's name matches {pattern!r}, or earlier patterns took all")
    return [*found.values(), *([rest] if rest["params"] else [])]


def decay_groups(model: Any, weight_decay: float) -> list[Group]:
    """Two groups: weight decay for matrices and kernels, none for biases and the scales and shifts of norms.

    Parameters
    ----------
    model : Module or iterable of (name, Tensor)
        Parameters that do not require grad are left out.
    weight_decay : float
        For parameters of two and more dimensions; those of fewer have none.

    Returns
    -------
    list of dict
        What an optimizer takes as its first argument, named.

    Examples
    --------
    >>> from tinygrad_lite import nn, optim
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
    >>> opt = optim.AdamW(optim.decay_groups(model, 0.1), lr=1e-3)
    >>> [(group["param_names"], group["weight_decay"]) for group in opt.param_groups]
    [(['0.weight'], 0.1), (['0.bias', '1.weight', '1.bias'], 0.0)]
    """
    named = _named("decay_groups", model)
    sorted_ = [[pair for pair in named if (pair[1].ndim >= 2) is wanted] for wanted in (True, False)]
    return [{"params": each, "weight_decay": decay} for each, decay in zip(sorted_, (weight_decay, 0.0)) if each]
