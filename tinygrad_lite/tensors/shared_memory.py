"""Arrays in memory that processes share: those that are forked, and those that are started anew and given a tensor."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import weakref
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from .. import rules

_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None  # memory where there is such a folder


class Block(mmap.mmap):
    """Memory with a path by which other processes find it. The process that made it removes the path.

    Parameters
    ----------
    fileno, length : int
        As of `mmap.mmap`.
    """

    path: str


def _mapped(path: str, size: int) -> Block:
    with open(path, "r+b") as file:
        block = Block(file.fileno(), size)
    block.path = path
    return block


def _remove(path: str, maker: int) -> None:
    if os.getpid() == maker:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _on(block: Block, dtype: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.ndarray(shape, dtype, block)


def shared(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy in shared memory."""
    number, path = tempfile.mkstemp(prefix="tinygrad_lite_", dir=_FOLDER)
    size = max(array.nbytes, 1)
    os.truncate(number, size)
    os.close(number)
    block = _mapped(path, size)
    weakref.finalize(block, _remove, path, os.getpid())
    made = _on(block, array.dtype, array.shape)
    made[...] = array
    return made


def block_of(array: np.ndarray[Any, Any]) -> Block | None:
    """The shared memory that an array is all of; None where it is in none, or is a part."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    base = getattr(base, "obj", base)
    return base if isinstance(base, Block) and len(base) == max(array.nbytes, 1) else None


def _attached(cls: Any, path: str, dtype: Any, shape: tuple[int, ...], requires_grad: bool) -> Any:
    """A leaf on the shared memory of another process."""
    tensor = object.__new__(cls)
    tensor._node = tensor._view = None
    tensor._data = _on(_mapped(path, max(int(np.prod(shape)) * dtype.itemsize, 1)), dtype, shape)
    return tensor.requires_grad_() if requires_grad else tensor


def _reduced(tensor: Any) -> Any:
    """How a tensor travels to another process: by the path of its memory where that is shared."""
    block = block_of(tensor._data)
    if block is None or not tensor._data.flags.c_contiguous:
        return tensor.__reduce_ex__(4)
    return _attached, (type(tensor), block.path, tensor._data.dtype, tensor._data.shape, tensor.requires_grad)


def share(tensor: Any) -> None:
    """Move a leaf's numbers, and its gradient's, to shared memory."""
    for cls in {rules.Tensor, type(tensor)}:
        ForkingPickler.register(cls, _reduced)
    for each in (tensor, tensor.grad):
        if each is not None and block_of(each._data) is None:
            each._data = shared(each._data)
