"""`Work`: a call to all ranks that is under way, first agreed upon, then made; and how it is waited for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from types import CodeType
from typing import Any

import numpy as np

from ..graph import caller, line_of

_yield: Callable[[], None] = getattr(os, "sched_yield", lambda: time.sleep(0))
AGREEING, MAKING, LAST, DONE = range(4)
SPIN, SPIN_SHARED = 0.25, 0.002  # seconds before a wait sleeps: where ranks share cores, spinning holds up the others
LINE = 1024  # bytes of a line, when ranks tell each other theirs
Steps = Iterator[tuple[list[Any], bool]]  # requests to wait for, and whether these are the last


class DistError(RuntimeError):
    """Something went wrong between processes."""


class DistBackendError(DistError):
    """A process is silent, has left, or is in another call."""


@lru_cache(maxsize=4096)
def _line(code: CodeType, instruction: int) -> str:
    return line_of((code, instruction))


@lru_cache(maxsize=4096)
def _digest(call: str) -> int:
    return int.from_bytes(blake2b(call.encode(), digest_size=7).digest(), "little")


def here(depth: int = 2) -> str:
    """The nearest line of the user's."""
    where = caller(depth)
    return "an unknown line" if where is None else _line(*where)


def seconds(timeout: timedelta | float | None, default: float) -> float:
    """A time limit in seconds."""
    if timeout is None:
        return default
    return timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)


class Work:
    """A call that all ranks of a group make, and that goes on while this process does something else.

    First the ranks compare what they are about to do, number of the call, name and shapes; if it is the same,
    the call is made. It moves on whenever a rank waits for this or a later call, or asks.

    Parameters
    ----------
    group : ProcessGroup
    call : str
        What must be the same on all ranks.
    steps : iterator
        Starts requests and yields them, with whether they are its last.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> dist.init_process_group()
    >>> x = tg.ones(2)
    >>> work = dist.all_reduce(x, async_op=True)
    >>> work.wait(), work.is_completed(), x
    (True, True, tensor([1., 1.]))
    >>> dist.destroy_process_group()
    """

    def __init__(self, group: Any, call: str, steps: Steps) -> None:
        group.calls += 1
        self.group, self.call, self.number, self.line = group, call, group.calls, here(3)
        self._steps, self._stage, self._requests = steps, MAKING, list[Any]()
        self._result: Any = None
        if group.size() > 1:
            group.world.write(group, self)
            key = (_digest(call) + self.number) % (1 << 56)
            self._key = np.array([key, -key])
            self._requests, self._stage = [group.header.Iallreduce(group.IN_PLACE, self._key, op=group.MAX)], AGREEING
        group.pending.append(self)
        group.progress()

    def __repr__(self) -> str:
        return f"{self.call} at {self.line}"

    def advance(self) -> int:
        """Go on as far as possible without waiting, and return the stage."""
        while self._stage != DONE:
            while self._requests and self._requests[-1].Test():
                self._requests.pop()
            if self._requests:
                break
            if self._stage == AGREEING:
                if self._key[0] != -self._key[1]:
                    self._refuse()
                self._stage = MAKING
            try:
                requests, last = next(self._steps)
                self._requests, self._stage = list(requests), LAST if last else MAKING
            except StopIteration as end:
                self._result, self._stage = end.value, DONE
        return self._stage

    def is_completed(self) -> bool:
        """Whether it is done; asking moves it on."""
        self.group.progress()
        return self._stage == DONE

    def is_success(self) -> bool:
        """The same."""
        return self.is_completed()

    def wait(self, timeout: timedelta | float | None = None) -> bool:
        """Wait until it is done.

        Parameters
        ----------
        timeout : timedelta or float, optional
            Seconds; the group's by default.

        Returns
        -------
        bool
            True.

        Raises
        ------
        DistBackendError
            If a rank has left or died, is in another call, or does not come in time. The group is of no use then,
            except after a different call, which all ranks know of.

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> dist.init_process_group()
        >>> dist.barrier(async_op=True).wait()
        True
        >>> dist.destroy_process_group()
        """
        wait_for(self.group, self.is_completed, self, timeout)
        return True

    def result(self) -> Any:
        """What the call gives, once it is done."""
        self.wait()
        return self._result

    def get_future(self) -> Work:
        """Itself: `wait` and `value` are a future's."""
        return self

    value = result

    def done(self) -> bool:
        """Whether it is done."""
        return self.is_completed()

    def _refuse(self) -> None:
        """Have all ranks say what they do, and raise: every rank has seen that they differ."""
        group = self.group
        self._stage = DONE
        group.pending.clear()
        own = np.zeros(LINE, np.uint8)
        text = f"{self.call} at {self.line}".encode()[:LINE]
        own[: len(text)] = np.frombuffer(text, np.uint8)
        all_ = np.empty((group.size(), LINE), np.uint8)
        request = group.header.Iallgather(own, all_)
        wait_for(group, request.Test, self, None)
        lines = [row.tobytes().rstrip(b"\0").decode(errors="replace") for row in all_]
        first = lines[0]
        calls = [line.rpartition(" at ")[0] for line in lines]
        other = next((i for i, each in enumerate(calls) if each != calls[0]), len(lines) - 1)
        raise DistBackendError(
            f"distributed: ranks differ at call {self.number}: rank {group.ranks[0]} is in {first}, "
            f"rank {group.ranks[other]} in {lines[other]}"
        )


def wait_for(group: Any, ready: Callable[[], bool], what: Any, timeout: timedelta | float | None) -> None:
    """Wait until `ready`, look after the other ranks meanwhile, and raise rather than wait forever."""
    for _ in range(64):
        if ready():
            return
    limit = seconds(timeout, group.timeout)
    spin = SPIN_SHARED if group.world.shares_cores else SPIN
    begin = time.monotonic()
    last_look = begin
    while not ready():
        now = time.monotonic()
        if now - last_look > 0.05:
            last_look = now
            group.world.look_after(group, what, ready)
        if now - begin > limit:
            group.world.give_up(group, what, limit)
        if now - begin > spin:
            time.sleep(2e-4)
        else:
            _yield()
