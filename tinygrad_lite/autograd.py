"""Playing the graph back: `backward` and `grad`.

The pass visits nodes in descending order of age, calls each edge's rule, and lets this file do what no rule does: sum
gradients back over broadcast dimensions, cast them to their input's dtype, add them up, run hooks, refuse stale values,
and free what is no longer needed.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from . import rules
from .engine import delivery, hooks
from .engine.accumulate import ACCUMULATING, accumulate, add, fit, misfit, ones_like, own
from .engine.delivery import LEAVES, TAKEN, Delivery
from .engine.errors import MODIFIED, UNUSED, InputError, check_several, freed
from .engine.function import Context as FunctionCtx
from .engine.function import Function, once_differentiable
from .engine.grad_mode import Pass, enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .graph import RETAIN, GradientEdge, Node, Stamp, last_write, line_of, memory, mode, stale, stamp, tick, written
from .rules import Op, Rule, conjugate, ndarray, part_of, result_number, wrap

__all__ = [
    "Function", "FunctionCtx", "backward", "enable_grad", "grad", "inference_mode", "is_grad_enabled", "no_grad",
    "once_differentiable",
    "set_grad_enabled", "stamp", "tick", "written",
]  # fmt: skip

# --- the pass -------------------------------------------------------------------------------------------------------


def _needed(roots: Iterable[Node], targets: set[Node]) -> tuple[set[Node], set[Node]]:
    """The nodes that lead to a target, and these with the targets. No recursion: chains may be long."""
    floor = min(t.seq for t in targets)  # nothing older leads to one
    seen = set(roots)
    stack = list(seen)
    while stack:
        node = stack.pop()
        edges = node.edges
        if type(edges) is str:
            if node in targets and node.seq == floor:
                continue  # the pass ends here
            raise freed(edges)
        for parent, _, _ in edges:
            for p in parent if type(parent) is tuple else (parent,):
                if p is not None and p not in seen and p.seq >= floor:
                    seen.add(p)
                    stack.append(p)
    through: set[Node] = set()
    wanted = set(targets)
    for node in sorted(seen, key=attrgetter("seq")):
        for parent, _, _ in () if type(node.edges) is str else node.edges:
            if not wanted.isdisjoint(parent) if type(parent) is tuple else parent in wanted:
                through.add(node)
                wanted.add(node)
                break
    return through, wanted


def _run(grads: dict[Node, Any], targets: set[Node] | None, retain: bool, create: bool) -> dict[Node, Any]:
    """Send gradients down, youngest node first, and return those of the leaves, or of the `targets`.

    Nothing is accumulated before the whole pass has succeeded.
    """
    through, wanted = (None, None) if targets is None else _needed(grads, targets)
    how = _through_graph if create else None
    if mode.watcher is not None:
        how = mode.watcher.backward(how)
    found: dict[Node, Any] = {}
    kept: list[tuple[Node, Any]] = []
    heap = [(-node.seq, node) for node in grads]
    heapify(heap)
    plain, parts = mode.watcher is None, False  # who watches sees the gradient of each part
    ahead: Node | None = None  # in a chain each node's parent comes right after it, and need not pass through the heap
    while heap or ahead is not None:
        if ahead is not None and (not heap or ahead.seq > -heap[0][0]):
            node, ahead = ahead, None
        else:
            node = heappop(heap)[1]
        g = grads.pop(node)
        if parts and type(g) is Pieces:
            g = g.sum()
        if node.hooks is not None:
            if type(node) is Delivery:  # type: ignore[comparison-overlap]
                node.run(grads, _call_hooks, _total)
                continue
            if g is TAKEN:
                continue
            g = _call_hooks(node, g, create)
            if RETAIN in node.hooks:
                kept.append((node, g))
        edges = node.edges
        if through is not None:
            if node in targets:  # type: ignore[operator]
                found[node] = g
            if node not in through:
                continue  # its own graph stays as it is
        elif not edges:
            found[node] = g
        if type(edges) is str:
            raise freed(edges)
        if node.seq < last_write.clock:
            _refuse_stale(node, create)
        for parent, rule, saved in edges:
            if wanted is not None and type(parent) is not tuple and parent not in wanted:
                continue
            if how is not None:
                if plain and rule.op.together is not None:
                    parts = _collect(grads, heap, parent, rule, g, saved)
                    continue
                d = how(node, rule, g, saved)
            elif (n := len(saved)) == 1:  # spelled out: unpacking a tuple into a call costs 0.1 us
                d = rule.vjp(g, saved[0])
            elif n == 0:
                d = rule.vjp(g)
            elif rule.op.together is None:
                d = rule.vjp(g, *saved)
            else:
                parts = _collect(grads, heap, parent, rule, g, saved)
                continue
            if type(parent) is tuple:
                check_several(rule, parent, d)
                for i, (p, part) in enumerate(zip(parent, d)):
                    if p is not None and part is not None and (wanted is None or p in wanted):
                        _send(grads, heap, p, part, rule, i)
                continue
            array = d if type(d) is ndarray else getattr(d, "_data", d)  # a Tensor's own attributes take 0.3 us
            try:
                fits = array.dtype is parent.dtype and array.shape == parent.shape
            except AttributeError:
                raise misfit(d, parent, rule) from None
            if fits:
                before = grads.get(parent)
                if before is not None:
                    grads[parent] = add(before, d)
                    continue
                grads[parent] = d
                if ahead is None:
                    ahead = parent
                else:
                    heappush(heap, (-parent.seq, parent))
            else:
                _send(grads, heap, parent, d, rule)
        if not retain and edges and rule.op.saves and ((saved and type(saved[0]) is ndarray) or _saves_values(edges)):
            node.edges = rule.op.name
    if kept:
        with ACCUMULATING:
            for node, g in kept:
                accumulate({node: g if create else np.array(g)}, node, create)
    return found


def _saves_values(edges: Any) -> bool:
    """Whether a node has anything to free. One that has not may be gone through any number of times."""
    return any(type(rule).unpacked is not Rule.unpacked or _holds_array(saved) for _, rule, saved in edges)


def _holds_array(values: Any) -> bool:
    for value in values:
        kind = type(value)
        if (kind is tuple or kind is list) and _holds_array(value):
            return True
        if kind is ndarray or isinstance(value, ndarray):
            return True
    return False


class Pieces:
    """Gradients of parts of one tensor: an array of its size is made once for all of them, not for each."""

    __slots__ = ("op", "gradients", "saved", "rest")

    def __init__(self, op: Op, rest: Any) -> None:
        self.op, self.rest = op, rest
        self.gradients: list[Any] = []
        self.saved: list[tuple[Any, ...]] = []

    def __add__(self, other: Any) -> Pieces:
        self.rest = other if self.rest is None else add(self.rest, other)
        return self

    def sum(self) -> Any:
        """The gradient of the whole."""
        if len(self.saved) == 1:
            found = self.op.rules[0].vjp(self.gradients[0], *self.saved[0])
        else:
            found = self.op.together(self.gradients, self.saved)  # type: ignore[misc]
        return found if self.rest is None else add(self.rest, found)


def _total(g: Any) -> Any:
    return g.sum() if type(g) is Pieces else g


def _collect(
    grads: dict[Node, Any], heap: list[tuple[int, Node]], parent: Node, rule: Rule, g: Any, saved: tuple[Any, ...]
) -> bool:
    """Keep a part's gradient until it is its parent's turn."""
    before = grads.get(parent)
    if type(before) is not Pieces or before.op is not rule.op:
        if before is None:
            heappush(heap, (-parent.seq, parent))
        before = grads[parent] = Pieces(rule.op, before.sum() if type(before) is Pieces else before)
    before.gradients.append(g)
    before.saved.append(rule.unpacked(saved))
    return True


def _send(grads: dict[Node, Any], heap: list[tuple[int, Node]], parent: Node, d: Any, rule: Rule, i: int = 0) -> None:
    """Give `parent` its gradient: its shape, its dtype, added to what it already has."""
    d = fit(d, parent, rule, i)
    before = grads.get(parent)
    if before is None:
        grads[parent] = d
        heappush(heap, (-parent.seq, parent))
    else:
        grads[parent] = add(before, d)


def _call_hooks(node: Node, g: Any, create: bool) -> Any:
    kinds, given = list((node.hooks or {}).values()), None
    for hook in kinds:
        if hook is None or isinstance(hook, (hooks.Before, hooks.Accumulated)):  # None: RETAIN
            continue
        given = hooks.handed(g, create) if given is None else given  # the same for all: hooks leave notes on it
        result = hook(given)
        if result is not None:
            g, given = hooks.taken(result, node, "register_hook", create), None
    for hook in kinds:
        if isinstance(hook, hooks.Before):
            g = hook(g, create)
    return g


def _refuse_stale(node: Node, create: bool) -> None:
    """Raise if a value that this node saved was overwritten since."""
    for _, rule, saved in node.edges:
        for name, value in zip(rule.names, saved):
            if name == "inputs" and not create:
                continue  # kept for the twin only
            for array in value if type(value) in (tuple, list) else (value,):
                mark: Stamp | None = stale(array, node.seq) if type(array) is ndarray and array.size else None
                if mark is not None:
                    result = name == "out" or result_number(name) is not None
                    what = "its result" if result else "its inputs" if name == "inputs" else f"its {name!r}"
                    raise RuntimeError(
                        f"backward: {rule.op.name} at {line_of(node.where)} needs {what}, "
                        f"but {mark.name} at {line_of(mark.where)} has overwritten it; clone() it before {MODIFIED}"
                    )


# --- gradients of gradients -----------------------------------------------------------------------------------------


def _tensor(array: Any, node: Node | None) -> Any:
    if node is None or type(array) is not ndarray:
        return array
    result = wrap(array)
    result._node = node
    return result


def _through_graph(node: Node, rule: Rule, g: Any, saved: tuple[Any, ...], edges: Any = None) -> Any:
    """Call a rule with Tensors in place of arrays, so that it records itself."""
    if isinstance(rule, hooks.Watched):
        return rule.send(g, lambda each, kept: _through_graph(node, each, g, kept, rule.edges))
    sources: dict[str, Any] = {"out": node}
    saved = rule.unpacked(saved)
    for parent, r, _ in edges or node.edges:
        sources.update(zip(r.arg, parent) if r.joint else ((r.arg[0], parent),))
    if rule.op.twin is not None:
        return _through_twin(rule, g, saved[-1], sources)
    values = []
    for name, value in zip(rule.names, saved):
        source = sources.get(name)
        if name == "out" and type(value) is tuple:
            value = tuple(_tensor(v, part_of(node, i, len(value), v)) for i, v in enumerate(value))
        elif (number := result_number(name)) is not None and name not in sources:
            value = _tensor(value, part_of(node, number, len(g.values), value))
        elif type(source) is tuple:
            value = tuple(_tensor(v, s) for v, s in zip(value, source))
        else:
            value = _tensor(value, source)
        values.append(value)
    return rule.vjp(g, *values)


def _through_twin(rule: Rule, g: Any, inputs: tuple[Any, ...], sources: dict[str, Any]) -> Any:
    """The vjp of the plain twin: recorded, so that it can be differentiated again."""
    tensors = {n: _tensor(v, alias(sources.get(n))) for n, v in zip(rule.op.inputs, inputs)}
    out = rule.op.twin(*tensors.values())  # type: ignore[misc]
    wanted = [tensors[a] if isinstance(tensors[a], rules.Tensor) and tensors[a]._node else None for a in rule.arg]
    found = grad(out, [w for w in wanted if w is not None], conjugate(g), create_graph=True, allow_unused=True)
    results = iter(found)
    gradients = tuple(None if w is None else conjugate(_or_zero(next(results), w)) for w in wanted)
    return gradients if rule.joint else gradients[0]


_ALIAS = Op(lambda a: a, {"a": lambda g: g}, name="alias").rules[0]


def alias(node: Node | None) -> Node | None:
    """A node that stands for another, as an argument of the twin or of a function in `func`.

    The gradient with respect to one argument must not run on into its history, nor into another argument that happens
    to be the same tensor.
    """
    if node is None:
        return None
    twin = Node()
    twin.edges, twin.hooks, twin.where, twin.seq = ((node, _ALIAS, ()),), None, None, tick()
    twin.shape, twin.dtype = node.shape, node.dtype
    return twin


def _or_zero(g: Any, like: Any) -> Any:
    return wrap(np.zeros_like(like._data)) if g is None else g


# --- the public face ------------------------------------------------------------------------------------------------


def _seeds(outputs: Sequence[Any], gradients: Sequence[Any], create: bool, who: str) -> dict[Node, Any]:
    seeds: dict[Node, Any] = {}
    for i, (out, g) in enumerate(zip(outputs, gradients)):
        if not isinstance(out, rules.Tensor):
            raise TypeError(f"{who}: outputs must be Tensors, got {type(out).__name__}")
        node = out._node if out._view is None else rules.CURRENT(out)
        if node is None:
            raise RuntimeError(f"{who}: element {i} of tensors does not require grad and does not have a grad_fn")
        if g is None:
            if out._data.size != 1:
                raise RuntimeError(
                    f"{who}: grad can be implicitly created only for scalar outputs, got shape {out.shape}; "
                    "pass the gradient, or reduce to a scalar first"
                )
            if out._data.dtype.kind == "c":
                raise RuntimeError(
                    f"{who}: grad can be implicitly created only for real scalar outputs, got {out.dtype}; "
                    "pass the gradient, or reduce to a real number first"
                )
            g = ones_like(out._data)
        elif isinstance(g, rules.Tensor):
            g = g if create else g._data
        else:
            g = np.asarray(g)
            if g.dtype.kind not in "biufc":
                came = type(gradients[i]).__name__
                raise TypeError(f"{who}: gradients must be Tensors, arrays or numbers, got {came}")
        data = out._data
        if g.shape != data.shape:
            raise RuntimeError(f"{who}: the gradient must have the output's shape {out.shape}, got {g.shape}")
        if g.dtype is not data.dtype and g.dtype != data.dtype:
            if g.dtype.kind == "c" or data.dtype.kind == "c":
                raise RuntimeError(f"{who}: the gradient must have the output's dtype {out.dtype}, got {g.dtype}")
            g = g.astype(out.dtype)
        elif data.dtype.kind == "c":
            g = conjugate(g)
        if create and not isinstance(g, rules.Tensor):
            g = wrap(g)
        seeds[node] = g if node not in seeds else add(seeds[node], g)
    return seeds


def _listed(value: Any) -> list[Any]:
    """One value, or what anything else that can be gone through holds, such as ``model.parameters()``."""
    one = isinstance(value, (rules.Tensor, np.ndarray, GradientEdge)) or not hasattr(value, "__iter__")
    found = [value] if one else list(value)
    return [_at(v) if type(v) is GradientEdge else v for v in found]


def _at(edge: GradientEdge) -> Any:
    """A tensor of zeros where an edge is, which takes no memory."""
    return _tensor(np.broadcast_to(np.zeros((), edge.node.dtype), edge.node.shape or ()), edge.node)


def _some(inputs: Any, who: str) -> list[Any]:
    found = _listed(inputs)
    if not found:
        raise InputError(f"{who}: inputs must hold at least one Tensor and cannot be empty, got none")
    return found


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Accumulate the gradients of `tensors` into the `grad` of the leaves they depend on.

    Parameters
    ----------
    tensors : Tensor or sequence of Tensor
    grad_tensors : Tensor or sequence of Tensor, optional
        The vectors of the vector-Jacobian product; ones for scalars when missing.
    retain_graph : bool, optional
        Keep the saved values for another pass. Default: the value of `create_graph`.
    create_graph : bool
        Record the pass itself, for higher derivatives.
    grad_variables : optional
        The older name of `grad_tensors`.
    inputs : Tensor or sequence of Tensor, optional
        Accumulate into these only.

    Raises
    ------
    RuntimeError
        For a non-scalar without a gradient, a tensor without a graph, a graph already freed, and a saved value that
        was overwritten in place.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> tg.autograd.backward([x.sum(), x * 3], [None, tg.ones(2)])
    >>> x.grad
    tensor([4., 4.])
    """
    outputs = [tensors] if type(tensors) is rules.Tensor else _listed(tensors)
    grad_tensors = grad_variables if grad_tensors is None else grad_tensors
    gradients = [None] * len(outputs) if grad_tensors is None else _listed(grad_tensors)
    if len(gradients) != len(outputs):
        raise RuntimeError(f"backward: got {len(outputs)} tensors but {len(gradients)} gradients")
    create_graph = create_graph or _carries_tangents()
    retain = create_graph if retain_graph is None else retain_graph
    with Pass(create_graph):
        seeds = _seeds(outputs, gradients, create_graph, "backward")
        targets = None if inputs is None else {_node_of(t, "backward") for t in _some(inputs, "backward")}
        if LEAVES:
            found = delivery.run(_run, seeds, targets, retain, create_graph)
        else:
            found = _run(seeds, targets, retain, create_graph)
        with ACCUMULATING:
            reached = list(found)
            for node in reached:
                if not node.hooks or RETAIN not in node.hooks:  # else it has its gradient already
                    accumulate(found, node, create_graph)
        for node in reached:
            if node.hooks and node.edges == ():
                hooks.accumulated(node)


def _carries_tangents() -> bool:
    """Whether gradients are to have tangents: see `forward_ad`."""
    return mode.duals is not None and not mode.duals.unpacks


def _node_of(tensor: Any, who: str) -> Node:
    if not isinstance(tensor, rules.Tensor):
        raise TypeError(f"{who}: inputs must be Tensors, got {type(tensor).__name__}")
    node: Node | None = tensor._node if tensor._view is None else rules.CURRENT(tensor)
    if node is None:
        raise RuntimeError(f"{who}: one of the inputs does not require grad")
    return node


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Gradients of `outputs` with respect to `inputs`, returned instead of accumulated.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
        Inputs may be leaves or intermediate results. Here, and in `backward`, a `graph.GradientEdge` stands for the
        tensor that it was taken from.
    grad_outputs : Tensor or sequence of Tensor, optional
        The vectors of the vector-Jacobian product; ones for scalars when missing.
    retain_graph : bool, optional
        Default: the value of `create_graph`.
    create_graph : bool
        The result can be differentiated again, to any order.
    only_inputs : bool
        False has no effect and warns, as in PyTorch: nothing is accumulated into other leaves.
    allow_unused : bool, optional
        Return None for an input that the outputs do not depend on, rather than raise. Default: `materialize_grads`.
    is_grads_batched : bool
        The first dimension of each of `grad_outputs` counts the vectors; the results have it, too. It is a loop.
    materialize_grads : bool
        Zeros in place of None.

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> (dx,) = tg.autograd.grad(x**3, x, create_graph=True)
    >>> (ddx,) = tg.autograd.grad(dx, x)
    >>> dx.item(), ddx.item()
    (12.0, 12.0)
    """
    if not only_inputs:
        text = "grad: only_inputs=False has no effect; use backward() to accumulate into other leaves"
        warnings.warn(text, FutureWarning, stacklevel=2)
    if materialize_grads and allow_unused is False:
        raise InputError(UNUSED)
    if is_grads_batched:
        how = (create_graph, allow_unused, materialize_grads)
        return _batched(outputs, inputs, grad_outputs, retain_graph, how)
    create_graph = create_graph or _carries_tangents()
    outs, ins = _listed(outputs), _some(inputs, "grad")
    gradients = [None] * len(outs) if grad_outputs is None else _listed(grad_outputs)
    if len(gradients) != len(outs):
        raise RuntimeError(f"grad: got {len(outs)} outputs but {len(gradients)} grad_outputs")
    if allow_unused is None:
        allow_unused = materialize_grads
    retain = create_graph if retain_graph is None else retain_graph
    with Pass(create_graph):
        nodes = [_node_of(t, "grad") for t in ins]
        seeds = _seeds(outs, gradients, create_graph, "grad")
        found = _run(seeds, set(nodes), retain, create_graph)
        return _apart(found, nodes, ins, gradients, create_graph, allow_unused, materialize_grads)


def _batched(
    outputs: Any, inputs: Any, vectors: Any, retain: bool | None, how: tuple[bool, bool | None, bool]
) -> tuple[Any, ...]:
    """`grad` for each of several vectors, stacked."""
    vectors, (create, unused, zeros) = _listed(vectors), how
    sizes = {v.shape[0] if isinstance(v, rules.Tensor) and v.ndim else None for v in vectors}
    count = sizes.pop() if len(sizes) == 1 else None
    if not count:
        raise RuntimeError(
            "grad: with is_grads_batched each of grad_outputs must be a Tensor with the same first dimension, at "
            f"least 1, got {[getattr(v, 'shape', v) for v in vectors]}"
        )
    last = create if retain is None else retain
    rows = [
        grad(
            outputs, inputs, [v[k] for v in vectors], True if k + 1 < count else last, create, allow_unused=unused,
            materialize_grads=zeros,
        )
        for k in range(count)
    ]  # fmt: skip
    before, mode.enabled = mode.enabled, create
    try:
        return tuple(None if column[0] is None else np.stack(column) for column in zip(*rows))
    finally:
        mode.enabled = before


def _apart(
    found: dict[Node, Any], nodes: list[Node], ins: list[Any], given: list[Any], create: bool, unused: bool, zeros: bool
) -> tuple[Any, ...]:
    """What `grad` returns: a Tensor for each input, none of which shares memory with another or with what was given."""
    results: list[Any] = []
    last = {node: i for i, node in enumerate(nodes)}
    taken = {id(memory(rules.unwrap(g))) for g in given}
    for i, (node, tensor) in enumerate(zip(nodes, ins)):
        if node not in found and i == last[node]:
            if not unused:
                raise RuntimeError(
                    f"grad: input {i} was not used in the graph of the outputs. Set allow_unused=True if that is meant"
                )
            results.append(wrap(np.zeros_like(tensor._data)).requires_grad_(create) if zeros else None)
        elif create:
            g = conjugate(found[node])
            if id(memory(g._data)) in taken:
                g = g.clone()
            taken.add(id(memory(g._data)))
            results.append(g)
        else:
            results.append(wrap(own(found, node) if i == last[node] else conjugate(np.array(found[node]))))
    return tuple(results)


__path__: list[str] = []  # PyTorch has a folder of this name: `from tinygrad_lite.autograd.function import Function`
_LAZY = {
    "forward_ad": "transforms.forward_ad",
    "functional": "transforms.jacobians",
    "graph": "transforms.graph_hooks",
    "profiler": "profiler",
}
_ROOM_OF = {
    **dict.fromkeys(("GradcheckError", "gradcheck", "gradgradcheck"), "testing.pytorch_names"),
    **dict.fromkeys(
        ("detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"), "engine.anomaly"
    ),
    **dict.fromkeys(("is_multithreading_enabled", "set_multithreading_enabled"), "engine.grad_mode"),
    "Variable": "tensors.variable",
}

if TYPE_CHECKING:
    _any: Any = None
    Variable = forward_ad = functional = graph = profiler = GradcheckError = gradcheck = gradgradcheck = _any
    detect_anomaly = is_anomaly_check_nan_enabled = is_anomaly_enabled = set_detect_anomaly = _any
    is_multithreading_enabled = set_multithreading_enabled = _any
else:  # type checkers would take any name for one that it knows

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return importlib.import_module(f".{_LAZY[name]}", __package__)
        if name in _ROOM_OF:
            return getattr(importlib.import_module(f".{_ROOM_OF[name]}", __package__), name)
        return importlib.import_module(".torch_imports", __package__).modules_of(__name__)(name)
