"""`blend_plain`: weighted sums of neighbours along one dimension, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np


def blend_plain(x: Any, starts: Any, index: Any, weight: Any, out: Any) -> None:
    """``out[a, o, b] = sum over t of weight[t] x[a, index[t], b]``, for t from ``starts[o]`` to ``starts[o + 1]``.

    Parameters
    ----------
    x : array, shape (A, I, B)
    starts : array, shape (O + 1,), integer
    index : array, shape (T,), integer
    weight : array, shape (T,)
    out : array, shape (A, O, B)
        Written.
    """
    out[...] = 0
    lengths = np.diff(starts)
    for t in range(int(lengths.max(initial=0))):
        longer = np.flatnonzero(lengths > t)
        at = starts[longer] + t
        out[:, longer] += x[:, index[at]] * weight[at, None]
