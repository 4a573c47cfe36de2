"""`Variable`: what tensors with gradients were in PyTorch before 0.4."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor

__all__ = ["Variable"]


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

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        made = Tensor() if data is None else data.detach()
        return made.requires_grad_(requires_grad)
