"""``torch.utils._pytree``: nested containers taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..transforms import pytree


def tree_flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves in order, and the structure without them."""
    return pytree.leaves(tree), pytree.structure(tree)


def tree_unflatten(leaves: Iterable[Any], treespec: Any) -> Any:
    """A structure of `tree_flatten` with leaves."""
    return pytree.filled(treespec, leaves)


def tree_map(func: Callable[[Any], Any], tree: Any) -> Any:
    """The same containers with ``func(leaf)`` in place of each leaf."""
    return pytree.mapped(func, tree)


def tree_leaves(tree: Any) -> list[Any]:
    """The leaves in order."""
    return pytree.leaves(tree)


def tree_structure(tree: Any) -> Any:
    """The structure without the leaves."""
    return pytree.structure(tree)


def tree_map_only(kind: Any, func: Any = None, tree: Any = None) -> Any:
    """`tree_map` of leaves of a class, or of several; others stay."""
    return pytree.mapped(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree)


def tree_all(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether all leaves are such."""
    return all(map(pred, pytree.leaves(tree)))


def tree_any(pred: Callable[[Any], bool], tree: Any) -> bool:
    """Whether some leaf is such."""
    return any(map(pred, pytree.leaves(tree)))
