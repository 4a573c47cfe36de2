"""The names that functions use, read off their code, and whose code it is."""

from __future__ import annotations

import dis
import functools
import sys
from types import CodeType

import numpy as np

from ...graph import library

_DYNAMIC = frozenset({"getattr", "hasattr", "attrgetter", "__dict__", "__getattribute__", "operator"})


class Names:
    """The names that functions use, collected from their code."""

    def __init__(self) -> None:
        self.attributes: set[str] = set()
        self.stored: set[str] = set()
        self.everything = False  # names are made at run time
        self.codes: dict[CodeType, tuple[str, ...]] = {}

    def of(self, code: CodeType) -> tuple[str, ...]:
        """The global names of a function's code, and of functions inside it."""
        if code not in self.codes:
            found: list[str] = []
            for step in dis.get_instructions(code):
                if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"):
                    found.append(step.argval)
                elif step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM"):
                    self.attributes.add(step.argval)
                elif step.opname in ("STORE_ATTR", "DELETE_ATTR"):
                    self.attributes.add(step.argval)
                    self.stored.add(step.argval)
                elif step.opname == "IMPORT_NAME":
                    found.append(f"import {step.argval}")
            for inner in code.co_consts:
                if isinstance(inner, CodeType):
                    found += self.of(inner)
            self.everything |= not _DYNAMIC.isdisjoint((*found, *self.attributes))
            self.codes[code] = tuple(dict.fromkeys(found))
        return self.codes[code]


def origin(kind: type) -> str:
    """The package that a class is from."""
    return str(getattr(kind, "__module__", "")).partition(".")[0]


def stdlib(kind: type) -> bool:
    """Whether a class is one of Python's own."""
    return origin(kind) in sys.stdlib_module_names and origin(kind) != "__main__"


def known(code: CodeType) -> bool:
    """Whether code is this library's, NumPy's or Python's own."""
    name = code.co_filename
    if library[name] or name.startswith((_NUMPY, "<frozen")):
        return True
    return name.startswith(_STDLIB) and "site-packages" not in name and "dist-packages" not in name


_STDLIB = (functools.__file__ or "").rpartition("functools")[0]
_NUMPY = (np.__file__ or "").rpartition("__init__")[0]
