"""What a recording consists of: values, and calls with references to them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import rules
from ...graph import Node

ndarray = np.ndarray


class CompileError(RuntimeError):
    """What a compiled function does cannot be replayed; raised where ``fullgraph=True`` asks for it."""


class Refused(Exception):
    """Something cannot be replayed; says why."""


GEOMETRY = frozenset({"Stencil", "Windows"})  # of the library: made of sizes alone, once for each


class Ref:
    """A value of a recording, by its number."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __eq__(self, other: object) -> bool:
        return type(other) is Ref and other.index == self.index

    def __hash__(self) -> int:
        return self.index

    def __repr__(self) -> str:
        return f"v{self.index}"


class LeafNode:
    """The node of a leaf, as an argument of a recorded call.

    Attributes
    ----------
    node : Node
    argument : int or None
        Of which argument of the function it is.
    made : int or None
        The how manyeth it is of those that were made in the recording.
    """

    __slots__ = ("node", "argument", "made")

    def __init__(self, node: Node, argument: int | None, made: int | None) -> None:
        self.node, self.argument, self.made = node, argument, made

    def __eq__(self, other: object) -> bool:
        if type(other) is not LeafNode or (self.argument, self.made) != (other.argument, other.made):
            return False
        return self.argument is not None or self.made is not None or self.node is other.node

    __hash__ = object.__hash__


class Value:
    """An array that was met.

    Attributes
    ----------
    array : ndarray
        As it was in the recording, kept alive so that its memory stays its own.
    kind : str
        ``"argument"``, ``"state"`` (of a tensor that was there before), ``"made"`` by a call, or a ``"constant"``.
    """

    __slots__ = ("array", "kind", "number")

    def __init__(self, array: Any, kind: str, number: int) -> None:
        self.array, self.kind, self.number = array, kind, number


class Call:
    """One recorded call.

    Attributes
    ----------
    kind : str
        ``"row"``, ``"rule"``, ``"draw"``, ``"effect"``, ``"store"``, ``"leaf"`` and the like: who recorded it.
    function : callable
    name : str
    args, kwargs : trees with `Ref` in place of arrays
    outs : tuple of (path, number)
        Where in the result each value is.
    where : str
        The user's line.
    lowered : (Row, dict) or None
        Its steps, and where each new value lies in their memory.
    """

    __slots__ = ("kind", "function", "name", "args", "kwargs", "outs", "where", "lowered")

    def __init__(
        self,
        kind: str,
        function: Any,
        name: str,
        args: Any,
        kwargs: Any,
        outs: tuple[Any, ...],
        where: str,
        lowered: Any = None,
    ) -> None:
        self.kind, self.function, self.name, self.args, self.kwargs = kind, function, name, args, kwargs
        self.outs, self.where, self.lowered = outs, where, lowered

    def bare(self) -> Call:
        """The same without its steps."""
        return Call(self.kind, self.function, self.name, self.args, self.kwargs, self.outs, self.where)

    def differs(self, other: Call) -> str:
        """What another recording has in its place; empty if the same."""
        if self.function is not other.function or self.kind != other.kind:
            return f"{self.name} at {self.where} was {other.name} at {other.where}"
        if not (same(self.args, other.args) and same(self.kwargs, other.kwargs)):
            return f"{self.name} at {self.where} got {shown(self.args)}, then {shown(other.args)}"
        return "" if self.outs == other.outs else f"{self.name} at {self.where} had other results"


def same(a: Any, b: Any) -> bool:
    """Whether two trees of arguments are the same in every bit."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)) and type(a).__name__ not in GEOMETRY:
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) is dict:
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if type(a) is slice:
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if type(a) is functools.partial:
        return a.func is b.func and same(a.args, b.args) and same(a.keywords, b.keywords)
    if type(a) in (float, complex):
        return repr(a) == repr(b)
    if isinstance(a, np.generic):
        return a.tobytes() == b.tobytes() and a.dtype == b.dtype
    return type(a).__name__ not in GEOMETRY and bool(a == b)


def shown(args: Any) -> str:
    """Arguments for a message: the numbers among them."""
    text = ", ".join("..." if type(a) is Ref else repr(a) for a in args)
    return text if len(text) < 60 else f"{text[:57]}..."


class PartsOf:
    """The gradients of several results as an argument."""

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = values

    def __eq__(self, other: object) -> bool:
        return type(other) is PartsOf and same(self.values, other.values)

    __hash__ = object.__hash__


def view_at(array: Any, offset: int, shape: Any, strides: Any, dtype: Any) -> Any:
    """Other elements of an array's memory."""
    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return ndarray(shape, dtype, flat, offset, strides)


def as_arrays(value: Any) -> Any:
    """Arrays of no dimensions in place of NumPy's scalars: they have a place in memory."""
    if isinstance(value, np.generic):
        return np.asarray(value)
    if type(value) in (tuple, list):
        return type(value)([as_arrays(v) for v in value])
    if type(value) is rules.Parts:
        return rules.Parts(as_arrays(value.values))
    return value


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """The leaves of nested tuples, lists and dicts, with the keys that lead to them."""
    if isinstance(value, (tuple, list)):
        for i, v in enumerate(value):
            yield from leaves_of(v, (*path, i))
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from leaves_of(v, (*path, k))
    elif type(value) is rules.Parts:
        yield from leaves_of(value.values, (*path, "values"))
    else:
        yield path, value


def arrays_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """The arrays among the leaves."""
    return ((path, leaf) for path, leaf in leaves_of(value) if type(leaf) is ndarray)


def holds_tensor(values: Any) -> bool:
    """Whether there is a Tensor among the arguments: then it is the calls inside that work on arrays."""
    for v in values:
        if isinstance(v, rules.Tensor):
            return True
        if type(v) in (tuple, list):
            if holds_tensor(v):
                return True
        elif type(v) is rules.Parts and holds_tensor(v.values):
            return True
    return False
