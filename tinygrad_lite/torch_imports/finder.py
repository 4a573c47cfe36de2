"""The finder of ``torch`` and its submodules: each is the module of this library that has its name or its place."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

from .missing_names import note
from .module_names import RENAMED, WITHOUT_A_FILE
from .refused_modules import refused_module, refused_name

_LIBRARY = "tinygrad_lite"


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
    """A module's ``__getattr__``: what it makes on demand, PyTorch's modules that are cut otherwise here, and a note.

    PyTorch's files under ``nn.modules`` hold what `nn` has: a name that is not in one is looked up above it, and so it
    is for modules that have no file here.
    """

    def __init__(self, module: ModuleType, known_as: str) -> None:
        self.known_as = known_as
        self.climbs = f"{known_as}.".startswith("torch.nn.modules.") or module.__name__ == known_as
        before: Any = vars(module).get("__getattr__", _nothing)
        self.on_demand: Callable[[str], Any] = before.on_demand if isinstance(before, _Absent) else before

    def __call__(self, name: str) -> Any:
        with contextlib.suppress(AttributeError):
            value = self.on_demand(name)
            return present(value, f"{self.known_as}.{name}") if isinstance(value, ModuleType) else value
        if name in RENAMED or not name.startswith("__"):
            with contextlib.suppress(ModuleNotFoundError):
                return importlib.import_module(f"{self.known_as}.{name}")
            if self.climbs:
                with contextlib.suppress(AttributeError):
                    return getattr(sys.modules[self.known_as.rpartition(".")[0]], name)
            if self.known_as == "torch" and (refused := refused_name(name)) is not None:
                vars(sys.modules[_LIBRARY])[name] = refused
                return refused
            note(f"{self.known_as}.{name}")
        raise AttributeError(f"module {self.known_as!r} has no attribute {name!r}; it is not in tinygrad_lite")


def _nothing(name: str) -> Any:
    """The ``__getattr__`` of a module that has none."""
    raise AttributeError(name)


def _own(module: ModuleType, name: str) -> Any:
    """What a module has itself, or makes on demand."""
    on_demand = vars(module).get("__getattr__", _nothing)
    return vars(module)[name] if name in vars(module) else getattr(on_demand, "on_demand", on_demand)(name)


def find_module(name: str) -> ModuleType | None:
    """The module that ``torch`` or one of its submodules is, by its name without "torch."; None where there is none."""
    path = RENAMED.get(name, name)
    if found := _imported(f"{_LIBRARY}.{path}" if path else _LIBRARY):
        return found
    parent, _, last = path.rpartition(".")
    above = find_module(parent) if parent else importlib.import_module(_LIBRARY)
    if above is None:
        return None
    with contextlib.suppress(AttributeError):
        found = _own(above, last)
        if isinstance(found, ModuleType):
            return found
    return ModuleType(f"torch.{name}") if name in WITHOUT_A_FILE else refused_module(name)


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


class _Function(ModuleType):
    """A module that has the name of a function beside it, as ``torch.autograd.gradcheck``; called, it is the function.

    An import puts the module where the function was.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        return vars(self)[self.__name__.rpartition(".")[2]](*args, **options)


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
        above, _, last = name.rpartition(".")
        if type(module) is ModuleType and module.__name__ == name and above in sys.modules:
            with contextlib.suppress(AttributeError):
                found = _own(sys.modules[above], last)
                if type(found) is FunctionType:
                    module.__class__ = _Function
                    vars(module)[last] = found


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
