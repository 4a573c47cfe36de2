"""`begin_single`, `end_single`: OpenBLAS has each product done by the thread that asks for it, for as long as it takes.

The parts of a product that OpenBLAS shares wait for each other, so that it takes several times as long where other
programs want the cores. Whole products, or rows of one, which threads of ours claim, wait for nobody.

The number of threads is the process's: a product that another thread of a user begins meanwhile has one, too.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# mypy: disable-error-code="call-arg"

from __future__ import annotations

import ctypes
import os
from functools import cache

import numpy as np

from ..codegen.raw_memory import put
from ..memory import view, word
from ..worker_threads import exchange, give_way, swap
from . import BEFORE, LOCK, NUMBER, RUNNING, SINGLE, number_of_threads

WORD = 8  # bytes


@cache
def state() -> int:
    """The address of `SINGLE`, which says how many launches run, and what the number of threads was before them."""
    number = number_of_threads()
    if number is not None:
        SINGLE[NUMBER] = ctypes.addressof(number)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)
    return int(SINGLE.ctypes.data)


def _after_fork() -> None:
    """A child has none of the threads that were in a product."""
    if SINGLE[RUNNING]:
        number_of_threads().value = int(SINGLE[BEFORE])
    SINGLE[:NUMBER] = 0


def begin_single(state: int) -> None:
    """Have one thread for each product, until as many have ended as have begun."""
    if word(state + NUMBER * WORD) == 0:
        return
    while not swap(state + LOCK * WORD, 0, 1):
        give_way()
    running, number = word(state + RUNNING * WORD), view(word(state + NUMBER * WORD), 1, np.int32)
    if running == 0:
        put(state + BEFORE * WORD, number[0])
        number[0] = 1
    put(state + RUNNING * WORD, running + 1)
    exchange(state + LOCK * WORD, 0)


def end_single(state: int) -> None:
    """Give back what `begin_single` found, unless somebody has asked for another number meanwhile."""
    if word(state + NUMBER * WORD) == 0:
        return
    while not swap(state + LOCK * WORD, 0, 1):
        give_way()
    running, number = word(state + RUNNING * WORD) - 1, view(word(state + NUMBER * WORD), 1, np.int32)
    if running == 0 and number[0] == 1:
        number[0] = word(state + BEFORE * WORD)
    put(state + RUNNING * WORD, running)
    exchange(state + LOCK * WORD, 0)
