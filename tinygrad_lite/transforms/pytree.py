"""`mapped`, `leaves`, `structure`: nested containers of tensors, which `func`, `checkpoint` and `draw_graph` take.

A tree is a leaf, or a tuple, named tuple, list or dict of trees. Everything else, None too, is a leaf.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same containers with ``function(leaf)`` in place of each leaf, called in order."""
    kind = type(tree)
    if kind in (dict, OrderedDict):
        return kind((k, mapped(function, v)) for k, v in tree.items())
    if kind is defaultdict:
        return defaultdict(tree.default_factory, {k: mapped(function, v) for k, v in tree.items()})
    if kind in (list, tuple):
        return kind([mapped(function, v) for v in tree])
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return kind(*(mapped(function, v) for v in tree))
    return function(tree)


def leaves(tree: Any) -> list[Any]:
    """All leaves, in order."""
    found: list[Any] = []
    mapped(found.append, tree)
    return found


def filled(tree: Any, values: Iterable[Any]) -> Any:
    """The same containers with new leaves, in order."""
    following = iter(values)
    return mapped(lambda _: next(following), tree)


def structure(tree: Any) -> Any:
    """What two trees share that differ in their leaves only."""
    return mapped(lambda _: ..., tree)


def spread(prefix: Any, tree: Any, who: str) -> list[Any]:
    """One value of `prefix` for every leaf of `tree`, of whose containers `prefix` may leave out the inner ones."""
    if type(prefix) not in (dict, OrderedDict, list, tuple):
        return [prefix] * len(leaves(tree))
    same = type(prefix) is type(tree) or (type(prefix) in (list, tuple) and isinstance(tree, (list, tuple)))
    if not same or len(prefix) != len(tree) or (isinstance(prefix, dict) and prefix.keys() != tree.keys()):
        raise ValueError(f"{who}: must have the structure {structure(tree)} or a part of it, got {prefix}")
    pairs = [(prefix[k], tree[k]) for k in tree] if isinstance(tree, dict) else zip(prefix, tree)
    return [value for p, t in pairs for value in spread(p, t, who)]
