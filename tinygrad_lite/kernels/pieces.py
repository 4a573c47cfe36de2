"""Loops over a range, shared between threads without a cursor of their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from .backend import backend
from .threads import launch


def in_pieces(work: Callable[[int, int], object], total: int, size: int) -> None:
    """Call ``work(first, last)`` until all of ``range(total)`` is done, from several threads if there is much.

    Parameters
    ----------
    work : callable
        Runs a kernel on a part of the range. The parts are independent of each other.
    total : int
    size : int
        How many of the range make a piece: so many that the kernel takes much longer than the 5 us to call it.
    """
    pieces = -(-total // size)
    if pieces < 2 or backend() == "numpy":
        work(0, total)
        return
    claims = itertools.count()  # under the GIL, which kernels release

    def claim(_: object) -> int:
        done = 0
        for piece in claims:
            if piece >= pieces:
                break
            work(piece * size, min((piece + 1) * size, total))
            done += 1
        return done

    launch(claim, pieces)
