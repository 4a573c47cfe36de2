"""The walker's machine code: what `table` says of its rows, written in LLVM's language.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.instructions import alloca_once, alloca_once_value, for_range, get_or_insert_function
from ..worker_threads import INTP
from .inner_loops import LOOP_TYPE
from .machine_code import WORDS, Words, compile_function, number
from .table import ADDRESS, ARRAYS, CALL, LOOP, MOST, PRODUCT, ROW

_SHORT = ir.IntType(32)


def address(data: int) -> int:
    """Where the code of ``walk(table, registers)`` lies, which Python calls.

    Parameters
    ----------
    data : int
        Where in an array object the address of its elements is.
    """
    kind = ir.FunctionType(INTP, [INTP, WORDS, INTP])
    return compile_function(f"walk {data}", kind, lambda builder, given: _called_by_python(builder, given[1], data))


def _called_by_python(builder: Any, given: Any, data: int) -> None:
    """``walk(self, arguments, count)``, as CPython calls it, without its lock while it runs."""
    words = Words(builder)
    table, registers = (words.load(words.pointer(words.add(words.load(given, k), data))) for k in range(2))
    thread = builder.call(_of_python(builder, "PyEval_SaveThread", INTP), [])
    found = builder.call(_walk(builder.module, data), [words.pointer(table), words.pointer(registers)])
    builder.call(_of_python(builder, "PyEval_RestoreThread", ir.VoidType(), INTP), [thread])
    builder.ret(builder.call(_of_python(builder, "PyLong_FromLongLong", INTP, INTP), [found]))


def _of_python(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    return get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


def _walk(module: Any, data: int) -> Any:
    function = ir.Function(module, ir.FunctionType(INTP, [WORDS, WORDS]), "through")
    function.linkage = "internal"
    table, registers = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    words, code = Words(builder), _Steps(builder, registers, data)
    position = alloca_once_value(builder, number(0))
    step, finished, after = (function.append_basic_block(name) for name in ("step", "finished", "after"))
    builder.branch(step)
    builder.position_at_end(step)
    here = builder.load(position)
    row = words.place(table, here)
    choice = builder.switch(words.load(row), finished)
    for kind, write in ((LOOP, code.loop), (PRODUCT, code.product), (ADDRESS, code.address), (CALL, code.call)):
        block = function.append_basic_block(write.__name__)
        choice.add_case(number(kind), block)
        builder.position_at_end(block)
        wrong = write(row)
        if wrong is not None:
            with builder.if_then(wrong):
                builder.ret(words.add(here, 1))
        builder.branch(after)
    builder.position_at_end(after)
    builder.store(words.add(here, words.load(row, 1)), position)
    builder.branch(step)
    builder.position_at_end(finished)
    builder.ret(number(0))
    return function


class _Steps:
    """Each kind of step, at the row that is looked at; where a walk may end, whether it does."""

    def __init__(self, builder: Any, registers: Any, data: int) -> None:
        self._builder, self._words, self._registers, self._data = builder, Words(builder), registers, data
        self._now, self._given = (alloca_once(builder, INTP, ARRAYS) for _ in range(2))
        self._index = alloca_once(builder, INTP, MOST)

    def _place(self, row: Any, *index: Any) -> Any:
        """The address that a register and an offset say."""
        words = self._words
        start = words.place(row, *index)
        return words.add(words.load(self._registers, words.load(start, 0)), words.load(start, 1))

    def address(self, row: Any) -> Any:
        words = self._words
        held = words.pointer(words.add(words.load(self._registers, words.load(row, 3)), self._data))
        words.store(words.load(held), self._registers, words.load(row, 2))

    def call(self, row: Any) -> Any:
        words, builder = self._words, self._builder
        arrays = words.load(row, 4)
        given = words.place(row, builder.mul(arrays, number(3)), 5)
        with for_range(builder, arrays) as loop:
            start = builder.mul(loop.index, number(3))
            words.store(self._place(row, 5, start), given, words.load(row, 7, start))
        caller = builder.inttoptr(words.load(row, 2), ir.PointerType(ir.FunctionType(INTP, [WORDS])))
        return builder.icmp_signed("!=", builder.call(caller, [given]), words.load(row, 3))

    def product(self, row: Any) -> Any:
        words, builder = self._words, self._builder
        ta, tb = (builder.trunc(words.load(row, k), _SHORT) for k in (4, 5))
        sizes = [words.load(row, k) for k in (6, 7, 8)]
        a, b, c = ((self._place(row, k), words.load(row, k + 2)) for k in (9, 12, 15))
        with builder.if_else(builder.icmp_signed("!=", words.load(row, 3), number(0))) as branches:
            for branch, kind in zip(branches, (ir.DoubleType(), ir.FloatType())):
                with branch:
                    one, zero = ir.Constant(kind, 1.0), ir.Constant(kind, 0.0)
                    given = [ir.Constant(_SHORT, 101), ta, tb, *sizes, one, *a, *b, zero, *c]
                    form = ir.FunctionType(ir.VoidType(), [value.type for value in given])
                    builder.call(builder.inttoptr(words.load(row, 2), ir.PointerType(form)), given)

    def loop(self, row: Any) -> Any:
        words, builder = self._words, self._builder
        arrays, outer, often = (words.load(row, k) for k in (4, 5, 6))
        strides, rest = (words.place(row, words.load(row, k)) for k in (7, 8))
        places = words.place(rest, outer)  # after the outer lengths
        width = words.add(outer, 2)
        with for_range(builder, arrays) as each:
            words.store(self._place(places, builder.mul(each.index, width)), self._now, each.index)
        with for_range(builder, outer) as each:
            words.store(0, self._index, each.index)
        inner = builder.inttoptr(words.load(row, 2), ir.PointerType(LOOP_TYPE))
        with for_range(builder, often):
            with for_range(builder, arrays) as each:  # of its own, since some loops move them on
                words.store(words.load(self._now, each.index), self._given, each.index)
            data = words.pointer(words.load(row, 3))
            builder.call(inner, [self._given, words.place(row, ROW), strides, data])
            self._next(arrays, outer, rest, places, width)

    def _next(self, arrays: Any, outer: Any, lengths: Any, places: Any, width: Any) -> None:
        """Go on to the next index of the outer dimensions, the last of them fastest."""
        words, builder = self._words, self._builder
        with for_range(builder, outer) as back:
            dimension = builder.sub(builder.sub(outer, number(1)), back.index)
            index = words.add(words.load(self._index, dimension), 1)
            length = words.load(lengths, dimension)
            more = builder.icmp_signed("<", index, length)
            steps = builder.select(more, number(1), builder.sub(number(1), length))
            with for_range(builder, arrays) as each:
                stride = words.load(places, builder.mul(each.index, width), 2, dimension)
                moved = builder.add(words.load(self._now, each.index), builder.mul(stride, steps))
                words.store(moved, self._now, each.index)
            words.store(builder.select(more, index, number(0)), self._index, dimension)
            with builder.if_then(more):
                back.do_break()
