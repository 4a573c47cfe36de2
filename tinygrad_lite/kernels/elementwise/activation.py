"""Activations, forward and backward in one pass each.

Results are written to arrays that NumPy made: an array made inside a loop that was loaded from disk has a dtype object
of its own, equal to NumPy's but not the same, and every check by identity after it would take the slow way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel


def relu_plain(x: Any, out: Any) -> None:
    """``out = max(x, 0)``; NaN stays NaN."""
    np.maximum(x, x.dtype.type(0), out=out)


@kernel(relu_plain)
def relu(x: Any, out: Any) -> None:
    source, target = x.reshape(-1), out.reshape(-1)
    zero = x.dtype.type(0)
    for i in range(source.size):
        target[i] = zero if source[i] <= zero else source[i]


def relu_backward_plain(g: Any, shown: Any, out: Any) -> None:
    """``out = g`` where the result `shown` is positive or NaN, zero elsewhere, whatever `g` is there."""
    out[...] = np.where(shown <= 0, g.dtype.type(0), g)


@kernel(relu_backward_plain)
def relu_backward(g: Any, shown: Any, out: Any) -> None:
    source, mask, target = g.reshape(-1), shown.reshape(-1), out.reshape(-1)
    zero = g.dtype.type(0)
    for i in range(source.size):
        target[i] = zero if mask[i] <= zero else source[i]
