"""`Hooks`, `register_optimizer_step_pre_hook`: what users hang around an optimizer's steps and its state dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tinygrad_lite.engine.door import open_doors_of
from tinygrad_lite.engine.hooks import RemovableHandle

EVERY_OPTIMIZER: dict[str, dict[int, Callable[..., Any]]] = {}  # kind -> hooks of all optimizers


class Hooks:
    """The registering methods of an optimizer; each returns a handle whose ``remove()`` undoes it."""

    _hooks: Mapping[str, dict[int, Callable[..., Any]]] = EVERY_OPTIMIZER  # empty at first: no look-up in every step

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

    def _hooks_of(self, kind: str) -> Iterator[Callable[..., Any]]:
        tables = [EVERY_OPTIMIZER] if self._hooks is EVERY_OPTIMIZER else [EVERY_OPTIMIZER, self._hooks]
        for table in reversed(tables) if kind == "step_post" else tables:  # a step's own are the inner ones
            yield from list(table.get(kind, {}).values())

    def _call_hooks(self, kind: str, *args: Any) -> Any:
        found = None
        for hook in self._hooks_of(kind):
            if kind.startswith("step"):
                hook(self, args if args[0] is not None else (), {})
                continue
            result = hook(self, *args)
            if result is not None:
                args, found = (result,), result
        return found


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before every step of every optimizer.

    Parameters
    ----------
    hook : callable

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim.optimizer import register_optimizer_step_pre_hook
    >>> p = tg.ones(1, requires_grad=True)
    >>> p.sum().backward()
    >>> with register_optimizer_step_pre_hook(lambda optimizer, args, kwargs: print(type(optimizer).__name__)):
    ...     optim.SGD([p], lr=0.1).step()
    SGD
    """
    return RemovableHandle(EVERY_OPTIMIZER.setdefault("step_pre", {}), hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after every step of every optimizer.

    Parameters
    ----------
    hook : callable

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim.optimizer import register_optimizer_step_post_hook
    >>> p = tg.ones(1, requires_grad=True)
    >>> p.sum().backward()
    >>> with register_optimizer_step_post_hook(lambda optimizer, args, kwargs: print(p.tolist())):
    ...     optim.SGD([p], lr=0.5).step()
    [0.5]
    """
    return RemovableHandle(EVERY_OPTIMIZER.setdefault("step_post", {}), hook)


open_doors_of(Hooks)
