"""The arena: a program's memory in one piece, where what is not needed at the same time shares places."""

from __future__ import annotations

from bisect import insort
from typing import Any

import numpy as np

from .steps import bits_of

ALIGNED = 64
_ROOM = 4096  # bytes of numbers
_WORTH = 1 << 12  # bytes that are worth a place in memory of something else


class Arena:
    """Places for memory by when it is needed.

    Parameters
    ----------
    lifetimes : dict
        What -> bytes, first and last use.
    rooms : dict, optional
        Memory that is there anyway -> bytes, and from when until when it is free.
    """

    def __init__(
        self, lifetimes: dict[Any, tuple[int, int, int]], rooms: dict[Any, tuple[int, int, int]] | None = None
    ) -> None:
        sizes = {what: rounded(size) for what, (size, _, _) in lifetimes.items()}
        self.plain = sum(size for size, _, _ in lifetimes.values())
        self.guests: dict[Any, tuple[Any, int]] = {}  # what lies in one of the rooms, and where
        self._places: dict[Any, int] = {}
        free = {room: Shelf() for room, (size, *_) in (rooms or {}).items() if size >= _WORTH}
        shelf = Shelf()
        for what in sorted(sizes, key=lambda w: -sizes[w]):  # the largest first, each as far down as there is space
            size, first, last = sizes[what], *lifetimes[what][1:]
            for room, held in free.items() if size >= _WORTH else ():
                whole, since, until = (rooms or {})[room]
                at = held.gap(size, first, last) if since <= first and last <= until else whole
                if at + size <= whole:
                    held.put(at, size, first, last)
                    self.guests[what] = room, at
                    break
            else:
                self._places[what] = shelf.put(shelf.gap(size, first, last), size, first, last)
        end = shelf.end()
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


class Shelf:
    """A piece of memory, and what lies where in it, and when."""

    def __init__(self) -> None:
        self._placed: list[tuple[int, int, int, int]] = []  # in the order of places: begin, end, first and last use

    def gap(self, size: int, first: int, last: int) -> int:
        """The first place that is free for that long."""
        at = 0
        for begin, end, other_first, other_last in self._placed:
            if other_first <= last and first <= other_last:
                if begin - at >= size:
                    break
                at = max(at, end)
        return at

    def put(self, at: int, size: int, first: int, last: int) -> int:
        """Take a place."""
        insort(self._placed, (at, at + size, first, last))
        return at

    def end(self) -> int:
        """How much memory it takes."""
        return max((end for _, end, _, _ in self._placed), default=0)


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


def rounded(size: int) -> int:
    """Bytes that a place takes."""
    return -(-max(size, 1) // ALIGNED) * ALIGNED


def extent(array: Any) -> int:
    """Bytes from the first to the last element."""
    if not array.size:
        return 0
    return int(sum((n - 1) * s for n, s in zip(array.shape, array.strides)) + array.itemsize)


def address_of(array: Any) -> int:
    """Where an array's first element lies."""
    return int(array.__array_interface__["data"][0])
