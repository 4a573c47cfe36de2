"""`Expressions`: what Python's expressions are in a kernel."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from llvmlite import ir

from .arrays import forms
from .elements import Span
from .functions import attribute, called, method, typed
from .intrinsics import Intrinsic, call_intrinsic
from .kinds import BOOL, FLOAT64, INT64, Kind, Unsupported, number_of, plain, unify
from .values import NOTHING, Constant, Items, NumberType, Scalar, Value, View
from .variables import Variables

SIGNS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Lt: "<", ast.LtE: "<=",
    ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


class Expressions(Variables):
    """Writes the instructions of expressions."""

    _module: Any  # `ModuleCompiler`, which knows the names outside of the function
    _local: set[str]
    _words: Any  # the kernel's, which say whether it has failed

    def value(self, node: ast.expr) -> Value:
        """What an expression is."""
        found = getattr(self, f"_{type(node).__name__}", self._unknown)(node)
        return found

    def _Constant(self, node: ast.Constant) -> Value:
        if node.value is None:
            return NOTHING
        if not isinstance(node.value, (bool, int, float)):
            self._unknown(node)
        return Constant(node.value)  # type: ignore[arg-type]

    def _Name(self, node: ast.Name) -> Value:
        return self._read(node.id) if node.id in self._local else _as_value(self._module.named(node.id))

    def _Tuple(self, node: ast.Tuple) -> Value:
        return Items([self.value(each) for each in node.elts])

    def _BinOp(self, node: ast.BinOp) -> Value:
        return self.arithmetic(self._sign(node.op), self.value(node.left), self.value(node.right))

    def _sign(self, operator: ast.operator | ast.cmpop) -> str:
        return SIGNS.get(type(operator)) or self._unknown(operator)

    def _UnaryOp(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub):
            return self.negative(value)
        if isinstance(node.op, ast.Not):
            return self.invert(value)
        return value if isinstance(node.op, ast.UAdd) else self._unknown(node)

    def _Compare(self, node: ast.Compare) -> Value:
        left, found = self.value(node.left), None
        for sign, each in zip(node.ops, node.comparators):
            if isinstance(sign, (ast.Is, ast.IsNot)):
                right: Value = self.value(each)
                same = left is right
                if NOTHING not in (left, right):
                    self._unknown(node)
                one: Value = Constant(same == isinstance(sign, ast.Is))
            else:
                right = self.value(each)
                one = self.compare(self._sign(sign), left, right)
            found, left = one if found is None else self.arithmetic("&", found, one), right
        return found

    def _BoolOp(self, node: ast.BoolOp) -> Value:
        return self._first(node.values, isinstance(node.op, ast.Or))

    def _first(self, nodes: list[ast.expr], wanted: bool) -> Value:
        """The first that is as wanted, or the last: those after it are not computed."""
        found = self.value(nodes[0])
        if len(nodes) == 1:
            return found
        this, next_ = (lambda: found), (lambda: self._first(nodes[1:], wanted))
        return self._one_of(found, this, next_) if wanted else self._one_of(found, next_, this)

    def _IfExp(self, node: ast.IfExp) -> Value:
        return self._one_of(self.value(node.test), lambda: self.value(node.body), lambda: self.value(node.orelse))

    def _one_of(self, test: Value, if_true: Callable[[], Value], if_false: Callable[[], Value]) -> Value:
        """One of two values, of which only that one is computed."""
        if isinstance(test, Constant):
            return if_true() if test.value else if_false()
        truth = self.truth(test)
        then, orelse, end = (self.builder.append_basic_block(name) for name in ("then", "else", "end"))
        self.builder.cbranch(truth, then, orelse)
        found = []
        for block, compute in ((then, if_true), (orelse, if_false)):
            self.builder.position_at_end(block)
            found.append((compute(), self.builder.block))
        (a, after_a), (b, after_b) = found
        kind = unify(a.kind, b.kind)
        lists = []
        for value, block in ((a, after_a), (b, after_b)):
            self.builder.position_at_end(block)
            lists.append(self.parts(value, kind))
            self.builder.branch(end)
        self.builder.position_at_end(end)
        merged = []
        for x, y in zip(*lists):
            phi = self.builder.phi(x.type)
            phi.add_incoming(x, after_a)
            phi.add_incoming(y, after_b)
            merged.append(phi)
        positive = bool(getattr(a, "positive", False) and getattr(b, "positive", False))
        return self.whole(kind, iter(merged), positive)

    def _Subscript(self, node: ast.Subscript) -> Value:
        return self._taken(self.value(node.value), self._index(node.slice))

    def _taken(self, value: Value, index: list[Value]) -> Value:
        if isinstance(value, Items):
            count = len(value.items)
            if len(index) != 1 or not isinstance(index[0], Constant) or not -count <= index[0].value < count:
                raise Unsupported("an item of a tuple whose number is not known, or that it does not have")
            return value.items[int(index[0].value)]
        if not isinstance(value, View):
            raise Unsupported("an item of what is neither an array nor a tuple")
        index = [item for i in index for item in (i.items if isinstance(i, Items) else [i])]
        if len(index) > value.kind.ndim:
            raise Unsupported("more indices than an array has dimensions")
        if len(index) == value.kind.ndim and not any(isinstance(i, Span) for i in index):
            return self.load(value.kind, self.place(value, index))
        return self.part(value, index)

    def _index(self, node: ast.expr) -> list[Value]:
        nodes = node.elts if isinstance(node, ast.Tuple) else [node]
        return [self._one_index(each) for each in nodes]

    def _one_index(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Slice):
            if node.step is not None:
                self._unknown(node)
            return Span(*(None if each is None else self.value(each) for each in (node.lower, node.upper)))
        found = self.value(node)
        if isinstance(found, View):
            raise Unsupported("an index that is an array")
        return found

    def _Attribute(self, node: ast.Attribute) -> Value:
        if node.attr == "data" and isinstance(node.value, ast.Attribute) and node.value.attr == "ctypes":
            return self.address(self.value(node.value.value))
        known = self._object(node)
        return attribute(self, self.value(node.value), node.attr) if known is None else _as_value(known)

    def _object(self, node: ast.expr) -> Any:
        """What an expression outside of the function stands for: a module's member, or None."""
        if isinstance(node, ast.Name):
            return None if node.id in self._local else self._module.named(node.id)
        if isinstance(node, ast.Attribute):
            inside = self._object(node.value)
            return getattr(inside, node.attr) if isinstance(inside, ModuleType) else None
        return None

    def _Call(self, node: ast.Call) -> Value:
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            self._unknown(node)
        function = self._object(node.func)
        args = [self.value(a) for a in node.args]
        if isinstance(function, ast.FunctionDef):
            return self._call(function, args)
        if function is not None:
            if isinstance(function, Intrinsic):
                return call_intrinsic(self, function, args)
            return called(self, function, args)
        if isinstance(node.func, ast.Attribute):
            inside = self.value(node.func.value)
            if isinstance(inside, NumberType) and node.func.attr == "type":
                return typed(self, inside.number, args)
            return method(self, inside, node.func.attr, args)
        inside = self.value(node.func)
        return typed(self, inside.number, args) if isinstance(inside, NumberType) else self._unknown(node)

    def _call(self, node: ast.FunctionDef, args: list[Value]) -> Value:
        positive = tuple(bool(getattr(a, "positive", False)) for a in args)
        try:
            kinds = tuple(map(_handed_on, args))
            function, result = self._module.compiled(node, kinds, positive)
        except Unsupported:
            if not any(isinstance(a, Constant) for a in args):
                raise
            kinds = tuple(a.kind for a in args)
            function, result = self._module.compiled(node, kinds, positive)
        given = [part for a, kind in zip(args, kinds) for part in self.parts(a, kind)]
        found = self.builder.call(function, [self._words, *given])
        count = len(forms(result))
        parts = [found] if count == 1 else [self.builder.extract_value(found, k) for k in range(count)]
        return self.whole(result, iter(parts))


def _handed_on(value: Value) -> Kind:
    return plain(value.kind)


def _as_value(known: Any) -> Value:
    """An object outside of the function, as a value."""
    if type(known) in (bool, int, float):
        return Constant(known)
    if isinstance(known, np.generic):
        number, value = number_of(known.dtype), known.item()
        return Constant(value) if number in (BOOL, INT64, FLOAT64) else Scalar(number, ir.Constant(number.ir, value))
    if isinstance(known, type) and issubclass(known, np.generic):
        return NumberType(number_of(known))
    raise Unsupported(f"{known!r} as a value")
