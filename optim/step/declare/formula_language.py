"""`check_formula`: what an update formula may be made of, the same for NumPy and for compiled loops.

A formula is evaluated on whole arrays by NumPy, and on one element after the other by a compiled loop. Only what means
the same in both is in the language: arithmetic, comparisons, NumPy's elementwise functions, helper functions written in
the same language, and ``if`` on switches. A mean would be the tensor's in one and the element's own in the other.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import numpy as np

from tinygrad_lite.kernels.native.source import parse

# NumPy's functions of elements -> how many arguments they take.
FUNCTIONS: dict[str, int] = {
    **dict.fromkeys(
        "negative positive absolute abs fabs sign sqrt cbrt square reciprocal exp exp2 expm1 log log2 log10 log1p "
        "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh deg2rad rad2deg floor ceil trunc rint "
        "isnan isinf isfinite signbit logical_not nan_to_num".split(),
        1,
    ),
    **dict.fromkeys(
        "add subtract multiply divide true_divide power remainder mod fmod maximum minimum fmax fmin "
        "arctan2 hypot copysign nextafter equal not_equal less less_equal greater greater_equal logical_and logical_or "
        "logical_xor".split(),
        2,
    ),
    "clip": 3,
    "where": 3,
}
CONSTANTS = ("pi", "e", "inf", "nan")
ALLOWED = (
    "allowed are arithmetic, comparisons, NumPy's functions of elements (np.sqrt, np.sign, np.where, np.clip, "
    "np.maximum, np.exp ...), functions of your own made of these, and `if` on arguments that are True or False"
)
WHOLE = "for sums over a tensor see `measure`, for whole arrays `update_array`"

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Mod, ast.BitAnd, ast.BitOr, ast.BitXor)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def check_formula(
    who: str,
    function: Callable[..., Any],
    elements: Iterable[str],
    returned: Sequence[str],
    defined: bool = True,
) -> bool:
    """Refuse a formula with anything in it that is not in the language.

    Parameters
    ----------
    who : str
        The class and the formula, for messages.
    function : callable
    elements : iterable of str
        Arguments that are numbers, besides the first two: states, hyperparameters. Others may be switches.
    returned : sequence of str
        What it returns, the parameter of an update left out.
    defined : bool
        Whether all that it uses must be defined by now.

    Returns
    -------
    bool
        Whether all of it could be looked through.

    Raises
    ------
    TypeError
        That names the formula, the line, what stands there, and what is allowed.
    """
    if not isinstance(function, FunctionType):
        raise TypeError(f"{who}: a formula must be a function made with `def`, got {type(function).__name__}")
    names = list(inspect.signature(function).parameters)
    if len(names) < 2:
        raise TypeError(f"{who}: an update formula takes the parameter and the gradient first")
    tree = _text(function)
    if tree is None:
        _check_names(who, function)
        return True
    text = _Text(who, function, tree, {*names[:2], *elements}, defined)
    text.check(returned)
    return text.complete


def unset_names(tree: ast.FunctionDef, local: Iterable[str]) -> list[str]:
    """Return the names that a formula uses before it sets them.

    Parameters
    ----------
    tree : ast.FunctionDef
        With all switches set: statements in a row.
    local : iterable of str
        The names that it sets, with some setting of the switches.
    """
    unset = set(local) - {a.arg for a in tree.args.args}
    found = []
    for statement in tree.body:
        names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
        found += [n.id for n in names if isinstance(n.ctx, ast.Load) and n.id in unset]
        unset -= {n.id for n in names if isinstance(n.ctx, ast.Store)}
        if isinstance(statement, ast.Return):
            break
    return found


def _text(function: FunctionType) -> ast.FunctionDef | None:
    """A function's syntax tree, with the file's line numbers; None if Python does not have the text."""
    try:
        lines, first = inspect.getsourcelines(function)
        tree = parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    ast.increment_lineno(tree, max(first, 1) - 1)
    return tree.body[0]


def _check_names(who: str, function: FunctionType) -> None:
    """Without the text: refuse names that are neither in the function's surroundings nor in the language."""
    around = inspect.getclosurevars(function)
    for name in function.__code__.co_names:
        if name not in (*around.globals, *around.builtins, *FUNCTIONS, *CONSTANTS):
            raise TypeError(f"{who}: `{name}` is not in the language of formulas; {ALLOWED}; {WHOLE}")


class _Text:
    """One function's text, looked through."""

    def __init__(
        self, who: str, function: FunctionType, tree: ast.FunctionDef, elements: set[str], defined: bool
    ) -> None:
        self._who, self._function, self._tree, self._defined = who, function, tree, defined
        self.complete = True  # nothing was met that is not defined yet
        self._local = {a.arg for a in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)}
        stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._elements = elements | stored
        self._local |= stored

    def check(self, returned: Sequence[str] | None) -> None:
        if self._tree.args.vararg or self._tree.args.kwarg:
            self._refuse(self._tree, "a formula must name all its arguments")
        body = self._tree.body[1:] if ast.get_docstring(self._tree, clean=False) is not None else self._tree.body
        for statement in body:
            self._statement(statement)
        if not _returns(body):
            self._refuse(self._tree, "a formula must end with `return`, whichever way is taken through it")
        for node in ast.walk(self._tree):
            if returned is not None and isinstance(node, ast.Return) and node.value is not None:
                count = len(node.value.elts) if isinstance(node.value, ast.Tuple) else 1
                if count != len(returned):
                    self._refuse(
                        node, f"this formula must return {', '.join(returned)}, got {count} of {len(returned)}"
                    )

    def _refuse(self, node: ast.AST, message: str = "") -> NoReturn:
        line = getattr(node, "lineno", self._tree.lineno)
        if not message:
            shown = " ".join(ast.unparse(node).split())
            message = f"`{shown}` is not in the language of formulas; {ALLOWED}; {WHOLE}"
        raise TypeError(f"{self._who} (line {line} of {inspect.getfile(self._function)}): {message}")

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                each = target.elts if isinstance(target, ast.Tuple) else [target]
                if not all(isinstance(name, ast.Name) for name in each):
                    self._refuse(node)
            self._result(node.value or node)
        elif isinstance(node, ast.Return):
            self._result(node.value or node)
        elif isinstance(node, ast.If):
            self._test(node.test)
            for statement in (*node.body, *node.orelse):
                self._statement(statement)
        elif isinstance(node, ast.AugAssign):
            self._refuse(node, "a formula writes to no array: instead of `x += y` write `x = x + y`")
        elif not isinstance(node, ast.Pass):
            self._refuse(node)

    def _test(self, node: ast.expr) -> None:
        """A condition: switches, with `not`, `and`, `or`."""
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self._test(value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._test(node.operand)
        elif isinstance(node, ast.Name):
            if node.id not in self._local or node.id in self._elements:
                self._refuse(
                    node,
                    f"`if` needs an argument that is True or False, and `{node.id}` is a number; "
                    "for elements use np.where(condition, x, y)",
                )
        elif not (isinstance(node, ast.Constant) and isinstance(node.value, bool)):
            shown = ast.unparse(node)
            self._refuse(
                node,
                f"`if` needs an argument that is True or False, got `{shown}`; "
                "for elements use np.where(condition, x, y)",
            )

    def _result(self, node: ast.AST) -> None:
        """What is assigned or returned: one value or several."""
        for value in node.elts if isinstance(node, ast.Tuple) else [node]:
            self._value(value)

    def _value(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name):
            self._name(node)
        elif isinstance(node, ast.Constant):
            if not isinstance(node.value, (int, float)):
                self._refuse(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATORS):
            self._value(node.left)
            self._value(node.right)
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            self._value(node.operand)
        elif isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], _COMPARISONS):
            self._value(node.left)
            self._value(node.comparators[0])
        elif isinstance(node, ast.IfExp):
            self._test(node.test)
            self._value(node.body)
            self._value(node.orelse)
        elif isinstance(node, ast.Call):
            self._call(node)
        elif not (isinstance(node, ast.Attribute) and isinstance(self._meaning(node), (int, float))):
            self._refuse(node)

    def _name(self, node: ast.Name) -> None:
        if node.id in self._local:
            return
        found = self._meaning(node)
        if found is not UNDEFINED and not isinstance(found, (int, float)):
            self._refuse(node, f"a formula uses numbers, and `{node.id}` is a {type(found).__name__}")

    def _call(self, node: ast.Call) -> None:
        function = self._meaning(node.func)
        if function is UNDEFINED:  # later
            given = None
        elif function is abs:
            given = 1
        elif isinstance(function, FunctionType) and function.__module__.partition(".")[0] != "numpy":
            self._helper(node, function)
            given = None
        else:
            name = getattr(function, "__name__", "")
            given = FUNCTIONS.get(name)
            if given is None or getattr(np, name, None) is not function:
                self._refuse(node)
        if node.keywords or (given is not None and len(node.args) != given):
            self._refuse(node, f"`{ast.unparse(node)}`: in a formula this takes {given} arguments, and none by name")
        for argument in node.args:
            if not (given == 3 and isinstance(argument, ast.Constant) and argument.value is None):  # of np.clip
                self._value(argument)

    def _helper(self, node: ast.Call, function: FunctionType) -> None:
        """A function of the user's: its text is looked through as the formula's is."""
        tree = _text(function)
        if tree is None:
            _check_names(f"{self._who}, {function.__name__}", function)
            return
        names = [a.arg for a in (*tree.args.posonlyargs, *tree.args.args)]
        maybe = {name for name, value in zip(names, node.args) if self._may_be_switch(value)}
        if function is self._function:
            self._refuse(node, "a formula must not call itself")
        text = _Text(f"{self._who}, {function.__name__}", function, tree, {*names} - maybe, self._defined)
        text.check(None)
        self.complete &= text.complete

    def _may_be_switch(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, bool)
        return isinstance(node, ast.Name) and node.id in self._local - self._elements

    def _meaning(self, node: ast.AST) -> Any:
        """What a global name, or a module's attribute, stands for."""
        if isinstance(node, ast.Attribute):
            module = self._meaning(node.value)
            if module is UNDEFINED:
                return UNDEFINED
            return getattr(module, node.attr, None) if isinstance(module, ModuleType) else None
        if not isinstance(node, ast.Name) or node.id in self._local:
            return None
        around = inspect.getclosurevars(self._function)
        for where in (around.nonlocals, self._function.__globals__, around.builtins):
            if node.id in where:
                return where[node.id]
        if self._defined:
            self._refuse(node, f"`{node.id}` is not defined")
        self.complete = False
        return UNDEFINED


UNDEFINED = object()  # what a name stands for that is not defined yet


def _returns(body: Sequence[ast.stmt]) -> bool:
    """Whether statements never come to their end without a `return`."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.If):
        return _returns(last.body) and _returns(last.orelse)
    return isinstance(last, ast.Return) and last.value is not None
