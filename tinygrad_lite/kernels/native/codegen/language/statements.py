"""`Statements`: what Python's statements are in a kernel."""

from __future__ import annotations

import ast
from typing import Any

from llvmlite import ir

from .arrays import forms
from .elements import Span
from .expressions import Expressions
from .kinds import INT64, Array, Kind, Tuple, Unsupported, plain, unify
from .values import NO_STEP, NOTHING, WORD, Constant, Items, Scalar, Value, View, word
from .variables import TypesChanged


class Statements(Expressions):
    """Writes the instructions of statements."""

    _renewed: set[str]  # variables of arrays that a loop makes: the next one frees the memory of that before
    _shared: set[str]  # variables whose arrays may have another name, too
    _result: Kind | None
    _results: list[Any]
    _exit: Any
    _loops: list[tuple[Any, Any]]  # where `continue` and `break` go

    def _run(self, body: list[ast.stmt]) -> None:
        for node in body:
            if self.builder.block.is_terminated:
                return
            getattr(self, f"_{type(node).__name__}", self._unknown)(node)

    def _Pass(self, node: ast.Pass) -> None:
        pass

    def _Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.value(node.value)

    def _Return(self, node: ast.Return) -> None:
        value = NOTHING if node.value is None else self.value(node.value)
        kind = plain(value.kind)
        if isinstance(value, Items):
            kind = Tuple(tuple(map(plain, kind.items)))  # type: ignore[union-attr]
        both = kind if self._result is None else unify(self._result, kind)
        changed, self._result = both != self._result, both
        if changed and forms(both):
            if self._results:
                raise TypesChanged
        elif forms(both):
            for part, slot in zip(self.parts(value, both), self._results):
                self.builder.store(part, slot)
        self.builder.branch(self._exit)

    def _Assign(self, node: ast.Assign) -> None:
        made = len(self.allocated)
        value = self.value(node.value)
        for target in node.targets:
            self._note_memory(target, node.value, value, len(self.allocated) > made)
            self._put(target, value)

    def _note_memory(self, target: ast.expr, source: ast.expr, value: Value, made: bool) -> None:
        """Note which variables hold an array that is made here, and which may hold one of others."""
        names = _names(target, ast.Store)
        if names and _holds_array(value.kind):
            self._shared |= _names(source, ast.Load)
            if made and self._loops:
                self._renewed |= names

    def _check_memory(self) -> None:
        """Leave to numba, which counts references, what outlives the memory that it lies in."""
        if self._renewed & self._shared or (self.allocated and _holds_array(self._result)):
            raise Unsupported("an array that is made here, and is used when its memory is freed")

    def _put(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self._assign(target.id, value)
        elif isinstance(target, ast.Tuple):
            items = self._items(value, len(target.elts))
            for each, item in zip(target.elts, items):
                self._put(each, item)
        elif isinstance(target, ast.Subscript):
            self._write(target, value)
        else:
            self._unknown(target)

    def _items(self, value: Value, count: int) -> list[Value]:
        if isinstance(value, Items) and len(value.items) == count:
            return value.items
        if isinstance(value, View) and value.kind.ndim > 0:
            return [self._taken(value, [Constant(k)]) for k in range(count)]
        raise Unsupported("a value that cannot be unpacked")

    def _write(self, target: ast.Subscript, value: Value) -> None:
        array, index = self.value(target.value), self._index(target.slice)
        if not isinstance(array, View):
            raise Unsupported("an assignment to an item of what is no array")
        if len(index) == array.kind.ndim and not any(isinstance(i, Span) for i in index):
            self.put(value, array, index)
        else:
            self.fill(self.part(array, index), value)

    def _AugAssign(self, node: ast.AugAssign) -> None:
        sign, target = self._sign(node.op), node.target
        if isinstance(target, ast.Name):
            self._assign(target.id, self.arithmetic(sign, self._read(target.id), self.value(node.value)))
        elif isinstance(target, ast.Subscript):
            array, index = self.value(target.value), self._index(target.slice)
            if not isinstance(array, View) or len(index) != array.kind.ndim or any(isinstance(i, Span) for i in index):
                self._unknown(node)
            if not array.kind.writable:
                raise Unsupported("an array that is written, and is read-only")
            place = self.place(array, index)
            before, value = self.load(array.kind, place), self.value(node.value)
            self.store(self.arithmetic(sign, before, value), array.kind, place)
        else:
            self._unknown(node)

    def _If(self, node: ast.If) -> None:
        test = self.value(node.test)
        if isinstance(test, Constant):
            self._run(node.body if test.value else node.orelse)
            return
        then, orelse, end = (self.builder.append_basic_block(name) for name in ("then", "else", "end"))
        self.builder.cbranch(self.truth(test), then, orelse)
        for block, body in ((then, node.body), (orelse, node.orelse)):
            self.builder.position_at_end(block)
            self._run(body)
            if not self.builder.block.is_terminated:
                self.builder.branch(end)
        self._go_on(end)

    def _go_on(self, block: Any) -> None:
        """Write on in a block; where nothing leads there, what follows is left out."""
        self.builder.position_at_end(block)
        if not any(block in _successors(b) for b in block.function.blocks):
            self.builder.unreachable()

    def _While(self, node: ast.While) -> None:
        if node.orelse:
            self._unknown(node)
        head, body, end = (self.builder.append_basic_block(name) for name in ("while", "do", "end"))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        test = self.value(node.test)
        if isinstance(test, Constant):
            self.builder.branch(body if test.value else end)
        else:
            self.builder.cbranch(self.truth(test), body, end)
        self._loop(node.body, body, head, end)

    def _loop(self, statements: list[ast.stmt], body: Any, again: Any, end: Any) -> None:
        self.builder.position_at_end(body)
        self._loops.append((again, end))
        self._run(statements)
        self._loops.pop()
        if not self.builder.block.is_terminated:
            self.builder.branch(again)
        self._go_on(end)

    def _Break(self, node: ast.Break) -> None:
        self.builder.branch(self._loops[-1][1])

    def _Continue(self, node: ast.Continue) -> None:
        self.builder.branch(self._loops[-1][0])

    def _For(self, node: ast.For) -> None:
        if node.orelse:
            self._unknown(node)
        over, array = node.iter, None
        if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range":
            given = [self.value(a) for a in over.args]
            first, stop = (Constant(0), given[0]) if len(given) == 1 else given[:2]
            step = given[2] if len(given) == 3 else Constant(1)
        else:
            array = self.value(over)
            if not isinstance(array, View) or array.kind.ndim == 0:
                raise Unsupported("a loop over what is neither a range nor an array")
            first, stop, step = Constant(0), Scalar(INT64, array.shape[0], True), Constant(1)
        at, by, limit = self.room(WORD), self.intp(step), self.intp(stop)
        if not isinstance(step, Constant) or step.value == 0:
            self.failed(self.builder.icmp_signed("==", by, word(0)), NO_STEP)
        self.builder.store(self.intp(first), at)
        head, body, again, end = (self.builder.append_basic_block(name) for name in ("for", "do", "next", "end"))
        up = None if step.positive or isinstance(step, Constant) else self.builder.icmp_signed(">", by, word(0))
        self.builder.branch(head)
        self.builder.position_at_end(head)
        i = self.builder.load(at)
        below, above = (self.builder.icmp_signed(sign, i, limit) for sign in "<>")
        going = self.builder.select(up, below, above) if up is not None else below if step.positive else above
        self.builder.cbranch(going, body, end)
        self.builder.position_at_end(again)
        self.builder.store(self.builder.add(self.builder.load(at), by, flags=("nsw",)), at)
        self.builder.branch(head)
        self.builder.position_at_end(body)
        number = Scalar(INT64, i, (first.positive and step.positive) or (stop.positive and not step.positive))
        item = number if array is None else self._taken(array, [number])
        self._note_memory(node.target, over, item, made=False)
        self._put(node.target, item)
        self._loop_inside(node.body, again, end)

    def _loop_inside(self, statements: list[ast.stmt], again: Any, end: Any) -> None:
        self._loops.append((again, end))
        self._run(statements)
        self._loops.pop()
        if not self.builder.block.is_terminated:
            self.builder.branch(again)
        self.builder.position_at_end(end)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}


def _holds_array(kind: Any) -> bool:
    return isinstance(kind, Array) or (isinstance(kind, Tuple) and any(map(_holds_array, kind.items)))


def _successors(block: Any) -> list[Any]:
    end = block.terminator
    return [o for o in getattr(end, "operands", []) if isinstance(o, ir.Block)] if end is not None else []
