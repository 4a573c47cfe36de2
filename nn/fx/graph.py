"""`Graph`: the steps of a function or module in order, to be looked at, changed, and written as Python again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from .codegen import PythonCode, python_code
from .node import Argument, Node, Target, map_aggregate, map_arg
from .target_names import Namespace, name_of_target

__all__ = ["Graph"]


class _Nodes:
    """The nodes in order, also while the graph is changed."""

    def __init__(self, graph: Graph, backwards: bool = False) -> None:
        self.graph, self.backwards = graph, backwards

    def __iter__(self) -> Iterator[Node]:
        root = self.graph._root
        node = root._prev if self.backwards else root._next
        while node is not root:
            if not node._erased:
                yield node
            node = node._prev if self.backwards else node._next

    def __reversed__(self) -> _Nodes:
        return _Nodes(self.graph, not self.backwards)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Graph:
    """The steps of a function.

    Parameters
    ----------
    owning_module : Module, optional
        Whose parameters and modules the nodes name.
    tracer_cls, tracer_extras : object, optional
        Accepted and remembered.

    Notes
    -----
    Deviation from PyTorch: there is no ``CodeGen`` to be put in place of what writes the code.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> graph = tg.fx.Graph()
    >>> x = graph.placeholder("x")
    >>> y = graph.call_function(tg.relu, (x,))
    >>> _ = graph.output(graph.call_method("sum", (y,)))
    >>> graph.lint()
    >>> print(graph)
    graph():
        %x : [num_users=1] = placeholder[target=x]
        %relu : [num_users=1] = call_function[target=tinygrad_lite.relu](args = (%x,), kwargs = {})
        %sum_1 : [num_users=1] = call_method[target=sum](args = (%relu,), kwargs = {})
        return sum_1
    >>> tg.fx.GraphModule({}, graph)(tg.tensor([-1.0, 2.0, 3.0]))
    tensor(5.)
    """

    def __init__(self, owning_module: Any = None, tracer_cls: Any = None, tracer_extras: Any = None) -> None:
        self._root = Node(self, "", "root", "", (), {})
        self._names = Namespace()
        self._insert: Callable[[Node], None] = self._root.prepend
        self.owning_module, self._tracer_cls, self._tracer_extras = owning_module, tracer_cls, tracer_extras

    @property
    def nodes(self) -> Any:
        """All nodes in order; `reversed` gives them from the last."""
        return _Nodes(self)

    def find_nodes(self, *, op: str, target: Any = None, sort: bool = True) -> list[Node]:
        """The nodes of an op, and with a target where one is given, in order."""
        return [n for n in self.nodes if n.op == op and (target is None or n.target == target)]

    def output_node(self) -> Node:
        """The last node."""
        return next(iter(self.find_nodes(op="output")))

    # --- new nodes ------------------------------------------------------------------------------------------------

    def create_node(
        self,
        op: str,
        target: Target,
        args: tuple[Argument, ...] | None = None,
        kwargs: dict[str, Argument] | None = None,
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a node where nodes are inserted now, which is the end at first.

        Parameters
        ----------
        op : str
        target : callable or str
        args : tuple, optional
        kwargs : dict, optional
        name : str, optional
            What it is called, with a number behind it where that is taken.
        type_expr : object, optional
            The annotation.
        """
        unique = self._names.new(name or name_of_target(target))
        node = Node(self, unique, op, target, args or (), kwargs or {}, type_expr)
        for other in node.all_input_nodes:
            if other.graph is not self:
                raise RuntimeError(f"Argument '{other}' of Node '{node}' does not belong to this Graph, but was used "
                                   "as an argument! If you are copying nodes from another graph, make sure to use "
                                   "``arg_transform`` on node_copy() to remap values")  # fmt: skip
        self._insert(node)
        return node

    def placeholder(self, name: str, type_expr: Any = None, *default: Any, **options: Any) -> Node:
        """An argument of the function, with its default as ``default_value``."""
        default = (options["default_value"],) if "default_value" in options else default
        return self.create_node("placeholder", name, default, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """A parameter, buffer or another attribute of the module."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(self, module_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """A call of a submodule, by its dotted name."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(self, method_name: str, args: Any = None, kwargs: Any = None, type_expr: Any = None) -> Node:
        """A call of a method of the first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(
        self, the_function: Callable[..., Any], args: Any = None, kwargs: Any = None, type_expr: Any = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        """A call of a function."""
        return self.create_node("call_function", the_function, args, kwargs, name, type_expr)

    def output(self, result: Argument, type_expr: Any = None) -> Node:
        """What the function returns."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def node_copy(self, node: Node, arg_transform: Callable[[Node], Argument] = lambda x: x) -> Node:
        """Add a node of another graph, `arg_transform` saying what its inputs are in this one."""
        args, kwargs = map_arg(node.args, arg_transform), map_arg(node.kwargs, arg_transform)
        copied = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        copied.meta = dict(node.meta)
        return copied

    def graph_copy(self, g: Graph, val_map: dict[Node, Node], return_output_node: bool = False) -> Any:
        """Add all nodes of another graph; what it returns is given back and not made an output.

        Parameters
        ----------
        g : Graph
        val_map : dict
            What nodes of `g` are in this one; the new ones are added.
        return_output_node : bool
            Give back the output's node, too.
        """
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                result = map_arg(node.args[0], lambda n: val_map[n])
                return (result, node) if return_output_node else result
            val_map[node] = self.node_copy(node, lambda n: val_map[n])
        return None

    # --- where nodes are inserted ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _inserting(self, insert: Callable[[Node], None]) -> Iterator[None]:
        before, self._insert = self._insert, insert
        try:
            yield
        finally:
            self._insert = before

    def inserting_before(self, n: Node | None = None) -> contextlib.AbstractContextManager[None]:
        """Within the ``with`` block, put new nodes before this one; before the first where none is given."""
        if n is None:
            return self.inserting_after(self._root)
        return self._inserting(self._own(n).prepend)

    def inserting_after(self, n: Node | None = None) -> contextlib.AbstractContextManager[None]:
        """Within the ``with`` block, put new nodes behind this one, the later behind the earlier."""
        if n is None:
            return self.inserting_before(self._root)
        following = self._own(n)._next
        return self._inserting(following.prepend)

    def _own(self, node: Node) -> Node:
        if node.graph is not self:
            raise AssertionError("Node to insert before or after is not in graph")
        return node

    # --- changes --------------------------------------------------------------------------------------------------

    def erase_node(self, to_erase: Node) -> None:
        """Take a node out that nobody uses.

        Raises
        ------
        RuntimeError
            Where somebody does.
        """
        if to_erase.users:
            raise RuntimeError(f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the "
                               f"graph: {to_erase.users}!")  # fmt: skip
        if self._own(to_erase)._erased:
            return
        to_erase._set((), {})
        to_erase._take_out()
        to_erase._erased = True

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Take out all nodes whose results nobody uses, and say whether there were any."""
        before = len(self.nodes)
        for node in reversed(self.nodes):
            impure = node.is_impure() if is_impure_node is None else is_impure_node(node)
            if not impure and not node.users and node.op not in ("placeholder", "output"):
                self.erase_node(node)
        return len(self.nodes) < before

    def lint(self) -> None:
        """Check that the graph makes sense.

        Raises
        ------
        RuntimeError
            Where a node uses one that stands behind it or in another graph, where two have one name, and where a
            submodule, parameter or other attribute is not there.
        """
        seen: dict[Node, None] = {}
        names: set[str] = set()
        for node in self.nodes:
            for used in node.all_input_nodes:
                if used.graph is not self or used not in seen:
                    raise RuntimeError(f"Argument '{used}' of Node '{node}' was used before it has been defined! "
                                       f"Please check that Nodes in the graph are topologically ordered")  # fmt: skip
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            if node.op in ("get_attr", "call_module") and self.owning_module is not None:
                found: Any = self.owning_module
                for part in str(node.target).split("."):
                    if not hasattr(found, part):
                        raise RuntimeError(f"Node {node} target {node.target} references nonexistent attribute {part}")
                    found = getattr(found, part)
            seen[node] = None
            names.add(node.name)

    # --- text -----------------------------------------------------------------------------------------------------

    def python_code(self, root_module: str = "self", **options: Any) -> PythonCode:
        """The code of a module that defines ``forward``, and what the names in it mean."""
        return python_code(list(self.nodes), root_module)

    def print_tabular(self) -> None:
        """Print all nodes as a table."""
        head = ("opcode", "name", "target", "args", "kwargs")
        rows = [tuple(map(str, (n.op, n.name, n.target, n.args, n.kwargs))) for n in self.nodes]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(5)]
        for row in [head, tuple("-" * width for width in widths), *rows]:
            print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())

    def __str__(self) -> str:
        return "\n    ".join(["graph():", *(node.format_node() for node in self.nodes)])

    # --- copies ---------------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Graph:
        copied = Graph(tracer_cls=self._tracer_cls)
        val_map: dict[Node, Node] = {}
        result = copied.graph_copy(self, val_map)
        for node in self.find_nodes(op="output"):
            copied.output(result, node.type).meta = dict(node.meta)
        return copied

    def __getstate__(self) -> list[tuple[Any, ...]]:
        return [(n.op, n.target, n.name, n.type, *map_arg((n.args, n.kwargs), _Place)) for n in self.nodes]

    def __setstate__(self, state: list[tuple[Any, ...]]) -> None:
        Graph.__init__(self)
        made: dict[str, Node] = {}
        for op, target, name, kind, args, kwargs in state:
            args, kwargs = _placed((args, kwargs), made)
            made[name] = self.create_node(op, target, args, kwargs, name, kind)


class _Place:
    """What stands for a node in a graph that is pickled."""

    def __init__(self, node: Node) -> None:
        self.name = node.name


def _placed(a: Any, made: dict[str, Node]) -> Any:
    return map_aggregate(a, lambda leaf: made[leaf.name] if isinstance(leaf, _Place) else leaf)
