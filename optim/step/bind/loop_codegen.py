"""From an update formula to one compiled loop over all parameters.

A formula is a plain function of one element: ``update(p, g, m, v, lr, ...)``. NumPy evaluates it on whole arrays, which
is the reference; here its text becomes the body of a loop, together with the stages that every optimizer has before and
after it (see `stages`), so that a step passes over memory once. An optimizer that needs sums over each tensor first has
a second formula for what is summed, and a second loop.
"""

from __future__ import annotations

import ast
import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_lite.kernels.native.source import Source

from .prologue_epilogue import AFTER, AVERAGE, BEFORE, Stage, epilogue, prologue

Array = np.ndarray[Any, Any]
Switches = tuple[tuple[str, bool], ...]


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
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "where" and len(node.args) == 3:
            return ast.IfExp(*node.args)
        if name == "clip" and len(node.args) == 3:  # numba has it for arrays only
            found, *limits = node.args
            for bound, limit in zip(("maximum", "minimum"), limits):
                if not (isinstance(limit, ast.Constant) and limit.value is None):
                    found = ast.Call(
                        ast.Attribute(ast.Name("_numpy", ast.Load()), bound, ast.Load()), [found, limit], []
                    )
            return found
        return node


class Fused:
    """A step with everything decided that can be decided before the numbers are known.

    Parameters
    ----------
    name : str
        The optimizer's.
    update : callable
    states : tuple of str
        The formula's names of them.
    switches : tuple of (name, bool)
        The formula's switches, and those of the stages around it with their prefixes.
    measure : callable, optional
        What is summed over each tensor before.
    factors : tuple of str
        Those arguments of `update` that are one number for each tensor.
    elementwise : bool
        Whether `update` is a formula for one element, or for whole arrays, in NumPy.

    Attributes
    ----------
    n_sums : int
        How many quantities `measure` gives.
    states, scalars : tuple of str
        What is used with the switches set so; names of the stages around the formula are prefixed.
    compiled : bool
        Whether there is a compiled form: the formula's text is known.
    """

    def __init__(
        self,
        name: str,
        update: Callable[..., Any],
        states: tuple[str, ...],
        switches: Switches,
        measure: Callable[..., Any] | None = None,
        factors: tuple[str, ...] = (),
        elementwise: bool = True,
    ) -> None:
        self.name, self.switches, self.factors = name, switches, factors

        def under(prefix: str) -> dict[str, bool]:
            return {n.removeprefix(prefix): on for n, on in switches if n.startswith(prefix)}

        own = {n: on for n, on in switches if "." not in n}
        self.before, self.after = Stage(prologue, (), under(BEFORE)), Stage(epilogue, (), under(AFTER))
        self.update = Stage(update, states, own)
        self.measure = None if measure is None else Stage(measure, states, own, returned=())
        self.averaged = under(AFTER).get("averaged", False)
        measured: Any = self.measure or Stage(unchanged, (), {})
        used = {*self.update.states, *measured.states}
        self.states = (*(s for s in states if s in used), *([AVERAGE] if self.averaged else []))
        names = [BEFORE + n for n in self.before.scalars] + [n for n in self.update.scalars if n not in factors]
        names += [n for n in measured.scalars if n not in names] + [AFTER + n for n in self.after.scalars]
        self.scalars = tuple(names)
        self.compiled = elementwise and self.update.tree is not None
        if self.compiled:
            for stage in filter(None, (self.update, self.measure)):
                stage.require_straight(name)
        if elementwise and not self.compiled:
            warnings.warn(
                f"{name}: Python does not have the text of its update formula, so it runs in plain NumPy; "
                "define the class in a file to have it compiled",
                RuntimeWarning,
                stacklevel=2,
            )
        self.n_sums = 0 if self.measure is None or self.measure.tree is None else _count(self.measure)
        self._kernels: dict[tuple[str, Any], Any] = {}

    # --- plain NumPy: the reference ---------------------------------------------------------------------------------

    def _values(self, stage: Stage, values: Any, prefix: str = "") -> dict[str, Any]:
        known = dict(zip(self.scalars, values))
        return {n: known[prefix + n] for n in stage.scalars if prefix + n in known}

    def _prepared(self, p: Any, g: Any, values: Any) -> tuple[Any, ...]:
        return self.before.plain(p, g, {}, self._values(self.before, values, BEFORE))

    def plain(self, p: Any, g: Any, states: Sequence[Any], values: Any, factors: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the new parameter and states, in the order of `states`."""
        before, known = dict(zip(self.states, states)), {**self._values(self.update, values), **factors}
        x, d = self._prepared(p, g, values)
        new, *found = self.update.plain(x, d, {n: before[n] for n in self.update.states}, known)
        after = {**before, **dict(zip(self.update.states, found))}
        if self.averaged:
            after[AVERAGE] = self.average(new, before[AVERAGE], values)
        return (new, *(after[name] for name in self.states))

    def average(self, p: Any, e: Any, values: Any) -> Any:
        """Return the new running mean of the weights."""
        return self.after.plain(p, e, {}, self._values(self.after, values, AFTER))[0]

    def plain_sums(self, p: Any, g: Any, states: Sequence[Any], values: Any) -> list[Any]:
        """Return what `measure` gives, summed over one tensor."""
        stage, before = self.measure, dict(zip(self.states, states))
        assert stage is not None
        x, d = self._prepared(p, g, values)
        found = stage.plain(x, d, {n: before[n] for n in stage.states}, self._values(stage, values))
        return [np.sum(np.broadcast_to(each, p.shape), dtype=np.float64) for each in found]

    # --- compiled ---------------------------------------------------------------------------------------------------

    def kernel(self, kind: str, dtype: np.dtype[Any]) -> Any:
        """Return one of the compiled kernels for one dtype; see `text`."""
        if (kind, dtype) not in self._kernels:
            from tinygrad_lite.kernels.native.codegen.loop import Loop

            self._kernels[kind, dtype] = Loop("kernel", self.text(kind, dtype), self.name.lower())
        return self._kernels[kind, dtype]

    def text(self, kind: str, dtype: np.dtype[Any]) -> str:
        """Return a kernel's source.

        Parameters
        ----------
        kind : {"update", "sums"}
            ``"update"`` walks over all parameters as if they lay end to end, in pieces that threads claim;
            ``"sums"`` does the same to add up what `measure` gives.
        dtype : dtype

        Notes
        -----
        ``table[0]`` holds the parameters' addresses, ``table[1]`` the gradients', the other rows the states';
        ``offsets`` where each parameter begins among all elements; ``bounds`` where each piece does, ``first`` in
        which parameter; ``values`` the scalars, ``factors`` the numbers that each tensor has of its own.
        """
        source = Source(_Scalar().visit)
        source.put("_dtype", f"import numpy as np\nimport numpy as _numpy\n\n_dtype = np.{dtype.name}")
        source.put("_numpy", "")
        inside = self.measure if kind == "sums" else self.update
        after = [self.after] if self.averaged and kind != "sums" else []
        for stage in (self.before, inside, *after):
            assert stage is not None
            assert stage.tree is not None  # `compiled`
            source.add_tree(copy.deepcopy(stage.tree), "inner", stage.function)
        row = {name: f"s{i}" for i, name in enumerate(self.states)}
        scalar = {name: f"h{i}" for i, name in enumerate((*self.scalars, *self.factors))}
        parts = {
            "arrays": ", ".join(("p", "g", *row.values())),
            "rows": str(2 + len(self.states)),
            "factors": "".join(f", {scalar[name]}" for name in self.factors),
            "given": "".join(f", factors[{i}, t]" for i in range(len(self.factors))),
            "load": "; ".join(f"{scalar[n]} = values[{i}]" for i, n in enumerate(self.scalars)) or "pass",
            "before": ", ".join(("p[i], g[i]", *(scalar[BEFORE + n] for n in self.before.scalars))),
            "views": ", ".join(f"view(table[{k}, t] + at, n, _dtype)" for k in range(2 + len(self.states))),
            "itemsize": str(dtype.itemsize),
        }
        source.put("loop", self._sums(row, scalar, parts) if kind == "sums" else self._loop(row, scalar, parts))
        source.put("kernel", _KERNELS[kind].format_map(parts))
        return source.text()

    def _call(self, stage: Stage, row: Mapping[str, str], scalar: Mapping[str, str]) -> str:
        states, scalars = (f"{row[n]}[i]" for n in stage.states), (scalar[n] for n in stage.scalars)
        return f"{stage.function.__name__}({', '.join(('x, d', *states, *scalars))})"

    def _loop(self, row: Mapping[str, str], scalar: Mapping[str, str], parts: dict[str, str]) -> str:
        targets = ", ".join(("y", *(f"{row[n]}[i]" for n in self.update.states)))
        after = ""
        if self.averaged:
            numbers = ", ".join(scalar[AFTER + n] for n in self.after.scalars)
            after = f"\n        {row[AVERAGE]}[i] = epilogue(y, {row[AVERAGE]}[i], {numbers})"
        return _LOOP.format(targets=targets, update=self._call(self.update, row, scalar), after=after, **parts)

    def _sums(self, row: Mapping[str, str], scalar: Mapping[str, str], parts: dict[str, str]) -> str:
        assert self.measure is not None
        n = _count(self.measure)
        parts["results"] = ", ".join(f"out[segment, {k}]" for k in range(n))
        return _SUMS.format(
            sums=", ".join(f"a{k}" for k in range(n)),
            zeros=", ".join("0.0" for _ in range(n)),
            terms="".join(f"m{k}, " for k in range(n)) if _is_tuple(self.measure) else "m0",
            measure=self._call(self.measure, row, scalar),
            blocks=", ".join(f"b{k}" for k in range(n)),
            add="; ".join(f"b{k} += m{k}" for k in range(n)),
            gather="; ".join(f"a{k} += b{k}" for k in range(n)),
            **parts,
        )


def unchanged(p: Any, g: Any) -> Any:
    """The formula that does nothing."""
    return p


def _returned(stage: Stage) -> ast.expr | None:
    assert stage.tree is not None
    return next(n for n in ast.walk(stage.tree) if isinstance(n, ast.Return)).value


def _is_tuple(stage: Stage) -> bool:
    return isinstance(_returned(stage), ast.Tuple)


def _count(stage: Stage) -> int:
    """How many results a formula has."""
    value = _returned(stage)
    return len(value.elts) if isinstance(value, ast.Tuple) else 1


_LOOP = """\
@inner
def loop({arrays}, values{factors}):
    {load}
    for i in range(p.size):
        x, d = prologue({before})
        {targets} = {update}
        p[i] = y{after}
"""

# Sums of sums: a plain one over a whole piece loses dozens of ulps where a vector holds few numbers.
_SUMS = """\
@summing
def loop({arrays}, values):
    {load}
    {sums} = {zeros}
    for low in range(0, p.size, 1024):
        {blocks} = {zeros}
        for i in range(low, min(low + 1024, p.size)):
            x, d = prologue({before})
            {terms} = {measure}
            {add}
        {gather}
    return {sums}
"""

# A loop whose loads and stores cross no cache line is 15 to 30 % faster in cache. So it begins with the few elements
# before the first line's end: parameters, their states and mostly the gradients lie alike within a line.
_PARTS = """\
            skip = (-(table[0, t] + start * {itemsize}) & 63) // {itemsize}
            until = start + skip if skip and stop - start > 1024 else stop
            while start < stop:
                n = until - start
                at = start * {itemsize}
                loop({views}, values{given})
                start = until
                until = stop"""

_PIECES = """\
from tinygrad_lite.kernels.native.memory import claim, view


@jit
def kernel({arguments}, cursor):
    done = 0
    while True:
        piece = claim(cursor)
        if piece >= first.size:
            return done
        here = bounds[piece]
        end = bounds[piece + 1]
        t = first[piece]{setup}
        while here < end:
            start = here - offsets[t]
            stop = min(end, offsets[t + 1]) - offsets[t]
            here = offsets[t] + stop
{body}
            t += 1
        done += 1
"""

_KERNELS = {
    "update": _PIECES.format(arguments="table, offsets, bounds, first, values, factors", setup="", body=_PARTS),
    "sums": _PIECES.format(
        arguments="table, offsets, bounds, first, values, slots, out",
        setup="\n        segment = slots[piece]",
        body="""\
            n, at = stop - start, start * {itemsize}
            if n > 0:
                {results} = loop({views}, values)
                segment += 1""",
    ),
}


fuse = lru_cache(maxsize=None)(Fused)  # made once for each formula and setting of its switches
