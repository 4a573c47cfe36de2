"""`tinygrad_lite.autograd.graph`: hooks on what is saved, and on the gradients of several tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import rules
from ..engine import hooks
from ..engine.blame import came
from ..engine.errors import ArgumentError, InputError
from ..engine.hooks import RemovableHandle, saved_tensors_hooks
from ..engine.views import node_of
from ..graph import GradientEdge as GradientEdge
from ..graph import Node as Node
from ..graph import mode as threads
from ..graph import written
from ..tensors.tensor_type import Tensor

__all__ = [
    "GradientEdge", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge",
    "increment_version", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


class save_on_cpu:
    """A ``with`` block that does nothing: what is saved for the backward pass is on the CPU.

    Parameters
    ----------
    pin_memory : bool
        Accepted and ignored.
    device_type : str
        The same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.autograd.graph.save_on_cpu():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 2.])
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


class disable_saved_tensors_hooks:
    """A ``with`` block in which `saved_tensors_hooks` is refused.

    Parameters
    ----------
    error_message : str

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     with tg.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
    ...         pass
    Traceback (most recent call last):
    ...
    RuntimeError: not here
    """

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> None:
        hooks.REFUSED_HOOKS.append(self.error_message)

    def __exit__(self, *error: object) -> None:
        hooks.REFUSED_HOOKS.pop()


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """A ``with`` block in which the graph keeps copies, so that tensors may be overwritten before the backward pass.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> with tg.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = x * 2
    ...     z = y * y
    ...     _ = y.zero_()
    >>> z.sum().backward()
    >>> x.grad
    tensor([8., 8.])
    """

    def __init__(self) -> None:
        super().__init__(lambda tensor: tensor.clone(), lambda tensor: tensor)


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where a tensor's gradient arrives: what `autograd.grad` and `backward` take in place of the tensor.

    The tensor's memory may be freed meanwhile.

    Parameters
    ----------
    tensor : Tensor

    Returns
    -------
    GradientEdge

    Raises
    ------
    RuntimeError
        If the tensor does not require grad.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> edge = tg.autograd.graph.get_gradient_edge(y)
    >>> z = y * 5
    >>> tg.autograd.grad(z, edge)
    (tensor(5.),)
    """
    if not isinstance(tensor, rules.Tensor):
        raise ArgumentError(f"get_gradient_edge: tensor must be a Tensor, got {came(tensor)}")
    node = node_of(tensor)
    if node is None:
        raise RuntimeError(
            "get_gradient_edge: the tensor must require grad (It is not possible to get the gradient edge of a Tensor "
            "that does not require gradients)"
        )
    return GradientEdge(node)


def increment_version(tensor: Any) -> None:
    """Say that a tensor, or each of several, was overwritten by other means than this library's.

    Parameters
    ----------
    tensor : Tensor or iterable of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2)
    >>> tg.autograd.graph.increment_version(x)
    """
    for each in [tensor] if isinstance(tensor, Tensor) else tensor:
        written(each._data, "increment_version", 2)


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[..., Any], *, mode: str = "all") -> _Handles:
    """Call a function when several tensors have got their gradients in a backward pass.

    Parameters
    ----------
    tensors : sequence of Tensor that require grad
    fn : callable
        ``fn(gradients)`` with a list of them, or with "any" ``fn(gradient)``; what it returns is ignored.
    mode : "all" or "any"
        When the last of them has got its gradient, or the first. A pass that reaches only some of them calls with
        "all" at its end, with None for the others; one that reaches none does not call.

    Returns
    -------
    handle
        ``remove()`` undoes it.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x, y = tg.ones(1, requires_grad=True), tg.ones(1, requires_grad=True)
    >>> handle = tg.autograd.graph.register_multi_grad_hook((x, y), print)
    >>> (2 * x + 3 * y).sum().backward()
    [tensor([2.]), tensor([3.])]
    >>> handle.remove()
    """
    if mode not in ("all", "any"):
        raise InputError(f"register_multi_grad_hook: Expects mode to be one of ('all', 'any') but got {mode}")

    def hook_of(place: int) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            here = next((e for e in threads.endings if isinstance(e, _Arrived) and e.hook is hook_of), None)
            if here is None:
                here = _Arrived(hook_of, fn, len(tensors) if mode == "all" else 0)
                threads.endings.append(here)
            here.take(place, gradient)

        return hook

    return _Handles(tensor.register_hook(hook_of(i)) for i, tensor in enumerate(tensors))


class _Arrived:
    """The gradients that have arrived in one pass; at its end, those who wait for all are called without the others."""

    def __init__(self, hook: Any, fn: Callable[..., Any], count: int) -> None:
        self.hook, self.fn, self.count = hook, fn, count
        self.gradients: list[Any] = [None] * count
        self.called, self.missing = False, count

    def take(self, place: int, gradient: Any) -> None:
        """Keep one, and call if it is the last; or with the first, if one is enough."""
        if self.count:
            self.gradients[place] = gradient
            self.missing -= 1
            if not self.missing:
                self()
        elif not self.called:
            self.called = True
            self.fn(gradient)

    def __call__(self) -> None:
        """Hand over what has arrived, once."""
        if self.count and not self.called:
            self.called = True
            self.fn(self.gradients)


class _Handles:
    """Several registrations that are undone together."""

    def __init__(self, handles: Iterable[RemovableHandle]) -> None:
        self._handles = tuple(handles)

    def remove(self) -> None:
        """Undo them."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
