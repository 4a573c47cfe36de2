"""`Tracer` and `symbolic_trace`: run a function on what only writes down, and so find its graph."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from tinygrad_lite import nn
from tinygrad_lite._tensor import Tensor
from tinygrad_lite.torch_modules.settings import _assert
from tinygrad_lite.transforms.interception import intercepted

from .graph import Graph
from .graph_module import GraphModule
from .node import Argument
from .proxy import Proxy, TracerBase, record_call
from .wrapped_functions import wrap, wrapped_functions

__all__ = ["Tracer", "symbolic_trace", "wrap"]


def _assert_is_none(value: Any, message: str) -> None:
    """An AssertionError with a message unless a value is None."""
    assert value is None, message


class Tracer(TracerBase):
    """Finds the graph of a module or function, by running it on a `Proxy` for each argument.

    What is called with a Proxy becomes a node: functions of tensors, methods, operators, layers. Everything else runs
    as it is, so that loops of a known length are unrolled, and a condition on a Proxy is a `TraceError`.

    Parameters
    ----------
    autowrap_modules : tuple of module
        Whose functions become nodes, too.
    autowrap_functions : tuple of callable
        Functions that do, wherever the module of the traced one has them.
    param_shapes_constant : bool
        Shapes of parameters are numbers, and not read by the graph.

    Notes
    -----
    Deviations from PyTorch: containers as `concrete_args` are constants as a whole, and not checked; assignment to an
    element of a Proxy becomes a node.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> class Blocks(tg.fx.Tracer):
    ...     def is_leaf_module(self, m, module_qualified_name):
    ...         return isinstance(m, nn.Sequential) or super().is_leaf_module(m, module_qualified_name)
    >>> model = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), nn.Linear(3, 1))
    >>> [node.name for node in Blocks().trace(model).nodes]
    ['input_1', '_0', '_1', 'output']
    """

    def __init__(
        self,
        autowrap_modules: tuple[ModuleType, ...] = (math,),
        autowrap_functions: tuple[Callable[..., Any], ...] = (),
        param_shapes_constant: bool = False,
    ) -> None:
        self._modules_wrapped, self._functions_wrapped = autowrap_modules, autowrap_functions
        self.param_shapes_constant = param_shapes_constant
        self.root: Any = None

    # --- what a tracer of one's own overrides -----------------------------------------------------------------------

    def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
        """Whether a module becomes one node: those of `nn` do, but for Sequential."""
        of = type(m).__module__
        return of.startswith(("tinygrad_lite.nn", "torch.nn")) and not isinstance(m, nn.Sequential)

    def path_of_module(self, mod: Any) -> str:
        """The dotted name of a submodule.

        Raises
        ------
        NameError
            Where it is not one of the root's.
        """
        for name, module in self.root.named_modules():
            if module is mod:
                return name
        raise NameError("module is not installed as a submodule")

    def call_module(self, m: Any, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call of a module gives: a node for a leaf, what it computes for others."""
        name = self.path_of_module(m)
        if self.is_leaf_module(m, name):
            return self.create_proxy("call_module", name, args, kwargs)
        return forward(*args, **kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Proxy]) -> Any:
        """What a module's attribute is in the traced function: a node for a parameter."""
        names = self._names_of_parameters
        if self.proxy_buffer_attributes:
            names = {**names, **self._names_of_buffers}
        if not isinstance(attr_val, Tensor) or (name := names.get(id(attr_val))) is None:
            return attr_val
        if name not in parameter_proxy_cache:
            parameter_proxy_cache[name] = self.create_proxy("get_attr", name, (), {})
        return parameter_proxy_cache[name]

    def create_arg(self, a: Any) -> Argument:
        """What a value is as an argument of a node; tensors become attributes of the module that is traced."""
        if isinstance(a, Tensor):
            names = {**self._names_of_attributes, **self._names_of_buffers, **self._names_of_parameters}
            if id(a) not in names:
                number = sum(name.startswith("_tensor_constant") for name in vars(self.root))
                names[id(a)] = self._names_of_attributes[id(a)] = name = f"_tensor_constant{number}"
                setattr(self.root, name, a)
            return self.create_node("get_attr", names[id(a)], (), {})
        if isinstance(a, nn.Module):
            return self.create_node("get_attr", self.path_of_module(a), (), {})
        return super().create_arg(a)

    # --- the trace --------------------------------------------------------------------------------------------------

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> Graph:
        """Find the graph of a module or function.

        Parameters
        ----------
        root : Module or callable
        concrete_args : dict, optional
            Values for arguments of these names, which are constants of the graph; it checks that they are given.

        Returns
        -------
        Graph

        Raises
        ------
        TraceError
            Where a value that is not there yet decides the way.
        """
        module = isinstance(root, nn.Module)
        self.root = root if module else nn.Module()
        function: Any = type(root).forward if module else root
        self.graph = Graph(tracer_cls=type(self))
        self.graph.owning_module = self.root
        self._name_attributes()
        globals_of = getattr(inspect.unwrap(function), "__globals__", {})
        with self._recording(), wrapped_functions(self._modules_wrapped, self._functions_wrapped, globals_of):
            called, given, named = self._arguments(function, module, concrete_args or {})
            result = self.create_arg(called(*([root] if module else []), *given, **named))
            kind = _signature(function).return_annotation
            kind = None if kind in (inspect.Signature.empty, Any) else kind
            self.create_node("output", "output", (result,), {}, type_expr=kind)
        return self.graph

    def _name_attributes(self) -> None:
        self._names_of_parameters = {id(p): name for name, p in self.root.named_parameters()}
        self._names_of_buffers = {id(b): name for name, b in self.root.named_buffers()}
        self._names_of_attributes = dict(_tensor_attributes(self.root))
        self._parameters_read: dict[str, Proxy] = {}

    def _arguments(
        self, function: Any, method: bool, concrete: dict[str, Any]
    ) -> tuple[Any, list[Any], dict[str, Any]]:
        """What to call with a Proxy, or a constant, for each argument of a function: positional ones, and others."""
        parameters = list(_signature(function).parameters.values())[method:]
        values: dict[str, Any] = {}
        for p in sorted(parameters, key=lambda p: p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)):
            some = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
            default: Any = () if p.default is p.empty else (p.default,)
            if p.name in concrete:
                number = 1 + sum(name in concrete for name in values)
                values[p.name] = self._constant(p.name, f"{p.name}_{number}", concrete[p.name], default)
            else:
                kind = None if p.annotation in (p.empty, Any) else p.annotation
                values[p.name] = self.create_proxy("placeholder", f"{some}{p.name}", default, {}, type_expr=kind)
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters) and type(function) is FunctionType:
            return _taking_plainly(function), list(values.values()), {}
        by_name = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        given = [value for name, value in values.items() if name not in by_name]
        return function, given, {name: value for name, value in values.items() if name in by_name}

    def _constant(self, name: str, placeholder: str, value: Any, default: Any) -> Any:
        proxy: Any = self.create_proxy("placeholder", placeholder, default, {})
        said = f"{name} has been specialized to have value {value} but got another value"
        if isinstance(value, (bool, int, float, str)):
            self.create_proxy("call_function", _assert, (proxy == value, said), {})
        elif value is None:
            self.create_proxy("call_function", _assert_is_none, (proxy, said), {})
        return value

    @contextlib.contextmanager
    def _recording(self) -> Iterator[None]:
        """While it is open, functions called with a Proxy, modules and their parameters make nodes."""
        kind: Any = nn.Module
        before = kind.__call__

        def call(module: Any, *args: Any, **kwargs: Any) -> Any:
            return self.call_module(module, lambda *a, **k: before(module, *a, **k), args, kwargs)

        def read(module: Any, name: str) -> Any:
            value = object.__getattribute__(module, name)
            return self.getattr(name, value, self._parameters_read) if isinstance(value, Tensor) else value

        with intercepted(record_call):
            kind.__call__, kind.__getattribute__ = call, read
            try:
                yield
            finally:
                kind.__call__ = before
                del kind.__getattribute__


def _signature(function: Any) -> inspect.Signature:
    """The parameters of a function, with what annotations that are texts mean, where that is known."""
    try:
        return inspect.signature(function, eval_str=True)
    except (NameError, AttributeError, SyntaxError, TypeError):  # a name for type checkers alone
        plain = inspect.signature(function)
        kept = [p.replace(annotation=inspect.Parameter.empty) for p in plain.parameters.values()]
        return plain.replace(parameters=kept, return_annotation=inspect.Signature.empty)


def _taking_plainly(function: FunctionType) -> FunctionType:
    """A function that takes by position what it takes beyond names, as one value each: in its code they are one."""
    code = function.__code__
    some = sum(bool(code.co_flags & flag) for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS))
    plain = code.replace(
        co_argcount=code.co_argcount + code.co_kwonlyargcount + some, co_posonlyargcount=0, co_kwonlyargcount=0,
        co_flags=code.co_flags & ~(inspect.CO_VARARGS | inspect.CO_VARKEYWORDS),
    )  # fmt: skip
    return FunctionType(plain, function.__globals__, function.__name__, None, function.__closure__)


def symbolic_trace(
    root: Any, concrete_args: dict[str, Any] | None = None, tracer_cls: type[Tracer] = Tracer
) -> GraphModule:
    """A module that does what a module or function does, by a graph that can be looked at and changed.

    Parameters
    ----------
    root : Module or callable
    concrete_args : dict, optional
        Values for arguments of these names, which are constants of the graph.
    tracer_cls : type, optional
        The `Tracer` that finds the graph.

    Returns
    -------
    GraphModule
        It shares parameters and submodules with `root`.

    Raises
    ------
    TraceError
        Where a value that is not there yet decides the way.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> traced = tg.fx.symbolic_trace(lambda x, scale=2.0: tg.relu(x) * scale)
    >>> print(traced.code.strip())
    def forward(self, x, scale = 2.0):
        relu = tinygrad_lite.relu(x);  x = None
        mul = relu * scale;  relu = scale = None
        return mul
    >>> traced(tg.tensor([-1.0, 3.0]))
    tensor([0., 6.])
    """
    tracer = tracer_cls()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, nn.Module) else root.__name__
    return GraphModule(tracer.root, graph, name)


def _tensor_attributes(root: Any) -> Iterator[tuple[int, str]]:
    """Tensors that are plain attributes of a module or of one below it."""
    for prefix, module in root.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Tensor):
                yield id(value), f"{prefix}.{name}" if prefix else name
