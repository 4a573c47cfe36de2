"""Loops, variables and calls of the C library, for whoever writes LLVM's language by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from llvmlite import ir

_BYTES = ir.PointerType(ir.IntType(8))


class ForRange(NamedTuple):
    """A loop that is being written."""

    index: Any
    do_break: Callable[[], Any]


@contextmanager
def for_range(builder: Any, count: Any, intp: Any = None) -> Iterator[ForRange]:
    """Write the body of a loop over the integers below a count."""
    kind = count.type if intp is None else intp
    before = builder.block
    head, body, end = (builder.append_basic_block(name) for name in ("for", "do", "end"))
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(kind)
    index.add_incoming(ir.Constant(kind, 0), before)
    builder.cbranch(builder.icmp_signed("<", index, count), body, end)
    builder.position_at_end(body)
    yield ForRange(index, partial(builder.branch, end))
    index.add_incoming(builder.add(index, ir.Constant(kind, 1), flags=("nsw",)), builder.block)
    builder.branch(head)
    builder.position_at_end(end)


def alloca_once(builder: Any, kind: Any, size: int | None = None) -> Any:
    """Room on the stack, once in a call of the function."""
    with builder.goto_entry_block():
        return builder.alloca(kind, size)


def alloca_once_value(builder: Any, value: Any) -> Any:
    """Room on the stack for a value, which is stored there."""
    room = alloca_once(builder, value.type)
    builder.store(value, room)
    return room


def get_or_insert_function(module: Any, kind: Any, name: str) -> Any:
    """A function outside of the module."""
    return module.globals.get(name) or ir.Function(module, kind, name)


def copy_bytes(builder: Any, target: Any, source: Any, count: Any) -> None:
    """Copy memory that does not overlap."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, _BYTES, count.type, ir.IntType(1)])
    copy = get_or_insert_function(builder.module, kind, f"llvm.memcpy.p0.p0.i{count.type.width}")
    places = [builder.bitcast(each, _BYTES) for each in (target, source)]
    builder.call(copy, [*places, count, ir.Constant(ir.IntType(1), 0)])


def fill_bytes(builder: Any, target: Any, count: Any, value: int) -> None:
    """Write one byte over and over."""
    kind = ir.FunctionType(ir.VoidType(), [_BYTES, ir.IntType(8), count.type, ir.IntType(1)])
    fill = get_or_insert_function(builder.module, kind, f"llvm.memset.p0.i{count.type.width}")
    builder.call(fill, [target, ir.Constant(ir.IntType(8), value), count, ir.Constant(ir.IntType(1), 0)])
