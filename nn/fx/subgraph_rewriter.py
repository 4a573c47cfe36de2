"""`replace_pattern`: find the places where a graph does what a pattern does, and do something else there."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..module import Module
from ._symbolic_trace import symbolic_trace
from .graph import Graph
from .graph_module import GraphModule, _get, _put
from .node import Node, nodes_in

__all__ = ["replace_pattern"]


class Match(NamedTuple):
    """A place where a pattern was found: its last node, and which node of the graph each of the pattern's is."""

    anchor: Node
    nodes_map: dict[Node, Node]


def replace_pattern(gm: GraphModule, pattern: Any, replacement: Any) -> list[Match]:
    """Replace all places where a graph does what a pattern does; those that overlap are replaced once.

    Parameters
    ----------
    gm : GraphModule
        It is changed, and compiled anew.
    pattern, replacement : callable or GraphModule
        With the same arguments, which stand for what the place takes in.

    Returns
    -------
    list of Match
        The places, before they were replaced.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> traced = tg.fx.symbolic_trace(lambda x, y: (tg.relu(x) + y).sum())
    >>> matches = tg.fx.replace_pattern(traced, lambda a, b: tg.relu(a) + b, lambda a, b: tg.sub(a, b))
    >>> len(matches), [node.name for node in traced.graph.nodes]
    (1, ['x', 'y', 'sub', 'sum_1', 'output'])
    """
    looked_for, instead = _graph_of(pattern), _graph_of(replacement)
    inputs = [node for node in looked_for.nodes if node.op == "placeholder"]
    given = [node for node in instead.nodes if node.op == "placeholder"]
    if len(inputs) != len(given):
        raise ValueError(f"replace_pattern: pattern and replacement must take as many arguments, got {len(inputs)} and "
                         f"{len(given)}")  # fmt: skip
    matches = find_matches(looked_for, gm.graph)
    became: dict[Node, Node] = {}
    for match in matches:
        _replace(gm, match, instead, dict(zip(given, inputs)), looked_for, became)
    if isinstance(replacement, Module):
        _bring_attributes(gm, replacement)
    gm.recompile()
    return matches


def _graph_of(function: Any) -> Graph:
    if isinstance(function, Graph):
        return function
    return function.graph if isinstance(function, GraphModule) else symbolic_trace(function).graph


def find_matches(pattern: Graph, graph: Graph) -> list[Match]:
    """The places where a graph does what a pattern does, of which no two overlap."""
    results = nodes_in(pattern.output_node().args)
    last = max(results, key=list(pattern.nodes).index)
    found: list[Match] = []
    taken: set[Node] = set()
    for candidate in graph.nodes:
        places: dict[Node, Node] = {}
        if not _same(last, candidate, places):
            continue
        if not all(result in places for result in results):
            continue
        inside = {n for p, n in places.items() if p.op not in ("placeholder", "get_attr")}
        ends = {places[result] for result in results}
        leaking = any(user not in inside for node in inside - ends for user in node.users)
        if leaking or inside & taken:
            continue
        taken |= inside
        found.append(Match(candidate, places))
    return found


def _same(pattern: Any, value: Any, places: dict[Node, Node]) -> bool:
    """Whether a value of the graph is what the pattern has there."""
    if isinstance(pattern, Node):
        if pattern in places:
            return places[pattern] is value
        if pattern.op == "placeholder":
            places[pattern] = value
            return True
        if not isinstance(value, Node) or (pattern.op, pattern.target) != (value.op, value.target):
            return False
        places[pattern] = value
        return _same(pattern.args, value.args, places) and _same(pattern.kwargs, value.kwargs, places)
    if isinstance(pattern, (tuple, list)):
        alike = isinstance(value, (tuple, list)) and len(pattern) == len(value)
        return alike and all(_same(p, v, places) for p, v in zip(pattern, value))
    if isinstance(pattern, dict):
        return pattern.keys() == value.keys() and all(_same(pattern[key], value[key], places) for key in pattern)
    if isinstance(pattern, slice):
        parts = ("start", "stop", "step")
        return isinstance(value, slice) and all(_same(getattr(pattern, p), getattr(value, p), places) for p in parts)
    return type(pattern) is type(value) and bool(pattern == value)


def _replace(
    gm: GraphModule, match: Match, instead: Graph, inputs: dict[Node, Node], pattern: Graph, became: dict[Node, Node]
) -> None:
    def now(value: Any) -> Any:
        while isinstance(value, Node) and value in became:
            value = became[value]
        return value

    made = {new: now(match.nodes_map[of]) for new, of in inputs.items() if of in match.nodes_map}
    ends = [match.nodes_map[node] for node in nodes_in(pattern.output_node().args)]
    order = list(gm.graph.nodes)
    users = [user for end in ends for user in end.users]
    with gm.graph.inserting_before(min(users, key=order.index, default=match.anchor.next)):
        results = list(nodes_in(gm.graph.graph_copy(instead, made)))
    for old, new in zip(ends, results):
        old.replace_all_uses_with(new)
        became[old] = new
    matched = {n for p, n in match.nodes_map.items() if p.op != "placeholder" and isinstance(n, Node)}
    for node in reversed(gm.graph.nodes):
        if node in matched and not node.users:
            gm.graph.erase_node(node)


def _bring_attributes(gm: GraphModule, replacement: Module) -> None:
    """Modules and attributes that the replacement names and the module has not."""
    for node in gm.graph.nodes:
        if node.op in ("get_attr", "call_module"):
            path = str(node.target)
            try:
                _get(gm, path)
            except AttributeError:
                _put(gm, path, _get(replacement, path))
