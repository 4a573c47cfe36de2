"""What a leaf keeps of a pass: its gradient, in memory of its own.

An array that nobody else refers to is taken over as it is; what may be shared with another gradient, with a saved value
or with the caller is copied. Who else refers to it the interpreter knows: it counts references.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..graph import Node, written
from ..kernels.elementwise.fused import LARGE
from ..kernels.loops.row_loops import fill
from ..kernels.native.forks import lock
from ..rules import conjugate, ndarray, wrap

ACCUMULATING = lock()  # several threads may train on shared leaves


def own(found: dict[Node, Any], node: Node) -> Any:
    """Take a node's gradient out of what a pass has found, in memory that nobody else refers to."""
    g = found.pop(node)
    if type(g) is not ndarray or _count_references(g) != _ALONE or not (g.flags.owndata or _only_view(g)):
        g = _copied(g)
    return conjugate(g)


def accumulate(found: dict[Node, Any], node: Node, create: bool) -> None:
    """Add what a pass has found to the `grad` of a node, which owns its memory."""
    before = getattr(node, "grad", None)
    if create:
        g = conjugate(found.pop(node))
        node.grad = g.clone() if before is None else before + g
        return
    if before is None:
        node.grad = wrap(own(found, node))
        return
    g = conjugate(found.pop(node))
    if before._node is not None or (before._data.base is not None and not _own_places(before._data)):
        node.grad = wrap(before._data + g)
    else:
        np.add(before._data, g, out=before._data)
        written(before._data, "gradient accumulation")


def _copied(g: Any) -> Any:
    if type(g) is not ndarray or g.size < LARGE or any(g.strides) or g.dtype.kind != "f" or g.dtype.itemsize < 4:
        return np.array(g)
    out = np.empty(g.shape, g.dtype)  # one number, expanded: what `sum` hands back
    fill.run(out.reshape(-1), g.dtype.type(g.flat[0]))
    return out


def _only_view(array: Any) -> bool:
    """Whether an array is another one's memory in another shape, and nobody else refers to that other one."""
    base = array.base
    return (
        type(base) is ndarray
        and _count_references(base) == _ALONE_BELOW  # `base`, the array's own reference, and the argument
        and base.flags.owndata
        and array.nbytes == base.nbytes
        and bool(array.flags.c_contiguous and array.flags.writeable)
    )


_count_references: Any = getattr(sys, "getrefcount", lambda _: 0)  # not every Python counts: there nobody is alone


def _alone() -> tuple[int, int]:
    """What `own` counts for an array that nobody else refers to, and `_only_view` for one that only its view does."""
    view = {0: np.empty(2).reshape(1, 2)}.pop(0)
    base = view.base
    return int(_count_references(view)) or -1, int(_count_references(base)) or -1


_ALONE, _ALONE_BELOW = _alone()


def _own_places(array: Any) -> bool:
    """Whether writing to one element changes no other."""
    stretched = any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape))
    return bool(array.flags.writeable) and not (stretched and array.size)
