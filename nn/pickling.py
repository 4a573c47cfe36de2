"""What a module is pickled as: PyTorch's layout of its attributes, so that each library reads the other's modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from .hooks import Hook, Hooks
from .state_dict import BUFFER, MODULE, PARAMETER, VOLATILE

_TABLES = {PARAMETER: "_parameters", BUFFER: "_buffers", VOLATILE: "_buffers", MODULE: "_modules"}
_HOOKS = {  # the kind of hooks -> the attribute that holds them in PyTorch
    "forward_pre": "_forward_pre_hooks", "forward": "_forward_hooks", "backward_pre": "_backward_pre_hooks",
    "backward": "_backward_hooks", "save_pre": "_state_dict_pre_hooks", "save": "_state_dict_hooks",
    "load_pre": "_load_state_dict_pre_hooks", "load_post": "_load_state_dict_post_hooks",
}  # fmt: skip
_MARKS = {"with_kwargs": "_with_kwargs", "always_call": "_always_called"}  # what a hook wants, and PyTorch's suffix
_MARKED = {"forward_pre": ("with_kwargs",), "forward": ("with_kwargs", "always_call")}
_VOLATILES, _FULL = "_non_persistent_buffers_set", "_is_full_backward_hook"


def to_pytorchs(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """PyTorch's layout of a module's ``__dict__``."""
    plain = dict(attributes)
    kinds, hooks = plain.pop("_kinds", {}), plain.pop("_hooks", None)
    state: dict[str, Any] = {"training": plain.pop("training", True), "_parameters": {}, "_buffers": {}}
    state[_VOLATILES] = {name for name, kind in kinds.items() if kind == VOLATILE}
    for kind, table in _HOOKS.items():
        found = OrderedDict(hooks.tables[kind]) if hooks else OrderedDict()
        state[table] = OrderedDict((key, each.hook) for key, each in found.items())
        for mark in _MARKED.get(kind, ()):
            state[table + _MARKS[mark]] = OrderedDict((key, True) for key, each in found.items() if getattr(each, mark))
    state[_FULL] = True if state["_backward_hooks"] else None
    state["_modules"] = {}
    for name, kind in kinds.items():
        state[_TABLES[kind]][name] = plain.pop(name)
    return {**state, **plain}


def from_pytorchs(state: Mapping[str, Any]) -> dict[str, Any]:
    """The ``__dict__`` of a module of PyTorch's layout; one of our own is returned as it is."""
    plain = dict(state)
    if "_parameters" not in plain:
        return plain
    kinds: dict[str, str] = {}
    volatile = plain.pop(_VOLATILES, ())
    for kind in (PARAMETER, BUFFER, MODULE):
        for name, value in plain.pop(_TABLES[kind], {}).items():
            kinds[name] = VOLATILE if kind == BUFFER and name in volatile else kind
            plain[name] = value
    hooks = Hooks()
    for kind, table in _HOOKS.items():
        marks = {mark: plain.pop(table + _MARKS[mark], {}) for mark in _MARKED.get(kind, ())}
        for key, hook in plain.pop(table, {}).items():
            hooks.add(kind, Hook(hook, **{mark: key in keys for mark, keys in marks.items()}))
    plain.pop(_FULL, None)
    if any(hooks.tables.values()):
        plain["_hooks"] = hooks
    return {"_kinds": kinds, **plain}
