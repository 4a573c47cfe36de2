"""`wait_for_turn`, `end_turn`: of several processes that need the same kernel, one compiles it and the others wait.

Ranks, workers and tests that start together would otherwise all compile what the first of them keeps on disk. A turn
is a lock on a file, which the system takes from a process that ends in whatever way; who has waited for `LONGEST`
goes on without, so that a process that was stopped stops no other. Where the system has no such locks nobody waits.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

LONGEST = 30.0  # seconds that a process waits for another one
PAUSE = 0.01

_held: dict[Path, int] = {}  # of this process; all are guarded by numba's lock of the compiler


def wait_for_turn(path: Path) -> bool:
    """Begin a turn, after those of others.

    Parameters
    ----------
    path : Path
        Of the lock, beside what will be written.

    Returns
    -------
    bool
        Whether to look again: another process may have had its turn since what is missing here was looked for.
    """
    if fcntl is None or path in _held:
        return False
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # the folder is gone, or full: what cannot be written will be said where it is written
        return False
    waited, end = False, time.monotonic() + LONGEST
    while time.monotonic() < end:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            time.sleep(PAUSE)
        except OSError:  # a file system without locks
            break
        else:
            _held[path] = handle
            return True
    os.close(handle)
    return waited


def end_turn(path: Path) -> None:
    """Let the next one have its turn, where this process has one."""
    handle = _held.pop(path, None)
    if handle is not None:
        with contextlib.suppress(OSError):
            path.unlink()
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_UN)  # a child that was forked meanwhile has the handle, too
        os.close(handle)


def end_all_turns() -> None:
    """End the turns of this process: what was being compiled, and all that needs it, cannot be."""
    for path in list(_held):
        end_turn(path)
