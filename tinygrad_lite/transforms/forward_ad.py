"""`tinygrad_lite.autograd.forward_ad`: dual tensors, which carry a derivative in a direction along.

A dual tensor is an intermediate result of the graph: of its primal, and of a leaf of its own, the direction. What is
computed from it is recorded, and its tangent is found when it is asked for, by double backward as in `func.jvp`. So a
program costs the same forward as backward, tangents are right wherever second derivatives are, and what cuts the graph
cuts them: `detach`, as in PyTorch, and `no_grad`, under which dual tensors are refused, as nothing would be recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import rules
from ..engine import views
from ..engine.errors import InputError
from ..graph import OFF, Node, mode, tick
from ..rules import differentiable, wrap
from ..tensors.tensor_type import Tensor
from .vjp_calls import depends_elsewhere, push

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent, as `unpack_dual` returns them.

    Parameters
    ----------
    primal : Tensor
        The value.
    tangent : Tensor, of the same shape, or None
        The derivative in the direction; None where the value depends on no dual tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.autograd import forward_ad
    >>> primal, tangent = forward_ad.unpack_dual(tg.ones(2))
    >>> tangent is None
    True
    """

    primal: Tensor
    tangent: Tensor | None


class Level:
    """What is known of the dual tensors of a thread while derivatives are carried along."""

    def __init__(self) -> None:
        self.start = tick()
        self.tangents: dict[Node, tuple[Any, Any]] = {}  # of a leaf: the leaf, and the tangent
        self.primals: set[Node] = set()  # nodes of what has been unpacked: constants from then on
        self.unpacks = False
        self.below = mode.packers[-1] if mode.packers else None

    def __call__(self, node: Node) -> None:
        """Pass on the announcement of a node; while it is listened to, compiled functions run eagerly."""
        if self.below is not None:
            self.below(node)

    def directions(self, sources: Any) -> list[Node]:
        """The leaves with tangents that nodes come from."""
        todo = list(_nodes(sources))
        seen, found = set(todo), []
        while todo:
            node = todo.pop()
            if node in self.tangents:
                found.append(node)
            elif node.seq > self.start and node not in self.primals:
                for parent, _ in node.next_functions:
                    if parent is not None and parent not in seen:
                        seen.add(parent)
                        todo.append(parent)
        return found

    def refuse(self, who: str, sources: Any) -> None:
        """Raise for a dual tensor where nothing is recorded."""
        if self.directions(sources):
            raise RuntimeError(
                f"{who}: a dual tensor must not be used under no_grad(), where nothing is recorded to compute its "
                "tangent from; detach() it if none is wanted"
            )


def _nodes(sources: Any) -> Iterator[Node]:
    """The nodes in a node, None, or nested tuples, lists and dicts of these."""
    if isinstance(sources, Node):
        yield sources
    elif sources is not None:
        for each in sources.values() if isinstance(sources, dict) else sources:
            yield from _nodes(each)


@differentiable(primal=lambda g: g, direction=lambda g: g, complex=True, name="make_dual")
def _dual(primal: Any, direction: Any) -> Any:
    return primal


@differentiable(dual=lambda g: np.zeros_like(g) if unpacking() else g, complex=True, name="unpack_dual")
def _primal(dual: Any) -> Any:
    return dual


def unpacking() -> bool:
    """Whether the backward pass that runs looks for a tangent, for which what has been unpacked is constant."""
    return mode.duals is not None and mode.duals.unpacks


def enter_dual_level() -> int:
    """Begin to carry derivatives along, in this thread.

    Returns
    -------
    int
        0; there is one level.

    Raises
    ------
    RuntimeError
        Within another one.

    Examples
    --------
    >>> from tinygrad_lite.autograd import forward_ad
    >>> forward_ad.enter_dual_level()
    0
    >>> forward_ad.exit_dual_level()
    """
    if mode.duals is not None:
        raise RuntimeError("enter_dual_level: Nested forward mode AD is not supported at the moment")
    mode.duals = Level()
    mode.packers.append(mode.duals)
    OFF.add(mode.duals)
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End what `enter_dual_level` began; tensors have no tangents any more.

    Parameters
    ----------
    level : int, optional
        0, if it is given.

    Raises
    ------
    RuntimeError
        Outside of a level, or for another one.

    Examples
    --------
    >>> from tinygrad_lite.autograd import forward_ad
    >>> level = forward_ad.enter_dual_level()
    >>> forward_ad.exit_dual_level(level=level)
    """
    if mode.duals is None or level not in (None, 0):
        raise RuntimeError(
            "exit_dual_level: must be called within a level, the one that was entered last "
            f"(Trying to exit a forward AD level that was not the last one), got {level}"
        )
    mode.packers.remove(mode.duals)
    OFF.discard(mode.duals)
    mode.duals = None


class dual_level:
    """A ``with`` block in which derivatives are carried along.

    Unlike PyTorch's dual tensors these require grad; under `no_grad` they are refused; a gradient computed in the block
    is recorded, so that it has a tangent, too; and a custom Function's `jvp` is not called: its `backward`, which must
    be differentiable, says as much.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 10.0]))
    ...     forward_ad.unpack_dual(x * x)
    UnpackedDualTensor(primal=tensor([1., 4.]), tangent=tensor([ 2., 40.]))
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *_: object) -> None:
        exit_dual_level()


def _entered(who: str, level: int | None) -> Level:
    if mode.duals is None or level not in (None, 0):
        raise RuntimeError(
            f"{who}: must be called within dual_level(), with its level, got level {level} (Trying to create a dual "
            "Tensor for forward AD but no level exists, make sure to enter_dual_level() first.)"
        )
    found: Level = mode.duals
    return found


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Tensor:
    """A tensor that carries the derivative in a direction along.

    Parameters
    ----------
    tensor : Tensor, floating or complex
        The primal. The result looks at its memory.
    tangent : Tensor, of the same shape and dtype
        The direction.
    level : int, optional
        0, if it is given.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For integers, and for a tangent of another shape or dtype.
    RuntimeError
        Outside of `dual_level`, and for dual tensors.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(tg.tensor(0.0), tg.tensor(2.0))
    ...     forward_ad.unpack_dual(x.sin()).tangent
    tensor(2.)
    """
    entered = _entered("make_dual", level)
    for name, value in (("primal", tensor), ("tangent", tangent)):
        if not isinstance(value, rules.Tensor):
            raise TypeError(f"make_dual: the {name} must be a Tensor, got {type(value).__name__}")
        if value.dtype.kind not in "fc":
            raise InputError(f"make_dual: Expected {name} to be floating point or complex, but got: {value.dtype}")
        if entered.directions(views.node_of(value)):
            raise RuntimeError(
                f"make_dual: the {name} must be no dual tensor; it has a forward gradient at the same level"
            )
    if tangent.shape != tensor.shape or tangent.dtype != tensor.dtype:
        raise InputError(
            f"make_dual: the tangent must be of shape {tensor.shape} and {tensor.dtype}, as the primal, got "
            f"{tangent.shape} and {tangent.dtype} (Trying to set a forward gradient that has a different size than "
            "that of the original Tensor, this is not supported.)"
        )
    direction = wrap(tensor._data).requires_grad_()
    entered.tangents[direction._node] = direction, tangent
    before, mode.enabled = mode.enabled, True
    try:
        return _dual(tensor, direction)
    finally:
        mode.enabled = before


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """A tensor's value and its tangent.

    Parameters
    ----------
    tensor : Tensor
    level : int, optional
        0, if it is given.

    Returns
    -------
    named tuple (primal, tangent)
        Two Tensors; the second is None for what depends on no dual tensor, and outside of a level. They require grad
        where they depend on something else that does.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.autograd import forward_ad
    >>> forward_ad.unpack_dual(tg.tensor(3.0))
    UnpackedDualTensor(primal=tensor(3.), tangent=None)
    """
    if not isinstance(tensor, rules.Tensor):
        raise TypeError(f"unpack_dual: expected a Tensor, got {type(tensor).__name__}")
    entered, node = mode.duals, views.node_of(tensor)
    found = entered.directions(node) if entered is not None else []
    if not found:
        return UnpackedDualTensor(tensor, None)
    pairs = [entered.tangents[leaf] for leaf in found]
    leaves = [leaf for leaf, _ in pairs]
    connected = depends_elsewhere([tensor], leaves)
    if node is not None and node.op_name == "make_dual" and len(found) == 1:
        tangent = pairs[0][1]
    else:
        create = mode.enabled and (connected or any(t.requires_grad for _, t in pairs))
        entered.unpacks = True
        try:
            (tangent,) = push([tensor], leaves)([t for _, t in pairs], create)
        finally:
            entered.unpacks = False
        tangent = tangent if create else tangent.detach()
    if not connected:
        return UnpackedDualTensor(tensor.detach(), tangent)
    primal = _primal(tensor)
    entered.primals.add(primal._node)
    return UnpackedDualTensor(primal, tangent)


def __getattr__(name: str) -> Any:
    if name == "_current_level":
        return -1 if mode.duals is None else 0
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
