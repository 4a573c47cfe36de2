"""`Board`: the last line of each rank of this machine, where all of them can read it; and notes to the others."""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from typing import Any

import numpy as np

from . import watcher
from .watcher import ENDED, FAILED, PROCESS, SLOT, STATE

NOTE = 1  # the tag


class Board:
    """A slot of shared memory for each rank of the machine, and what ranks have written before they left.

    Parameters
    ----------
    MPI : module
    comm : Comm
        Of all ranks; for notes alone.
    """

    def __init__(self, MPI: Any, comm: Any) -> None:
        self._MPI, self._comm = MPI, comm
        self._node = comm.Split_type(MPI.COMM_TYPE_SHARED)
        self.local: list[int] = self._node.allgather(comm.rank)
        with tempfile.NamedTemporaryFile(prefix="ranks-", dir=_memory()) as file:  # that of the first one counts
            file.truncate(SLOT * len(self.local))
            with open(self._node.bcast(file.name), "r+b") as shared:
                memory = memoryview(mmap.mmap(shared.fileno(), 0))
            self._slots = {rank: memory[i * SLOT : (i + 1) * SLOT] for i, rank in enumerate(self.local)}
            self._own = self._slots[comm.rank]
            self.left: dict[int, str] = {}  # the ranks that do not come back, and what they said
            self._sent: list[Any] = []
            watcher.put(self._own, PROCESS, os.getpid())
            self.write(0, 0, "init_process_group")
            self._node.Barrier()
            if self._node.rank == 0 and len(self.local) > 1:
                _start_watcher(file.fileno(), self.local)

    def write(self, group: int, call: int, text: str) -> None:
        """Say where this rank is."""
        watcher.write_line(self._own, group, call, text)

    def take_leave(self, failed: bool) -> None:
        """Say that this rank's process ends, and how."""
        watcher.put(self._own, STATE, FAILED if failed else ENDED)

    def read(self, rank: int) -> tuple[int, int, str] | None:
        """The group, the number and the text of a rank's last call, if it is on this machine."""
        if rank not in self._slots:
            return None
        return watcher.read_line(self._slots[rank])

    def send(self, text: str) -> None:
        """Tell all others that this rank leaves, and why."""
        note = np.frombuffer(text.encode()[:4096] or b" ", np.uint8).copy()
        others = [rank for rank in range(self._comm.size) if rank != self._comm.rank and rank not in self.left]
        self._sent += [self._comm.Isend(note, rank, NOTE) for rank in others]

    def receive(self) -> None:
        """Take in what has come, and look whether the processes of this machine live."""
        status = self._MPI.Status()
        while self._comm.Iprobe(self._MPI.ANY_SOURCE, NOTE, status):
            note = np.empty(status.Get_count(self._MPI.BYTE), np.uint8)
            self._comm.Recv(note, status.source, NOTE)
            self.left[status.source] = note.tobytes().decode(errors="replace")
        for rank, slot in self._slots.items():
            process = watcher.get(slot, PROCESS)
            if rank not in self.left and not _lives(process):
                self.left[rank] = f"its process, {process}, is dead, {self.read(rank)[2]}"  # type: ignore[index]

    def close(self) -> None:
        """All ranks of the machine come to their ends at once."""
        self._slots.clear()
        self._node.Free()


def _memory() -> str | None:
    """Where files are memory, if there is such a place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _start_watcher(file: int, ranks: list[int]) -> None:
    """Start who says which rank died first, where the system tells; in a session that launchers leave alone."""
    if not hasattr(os, "pidfd_open") or not sys.executable:
        return
    os.set_inheritable(file, True)
    command = [sys.executable, "-I", "-S", watcher.__file__, str(file), *map(str, ranks)]
    nothing = [(os.POSIX_SPAWN_OPEN, place, os.devnull, os.O_RDWR, 0) for place in (0, 1)]
    os.posix_spawn(sys.executable, command, os.environ, file_actions=nothing, setsid=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"  # a zombie
    except OSError:
        return True
