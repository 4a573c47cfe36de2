"""A Python function and everything it uses, as the text of one module that can be compiled and kept.

What is kept is named by that text, so that a change of anything a kernel refers to, function or constant, is noticed.
"""

from __future__ import annotations

import ast
import builtins
import copy
import dis
import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..backend import select
from .forks import lock

HEADER = "import numpy\nfrom tinygrad_lite.kernels.native.compile import exact, inlined, inner, jit, summing"

Transform = Callable[[ast.FunctionDef], ast.FunctionDef]


class SourceError(TypeError):
    """A function cannot be written into a module: its text, or something it uses, is out of reach."""


_parsing = lock()


def parse(text: str, mode: str = "exec") -> Any:
    """`ast.parse`, by one thread at a time: CPython fails now and then where several make trees (gh-106905)."""
    with _parsing:
        return ast.parse(text, mode=mode)


def definition(function: Callable[..., Any]) -> ast.FunctionDef:
    """Return a function's syntax tree, without decorators, annotations and docstring: what it computes.

    Raises
    ------
    SourceError
        If Python no longer has the text, as for functions typed into ``python -c`` or ``python -``.
    """
    name = getattr(function, "__qualname__", repr(function))
    if getattr(function, "__name__", "") == "<lambda>":
        return _lambda(function, name)
    try:
        with _parsing:  # `linecache` is for one thread as well
            tree = parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError) as error:
        raise SourceError(f"{name}: its source text cannot be read; define it in a file") from error
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef):
        raise SourceError(f"{name}: only functions made with `def` or `lambda` can be compiled")
    node.decorator_list, node.returns = [], None
    lone = (each for each in (node.args.vararg, node.args.kwarg) if each is not None)
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, *lone):
        argument.annotation = None
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return node


_parsed = cache(parse)
_SETTING_UP = {"COPY_FREE_VARS", "MAKE_CELL", "PUSH_NULL", "RESUME"}
_LOADS = {**dict.fromkeys(("LOAD_DEREF", "LOAD_GLOBAL", "LOAD_NAME"), "LOAD"), "LOAD_METHOD": "LOAD_ATTR"}


def _lambda(function: Callable[..., Any], name: str) -> ast.FunctionDef:
    """A lambda as a function with a name; among several of its line, it is the one that compiles to the same."""
    code = function.__code__

    def shown(code: Any) -> Any:
        """What it does, wherever its free names live."""
        steps = [(i.opname, i.argval) for i in dis.get_instructions(code) if i.opname not in _SETTING_UP]
        return code.co_varnames, [(_LOADS.get(name, name), value) for name, value in steps]

    try:
        text = "".join(inspect.findsource(function)[0])
    except OSError as error:
        raise SourceError(f"{name}: its source text cannot be read; define it in a file") from error
    nodes = [n for n in ast.walk(_parsed(text)) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno]
    alike = [n for n in nodes if shown(compile(ast.Expression(n), "", "eval").co_consts[0]) == shown(code)]
    if len({ast.dump(n) for n in alike}) != 1:
        raise SourceError(f"{name}: its text cannot be told from that of others in its line; give it a line of its own")
    found = copy.deepcopy(alike[0])
    made = parse(f"def lambda_{code.co_firstlineno}(): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.args, made.body = found.args, [ast.Return(found.body)]
    return made


def free_names(node: ast.FunctionDef) -> list[str]:
    """Return the names a function reads and does not bind, be it in a lambda, in order."""
    inside = list(ast.walk(node))
    names = [n for n in inside if isinstance(n, ast.Name)]
    bound = {n.arg for n in inside if isinstance(n, ast.arg)}
    bound |= {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    bound |= {n.name for n in inside if isinstance(n, ast.FunctionDef) and n is not node}
    loaded = dict.fromkeys(n.id for n in names if isinstance(n.ctx, ast.Load))
    return [name for name in loaded if name not in bound]


def meaning(function: Callable[..., Any], name: str) -> Any:
    """Return what a free name of a function stands for: a builtin, too, unless its module has another by that name."""
    inside = inspect.unwrap(function)
    for where in (inspect.getclosurevars(inside).nonlocals, inside.__globals__, vars(builtins)):
        if name in where:
            return where[name]
    raise SourceError(f"{function.__qualname__}: the name {name!r} is not defined")


def is_builtin(name: str, value: Any) -> bool:
    """Whether what a name stands for is Python's own."""
    return vars(builtins).get(name, builtins) is value


class Source:
    """The text of a module, gathered function by function.

    Parameters
    ----------
    transform : callable, optional
        Applied to the syntax tree of every function that is added.
    """

    _by_name = True  # a name means in the text what it means where its function stands

    def __init__(self, transform: Transform | None = None) -> None:
        self._transform = transform
        self._parts: dict[str, str] = {"": HEADER}  # name -> text; a name has one meaning in the whole module
        self._meaning: dict[str, Any] = {}

    def text(self) -> str:
        """Return the module's text."""
        return "\n\n".join(self._parts.values()) + "\n"

    def add(self, function: Callable[..., Any], decorator: str = "inner") -> str:
        """Add a function and, before it, all it uses; return its name."""
        node = definition(function)
        if self._claim(node.name, function):
            self.add_tree(node, decorator, function)
        return node.name

    def add_tree(self, node: ast.FunctionDef, decorator: str, function: Callable[..., Any]) -> None:
        """Add a function by its syntax tree; `function` says what its free names mean."""
        if self._transform is not None:
            node = self._transform(node)
        for name in free_names(node):
            if name not in self._parts or (name in self._meaning and self._by_name):  # what the writer put there stands
                self._need(function, name, meaning(function, name))
        self._parts[node.name] = f"@{decorator}\n{ast.unparse(ast.fix_missing_locations(node))}"

    def put(self, name: str, text: str) -> None:
        """Add text that defines `name`."""
        self._parts[name] = text

    def _claim(self, name: str, value: Any) -> bool:
        """Whether a name is new; one that stands for something else is refused."""
        if name in self._meaning:
            if self._meaning[name] is not value and self._meaning[name] != value:
                raise SourceError(f"the name {name!r} means two things in the functions of one kernel")
            return False
        self._meaning[name] = value
        return True

    def _need(self, function: Callable[..., Any], name: str, value: Any) -> None:
        if is_builtin(name, value):
            return
        inside = getattr(value, "loop", value)  # of a `Kernel`
        if isinstance(inside, FunctionType) and value is not select and not hasattr(inside, "only_compiled"):
            self._alias(name, self.add(inside, getattr(inside, "decorator", "inner")))
        elif not self._claim(name, value):
            return
        elif value is select:
            self._parts[name] = f"from tinygrad_lite.kernels.backend import select as {name}"
        elif isinstance(value, ModuleType):
            self._parts[name] = f"import {value.__name__} as {name}"
        elif type(value) in (bool, int, float):
            self._parts[name] = f"{name} = {value!r}" if value - value == 0 else f"{name} = float('{value}')"
        elif isinstance(value, (np.bool_, np.integer, np.float32, np.float64)):
            number = value.item() if np.isfinite(value) else str(value)
            self._parts[name] = f"{name} = numpy.{type(value).__name__}({number!r})"
        elif getattr(value, "__module__", None) and hasattr(value, "__qualname__") and "." not in value.__qualname__:
            self._parts[name] = f"from {value.__module__} import {value.__qualname__} as {name}"
        else:
            raise SourceError(
                f"{function.__qualname__}: a kernel may use numbers, modules, functions and kernels, "
                f"but {name!r} is a {type(value).__name__}"
            )

    def _alias(self, name: str, real: str) -> None:
        if name != real and self._claim(name, self._meaning[real]):
            self._parts[name] = f"{name} = {real}"


def text_of(function: Callable[..., Any], decorator: str = "jit", **constants: int) -> tuple[str, str]:
    """A function's name in a module's text, and that: all it uses, with other values for some constants."""
    source = Source()
    for name, value in constants.items():
        source.put(name, f"{name} = {value}")
    return source.add(function, decorator), source.text()
