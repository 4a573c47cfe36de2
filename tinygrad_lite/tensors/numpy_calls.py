"""NumPy's functions that have no row: run on the arrays where nothing requires grad, else refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import rules
from ..graph import mode


def on_arrays(function: Callable[..., Any], refusal: Exception, args: Any, kwargs: Any) -> Any:
    """Call a function with arrays in place of Tensors, and wrap the arrays that it returns.

    Parameters
    ----------
    function : callable
    refusal : Exception
        What is raised where a Tensor requires grad, which this function would lose.
    args, kwargs : tuple and dict
        The arrays are read-only to it: a write would not be noticed by backward passes that need the old values.

    Returns
    -------
    object
        With Tensors in place of arrays of numbers, also within tuples and lists.
    """
    if mode.enabled and any(t.requires_grad for t in _tensors((args, kwargs))):
        raise refusal
    return _wrapped(function(*_arrays(args), **_arrays(kwargs)))


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, rules.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _arrays(value: Any) -> Any:
    if isinstance(value, rules.Tensor):
        array = value._data.view()
        array.flags.writeable = False
        return array
    if type(value) in (tuple, list):
        return type(value)([_arrays(part) for part in value])
    return {name: _arrays(part) for name, part in value.items()} if type(value) is dict else value


def _wrapped(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
        flags: Any = getattr(value, "flags", value)
        return rules.wrap(np.array(value, copy=None if flags.writeable else True))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_wrapped, value))
    return type(value)(map(_wrapped, value)) if type(value) in (tuple, list) else value
