"""What the state of Python is made of: which values count as they are, and what gives another one each time."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict, deque
from types import BuiltinFunctionType, MethodDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any

import numpy as np

from ... import rules
from ..recorder.calls import Refused
from ..recorder.tables import HOOKS_OF_CALLS

_PACKAGE = __name__.partition(".")[0]
IMPURE_MODULES = frozenset(
    {"random", "time", "datetime", "secrets", "uuid", "io", "socket", "logging", "subprocess", "decimal"}
)
IMPURE = frozenset({"print", "input", "open", "next", "eval", "exec", "globals", "locals", "vars", "id", "__import__",
                     "breakpoint", "setattr", "delattr"})  # fmt: skip
OF_OPTIMIZERS = frozenset({"param_groups", "defaults", "grad_scale", "max_grad_norm", "on_nonfinite", "state"})
PLAIN = (type(None), bool, int, str, bytes, type(...), np.dtype, np.generic, slice, range)
BY_IDENTITY = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType, np.ufunc, rules.Op)
WRAPPED = (staticmethod, classmethod, property)
NEVER_MEANT = frozenset({"__repr__", "__str__", "__del__", "__reduce__", "__reduce_ex__", "__getstate__", "__dir__",
                          "__setstate__", "__init_subclass__", "__sizeof__", "__format__", "__hash__"})  # fmt: skip
MAKING = frozenset({"__init__", "__new__", "__post_init__"})
CONTAINERS = (tuple, list, dict, set, frozenset, deque, OrderedDict)


def length(value: Any) -> int | None:
    """How much a container holds, whatever a class of the user's says of it; None for what is no container."""
    kind: Any = next((kind for kind in CONTAINERS if isinstance(value, kind)), None)
    return None if kind is None else int(kind.__len__(value))


def source_of(function: Any) -> Any:
    """The module that something callable is from, or its object's class."""
    owner = getattr(function, "__self__", function)
    return owner.__name__ if isinstance(owner, ModuleType) else getattr(owner, "__module__", None)


def of_the_process(module: str) -> dict[str, Any]:
    """What one of Python's own modules leads to that is no constant."""
    held: dict[str, dict[str, Any]] = {"sys": {"argv": sys.argv}, "os": {"environ": os.environ, "getenv": os.environ}}
    return held.get(module, {})


def is_of(value: Any, module: str, name: str) -> bool:
    """Whether something is of a class of the library's whose module may not be there yet."""
    home = sys.modules.get(f"{_PACKAGE}.{module}")
    return home is not None and isinstance(value, getattr(home, name))


def hooks_of_calls(path: str, module: Any) -> list[Any]:
    """The tables of a module's hooks that run when it is called, which must be empty; those of state dicts do not."""
    if module._hooks is None:
        return []
    tables = [module._hooks.tables[kind] for kind in HOOKS_OF_CALLS]
    if any(tables) or module._hooks is type(module)._hooks:
        raise Refused(f"{path} has hooks, which run in Python")
    return tables


def text_of(token: Any) -> str:
    """What was found at a path, for a message."""
    if type(token) is tuple and len(token) == 2 and type(token[1]) is str:
        return token[1]
    return "absent" if token is None else "another object"
