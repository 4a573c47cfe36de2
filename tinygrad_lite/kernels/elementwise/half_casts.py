"""Casts between float16 and float32, compiled. See `half_precision`.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg"

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import Kernel, kernel
from ..native.parallel import in_parts
from ..native.simd.half import COMPILABLE, extended, rounded

PIECE = 1 << 16  # numbers: 10 us


def widen_plain(bits: Any, out: Any) -> None:
    """float32 from the bits of float16; both of shape (N,)."""
    out[:] = bits.view(np.float16)


@kernel(widen_plain)
def widen(bits: Any, out: Any) -> None:
    for i in range(bits.size):
        out[i] = extended(bits[i])


def narrow_plain(bits: Any, x: Any) -> None:
    """The bits of float16 from float32; both of shape (N,)."""
    bits[:] = x.astype(np.float16).view(np.uint16)


@kernel(narrow_plain)
def narrow(bits: Any, x: Any) -> None:
    for i in range(bits.size):
        bits[i] = rounded(x[i])


def _cast(loop: Kernel, x: Any, dtype: type) -> Any:
    """An array as another of these two dtypes; both loops take the bits of float16 first."""
    if not COMPILABLE:
        return x.astype(dtype)
    out = np.empty(x.shape, dtype)
    bits, floats = (out, x) if dtype is np.float16 else (x, out)
    in_parts(loop, PIECE, (bits.view(np.uint16).reshape(-1), floats.reshape(-1)))
    return out


def to_single(x: Any) -> Any:
    """`half_precision.to_single`, compiled."""
    return _cast(widen, x, np.float32)


def to_half(x: Any) -> Any:
    """`half_precision.to_half`, compiled."""
    return _cast(narrow, x, np.float16)
