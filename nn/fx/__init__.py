"""`torch.fx`: a module's forward as a graph of nodes, which programs look at, change, and compile to Python again.

    traced = tg.fx.symbolic_trace(model)            # a GraphModule, which computes what the model does
    for node in traced.graph.nodes: ...             # placeholder, call_module, call_function, ..., output
    traced.recompile()                              # after changes

A `Tracer` runs the function once, with a `Proxy` for each argument; what is called with one becomes a `Node` of the
`Graph`. What a step computes in which order, by which loops, is another matter: `tg.compile` records calls of kernels.
"""

from __future__ import annotations

from . import passes as passes
from ._symbolic_trace import Tracer as Tracer
from ._symbolic_trace import symbolic_trace as symbolic_trace
from .graph import Graph as Graph
from .graph_module import GraphModule as GraphModule
from .interpreter import Interpreter as Interpreter
from .interpreter import Transformer as Transformer
from .node import Node as Node
from .node import has_side_effect as has_side_effect
from .node import map_arg as map_arg
from .proxy import Proxy as Proxy
from .subgraph_rewriter import replace_pattern as replace_pattern
from .wrapped_functions import wrap as wrap

__all__ = [
    "Graph", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer", "Transformer", "has_side_effect", "map_arg",
    "passes", "replace_pattern", "symbolic_trace", "wrap",
]  # fmt: skip
