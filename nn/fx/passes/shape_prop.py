"""`ShapeProp`: run a graph, and note at each node the shape and dtype of what it gives."""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_lite import Size, Tensor
from tinygrad_lite.dtypes import dtype

from ..interpreter import Interpreter
from ..node import Node, map_aggregate

__all__ = ["ShapeProp"]


class TensorMetadata(NamedTuple):
    """What is noted of a tensor."""

    shape: Size
    dtype: dtype
    requires_grad: bool
    stride: tuple[int, ...]
    memory_format: Any
    is_quantized: bool
    qparams: dict[str, Any]


def _noted(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return TensorMetadata(value.shape, value.dtype, value.requires_grad, value.stride(), None, False, {})


class ShapeProp(Interpreter):
    """Runs a graph, and puts `TensorMetadata` into each node's ``meta["tensor_meta"]``.

    Parameters
    ----------
    gm : GraphModule

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.fx.passes.shape_prop import ShapeProp
    >>> traced = tg.fx.symbolic_trace(lambda x: tg.relu(x).sum(0))
    >>> _ = ShapeProp(traced).propagate(tg.ones(2, 3))
    >>> [tuple(node.meta["tensor_meta"].shape) for node in traced.graph.nodes]
    [(2, 3), (2, 3), (3,), (3,)]
    """

    def run_node(self, n: Node) -> Any:
        """The result of a node, noted."""
        result = super().run_node(n)
        tensors: list[Any] = []
        map_aggregate(result, lambda leaf: tensors.append(leaf) if isinstance(leaf, Tensor) else None)
        if tensors:
            n.meta["tensor_meta"] = map_aggregate(result, _noted)
        n.meta["type"] = type(result)
        return result

    def propagate(self, *args: Any) -> Any:
        """Run the graph on arguments; what it returns."""
        return self.run(*args)
