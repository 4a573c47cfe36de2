"""`profile`: a ``with`` block of which every operation's time is known; `record_function`: a part that has a name."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from time import perf_counter_ns, time_ns
from typing import Any

from ..engine.errors import InputError
from ..kernels.native.forks import lock
from .events import Averages, Event, averages, write_trace
from .watch import Watch

__all__ = [
    "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "tensorboard_trace_handler",
]  # fmt: skip

ProfilerActivity = Enum("ProfilerActivity", ["CPU", "CUDA", "XPU"])
ProfilerAction = Enum("ProfilerAction", ["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE"])
Action = Callable[[int], ProfilerAction]
_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class _Present:
    """The watch that is running, if one is."""

    watch: Watch | None = None
    lock = lock()


class record_function(contextlib.ContextDecorator):
    """A ``with`` block, or a decorated function, that has a name in a profile; while none is made it does nothing.

    Parameters
    ----------
    name : str
    args : str, optional
        Put behind the name.

    Examples
    --------
    >>> from tinygrad_lite.profiler import profile, record_function
    >>> with profile() as found, record_function("forward"):
    ...     _ = tg.ones(3).exp()
    >>> [event.name for event in found.events()]
    ['exp', 'forward']
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name if args is None else f"{name} {args}"
        self._begun: list[tuple[Watch | None, int]] = []

    def _recreate_cm(self) -> record_function:
        return record_function(self.name)  # each call of a decorated function has its own

    def __enter__(self) -> record_function:
        watch = _Present.watch
        self._begun.append((watch, 0 if watch is None else watch.enter()))
        return self

    def __exit__(self, *_: object) -> None:
        watch, begin = self._begun.pop()
        if watch is not None:
            watch.mark(self.name, begin)


class profile:
    """A ``with`` block of which the time and memory of every operation are noted, forward and backward.

    Parameters
    ----------
    activities : optional
        Accepted and ignored: everything happens on the CPU.
    schedule : callable, optional
        ``schedule(step)`` says which steps are recorded, between calls of `step`; see `schedule`. Default: all.
    on_trace_ready : callable, optional
        ``on_trace_ready(profile)`` is called after each stretch of steps that was recorded.
    record_shapes : bool
        Note the shapes of arguments.
    **options
        PyTorch's others (``profile_memory``, ``with_stack``): memory and lines are noted in any case.

    Raises
    ------
    RuntimeError
        If another profile is being made.

    Notes
    -----
    While it is on, each operation has a clock around it, which costs a few microseconds a call; while it is off,
    nothing is paid. What is noted: operations and their rules on the way back (``matmul`` and ``matmul backward``),
    with the line outside the library that called the operation; random draws and writes in place; steps of optimizers;
    the adding up of gradients; blocks of `record_function`; and replays of compiled functions as one event each. All
    threads are noted. What is left of the time is Python's, the program's own and the library's.

    The memory is that of results which share none with the arguments. What an operation needs meanwhile is not seen.

    Examples
    --------
    >>> from tinygrad_lite import nn, optim
    >>> from tinygrad_lite.profiler import profile
    >>> model = nn.Linear(4, 2)
    >>> sgd = optim.SGD(model.parameters(), lr=0.1)
    >>> with profile() as found:
    ...     model(tg.ones(8, 4)).sum().backward()
    ...     sgd.step()
    >>> by_name = {average.key: average for average in found.key_averages()}
    >>> by_name["SGD.step"].count, by_name["linear"].cpu_memory_usage  # bytes
    (1, 64)
    """

    def __init__(
        self,
        activities: Iterable[Any] | None = None,
        *,
        schedule: Action | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        **options: Any,
    ) -> None:
        self._schedule, self._ready, self._shapes = schedule, on_trace_ready, record_shapes
        self.step_num = 0
        self._action: ProfilerAction = ProfilerAction.NONE
        self._watch: Watch | None = None
        self._events: list[Event] = []
        self._begin = self._time = 0

    # --- when -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """As the beginning of a ``with`` block."""
        self.step_num = 0
        self._turn_to(self._wanted())

    def step(self) -> None:
        """Say that the next step begins, for the `schedule`."""
        self.step_num += 1
        if self._schedule is not None:
            self._turn_to(self._wanted())

    def stop(self) -> None:
        """As the end of a ``with`` block."""
        if self._action is ProfilerAction.RECORD:
            self._action = ProfilerAction.RECORD_AND_SAVE
        self._turn_to(ProfilerAction.NONE)

    def _wanted(self) -> ProfilerAction:
        return ProfilerAction.RECORD if self._schedule is None else self._schedule(self.step_num)

    def _turn_to(self, action: ProfilerAction) -> None:
        before, self._action = self._action, action
        if self._watch is not None and (before is ProfilerAction.RECORD_AND_SAVE or action not in _RECORDING):
            self._end()
            if self._ready is not None:
                self._ready(self)
        if self._watch is None and action in _RECORDING:
            self._start()

    def _start(self) -> None:
        with _Present.lock:
            if _Present.watch is not None:
                self._action = ProfilerAction.NONE
                raise RuntimeError("profile: another profile is being made; end it first")
            _Present.watch = self._watch = Watch(self._shapes)
        self._watch.start()
        self._begin = perf_counter_ns()

    def _end(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            self._time = perf_counter_ns() - self._begin
            watch.stop()
            self._events = watch.events
            _Present.watch = None

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what was found ---------------------------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """All calls of the last stretch that was recorded, in the order in which they ended.

        Returns
        -------
        list of Event

        Examples
        --------
        >>> from tinygrad_lite.profiler import profile
        >>> with profile() as found:
        ...     x = tg.ones(3).exp()
        >>> [(event.name, event.memory) for event in found.events()]
        [('exp', 12)]
        """
        return list(self._events if self._watch is None else self._watch.events)

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> Averages:
        """Add up the calls of each name.

        Parameters
        ----------
        group_by_input_shape : bool
            Those of other shapes apart; these must have been recorded.
        group_by_stack_n : int
            Above 0: those of other lines apart. Only the nearest line outside the library is known.

        Returns
        -------
        Averages
            ``.table()`` writes them below each other.

        Examples
        --------
        >>> from tinygrad_lite.profiler import profile
        >>> with profile(record_shapes=True) as found:
        ...     x = tg.ones(3).exp(), tg.ones(4).exp(), tg.ones(4).exp()
        >>> [(a.count, a.input_shapes) for a in found.key_averages(group_by_input_shape=True)]
        [(1, ((3,),)), (2, ((4,),))]
        """
        now = self._time if self._watch is None else perf_counter_ns() - self._begin
        return averages(self.events(), group_by_input_shape, group_by_stack_n > 0, now / 1e3)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write all calls to a file for chrome://tracing or https://ui.perfetto.dev; ``.gz`` compresses it.

        Parameters
        ----------
        path : str or path

        Examples
        --------
        >>> import os, tempfile
        >>> from tinygrad_lite.profiler import profile
        >>> with profile() as found:
        ...     x = tg.ones(3).exp()
        >>> found.export_chrome_trace(os.path.join(tempfile.mkdtemp(), "trace.json"))
        """
        write_trace(self.events(), path)


def schedule(*, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0) -> Action:
    """Make a function that says which steps are recorded: some after every `wait` and `warmup`.

    Parameters
    ----------
    wait, warmup, active : int
        How many steps are left out, left out as well, and recorded.
    repeat : int
        How often; 0: without an end.
    skip_first : int
        Steps before all of it.

    Returns
    -------
    callable
        For `profile`.

    Raises
    ------
    InputError
        For a negative number, or no active steps.

    Examples
    --------
    >>> from tinygrad_lite import profiler
    >>> action = profiler.schedule(wait=1, warmup=1, active=2, repeat=1)
    >>> [action(step).name for step in range(5)]
    ['NONE', 'WARMUP', 'RECORD', 'RECORD_AND_SAVE', 'NONE']
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise InputError("schedule: must have active >= 1 and no negative numbers, got "
                         f"{wait=}, {warmup=}, {active=}, {repeat=}, {skip_first=}")  # fmt: skip
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        round_, place = divmod(step - skip_first, cycle)
        if step < skip_first or place < wait or (repeat and round_ >= repeat):
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """Make a function for `profile` that writes each trace to a folder, under the names that TensorBoard looks for.

    Parameters
    ----------
    dir_name : str
    worker_name : str, optional
        Default: the machine and the process.
    use_gzip : bool

    Returns
    -------
    callable

    Examples
    --------
    >>> import os, tempfile
    >>> from tinygrad_lite import profiler
    >>> folder = tempfile.mkdtemp()
    >>> with profiler.profile(on_trace_ready=profiler.tensorboard_trace_handler(folder, "me")):
    ...     x = tg.ones(3).exp()
    >>> os.listdir(folder)
    ['me....pt.trace.json']
    """
    worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"

    def write(found: profile) -> None:
        Path(dir_name).mkdir(parents=True, exist_ok=True)
        ending = "pt.trace.json.gz" if use_gzip else "pt.trace.json"
        found.export_chrome_trace(Path(dir_name) / f"{worker}.{time_ns()}.{ending}")

    return write
