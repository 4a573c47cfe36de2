"""`call_loop`: NumPy's own inner loops, called from compiled code.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..codegen.language.intrinsics import intrinsic, types
from .inner_loops import LOOP_TYPE


@intrinsic
def call_loop(typingctx: Any, loop: Any, args: Any, sizes: Any, steps: Any, data: Any) -> Any:
    """Call a ufunc's inner loop: see `addresses.loop`. All by address; words of 64 bits, steps in bytes."""

    def codegen(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        inner = builder.inttoptr(given[0], ir.PointerType(LOOP_TYPE))
        kinds = LOOP_TYPE.args
        builder.call(inner, [builder.inttoptr(value, kind) for value, kind in zip(given[1:], kinds)])
        return context.get_dummy_value()

    return types.void(*(types.intp,) * 5), codegen
