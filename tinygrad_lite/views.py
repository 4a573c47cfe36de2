"""Views and in-place writes: tensors that share memory, and what a write does to their history.

A view remembers its base and the operations that lead to it. A write changes the base's history to "as before, but
with this part replaced"; every view finds its own history again from there when it is next used. So a gradient
always describes the values that are in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import rules
from .graph import Node, mode, written
from .rules import Op, differentiable, unwrap, wrap

Path = tuple[tuple[Op, tuple[Any, ...]], ...]


class View:
    """What a view remembers: the tensor that owns the memory, how to get here from it, and that tensor's node then."""

    __slots__ = ("base", "path", "origin")

    def __init__(self, base: Any, path: Path, origin: Node | None) -> None:
        self.base, self.path, self.origin = base, path, origin


def view_of(parent: Any, op: Op, options: tuple[Any, ...], out: Any) -> View | None:
    """The record for `out`, a result of ``op(parent, *options)`` that may share the parent's memory."""
    if not np.may_share_memory(out, parent._data):
        return None
    if parent._base is None:
        return View(parent, ((op, options),), parent._node)
    up: View = parent._base
    return View(up.base, (*up.path, (op, options)), up.base._node)


def current(tensor: Any) -> Node | None:
    """The node of a view, made anew if its base was written to since."""
    view: View = tensor._base
    if view.origin is not view.base._node:
        before, mode.enabled = mode.enabled, True
        try:
            tensor._node = follow(view.base, view.path)._node
        finally:
            mode.enabled = before
        view.origin = view.base._node
    node: Node | None = tensor._node
    return node


def follow(base: Any, path: Path) -> Any:
    """Apply the operations of a path, to a Tensor or an array."""
    for op, options in path:
        base = op.record((base, *options))
    return base


@differentiable(
    base=lambda g, value_shape, path: scatter(g, np.zeros(value_shape, unwrap(g).dtype), path),
    value=lambda g, path: follow(g, path),
)
def scatter(base: Any, value: Any, path: Path) -> Any:
    """A copy of `base` in which the view at `path` holds `value`."""
    out = np.array(base)
    part = follow(out, path)
    if part.size and not np.may_share_memory(part, out):
        raise RuntimeError("in-place: the view does not share its base's memory any more")
    part[...] = value
    return out


def write(tensor: Any, op: Any, args: tuple[Any, ...], name: str) -> Any:
    """``tensor = op(tensor, *args)`` in place: values, history, and the announcement to whoever saved the old values.

    Parameters
    ----------
    tensor : Tensor
    op : callable
        Out of place, called with the old value first.
    args : tuple
    name : str
        For messages, such as ``add_``.
    """
    data = tensor._data
    _check_writable(tensor, name)
    tracked = mode.enabled and (
        node_of(tensor) is not None or any(isinstance(a, rules.Tensor) and node_of(a) is not None for a in args)
    )
    if tracked:
        check_leaf(tensor, name)
    old = _copied(tensor) if tracked else tensor
    args = tuple(
        _copied(a) if tracked and isinstance(a, rules.Tensor) and np.may_share_memory(a._data, data) else a for a in args
    )
    result = op(old, *args)
    new = result._data
    if new.shape != data.shape:
        raise RuntimeError(f"{name}: the result's shape {new.shape} must be that of the tensor, {data.shape}")
    if not np.can_cast(new.dtype, data.dtype, "same_kind"):
        raise RuntimeError(f"{name}: a result of dtype {new.dtype} cannot be written to a tensor of {data.dtype}")
    data[...] = new
    written(data, name, 3)
    if tracked:
        rebase(tensor, result if new.dtype == data.dtype else result.to(data.dtype))
    return tensor


def rebase(tensor: Any, result: Any) -> None:
    """Give a tensor that was just written to the history of `result`, which computed the new value."""
    if tensor._base is None:
        tensor._node = result._node
        return
    view: View = tensor._base
    base = view.base
    nodes = {i: n for i, n in ((0, base._node), (1, result._node)) if n is not None}
    base._node = scatter._node(nodes, [base._data, result._data, view.path], base._data) if nodes else None


def node_of(tensor: Any) -> Node | None:
    """The up-to-date node of a tensor."""
    node: Node | None = tensor._node if tensor._base is None else current(tensor)
    return node


def check_leaf(tensor: Any, name: str) -> None:
    """Refuse to overwrite a leaf that requires grad, or a view of one, while recording."""
    owner = tensor if tensor._base is None else tensor._base.base
    if owner._node is not None and not owner._node.edges:
        what = "a leaf Tensor" if tensor is owner else "a view of a leaf Tensor"
        raise RuntimeError(f"{name}: {what} that requires grad must not be changed in place; use it under no_grad()")


def _check_writable(tensor: Any, name: str) -> None:
    data = tensor._data
    if not data.flags.writeable:
        raise RuntimeError(f"{name}: the tensor's memory is read-only")
    if any(s == 0 and n > 1 for s, n in zip(data.strides, data.shape)):
        raise RuntimeError(f"{name}: the tensor is expanded, several of its elements share one place; clone() it first")


def _copied(tensor: Any) -> Any:
    """The value before the write, in memory of its own, with the same history."""
    out = wrap(tensor._data.copy())
    out._node = node_of(tensor)
    return out
