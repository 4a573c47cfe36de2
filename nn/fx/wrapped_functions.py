"""`wrap`: functions whose calls become one node of a graph, and those of `math`, which do by themselves."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from .proxy import first_proxy

__all__ = ["wrap"]

_wrapped: list[tuple[dict[str, Any], str]] = []  # the globals of a module, and the name of a function in them


def wrap(fn_or_name: Any) -> Any:
    """Have calls of a function become one node, and not what the function does; at a module's top level.

    Parameters
    ----------
    fn_or_name : callable or str
        A function of this module, for which this is a decorator, or the name of one, such as "len".

    Returns
    -------
    callable or str
        What was given.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> @tg.fx.wrap
    ... def clipped(x):
    ...     return x if x.sum() > 0 else -x
    >>> traced = tg.fx.symbolic_trace(lambda x: clipped(x) + 1)
    >>> [node.name for node in traced.graph.nodes]
    ['x', 'clipped', 'add', 'output']
    """
    if callable(fn_or_name):
        fn_or_name._fx_wrapped = True
        _wrapped.append((fn_or_name.__globals__, fn_or_name.__name__))
    elif isinstance(fn_or_name, str):
        frame = sys._getframe(1)
        if frame.f_code.co_name != "<module>":
            raise NotImplementedError("wrap must be called at the top level of a module")
        _wrapped.append((frame.f_globals, fn_or_name))
    else:
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    return fn_or_name


def recorded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose calls with a Proxy become a node."""

    @functools.wraps(function)
    def asking(*args: Any, **kwargs: Any) -> Any:
        if (proxy := first_proxy((args, kwargs))) is None:
            return function(*args, **kwargs)
        return proxy.tracer.create_proxy("call_function", function, args, kwargs)

    return asking


@contextlib.contextmanager
def wrapped_functions(modules: tuple[ModuleType, ...], functions: tuple[Any, ...], seen: Any) -> Iterator[None]:
    """For the time of a trace, put recording ones in the places of all wrapped functions.

    Parameters
    ----------
    modules : tuple of module
        Whose functions are all recorded, such as `math`.
    functions : tuple of callable
        Recorded wherever the traced function's module has them.
    seen : dict
        The globals of the traced function.
    """
    of_modules = [(vars(m), name) for m in modules for name, value in vars(m).items() if callable(value)]
    all_of_them = {id(space[name]) for space, name in of_modules if name[0] != "_"} | {id(f) for f in functions}
    by_name = [(seen, name) for name, value in seen.items() if id(value) in all_of_them]
    before: list[tuple[dict[str, Any], str, Any]] = []
    builtins: dict[str, Any] = vars(sys.modules["builtins"])
    try:
        for space, name in [*_wrapped, *of_modules, *by_name]:
            value = space.get(name, builtins.get(name))
            if name.startswith("_") or isinstance(value, type) or not callable(value):
                continue
            before.append((space, name, space.get(name)))
            space[name] = recorded(value)
        yield
    finally:
        for space, name, value in reversed(before):
            if value is None:
                del space[name]
            else:
                space[name] = value
