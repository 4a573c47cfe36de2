"""A file written beside the one whose place it takes: `replacing`, and what is left of those that never came so far."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where nobody can delete a file that somebody has open
    fcntl = None  # type: ignore[assignment]

_LEFT = re.compile(r"\..*\.[0-9a-f]{16}\.tinygrad_lite\.tmp")  # what temporary files are called


@contextlib.contextmanager
def replacing(path: str, mode: int | None = None, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`; when the block has ended without an error it takes that one's place.

    Until then, and after an error or an interrupt, what was there before is there. A process that is killed leaves its
    temporary file, which the next one to write into the folder removes.

    Parameters
    ----------
    path : str
        Without links, of a regular file or of none.
    mode : int, optional
        The permissions. By default the present file's, and those that the user's mask leaves a new one.
    durable : bool
        Wait until everything is on the disk.
    """
    folder, name = os.path.split(path)
    _sweep(folder or ".")
    if mode is None:
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(path).st_mode & 0o777
    temporary = ""
    try:
        while True:
            temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tinygrad_lite.tmp")
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            file = os.fdopen(os.open(temporary, flags, 0o666 if mode is None else mode | 0o200), "w+b")
            if _claim(file.fileno()) and os.path.exists(temporary):  # else another process has swept it at once
                break
            file.close()
        with file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if mode is not None:
                os.chmod(temporary, mode)
            if fcntl is None:
                file.close()
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _claim(file: int) -> bool:
    """Whether nobody else holds a file; it is held until it is closed, however its process ends."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, on which nobody sweeps
        return True
    return True


def _sweep(folder: str) -> None:
    """Remove temporary files of this user's processes that were killed."""
    try:
        with os.scandir(folder) as entries:
            left = [entry.path for entry in entries if _LEFT.fullmatch(entry.name)]
    except OSError:  # whoever writes there will hear of it
        return
    for path in left:
        with contextlib.suppress(OSError):
            _remove_abandoned(path)


def _remove_abandoned(path: str) -> None:
    if fcntl is None:
        os.unlink(path)
        return
    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        about = os.fstat(file)
        if stat.S_ISREG(about.st_mode) and about.st_uid == os.getuid():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError while its writer lives
            os.unlink(path)
    finally:
        os.close(file)
