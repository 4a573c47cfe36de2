"""`tg.compile`: PyTorch's arguments, and what is given comes back as it is. A compiler would take its place here.

This is ``torch._dynamo`` and ``torch._inductor``, too, for the scripts that set their switches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "disable", "graph_break", "is_compiling",
    "is_dynamo_compiling", "mark_dynamic", "mark_static", "optimize", "reset", "set_stance",
]  # fmt: skip


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: Any = None,
    disable: bool = False,
) -> Callable[..., Any]:
    """Return the function or module as it is; without one, the decorator that does.

    Every operation here runs on kernels that were compiled before, so the numbers are those of a compiled model, but
    operations are not fused. Where PyTorch wraps a module and puts "_orig_mod." before the names of its state dict,
    they stay what they are.

    Parameters
    ----------
    model : callable, optional
    fullgraph, dynamic, backend, mode, options, disable
        Accepted and ignored.

    Returns
    -------
    callable

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> @tg.compile(mode="reduce-overhead")
    ... def square(x):
    ...     return x * x
    >>> square(tg.tensor(3.0))
    tensor(9.)
    """
    return model if model is not None else lambda model: model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return the function as it is; without one, the decorator that does."""
    return fn if fn is not None else lambda fn: fn


def allow_in_graph(fn: Any) -> Any:
    """Return the function as it is."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """Return the function as it is."""
    return fn


def optimize(*args: Any, **options: Any) -> Any:
    """Return the decorator that gives back what it is given."""
    return lambda fn: fn


def reset() -> None:
    """Nothing: nothing was compiled."""


def graph_break() -> None:
    """Nothing: there is no graph to break."""


def set_stance(*args: Any, **options: Any) -> None:
    """Nothing: there is nothing to compile or not to."""


def mark_dynamic(t: Any, index: Any = None, **options: Any) -> None:
    """Nothing: every size is dynamic."""


def mark_static(t: Any, index: Any = None) -> None:
    """Nothing: every size is dynamic."""


def is_compiling() -> bool:
    """False: nothing is compiled."""
    return False


def is_dynamo_compiling() -> bool:
    """False: nothing is compiled."""
    return False


class _Switches(ModuleType):
    """Switches of a compiler that is not here: any may be set, and has its own switches."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        made = _Switches(f"{self.__name__}.{name}")
        setattr(self, name, made)
        return made


config = sys.modules[f"{__name__}.config"] = _Switches(f"{__name__}.config")
