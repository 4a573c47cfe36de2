"""`send`, `recv`, `isend`, `irecv`: tensors from one rank to another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np

from .. import Tensor
from ..engine.errors import InputError
from ..graph import written
from .collectives import array_of
from .groups import ProcessGroup
from .work import here, wait_for
from .world import resolve

__all__ = ["irecv", "isend", "recv", "send"]


class Message:
    """A tensor on its way between two ranks."""

    def __init__(self, group: ProcessGroup, text: str, request: Any, wire: Any, array: Any) -> None:
        self._group, self._text, self._request, self._wire, self._array = group, text, request, wire, array
        self._status = None if group.size() == 1 else group.MPI.Status()

    def __repr__(self) -> str:
        return self._text

    def is_completed(self) -> bool:
        """Whether it is done."""
        if self._request is not None and self._request.Test(self._status):
            self._request = None
            if self._array is not None:
                if self._wire is not self._array:
                    self._array[...] = self._wire
                written(self._array, "recv")
        return self._request is None

    def wait(self, timeout: timedelta | float | None = None) -> bool:
        """Wait until it is done, for as long as the group allows."""
        wait_for(self._group, self.is_completed, self, timeout)
        return True


def _message(who: str, tensor: Tensor, rank: int | None, group: Any, tag: int, name: str) -> Message:
    found, array = resolve(who, group), array_of(who, tensor)
    if found.size() == 1 or rank == found.world.rank or (rank is not None and rank not in found.ranks):
        raise InputError(f"distributed.{who}: {name} must be another rank of {list(found.ranks)}, got {rank}")
    text = f"{who}({array.dtype} {array.shape}, {name} {rank}) at {here(3)}"
    found.world.require(found, who)
    place = found.MPI.ANY_SOURCE if rank is None else found.ranks.index(rank)
    if name == "dst":
        wire = np.ascontiguousarray(array)
        return Message(found, text, found.comm.Isend(wire, place, tag), wire, None)
    wire = array if array.flags.c_contiguous else np.empty(array.shape, array.dtype)
    return Message(found, text, found.comm.Irecv(wire, place, tag), wire, array)


def isend(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0) -> Message:
    """Begin to send a tensor to rank `dst`; it must be left alone until ``wait()``."""
    if dst is None:
        raise InputError("distributed.isend: dst must be a rank, got None")
    return _message("isend", tensor, dst, group, tag, "dst")


def irecv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0) -> Message:
    """Begin to receive a tensor from rank `src`, or from any."""
    return _message("irecv", tensor, src, group, tag, "src")


def send(tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0) -> None:
    """Send a tensor to rank `dst`."""
    isend(tensor, dst, group, tag).wait()


def recv(tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0) -> int:
    """Receive a tensor from rank `src`, or from any, and return the rank."""
    message = irecv(tensor, src, group, tag)
    message.wait()
    status = message._status
    assert status is not None
    return message._group.ranks[status.source] if src is None else src
