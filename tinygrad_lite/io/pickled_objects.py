"""Pickles whose names are looked up and called, as Python's own are: for files that their reader trusts."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Mapping
from typing import IO, Any, TypeAlias

from ..torch_imports.places import find_module
from .pickled import PLAIN, SILENT, Builder, Name

Trusted: TypeAlias = "bool | Mapping[str, Any]"  # nothing, everything, or the objects of these names


def pytorchs(name: Name) -> Any:
    """What this library has under a name of PyTorch's.

    Raises
    ------
    ValueError
        If it has nothing there.
    """
    place = name.module.removeprefix("torch").removeprefix(".")
    while True:
        with contextlib.suppress(AttributeError):
            found: Any = find_module(place)
            if found is not None:
                for part in name.name.split("."):
                    found = getattr(found, part)
                return found
        if not place:
            raise ValueError(f"it asks for {name}, which tinygrad_lite does not have")
        place = place.rpartition(".")[0]  # PyTorch's files are cut otherwise: what is in one is found above it here


def by_name(listed: list[Any]) -> dict[str, Any]:
    """Classes and functions by their names, or by the other name that stands with one in a pair."""
    pairs = (each if isinstance(each, tuple) else (each, f"{each.__module__}.{each.__qualname__}") for each in listed)
    return {name: value for value, name in pairs}


class ObjectReader:
    """Reads pickles as `Machine` does, and calls what they name.

    Parameters
    ----------
    builders, values, storage
        As for `Machine`.
    trusted : True or dict
        Whether every name may be used, or which objects, by their names.
    """

    def __init__(
        self,
        builders: Mapping[Name, Builder],
        values: Callable[[Name], Any],
        storage: Callable[[Any], Any],
        trusted: Trusted,
    ) -> None:
        self._builders, self._values, self._storage, self._trusted = builders, values, storage, trusted

    def read(self, file: IO[bytes]) -> Any:
        """Read one pickle, after which the file stands.

        Raises
        ------
        ValueError
            If it is damaged, or names what is not found or not listed.
        """
        try:
            return _Unpickler(file, self._find, self._storage).load()
        except (pickle.UnpicklingError, EOFError) as error:
            raise ValueError(f"the pickle is damaged ({error})") from None

    def _find(self, name: Name) -> Any:
        """The object of a name; None where it is to be imported."""
        if name in self._builders:
            return self._builders[name]
        value = self._values(name)
        if isinstance(value, Name) and not value.name.endswith("Storage"):
            return pytorchs(name)  # a class of tensors
        if value is not None:
            return value
        if isinstance(self._trusted, Mapping) and name not in PLAIN and name not in SILENT:
            if str(name) not in self._trusted:
                raise ValueError(f"it asks for {name}, which is refused: it is not among the safe globals")
            return self._trusted[str(name)]
        return pytorchs(name) if f"{name.module}.".startswith("torch.") else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], find: Callable[[Name], Any], storage: Callable[[Any], Any]) -> None:
        super().__init__(file)
        self._find, self._storage = find, storage

    def find_class(self, module: str, name: str) -> Any:
        """The object of a name."""
        found = self._find(Name(module, name))
        return super().find_class(module, name) if found is None else found

    def persistent_load(self, pid: Any) -> Any:
        """A storage; or a class, beside whose name the format before zip files has its source."""
        return pid[1] if isinstance(pid, tuple) and pid[:1] == ("module",) else self._storage(pid)
