"""One launch shared between threads, by threads of our own.

A kernel that can be shared takes a cursor as its last argument: it claims pieces of work from the cursor
until none is left. The calling thread starts at once; helpers join as soon as they wake up. So a launch never
waits for a thread that has not started, and on busy cores it costs what a serial launch costs. numba's own
threading layers do worse here: their workers spin between launches (a step between small matrix products took
11.8 ms instead of 0.35), and depending on the layer abort the process after a fork or when two threads launch
at once.

A sleeping thread takes 25 to 45 us to wake. So a helper that has nothing to do looks out for a fifth of a
millisecond first, in rounds in which any other thread may have the core; `worker_threads` has the compiled part of
that, `codegen.entry` what is handed over. The library's own products are launched, too (`linalg.blocked_product`).
What OpenBLAS shares, as products of a user's own arrays, the helpers do as well, so that no core has two threads that
look out for work: see `openblas.jobs`.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from .forks import lock
from .openblas import have_jobs_done, let_idle_threads_sleep, takes_jobs_elsewhere

if TYPE_CHECKING:
    from .codegen.loop import Loop

VARIABLE = "TINYGRAD_LITE_THREADS"

WAIT = 400  # rounds of half a microsecond
LATELY = 1e-4  # seconds: half as long as that takes
ROW = 8  # brief launches, each that soon after another, are more than one step of an optimizer
MOST = 1023  # helpers

_count: int | None = None
_crew: Any = None  # what `crew` keeps of each helper; made with the first
_base = 0  # where that lies
PRESENT = np.zeros(2, np.intp)  # the same, and how many helpers there are, for compiled code that launches by itself
_NAPS = os.name == "posix"  # as in `crew`: elsewhere a helper sleeps in Python, until its own bell rings
_bells: list[SimpleQueue[None]] = []
_last, _row = 0.0, 0  # when `nearby` was last asked, and how often in a row
_lock = lock()


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
            if not asked.strip().isdecimal() or not int(asked):
                raise ValueError(f"{VARIABLE}: the number of threads must be an integer of at least 1, got {asked!r}")
            set_num_threads(int(asked))
        else:
            _count = len(cores())
    return _count or 1


def cores() -> frozenset[int]:
    """Return the cores that this process may use."""
    return frozenset(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


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


def launch(kernel: Loop, pieces: int, *args: Any, helpers: int | None = None, brief: bool = False) -> None:
    """Run a kernel that claims its work, alone or with helpers.

    Parameters
    ----------
    kernel : Loop
        Called as ``kernel(*args, cursor)``; what it returns is ignored.
    pieces : int
        How many pieces there are.
    helpers : int, optional
        How many threads to wake besides the calling one; by default all there are.
    brief : bool
        It may be over before a thread wakes up: see `nearby`.

    Raises
    ------
    RuntimeError
        If the kernel failed in one of several threads.
    """
    crew, wanted = nearby(pieces) if brief else called(helpers_for(pieces, helpers))
    cursor = np.zeros(1, np.intp)
    if wanted < 1:
        kernel.call(*args, cursor)
    elif kernel.launch(crew, wanted, *args, cursor):
        raise Failure(kernel, wanted)


def launch_parts(
    kernel: Loop, total: int, size: int, *args: Any, cut: int = 0, each: int = 0, ranged: bool = False
) -> None:
    """Run a kernel on pieces of `size` rows of `total`, alone or with helpers.

    Parameters
    ----------
    kernel : Loop
        What it returns is ignored.
    total, size : int
    *args
        The first `cut` are arrays of `total` rows, of which it gets those of a piece; the next `each` are arrays of
        which it gets the one row that belongs to the piece; the others it gets as they are.
    cut, each : int
    ranged : bool
        It gets the first row's number and the end's, too, as its last arguments.

    Raises
    ------
    ValueError
        If an array has too few rows, or too many: compiled code would go beyond its end unawares.
    RuntimeError
        If the kernel failed in one of the threads.
    """
    pieces = -(-total // size)
    if any(len(a) != total for a in args[:cut]) or any(len(a) < pieces for a in args[cut : cut + each]):
        lengths = ", ".join(str(len(a)) for a in args[: cut + each])
        raise ValueError(
            f"{kernel.__name__}: {cut} arrays must have {total} rows, and {each} at least {pieces}, got {lengths}"
        )
    wanted = helpers_for(pieces)
    if kernel.launch_parts(*called(wanted), total, size, cut, each, int(ranged), *args):
        raise Failure(kernel, wanted)


def helpers_for(pieces: int, helpers: int | None = None) -> int:
    """How many helpers so many pieces of work are for, of these at most."""
    return min(get_num_threads() if helpers is None else helpers + 1, pieces, MOST + 1) - 1


def called(helpers: int) -> tuple[int, int]:
    """Return where the slots lie, and how many helpers there are of those that are wanted."""
    if len(_bells) < helpers:
        try:
            _hire(helpers)
        except RuntimeError:  # the system has no more threads, or the interpreter is about to end
            helpers = len(_bells)
    if not _NAPS:
        for h, bell in enumerate(_bells[:helpers], 1):
            if not _crew[h, 0] and bell.empty():  # asleep
                bell.put(None)
    return _base, helpers


def nearby(pieces: int) -> tuple[int, int]:
    """As `called`, for a launch that is over before a helper wakes up: those that need not sleep in between.

    Where many such launches follow each other more closely than helpers fall asleep, it is worth waking them once. Else
    there are none: to wake one takes the calling thread 5 us.
    """
    global _last, _row
    wanted = helpers_for(pieces)
    if wanted < 1:
        return _base, 0
    now = perf_counter()
    _last, _row = now, _row + 1 if now - _last < LATELY else 0
    return called(wanted) if _row >= ROW else (_base, 0)


class Failure(RuntimeError):
    """A kernel has failed where its own error cannot be had."""

    def __init__(self, kernel: Loop, helpers: int) -> None:
        where = f"one of {helpers + 1} threads" if helpers else "compiled code"
        super().__init__(f"{kernel.__name__}: failed in {where}; is there memory left?")


def _hire(n: int) -> None:
    global _crew, _base
    from .codegen.loop import compiled
    from .worker_threads import dismiss, enlist, serve, slots

    with _lock:
        lends = _NAPS and takes_jobs_elsewhere()
        if _crew is None:
            if not lends:
                let_idle_threads_sleep()
            _crew = slots(MOST)
            _base = _crew.ctypes.data
            atexit.register(_dismiss, compiled(dismiss), _crew, _bells)
        if lends:
            from .openblas.jobs import jobs

            have_jobs_done(jobs(_base, n))
        while len(_bells) < n:
            bell: SimpleQueue[None] = SimpleQueue()
            compiled(enlist)(int(_crew[len(_bells) + 1].ctypes.data))
            work = compiled(serve), _crew, len(_bells) + 1, bell
            threading.Thread(target=_help, args=work, name="tinygrad_lite", daemon=True).start()
            _bells.append(bell)
        PRESENT[:] = _base, len(_bells)


def _help(serve: Callable[..., bool], crew: Any, h: int, bell: SimpleQueue[None]) -> None:
    while serve(crew, h, WAIT):
        bell.get()


def _dismiss(dismiss: Callable[[int, int], int], crew: Any, bells: list[SimpleQueue[None]]) -> None:
    """None of them may be in compiled code when that is taken down."""
    if crew is _crew:  # not a parent's
        have_jobs_done(None)
        dismiss(_base, len(bells))


def _after_fork() -> None:
    """A child has no helpers: let it hire its own."""
    global _crew, _bells
    if _bells:
        have_jobs_done(None)
    _crew, _bells = None, []
    PRESENT[1] = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
