"""Views and in-place writes: tensors that share memory, and what a write does to their history.

A view remembers its base and the operations that lead to it. A write changes the base's history to "as before, but
with this part replaced"; every view finds its own history again from there when it is next used. So a gradient
always describes the values that are in memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from .. import rules
from ..graph import RETAIN, Node, memory, mode, written
from ..promotion import can_cast
from ..rules import Op, conjugate, differentiable, wrap

Path = tuple[tuple[Op, tuple[Any, ...]], ...]
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class View:
    """What a view remembers.

    Attributes
    ----------
    base : Tensor
        The tensor whose memory it shares.
    array : ndarray
        The base's array then: once ``base.data`` is replaced, they share nothing any more.
    up : View or None
        The view that this one is a view of; None where that is the base. Links, not a copied path: a chain of views of
        views costs no more than its length.
    step : (Op, options)
        The operation that leads here from `up`.
    origin : Node or None
        The base's node when this view's own was made.
    opaque : str
        Why its history cannot be made anew after a write, empty if it can.
    """

    __slots__ = ("base", "array", "up", "step", "origin", "opaque")

    base: Any
    up: View | None
    opaque: str

    def __init__(self, parent: Any, step: tuple[Any, tuple[Any, ...]], opaque: str = "") -> None:
        self.up = up = None if parent._view is None else link(parent)
        self.base = base = parent if up is None else up.base
        self.array, self.step, self.origin = base._data, step, base._node
        self.opaque = opaque or ("" if up is None else up.opaque)

    def path(self) -> Path:
        """The operations that lead from the base to here."""
        steps = []
        view: View | None = self
        while view is not None:
            steps.append(view.step)
            view = view.up
        return tuple(reversed(steps))


_new_view = View.__new__


def link(tensor: Any) -> View | None:
    """What the tensor remembers as a view, if it still is one."""
    view: View | None = tensor._view
    if view is not None and view.base._data is not view.array:
        moved: View | None = view.base._view
        if moved is None or moved.array is not view.array:
            view = tensor._view = None
        else:  # by `turn`: what the base was is the base of both
            view.base = moved.base
    return view


_NO_GRAD = "made under no_grad()"
_CUSTOM = "made by the custom Function {}"
_SEVERAL = "given by {} with others (the output of a function that returns multiple views)"


def among_several(maker: str) -> str:
    """Why a view that `maker` gave with others has no history after a write: the others' would change with it."""
    return _SEVERAL.format(maker)


def view_of(parent: Any, op: Op, options: tuple[Any, ...], out: Any) -> View | None:
    """The record for `out`, a result of ``op(parent, *options)`` that may share the parent's memory."""
    x, owner = parent._data, out.base
    named = owner is x or (owner is not None and owner is x.base)  # NumPy names the owner, whatever lies between
    if not named and not (np.may_share_memory(out, x) if out.size else memory(out) is memory(x)):
        return None
    return View(parent, (op, options), "" if mode.enabled else _NO_GRAD)


def views_of(parent: Any, op: Op, options: Iterable[Any], maker: str = "") -> Iterator[View]:
    """The records for many results of ``op(parent, option)``, all of which share the parent's memory."""
    first = View(parent, (op, ()), _NO_GRAD if not mode.enabled else among_several(maker) if maker else "")
    up, base, array, origin, opaque = first.up, first.base, first.array, first.origin, first.opaque
    for option in options:
        view = _new_view(View)
        view.up, view.base, view.array, view.step = up, base, array, (op, (option,))
        view.origin, view.opaque = origin, opaque
        yield view


def opaque_view(parent: Any, maker: str) -> View:
    """The record for what a custom Function made of the parent's memory: nobody knows how."""
    return View(parent, (None, ()), _CUSTOM.format(maker))


def current(tensor: Any) -> Node | None:
    """The node of a view, made anew if its base has another history since: by a write, or by `requires_grad_`."""
    view: View = tensor._view
    if view.base._view is not None:
        link(tensor)
    now = view.base._node
    if view.origin is not now:
        if now is not None and link(tensor):  # a base that stops requiring grad leaves its views the history they have
            if view.opaque and now.edges != ():
                raise RuntimeError(
                    f"view: it was {view.opaque}, and its base was changed in place since; clone() it before"
                )
            if not view.opaque and not (now.edges == () and is_leaf(tensor._node)):
                old, before, mode.enabled = tensor._node, mode.enabled, True
                try:
                    tensor._node = follow(view.base, view.path())._node
                finally:
                    mode.enabled = before
                _move_retained(old, tensor._node)
        view.origin = now
    node: Node | None = tensor._node
    return node


def is_leaf(node: Node | None) -> bool:
    """Whether the node is that of a leaf that requires grad."""
    return node is not None and node.edges == ()


def follow(base: Any, path: Path) -> Any:
    """Apply the operations of a path, to a Tensor or an array."""
    for op, options in path:
        base = op.record((base, *options))
    return base


def _without(g: Any, path: Path) -> Any:
    return scatter(g, np.zeros_like(follow(g, path), np.bool_), path)  # which any dtype takes


def _written(g: Any, path: Path) -> Any:
    return conjugate(follow(conjugate(g), path))  # a path may lead to the imaginary part


@differentiable(base=_without, value=_written, complex=True)
def scatter(base: Any, value: Any, path: Path) -> Any:
    """A copy of `base` in which the view at `path` holds `value`."""
    out = np.array(base)
    part = follow(out, path)
    if np.may_share_memory(part, out):
        part[...] = value
    else:  # another order of elements than the base had: some step of the path copies
        out = np.array(base, order="C")
        out.reshape(-1)[follow(np.arange(out.size).reshape(out.shape), path)] = value
    return out


@differentiable(old=lambda g: np.zeros_like(g), complex=True)
def replaced(old: Any, new: Any) -> Any:
    """A value that does not depend on the old one."""
    return new


def write(
    tensor: Any, op: Callable[..., Any], args: tuple[Any, ...], name: str, options: Mapping[str, Any] = _NO_OPTIONS
) -> Any:
    """``tensor = op(tensor, *args)`` in place: values, history, and the announcement to whoever saved the old values.

    Parameters
    ----------
    tensor : Tensor
    op : callable
        Out of place, called with the old value first.
    args : tuple
    name : str
        For messages, such as ``add_``.
    options : mapping
        Keyword arguments of `op`.
    """
    data = tensor._data
    tracked = begin(tensor, (*args, *options.values()), name)
    old = tensor
    if tracked:
        old = _copied(tensor)
        args = tuple(_apart(a, data) for a in args)
        options = {k: _apart(a, data) for k, a in options.items()}
    result = op(old, *args, **options)
    new = result._data
    if new.shape != data.shape:
        raise RuntimeError(f"{name}: the result's shape {new.shape} must be that of the tensor, {data.shape}")
    if new.dtype != data.dtype and (  # which is seldom, and takes longer to ask
        not can_cast(new.dtype, data.dtype) or (not args and new.dtype.kind == "f" and data.dtype.kind == "c")
    ):
        raise RuntimeError(
            f"{name}: a result of dtype {new.dtype} cannot be written to a tensor of {data.dtype} "
            f"(result type {new.dtype} can't be cast to the desired output type {data.dtype})"
        )
    store(data, new, name)
    if tracked:
        if result._node is None and old._node is not None:
            result = replaced.record((old, result))
        rebase(tensor, result if new.dtype == data.dtype else result.to(data.dtype))
    return tensor


def apply(tensor: Any, function: Callable[[Any], Any], name: str, inplace: bool) -> Any:
    """``function(tensor)``, written to the tensor where `inplace` says so."""
    return write(tensor, function, (), f"{name}_") if inplace else function(tensor)


def store(data: Any, new: Any, name: str) -> None:
    """Overwrite an array, and say so."""
    data[...] = read_before(data, new)
    written(data, name, 4)


def read_before(place: Any, new: Any) -> Any:
    """What a place is to hold, copied where NumPy would write to it before it is read.

    NumPy copies what overlaps, but not in one dimension, where the right direction is enough if both have one stride:
    ``x[::2] = x[:6]`` goes wrong.
    """
    one = type(new) is np.ndarray and new.ndim and place.ndim == 1
    return new.copy() if one and new.strides[-1:] != place.strides and np.may_share_memory(place, new) else new


def duplicate(array: Any) -> Any:
    """A copy of an array, in memory of its own."""
    return array.copy()


def turn(tensor: Any, op: Callable[[Any], Any], name: str) -> Any:
    """``tensor = op(tensor)`` for an `op` that makes views: no value changes, the tensor is another view of them.

    Parameters
    ----------
    tensor : Tensor
        No leaf that requires grad: its gradient would be of another shape. `detach_` takes it for a view from then on.
    op : callable
    name : str
        For messages, such as ``t_``.
    """
    if is_leaf(node_of(tensor)):
        raise RuntimeError(f"{name}: a leaf Tensor that requires grad must not be changed in place; use {name[:-1]}()")
    was = wrap(tensor._data)
    was._node, was._view = tensor._node, tensor._view
    before, mode.enabled = mode.enabled, True  # a shape is no computation
    try:
        out = op(was)
    finally:
        mode.enabled = before
    _move_retained(was._node, out._node)
    tensor._data, tensor._node, tensor._view = out._data, out._node, out._view
    return tensor


def begin(tensor: Any, values: tuple[Any, ...], name: str) -> bool:
    """Refuse a write that must not be; tell whether it has to be recorded.

    Parameters
    ----------
    tensor : Tensor
        To be written to.
    values : tuple
        What the new value is computed from, besides.
    name : str
        For messages.
    """
    data = tensor._data
    if _expanded(data):
        raise RuntimeError(
            f"{name}: the tensor is expanded, several of its elements share one place; clone() it first (unsupported "
            "operation: more than one element of the written-to tensor refers to a single memory location)"
        )
    if not data.flags.writeable:
        raise RuntimeError(
            f"{name}: the tensor's memory is read-only, as a part of an expanded tensor's is; clone() it first"
        )
    if not mode.enabled:
        if mode.duals is not None:
            mode.duals.refuse(name, [node_of(v) for v in (tensor, *values) if isinstance(v, rules.Tensor)])
        return False
    view = link(tensor)
    nodes = (node_of(tensor), None if view is None else view.base._node)
    if nodes == (None, None) and not any(isinstance(v, rules.Tensor) and node_of(v) is not None for v in values):
        return False
    for what, node in zip(("a leaf Tensor", "a view of a leaf Tensor"), nodes):
        if is_leaf(node):
            raise RuntimeError(
                f"{name}: {what} that requires grad must not be changed in place; use it under no_grad() "
                f"({what.replace('Tensor', 'Variable')} that requires grad is being used in an in-place operation.)"
            )
    if view is not None and view.opaque:
        raise RuntimeError(
            f"{name}: the tensor is a view {view.opaque} and must not be changed in place; clone() it first"
        )
    return True


def _expanded(data: Any) -> bool:
    return 0 in data.strides and any(s == 0 and n > 1 for s, n in zip(data.strides, data.shape)) and data.size > 0


def once(tensor: Any) -> Any:
    """The places of an expanded tensor, each once: one number may be written to all, where no history is kept.

    Parameters
    ----------
    tensor : Tensor

    Returns
    -------
    ndarray
        The tensor's own for one whose elements have a place each, and where `begin` is to refuse.
    """
    data, view = tensor._data, tensor._view
    if not _expanded(data) or (mode.enabled and (node_of(tensor) or (view is not None and view.base._node))):
        return data
    places = data[tuple([slice(1) if step == 0 else slice(None) for step in data.strides])]
    try:
        places.flags.writeable = True
    except ValueError:  # the memory is read-only
        return data
    return places


def rebase(tensor: Any, result: Any) -> None:
    """Give a tensor that was just written to the history of `result`, which computed the new value."""
    view = link(tensor)
    if view is None:
        _move_retained(tensor._node, result._node)
        tensor._node = result._node
        return
    base, before, old = view.base, tensor._node, view.base._node
    nodes = {i: n for i, n in ((0, old), (1, result._node)) if n is not None}
    data, out = [base._data, result._data, view.path()], base._data
    base._node = scatter._node(scatter._edges(nodes, data, out, ()), out) if nodes else None
    _move_retained(old, base._node)
    if _retains(before):
        _move_retained(before, current(tensor))


def _retains(node: Node | None) -> bool:
    return node is not None and bool(node.hooks) and RETAIN in node.hooks  # type: ignore[operator]


def _move_retained(before: Node | None, now: Node | None) -> None:
    """`retain_grad` is about a tensor, not about the operation that made its old value."""
    if _retains(before) and now is not None and now is not before:
        retain(now)
        del before.hooks[RETAIN]  # type: ignore[union-attr]


def retain(node: Node) -> None:
    """Keep the gradient of an operation's result: see `Tensor.retain_grad`."""
    if node.hooks is None:
        node.hooks = {}
    if RETAIN not in node.hooks:
        node.hooks[RETAIN], node.grad = None, None


def node_of(tensor: Any) -> Node | None:
    """The up-to-date node of a tensor."""
    node: Node | None = tensor._node if tensor._view is None else current(tensor)
    return node


def _copied(tensor: Any) -> Any:
    """The value before the write, in memory of its own, with the same history."""
    out = wrap(duplicate(tensor._data))
    out._node = node_of(tensor)
    return out


def copy_with_others(array: Any, memo: dict[int, Any]) -> Any:
    """A copy of an array and all of the memory that it looks at, which arrays that share it now share afterwards."""
    owner = memory(array)
    if type(owner) is not np.ndarray or not owner.flags.forc:
        return array.copy()
    whole = copy.deepcopy(owner, memo)
    if owner is array:
        return whole
    offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    flat = (whole if whole.flags.c_contiguous else whole.T).reshape(-1)
    return np.ndarray(array.shape, array.dtype, flat, offset, array.strides)


def _apart(value: Any, data: Any) -> Any:
    """An argument of a write, copied if the write would change it."""
    return _copied(value) if isinstance(value, rules.Tensor) and memory(value._data) is memory(data) else value
