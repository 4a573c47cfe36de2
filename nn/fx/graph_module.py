"""`GraphModule`: a module whose forward is a graph, written as Python and compiled anew when it changes."""

from __future__ import annotations

import copy
import linecache
from typing import Any

from tinygrad_lite import Tensor

from ..module import Module
from .graph import Graph

__all__ = ["GraphModule"]

_written = 0  # how many texts of code there are, of which each is a file of its own in tracebacks


def _put(module: Module, path: str, value: Any) -> None:
    """Put an attribute of an attribute in its place, with modules on the way where there are none."""
    *above, name = path.split(".")
    for part in above:
        if not hasattr(module, part):
            module.add_module(part, Module())
        module = getattr(module, part)
    if type(value) is Tensor:
        setattr(module, name, None)
        delattr(module, name)
        module.register_buffer(name, value)
    else:
        setattr(module, name, value)


def _get(root: Any, path: str) -> Any:
    """An attribute of an attribute, of a module or a dict of paths."""
    if isinstance(root, dict):
        return root[path]
    for part in path.split("."):
        root = getattr(root, part)
    return root


class GraphModule(Module):
    """A module that a graph describes.

    Parameters
    ----------
    root : Module or dict
        Where the modules and attributes are that the graph names; those it names are this module's, too. A dict has
        them by their dotted paths.
    graph : Graph
    class_name : str

    Attributes
    ----------
    graph : Graph
        Assign another one, or change it and call `recompile`.
    code : str

    Raises
    ------
    RuntimeError
        Where the graph names what `root` does not have.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> traced = tg.fx.symbolic_trace(lambda x: tg.relu(x) + 1)
    >>> for node in traced.graph.find_nodes(op="call_function", target=tg.relu):
    ...     node.target = tg.neg
    >>> _ = traced.recompile()
    >>> traced(tg.tensor([2.0]))
    tensor([-1.])
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """An object of a class of its own, whose forward is its alone."""
        own = next(each for each in cls.__mro__ if not each.__dict__.get("_of_one", False))
        return super().__new__(type("GraphModuleImpl", (own,), {"_of_one": True, "__module__": own.__module__}))

    def __init__(self, root: Any, graph: Graph, class_name: str = "GraphModule") -> None:
        super().__init__()
        type(self).__name__ = class_name
        if isinstance(root, Module):
            self.training = root.training
        for path in dict.fromkeys(str(n.target) for n in graph.nodes if n.op in ("get_attr", "call_module")):
            try:
                value = _get(root, path)
            except (AttributeError, KeyError):
                raise RuntimeError(f"GraphModule: a node references target {path}, but root has no such attribute or "
                                   "key") from None  # fmt: skip
            _put(self, path, value)
        self._graph, self._code = graph, ""
        self.graph = graph

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self._graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        if not isinstance(graph, Graph):
            raise AssertionError(f"GraphModule: graph must be a Graph, got {type(graph).__name__}")
        self._graph, graph.owning_module = graph, self
        self.recompile()

    @property
    def code(self) -> str:
        """The Python that was compiled last."""
        return self._code

    def recompile(self) -> Any:
        """Write and compile the code of the graph, after changes to it."""
        global _written
        written = self._graph.python_code("self")
        _written += 1
        file = f"<graph {_written}>"
        linecache.cache[file] = (len(written.src), None, written.src.splitlines(True), file)
        namespace = dict(written.globals, __name__=__name__)
        exec(compile(written.src, file, "exec"), namespace)
        type(self).forward = namespace["forward"]  # type: ignore[method-assign]
        self._code = written.src
        return written

    # --- submodules -------------------------------------------------------------------------------------------------

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put a module in a place below this one; False where something else is in the way."""
        *above, _ = target.split(".")
        module: Any = self
        for part in above:
            module = getattr(module, part, Module())
            if not isinstance(module, Module):
                return False
        _put(self, target, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Take a module out of its place below this one; False where there is none."""
        above, _, name = target.rpartition(".")
        try:
            parent = self.get_submodule(above)
            if not isinstance(getattr(parent, name), Module):
                return False
        except AttributeError:
            return False
        delattr(parent, name)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Take out all modules that the graph does not name, and that hold none it names."""
        named = {str(n.target) for n in self.graph.nodes if n.op in ("get_attr", "call_module")}
        for path, _ in list(self.named_modules()):
            used = any(f"{n}.".startswith(f"{path}.") or f"{path}.".startswith(f"{n}.") for n in named)
            if path and not used:
                self.delete_submodule(path)

    # --- text and copies --------------------------------------------------------------------------------------------

    def print_readable(self, print_output: bool = True, **options: Any) -> str:
        """The code as a class; printed, too, unless `print_output` is False."""
        body = "".join(f"    {line}\n" if line.strip() else "" for line in self.code.splitlines())
        text = f"class {type(self).__name__}(torch.nn.Module):\n{body}"
        if print_output:
            print(text)
        return text

    def __str__(self) -> str:
        hint = "# To see more debug info, please use `graph_module.print_readable()`"
        return "\n".join([super().__repr__(), self._code, hint])

    def _rest(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_graph", "_code")}

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        made: Any = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(copy.deepcopy(self._rest(), memo))
        return _made(made, copy.deepcopy(self._graph), type(self).__name__)

    def __copy__(self) -> Any:
        made = super().__copy__()
        made.__class__ = type(type(self).__new__(type(self)))
        return _made(made, copy.deepcopy(self._graph), type(self).__name__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        own = next(each for each in type(self).__mro__ if not each.__dict__.get("_of_one", False))
        return _restored, (own, self._rest(), self._graph, type(self).__name__)


def _made(module: Any, graph: Graph, name: str) -> Any:
    type(module).__name__ = name
    module.graph = graph
    return module


def _restored(kind: type[GraphModule], rest: dict[str, Any], graph: Graph, name: str) -> GraphModule:
    """A pickled one again."""
    module: Any = kind.__new__(kind)
    module.__dict__.update(rest)
    return _made(module, graph, name)
