"""`is_tensor`, `is_floating_point` and kin: questions whose answers are Python's: what something is, and how large."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._tensor import Tensor
from ..rules import unwrap
from .size import Size

__all__ = [
    "broadcast_shapes", "get_device", "is_conj", "is_floating_point", "is_inference", "is_neg", "is_nonzero",
    "is_same_size", "is_signed", "is_tensor", "numel", "typename",
]  # fmt: skip


def is_tensor(obj: Any) -> bool:
    """Whether something is a Tensor.

    Parameters
    ----------
    obj : object

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_tensor(tg.zeros(2)), tg.is_tensor([0.0, 0.0])
    (True, False)
    """
    return isinstance(obj, Tensor)


def get_device(input: Any) -> int:
    """-1, as PyTorch says of the CPU.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    int

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.get_device(tg.zeros(2))
    -1
    """
    return int(input.get_device())


def is_conj(input: Any) -> bool:
    """False: numbers are conjugated at once.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_conj(tg.zeros(2, dtype=tg.complex64).conj())
    False
    """
    return bool(input.is_conj())


def is_neg(input: Any) -> bool:
    """False: numbers are negated at once.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_neg(-tg.zeros(2))
    False
    """
    return bool(input.is_neg())


def is_inference(input: Any) -> bool:
    """False: what is made under `inference_mode` is a tensor like all others.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_inference(tg.zeros(2))
    False
    """
    return bool(input.is_inference())


def is_floating_point(input: Any) -> bool:
    """Whether the dtype is a float.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_floating_point(tg.zeros(2)), tg.is_floating_point(tg.arange(2))
    (True, False)
    """
    return bool(unwrap(input).dtype.kind == "f")


def is_signed(input: Any) -> bool:
    """Whether the dtype has negative numbers.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_signed(tg.zeros(2)), tg.is_signed(tg.zeros(2, dtype=tg.uint8))
    (True, False)
    """
    return bool(unwrap(input).dtype.kind in "ifc")


def is_same_size(input: Any, other: Any) -> bool:
    """Whether two tensors are of one shape.

    Parameters
    ----------
    input, other : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_same_size(tg.zeros(2, 3), tg.zeros(3, 2))
    False
    """
    return bool(unwrap(input).shape == unwrap(other).shape)


def is_nonzero(input: Any) -> bool:
    """Whether the only element is not zero.

    Parameters
    ----------
    input : Tensor of one element

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.is_nonzero(tg.tensor([0.0]))
    False
    """
    return bool(input)


def numel(input: Any) -> int:
    """Number of elements.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    int

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.numel(tg.zeros(2, 3))
    6
    """
    return int(unwrap(input).size)


def broadcast_shapes(*shapes: Any) -> Size:
    """The common shape of tensors of some shapes.

    Parameters
    ----------
    *shapes : sequence of int

    Returns
    -------
    Size

    Raises
    ------
    RuntimeError
        For shapes that have none.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.broadcast_shapes((3, 1), (2,))
    (3, 2)
    """
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise RuntimeError(f"broadcast_shapes: shapes must broadcast, got {', '.join(map(str, shapes))}") from None


def typename(obj: Any) -> str:
    """The name of an object's type: of a tensor as `Tensor.type` says it, of others with their module.

    Parameters
    ----------
    obj : object

    Returns
    -------
    str

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.typename(tg.ones(2)), tg.typename([1])
    ('torch.FloatTensor', 'list')
    """
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", None)
    return kind.__qualname__ if module in (None, "builtins") else f"{module}.{kind.__qualname__}"
