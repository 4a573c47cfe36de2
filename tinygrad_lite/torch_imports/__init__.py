"""How ``import torch`` becomes this library: the finder, the names of modules, what was asked for in vain."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def modules_of(package: str, above: str | None = None) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package: the modules that PyTorch has there, from the table when they are asked for.

    With `above`, a package, it has the names of that, too: PyTorch's files are cut otherwise here.
    """

    def look_up(name: str) -> Any:
        if not name.startswith("__"):
            places = importlib.import_module("tinygrad_lite.torch_imports.places")
            if (found := places.module_in(package, name)) is not None:
                return found
            if above is not None:
                return getattr(sys.modules[above], name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return look_up
