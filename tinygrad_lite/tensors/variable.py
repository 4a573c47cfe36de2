"""`Variable`: what tensors with gradients were in PyTorch before 0.4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._tensor import Tensor
from ..graph import mode

__all__ = ["Variable"]


class Engine:
    """What makes backward passes, as far as PyTorch shows it: as ``Variable._execution_engine``."""

    @staticmethod
    def queue_callback(callback: Callable[[], Any]) -> None:
        """Have a function called at the end of the backward pass that runs, when all gradients are accumulated.

        Parameters
        ----------
        callback : callable
            ``callback()``. It may queue others.

        Raises
        ------
        RuntimeError
            Outside of a backward pass, that is of hooks and of a custom Function's `backward`.

        Examples
        --------
        >>> import tinygrad_lite as tg
        >>> x = tg.ones(1, requires_grad=True)
        >>> engine = tg.autograd.Variable._execution_engine
        >>> _ = x.register_hook(lambda g: engine.queue_callback(lambda: print("all of", x.grad)))
        >>> (x * 2 + x * 3).backward()
        all of tensor([5.])
        """
        if not callable(callback):
            raise TypeError(f"queue_callback: callback must be callable, got {type(callback).__name__}")
        if mode.endings is None:
            raise RuntimeError("queue_callback: Final callbacks can only be installed during backward pass.")
        mode.endings.append(callback)


class _Variables(type):
    """Every Tensor is one."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_Variables):
    """A Tensor on the same memory and without history: nothing else is left of it, in PyTorch neither.

    Parameters
    ----------
    data : Tensor
    requires_grad : bool
    volatile : bool
        Accepted and ignored: `no_grad` has taken its place.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.autograd import Variable
    >>> x = Variable(tg.ones(2), requires_grad=True)
    >>> isinstance(x, Variable), type(x).__name__, x.requires_grad
    (True, 'Tensor', True)
    """

    _execution_engine = Engine

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        made = Tensor() if data is None else data.detach()
        return made.requires_grad_(requires_grad)
