"""`frombuffer`: a tensor on the memory of bytes, of a memory map and of their like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dtypes import as_dtype
from ...engine.errors import InputError
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
        For what has no memory to share, and where the bytes do not come out even, or there are too few.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.frombuffer(bytearray([1, 0, 2, 0]), dtype=tg.int16)
    tensor([1, 2], dtype=int16)
    """
    try:
        size = memoryview(buffer).nbytes
    except TypeError:
        raise InputError(
            f"frombuffer: buffer must be an object with the buffer protocol, got {type(buffer).__name__} "
            "(object does not implement Python buffer protocol.)"
        ) from None
    each = as_dtype(dtype).itemsize
    if not size or not count:
        raise InputError(f"frombuffer: both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise InputError(f"frombuffer: offset ({offset} bytes) must be non-negative and no greater than buffer length "
                         f"({size} bytes) - 1")  # fmt: skip
    if count < 0 and (size - offset) % each:
        raise InputError(f"frombuffer: buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
                         f"multiple of element size ({each})")  # fmt: skip
    if offset + count * each > size:
        raise InputError(f"frombuffer: requested buffer length ({count} * {each} bytes) after offset ({offset} bytes) "
                         f"must not be greater than actual buffer length ({size} bytes)")  # fmt: skip
    array = np.frombuffer(buffer, as_dtype(dtype), max(count, -1), offset)
    out: Any = wrap(array if array.flags.writeable else array.copy())
    return out.requires_grad_() if requires_grad else out
