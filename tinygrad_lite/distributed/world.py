"""`init_process_group` and the state behind it: ranks, groups, threads, and how ranks take leave of each other."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from ..engine.errors import InputError
from ..graph import library
from ..kernels.native import openblas, threads
from .groups import ProcessGroup
from .processes import mpi
from .processes.alone import Alone
from .processes.board import Board
from .work import DistBackendError, seconds

__all__ = ["destroy_process_group", "init_process_group", "new_group"]

TIMEOUT = 600.0  # seconds
LINGER = 5.0  # seconds that a rank that failed gives the others to say so as well
GRACE = 0.2  # seconds for what ranks do when they have taken leave
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class World:
    """All ranks of the program.

    Parameters
    ----------
    MPI : module or None
        None: there is one.
    timeout : float

    Attributes
    ----------
    rank, size, local_rank, local_size : int
    shares_cores : bool
        This rank has less than a core to itself.
    failure : str
        Why nothing can be sent any more; empty while it can.
    """

    def __init__(self, MPI: Any, timeout: float) -> None:
        self.MPI = MPI
        comm: Any = Alone() if MPI is None else MPI.COMM_WORLD
        self.rank, self.size = int(comm.rank), int(comm.size)
        self.failure, self.process = "", os.getpid()
        self.board = None if self.size == 1 else Board(MPI, comm.Dup())
        local = [0] if self.board is None else self.board.local
        self.local_rank, self.local_size = local.index(self.rank), len(local)
        self.default = ProcessGroup(self, tuple(range(self.size)), comm if self.size == 1 else comm.Dup(), timeout)
        self.groups = [self.default]
        self.shares_cores = False
        if self.board is not None:
            share = share_of_cores(self.board._node)
            self.shares_cores = share < 1
            divide_threads(share)
            self._excepthook = sys.excepthook
            sys.excepthook = self._failed
            atexit.register(self.leave)
            _ignore_notice()

    # --- calls -------------------------------------------------------------------------------------------------------

    def require(self, group: ProcessGroup, call: str) -> None:
        """Raise if nothing can be sent any more."""
        if self.failure:
            raise DistBackendError(f"distributed.{call}: the ranks have lost each other: {self.failure}")

    def write(self, group: ProcessGroup, work: Any) -> None:
        """Say on the board which call this rank is in."""
        if self.board is not None:
            self.board.write(group.key, work.number, f"{work.call} at {work.line}")

    def look_after(self, group: ProcessGroup, what: Any, ready: Callable[[], bool]) -> None:
        """Raise if a rank that is waited for has left."""
        if self.board is None:
            return
        self.board.receive()
        gone = [rank for rank in group.ranks if rank in self.board.left]
        if gone and not ready():
            self._fail(f"{what}: rank {gone[0]} has left: {self.board.left[gone[0]]}")

    def give_up(self, group: ProcessGroup, what: Any, limit: float) -> None:
        """Raise, with the names of the ranks that did not come."""
        assert self.board is not None
        silent, number = [], getattr(what, "number", 0)
        for rank in group.ranks:
            found = self.board.read(rank)
            if found is not None and rank != self.rank and (found[0] != group.key or found[1] < number):
                silent.append(f"rank {rank}, {found[2]}")
        if not silent:
            remote = [str(rank) for rank in group.ranks if rank not in self.board.local]
            silent = [f"one of the ranks {', '.join(remote)} of other machines" if remote else "an answer"]
        self._fail(f"{what}: waited {limit:g} s for " + "; for ".join(silent))

    def _fail(self, text: str) -> None:
        self.failure = text
        if self.board is not None:
            self.board.send(f"it gave up in {text}"[:2000])
        raise DistBackendError(f"distributed: rank {self.rank} in {text}")

    # --- the end -----------------------------------------------------------------------------------------------------

    def _failed(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Tell the others of an error that nobody has caught."""
        self._excepthook(kind, error, trace)
        sys.stdout.flush()
        if not self.failure and self.board is not None:
            frames = traceback.extract_tb(trace)
            own = [frame for frame in frames if not library[frame.filename]] or frames
            line = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
            self.failure = f"it ended with {kind.__name__}: {error}{line}"
            self.board.send(self.failure)
            self.board.take_leave(True)

    def leave(self) -> None:
        """End MPI, if all ranks come to their ends; leave it alone if one does not, for it would wait."""
        board = self.board
        if board is None or os.getpid() != self.process:
            return
        sys.stdout.flush()
        board.take_leave(bool(self.failure))
        if not self.failure:
            board.send("its program has ended")
        begin = time.monotonic()
        limit = LINGER if self.failure else self.default.timeout
        while len(board.left) < self.size - 1 and time.monotonic() - begin < limit:
            board.receive()
            time.sleep(1e-3)
        everyone = len(board.left) == self.size - 1
        if everyone and not self.failure and all(text == "its program has ended" for text in board.left.values()):
            board.close()
            self.MPI.Finalize()
        elif everyone or sys.modules["mpi4py"].rc.finalize is not False:
            # a launcher takes the code of whoever goes first; and mpi4py, if imported before, would wait for all ranks
            time.sleep(GRACE)
            self.MPI.COMM_WORLD.Abort(1)
        self.board = None


def _ignore_notice() -> None:
    """Let SIGUSR1 pass, by which MPICH's launcher says that a rank is dead: it ends who has not asked for it."""
    usual = hasattr(signal, "SIGUSR1") and threading.current_thread() is threading.main_thread()
    if usual and signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def share_of_cores(node: Any) -> float:
    """How many cores of a machine are this rank's, where each is divided between all that may use it."""
    mine = threads.cores()
    everyone = node.allgather(mine)
    return sum(1 / sum(core in each for each in everyone) for core in mine) + 1e-9  # thirds may add up to less than 1


def divide_threads(share: float) -> None:
    """Give a rank as many threads as it has cores, for loops and products, where nobody has set their numbers."""
    most = max(1, int(share))
    if threads.VARIABLE not in os.environ:
        threads.set_num_threads(min(most, threads.get_num_threads()))
    if not any(name in os.environ for name in THREADS):
        openblas.set_num_threads(min(most, openblas.get_num_threads() or most))


_world: World | None = None


def world(who: str) -> World:
    """The state behind the default group.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    if _world is None:
        raise RuntimeError(
            f"distributed.{who}: Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    return _world


def is_initialized() -> bool:
    """Whether `init_process_group` was called."""
    return _world is not None


_started: World | None = None  # MPI begins and ends once


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | float | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Join the ranks that a launcher of MPI started; a process that was started otherwise is alone, and all works.

    The cores of a machine are divided between its ranks: threads of loops and of matrix products, unless
    ``TINYGRAD_LITE_THREADS``, or one of OpenBLAS's variables, is set.

    Parameters
    ----------
    backend : str, optional
        "mpi", PyTorch's "gloo" and "nccl", or None: all are MPI.
    init_method, store, group_name, pg_options, device_id : optional
        Accepted and ignored: the launcher knows.
    timeout : timedelta or float, optional
        How long any wait may take; 10 minutes by default. Then an error names the rank that did not come.
    world_size, rank : int
        If given, they must be the launcher's.

    Raises
    ------
    RuntimeError
        If it was called before, or several processes are wanted and there is no MPI.
    ValueError
        If `world_size` or `rank` are not the launcher's.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> dist.init_process_group()
    >>> dist.get_rank(), dist.get_world_size()
    (0, 1)
    >>> dist.destroy_process_group()
    """
    global _world, _started
    if _world is not None:
        raise RuntimeError("distributed.init_process_group: trying to initialize the default process group twice!")
    if backend is not None and backend.lower() not in ("mpi", "gloo", "nccl", "cpu:gloo", "cpu:gloo,cuda:nccl"):
        raise InputError(f"distributed.init_process_group: backend must be 'mpi' or None, got {backend!r}")
    limit = seconds(timeout, TIMEOUT)
    if not limit > 0:
        raise InputError(f"distributed.init_process_group: timeout must be above 0, got {timeout!r}")
    launched = mpi.is_launched()
    if _started is not None:
        _started.default.timeout = limit
    else:
        _started = World(mpi.load() if launched else None, limit)
    found = _started
    asked = int(os.environ.get("WORLD_SIZE", 1)) if world_size < 0 and not launched else world_size
    if asked > 1 and asked != found.size:
        raise InputError(
            f"distributed.init_process_group: {asked} processes are wanted, and MPI has started {found.size}; start "
            f"them with `mpiexec -n {asked} python ...` ({mpi.EXTRA} brings it)"
        )
    if rank >= 0 and rank != found.rank:
        raise InputError(f"distributed.init_process_group: rank must be the launcher's, {found.rank}, got {rank}")
    _world = found


def destroy_process_group(group: ProcessGroup | None = None) -> None:
    """Forget a group, or all of them."""
    global _world
    found = world("destroy_process_group")
    if group is None or group is found.default:
        _world = None
        found.groups[1:] = []
    elif group in found.groups:
        found.groups.remove(group)


NON_MEMBER = object()


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | float | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
) -> Any:
    """Make a group of some ranks; all ranks must call it, in the same order, those outside as well.

    Parameters
    ----------
    ranks : sequence of int, optional
        All by default.
    timeout : timedelta or float, optional
        How long a wait may take; as of the default group.
    backend, pg_options, use_local_synchronization, group_desc, device_id : optional
        Accepted and ignored.

    Returns
    -------
    ProcessGroup
        Or ``GroupMember.NON_GROUP_MEMBER`` in the ranks outside.

    Raises
    ------
    ValueError
        For a rank that is not there, or twice.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> dist.init_process_group()
    >>> dist.new_group([0]).size()
    1
    >>> dist.destroy_process_group()
    """
    found = world("new_group")
    chosen = tuple(range(found.size)) if ranks is None else tuple(sorted(int(r) for r in ranks))
    if len(set(chosen)) < len(chosen) or not all(0 <= r < found.size for r in chosen) or not chosen:
        raise InputError(f"distributed.new_group: ranks must be different, in [0, {found.size - 1}], got {ranks}")
    comms = list[Any]()
    default = found.default
    default.submit(f"new_group({list(chosen)})", lambda: iter(()))
    if found.size > 1:
        inside = found.rank in chosen
        comms.append(default.comm.Split(0 if inside else found.MPI.UNDEFINED, found.rank))
    if found.rank not in chosen:
        return NON_MEMBER
    limit = seconds(timeout, default.timeout)
    group = ProcessGroup(found, chosen, comms[0] if comms else Alone(), limit)
    found.groups.append(group)
    return group


def resolve(who: str, group: Any) -> ProcessGroup:
    """The group that is meant; None is the default one."""
    found = world(who)
    if group is None:
        return found.default
    if not isinstance(group, ProcessGroup):
        raise TypeError(f"distributed.{who}: group must be what new_group returns, got {type(group).__name__}")
    return group
