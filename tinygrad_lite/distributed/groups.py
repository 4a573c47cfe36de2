"""`ProcessGroup`: ranks that call each other, and the order of their calls."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from .processes.alone import IN_PLACE, Alone
from .work import LAST, Steps, Work, seconds

__all__ = ["ProcessGroup"]


class ProcessGroup:
    """Ranks that call each other; made by `init_process_group` and `new_group`.

    Parameters
    ----------
    world : World
    ranks : tuple of int
        Their numbers among all.
    comm : Comm
    timeout : float
        Seconds that a wait may take.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> dist.init_process_group()
    >>> dist.group.WORLD.size()
    1
    >>> dist.destroy_process_group()
    """

    def __init__(self, world: Any, ranks: tuple[int, ...], comm: Any, timeout: float) -> None:
        self.world, self.ranks, self.timeout = world, ranks, timeout
        self.comm: Any = comm if len(ranks) > 1 else Alone()
        self.header: Any = self.comm.Dup()
        self.MPI = world.MPI
        self.IN_PLACE = IN_PLACE if len(ranks) == 1 else self.MPI.IN_PLACE
        self.MAX = None if len(ranks) == 1 else self.MPI.MAX
        self.calls, self.key = 0, zlib.crc32(repr(ranks).encode())
        self.pending: deque[Work] = deque()

    def rank(self) -> int:
        """The number of this process in the group; -1 if it is not in it."""
        return self.ranks.index(self.world.rank) if self.world.rank in self.ranks else -1

    def size(self) -> int:
        """How many ranks there are."""
        return len(self.ranks)

    def name(self) -> str:
        """The backend's name."""
        return "mpi"

    def submit(self, call: str, steps: Callable[[], Steps], async_op: bool = False) -> Work | None:
        """Have all ranks of the group make a call.

        Parameters
        ----------
        call : str
            What must be the same on all ranks.
        steps : callable
            Returns an iterator that starts requests.
        async_op : bool
            Do not wait.

        Returns
        -------
        Work or None
            None if the call is done.

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> dist.init_process_group()
        >>> dist.group.WORLD.submit("nothing", lambda: iter(()))
        >>> dist.destroy_process_group()
        """
        self.world.require(self, call)
        work = Work(self, call, steps())
        if async_op:
            return work
        work.wait()
        return None

    def progress(self) -> None:
        """Move on the calls that are under way. One is made when all before it are: in the same order on all ranks."""
        for work in list(self.pending):
            if work.advance() < LAST:
                break
        while self.pending and self.pending[0]._stage > LAST:
            self.pending.popleft()

    def set_timeout(self, timeout: timedelta | float) -> None:
        """Set how long a wait may take."""
        self.timeout = seconds(timeout, self.timeout)

    def dup(self) -> Any:
        """A communicator of the same ranks, for messages that must not meet others; all ranks call it at once."""
        self.submit("dup", lambda: iter(()))
        return self.comm.Dup()
