"""The Python code that a graph is: a function ``forward`` of one line for each node, which lets go of what is done."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import tinygrad_lite as tg
from tinygrad_lite.dtypes import dtype
from tinygrad_lite.tensors.devices import device

from .node import Node, nodes_in, type_name
from .target_names import Namespace, importable, qualified_name

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "lshift": "<<", "rshift": ">>", "and_": "&", "or_": "|", "xor": "^",
    "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
}  # fmt: skip
_FORMS: dict[Any, str] = {getattr(operator, name): f"{{}} {sign} {{}}" for name, sign in _INFIX.items()} | {
    operator.neg: "-{}", operator.pos: "+{}", operator.invert: "~{}", operator.getitem: "{}[{}]",
}  # fmt: skip


class PythonCode(NamedTuple):
    """The text of a module that defines ``forward``, and what its names mean."""

    src: str
    globals: dict[str, Any]


def path_of(start: str, dotted: str) -> str:
    """An attribute of an attribute, by `getattr` where a part is no name, as the 0 of ``layers.0``."""
    for part in dotted.split("."):
        start = f"{start}.{part}" if part.isidentifier() else f'getattr({start}, "{part}")'
    return start


class _Writer:
    """What the code needs while it is written."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {
            "inf": float("inf"), "nan": float("nan"), "NoneType": type(None), "device": device, tg.__name__: tg,
        }  # fmt: skip
        self.names, self.wrapped = Namespace(), []  # type: ignore[var-annotated]
        self.names.used.update(self.globals)

    def global_name(self, value: Callable[..., Any]) -> str:
        """What a function or another object is called in the code."""
        name = qualified_name(value)
        if importable(value):
            root, _, rest = name.partition(".")
            if root == tg.__name__:
                return name
            if root == "builtins":
                self.wrapped += [rest] * (value is not getattr)
                return rest
        flat = name.replace(".", "_")
        flat = f"_{flat}" if name.startswith("operator.") else flat
        for known, object_ in self.globals.items():
            if object_ is value:
                return known
        flat = self.names.new(flat, value)
        self.globals[flat] = value
        if getattr(value, "__module__", "") == "math" or getattr(value, "_fx_wrapped", False):
            self.wrapped.append(flat)
        return flat

    def value(self, a: Any) -> str:
        """An argument as it is written."""
        if isinstance(a, Node):
            return a.name
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return f"{self.global_name(type(a))}({', '.join(map(self.value, a))})"
        if isinstance(a, tuple):
            return f"({', '.join(map(self.value, a))}{',' * (len(a) == 1)})"
        if isinstance(a, list):
            return f"[{', '.join(map(self.value, a))}]"
        if isinstance(a, dict):
            return f"{{{', '.join(f'{key!r}: {self.value(v)}' for key, v in a.items())}}}"
        if isinstance(a, slice):
            return f"slice({self.value(a.start)}, {self.value(a.stop)}, {self.value(a.step)})"
        if isinstance(a, dtype):
            return f"{tg.__name__}.{str(a).rpartition('.')[2]}"
        plain = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, device)
        return repr(a) if type(a) in plain else self.global_name(a)

    def call(self, node: Node) -> str:
        """The expression of a node."""
        args = [self.value(a) for a in node.args]
        by_name = [f"{key} = {self.value(a)}" for key, a in node.kwargs.items()]
        given = ", ".join(args + by_name)
        if node.op == "get_attr":
            return path_of("self", str(node.target))
        if node.op == "call_module":
            return f"{path_of('self', str(node.target))}({given})"
        if node.op == "call_method":
            return f"{args[0]}.{node.target}({', '.join(args[1:] + by_name)})"
        form = _FORMS.get(node.target)
        if form is not None and form.count("{}") == len(args) and not node.kwargs:
            return form.format(*args)
        if node.target is getattr and len(args) == 2 and isinstance(node.args[1], str) and node.args[1].isidentifier():
            return f"{args[0]}.{node.args[1]}"
        return f"{self.global_name(node.target)}({given})"  # type: ignore[arg-type]


def _last_uses(nodes: list[Node]) -> dict[Node, list[Node]]:
    """Which values each node is the last to use, itself where nobody uses it."""
    seen: set[Node] = set()
    done: dict[Node, list[Node]] = {}
    for node in reversed(nodes):
        used = dict.fromkeys((*nodes_in(node.args), *nodes_in(node.kwargs)))
        done[node] = [n for n in used if n not in seen]
        if node not in seen and node.op not in ("output", "placeholder"):
            done[node].append(node)
        seen.update(used)
    return done


def python_code(nodes: list[Node], root_module: str = "self") -> PythonCode:
    """Write the code of a graph's nodes.

    Parameters
    ----------
    nodes : list of Node
    root_module : str
        Must be "self": what the first argument is called.

    Returns
    -------
    PythonCode
    """
    writer = _Writer()
    parameters, lines, result = [root_module], [], ""
    last = _last_uses(nodes)
    for node in nodes:
        kind = "" if node.type is None else f" : {_annotation(writer, node.type)}"
        target = str(node.target)
        if node.op == "placeholder":
            default = f" = {writer.value(node.args[0])}" if node.args else ""
            parameters.append(f"{target}{kind}{default}")
            if (bare := target.lstrip("*")) != node.name:
                lines.append(f"{node.name} = {bare}")
            continue
        if node.op == "output":
            result = f" -> {_annotation(writer, node.type)}" if node.type is not None else ""
            lines.append(f"return {writer.value(node.args[0])}")
            continue
        line = f"{node.name}{kind} = {writer.call(node)}"
        if last[node]:
            line += f";  {' = '.join(n.name for n in last[node])} = None"
        lines.append(line)
    first = "".join(f'{tg.__name__}.fx._symbolic_trace.wrap("{name}")\n' for name in dict.fromkeys(writer.wrapped))
    body = "".join(f"    {line}\n" for line in lines or ["pass"])
    return PythonCode(f"{first or chr(10) * 2}\ndef forward({', '.join(parameters)}){result}:\n{body}", writer.globals)


def _annotation(writer: _Writer, kind: Any) -> str:
    if kind is None:
        return "None"
    name = type_name(kind)
    return name if getattr(builtins, name, None) is kind else writer.global_name(kind)
