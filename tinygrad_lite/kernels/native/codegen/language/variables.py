"""`Variables`: the variables of a function that is being compiled, each of one type, on the stack."""

from __future__ import annotations

import ast
from typing import Any

from .arrays import Arrays, forms
from .kinds import Kind, Unsupported, plain, unify
from .values import Items, Value


class TypesChanged(Exception):
    """A variable has turned out to be of a wider type than before: the function is written once more."""


class Variables(Arrays):
    """Reads and writes variables; those that no statement changes are values, and need no memory."""

    _kinds: dict[str, Kind]
    _positive: dict[str, bool]
    _fixed: set[str]
    _slots: dict[str, tuple[Kind, list[Any]]]
    _values: dict[str, Value]
    _once_more: bool  # what was written holds for variables that cannot be negative, and one can

    def _unknown(self, node: ast.AST) -> Any:
        raise Unsupported(f"{type(node).__name__}, in {ast.unparse(node)[:60]}")

    def _take(self, name: str, value: Value) -> None:
        """Bind an argument."""
        if name in self._fixed:
            self._values[name] = value
        else:
            self._assign(name, value)

    def _assign(self, name: str, value: Value) -> None:
        kind = plain(value.kind)
        before = self._kinds.get(name)
        both = kind if before is None else unify(before, kind)
        self._kinds[name] = both
        positive = bool(getattr(value, "positive", False))
        if isinstance(value, Items):
            positive = all(getattr(v, "positive", False) for v in value.items)
        if before is not None and before != both:
            raise TypesChanged
        if not positive and self._positive.get(name, True):
            self._positive[name] = False
            self._once_more = self._once_more or name in self._slots
        self._positive.setdefault(name, positive)
        if name not in self._slots:
            self._slots[name] = both, [self.room(form) for form in forms(both)]
        for part, slot in zip(self.parts(value, both), self._slots[name][1]):
            self.builder.store(part, slot)

    def _read(self, name: str) -> Value:
        if name in self._values:
            return self._values[name]
        if name not in self._slots:
            if name not in self._kinds:
                raise Unsupported(f"{name}, which may not be assigned yet")
            kind = self._kinds[name]
            self._slots[name] = kind, [self.room(form) for form in forms(kind)]
        kind, slots = self._slots[name]
        return self.whole(kind, iter([self.builder.load(slot) for slot in slots]), self._positive[name])
