"""`FormulaSource`: from a formula in NumPy to the text of a compiled loop, element by element.

The formula is written once, for arrays. Here its text becomes that of a function of one element at the working
precision, with all the functions it calls: rows of the table by their own formulas, NumPy's functions by what
`scalar_forms` has for them. What cannot be translated is refused by name.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..native.source import Source, SourceError, definition, is_builtin, meaning, parse
from .scalar_forms import AS_THEY_ARE, FORMS, SINGLE

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip


class FormulaSource(Source):
    """The text of a module in which formulas for arrays are functions of one element.

    Parameters
    ----------
    dtype : dtype
        The working precision: float32 or float64.
    """

    _by_name = False  # what a formula calls has been looked up, and may have another name here

    def __init__(self, dtype: np.dtype[Any]) -> None:
        super().__init__()
        self._dtype = dtype
        self._as_it_stands = False  # the text that is being added is a kernel's
        self.put("_dtype", f"import numpy as np\n\n_dtype = np.{dtype.name}")

    def add_tree(self, node: ast.FunctionDef, decorator: str, function: Callable[..., Any]) -> None:
        """Add a formula by its syntax tree; `function` says what its free names mean."""
        if not self._as_it_stands:
            node = _OneElement(self, function, node).visit(node)
        super().add_tree(node, decorator, function)

    def use(self, value: Any, who: str) -> str | None:
        """Return the name of what stands for a function in this module, added if need be; None for no function."""
        if not callable(value) or isinstance(value, type):
            return None
        while value not in FORMS and value not in SINGLE:  # a row, or what is wrapped around a formula
            inside = getattr(value, "formula", getattr(value, "__wrapped__", None))
            if inside is None or _is_numpys(value):
                break
            value = inside
        if value in AS_THEY_ARE:
            return f"np.{value.__name__}"
        if value in FORMS:
            return self._form(FORMS[value])
        if value in SINGLE:
            if self._dtype != np.float32:
                raise SourceError(f"{who}: {value.__name__} has a compiled form for float32 only")
            before, self._as_it_stands = self._as_it_stands, True
            try:
                return self.add(SINGLE[value], "inlined")
            finally:
                self._as_it_stands = before
        if not isinstance(value, FunctionType) or _is_numpys(value):
            raise SourceError(f"{who}: {getattr(value, '__name__', value)} has no compiled form")
        return self.add(value, "inlined")

    def _form(self, form: Callable[..., Any]) -> str:
        node = definition(form)
        node.name = name = f"np_{node.name}"  # beside what a formula calls its own variables
        if self._claim(name, form):
            self.add_tree(node, "inlined", form)
        return name


def _is_numpys(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] == "numpy"


class _OneElement(ast.NodeTransformer):
    """A formula for one element at the working precision.

    Literals are 64 bits wide in numba and would widen everything they touch; so numbers are computed in double
    precision as far as they are known, and rounded once.
    """

    def __init__(self, source: FormulaSource, function: Callable[..., Any], node: ast.FunctionDef) -> None:
        self._source, self._function = source, function
        self._who = getattr(function, "__qualname__", repr(function))
        names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load))
        self._bound = {*names, *(a.arg for a in ast.walk(node) if isinstance(a, ast.arg))}

    def visit(self, node: ast.AST) -> Any:
        number = self._number(node)
        if number is None:
            return super().visit(node)
        infinite = "np.nan" if number != number else "np.inf" if number > 0 else "-np.inf"
        text = repr(number) if math.isfinite(number) else infinite
        return parse(f"_dtype({text})", mode="eval").body

    def _value(self, node: ast.AST) -> Any:
        """What a name means outside of the formula, or None."""
        if isinstance(node, ast.Name) and node.id not in self._bound:
            found = meaning(self._function, node.id)
            return None if is_builtin(node.id, found) else found
        if isinstance(node, ast.Attribute) and isinstance(module := self._value(node.value), ModuleType):
            return getattr(module, node.attr)
        return None

    def _number(self, node: ast.AST) -> float | None:
        """The value of an expression in which all is known, in double precision."""
        found: Any = None
        if isinstance(node, ast.Constant):
            found = node.value
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            found = self._value(node)
        elif isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            inside = self._number(node.operand)
            found = None if inside is None else _OPERATORS[type(node.op)](inside)
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            both = self._number(node.left), self._number(node.right)
            found = None if None in both else _OPERATORS[type(node.op)](*both)
        elif isinstance(node, ast.Call) and getattr(function := self._value(node.func), "__module__", "") == "math":
            arguments = [self._number(a) for a in node.args]
            found = None if None in arguments else function(*arguments)
        found = found.item() if isinstance(found, np.generic) else found
        return found if type(found) in (int, float) else None

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if isinstance(node.op, ast.Pow) and isinstance(exponent := self._number(node.right), int):
            node.left, node.right = self.visit(node.left), ast.Constant(exponent)  # it is multiplied out
            return node
        return self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Invert):  # of a truth value, which is a number in numba
            node.op = ast.Not()
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._reference(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if self._value(node) is None:
            raise SourceError(f"{self._who}: a formula of one element has no {ast.unparse(node)}")
        return self._reference(node)

    def _reference(self, node: ast.Name | ast.Attribute) -> ast.AST:
        if not isinstance(node.ctx, ast.Load) or (value := self._value(node)) is None:
            return node
        name = self._source.use(value, self._who)
        return node if name is None else parse(name, mode="eval").body


def loop_text(
    formula: Callable[..., Any],
    numbers: Sequence[bool],
    dtype: np.dtype[Any],
    halves: Sequence[bool] = (),
    rounds: bool = False,
) -> str:
    """Return the text of a loop over flat arrays, which `build` compiles.

    Parameters
    ----------
    formula : function
        Of arrays and numbers, elementwise.
    numbers : sequence of bool
        Which of its arguments are numbers. The loop, ``kernel``, takes the arrays, the result, and the numbers.
    dtype : dtype
        The working precision.
    halves : sequence of bool, optional
        Which of its arguments are arrays of float16, given by their bits.
    rounds : bool
        So is the result.

    Raises
    ------
    SourceError
        If Python does not have the formula's text, or it uses what has no form of one element at this precision.
    """
    source = FormulaSource(dtype)
    name = source.use(formula, getattr(formula, "__name__", "formula"))
    arguments = [f"h{i}" if number else f"a{i}" for i, number in enumerate(numbers)]
    arrays = [a for a, number in zip(arguments, numbers) if not number]
    scalars = [a for a, number in zip(arguments, numbers) if number]
    halves = halves or [False] * len(arguments)
    values = (f"extended({a}[i])" if half else a if number else f"{a}[i]"
              for a, number, half in zip(arguments, numbers, halves))  # fmt: skip
    result = f"{name}({', '.join(values)})"
    result = f"rounded({result})" if rounds else result
    if rounds or any(halves):
        source.put("extended", "from tinygrad_lite.kernels.native.simd.half import extended, rounded")
    head = ", ".join((*arrays, "out", *scalars))
    loop = f"@jit\ndef kernel({head}):\n    for i in range(out.size):\n        out[i] = {result}"
    source.put("kernel", loop)
    return source.text()
