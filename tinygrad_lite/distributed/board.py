"""`Board`: the last line of each rank of this machine, where all of them can read it; and notes to the others."""

from __future__ import annotations

import os
import struct
from typing import Any

import numpy as np

SLOT = 512  # bytes
_NUMBERS = 4  # process, group, call, length of the text
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
        self._window = MPI.Win.Allocate_shared(SLOT, 1, comm=self._node)
        self.local: list[int] = self._node.allgather(comm.rank)
        self._slots = {
            rank: np.frombuffer(self._window.Shared_query(i)[0], np.uint8, SLOT) for i, rank in enumerate(self.local)
        }
        self._bytes = self._slots[comm.rank].data
        self.left: dict[int, str] = {}  # the ranks that do not come back, and what they said
        self._sent: list[Any] = []
        self.write(0, 0, "init_process_group")

    def write(self, group: int, call: int, text: str) -> None:
        """Say where this rank is."""
        line = text.encode()[: SLOT - 8 * _NUMBERS]
        self._bytes[8 * _NUMBERS : 8 * _NUMBERS + len(line)] = line
        struct.pack_into(f"={_NUMBERS}q", self._bytes, 0, os.getpid(), group, call, len(line))

    def read(self, rank: int) -> tuple[int, int, str] | None:
        """The group, the number and the text of a rank's last call, if it is on this machine."""
        if rank not in self._slots:
            return None
        slot = self._slots[rank]
        _, group, call, length = map(int, slot[: 8 * _NUMBERS].view(np.int64))
        text = slot[8 * _NUMBERS : 8 * _NUMBERS + length].tobytes().decode(errors="replace")
        return group, call, f"whose last call was number {call}, {text}"

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
            process = int(slot[:8].view(np.int64)[0])
            if rank not in self.left and not _lives(process):
                self.left[rank] = f"its process, {process}, is dead, {self.read(rank)[2]}"  # type: ignore[index]

    def close(self) -> None:
        """Give the memory back; all ranks of the machine do so at once."""
        self._bytes = memoryview(b"")
        self._slots.clear()
        self._window.Free()
        self._node.Free()


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
