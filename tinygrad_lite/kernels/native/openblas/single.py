"""`begin_single`, `end_single`: OpenBLAS has each product done by the thread that asks for it, for as long as it takes.

The parts of a product that OpenBLAS shares wait for each other, so that it takes several times as long where other
programs want the cores. Whole products, or rows of one, which threads of ours claim, wait for nobody.

The number of threads is the process's: a product that another thread of a user begins meanwhile has one, too.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, call-arg"

from __future__ import annotations

import os
from functools import cache
from typing import Any

from llvmlite import ir

from ..codegen.language.intrinsics import intrinsic, types
from ..codegen.raw_memory import put
from ..memory import word
from ..worker_threads import exchange, give_way, swap
from . import BEFORE, GET, LOCK, RUNNING, SET, SINGLE, address_of, set_num_threads

_INT, _WORD = ir.IntType(32), 8  # bytes of a word


@cache
def state() -> int:
    """The address of `SINGLE`, which says how many launches run, and what the number of threads was before them."""
    SINGLE[GET], SINGLE[SET] = address_of("get_num_threads"), address_of("set_num_threads")
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
    return int(SINGLE.ctypes.data)


def _after_fork() -> None:
    """A child has none of the threads that were in a product."""
    if SINGLE[RUNNING]:
        set_num_threads(int(SINGLE[BEFORE]))
    SINGLE[:GET] = 0


@intrinsic
def get_threads(typingctx: Any, function: Any) -> Any:
    """Call a C function that takes nothing and returns an int."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.PointerType(ir.FunctionType(_INT, []))
        return builder.sext(builder.call(builder.inttoptr(args[0], kind), []), ir.IntType(64))

    return types.intp(types.intp), codegen


@intrinsic
def set_threads(typingctx: Any, function: Any, count: Any) -> Any:
    """Call a C function that takes an int."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.PointerType(ir.FunctionType(ir.VoidType(), [_INT]))
        builder.call(builder.inttoptr(args[0], kind), [builder.trunc(args[1], _INT)])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), codegen


def begin_single(state: int) -> None:
    """Have one thread for each product, until as many have ended as have begun."""
    if word(state + SET * _WORD) == 0:
        return
    while not swap(state + LOCK * _WORD, 0, 1):
        give_way()
    running = word(state + RUNNING * _WORD)
    if running == 0:
        put(state + BEFORE * _WORD, get_threads(word(state + GET * _WORD)))
        set_threads(word(state + SET * _WORD), 1)
    put(state + RUNNING * _WORD, running + 1)
    exchange(state + LOCK * _WORD, 0)


def end_single(state: int) -> None:
    """Give back what `begin_single` found, unless somebody has asked for another number meanwhile."""
    if word(state + SET * _WORD) == 0:
        return
    while not swap(state + LOCK * _WORD, 0, 1):
        give_way()
    running = word(state + RUNNING * _WORD) - 1
    if running == 0 and get_threads(word(state + GET * _WORD)) == 1:
        set_threads(word(state + SET * _WORD), word(state + BEFORE * _WORD))
    put(state + RUNNING * _WORD, running)
    exchange(state + LOCK * _WORD, 0)
