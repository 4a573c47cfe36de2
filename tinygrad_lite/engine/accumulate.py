"""What a leaf keeps of a pass: its gradient, in memory of its own.

An array that nobody else refers to is taken over as it is; what may be shared with another gradient, with a saved value
or with the caller is copied. Who else refers to it the interpreter knows: it counts references.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .. import rules
from ..graph import Node, written
from ..kernels.elementwise import half_precision
from ..kernels.loops.pairwise_sum import pairwise_sum
from ..kernels.loops.row_loops import copied
from ..kernels.native.forks import lock
from ..rules import Rule, conjugate, ndarray, wrap

_F16 = np.dtype(np.float16)
ones_like = np.ones_like  # by a name of its own: recordings put theirs in its place
ACCUMULATING = lock()  # several threads may train on shared leaves


def own(found: dict[Node, Any], node: Node) -> Any:
    """Take a node's gradient out of what a pass has found, in memory that nobody else refers to."""
    g = found.pop(node)
    if type(g) is not ndarray or _count_references(g) != _ALONE or not (g.flags.owndata or _only_view(g)):
        g = copied(g)
    return g if g.dtype.kind != "c" else conjugate(g)


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
        if g.dtype is _F16:
            np.copyto(before._data, add(before._data, g))
        else:
            np.add(before._data, g, out=before._data)
        written(before._data, "gradient accumulation")


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


# --- what a rule returned, as a gradient of its argument --------------------------------------------------------------


def parents_of(parent: Any) -> tuple[Any, ...]:
    """The nodes of an edge: one, or those of a rule for several arguments."""
    return parent if type(parent) is tuple else (parent,)


def fit(d: Any, parent: Node, rule: Rule, i: int = 0) -> Any:
    """The gradient that a rule returned for its i-th argument, with the shape and dtype of the argument's node."""
    shape = parent.shape
    if shape is None:
        return d
    if not isinstance(d, (ndarray, rules.Tensor, np.generic)):
        raise misfit(d, parent, rule, i)
    if d.shape != shape:
        if not sums_to(d.shape, shape):
            raise misfit(d, parent, rule, i)
        d = unbroadcast(d, shape)
    return d if d.dtype is parent.dtype or d.dtype == parent.dtype else cast(d, parent.dtype)


def misfit(d: Any, parent: Node, rule: Rule, i: int = 0) -> Exception:
    """The error for what a rule returned."""
    kind, came = (TypeError, type(d).__name__) if getattr(d, "shape", None) is None else (RuntimeError, d.shape)
    name = rule.arg[i if rule.joint else 0]
    return kind(
        f"{rule.op.name}: the rule for {name!r} must return a gradient of the argument's shape {parent.shape}, "
        f"got {came}"
    )


def cast(d: Any, dtype: np.dtype[Any]) -> Any:
    """A gradient in its input's dtype."""
    if d.dtype.kind == "c" and dtype.kind != "c":
        d = np.real(d)  # a real input has no imaginary direction to move in
    return half_precision.cast_repeating(d, dtype)


def add(before: Any, d: Any) -> Any:
    """The sum of two gradients of one node."""
    if type(d) is ndarray and type(before) is ndarray and d.dtype is _F16:
        return half_precision.of_two(np.add, before, d)
    return before + d


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the dimensions that broadcasting added or stretched."""
    lead = g.ndim - len(shape)
    if lead > 0:
        g = pairwise_sum(g, 0 if lead == 1 else tuple(range(lead)))
    stretched = tuple(i for i, (n, m) in enumerate(zip(shape, g.shape)) if n == 1 and m != 1)
    if stretched:
        g = pairwise_sum(g, stretched, True)
    return g


def sums_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether `target` broadcasts to `shape`, so that a gradient can be summed over what was stretched."""
    lead = len(shape) - len(target)
    return lead >= 0 and all(m in (1, n) for n, m in zip(shape[lead:], target))
