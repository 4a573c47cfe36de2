"""The finder of ``torch`` and its submodules: each is the module of this library that has its name or its place."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .missing_names import note
from .module_names import RENAMED
from .places import LIBRARY, Present, find_module, nothing
from .refused_modules import refused_name


def present(module: ModuleType, name: str) -> ModuleType:
    """Have a module and those in it known by PyTorch's names, too. They stay the same objects, and as fast."""
    if sys.modules.get(name) is module:
        return module
    sys.modules[name] = module
    vars(module)["__getattr__"] = _Absent(module, name)
    if not hasattr(module, "__path__"):
        module.__path__ = []  # what PyTorch has as a folder may be a file here
    for child, value in list(vars(module).items()):
        if isinstance(value, ModuleType) and value.__name__ == f"{module.__name__}.{child}" and child[0] != "_":
            present(value, f"{name}.{child}")
    return module


class _Absent:
    """A module's ``__getattr__``: what it makes on demand, PyTorch's modules from the table, and a note."""

    def __init__(self, module: ModuleType, known_as: str) -> None:
        self.known_as = known_as
        before: Any = vars(module).get("__getattr__", nothing)
        self.on_demand: Callable[[str], Any] = before.on_demand if isinstance(before, _Absent) else before

    def __call__(self, name: str) -> Any:
        with contextlib.suppress(AttributeError):
            value = self.on_demand(name)
            return present(value, f"{self.known_as}.{name}") if isinstance(value, ModuleType) else value
        if name in RENAMED or not name.startswith("__"):
            with contextlib.suppress(ModuleNotFoundError):
                return importlib.import_module(f"{self.known_as}.{name}")
            if self.known_as == "torch" and (refused := refused_name(name)) is not None:
                vars(sys.modules[LIBRARY])[name] = refused
                return refused
            note(f"{self.known_as}.{name}")
        raise AttributeError(f"module {self.known_as!r} has no attribute {name!r}; it is not in tinygrad_lite")


class _Known(Present):
    """Hands out a module of this library, which is then known by its name in PyTorch, too."""

    def exec_module(self, module: ModuleType) -> None:
        """Nothing of the module's own."""
        name = module.__spec__.name if module.__spec__ else ""
        super().exec_module(module)
        del sys.modules[name]  # where the import has put it
        present(module, name)


class TorchFinder(MetaPathFinder):
    """Answers for ``torch`` and all below it, and for nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of this library, or None."""
        root, _, name = fullname.partition(".")
        if root != "torch":
            return None
        module: Any = find_module(name)
        if module is None:
            note(fullname, depth=2)
            return None
        return importlib.util.spec_from_loader(fullname, _Known(module), is_package=True)
