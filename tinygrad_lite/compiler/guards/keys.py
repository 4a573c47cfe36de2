"""What a program is kept for: the arguments of a call without their values, and the modes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import rules
from ...dtypes import get_default_dtype
from ...engine import views
from ...graph import memory, mode
from ...kernels.backend import backend
from ...kernels.native.threads import get_num_threads
from ..recorder.calls import Refused

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.dtype, np.generic, type)


def modes_now() -> Any:
    return mode.enabled, get_default_dtype(), backend(), get_num_threads()


def key_of(args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[Any]) -> Any:
    """What a program is kept for; collects the tensors among the arguments."""
    parts: list[Any] = [mode.enabled, get_default_dtype(), backend(), get_num_threads()]
    for a in args:
        parts.append(_part(a, tensors))
    for name in kwargs:
        parts += name, _part(kwargs[name], tensors)
    if len(tensors) > 1:
        ids = [id(t) for t in tensors]
        if len(set(ids)) < len(ids):
            parts.append(tuple(map(ids.index, ids)))
        else:
            owners = {id(memory(t._data)) for t in tensors}
            if len(owners) < len(ids):
                raise Refused("two arguments share memory")
    return tuple(parts)


def _part(value: Any, tensors: list[Any]) -> Any:
    kind = type(value)
    if kind is rules.Tensor or isinstance(value, rules.Tensor):
        data, node = value._data, value._node
        if value._view is not None:
            node = views.node_of(value)
        if node is not None and node.hooks:
            raise Refused("an argument has hooks")
        tensors.append(value)
        graph = 0 if node is None else 1 + (node.edges != ())
        return kind, data.shape, data.strides, data.dtype, id(data.dtype), graph, value._view is None
    if isinstance(value, np.ndarray):
        raise Refused("an argument is a NumPy array, whose values Python may read; pass a tensor")
    if kind in (tuple, list):
        return kind, *[_part(v, tensors) for v in value]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind, *[_part(v, tensors) for v in value]
    if kind is dict:
        return kind, *[(k, _part(v, tensors)) for k, v in value.items()]
    if kind in (float, complex):
        return kind, repr(value)
    if isinstance(value, PLAIN):
        return kind, value
    return Same(value)


class Same:
    """An object among the arguments, which is the same or not."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Same and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)
