"""Loops over the first dimension of arrays, shared between threads: what a kernel does with all it does with parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backend import backend
from ..kernel import Kernel
from .threads import launch_parts

FEWEST = 4  # pieces that are shared: a helper that is asleep wakes up too late for less


def _shared(kernel: Kernel, x: Any, total: int, size: int) -> bool:
    return total > (FEWEST - 1) * size and backend() == "numba" and kernel.serves(x)


def in_parts(kernel: Kernel, size: int, cut: Sequence[Any], *others: Any, each: Sequence[Any] = ()) -> None:
    """Run ``kernel(*cut, *each, *others)`` on some rows at a time, from several threads if there are many.

    Parameters
    ----------
    kernel : Kernel
        What it does with some rows must not depend on the others.
    size : int
        How many rows make a piece.
    cut : sequence of arrays, shape (M, ...)
        In C order.
    *others
        Handed on as they are.
    each : sequence of arrays, shape (number of pieces, ...)
        Of these the kernel gets one row: its piece's own.
    """
    total = len(cut[0])
    if not _shared(kernel, cut[0], total, size):
        kernel.run(*cut, *(row[0] for row in each), *others)
    else:
        launch_parts(kernel.compiled, total, size, *cut, *each, *others, cut=len(cut), each=len(each))


def in_ranges(kernel: Kernel, size: int, total: int, *args: Any) -> None:
    """Run ``kernel(*args, first, end)`` until all of ``range(total)`` is done, from several threads if it is much.

    Parameters
    ----------
    kernel : Kernel
    size : int
        How many of the range make a piece.
    total : int
    *args
    """
    if not _shared(kernel, args[0], total, size):
        kernel.run(*args, 0, total)
    else:
        launch_parts(kernel.compiled, total, size, *args, ranged=True)
