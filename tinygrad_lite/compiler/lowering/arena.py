"""The arena: a program's memory in one piece, where what is not needed at the same time shares places."""

from __future__ import annotations

from bisect import insort
from typing import Any

import numpy as np

from .steps import bits_of

ALIGNED = 64
_ROOM = 4096  # bytes of numbers


class Arena:
    """Places for memory by when it is needed.

    Parameters
    ----------
    lifetimes : dict
        What -> bytes, first and last use.
    """

    def __init__(self, lifetimes: dict[Any, tuple[int, int, int]]) -> None:
        sizes = {what: -(-max(size, 1) // ALIGNED) * ALIGNED for what, (size, _, _) in lifetimes.items()}
        self.plain = sum(size for size, _, _ in lifetimes.values())
        self._places: dict[Any, int] = {}
        placed: list[tuple[int, int, int, int]] = []  # in the order of places: where it begins and ends, and when
        for what in sorted(sizes, key=lambda w: -sizes[w]):  # the largest first, each as far down as there is room
            at, (_, first, last) = 0, lifetimes[what]
            for begin, end, other_first, other_last in placed:
                if other_first <= last and first <= other_last:
                    if begin - at >= sizes[what]:
                        break
                    at = max(at, end)
            self._places[what] = at
            insort(placed, (at, at + sizes[what], first, last))
        end = max((end for _, end, _, _ in placed), default=0)
        raw = np.empty(end + ALIGNED, np.uint8)
        shift = -int(raw.ctypes.data) % ALIGNED
        self.memory = raw[shift : shift + end]
        self._start = int(self.memory.ctypes.data)
        self.bytes = end

    def address(self, what: Any) -> int:
        """Where something lies."""
        return self._start + self._places[what]

    def view(self, what: Any, offset: int, like: Any) -> Any:
        """The array of a value's layout."""
        return np.ndarray(like.shape, like.dtype, self.memory, self._places[what] + offset, like.strides)


class Constants:
    """Numbers that steps read."""

    def __init__(self) -> None:
        self._pieces: list[Any] = []
        self._places: dict[bytes, int] = {}
        self._end = _ROOM

    def place(self, value: Any, dtype: Any) -> tuple[int, int]:
        """Register and offset of a number."""
        bits = bits_of(value, dtype)
        if bits not in self._places:
            if self._end + 8 > _ROOM:
                self._pieces.append(np.zeros(_ROOM, np.uint8))
                self._end = 0
            piece = self._pieces[-1]
            piece[self._end : self._end + len(bits)] = np.frombuffer(bits, np.uint8)
            self._places[bits] = int(piece.ctypes.data) + self._end
            self._end += 8
        return 0, self._places[bits]


def extent(array: Any) -> int:
    """Bytes from the first to the last element."""
    if not array.size:
        return 0
    return int(sum((n - 1) * s for n, s in zip(array.shape, array.strides)) + array.itemsize)


def address_of(array: Any) -> int:
    """Where an array's first element lies."""
    return int(array.__array_interface__["data"][0])
