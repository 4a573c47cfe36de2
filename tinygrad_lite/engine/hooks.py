"""Hooks on nodes of the graph, on accumulated gradients, and on what the graph saves.

A node knows only rules. So a hook that wants to see what a node sends on, or to keep its saved values elsewhere, takes
the place of the node's rules by one that calls them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import rules
from ..graph import OFF, Node, mode, stale, tick
from ..rules import Parts, Rule, conjugate, ndarray, stand_in, wrap
from .accumulate import cast, fit, parents_of
from .blame import came

__all__ = ["saved_tensors_hooks"]

REFUSED_HOOKS: list[str] = []  # what `saved_tensors_hooks` says where it is switched off


class RemovableHandle:
    """Undoes a registration: `remove()`, or leave a ``with`` block."""

    __slots__ = ("_hooks", "_key")

    def __init__(self, hooks: dict[int, Any], hook: Any, who: str = "") -> None:
        given = hook.hook if isinstance(hook, (Before, Accumulated)) else hook[0] if isinstance(hook, tuple) else hook
        if not callable(given):
            raise TypeError(f"{who}{': ' * bool(who)}hook must be a callable, got {came(given)}")
        self._hooks, self._key = hooks, tick()
        hooks[self._key] = hook

    @property
    def id(self) -> int:
        """The key of the registration."""
        return self._key

    @property
    def hooks_dict_ref(self) -> Callable[[], dict[int, Any]]:
        """A function that returns the dict in which the hook stands, as a weak reference does."""
        return lambda: self._hooks

    def remove(self) -> None:
        """Take the hook off; a second time does nothing."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def of(node: Node) -> dict[int, Any]:
    """The hooks of a node."""
    if node.hooks is None:
        node.hooks = {}
    return node.hooks


# --- values between the graph and hooks -----------------------------------------------------------------------------


def handed(g: Any, create: bool) -> Any:
    """A gradient as a hook gets it."""
    return g if g is None else conjugate(g) if create else wrap(conjugate(g))


def taken(result: Any, like: Any, who: str, create: bool) -> Any:
    """A gradient as a hook returned it, in the form that runs through the graph; `like` has its shape and dtype."""
    must = f"{who}: a hook must return None or a Tensor of shape {like.shape}"
    if not isinstance(result, rules.Tensor):
        raise TypeError(f"{must}, got {type(result).__name__}")
    if result.shape != like.shape:
        raise RuntimeError(f"{must}, got {result.shape}")
    result = conjugate(result if create else result._data.copy())
    return result if result.dtype == like.dtype else cast(result, like.dtype)


def _several(results: Any, before: tuple[Any, ...], who: str, create: bool) -> tuple[Any, ...]:
    if results is None:
        return before
    results = results if isinstance(results, tuple) else (results,)
    if len(results) != len(before):
        raise RuntimeError(f"{who}: a hook must return None or {len(before)} gradients, got {len(results)}")
    return tuple(
        None if new is None else new if old is None else taken(new, old, who, create)
        for new, old in zip(results, before)
    )


# --- before a node runs ---------------------------------------------------------------------------------------------


class Before:
    """A hook on all gradients of a node's results."""

    __slots__ = ("hook",)

    def __init__(self, hook: Callable[..., Any]) -> None:
        self.hook = hook

    def __call__(self, g: Any, create: bool) -> Any:
        many = isinstance(g, Parts)
        values = g.values if many else (g,)
        results = self.hook(tuple(handed(v, create) for v in values))
        found = _several(results, values, "register_prehook", create)
        return Parts(found) if many else found[0]


def before(node: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """See `Node.register_prehook`."""
    return RemovableHandle(of(node), Before(hook), "register_prehook")


# --- after a node has run -------------------------------------------------------------------------------------------


class Accumulated:
    """A hook for when the gradient of a leaf has been accumulated."""

    __slots__ = ("hook", "call")

    def __init__(self, hook: Callable[[Any], Any], call: Callable[[Any], Any]) -> None:
        self.hook, self.call = hook, call


def on_accumulation(tensor: Any, node: Node, hook: Callable[[Any], Any]) -> RemovableHandle:
    """See `Tensor.register_post_accumulate_grad_hook`."""
    whose = weakref.ref(tensor)  # the tensor holds the node

    def call(_: Any) -> None:
        given = hook(whose())
        if given is not None:
            raise RuntimeError(
                "register_post_accumulate_grad_hook: the hook must return None, since the gradient is in `grad` "
                f"already (hooks should return None), got {came(given)}"
            )

    return RemovableHandle(of(node), Accumulated(hook, call))


def accumulated(node: Node) -> None:
    """Call the hooks of a leaf whose gradient has been accumulated."""
    for hook in list((node.hooks or {}).values()):
        if isinstance(hook, Accumulated):
            hook.call(node.grad)


class Watched(Rule):
    """All rules of a node as one that hands their results to hooks.

    ``send(g, call)`` does so, ``call(rule, saved)`` being the way in which the pass calls rules.
    """

    __slots__ = ("edges", "after", "send")

    edges: Any
    after: dict[int, Any]
    send: Callable[..., Any]


def after(node: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """See `Node.register_hook`."""
    if node.edges == ():
        return RemovableHandle(of(node), Accumulated(hook, lambda g: hook((), (g,))), "register_hook")
    if isinstance(node.edges, str):
        raise RuntimeError(f"register_hook: the node ({node.edges}) has run already, and its graph has been freed")
    rule = node.edges[0][1]
    if not isinstance(rule, Watched):
        rule = _watched(node)
    return RemovableHandle(rule.after, hook, "register_hook")


def _watched(node: Node) -> Watched:
    edges = node.edges
    parents = tuple(p for parent, _, _ in edges for p in parents_of(parent))
    rule = Watched.__new__(Watched)
    rule.op, rule.joint = stand_in(node.op_name), True
    rule.arg = tuple(a for _, r, _ in edges for a in r.arg)
    rule.names = tuple(n for _, r, _ in edges for n in r.names)
    hooks: dict[int, Any] = {}
    rule.edges, rule.after = edges, hooks
    rule.send = lambda g, call: _send_through(edges, parents, hooks, g, call)
    rule.vjp = lambda g, *_: _send_through(edges, parents, hooks, g, lambda each, saved: each.vjp(g, *saved))
    node.edges = ((parents, rule, tuple(v for _, _, saved in edges for v in saved)),)
    return rule


def _send_through(edges: Any, parents: Any, hooks: dict[int, Any], g: Any, call: Callable[..., Any]) -> tuple[Any, ...]:
    some = next(v for v in g.values if v is not None) if isinstance(g, Parts) else g
    create = isinstance(some, rules.Tensor)
    found: list[tuple[Any, Rule, int]] = []
    for parent, rule, saved in edges:
        d = call(rule, saved)
        found.extend((x, rule, i) for i, x in enumerate(d if type(parent) is tuple else (d,)))
    given = tuple(None if d is None or p is None else fit(d, p, rule, i) for (d, rule, i), p in zip(found, parents))
    if any(isinstance(d, Parts) for d in given):  # the node picks one of several results; its hooks see that
        return given
    outs = tuple(handed(v, create) for v in (g.values if isinstance(g, Parts) else (g,)))
    ins = None
    for hook in list(hooks.values()):
        ins = tuple(handed(d, create) for d in given) if ins is None else ins  # the same for all
        results = hook(ins, outs)
        if results is not None:
            given, ins = _several(results, given, "register_hook", create), None
    return given


# --- saved values ---------------------------------------------------------------------------------------------------


class saved_tensors_hooks:
    """A ``with`` block in which the graph keeps something else in place of the tensors it needs for the backward pass.

    For instance half the digits, or the name of a file. What is kept so is not checked for in-place writes. What a
    custom `Function` saves is not included, unlike PyTorch's, nor are masks and indices.

    Parameters
    ----------
    pack_hook : callable
        ``Tensor -> object``, called when an operation is recorded.
    unpack_hook : callable
        ``object -> Tensor`` of the same shape and dtype, called each time the backward pass needs it.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.5, 2.5], requires_grad=True)
    >>> with tg.autograd.graph.saved_tensors_hooks(lambda t: t.half(), lambda t: t.float()):
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([3., 5.])
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        for name, hook in (("pack_hook", pack_hook), ("unpack_hook", unpack_hook)):
            if not callable(hook):
                raise TypeError(f"saved_tensors_hooks: {name} must be callable, got {type(hook).__name__}")
        self._pack_hook, self._unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> saved_tensors_hooks:
        if REFUSED_HOOKS:
            raise RuntimeError(REFUSED_HOOKS[-1])
        mode.packers.append(self._pack)
        OFF.add(id(mode.packers))
        return self

    def __exit__(self, *_: object) -> None:
        mode.packers.pop()
        if not mode.packers:
            OFF.discard(id(mode.packers))

    def _pack(self, node: Node) -> None:
        recording, mode.enabled = mode.enabled, False
        try:
            node.edges = tuple((parent, *self._packed(rule, saved)) for parent, rule, saved in node.edges)
        finally:
            mode.enabled = recording

    def _packed(self, rule: Rule, saved: tuple[Any, ...]) -> tuple[Rule, tuple[Any, ...]]:
        if not any(map(_is_value, saved)):
            return rule, saved
        packed = Packed.__new__(Packed)
        packed.op, packed.arg, packed.joint, packed.names = rule.op, rule.arg, rule.joint, rule.names
        packed._positions, packed.pick = rule._positions, rule.pick
        packed.unpack = self._unpacked
        packed.vjp = lambda g, *kept: rule.vjp(g, *map(self._unpacked, kept))
        return packed, tuple(Kept(self._kept(v), v.shape, v.dtype) if _is_value(v) else v for v in saved)

    def _kept(self, array: Any) -> Any:
        now = tick()
        found = self._pack_hook(wrap(array))
        if stale(array, now) is not None:
            raise RuntimeError("saved_tensors_hooks: pack_hook must leave the tensor as it is, but has overwritten it "
                               "(A saved tensor pack hook is modifying its input in place.)")  # fmt: skip
        return found

    def _unpacked(self, kept: Any) -> Any:
        if not isinstance(kept, Kept):
            return kept
        recording, mode.enabled = mode.enabled, False
        try:
            found = self._unpack_hook(kept.packed)
        finally:
            mode.enabled = recording
        if not isinstance(found, rules.Tensor) or (found.shape, found.dtype) != (kept.shape, kept.dtype):
            came = f"{found.shape} {found.dtype}" if isinstance(found, rules.Tensor) else type(found).__name__
            raise RuntimeError(
                f"saved_tensors_hooks: unpack_hook must return a Tensor of {kept.shape} {kept.dtype}, got {came}"
            )
        return found._data


class Packed(Rule):
    """A rule whose saved values must be unpacked."""

    __slots__ = ("unpack",)

    unpack: Callable[[Any], Any]

    def unpacked(self, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        """See `Rule.unpacked`."""
        return tuple(map(self.unpack, saved))


class Kept:
    """What `pack_hook` made of a saved array."""

    __slots__ = ("packed", "shape", "dtype")

    def __init__(self, packed: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.packed, self.shape, self.dtype = packed, shape, dtype


def _is_value(value: Any) -> bool:
    return type(value) is ndarray and value.dtype.kind in "fc"
