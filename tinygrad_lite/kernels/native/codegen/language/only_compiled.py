"""`only_compiled`: functions that kernels call, and Python does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .functions import FUNCTIONS
from .values import Value


def only_compiled(module: str, name: str, write: Callable[..., Value]) -> Callable[..., Any]:
    """A function of a module that kernels call, by what writes the call."""

    def function(*args: Any) -> Any:
        raise TypeError(f"{name}: only compiled code can call this, not Python")

    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    function.only_compiled = True  # type: ignore[attr-defined]  # its own text is not what is compiled
    FUNCTIONS[function] = write
    return function
