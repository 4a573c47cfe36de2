"""Further names of PyTorch's compiler, and the switches that scripts set: ``torch._dynamo`` and ``torch._inductor``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .recorder.recording import LOCAL

__all__ = [
    "allow_in_graph", "assume_constant_result", "graph_break", "is_dynamo_compiling", "is_exporting", "list_backends",
    "mark_dynamic", "mark_static", "optimize", "reset", "set_stance",
]  # fmt: skip


def allow_in_graph(fn: Any) -> Any:
    """Return the function as it is."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """Return the function as it is."""
    return fn


def optimize(*args: Any, **options: Any) -> Any:
    """Return the decorator that gives back what it is given."""
    return lambda fn: fn


def is_compile_supported(device_type: str) -> bool:
    """False: no code for a device is made of a function."""
    return False


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The names of other compilers to choose from: none."""
    return []


def is_exporting() -> bool:
    """False: nothing is exported from here."""
    return False


def reset() -> None:
    """Nothing: programs belong to their functions, whose `clear` forgets them."""


def graph_break() -> None:
    """Break the graph here: a function that is being recorded runs eagerly from then on."""
    if LOCAL.recorder is not None and not LOCAL.recorder.depth:
        LOCAL.recorder.refuse("graph_break is called")


def set_stance(*args: Any, **options: Any) -> None:
    """Nothing: `disable` is what stops it."""


def mark_dynamic(t: Any, index: Any = None, **options: Any) -> None:
    """Nothing: each size has its own program."""


def mark_static(t: Any, index: Any = None) -> None:
    """Nothing: each size has its own program."""


def is_dynamo_compiling() -> bool:
    """Whether this thread records: `is_compiling`."""
    return LOCAL.recorder is not None


class _Switches(ModuleType):
    """Switches of a compiler that is not here: any may be set, and has its own switches."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        made = _Switches(f"{self.__name__}.{name}")
        setattr(self, name, made)
        return made


config = sys.modules[f"{__package__}.config"] = _Switches(f"{__package__}.config")
