"""Weighted sums of neighbours along one dimension, compiled. See `blend` for the plain twin.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from ..native.memory import claim
from ..native.threads import launch
from .stencil_numpy import blend_plain


@kernel(blend_plain)
def blend_outer(x: Any, starts: Any, index: Any, weight: Any, out: Any, cursor: Any) -> int:
    """A piece is one of the outermost dimension."""
    outer, _, inner = x.shape
    zero, size, done = x.dtype.type(0), len(starts) - 1, 0
    taps = starts[size] // max(size, 1)
    for o in range(size):
        if starts[o + 1] - starts[o] != taps:
            taps = 0
    while True:
        a = claim(cursor)
        if a >= outer:
            return done
        done += 1
        if inner == 1 and taps == 1:  # loops without loops inside become gathers of vectors
            for o in range(size):
                out[a, o, 0] = weight[o] * x[a, index[o], 0]
            continue
        if inner == 1 and taps == 2:
            for o in range(size):
                out[a, o, 0] = weight[2 * o] * x[a, index[2 * o], 0] + weight[2 * o + 1] * x[a, index[2 * o + 1], 0]
            continue
        if inner == 1:
            for o in range(size):
                total = zero
                for t in range(starts[o], starts[o + 1]):
                    total += weight[t] * x[a, index[t], 0]
                out[a, o, 0] = total
            continue
        for o in range(size):
            first = starts[o]
            if first < starts[o + 1]:
                factor, i = weight[first], index[first]
                for b in range(inner):
                    out[a, o, b] = factor * x[a, i, b]
            else:
                for b in range(inner):
                    out[a, o, b] = zero
            for t in range(first + 1, starts[o + 1]):
                factor, i = weight[t], index[t]
                for b in range(inner):
                    out[a, o, b] += factor * x[a, i, b]


def blend(x: Any, starts: Any, index: Any, weight: Any, out: Any) -> None:
    """`blend.blend_plain`, compiled."""
    work = x.shape[0] * x.shape[2] * len(index)
    unsigned = index.view(np.uintp)  # numba would look for negative ones
    helpers = 0 if work < 200_000 else None
    launch(blend_outer.compiled, len(x), x, starts, unsigned, weight, out, helpers=helpers)
