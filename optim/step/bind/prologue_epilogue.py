"""The stages of a step, and their text with the switches set.

A step is a prologue that every optimizer has (gradient scale, clipping by value, weight decay), the optimizer's own
formula, and an epilogue (a running mean of the weights). Each is a plain function of one element. Arguments that are
True or False are switches: the branches they close disappear from the text, and with them the states and scalars that
only those use. `fuse` makes one loop of what is left.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Container, Mapping
from typing import Any

import numpy as np

from tinygrad_lite.kernels.native.source import SourceError, definition

from ..declare.formula_language import unset_names


def prologue(p, g, gain, limit, l2, decay, scaled, limited, coupled, decoupled):
    """What comes before every update formula: gradient scale, clipping by value, weight decay of either kind.

    ``g = clip(gain * g) + l2 * p``, ``p = decay * p``; what is switched off costs nothing and touches no NaN.
    """
    if scaled:
        g = gain * g
    if limited:
        g = np.where(g > limit, limit, np.where(g < -limit, -limit, g))
    if coupled:
        g = g + l2 * p
    if decoupled:
        p = decay * p
    return p, g


def epilogue(p, e, pace, averaged):
    """What comes after every update formula: ``e``, the running mean of the weights."""
    if averaged:
        e = e + pace * (p - e)
    return e


BEFORE, AFTER = "prologue.", "epilogue."  # so that a formula may call its own scalars as it likes
SWITCHES = (*(BEFORE + name for name in ("scaled", "limited", "coupled", "decoupled")), AFTER + "averaged")
AVERAGE = AFTER + "e"


class Stage:
    """A formula with its switches set: what is left of its text, its states and its scalars.

    Parameters
    ----------
    function : callable
        ``function(p, g, <states, scalars and switches by name>)``.
    states : tuple of str
        Which arguments are states.
    switches : dict of bool
    returned : tuple of str
        The states that are returned after the first result, in that order; by default all.

    Attributes
    ----------
    states, scalars : tuple of str
        What the formula still uses with the switches set as they are.
    tree : ast.FunctionDef or None
        The text that is left; None if Python does not have the text.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        states: tuple[str, ...],
        switches: Mapping[str, bool],
        returned: tuple[str, ...] | None = None,
    ) -> None:
        self.function = function
        returned = states if returned is None else returned
        first_two, names = _arguments(function)
        self._given: dict[str, Any] = {n: switches.get(n) for n in names}  # None: a state that is switched off
        self._returned = returned
        self.states, self.scalars = states, tuple(n for n in names if n not in states and n not in switches)
        self.tree: ast.FunctionDef | None = None
        try:
            tree = definition(function)
        except SourceError:
            return
        _Prune(switches).visit(tree)
        used = _used(tree, returned)
        self.states = tuple(s for s in self.states if s in used)
        self.scalars = tuple(s for s in self.scalars if s in used)
        _KeepReturned(returned, self.states).visit(tree)
        tree.args = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in (*first_two, *self.states, *self.scalars)],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        self.tree = tree

    def require_straight(self, who: str) -> None:
        """Refuse a formula in which branches are left, or names that are used before they are set."""
        assert self.tree is not None
        where = f"{who}.{self.function.__name__}"
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.If, ast.IfExp)):
                test = ast.unparse(node.test)
                raise TypeError(f"{where}: what stands in `if` must be True or False, got a number: {test}")
        for unset in unset_names(self.tree, self.function.__code__.co_varnames):
            raise TypeError(f"{where}: {unset!r} must be set on every way through the formula; switched so it is not")

    def plain(self, p: Any, g: Any, states: Mapping[str, Any], scalars: Mapping[str, Any]) -> tuple[Any, ...]:
        """Evaluate the formula as it was written, on whole arrays; return ``p`` and the states in use."""
        found = self.function(p, g, **{**self._given, **states, **scalars})
        if not self._returned:
            return found if isinstance(found, tuple) else (found,)
        return (found[0], *(new for name, new in zip(self._returned, found[1:]) if name in self.states))


def _arguments(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(inspect.signature(function).parameters)
    if len(names) < 2:
        raise TypeError(f"{function.__qualname__}: an update formula takes the parameter and the gradient first")
    return names[:2], names[2:]


class _Prune(ast.NodeTransformer):
    """Set the switches and drop the branches they close."""

    def __init__(self, switches: Mapping[str, bool]) -> None:
        self._switches = switches

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self._switches and isinstance(node.ctx, ast.Load):
            return ast.Constant(self._switches[node.id])
        return node

    def visit_If(self, node: ast.If) -> Any:
        test = self.visit(node.test)
        if not isinstance(test, ast.Constant):
            return self.generic_visit(node)
        return [kept for each in (node.body if test.value else node.orelse) for kept in _listed(self.visit(each))]

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        test = self.visit(node.test)
        if not isinstance(test, ast.Constant):
            return self.generic_visit(node)
        found: ast.AST = self.visit(node.body if test.value else node.orelse)
        return found

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        decisive = isinstance(node.op, ast.Or)
        if any(isinstance(v, ast.Constant) and bool(v.value) is decisive for v in node.values):
            return ast.Constant(decisive)
        node.values = [v for v in node.values if not isinstance(v, ast.Constant)]
        return ast.Constant(not decisive) if not node.values else node if len(node.values) > 1 else node.values[0]


def _listed(found: Any) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]


def _returned(node: ast.Return, states: tuple[str, ...]) -> list[ast.expr]:
    if not isinstance(node.value, ast.Tuple) or len(node.value.elts) != 1 + len(states):
        raise TypeError(f"an update formula returns the parameter and its states: p, {', '.join(states)}")
    return node.value.elts


class _KeepReturned(ast.NodeTransformer):
    """Return the parameter and only some of the states."""

    def __init__(self, states: tuple[str, ...], keep: Container[str]) -> None:
        self._states, self._keep = states, keep

    def visit_Return(self, node: ast.Return) -> ast.AST:
        if self._states:
            p, *new = _returned(node, self._states)
            kept = [p, *(value for name, value in zip(self._states, new) if name in self._keep)]
            node.value = kept[0] if len(kept) == 1 else ast.Tuple(kept, ast.Load())
        return node


def _used(tree: ast.FunctionDef, states: tuple[str, ...]) -> set[str]:
    """The names a formula uses; handing a state back as it came is no use of it."""
    unchanged, changed = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and states:
            for name, value in zip(states, _returned(node, states)[1:]):
                if isinstance(value, ast.Name) and value.id == name:
                    unchanged.add(value)
                else:
                    changed.add(name)
    return changed | {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in unchanged}
