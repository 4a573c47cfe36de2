"""Does a line of the library that has an array in its hands look at more than its shape and dtype?

Some functions take arrays out of Tensors to check shapes, and hand them on to rows of the table. That is no secret from
a recording; numbers that they compute of the elements would be. So their text is read: an array may be asked for its
layout, be looked at in another shape, be handed to a row, be made a Tensor, and be handed to functions of which the
same holds.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from types import FunctionType, ModuleType
from typing import Any

from ...graph import library
from ...kernels.native.source import parse

LAYOUT = frozenset({"shape", "ndim", "dtype", "size", "itemsize", "strides", "flags", "nbytes"})
VIEWS = frozenset({"reshape", "transpose", "swapaxes", "view", "T", "astype", "to"})
ASKS = frozenset({
    "isinstance", "type", "len", "ndim", "shape", "size", "may_share_memory", "memory", "hasattr", "record", "wrap",
    "_finish", "common", "write", "store", "row", "held", "begin", "_overwrite",
})  # fmt: skip
SAME = frozenset({"asarray", "unwrap", "ascontiguousarray", "atleast_1d", "tuple", "list", "expand_dims", "squeeze",
                  "broadcast_to"})  # fmt: skip
ENGINE = ("rules.py", "autograd.py", "promotion.py")  # whose results become Tensors
ENGINE_FOLDERS = ("/engine/", "/compiler/")


def looks_at_layout_only(frame: Any, recorded: frozenset[str]) -> bool:
    """Whether the call that a frame is at gives an array of which nothing but the layout is read.

    Parameters
    ----------
    frame : frame
    recorded : frozenset of str
        Functions that may have arrays, since a recording sees them.
    """
    while frame is not None:
        name = frame.f_code.co_filename
        if not library[name]:
            return False
        made = "__name__" not in frame.f_globals  # of a text that the library writes: it chooses between functions
        if made or any(folder in name for folder in ENGINE_FOLDERS):  # a door, or what makes it quiet: it hands on
            frame = frame.f_back
            continue
        found = _site(frame.f_code, frame.f_lasti, frame.f_globals["__name__"], recorded)
        if found is not None:
            return found
        frame = frame.f_back  # returned
    return False


_sites: dict[Any, bool | None] = {}


def _site(code: Any, instruction: int, module: str, recorded: frozenset[str]) -> bool | None:
    """What the call at a place does with the array; None where it returns it."""
    key = code, instruction
    if key not in _sites:
        _sites[key] = False
        try:
            text = _Text.of(code.co_filename)
        except (OSError, SyntaxError):
            return False
        names = vars(sys.modules[module])
        readers = [(c, _Reader(text, text.scope(c), names, recorded)) for c in text.calls(*_place(code, instruction))]
        good = bool(readers) and all(reader.follows(call) for call, reader in readers)
        _sites[key] = None if good and any(reader.returned for _, reader in readers) else good
    return _sites[key]


def _place(code: Any, instruction: int) -> tuple[int, Any]:
    """Line and extent of an instruction; before Python 3.11 only the line."""
    if hasattr(code, "co_positions"):
        line, end, column, last = list(code.co_positions())[instruction // 2]
        return line or 0, (end, column, last)
    return next(n for start, stop, n in code.co_lines() if start <= instruction < stop), None


class _Text:
    """A file's syntax tree, with the way up."""

    @staticmethod
    @functools.cache
    def of(filename: str) -> _Text:
        """The text of a file, read once."""
        with open(filename, encoding="utf-8") as file:
            return _Text(parse(file.read()))

    def __init__(self, tree: ast.Module) -> None:
        self.parent = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self._calls: dict[int, list[ast.Call]] = {}
        self._functions: dict[int, ast.AST] = {}
        for node in self.parent:
            if isinstance(node, ast.Call):
                self._calls.setdefault(node.lineno, []).append(node)
            elif isinstance(node, ast.FunctionDef):
                self._functions[node.lineno] = node
                for decorator in node.decorator_list:
                    self._functions[decorator.lineno] = node

    def calls(self, line: int, extent: Any) -> list[ast.Call]:
        """The calls at a place."""
        found = self._calls.get(line, [])
        if extent is None:
            return found
        return [c for c in found if (c.end_lineno, c.col_offset, c.end_col_offset) == extent]

    def function(self, line: int) -> Any:
        """The function that begins at a line."""
        return self._functions.get(line)

    def scope(self, node: ast.AST) -> ast.AST:
        """The function around a node."""
        while not isinstance(node, (ast.FunctionDef, ast.Module)):
            node = self.parent[node]
        return node


def _is_fixed(node: ast.AST) -> bool:
    """Whether an index is made of numbers, slices, None and the ellipsis."""
    parts = (ast.Constant, ast.Slice, ast.Tuple, ast.Load, ast.UnaryOp, ast.USub)
    return all(isinstance(part, parts) for part in ast.walk(node))


_known: dict[tuple[FunctionType, str], Any] = {}


def _takes_layout(function: FunctionType, name: str, recorded: frozenset[str]) -> tuple[bool, bool]:
    """Whether a function reads nothing but the layout of an argument, and whether it returns it."""
    key = function, name
    if key not in _known:
        _known[key] = True, False  # until another is found out: it may call itself
        try:
            text = _Text.of(function.__code__.co_filename)
        except (OSError, SyntaxError):
            text = None
        node = text.function(function.__code__.co_firstlineno) if text else None
        if text is None or node is None:
            _known[key] = False, False
        else:
            reader = _Reader(text, node, function.__globals__, recorded)
            _known[key] = reader.bind(name), reader.returned
    found: tuple[bool, bool] = _known[key]
    return found


def _is_tuple(node: ast.AST) -> bool:
    return isinstance(node, ast.Tuple) or (isinstance(node, ast.BinOp) and _is_tuple(node.right))


class _Reader:
    """Follows an array through a function, under all the names it is given."""

    def __init__(self, text: _Text, scope: ast.AST, names: dict[str, Any], recorded: frozenset[str]) -> None:
        self._parent, self._scope, self._globals, self._recorded = text.parent, scope, names, recorded
        self._bound: set[str] = set()
        self.returned = False

    def follows(self, node: ast.AST) -> bool:
        """Whether the array that an expression gives is only asked for its layout."""
        up = self._parent[node]
        if isinstance(up, ast.Attribute):
            if up.attr in LAYOUT:
                return True
            return up.attr in VIEWS and self.follows(up if up.attr == "T" else self._parent[up])
        if isinstance(up, ast.Subscript):  # a part of it, whose places are written there
            return node is up.value and _is_fixed(up.slice) and self.follows(up)
        if isinstance(up, ast.keyword):
            up = self._parent[up]
        if isinstance(up, ast.Call):
            return node is up.func or self._passed(up, node)  # what is called is no array
        if isinstance(up, (ast.Tuple, ast.List)):
            above = self._parent[up]
            if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Tuple) and above.value is up:
                return self._assigned(above.targets[0].elts[up.elts.index(node)])  # type: ignore[arg-type]
            return self.follows(up)
        if isinstance(up, (ast.Starred, ast.IfExp)) or (isinstance(up, ast.BinOp) and _is_tuple(node)):
            return node is not getattr(up, "test", None) and self.follows(up)
        if isinstance(up, ast.Compare):
            sides = (up.left, *up.comparators)
            shapes = any(_is_tuple(s) or (isinstance(s, ast.Attribute) and s.attr in LAYOUT) for s in sides)
            return shapes or all(isinstance(op, (ast.Is, ast.IsNot)) for op in up.ops)
        if isinstance(up, ast.FormattedValue):
            return True  # a message, with which nothing is decided
        if isinstance(up, ast.Assign):
            return all(map(self._assigned, up.targets))
        if isinstance(up, ast.Return):
            self.returned = True
            return True
        if isinstance(up, ast.Expr):
            return True
        return isinstance(up, ast.NamedExpr) and self._assigned(up.target) and self.follows(up)

    def _assigned(self, target: ast.expr) -> bool:
        if isinstance(target, ast.Tuple):
            return all(map(self._assigned, target.elts))
        return isinstance(target, ast.Name) and self.bind(target.id)

    def bind(self, name: str) -> bool:
        """Follow a name through the function."""
        if name in self._bound:
            return True
        self._bound.add(name)
        uses = (n for n in ast.walk(self._scope) if isinstance(n, ast.Name) and n.id == name)
        return all(self.follows(n) for n in uses if isinstance(n.ctx, ast.Load))

    def _is_recorded(self, func: ast.expr, name: str) -> bool:
        """Whether a name is that of a recorded function, and means it here."""
        if name not in self._recorded or not isinstance(func, ast.Name):
            return name in self._recorded
        return hasattr(self._globals.get(name), "recorded")

    def _passed(self, call: ast.Call, node: ast.AST) -> bool:
        """Whether a function may have the array as an argument."""
        func = call.func
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        method = isinstance(func, ast.Attribute) and name.endswith("_")  # a tensor's, in place
        if method or name in ASKS or self._is_recorded(func, name):  # whose results are looked at when they are called
            return True
        if isinstance(func, ast.Attribute) and name in VIEWS:
            return True  # a shape
        if name in SAME:
            return self.follows(call)
        target = self._globals.get(name) if isinstance(func, ast.Name) else None
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            home = self._globals.get(func.value.id)  # a module of the library
            target = getattr(home, name, None) if isinstance(home, ModuleType) else None
        if type(target).__name__ == "Op" or hasattr(target, "formula"):
            return True  # a row, which is recorded
        target = inspect.unwrap(target) if callable(target) else None
        if not isinstance(target, FunctionType) or node not in call.args:
            return False
        names = target.__code__.co_varnames[: target.__code__.co_argcount]
        index = call.args.index(node)
        if index >= len(names):
            return False
        good, returned = _takes_layout(target, names[index], self._recorded)
        return good and (not returned or self.follows(call))
