"""Casts between float16 and float32, compiled. See `half_precision`.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="call-arg"

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
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


def to_single(x: Any) -> Any:
    """`half_precision.to_single`, compiled."""
    if not COMPILABLE:
        return x.astype(np.float32)
    out = np.empty(x.shape, np.float32)
    in_parts(widen, PIECE, (x.view(np.uint16).reshape(-1), out.reshape(-1)))
    return out


def to_half(x: Any) -> Any:
    """`half_precision.to_half`, compiled."""
    if not COMPILABLE:
        return x.astype(np.float16)
    out = np.empty(x.shape, np.float16)
    in_parts(narrow, PIECE, (out.view(np.uint16).reshape(-1), x.reshape(-1)))
    return out
