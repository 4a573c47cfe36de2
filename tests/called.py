"""Every public function with arguments that it takes: from the rows of OPS and the examples of docstrings."""

from __future__ import annotations

import contextlib
import doctest
import functools
import io
import math
from collections.abc import Callable
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from ops_table import OPS, QUESTIONS

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F

SPACES: dict[str, ModuleType] = {
    "F": F, "tg": tg, "linalg": tg.linalg, "fft": tg.fft, "special": tg.special, "masked": tg.masked,
    "windows": tg.signal.windows,
}  # fmt: skip
Call = tuple[tuple[Any, ...], dict[str, Any]]


class Spy:
    """Stands in for modules, and notes what their functions are called with."""

    def __init__(self, names: tuple[str, ...], calls: dict[str, list[Call]]) -> None:
        self._names, self._calls = names, calls

    def __getattr__(self, name: str) -> Any:
        if name in SPACES:
            return Spy((name,), self._calls)
        if name == "signal":
            return SimpleNamespace(windows=Spy(("windows",), self._calls))
        for space in self._names:
            value = getattr(SPACES[space], name, None)
            if isinstance(value, FunctionType) and name in SPACES[space].__all__:
                return functools.partial(self._call, f"{space}.{name}", value)
            if value is not None:
                return value
        raise AttributeError(name)

    def _call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self._calls.setdefault(name, []).append((args, kwargs))
        return function(*args, **kwargs)


@functools.cache
def calls() -> dict[str, list[Call]]:
    """Calls of each function, by names such as ``linalg.solve``."""
    found: dict[str, list[Call]] = {}
    everywhere = Spy(("F", "tg", "special"), found)
    seen = set()
    for row in (*OPS, *QUESTIONS):
        if row.name not in seen:
            seen.add(row.name)
            with contextlib.suppress(AttributeError, TypeError):  # `m` is compared with the library in a few rows
                row.call(everywhere, *(tg.tensor(a) for a in row.draw(np.float32)))
    for space, name, function in public():
        if f"{space}.{name}" not in found and function.__doc__:
            with contextlib.redirect_stdout(io.StringIO()):
                _run(function.__doc__, {"tg": Spy(("tg",), found), "F": Spy(("F",), found), "np": np, "math": math})
    return found


def public() -> list[tuple[str, str, Callable[..., Any]]]:
    """Space, name and function."""
    return [
        (space, name, getattr(module, name))
        for space, module in SPACES.items()
        for name in module.__all__
        if isinstance(getattr(module, name), FunctionType)
    ]


def _run(text: str, names: dict[str, Any]) -> None:
    for example in doctest.DocTestParser().get_examples(text):
        if not example.source.startswith(("import", "from")):
            try:
                exec(compile(example.source, "<example>", "single"), names)
            except Exception:  # it uses what only the library itself has: the calls until then are noted
                return
