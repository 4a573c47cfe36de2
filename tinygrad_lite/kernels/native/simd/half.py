"""`extended`, `rounded`: float16 to float32 and back, by the processor's own instructions.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir

from ..codegen.language.intrinsics import intrinsic, types

_HALF, _SHORT, _FLOAT = ir.HalfType(), ir.IntType(16), ir.FloatType()

# Elsewhere LLVM calls functions of a library that need not be there.
COMPILABLE = bool(llvmlite.binding.get_host_cpu_features().get("f16c"))


@intrinsic
def extended(typingctx: Any, bits: Any) -> Any:
    """The float32 that equals a float16, which is given by its bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fpext(builder.bitcast(args[0], _HALF), _FLOAT)

    return types.float32(types.uint16), codegen


@intrinsic
def rounded(typingctx: Any, value: Any) -> Any:
    """The bits of the float16 that is nearest to a float32, the even one of two."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(builder.fptrunc(args[0], _HALF), _SHORT)

    return types.uint16(types.float32), codegen
