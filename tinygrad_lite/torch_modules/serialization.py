"""`tinygrad_lite.serialization`: `save` and `load`, and PyTorch's lists of what a file may hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .. import load as load
from .. import save as save
from ..io import serialization

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "load", "safe_globals", "save"]

MAP_LOCATION = FILE_LIKE = Any  # annotations

_listed = serialization.safe_globals


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Have `load` read objects of these classes, too: pairs of a class and its name in files, or classes."""
    _listed.extend(safe_globals)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` was given."""
    return list(_listed)


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` was given."""
    _listed.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """`add_safe_globals` for the length of a ``with`` block."""
    before = list(_listed)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _listed[:] = before
