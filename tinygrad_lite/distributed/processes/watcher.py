"""`watch`: a process beside the ranks of a machine says which died first, for launchers end the others at once.

Started by `board.Board`, as a program of its own that needs nothing but Python; and the layout of the board.
"""

from __future__ import annotations

import mmap
import os
import select
import struct
import sys

SLOT = 512  # bytes
_NUMBERS = struct.Struct("=5q")  # process, state, group, call, length of the text
RUNS, ENDED, FAILED = range(3)  # states
PROCESS, STATE = 0, 8  # where they stand


def write_line(slot: memoryview, group: int, call: int, text: str) -> None:
    """Say what a rank is doing."""
    line = text.encode()[: SLOT - _NUMBERS.size]
    slot[_NUMBERS.size : _NUMBERS.size + len(line)] = line
    process, state, *_ = _NUMBERS.unpack_from(slot)
    _NUMBERS.pack_into(slot, 0, process, state, group, call, len(line))


def read_line(slot: memoryview) -> tuple[int, int, str]:
    """The group, the number and the text of a rank's last call."""
    _, _, group, call, length = _NUMBERS.unpack_from(slot)
    text = bytes(slot[_NUMBERS.size : _NUMBERS.size + length]).decode(errors="replace")
    return group, call, f"whose last call was number {call}, {text}"


def get(slot: memoryview, place: int) -> int:
    """A number of a slot."""
    return int(struct.unpack_from("=q", slot, place)[0])


def put(slot: memoryview, place: int, number: int) -> None:
    """Set a number of a slot."""
    struct.pack_into("=q", slot, place, number)


def watch(slots: dict[int, memoryview]) -> list[int]:
    """Wait until all processes have ended, or one died that had not taken leave: its rank."""
    poll, ranks = select.poll(), {}
    for rank, slot in slots.items():
        try:
            ranks[os.pidfd_open(get(slot, PROCESS))] = rank
        except ProcessLookupError:
            return [] if get(slot, STATE) != RUNS else [rank]
    for pidfd in ranks:
        poll.register(pidfd, select.POLLIN)
    while ranks:
        found = [pidfd for pidfd, _ in poll.poll()]
        if any(get(slot, STATE) == FAILED for slot in slots.values()):
            return []  # who failed has said so, and ends the others
        dead = [ranks[pidfd] for pidfd in found if get(slots[ranks[pidfd]], STATE) == RUNS]
        if dead:
            return behind(dead, slots)
        for pidfd in found:
            poll.unregister(pidfd)
            del ranks[pidfd]
    return []


def behind(ranks: list[int], slots: dict[int, memoryview]) -> list[int]:
    """Of ranks that were found dead together those whose last call of one group comes first.

    The others waited for them there, or further on, until a launcher ended them.
    """
    last = {rank: read_line(slots[rank])[:2] for rank in ranks}
    if len({group for group, _ in last.values()}) > 1:
        return ranks
    first = min(call for _, call in last.values())
    return [rank for rank in ranks if last[rank][1] == first]


def main() -> None:
    """Watch: ``python watcher.py FILE RANK ...``, an open file of a slot for each of these ranks."""
    board = memoryview(mmap.mmap(int(sys.argv[1]), 0))
    slots = {int(rank): board[i * SLOT : (i + 1) * SLOT] for i, rank in enumerate(sys.argv[2:])}
    for rank in watch(slots):
        sys.stderr.write(
            f"distributed: rank {rank} has died without a word (process {get(slots[rank], PROCESS)}), "
            f"{read_line(slots[rank])[2]}\n"
        )


if __name__ == "__main__":
    main()
