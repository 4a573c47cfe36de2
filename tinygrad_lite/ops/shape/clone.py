"""`clone`, `detach`, `sum_to_size`: the same values in memory of their own, or without their history."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes
from .broadcasting import unexpand

__all__ = ["clone", "detach"]
METHODS = "sum_to_size"


def clone(input: Any, *, memory_format: Any = None) -> Tensor:
    """A copy, differentiably.

    Parameters
    ----------
    input : Tensor
    memory_format : memory_format, optional
        The order of the copy in memory.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.clone(tg.tensor([1, 2]))
    tensor([1, 2])
    """
    return input.clone(memory_format=memory_format)


def copied(shown: Any) -> Any:
    """The same in C order and in memory of its own."""
    return shown.clone() if shown.is_contiguous() else shown.contiguous()


def detach(input: Any) -> Tensor:
    """The same memory without history.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.detach(tg.ones(2, requires_grad=True)).requires_grad
    False
    """
    return input.detach()


def sum_to_size(self: Any, *size: Any) -> Tensor:
    """Sum what broadcasting from `size` to this shape would have repeated."""
    target, shape = sizes(size, "sum_to_size"), unwrap(self).shape
    lead = len(shape) - len(target)
    if lead < 0 or any(n not in (1, m) for n, m in zip(target, shape[lead:])):
        raise RuntimeError(f"sum_to_size: {target} must broadcast to {shape}")
    return unexpand(self, target) if target else np.sum(self)
