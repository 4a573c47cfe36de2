"""`Hooks`: what users hang before and after an optimizer's steps and its state dicts, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tinygrad_lite.engine.door import open_doors_of
from tinygrad_lite.engine.hooks import RemovableHandle


class Hooks:
    """The registering methods of an optimizer; each returns a handle whose ``remove()`` undoes it."""

    _hooks: Mapping[str, dict[int, Callable[..., Any]]] = MappingProxyType({})  # none, and no look-up in every step

    def _register(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        hooks = self.__dict__.setdefault("_hooks", {}).setdefault(kind, {})
        others = dict(hooks)
        handle = RemovableHandle(hooks, hook)
        if prepend:
            for key, other in others.items():  # to the end, one by one
                del hooks[key]
                hooks[key] = other
        return handle

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before every step."""
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after every step."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before a state dict is made."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` with a new state dict; what it returns replaces it."""
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before a state dict is loaded; what it returns replaces it."""
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a state dict was loaded."""
        return self._register("load_state_dict_post", hook, prepend)

    def _call_hooks(self, kind: str, *args: Any) -> Any:
        found = None
        for hook in list(self._hooks.get(kind, {}).values()):
            if kind.startswith("step"):
                hook(self, args if args[0] is not None else (), {})
                continue
            result = hook(self, *args)
            if result is not None:
                args, found = (result,), result
        return found


open_doors_of(Hooks)
