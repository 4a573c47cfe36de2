"""What a program asked of ``torch`` that is not here: collected while it runs, told at its end."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_OURS = str(Path(__file__).resolve().parent.parent)
_asked: dict[str, str] = {}  # name -> the first place that asked for it


def note(name: str, depth: int = 2) -> None:
    """Remember a name that is not here, unless this library itself or the interpreter asked."""
    frame: Any = sys._getframe(depth)
    while frame is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(_OURS):
        return
    _asked.setdefault(name, f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")


def report() -> None:
    """Tell the names on the standard error stream, each with the place where it was first asked for."""
    if _asked:
        places = ", ".join(f"{name} ({place})" for name, place in _asked.items())
        print(f"tinygrad_lite: not here of what the program asked for: {places}", file=sys.stderr)


class TorchModule(ModuleType):
    """A module of this library that is known as one of PyTorch's: what it lacks is noted.

    PyTorch cuts some packages into other files. A name that one of these lacks is looked up in the package above.
    """

    def __getattr__(self, name: str) -> Any:
        known_as: str = self.__dict__["_known_as"]
        if name.startswith("__"):
            raise AttributeError(f"module {known_as!r} has no attribute {name!r}")
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(f"{known_as}.{name}")
        above = known_as
        while f"{above}.".startswith("torch.nn.modules.") or (above == known_as and "_stands_for" in self.__dict__):
            above = above.rpartition(".")[0]
            try:
                return getattr(importlib.import_module(above), name)
            except AttributeError:
                pass
        note(f"{known_as}.{name}")
        raise AttributeError(f"module {known_as!r} has no attribute {name!r}; it is not in tinygrad_lite")


def watch_tensors(cls: Any) -> None:
    """Note the attributes and methods that tensors lack, too."""

    def __getattr__(self: Any, name: str) -> Any:
        if not name.startswith("_"):
            note(f"Tensor.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    cls.__getattr__ = __getattr__
