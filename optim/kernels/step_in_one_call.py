"""Tensors found and a kernel launched over them, in one compiled call: a short step is over before Python is warm.

Imported by whoever runs compiled code, hence never before numba is needed.
"""

# numba has types for little of itself
# mypy: disable-error-code="no-untyped-call, call-arg, var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import typeof

from tinygrad_lite.kernels.native.find_arrays import Array, Collector, collect
from tinygrad_lite.kernels.native.source import compiled
from tinygrad_lite.kernels.native.task_codegen import address_of, conductor, launch_over
from tinygrad_lite.kernels.native.threads import Failure, nearby

FAILED = -2
OWN = 13  # where in the record begins what the collector does not know
LAUNCHES = OWN + 9


def _start(members: int, record: int, values: Any, crew: int, helpers: int) -> int:
    """Launch a kernel, if the Tensors in a list are the expected ones.

    Parameters
    ----------
    members : int
        Address of the list.
    record : int
        Address of `Ready.record`.
    values : array of the kernel's dtype
        The scalars.
    crew, helpers : int
        The address of the slots, and how many helpers may join.

    Returns
    -------
    int
        -1, or the first index where something is not as expected, or `FAILED`.
    """
    found = collect(members, record, 0)
    if found < 0 and launch_over(record + 8 * OWN, values, crew, helpers):
        return FAILED
    return found


class Ready:
    """A launch over Tensors and all that belongs to them, prepared.

    Parameters
    ----------
    collector : Collector
        Of the Tensors; writes to the table.
    kernel : callable
        Compiled, called as ``kernel(table, offsets, bounds, first, values, factors, cursor)``; see `Fused.text`.
    pieces : tuple
        The number of pieces, and the kernel's first four arguments.
    dtype : dtype
        The kernel's.

    Attributes
    ----------
    count : int
        How many launches were made, as far as the caller knows: an interrupt can come before `launch` has returned.
    """

    def __init__(self, collector: Collector, kernel: Any, pieces: tuple[Any, ...], dtype: np.dtype[Any]) -> None:
        self._kept = collector, kernel, pieces  # alive: their addresses are in the record
        assert len(collector.record) == OWN  # what compiled code reads by number
        count, table, offsets, bounds, first = pieces
        kinds = (*pieces[1:], np.empty(0, dtype), np.empty((0, 0), dtype), np.empty(0, np.intp))
        addresses = [a.ctypes.data for a in (table, offsets, bounds, first)]
        code = address_of(kernel, tuple(map(typeof, kinds))), conductor()
        self._pieces = count
        launches = cursor = 0
        own = (*table.shape, count, *addresses, *code, launches, cursor)
        self._record = np.array([*collector.record, *own], np.intp)
        self._where, self.count = self._record.ctypes.data, 0
        self._start = compiled(_start, "holding")  # the GIL keeps the gradients alive

    def launch(self, tensors: list[Any], values: Array) -> bool:
        """Do it; False where something was not as expected, and nothing was done."""
        crew, helpers = nearby(self._pieces) if self._pieces > 1 else (0, 0)
        found = self._start(id(tensors), self._where, values, crew, helpers)
        if found == FAILED:
            raise Failure(self._kept[1], helpers)
        if found >= 0:
            return False
        self.count += 1
        return True

    def count_one(self) -> None:
        """Count a launch that was made without this."""
        self._record[LAUNCHES] += 1
        self.count += 1

    def recount(self) -> int:
        """Return how many launches were made, as the compiled code has counted them."""
        self.count = int(self._record[LAUNCHES])
        return self.count
