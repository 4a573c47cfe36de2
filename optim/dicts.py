"""The teaching texts' face: ``opt.update(params, grads)`` on dicts of arrays or numbers."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, MutableMapping
from operator import eq
from typing import TYPE_CHECKING, Any

import numpy as np

from .cohort import Array
from .plan import Access

if TYPE_CHECKING:
    from .optimizer import Optimizer


def update(optimizer: Optimizer, params: MutableMapping[Any, Any], grads: Mapping[Any, Any]) -> None:
    """Update a dict of parameters from a dict of gradients.

    Arrays are updated in place. Python's and NumPy's numbers cannot be: they are replaced in the dict.

    Parameters
    ----------
    optimizer : Optimizer
        Made without parameters.
    params : dict of arrays, Tensors or numbers
    grads : dict
        For every key of `params` something that broadcasts to its shape; None leaves the parameter as it is.
    """
    who = optimizer._name
    if not optimizer._by_name:
        raise ValueError(f"{who}.update: made with parameters; call step()")
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
    optimizer._step(access)
    for key, value in params.items():
        if isinstance(value, numbers.Real):
            params[key] = arrays[key][()] if isinstance(value, np.generic) else float(arrays[key])


def _array(optimizer: Optimizer, key: Any, value: Any) -> Array:
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
