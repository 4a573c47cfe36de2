"""Arrays in memory that a process shares with those that are forked from it."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np


def shared(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy in shared memory."""
    made = np.frombuffer(mmap.mmap(-1, max(array.nbytes, 1)), array.dtype, array.size).reshape(array.shape)
    made[...] = array
    return made


def is_shared(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array is in such memory."""
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return isinstance(getattr(base, "obj", base), mmap.mmap)
