"""`Node`: one step of a graph: what is called, with what, and who uses the result."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from tinygrad_lite.dtypes import dtype

from .immutable_collections import immutable_dict, immutable_list
from .target_names import qualified_name

__all__ = ["Node", "has_side_effect", "map_aggregate", "map_arg"]

Target: TypeAlias = Callable[..., Any] | str
Argument: TypeAlias = Any  # a Node, a number, a text, None, a tensor's dtype, or a container of such
OPCODES = ("placeholder", "get_attr", "call_function", "call_method", "call_module", "output", "root")
_side_effects: set[Callable[..., Any]] = set()


def map_aggregate(a: Argument, fn: Callable[[Argument], Argument]) -> Argument:
    """``fn(leaf)`` in place of each leaf of nested containers, slices among them, which come back immutable.

    Parameters
    ----------
    a : object
    fn : callable

    Returns
    -------
    object

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fx.node.map_aggregate({"a": [1, slice(2, 3)]}, lambda leaf: leaf if leaf is None else leaf + 1)
    {'a': [2, slice(3, 4, None)]}
    """
    if isinstance(a, tuple):
        parts = [map_aggregate(part, fn) for part in a]
        return type(a)(*parts) if hasattr(a, "_fields") else type(a)(parts) if type(a) is not tuple else tuple(parts)
    if isinstance(a, list):
        return immutable_list([map_aggregate(part, fn) for part in a])
    if isinstance(a, dict):
        return immutable_dict({key: map_aggregate(part, fn) for key, part in a.items()})
    if isinstance(a, slice):
        return slice(*(map_aggregate(part, fn) for part in (a.start, a.stop, a.step)))
    return fn(a)


def map_arg(a: Argument, fn: Callable[[Node], Argument]) -> Argument:
    """``fn(node)`` in place of each Node in nested containers."""
    return map_aggregate(a, lambda leaf: fn(leaf) if isinstance(leaf, Node) else leaf)


def has_side_effect(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function whose calls stay though nobody uses their results; also a decorator."""
    _side_effects.add(fn)
    return fn


class Node:
    """One step of a `Graph`, which makes them.

    Parameters
    ----------
    graph : Graph
    name : str
        Unique in the graph.
    op : str
        ``placeholder``, an argument; ``get_attr``, a parameter or another attribute of the module; ``call_function``,
        ``call_method``, ``call_module``; ``output``, the last.
    target : callable or str
        The function, or the name of the argument, attribute, method or module.
    args : tuple
    kwargs : dict
        Nodes, numbers, containers of such: the arguments. Assign them anew to change them.
    return_type : object, optional
        The annotation, which is its `type`.

    Attributes
    ----------
    users : dict of Node
        Those whose arguments it is among, in order.
    meta : dict
        Whatever passes want to remember.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x, exp, _ = tg.fx.symbolic_trace(lambda x: tg.exp(x)).graph.nodes
    >>> exp.op, exp.args, list(x.users)
    ('call_function', (x,), [exp])
    """

    def __init__(
        self, graph: Any, name: str, op: str, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any],
        return_type: Any = None,
    ) -> None:  # fmt: skip
        if op not in OPCODES:
            raise ValueError(f"Node: op must be one of {', '.join(OPCODES)}, got {op!r}")
        if op == "call_function" and not callable(target):
            raise ValueError(f"Node: the target of call_function must be callable, got {target!r}")
        if op != "call_function" and not isinstance(target, str):
            raise ValueError(f"Node: the target of {op} must be a str, got {target!r}")
        self.graph, self.name, self.op, self.target, self.type = graph, name, op, target, return_type
        self.users: dict[Node, None] = {}
        self.meta: dict[str, Any] = {}
        self._inputs: dict[Node, None] = {}
        self._prev = self._next = self
        self._erased = False
        self._set(args, kwargs)

    # --- arguments ------------------------------------------------------------------------------------------------

    def _set(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for node in self._inputs:
            node.users.pop(self, None)
        self._inputs = {}

        def found(node: Node) -> Node:
            self._inputs[node] = node.users[self] = None
            return node

        self._args, self._kwargs = map_arg(tuple(args), found), map_arg(dict(kwargs), found)

    @property
    def args(self) -> tuple[Argument, ...]:
        """The arguments by position."""
        return self._args

    @args.setter
    def args(self, args: tuple[Argument, ...]) -> None:
        self._set(args, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Argument]:
        """The arguments by name."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs: dict[str, Argument]) -> None:
        self._set(self._args, kwargs)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes among the arguments, each once."""
        return list(self._inputs)

    def update_arg(self, idx: int, arg: Argument) -> None:
        """Put another argument in the place `idx`."""
        self.args = (*self.args[:idx], arg, *self.args[idx + 1 :])

    def insert_arg(self, idx: int, arg: Argument) -> None:
        """Put an argument before the one in the place `idx`."""
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Argument) -> None:
        """Give an argument by name."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use another node wherever one is used."""
        self._set(*(map_arg(a, lambda n: new_input if n is old_input else n) for a in (self._args, self._kwargs)))

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] = lambda user: True,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Have all that use this node use another.

        Parameters
        ----------
        replace_with : Node
        delete_user_cb : callable
            Says of a user whether it is to be changed.
        propagate_meta : bool
            Give `meta` on, too; the other must have none.

        Returns
        -------
        list of Node
            Those that were changed.
        """
        if propagate_meta:
            replace_with.meta.update(self.meta)
        changed = [user for user in list(self.users) if delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    # --- the order ------------------------------------------------------------------------------------------------

    @property
    def prev(self) -> Node:
        """The node before it; the graph's root before the first."""
        return self._prev

    @property
    def next(self) -> Node:
        """The node behind it; the graph's root behind the last."""
        return self._next

    def _take_out(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    def prepend(self, x: Node) -> None:
        """Put a node of the same graph before this one."""
        if x.graph is not self.graph:
            raise AssertionError("Attempting to move a Node into a different Graph")
        if x is self:
            return
        x._take_out()
        before = self._prev
        before._next, x._prev, x._next, self._prev = x, before, self, x

    def append(self, x: Node) -> None:
        """Put a node of the same graph behind this one."""
        self._next.prepend(x)

    def __lt__(self, other: Node) -> bool:
        """Whether it stands before another node of the graph."""
        nodes = list(self.graph.nodes)
        return nodes.index(self) < nodes.index(other)

    # --- what it does ---------------------------------------------------------------------------------------------

    def is_impure(self) -> bool:
        """Whether it must stay though nobody uses its result."""
        if self.op == "call_function":
            writes = str(getattr(self.target, "__name__", "")) in ("setitem", "delitem", "setattr", "_assert")
            return writes or self.target in _side_effects
        if self.op == "call_module" and (root := self.graph.owning_module) is not None:
            module: Any = operator.attrgetter(str(self.target))(root)
            return bool(getattr(module, "_is_impure", False))
        return self.op in ("placeholder", "output")

    def normalized_arguments(self, root: Any, **options: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """The arguments as the function names them, all by name; None where its parameters are not known."""
        called = self.target
        if self.op == "call_module":
            called = operator.attrgetter(str(self.target))(root).forward
        elif self.op != "call_function":
            return None
        try:
            bound = inspect.signature(called).bind(*self.args, **self.kwargs)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        bound.apply_defaults()
        return (), dict(bound.arguments)

    def _written_target(self) -> str:
        return self.target if isinstance(self.target, str) else qualified_name(self.target)

    def format_node(self, placeholder_names: Any = None, maybe_return_typename: Any = None) -> str:
        """The node in one line, as the graph prints it."""
        if self.op == "output":
            return f"return {self.args[0]}"
        kind = "" if self.type is None else f"{type_name(self.type)} "
        head = f"%{self.name} : {kind}[num_users={len(self.users)}] = {self.op}[target={self._written_target()}]"
        if self.op == "placeholder":
            return head + (f"(default={self.args[0]})" if self.args else "")
        if self.op == "get_attr":
            return head
        return f"{head}(args = {_shown(self.args)}, kwargs = {_shown(self.kwargs)})"

    def __repr__(self) -> str:
        return self.name


def type_name(kind: Any) -> str:
    """An annotation as it is written."""
    return str(kind.__name__ if isinstance(kind, type) else kind).replace("NoneType", "None")


def _shown(a: Any) -> str:
    """Arguments as a graph prints them, nodes by ``%name``."""
    if isinstance(a, Node):
        return f"%{a.name}"
    if isinstance(a, (list, tuple)):
        inside = ", ".join(map(_shown, a))
        return f"[{inside}]" if isinstance(a, list) else f"({inside},)" if len(a) == 1 else f"({inside})"
    if isinstance(a, dict):
        return f"{{{', '.join(f'{key}: {_shown(value)}' for key, value in a.items())}}}"
    if isinstance(a, slice):
        return f"slice({_shown(a.start)}, {_shown(a.stop)}, {_shown(a.step)})"
    return repr(a) if isinstance(a, dtype) else str(a)


def nodes_in(a: Argument) -> Iterable[Node]:
    """All nodes in nested containers."""
    found: list[Node] = []
    map_arg(a, lambda node: found.append(node) or node)  # type: ignore[func-returns-value]
    return found
