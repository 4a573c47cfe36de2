"""A function called on fresh variables, and products with its Jacobian: what `func` and `jacobians` are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import autograd, rules
from ..engine import views
from ..graph import Node, mode
from ..ops.shape.cat_pad import stack
from ..rules import wrap
from . import pytree

Argnums = int | tuple[int, ...]

# --- variables ------------------------------------------------------------------------------------------------------


def variable(x: Any, who: str, connected: bool = True) -> Any:
    """A tensor on the memory of `x` to differentiate with respect to; its history goes on with that of `x`."""
    if not isinstance(x, rules.Tensor):
        raise TypeError(f"{who}: what is differentiated must be Tensors, got {type(x).__name__}")
    if x.dtype.kind not in "fc":
        raise RuntimeError(f"{who}: what is differentiated must be floating point, got {x.dtype}")
    fresh = wrap(x._data)
    node = views.node_of(x) if connected else None
    if node is None:
        return fresh.requires_grad_()
    mode.records(who, node)  # which refuses dual tensors where it says no
    fresh._node = autograd.alias(node)
    return fresh


def depends_elsewhere(outputs: Sequence[Any], variables: Sequence[Any]) -> bool:
    """Whether the outputs have a history besides that of the variables: then their gradients have, too."""
    ours = {v._node for v in variables}
    floor = min((node.seq for node in ours), default=0)
    if any(node.edges != () for node in ours):
        return True
    todo = [node for node in (views.node_of(o) for o in outputs) if node is not None]
    seen: set[Node] = set(todo)
    while todo:
        node = todo.pop()
        if node in ours:
            continue
        if node.seq < floor or not node.next_functions:
            return True
        for parent, _ in node.next_functions:
            if parent is not None and parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return False


class Call:
    """One call of a function on fresh variables.

    Attributes
    ----------
    variables : list of Tensor
        Flat, one for each leaf of the arguments that are differentiated.
    chosen : tree
        The arguments that are differentiated.
    value : tree
        What the function returned, without `aux`.
    outputs : list of Tensor
        Its leaves.
    depends : bool
        Whether the outputs have a history besides that of the variables.
    create : bool
        Whether what is returned must be recorded.
    """

    def __init__(
        self,
        who: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: Argnums,
        has_aux: bool,
        any_aux: bool = False,
    ) -> None:
        self.who = who
        places = _places(who, argnums, len(args))
        self.chosen = args[places[0]] if isinstance(argnums, int) else tuple(args[i] for i in places)
        tuple_of_chosen = tuple(args[i] for i in places)
        self.variables = [variable(x, who) for x in pytree.leaves(tuple_of_chosen)]
        given = list(args)
        for i, tree in zip(places, pytree.filled(tuple_of_chosen, self.variables)):
            given[i] = tree
        with autograd.enable_grad():
            result = func(*given, **kwargs)
        self.aux: Any = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise RuntimeError(f"{who}: with has_aux the function must return (output, aux), got {kind_of(result)}")
            result, self.aux = result
            if not any_aux:
                _only_tensors(who, "aux must be", "Expected tensors, got unsupported type", pytree.leaves(self.aux))
        self.value, self.outputs = result, pytree.leaves(result)
        _only_tensors(who, "the function must return", "expected to return only tensors", self.outputs)
        if not self.outputs:
            raise RuntimeError(
                f"{who}: the function must return Tensors, got {result} (Expected f to be a function that has "
                "non-empty output)"
            )
        self.depends = depends_elsewhere(self.outputs, self.variables)
        self.create = mode.enabled and self.depends

    def pull(self, cotangents: Sequence[Any], retain: bool, create: bool | None = None) -> list[Any]:
        """The vector-Jacobian product, one Tensor for each variable."""
        create = self.create if create is None else create
        return pull(self.outputs, self.variables, cotangents, retain or create, create)

    def outward(self, tree: Any) -> Any:
        """A result as the caller gets it: without the history of this call, unless it has another one."""
        if self.create:
            return tree
        return pytree.mapped(lambda t: t.detach() if isinstance(t, rules.Tensor) else t, tree)

    def push(self) -> Callable[[Sequence[Any], bool], list[Any]]:
        """The Jacobian-vector product at this point: ``(tangents, create) -> one Tensor for each output``."""
        return push(self.outputs, self.variables)


def pull(outs: Sequence[Any], ins: Sequence[Any], vectors: Sequence[Any], retain: bool, create: bool) -> list[Any]:
    """``v @ J``, zeros where an output does not depend on an input."""
    pairs = [(o, v) for o, v in zip(outs, vectors) if o.requires_grad]
    if not pairs:
        return [wrap(np.zeros_like(x._data)) for x in ins]
    heads, seeds = zip(*pairs)
    return list(autograd.grad(heads, ins, seeds, retain, create, materialize_grads=True))


def push(outs: Sequence[Any], ins: Sequence[Any]) -> Callable[[Sequence[Any], bool], list[Any]]:
    """``J @ v`` by double backward: ``u @ J`` is linear in u, and its derivative along v is the product."""
    us = [wrap(np.zeros_like(o._data)).requires_grad_() if o.dtype.kind in "fc" else o for o in outs]
    products = pull(outs, ins, us, True, True)
    moving = [u for u in us if u.requires_grad]

    def product(tangents: Sequence[Any], create: bool) -> list[Any]:
        found = iter(pull(products, moving, tangents, True, create))
        return [next(found) if u.requires_grad else wrap(np.zeros_like(u._data)) for u in us]

    return product


def kind_of(value: Any) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else type(value).__name__


def _only_tensors(who: str, what: str, theirs: str, leaves: list[Any]) -> None:
    for t in leaves:
        if not isinstance(t, rules.Tensor):
            came = type(t).__name__
            raise RuntimeError(f"{who}: {what} Tensors only, in any nest of containers, got {came} ({theirs} {came})")


def real(who: str, what: str, tensors: Sequence[Any]) -> None:
    """Refuse complex tensors, of which a Jacobian is two: that of the conjugate, too."""
    for t in tensors:
        if t.dtype.kind == "c":
            raise RuntimeError(f"{who}: {what} must be real, got {t.dtype} (Expected all {what} to be real)")


def _places(who: str, argnums: Argnums, count: int) -> tuple[int, ...]:
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(f"{who}: argnums must be int or Tuple[int, ...], got {argnums!r}")
    places = (argnums,) if isinstance(argnums, int) else argnums
    if not places:
        raise RuntimeError(f"{who}: argnums must name at least one argument, got {argnums}")
    for i in places:
        if not isinstance(i, int) or not -count <= i < count:
            raise RuntimeError(
                f"{who}: argnums must be integers in [{-count}, {count - 1}] for {count} arguments, got {i}"
            )
    found = tuple(i % count for i in places)
    if len(set(found)) < len(found):
        raise RuntimeError(f"{who}: argnums must name each argument once, got {argnums}")
    return found


def matching(who: str, what: str, given: Any, like: Any) -> list[Any]:
    """The leaves of `given`, which must have the structure, shapes and dtypes of `like`."""
    if pytree.structure(given) != pytree.structure(like):
        raise RuntimeError(
            f"{who}: {what} must have the structure {pytree.structure(like)}, got {pytree.structure(given)}"
        )
    found = pytree.leaves(given)
    if not found:
        raise RuntimeError(f"{who}: there must be at least one Tensor, got {given} for {what}")
    for v, x in zip(found, pytree.leaves(like)):
        for t in (v, x):
            if not isinstance(t, rules.Tensor):
                raise RuntimeError(
                    f"{who}: {what} and what they are for must be Tensors, got {type(t).__name__} (Expected {what} to "
                    "only contain Tensors)"
                )
        if v.shape != x.shape:
            raise RuntimeError(f"{who}: {what} must have the shape {x.shape}, got {v.shape}")
    return found


def needs(vectors: Sequence[Any]) -> bool:
    return mode.enabled and any(v.requires_grad for v in vectors)


# --- whole Jacobians ------------------------------------------------------------------------------------------------


def rows(outs: Sequence[Any], ins: Sequence[Any], create: bool) -> list[list[Any]]:
    """The blocks of a Jacobian, for each output and each input, by one backward pass for each row."""
    blocks = []
    for out in outs:
        found = [pull([out], ins, [unit], True, create) for unit in units(out)]
        blocks.append([_block([row[i] for row in found], out, x, 0) for i, x in enumerate(ins)])
    return blocks


def columns(outs: Sequence[Any], ins: Sequence[Any], create: bool) -> list[list[Any]]:
    """The same by one Jacobian-vector product for each column."""
    product = push(outs, ins)
    zeros = [wrap(np.zeros_like(x._data)) for x in ins]
    blocks: list[list[Any]] = [[] for _ in outs]
    for i, x in enumerate(ins):
        found = [product([*zeros[:i], unit, *zeros[i + 1 :]], create) for unit in units(x)]
        for o, out in enumerate(outs):
            blocks[o].append(_block([column[o] for column in found], out, x, -1))
    return blocks


def units(like: Any) -> list[Any]:
    """The unit vectors of a tensor's space."""
    found = []
    for i in range(like._data.size):
        unit = np.zeros(like.shape, like.dtype)
        unit.reshape(-1)[i] = 1
        found.append(wrap(unit))
    return found


def _block(parts: list[Any], out: Any, x: Any, dim: int) -> Any:
    shape = (*out.shape, *x.shape)
    return stack(parts, dim).reshape(shape) if parts else wrap(np.zeros(shape, x.dtype))
