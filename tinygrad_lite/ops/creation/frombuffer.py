"""`frombuffer`: a tensor on the memory of bytes, of a memory map and of their like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dtypes import as_dtype
from ...rules import wrap
from ...tensors.tensor_type import Tensor

__all__ = ["frombuffer"]


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A tensor of one dimension that shares the memory of an object with the buffer protocol.

    Parameters
    ----------
    buffer : object
        Such as `bytearray`. What may only be read, as `bytes`, is copied, since a tensor may be written to.
    dtype : dtype
    count : int
        How many elements; all that there are by default.
    offset : int
        How many bytes are left out first.
    requires_grad : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        Where the bytes do not come out even, or there are too few.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.frombuffer(bytearray([1, 0, 2, 0]), dtype=tg.int16)
    tensor([1, 2], dtype=int16)
    """
    array = np.frombuffer(buffer, as_dtype(dtype), count, offset)
    out: Any = wrap(array if array.flags.writeable else array.copy())
    return out.requires_grad_() if requires_grad else out
