"""`tg.draw_graph`: the computation graph as a picture, in the language DOT of Graphviz."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import rules
from ..engine import views
from ..graph import Node
from ..transforms import pytree

__all__ = ["Drawing", "draw_graph"]

_HIDDEN = ("part", "alias")  # nodes that only pass a gradient on


class Drawing:
    """A graph in DOT; notebooks show it as a picture where Graphviz's ``dot`` is installed, else as its text.

    Parameters
    ----------
    source : str

    Attributes
    ----------
    source : str
        The text in DOT.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> picture = tg.draw_graph(tg.ones(2, requires_grad=True).sum())
    >>> picture.source.splitlines()[0]
    'digraph {'
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def __str__(self) -> str:
        return self.source

    __repr__ = __str__

    def _repr_svg_(self) -> str | None:
        return self._rendered("svg").decode() if shutil.which("dot") else None

    def _rendered(self, kind: str) -> bytes:
        dot = shutil.which("dot")
        if dot is None:
            raise RuntimeError(
                f"draw_graph: {kind} needs Graphviz's `dot`, which was not found; install it, or save as .dot"
            )
        done = subprocess.run([dot, f"-T{kind}"], input=self.source.encode(), capture_output=True)
        if done.returncode:
            raise RuntimeError(f"draw_graph: dot failed: {done.stderr.decode().strip()}")
        return done.stdout

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file; its ending says what: .dot and .gv are the text, others (.svg, .png, .pdf) need ``dot``."""
        path = Path(path)
        kind = path.suffix[1:]
        if not kind:
            raise ValueError(f"draw_graph: the file name must end in .dot, .svg, .png or the like, got {path.name!r}")
        path.write_bytes(self.source.encode() if kind in ("dot", "gv") else self._rendered(kind))


def draw_graph(t: Any, params: Any = None) -> Drawing:
    r"""Draw how tensors were computed: operations as boxes, leaves as ellipses with their names.

    Only what gradients flow through is in the graph: constants are not shown. Arguments of an operation are named where
    it has several.

    Parameters
    ----------
    t : Tensor or tree of Tensors
        What was computed. A dict gives names to the results.
    params : dict of Tensors, or module, optional
        Names of leaves and of intermediate results; a module's are those of ``named_parameters()``.

    Returns
    -------
    Drawing
        Its text is `source`; `save` writes it or a picture, and notebooks show it.

    Raises
    ------
    RuntimeError
        If a tensor has no graph, or its graph has been freed by a backward pass.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> w, x = tg.ones(2, 3, requires_grad=True), tg.ones(3)
    >>> print(tg.draw_graph((w @ x).exp(), {"w": w}))
    digraph {
      rankdir=BT; node [fontname="Helvetica", fontsize=11]; edge [fontsize=9, color=gray40, fontcolor=gray40];
      n0 [label="exp\n(2,)", shape=box, style="filled,bold", fillcolor=palegreen];
      n1 [label="matmul\n(2,)", shape=box, style="filled", fillcolor=white];
      n2 [label="w\n(2, 3)", shape=ellipse, style="filled", fillcolor=lightblue];
      n1 -> n0;
      n2 -> n1;
    }
    """
    roots = _roots(t)
    names = _names(params)
    names.update({node: name for name, node in roots if name})
    numbers: dict[Node, int] = {}
    boxes, arrows = [], []
    todo = [node for _, node in reversed(roots)]
    results = set(todo)
    while todo:
        node = todo.pop()
        if node in numbers:
            continue
        numbers[node] = len(numbers)
        boxes.append((node, _box(node, names.get(node), node in results)))
        parents = _parents(node)
        arrows += [(parent, node, label) for parent, label in parents]
        todo.extend(parent for parent, _ in reversed(parents))
    lines = ["digraph {"]
    lines.append(
        '  rankdir=BT; node [fontname="Helvetica", fontsize=11]; edge [fontsize=9, color=gray40, fontcolor=gray40];'
    )
    lines += [f"  n{numbers[node]} {box};" for node, box in boxes]
    for parent, node, label in arrows:
        text = f" [label={_quoted(label)}]" if label else ""
        lines.append(f"  n{numbers[parent]} -> n{numbers[node]}{text};")
    return Drawing("\n".join([*lines, "}"]))


def _roots(t: Any) -> list[tuple[str, Node]]:
    named = t.items() if isinstance(t, Mapping) else [("", t)]
    found = []
    for name, tree in named:
        for x in pytree.leaves(tree):
            if not isinstance(x, rules.Tensor):
                raise TypeError(f"draw_graph: t must hold Tensors, got {type(x).__name__}")
            node = views.node_of(x)
            if node is None:
                raise RuntimeError("draw_graph: t must have a graph, got a Tensor that does not require grad")
            found.append((str(name), _shown(node)))
    if not found:
        raise RuntimeError("draw_graph: t must hold at least one Tensor, got none")
    return found


def _names(params: Any) -> dict[Node, str]:
    if params is None:
        return {}
    if hasattr(params, "named_parameters"):
        params = dict(params.named_parameters())
    if not isinstance(params, Mapping):
        raise TypeError(f"draw_graph: params must be a dict of Tensors or a module, got {type(params).__name__}")
    nodes = {name: views.node_of(x) for name, x in params.items() if isinstance(x, rules.Tensor)}
    return {_shown(node): str(name) for name, node in nodes.items() if node is not None}


def _shown(node: Node) -> Node:
    """The node that stands for this one in the picture."""
    while node.op_name in _HIDDEN and not isinstance(node.edges, str):
        node = node.edges[0][0]
    return node


def _parents(node: Node) -> list[tuple[Node, str]]:
    """The nodes that a gradient goes to, and for which arguments."""
    if isinstance(node.edges, str):
        raise RuntimeError(
            f"draw_graph: the graph (at {node.edges}) has been freed by a backward pass; draw it before, "
            "or pass retain_graph=True there"
        )
    found = []
    for parent, rule, _ in node.edges:
        several = parent if type(parent) is tuple else (parent,)
        labels = rule.arg if len(rule.arg) == len(several) else [f"{rule.arg[0]}[{i}]" for i in range(len(several))]
        found += [(_shown(p), str(label)) for p, label in zip(several, labels) if p is not None]
    return found if len(found) > 1 else [(p, "") for p, _ in found]


def _box(node: Node, name: str | None, result: bool) -> str:
    is_leaf = node.edges == ()
    head = [name or "leaf"] if is_leaf else [*([name] if name else []), node.op_name]
    text = [": ".join(head), *([str(node.shape)] if node.shape is not None else [])]
    shape, color = ("ellipse", "lightblue") if is_leaf else ("box", "palegreen" if result else "white")
    style = "filled,bold" if result else "filled"
    return f'[label={_quoted(chr(10).join(text))}, shape={shape}, style="{style}", fillcolor={color}]'


def _quoted(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
