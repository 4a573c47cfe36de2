"""The teaching texts' face: ``opt.update(params, grads)`` on dicts or lists of arrays or numbers."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, MutableMapping
from operator import eq
from typing import Any

import numpy as np

from ..step.declare.contract import Contract
from ..step.interrupts import uninterrupted
from ..step.plan.parameter_batch import Array
from ..step.plan.step_plan import Access


def update(optimizer: Contract, params: MutableMapping[Any, Any], grads: Mapping[Any, Any]) -> None:
    """Update a dict or list of parameters from a dict or list of gradients.

    Arrays are updated in place. Python's and NumPy's numbers cannot be: they are replaced in the dict or list.

    Parameters
    ----------
    optimizer : Optimizer
        Made without parameters.
    params : dict, or list, of arrays, Tensors or numbers
        Of a list the parameters are known by their places.
    grads : dict, or list
        For every key of `params` something that broadcasts to its shape; None leaves the parameter as it is.
    """
    who = optimizer._name
    if not optimizer._by_name:
        raise ValueError(f"{who}.update: made with parameters; call step()")
    params, grads = keyed(f"{who}.update", params, grads)
    missing = [key for key in params if key not in grads]
    if missing:
        raise KeyError(f"{who}.update: no gradient for {', '.join(map(repr, missing))}")
    arrays = {key: _array(optimizer, key, value) for key, value in params.items()}
    slopes = {}
    for key, p in arrays.items():
        if grads[key] is not None:
            g = np.asarray(getattr(grads[key], "_data", grads[key]))
            slopes[key] = g if g.shape == p.shape else _broadcast(who, key, g, p.shape)
    optimizer.param_groups[0]["params"] = list(params)
    access = Access(arrays.__getitem__, slopes.__getitem__, slopes.__contains__, eq)
    with uninterrupted():
        optimizer._step(access)
        for key, value in params.items():
            if isinstance(value, numbers.Real):
                params[key] = arrays[key][()] if isinstance(value, np.generic) else float(arrays[key])


class Places(MutableMapping[int, Any]):
    """A list as a dict of what stands at its places."""

    def __init__(self, items: Any) -> None:
        self._items = items

    def __getitem__(self, i: int) -> Any:
        return self._items[i]

    def __setitem__(self, i: int, value: Any) -> None:
        self._items[i] = value

    def __delitem__(self, i: int) -> None:
        raise TypeError("a list of parameters keeps its length")

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._items)))

    def __len__(self) -> int:
        return len(self._items)


def keyed(who: str, params: Any, grads: Any) -> tuple[MutableMapping[Any, Any], Mapping[Any, Any]]:
    """Return parameters and gradients as dicts: lists by their places; refuse what is neither."""
    if not isinstance(params, (list, tuple)):
        for what, given in (("params", params), ("grads", grads)):
            if not isinstance(given, Mapping):
                raise TypeError(f"{who}: {what} must be a dict, or both lists, got {type(given).__name__}")
        return params, grads
    if not isinstance(grads, (list, tuple)):
        raise TypeError(f"{who}: params are in a list, so grads must be, too, got {type(grads).__name__}")
    if len(params) != len(grads):
        raise ValueError(f"{who}: there must be as many gradients as parameters, {len(params)}, got {len(grads)}")
    number = next((i for i, value in enumerate(params) if isinstance(value, numbers.Real)), None)
    if number is not None and isinstance(params, tuple):
        raise TypeError(f"{who}: params[{number}] is a number, which is replaced, and a tuple cannot be written to")
    return Places(params), Places(grads)


def _array(optimizer: Contract, key: Any, value: Any) -> Array:
    if isinstance(value, numbers.Real):  # a number lives in a box of its own, the same at every step
        kind = value.dtype if isinstance(value, np.floating) else np.dtype(np.float64)
        box = optimizer._boxes.get(key)
        if box is None or box.dtype != kind:
            box = optimizer._boxes[key] = np.empty((), kind)
        box[...] = value
        return box
    array: Any = getattr(value, "_data", value)
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"{optimizer._name}.update: params[{key!r}] must be an array or a number, got {type(value).__name__}"
        )
    return array


def _broadcast(who: str, key: Any, g: Array, shape: tuple[int, ...]) -> Array:
    try:
        return np.broadcast_to(g, shape)
    except ValueError:
        raise ValueError(
            f"{who}.update: grads[{key!r}] must have the parameter's shape {shape}, got {g.shape}"
        ) from None
