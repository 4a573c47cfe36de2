"""A short wait for another thread that lets everybody else run first.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, call-arg"

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .backend import kernel


@intrinsic
def give_way(typingctx: Any) -> Any:
    """Let any other thread that is ready have this core: half a microsecond where there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen


def linger_plain(bell: Any, seen: int, rounds: int, more: int) -> bool:
    """Wait until ``bell[0]`` is no longer `seen`, or for some rounds of giving way; return whether it rang.

    Parameters
    ----------
    bell : array of intp, shape (1,)
    seen : int
    rounds : int
    more : int
        Rounds after it rang: until whoever rang has released the GIL.
    """
    return bool(bell[0] != seen)


@kernel(linger_plain)
def linger(bell: Any, seen: int, rounds: int, more: int) -> bool:
    for _ in range(rounds):
        if bell[0] != seen:
            for _ in range(more):
                give_way()
            return True
        give_way()
    return False
