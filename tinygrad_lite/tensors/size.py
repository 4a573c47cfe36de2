"""`Size`: the shape of a tensor, a tuple that counts its elements."""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import index
from typing import Any

__all__ = ["Size"]


class Size(tuple[int, ...]):
    """What ``x.shape`` and ``x.size()`` are: a tuple, equal to any with the same sizes, and printed as one.

    Parameters
    ----------
    iterable : iterable of int

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> shape = tg.zeros(2, 3).shape
    >>> shape, shape == (2, 3), shape.numel(), shape[1:].numel(), isinstance(shape, tg.Size)
    ((2, 3), True, 6, 3, True)
    """

    __slots__ = ()

    def __new__(cls, iterable: Iterable[Any] = ()) -> Size:
        made = tuple.__new__(cls, iterable)
        return made if _INT.issuperset(map(type, made)) else tuple.__new__(cls, map(_whole, made))

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __getitem__(self, part: Any) -> Any:
        return _item(self, part) if type(part) is int else _part(_item(self, part))

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: Any) -> Any:
        return _part(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self) -> Any:
        return tuple, (tuple(self),)  # a saved shape is one of Python's


_item = tuple.__getitem__
_INT = frozenset({int})


def _whole(size: Any) -> int:
    """A size that came as another whole number, such as a Tensor without dimensions."""
    try:
        return index(size)
    except TypeError:
        raise TypeError(f"Size: sizes must be integers, got {type(size).__name__}") from None


def _part(part: Any) -> Any:
    return Size(part) if type(part) is tuple else part


class Sizes(dict[tuple[int, ...], Size]):
    """The `Size` of each tuple that was asked for: finding it costs a third of making it."""

    _MOST = 4096

    def __missing__(self, shape: tuple[int, ...]) -> Size:
        if len(self) >= self._MOST:
            self.clear()
        made = self[shape] = Size(shape)
        return made


size_of = Sizes()


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous tensor, where NumPy has no rule for those of nothing."""
    widths = [max(n, 1) for n in shape]
    return tuple(math.prod(widths[d + 1 :]) for d in range(len(shape)))
