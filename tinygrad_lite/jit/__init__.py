"""`tinygrad_lite.jit`: functions and modules stay what they are, so that scripts which decorate them run.

Nothing is compiled here, and nothing is saved as TorchScript: `script` and `trace` return what they are given.
"""

from __future__ import annotations

import builtins
import importlib
from typing import Any, NoReturn, TypeVar

__all__ = [
    "Attribute", "Error", "TracerWarning", "annotate", "export", "fork", "freeze", "ignore", "is_scripting",
    "is_tracing", "isinstance", "load",
    "optimize_for_inference", "save", "script", "script_if_tracing", "script_method", "trace", "trace_module",
    "unused", "wait",
]  # fmt: skip

_T = TypeVar("_T")


class Error(Exception):
    """What TorchScript raises, which is not here: programs that expect it may name it."""


class TracerWarning(Warning):
    """What PyTorch says of a branch that it records one way: there is none here, and programs may ignore it."""


def script(obj: _T, *args: Any, **options: Any) -> _T:
    """Return the function, class or module as it is: nothing is compiled."""
    return obj


def trace(func: _T, example_inputs: Any = None, *args: Any, **options: Any) -> _T:
    """Return the function or module as it is: nothing is recorded, and branches stay branches."""
    return func


def trace_module(mod: _T, inputs: Any = None, *args: Any, **options: Any) -> _T:
    """Return the module as it is."""
    return mod


def freeze(mod: _T, *args: Any, **options: Any) -> _T:
    """Return the module as it is."""
    return mod


def optimize_for_inference(mod: _T, *args: Any, **options: Any) -> _T:
    """Return the module as it is."""
    return mod


def script_method(fn: _T) -> _T:
    """Return the method as it is."""
    return fn


def export(fn: _T) -> _T:
    """Return the method as it is."""
    return fn


_script_if_tracing = script_if_tracing = _overload_method = _overload = export  # as they are, too


def unused(fn: _T) -> _T:
    """Return the method as it is."""
    return fn


def ignore(drop: Any = False, **options: Any) -> Any:
    """Return the function as it is; with arguments, the decorator that does."""
    return drop if callable(drop) else lambda fn: fn


def annotate(the_type: Any, the_value: _T) -> _T:
    """Return the value as it is."""
    return the_value


def Attribute(value: _T, type: Any = None) -> _T:
    """Return the value as it is."""
    return value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's own."""
    return builtins.isinstance(obj, target_type)


def fork(func: Any, *args: Any, **options: Any) -> Any:
    """Call the function at once, and return its result for `wait`."""
    return func(*args, **options)


def wait(future: _T) -> _T:
    """The result of `fork`."""
    return future


def is_scripting() -> bool:
    """False: nothing is compiled."""
    return False


def is_tracing() -> bool:
    """False: nothing is recorded."""
    return False


def save(m: Any, f: Any, *args: Any, **options: Any) -> NoReturn:
    """An error: nothing here writes TorchScript."""
    raise RuntimeError("jit.save: tinygrad_lite does not write TorchScript; save the module's state_dict()")


def load(f: Any, *args: Any, **options: Any) -> NoReturn:
    """An error: a file of TorchScript holds a program, which nothing here executes."""
    raise RuntimeError("jit.load: tinygrad_lite does not execute TorchScript; load a state dict into its module")


def __getattr__(name: str) -> Any:
    if name in ("ScriptModule", "RecursiveScriptModule", "TopLevelTracedModule", "TracedModule"):
        module = importlib.import_module("tinygrad_lite.nn").Module
        return globals().setdefault("ScriptModule", type("ScriptModule", (module,), {"__module__": __name__}))
    if name in ("Final", "_Final"):
        return importlib.import_module("typing").Final
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
