"""One launch shared between threads, by threads of our own.

A kernel that can be shared takes a cursor as its last argument: it claims pieces of work from the cursor
until none is left and returns how many it did. The calling thread starts at once; helpers join as soon as
they wake up. So a launch never waits for a thread that has not started, and on busy cores it costs what a
serial launch costs. numba's own threading layers do worse here: their workers spin between launches (a step
between small matrix products took 11.8 ms instead of 0.35), and depending on the layer abort the process
after a fork or when two threads launch at once.

A sleeping thread takes 25 to 45 us to wake. So whoever waits, a helper for the next launch or a launch for its
helpers, first looks out for a tenth of a millisecond, in rounds in which any other thread may have the core.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import numpy as np

VARIABLE = "TINYGRAD_LITE_THREADS"

WAIT = 200 if hasattr(os, "sched_yield") else 0  # rounds of half a microsecond
RELEASED = 20  # rounds after a ring: whoever rang releases the GIL by then, and taking it needs no other sleep

_Job = tuple[Callable[..., int], tuple[Any, ...], "SimpleQueue[int]", Any]

_count: int | None = None
_jobs: SimpleQueue[_Job] = SimpleQueue()
_bell = np.zeros(1, np.intp)  # changes when there are jobs
_linger: Callable[[Any, int, int, int], bool]  # known when the first helper is
_helpers: list[threading.Thread] = []
_lock = threading.Lock()


def get_num_threads() -> int:
    """Return how many threads share a large launch.

    By default ``TINYGRAD_LITE_THREADS``, else the number of cores this process may use.

    Returns
    -------
    int

    Examples
    --------
    >>> from tinygrad_lite import kernels
    >>> kernels.get_num_threads() >= 1
    True
    """
    global _count
    if _count is None:
        asked = os.environ.get(VARIABLE)
        if asked:
            set_num_threads(int(asked) if asked.isdecimal() else asked)
        elif hasattr(os, "sched_getaffinity"):
            _count = len(os.sched_getaffinity(0))
        else:
            _count = os.cpu_count() or 1
    return _count or 1


def set_num_threads(n: Any) -> None:
    """Set how many threads share a large launch.

    Parameters
    ----------
    n : int
        At least 1, which means no helpers.

    Raises
    ------
    ValueError
        If `n` is not a positive integer.

    Examples
    --------
    >>> from tinygrad_lite import kernels
    >>> before = kernels.get_num_threads()
    >>> kernels.set_num_threads(2)
    >>> kernels.get_num_threads()
    2
    >>> kernels.set_num_threads(before)
    """
    global _count
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: the number of threads must be an integer of at least 1, got {n!r}")
    _count = n


def launch(kernel: Callable[..., int], pieces: int, *args: Any, helpers: int | None = None) -> None:
    """Run a kernel that claims its work, alone or with helpers.

    Parameters
    ----------
    kernel : callable
        Called as ``kernel(*args, cursor)``; must release the GIL, and return the number of pieces it did.
    pieces : int
        How many pieces there are.
    helpers : int, optional
        How many threads to wake besides the calling one; by default all there are.
    """
    # One for each launch: a helper that wakes up late finds the work of *its* launch done.
    cursor = np.zeros(1, np.intp)
    wanted = min(get_num_threads() if helpers is None else helpers + 1, pieces) - 1
    if wanted < 1:
        kernel(*args, cursor)
        return
    if len(_helpers) < wanted:
        _hire(wanted)
    done: SimpleQueue[int] = SimpleQueue()
    bell = np.zeros(1, np.intp)
    job = kernel, (*args, cursor), done, bell
    for _ in range(wanted):
        _jobs.put(job)
    _bell[0] += 1
    finished = kernel(*args, cursor)
    while finished < pieces:  # the rest is in the hands of helpers that have started
        seen = int(bell[0])
        if done.empty():
            _linger(bell, seen, WAIT, RELEASED)
        finished += done.get()


def _hire(n: int) -> None:
    global _linger
    from .waiting import linger

    with _lock:
        _linger = linger.compiled if WAIT else linger.plain
        while len(_helpers) < n:
            thread = threading.Thread(target=_help, args=(_jobs,), name="tinygrad_lite", daemon=True)
            thread.start()
            _helpers.append(thread)


def _help(jobs: SimpleQueue[_Job]) -> None:
    while True:
        seen = int(_bell[0])
        if jobs.empty():
            _linger(_bell, seen, WAIT, RELEASED)
        kernel, args, done, bell = jobs.get()
        pieces = kernel(*args)
        if pieces:
            done.put(pieces)
            bell[0] += 1
        del kernel, args, done, bell  # an idle helper keeps nobody's arrays alive


def _after_fork() -> None:
    """A child has no helpers: let it hire its own, and forget what its parent's were doing."""
    global _jobs, _lock
    _jobs, _lock = SimpleQueue(), threading.Lock()
    _helpers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
