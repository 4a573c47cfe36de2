"""PyTorch's paths of modules that have no file of that name here: found by one table, for this library's own name.

What the table has is found under ``tinygrad_lite`` in every program, and `finder` gives the same under ``torch``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any, ClassVar

from . import modules_of
from .module_names import RENAMED, WITHOUT_A_FILE
from .refused_modules import REFUSED, refused_module

LIBRARY = "tinygrad_lite"


def find_module(name: str) -> ModuleType | None:
    """The module that this library has for one of PyTorch's, by its name without "torch."; None where there is none."""
    path = f"{LIBRARY}.{name}" if name else LIBRARY
    if path in sys.modules:
        return sys.modules[path]
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks another
        return None


def spec_of_place(path: str) -> ModuleSpec | None:
    """The spec of a module that the import system has found no file for, and that the table, or a package, has."""
    name = path.removeprefix(f"{LIBRARY}.")
    above, _, last = path.rpartition(".")
    module: ModuleType | None
    if name in RENAMED:
        module = importlib.import_module(f"{LIBRARY}.{RENAMED[name]}")
    elif name in WITHOUT_A_FILE:
        module = ModuleType(path, f"What PyTorch has in a file of this name: it is in `{above}` here.")
        vars(module)["__getattr__"] = modules_of(path, above)
    elif (module := refused_module(name)) is None:
        module = _made_by(sys.modules[above], last)
    return None if module is None else _present(path, module)


def _present(path: str, module: ModuleType) -> ModuleSpec | None:
    if getattr(module, "__path__", None) and module.__name__ != path:
        _Folders.known_as[path] = module.__name__
        if _Folders not in sys.meta_path:
            sys.meta_path.insert(0, _Folders)
    return importlib.util.spec_from_loader(path, Present(module), is_package=True)


class _Folders:
    """The finder of what lies in folders that are known by another name, too: no file of theirs is executed twice."""

    known_as: ClassVar[dict[str, str]] = {}

    @classmethod
    def find_spec(cls, path: str, *rest: Any) -> ModuleSpec | None:
        """The spec of the file by its first name; None for all that lies elsewhere."""
        above, _, last = path.rpartition(".")
        if above not in cls.known_as:
            return None
        module = find_module(f"{cls.known_as[above]}.{last}".removeprefix(f"{LIBRARY}."))
        return None if module is None else _present(path, module)


def _made_by(package: ModuleType, name: str) -> ModuleType | None:
    """The module that a package has, or makes on demand."""
    with contextlib.suppress(AttributeError):
        found = own(package, name)
        return found if isinstance(found, ModuleType) else None
    return None


def own(module: ModuleType, name: str) -> Any:
    """What a module has itself, or makes on demand."""
    if name in vars(module):
        return vars(module)[name]
    on_demand = vars(module).get("__getattr__", nothing)
    return getattr(on_demand, "on_demand", on_demand)(name)


def nothing(name: str) -> Any:
    """The ``__getattr__`` of a module that has none."""
    raise AttributeError(name)


def module_in(package: str, name: str) -> ModuleType | None:
    """The module that PyTorch has in a package under this name; None if the table has none."""
    place = f"{package}.{name}".removeprefix(f"{LIBRARY}.")
    in_table = place in RENAMED or place in WITHOUT_A_FILE or place in REFUSED
    return importlib.import_module(f"{LIBRARY}.{place}") if in_table else None


class _Function(ModuleType):
    """A module that has the name of a function beside it, as ``torch.autograd.gradcheck``; called, it is the function.

    An import puts the module where the function was.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        return vars(self)[self.__name__.rpartition(".")[2]](*args, **options)


class Present(Loader):
    """Hands out a module that is loaded already."""

    def __init__(self, module: ModuleType) -> None:
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing but give it its own spec back, which the import has replaced: it is executed once."""
        if self.spec is not None:
            module.__spec__ = self.spec
        above, _, last = module.__name__.rpartition(".")
        if type(module) is ModuleType and self.spec is None and above in sys.modules:
            with contextlib.suppress(AttributeError):
                found = own(sys.modules[above], last)
                if type(found) is FunctionType:
                    module.__class__ = _Function
                    vars(module)[last] = found
