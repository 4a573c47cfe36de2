"""The finder of ``torch`` and its submodules: each is the module of this library that has its name or its place."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .missing_names import TorchModule, note
from .module_names import RENAMED, WITHOUT_A_FILE

_LIBRARY = "tinygrad_lite"


def present(module: ModuleType, name: str) -> ModuleType:
    """Have a module and those in it known by PyTorch's names, too. They stay the same objects."""
    if sys.modules.get(name) is module:
        return module
    sys.modules[name] = module
    if type(module) is ModuleType:
        module.__class__ = TorchModule
        module.__dict__["_known_as"] = name
        if on_demand := vars(module).get("__getattr__"):
            module.__dict__["__getattr__"] = _presenting(on_demand, name)
    if not hasattr(module, "__path__"):
        module.__path__ = []  # what PyTorch has as a folder may be a file here
    for child, value in list(vars(module).items()):
        if isinstance(value, ModuleType) and value.__name__ == f"{module.__name__}.{child}" and child[0] != "_":
            present(value, f"{name}.{child}")
    return module


def _presenting(on_demand: Callable[[str], Any], name: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` whose modules are known by PyTorch's names, too."""

    def __getattr__(attribute: str) -> Any:
        value = on_demand(attribute)
        return present(value, f"{name}.{attribute}") if isinstance(value, ModuleType) else value

    return __getattr__


def find_module(name: str) -> ModuleType | None:
    """The module that ``torch`` or one of its submodules is, by its name without "torch."; None where there is none."""
    path = RENAMED.get(name, name)
    if found := _imported(f"{_LIBRARY}.{path}" if path else _LIBRARY):
        return found
    parent, _, last = path.rpartition(".")
    above = find_module(parent) if parent else importlib.import_module(_LIBRARY)
    with contextlib.suppress(AttributeError):  # `TorchModule` would ask for the module again
        found = vars(above)[last] if last in vars(above) else vars(above).get("__getattr__", _nothing)(last)
        if isinstance(found, ModuleType):
            return found
    if name not in WITHOUT_A_FILE:
        return None
    made = TorchModule(f"torch.{name}")
    made.__dict__.update(_known_as=f"torch.{name}", _stands_for=name)
    return made


def _nothing(name: str) -> None:
    """What a module without ``__getattr__`` makes on demand."""


def _imported(name: str) -> ModuleType | None:
    """A module of this library; None where it has none of this name."""
    if name in sys.modules:
        return sys.modules[name]
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks another
        return None


class _Present(Loader):
    """Hands out a module that is loaded already."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing but give it its own spec back, which the import has replaced: it is executed once."""
        name = module.__spec__.name if module.__spec__ else ""
        if self.spec is not None:
            module.__spec__ = self.spec
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
        return importlib.util.spec_from_loader(fullname, _Present(module), is_package=True)
