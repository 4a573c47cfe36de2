"""`Proxy`: what stands for a value while a function is traced, and `TracerBase`, which writes down what it meets."""

from __future__ import annotations

import dis
import enum
import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from tinygrad_lite import is_storage, is_tensor, typename
from tinygrad_lite.dtypes import dtype
from tinygrad_lite.tensors.devices import device
from tinygrad_lite.tensors.size import Size
from tinygrad_lite.transforms.interception import begin, end, signs

from .graph import Graph
from .node import Argument, Node, Target, map_aggregate
from .target_names import as_pytorch_hands_on, is_method, places

__all__ = ["GraphAppendingTracer", "Proxy", "TraceError", "TracerBase"]

_LEAVES = (bool, int, float, complex, str, bytes, range, dtype, device, enum.Enum, type(None), type(Ellipsis))


class TraceError(ValueError):
    """What is traced asks for a value that is not there yet, to decide which way to go."""


class TracerBase:
    """What makes nodes of a graph. `Tracer` has all of it; `GraphAppendingTracer` only adds to a graph.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> graph = tg.fx.Graph()
    >>> tracer = tg.fx.proxy.GraphAppendingTracer(graph)
    >>> x = tracer.create_proxy("placeholder", "x", (), {})
    >>> _ = graph.output((tg.exp(x) * 2).node)
    >>> [node.name for node in graph.nodes]
    ['x', 'exp', 'mul', 'output']
    """

    graph: Graph
    param_shapes_constant = trace_asserts = proxy_buffer_attributes = False

    def create_node(
        self, kind: str, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Argument],
        name: str | None = None, type_expr: Any = None,
    ) -> Node:  # fmt: skip
        """Add a node; a tracer that wants to see all of them overrides this."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """What stands for the result of a node."""
        return Proxy(node, self)

    def create_proxy(
        self, kind: str, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None = None,
        type_expr: Any = None, proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:  # fmt: skip
        """Add a node whose arguments are values of the traced function, and give what stands for its result."""
        node = self.create_node(kind, target, self.create_arg(args), self.create_arg(kwargs), name, type_expr)
        return self.proxy(node) if proxy_factory_fn is None else proxy_factory_fn(node)

    def create_arg(self, a: Any) -> Argument:
        """What a value of the traced function is as an argument of a node.

        Raises
        ------
        NotImplementedError
            For a value that cannot be one.
        """
        if isinstance(a, Size):
            a = tuple(a)
        if isinstance(a, dict):
            for key in a:
                if isinstance(key, Proxy):
                    raise RuntimeError("Keys for dictionaries used as an argument cannot contain a Node")
        if isinstance(a, (tuple, list, dict, slice)):
            return map_aggregate(a, lambda leaf: leaf if isinstance(leaf, Node) else self.create_arg(leaf))
        if isinstance(a, range):
            return range(*(operator.index(part) for part in (a.start, a.stop, a.step)))
        if isinstance(a, Proxy):
            return a.node
        if isinstance(a, (Node, *_LEAVES)):
            return a
        raise NotImplementedError(f"argument of type: {type(a)}")

    def to_bool(self, obj: Proxy) -> bool:
        """What a condition on a value that is not there yet is: an error, unless a tracer knows better."""
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy) -> Iterator[Any]:
        """What a loop over a value that is not there yet is: known only where it says how many it takes."""
        frame = _asking_frame()
        instruction = next((i for i in dis.get_instructions(frame.f_code) if i.offset == frame.f_lasti), None)
        if instruction is not None and instruction.opname == "UNPACK_SEQUENCE":
            return (obj[i] for i in range(int(instruction.arg or 0)))
        raise TraceError("Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or "
                         "as a *args or **kwargs function argument; unpack it into names, or trace with a Tracer whose "
                         "iter knows how many there are")  # fmt: skip

    def keys(self, obj: Proxy) -> Any:
        """What `keys` of a value that is not there yet is: another such value."""
        return Attribute(obj, "keys")()


def _asking_frame() -> FrameType:
    """The frame that goes through a Proxy."""
    frame: Any = sys._getframe(1)
    while frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame


class GraphAppendingTracer(TracerBase):
    """Adds nodes where a graph inserts them: what a `Proxy` of a node alone has.

    Functions of tensors make nodes, too, as long as it is there.

    Parameters
    ----------
    graph : Graph

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> graph = tg.fx.Graph()
    >>> tracer = tg.fx.proxy.GraphAppendingTracer(graph)
    >>> tg.relu(tg.fx.Proxy(graph.placeholder("x"), tracer))
    Proxy(relu)
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        begin(record_call)
        weakref.finalize(self, end, record_call)


class Proxy:
    """What stands for a value while a function is traced: whatever is done with it becomes a node.

    Parameters
    ----------
    node : Node
        The one whose result it stands for.
    tracer : TracerBase, optional
        Who makes the nodes; without one, those that follow are added to the node's graph where it inserts them.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> traced = tg.fx.symbolic_trace(lambda x: tg.relu(x) + 1)
    >>> relu = next(node for node in traced.graph.nodes if node.name == "relu")
    >>> with traced.graph.inserting_after(relu):
    ...     doubled = tg.fx.Proxy(relu) * 2
    >>> for user in [user for user in relu.users if user is not doubled.node]:
    ...     user.replace_input_with(relu, doubled.node)
    >>> _ = traced.recompile()
    >>> traced(tg.tensor([-1.0, 3.0]))
    tensor([1., 7.])
    """

    __array_ufunc__ = None  # NumPy's arrays leave operators to it

    def __init__(self, node: Node, tracer: TracerBase | None = None) -> None:
        self.node, self.tracer = node, tracer or GraphAppendingTracer(node.graph)

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "node":  # what Python and NumPy ask of every object
            raise AttributeError(f"Proxy has no {name}")
        return Attribute(self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __getitem__(self, index: Any) -> Proxy:
        return self.tracer.create_proxy("call_function", operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tracer.create_proxy("call_function", operator.setitem, (self, index, value), {})

    def __iter__(self) -> Iterator[Any]:
        return self.tracer.iter(self)

    def __contains__(self, value: Any) -> bool:
        return any(value == each for each in self.tracer.iter(self))

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def __abs__(self) -> Proxy:
        return self.tracer.create_proxy("call_function", operator.abs, (self,), {})

    def keys(self) -> Any:
        """What the tracer says: another value that is not there yet."""
        return self.tracer.keys(self)

    def __len__(self) -> NoReturn:
        raise RuntimeError("'len' is not supported in symbolic tracing by default. If you want this call to be "
                           "recorded, please call torch.fx.wrap('len') at module scope")  # fmt: skip

    __hash__ = object.__hash__


class Attribute(Proxy):
    """An attribute of a value that is not there yet: a node of its own only where it is not called at once."""

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root, self.attr, self.tracer = root, attr, root.tracer
        self._made: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The node that reads the attribute."""
        if self._made is None:
            self._made = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._made

    def __call__(self, *args: Any, **kwargs: Any) -> Proxy:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


def _operator(function: Any, reflected: bool = False) -> Callable[..., Proxy]:
    def method(self: Proxy, *others: Any) -> Proxy:
        args = (*others, self) if reflected else (self, *others)
        return self.tracer.create_proxy("call_function", function, args, {})

    return method


_TWO = "add sub mul truediv floordiv mod pow matmul lshift rshift and_ or_ xor".split()
for _name in [*_TWO, *"eq ne lt gt le ge neg pos invert".split()]:
    _function = getattr(operator, _name)
    setattr(Proxy, f"__{_name.rstrip('_')}__", _operator(_function))
    if _name in _TWO:
        setattr(Proxy, f"__r{_name.rstrip('_')}__", _operator(_function, reflected=True))


def first_proxy(values: Any) -> Proxy | None:
    """The first Proxy in nested arguments."""
    if isinstance(values, Proxy):
        return values
    if isinstance(values, dict):
        values = tuple(values.values())
    elif isinstance(values, slice):
        values = (values.start, values.stop, values.step)
    if isinstance(values, (tuple, list)):
        return next((found for value in values if (found := first_proxy(value)) is not None), None)
    return None


_SIGNS = frozenset(sign for sign in signs()[2:] if id(sign) not in places())  # of two operands
_OF_OBJECTS = (is_storage, is_tensor, typename)  # what they are asked is known: a Proxy is no tensor


def record_call(function: Any, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call of a public function: a node where a Proxy is among the arguments."""
    if function in _OF_OBJECTS or (proxy := first_proxy((args, kwargs))) is None:
        return run(*args, **kwargs)
    if function in _SIGNS:
        return NotImplemented  # a Proxy has the sign, too
    if is_method(function):
        return proxy.tracer.create_proxy("call_method", function.__name__, args, kwargs)
    args, kwargs = as_pytorch_hands_on(function, args, kwargs)
    return proxy.tracer.create_proxy("call_function", function, args, kwargs)
