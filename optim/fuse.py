"""From an update formula to one compiled loop over all parameters.

A formula is a plain function of one element: ``update(p, g, m, v, lr, ...)``. NumPy evaluates it on whole
arrays, which is the reference; here its text becomes the body of a loop, together with the stage that every
optimizer has before it (gradient scale and weight decay), so that a step passes over memory once. Arguments
that are True or False are switches: the branches they close disappear from the text, and with them the state
arrays that only those use.
"""

from __future__ import annotations

import ast
import copy
import inspect
import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_lite.kernels.source import Source, SourceError, definition

Array = np.ndarray[Any, Any]
Switches = tuple[tuple[str, bool], ...]

PREFIX = "prologue."  # so that a formula may call its own scalars as it likes
PROLOGUE_SWITCHES = tuple(PREFIX + name for name in ("scaled", "coupled", "decoupled"))

PIECE = (
    1 << 15
)  # elements a thread takes at a time: 128 KB of each array, small against a launch, large against a claim


def prologue(p: Any, g: Any, gain: Any, l2: Any, decay: Any, scaled: bool, coupled: bool, decoupled: bool) -> Any:
    """What comes before every update formula: gradient scale, weight decay of either kind.

    ``g = gain * g + l2 * p``, ``p = decay * p``; what is switched off costs nothing and touches no NaN.
    """
    if scaled:
        g = gain * g
    if coupled:
        g = g + l2 * p
    if decoupled:
        p = decay * p
    return p, g


class Stage:
    """A formula with its switches set: what is left of its text, its states and its scalars.

    Parameters
    ----------
    function : callable
        ``function(p, g, <states, scalars and switches by name>)``; returns ``p`` and, after it, the states.
    states : tuple of str
        Which arguments are states, in the order in which they are returned.
    switches : dict of bool

    Attributes
    ----------
    states, scalars : tuple of str
        What the formula still uses with the switches set as they are.
    tree : ast.FunctionDef or None
        The text that is left; None if Python does not have the text.
    """

    def __init__(self, function: Callable[..., Any], states: tuple[str, ...], switches: Mapping[str, bool]) -> None:
        self.function = function
        first_two, names = _arguments(function)
        self._given: dict[str, Any] = {n: switches.get(n) for n in names}  # None: a state that is switched off
        self._returned = states
        self.states, self.scalars = states, tuple(n for n in names if n not in states and n not in switches)
        self.tree: ast.FunctionDef | None = None
        try:
            tree = definition(function)
        except SourceError:
            return
        _Prune(switches).visit(tree)
        used = _used(tree, states)
        self.states = tuple(s for s in self.states if s in used)
        self.scalars = tuple(s for s in self.scalars if s in used)
        _KeepReturned(states, self.states).visit(tree)
        tree.args = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in (*first_two, *self.states, *self.scalars)],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        self.tree = tree

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
    unchanged = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and states:
            for name, value in zip(states, _returned(node, states)[1:]):
                if isinstance(value, ast.Name) and value.id == name:
                    unchanged.add(value)
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in unchanged}


class _Scalar(ast.NodeTransformer):
    """A formula for one element at the working precision.

    Literals are 64 bits wide in numba and would widen everything they touch; `np.where` on scalars is 900
    times slower than a conditional expression, which becomes the same select instruction.
    """

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            return node
        return ast.Call(ast.Name("_dtype", ast.Load()), [node], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if isinstance(node.op, ast.Pow):  # an integer exponent is multiplied out
            exponent = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            if isinstance(exponent, ast.Constant) and isinstance(exponent.value, int):
                node.left = self.visit(node.left)
                return node
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "where" and len(node.args) == 3:
            return ast.IfExp(*node.args)
        return node


class Fused:
    """An optimizer's update with everything decided that can be decided before the numbers are known.

    Parameters
    ----------
    name : str
        The optimizer's.
    update : callable
    states : tuple of str
        The formula's names of them.
    switches : tuple of (name, bool)
        The formula's switches, and the prologue's with its prefix.
    elementwise : bool
        Whether `update` is a formula for one element, or for whole arrays, in NumPy.

    Attributes
    ----------
    states, scalars : tuple of str
        What is used with the switches set so; the scalars begin with the prologue's, prefixed.
    compiled : bool
        Whether there is a compiled form: the formula's text is known.
    """

    def __init__(
        self,
        name: str,
        update: Callable[..., Any],
        states: tuple[str, ...],
        switches: Switches,
        elementwise: bool,
    ) -> None:
        self.name, self.switches = name, switches
        before = {n.removeprefix(PREFIX): on for n, on in switches if n.startswith(PREFIX)}
        self.before = Stage(prologue, (), before)
        self.update = Stage(update, states, {n: on for n, on in switches if not n.startswith(PREFIX)})
        self.states = self.update.states
        self.scalars = (*(PREFIX + n for n in self.before.scalars), *self.update.scalars)
        self.compiled = elementwise and self.update.tree is not None
        if elementwise and not self.compiled:
            warnings.warn(
                f"{name}: Python does not have the text of its update formula, so it runs in plain NumPy; "
                "define the class in a file to have it compiled",
                RuntimeWarning,
                stacklevel=2,
            )
        self._kernels: dict[np.dtype[Any], Any] = {}

    def plain(self, p: Array, g: Array, states: Sequence[Array], values: Array) -> None:
        """Update one parameter and its states in place, with NumPy: the reference."""
        n = len(self.before.scalars)
        before, own = dict(zip(self.before.scalars, values)), dict(zip(self.update.scalars, values[n:]))
        with np.errstate(all="ignore"):  # as a compiled loop
            x, d = self.before.plain(p, g, {}, before)
            found = self.update.plain(x, d, dict(zip(self.states, states)), own)
            for old, new in zip((p, *states), found):
                old[...] = new

    def kernel(self, dtype: np.dtype[Any]) -> Any:
        """Return the compiled ``kernel(table, offsets, first, values, cursor)`` for one dtype; see `text`."""
        if dtype not in self._kernels:
            from tinygrad_lite.kernels.compile import build

            self._kernels[dtype] = build(self.name.lower(), self.text(dtype))["kernel"]
        return self._kernels[dtype]

    def text(self, dtype: np.dtype[Any]) -> str:
        """Return the kernel's source.

        The kernel walks over all parameters as if they lay end to end, in pieces that threads claim from the
        cursor.
        ``table[0]`` holds the parameters' addresses, ``table[1]`` the gradients', the other rows the states';
        ``offsets`` where each parameter begins among all elements; ``first`` the parameter in which each
        piece begins;
        ``values`` the scalars.
        """
        source = Source(_Scalar().visit)
        source.put("_dtype", f"import numpy as np\n\n_dtype = np.{dtype.name}")
        for stage in (self.before, self.update):
            assert stage.tree is not None  # `compiled`
            source.add_tree(copy.deepcopy(stage.tree), "inner", stage.function)
        rows = ["p", "g", *(f"s{i}" for i in range(len(self.states)))]
        values = [f"h{i}" for i in range(len(self.scalars))]
        n = len(self.before.scalars)
        source.put(
            "loop",
            _LOOP.format(
                rows=", ".join(rows),
                load="; ".join(f"{v} = values[{i}]" for i, v in enumerate(values)) or "pass",
                before=", ".join(("p[i], g[i]", *values[:n])),
                targets=", ".join(f"{r}[i]" for r in (rows[0], *rows[2:])),
                update=self.update.function.__name__,
                arguments=", ".join(("x, d", *(f"{r}[i]" for r in rows[2:]), *values[n:])),
                views=", ".join(f"view(table[{k}, t] + at, n, _dtype)" for k in range(len(rows))),
                piece=PIECE,
                itemsize=dtype.itemsize,
            ),
        )
        return source.text()


_LOOP = """\
from tinygrad_lite.kernels.memory import claim, view


@inner
def loop({rows}, values):
    {load}
    for i in range(p.size):
        x, d = prologue({before})
        {targets} = {update}({arguments})


@jit
def kernel(table, offsets, first, values, cursor):
    done = 0
    while True:
        piece = claim(cursor)
        if piece >= first.size:
            return done
        start = piece * {piece}
        stop = min(start + {piece}, offsets[-1])
        t = first[piece]
        while start < stop:
            n = min(stop, offsets[t + 1]) - start
            at = (start - offsets[t]) * {itemsize}
            loop({views}, values)
            start += n
            t += 1
        done += 1
"""


fuse = lru_cache(maxsize=None)(Fused)  # made once for each formula and setting of its switches
