"""What a leaf keeps of a pass: its gradient, in memory of its own.

An array that nobody else refers to is taken over as it is; what may be shared with another gradient, with a saved value
or with the caller is copied.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

from .graph import Node, written
from .kernels.rows import fill
from .ops.compiled import LARGE
from .rules import conjugate, ndarray, wrap

ACCUMULATING = threading.RLock()  # several threads may train on shared leaves


def accumulate(node: Node, g: Any, create: bool) -> None:
    """Add to a leaf's `grad`, which owns its memory: a gradient that may be shared with another is copied."""
    before, g = getattr(node, "grad", None), conjugate(g)
    if create:
        node.grad = g.clone() if before is None else before + g
    elif before is None:
        fresh = type(g) is ndarray and (g.flags.owndata if g.base is None else _only_view(g))
        if not fresh or node.hooks:  # a hook may have kept what it was shown
            g = _copied(g)
        node.grad = wrap(g)
    elif before._node is not None or (before._data.base is not None and not _own_places(before._data)):
        node.grad = wrap(before._data + g)
    else:
        np.add(before._data, g, out=before._data)
        written(before._data, "gradient accumulation")


def _copied(g: Any) -> Any:
    if g.size < LARGE or any(g.strides) or g.dtype.kind != "f" or g.dtype.itemsize < 4:
        return np.array(g)
    out = np.empty(g.shape, g.dtype)  # one number, expanded: what `sum` hands back
    fill.run(out.reshape(-1), g.dtype.type(g.flat[0]))
    return out


def _only_view(array: Any) -> bool:
    """Whether an array is another one's memory in another shape, and nobody else refers to that other one."""
    base = array.base
    return (
        type(base) is ndarray
        and _count_references(base) == _ALONE  # `base`, the array's own reference, and the argument
        and base.flags.owndata
        and array.nbytes == base.nbytes
        and bool(array.flags.c_contiguous and array.flags.writeable)
    )


_count_references: Any = getattr(sys, "getrefcount", lambda _: 0)  # not every Python counts: there nobody is alone


def _alone() -> int:
    """What `_only_view` counts for a base that only its view refers to."""
    view = np.empty(2).reshape(1, 2)
    base = view.base
    return int(_count_references(base))


_ALONE = _alone() or -1


def _own_places(array: Any) -> bool:
    """Whether writing to one element changes no other."""
    stretched = any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape))
    return bool(array.flags.writeable) and not (stretched and array.size)
