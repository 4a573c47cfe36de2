"""`empty_strided`, `empty_permuted`, and `resize_`: memory of a shape, in an order of the caller's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...dtypes import as_dtype, get_default_dtype
from ...engine import views
from ...engine.errors import InputError
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes
from .creation import only_cpu

__all__ = ["empty_permuted", "empty_strided", "resize_as_"]
METHODS = "new_empty_strided resize_ resize_as_"


def empty_strided(
    size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Memory as it is found, with strides in elements.

    Parameters
    ----------
    size : sequence of int
    stride : sequence of int
        As many, not negative.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For sizes and strides that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    only_cpu(device, "empty_strided")
    shape, steps = sizes((size,), "empty_strided"), sizes((stride,), "empty_strided")
    if len(shape) != len(steps) or min((*shape, *steps), default=0) < 0:
        raise InputError(
            f"empty_strided: size and stride must be as many numbers, none negative, got {shape} and {steps}"
        )
    kind = as_dtype(get_default_dtype() if dtype is None else dtype)
    extent = 1 + sum((n - 1) * s for n, s in zip(shape, steps)) if 0 not in shape else 0
    memory = np.empty(extent, kind)
    out = wrap(np.lib.stride_tricks.as_strided(memory, shape, tuple(s * kind.itemsize for s in steps)))
    return out.requires_grad_() if requires_grad else out


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Memory as it is found, whose dimensions lie in an order of their own.

    Parameters
    ----------
    size : sequence of int
    physical_layout : sequence of int
        The dimensions from the outermost to the innermost in memory.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For an order that does not name every dimension once.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.empty_permuted((2, 3, 4), (0, 2, 1)).stride()
    (12, 1, 3)
    """
    shape, order = sizes((size,), "empty_permuted"), sizes((physical_layout,), "empty_permuted")
    if sorted(order) != list(range(len(shape))):
        raise InputError(f"empty_permuted: physical_layout must order {len(shape)} dimensions, got {order}")
    strides = [math.prod(max(shape[d], 1) for d in order[order.index(dim) + 1 :]) for dim in range(len(shape))]
    return empty_strided(shape, strides, dtype=dtype, device=device, requires_grad=requires_grad)


def new_empty_strided(
    self: Any, size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`empty_strided` of this tensor's dtype."""
    kind = self.dtype if dtype is None else dtype
    return empty_strided(size, stride, dtype=kind, device=device, requires_grad=requires_grad)


def resize_(self: Any, *size: Any, memory_format: Any = None) -> Tensor:
    """Another size in place: the elements stay as they lie in memory, and what is added is memory as it is found."""
    if views.node_of(self) is not None:
        raise RuntimeError("resize_: the tensor must not require grad; use detach(), or reshape")
    shape, data = sizes(size, "resize_"), self._data
    if min(shape, default=0) < 0:
        raise InputError(f"resize_: sizes must not be negative, got {shape}")
    if shape == data.shape:
        return self
    count, flat = math.prod(shape), data.ravel("K")
    if data.size and not np.may_share_memory(flat, data):
        raise RuntimeError(f"resize_: the tensor must fill its memory without gaps, got strides {self.stride()}")
    if count > data.size:
        flat = np.empty(count, data.dtype)
        flat[: data.size] = data.ravel("K")
    self._data, self._view = flat[:count].reshape(shape), None
    return self


def resize_as_(input: Any, the_template: Any, *, memory_format: Any = None) -> Tensor:
    """The size of another tensor in place: elements stay as they lie in memory, what is added is memory as it is found.

    Parameters
    ----------
    input : Tensor
        Must not require grad.
    the_template : Tensor
    memory_format : memory_format, optional
        Accepted and ignored.

    Returns
    -------
    Tensor
        `input` itself.

    Raises
    ------
    RuntimeError
        Where it requires grad.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.resize_as_(tg.arange(6), tg.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return resize_(input, unwrap(the_template).shape)
