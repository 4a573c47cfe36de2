"""`start`: the loop that goes through a table of steps, for Python to call; `own_loop`, loops beside NumPy's."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..object_layout import DATA, python_function


@cache
def start() -> Any:
    """Compile the loop, in some tens of milliseconds.

    Returns
    -------
    callable
        ``walk(table, registers)``, two arrays of integers; other threads run meanwhile. Returns 0, or 1 + where the
        step is at which the walk ended.
    """
    from .walk_code import address

    return python_function("walk", address(DATA), None)


def own_loop(name: str) -> tuple[int, int]:
    """Address and data of a loop of `inner_loops`."""
    from .inner_loops import address

    return address(name), 0
