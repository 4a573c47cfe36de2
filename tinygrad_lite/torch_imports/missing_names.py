"""The missing names that a program asked ``torch`` for: collected while it runs, told at its end."""

from __future__ import annotations

import sys
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

_OURS = Path(__file__).resolve().parent.parent
_LOOKING_AROUND = {"_pytest", "doctest", "inspect", "pydoc", "unittest"}  # they ask all modules for names of their own
_asked: dict[str, str] = {}  # name -> the first place that asked for it


def note(name: str, depth: int = 2) -> None:
    """Remember a name that is not here, unless this library itself, the interpreter or a test runner asked."""
    frame: Any = sys._getframe(depth)
    while frame is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(str(_OURS)):
        return
    if frame.f_globals.get("__name__", "").partition(".")[0] in _LOOKING_AROUND:
        return
    _asked.setdefault(name, f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")


def report() -> None:
    """Tell the names on the standard error stream, each with the place where it was first asked for."""
    if _asked:
        places = ", ".join(f"{name} ({place})" for name, place in _asked.items())
        print(f"tinygrad_lite: not here of what the program asked for: {places}", file=sys.stderr)


def watch_errors() -> None:
    """Note the attribute of a tensor, layer or optimizer whose absence ends the program.

    A ``__getattr__`` of theirs would see what is asked for and not missed, too, and slow down all other attributes.
    """
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error, AttributeError) and traceback is not None:
            of = type(error.obj)
            *_, (frame, line) = walk_tb(traceback)
            if of.__module__.partition(".")[0] in (_OURS.name, "torch"):
                _asked.setdefault(f"{of.__name__}.{error.name}", f"{Path(frame.f_code.co_filename).name}:{line}")
        show(kind, error, traceback)

    sys.excepthook = hook
