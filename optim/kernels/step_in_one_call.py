"""Tensors found and a kernel launched over them, in one compiled call: a short step is over before Python is warm.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.kernels.native.codegen.language.kinds import kind_of
from tinygrad_lite.kernels.native.codegen.loop import compiled_holding, words_of
from tinygrad_lite.kernels.native.codegen.raw_memory import put
from tinygrad_lite.kernels.native.find_arrays import Array, Collector, collect
from tinygrad_lite.kernels.native.memory import word
from tinygrad_lite.kernels.native.threads import Failure, nearby
from tinygrad_lite.kernels.native.worker_threads import conduct

FAILED = -2
KERNEL, WORDS, VALUES, CURSOR, LAUNCHES = (8 * k for k in range(5))  # what stands where in `Ready`'s own record


def start(members: int, record: int, own: int, values: Any, crew: int, helpers: int) -> int:
    """Launch a kernel, if the Tensors in a list are the expected ones, and count that.

    Parameters
    ----------
    members : int
        Address of the list.
    record : int
        Address of the collector's record.
    own : int
        Address of this launch's: the addresses of the kernel, of its words, of the place there of the scalars' address,
        and of its cursor; and the number of launches.
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
    if found < 0:
        words = word(own + WORDS)
        put(words, 0)
        put(word(own + VALUES), values.ctypes.data)
        put(word(own + CURSOR), 0)
        if conduct(crew, helpers, word(own + KERNEL), words) != 0:
            return FAILED
        put(own + LAUNCHES, word(own + LAUNCHES) + 1)
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
        count, *arrays = pieces
        args = (*arrays, np.empty(0, dtype), np.empty((0, 0), dtype), np.zeros(1, np.intp))
        kinds = tuple(map(kind_of, args))
        words, places = words_of(args, kinds)
        for place, array in zip(places, args):
            words[place] = array.ctypes.data
        self._words = np.array(words, np.intp)
        begin, values, cursor = self._words.ctypes.data, 8 * places[-3], words[places[-1]]
        self._kept = collector, kernel, args  # alive: their addresses are in the words
        self._pieces = count
        self._own = np.array([kernel.compiled(kinds).address, begin, begin + values, cursor, 0], np.intp)
        self._record = np.array(collector.record, np.intp)
        self._where = self._record.ctypes.data, self._own.ctypes.data
        self.count = 0
        self._start = compiled_holding(start).call

    def launch(self, tensors: list[Any], values: Array) -> bool:
        """Do it; False where something was not as expected, and nothing was done."""
        crew, helpers = nearby(self._pieces) if self._pieces > 1 else (0, 0)
        found = self._start(id(tensors), *self._where, values, crew, helpers)
        if found == FAILED:
            raise Failure(self._kept[1], helpers)
        if found >= 0:
            return False
        self.count += 1
        return True

    def count_one(self) -> None:
        """Count a launch that was made without this."""
        self._own[LAUNCHES // 8] += 1
        self.count += 1

    def recount(self) -> int:
        """Return how many launches were made, as the compiled code has counted them."""
        self.count = int(self._own[LAUNCHES // 8])
        return self.count
