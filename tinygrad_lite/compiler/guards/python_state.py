"""The Python state that a function depends on: globals, closures, attributes, and the tensors they lead to.

They are found from the function's code, through the functions it names and the objects these use. A program holds
while all of it is as it was, which `Python.guard` asks with one ``is`` for each; a function that changes any of it
while it runs has side effects, which a replay would leave out. What is not understood is refused by name.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

from ... import rules
from ...graph import memory
from ..recorder.calls import Refused
from . import kinds
from .names import Names, known, origin, stdlib

_PACKAGE = __name__.partition(".")[0]


class Python:
    """The Python state that functions and objects lead to, as it is now.

    Parameters
    ----------
    roots : iterable of (name, object)
    names : Names

    Attributes
    ----------
    tokens : dict
        Path -> what is there, comparable.
    tensors : dict
        Path -> Tensor.
    arrays : dict
        id of memory -> path of the tensor or array that it belongs to.

    Raises
    ------
    Refused
        For what is not understood.
    """

    def __init__(self, roots: Iterable[tuple[str, Any]], names: Names) -> None:
        self.names, roots, known = names, list(roots), -1
        while known != len(names.attributes):  # the order in which all is found depends on the names that are known
            known = len(names.attributes)
            self._find(roots)
        if names.stored & kinds.OF_OPTIMIZERS:
            raise Refused(f"sets {', '.join(sorted(names.stored & kinds.OF_OPTIMIZERS))} of an optimizer")

    def _find(self, roots: Iterable[tuple[str, Any]]) -> None:
        """Begin anew, and look at all that is led to."""
        names = self.names
        self.tokens: dict[str, Any] = {}
        self.tensors: dict[str, Any] = {}
        self.arrays: dict[int, str] = {}
        self.kept: list[Any] = []
        self._seen: set[int] = set()
        self._classes: set[tuple[int, bool]] = set()
        self._checks: list[str] = []
        self._values: dict[str, Any] = {}
        self._late: list[tuple[str, Any, Any]] = []
        for path, value in roots:
            self._visit(path, value)
        done: set[Any] = set()
        while True:  # attributes count only if some code names them, and code may still be found
            members = ((path, owner, name) for path, owner, own in self._late for name in own)
            named = (m for m in members if names.everything or m[2] in names.attributes)
            todo = [m for m in named if (id(m[1]), m[2]) not in done]
            if not todo:
                break
            for path, owner, name in todo:
                done.add((id(owner), name))
                self._member(f"{path}.{name}", owner, name)

    def differences(self, other: Python) -> list[str]:
        """The paths where another state differs, and how."""
        paths = [p for p in {**self.tokens, **other.tokens} if self.tokens.get(p) != other.tokens.get(p)]
        return [
            f"{p} was {kinds.text_of(self.tokens.get(p))}, then {kinds.text_of(other.tokens.get(p))}" for p in paths
        ]

    def guard(self) -> Callable[[], bool]:
        """Compile what tells quickly that nothing has changed; False means that it has to be looked at closely."""
        source = " and ".join(self._checks) or "True"
        values = ", ".join(self._values)
        text = f"def make({values}):\n    def guard():\n        return {source}\n    return guard\n"
        namespace: dict[str, Any] = {}
        exec(compile(text, __file__, "exec"), namespace)
        made: Callable[[], bool] = namespace["make"](*self._values.values())
        return made

    # --- checks --------------------------------------------------------------------------------------------------

    def _name(self, value: Any) -> str:
        name = f"o{len(self._values)}"
        self._values[name] = value
        return name

    def _check(self, text: str, *values: Any) -> None:
        self._checks.append(text.format(*map(self._name, values)))

    def _member(self, path: str, owner: Any, name: str) -> None:
        held = owner if isinstance(owner, dict) else vars(owner)
        value = held[name]
        self._check(f"{{}}.get({name!r}) is {{}}", held, value)
        self._visit(path, value)

    # --- what is found -------------------------------------------------------------------------------------------

    def _visit(self, path: str, value: Any) -> None:
        if isinstance(value, kinds.PLAIN):
            self.tokens[path] = type(value), repr(value)
            return
        if isinstance(value, (float, complex)):
            self.tokens[path] = type(value), repr(value)
            return
        if isinstance(value, rules.Tensor):
            self._tensor(path, value)
            return
        self.kept.append(value)
        if id(value) in self._seen:
            self.tokens[path] = "same", type(value), id(value)
            return
        self._seen.add(id(value))
        if callable(value) and (kinds.source_of(value) in kinds.IMPURE_MODULES or value is os.getenv):
            raise Refused(f"{path} gives other values each time; pass them as arguments")
        visit = self._how(value)
        if visit is None:
            self.tokens[path] = type(value), id(value)
        else:
            self.tokens[path] = type(value), kinds.length(value)
            visit(path, value)

    def _how(self, value: Any) -> Callable[[str, Any], None] | None:
        """How to look into an object; None for one that counts by identity."""
        kind, module = type(value), origin(type(value))
        if isinstance(value, np.ndarray):
            return self._unknown
        if isinstance(value, (tuple, list, deque)):
            return self._sequence
        if isinstance(value, (dict, MappingProxyType)):
            return self._mapping
        if isinstance(value, (set, frozenset)):
            return self._set
        if kind is FunctionType:
            return None if known(value.__code__) else self._function
        if kind is MethodType:
            return self._method
        if isinstance(value, functools.partial):
            return self._partial
        if isinstance(value, (staticmethod, classmethod)):
            return lambda path, method: self._visit(path, method.__func__)
        if isinstance(value, property):
            return lambda path, method: self._visit(path, method.fget)
        if isinstance(value, kinds.BY_IDENTITY):
            return None
        if isinstance(value, ModuleType):
            return self._module
        if isinstance(value, type):
            return None if origin(value) in (_PACKAGE, "builtins", "numpy") or stdlib(value) else self._class
        if kinds.is_of(value, "nn.module", "Module"):
            return self._layer
        if kind.__module__ == f"{_PACKAGE}.compiler.compiled":
            return lambda path, value: self._visit(path, value.wrapped)
        if module == _PACKAGE:
            if hasattr(kind, "__next__"):
                raise Refused(f"an iterator, {kind.__name__}")
            return None  # optimizers, schedules, generators: what they do is called again
        if hasattr(kind, "__next__") or stdlib(kind) or not kind.__dictoffset__:
            return self._unknown
        return self._object

    def _unknown(self, path: str, value: Any) -> None:
        raise Refused(f"{path} is of type {type(value).__name__}, which is not understood; pass what it gives as an "
                      "argument")  # fmt: skip

    def _tensor(self, path: str, value: Any) -> None:
        data, node = value._data, value._node
        self.kept.append((value, data, node))
        self.tokens[path] = "tensor", id(value), id(data), id(node), value._view is None
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        self.tensors[path] = value
        self.arrays[id(memory(data))] = path
        self._check("({0})._data is {{}} and ({0})._node is {{}} and ({0})._view is {{}}".format(self._name(value)),
                    data, node, value._view)  # fmt: skip
        if node is not None and node.edges == ():
            self._check("not {}.hooks", node)
            if node.hooks:
                raise Refused(f"{path} has hooks")

    def _sequence(self, path: str, value: Any) -> None:
        changes = not isinstance(value, tuple)
        if changes:
            self._check(f"len({{}}) == {len(value)}", value)
        for i, v in enumerate(value):
            if changes:
                self._check(f"{{}}[{i}] is {{}}", value, v)
            self._visit(f"{path}[{i}]", v)

    def _mapping(self, path: str, value: Any) -> None:
        self._check(f"len({{}}) == {len(value)}", value)
        for k, v in value.items():
            self._check("{}.get({}) is {}", value, k, v)
            self._visit(f"{path}[{k!r}]", v)

    def _set(self, path: str, value: Any) -> None:
        if not all(isinstance(v, kinds.PLAIN) for v in value):
            raise Refused(f"{path} is a set of objects")
        self.tokens[path] = type(value), repr(sorted(map(repr, value)))
        self._check("{} == {}", value, frozenset(value))

    def _function(self, path: str, value: Any) -> None:
        code = value.__code__
        self._check("{}.__code__ is {}", value, code)
        self.tokens[f"{path}.__code__"] = id(code)
        names = value.__code__.co_freevars
        for name, cell in zip(names, value.__closure__ or ()):
            try:
                inside = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            self._check("{}.cell_contents is {}", cell, inside)
            self._visit(f"{path}:{name}", inside)
        for extra in ("__defaults__", "__kwdefaults__"):
            given = getattr(value, extra)
            if given:
                self._check(f"{{}}.{extra} is {{}}", value, given)
                self._visit(f"{path}.{extra}", given)
        for name in self.names.of(code):
            if name.startswith("import "):
                self._visit(name[7:], importlib.import_module(name[7:]))
            elif name in value.__globals__:
                self._check(f"{{}}.get({name!r}) is {{}}", value.__globals__, value.__globals__[name])
                self._visit(name, value.__globals__[name])
            elif name in kinds.IMPURE and hasattr(builtins, name):
                raise Refused(f"{value.__qualname__} calls {name}(), which a replay would leave out")

    def _method(self, path: str, value: Any) -> None:
        self._visit(path, value.__func__)
        self._visit(f"{path}.__self__", value.__self__)

    def _partial(self, path: str, value: Any) -> None:
        self._visit(path, value.func)
        self._visit(f"{path}.args", value.args)
        self._visit(f"{path}.keywords", value.keywords)

    def _module(self, path: str, value: Any) -> None:
        top = value.__name__.partition(".")[0]
        if top in kinds.IMPURE_MODULES or value is np.random:
            raise Refused(f"{path} gives other values each time; pass them as arguments")
        held = kinds.of_the_process(top)
        self._late.append((path, held, list(held)))
        if top == _PACKAGE or top in sys.stdlib_module_names:
            return
        if top == "numpy":
            self._late.append((path, {"random": np.random}, ["random"]))
            return
        self._late.append((path, vars(value), list(vars(value))))

    def _class(self, path: str, value: Any, made: bool = True) -> None:
        """Look at a class: all that Python calls without naming it, with what makes objects if any can be made."""
        if (id(value), made) in self._classes:
            return
        self._classes.add((id(value), made))
        unmeant = kinds.NEVER_MEANT if made else kinds.NEVER_MEANT | kinds.MAKING
        for cls in value.__mro__[:-1]:
            if origin(cls) == _PACKAGE or stdlib(cls):
                break
            inside = f"{path}<{cls.__qualname__}>"  # another place than the object's own attribute of that name
            own = [n for n in vars(cls) if not (n.startswith("__") and n.endswith("__"))]
            self._check(f"len({{}}) == {len(vars(cls))}", vars(cls))
            self._late.append((inside, cls, own))
            for name in sorted(vars(cls).keys() - unmeant):
                if name not in own and isinstance(vars(cls)[name], (FunctionType, *kinds.WRAPPED)):
                    self._member(f"{inside}.{name}", cls, name)
        if type(value) is not type and not stdlib(type(value)) and origin(type(value)) not in (_PACKAGE, "builtins"):
            self._class(path, type(value), made=False)

    def _layer(self, path: str, value: Any) -> None:
        ours = origin(type(value)) == _PACKAGE
        self._check("type({}) is {}", value, type(value))
        self._check("{}._hooks is {}", value, value._hooks)  # its own, and those of every module
        for table in kinds.hooks_of_calls(path, value):
            self._check("not {}", table)
        self._check(f"len({{}}) == {len(vars(value))}", vars(value))  # what is new there may hide a method
        own = {n: v for n, v in vars(value).items() if n not in ("_kinds", "_hooks")}
        needed = [n for n in own if ours or n == "training" or n.rstrip(".") in value._kinds]
        self._check(f"len({{}}) == {len(value._kinds)}", value._kinds)
        for name in needed:
            self._member(f"{path}.{name}", value, name)
        if not ours:
            self.names.attributes |= {"forward"}
            self._late.append((path, vars(value), [n for n in own if n not in needed]))
            self._class(path, type(value), made=False)

    def _object(self, path: str, value: Any) -> None:
        self._check("type({}) is {}", value, type(value))
        self._check(f"len({{}}) == {len(vars(value))}", vars(value))
        self._late.append((path, vars(value), list(vars(value))))
        self._class(path, type(value), made=False)
