"""`Interpreter`: run a graph node by node; `Transformer`: make another graph of what each node gives."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from tinygrad_lite.transforms.interception import intercepted

from ..module import Module
from ._symbolic_trace import Tracer
from .graph import Graph
from .graph_module import GraphModule
from .node import Node, map_arg
from .proxy import Proxy, record_call

__all__ = ["Interpreter", "Transformer"]


class Interpreter:
    """Runs the graph of a module one node after the other; override a method to do something else at its nodes.

    Parameters
    ----------
    module : Module
        A `GraphModule`, or another one with `graph` given.
    garbage_collect_values : bool
        Let go of values that no later node uses.
    graph : Graph, optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Counting(tg.fx.Interpreter):
    ...     def call_function(self, target, args, kwargs):
    ...         calls.append(target.__name__)
    ...         return super().call_function(target, args, kwargs)
    >>> calls = []
    >>> Counting(tg.fx.symbolic_trace(lambda x: tg.exp(x).sum() * 2)).run(tg.zeros(3))
    tensor(6.)
    >>> calls
    ['exp', 'mul']
    """

    def __init__(self, module: Any, garbage_collect_values: bool = True, graph: Graph | None = None) -> None:
        self.module = module
        self.graph: Graph = module.graph if graph is None else graph
        self.garbage_collect_values = garbage_collect_values
        self.env: dict[Node, Any] = {}
        self.args_iter: Iterator[Any] = iter(())
        self.name = type(self).__name__

    @property
    def submodules(self) -> dict[str, Module]:
        """The module's and all below it, by their names."""
        return dict(self.module.named_modules())

    def run(self, *args: Any, initial_env: dict[Node, Any] | None = None, enable_io_processing: bool = True) -> Any:
        """Run the graph on arguments.

        Parameters
        ----------
        *args : object
        initial_env : dict, optional
            Results of nodes that are known already.
        enable_io_processing : bool
            Accepted: arguments and results are as the graph has them.

        Returns
        -------
        object
            What the output is.
        """
        self.env, self.args_iter = dict(initial_env or {}), iter(args)
        last: dict[Node, Node] = {}
        for node in reversed(self.graph.nodes):
            for used in node.all_input_nodes:
                last.setdefault(used, node)
        for node in self.graph.nodes:
            if node in self.env:
                continue
            self.env[node] = self.run_node(node)
            if node.op == "output":
                return self.env[node]
            if self.garbage_collect_values:
                for used in node.all_input_nodes:
                    if last[used] is node:
                        del self.env[used]
        return None

    def boxed_run(self, args_list: list[Any]) -> Any:
        """`run` with a list, which is emptied first, so that nothing else holds the arguments."""
        args = list(args_list)
        args_list.clear()
        return self.run(*args)

    def run_node(self, n: Node) -> Any:
        """The result of a node, by the method that its op names."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return getattr(self, n.op)(n.target, args, kwargs)

    def placeholder(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The next argument, or its default."""
        if target.startswith("**"):
            return {}
        if target.startswith("*"):
            return tuple(self.args_iter)
        try:
            return next(self.args_iter)
        except StopIteration:
            if args:
                return args[0]
            raise RuntimeError(f"Expected positional argument for parameter {target}, but one was not passed in!") \
                from None  # fmt: skip

    def get_attr(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An attribute of the module."""
        return self.fetch_attr(target)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a function gives."""
        return target(*args, **kwargs)

    def call_method(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a method of the first argument gives."""
        return getattr(args[0], target)(*args[1:], **kwargs)

    def call_module(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a submodule gives."""
        return self.fetch_attr(target)(*args, **kwargs)

    def output(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the graph returns."""
        return args[0]

    def fetch_attr(self, target: str) -> Any:
        """An attribute of an attribute of the module."""
        return functools.reduce(getattr, target.split("."), self.module)

    def fetch_args_kwargs_from_env(self, n: Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a node, with values in place of nodes."""
        return self.map_nodes_to_values(n.args, n), self.map_nodes_to_values(n.kwargs, n)

    def map_nodes_to_values(self, args: Any, n: Node) -> Any:
        """Arguments with values in place of nodes."""
        return map_arg(args, lambda node: self.env[node])


class Transformer(Interpreter):
    """Makes another graph: its methods are called with Proxies, and what they do becomes the new one's nodes.

    Parameters
    ----------
    module : GraphModule

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Swapped(tg.fx.Transformer):
    ...     def call_function(self, target, args, kwargs):
    ...         return super().call_function(tg.tanh if target is tg.relu else target, args, kwargs)
    >>> swapped = Swapped(tg.fx.symbolic_trace(lambda x: tg.relu(x) + 1)).transform()
    >>> [node.name for node in swapped.graph.nodes]
    ['x', 'tanh', 'add', 'output']
    """

    def __init__(self, module: GraphModule) -> None:
        super().__init__(module)
        self.new_graph = Graph()
        self.tracer = _Transforming(self.new_graph, module)

    def placeholder(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A Proxy of an argument."""
        return Proxy(self.new_graph.placeholder(target, None, *args), self.tracer)

    def get_attr(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A Proxy of an attribute."""
        return self.tracer.create_proxy("get_attr", target, args, kwargs)

    def call_module(self, target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A Proxy of what a submodule gives."""
        return self.tracer.create_proxy("call_module", target, args, kwargs)

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A Proxy of what a function gives."""
        return self.tracer.create_proxy("call_function", target, args, kwargs)

    def transform(self) -> GraphModule:
        """The module of the new graph, which shares parameters and submodules with the old one."""
        with intercepted(record_call):
            result = self.run()
        self.new_graph.output(self.tracer.create_arg(result))
        return GraphModule(self.module, self.new_graph)


class _Transforming(Tracer):
    """Adds to the new graph."""

    def __init__(self, graph: Graph, root: Any) -> None:
        super().__init__()
        self.graph, self.root = graph, root
        self._name_attributes()
