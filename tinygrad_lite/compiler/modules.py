"""Modules whose calls are replayed."""

from __future__ import annotations

import copy
from typing import Any

from .compiled import Compiled


def compiled_module(module: Any, fullgraph: bool, programs: int) -> Any:
    """A module with the same attributes, parameters and state, whose calls are replayed where they can be.

    Parameters
    ----------
    module : Module
    fullgraph : bool
    programs : int
    """
    compiled, kind = Compiled(module, fullgraph, programs), type(module)
    own: dict[str, Any] = {
        "__call__": lambda self, *args, **kwargs: compiled(*args, **kwargs),
        "__reduce__": lambda self: (compiled_module, (module, fullgraph, programs)),
        "__copy__": lambda self: compiled_module(copy.copy(module), fullgraph, programs),
        "__deepcopy__": lambda self, memo: compiled_module(copy.deepcopy(module, memo), fullgraph, programs),
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "_orig_mod": property(lambda self: module),
    }
    for name in ("explain", "check", "clear"):
        if not hasattr(kind, name):
            own[name] = _of(compiled, name)
    made: Any = object.__new__(type(kind.__name__, (kind,), own))
    object.__setattr__(made, "__dict__", vars(module))
    return made


def _of(compiled: Compiled, name: str) -> Any:
    return lambda self, *args, **kwargs: getattr(compiled, name)(*args, **kwargs)
