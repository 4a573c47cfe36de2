"""Compiled code kept on disk, in files that nobody else can have written and that are checked before they are loaded.

One file holds what one kernel compiled to for one signature, behind a checksum of both; its name is made of the
kernel's, whose digest stands for its source and all versions, and of the signature and the processor. There is no
index that could name the wrong file. The folder belongs to the user alone, and so does every file in it: loading one
unpickles it and runs what is in it. What is damaged, foreign or writable by others counts as missing, and is written
again. Where no folder is safe and writable kernels live in memory only, and one warning says so.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from ...io.replacing import replacing

FOLDER_VARIABLE = "TINYGRAD_LITE_CACHE"
SUFFIX = ".nbc"
LOCK_SUFFIX = ".lock"


def read(name: str, key: bytes) -> bytes | None:
    """Return what was written under a name for this key, or None if there is nothing that can be trusted."""
    where = folder()
    if where is None:
        return None
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(where / name, flags), "rb") as file:
            if not is_private(os.fstat(file.fileno()), stat.S_ISREG):
                return None
            checksum, payload = file.read(hashlib.sha256().digest_size), file.read()
    except OSError:
        return None
    return payload if checksum == _checksum(key, payload) else None


def write(name: str, key: bytes, payload: bytes) -> None:
    """Keep something under a name, whole or not at all."""
    where = folder()
    if where is None:
        return
    try:
        with replacing(str(where / name), 0o600, durable=False) as file:
            file.write(_checksum(key, payload))
            file.write(payload)
    except OSError as error:
        _warn(f"{where} ({error})")


def _checksum(key: bytes, payload: bytes) -> bytes:
    found = hashlib.sha256(len(key).to_bytes(8, "little") + key)
    found.update(payload)
    return found.digest()


# The folder


@cache
def folder() -> Path | None:
    """Return the folder kernels are kept in, or None if there is no safe place.

    ``TINYGRAD_LITE_CACHE`` if it is set, else the system's folder for caches, else one in the temporary
    folder. It must be the user's own, writable, and closed to others: what lies there will be executed.
    """
    unusable = []
    for candidate in _candidates():
        try:
            _make(candidate)
            if not is_private(candidate.lstat(), stat.S_ISDIR):
                raise PermissionError("it must be a folder of this user's own that nobody else can write to")
            with tempfile.TemporaryFile(dir=candidate):
                return candidate
        except OSError as error:
            unusable.append(f"{candidate} ({error})")
    _warn(", ".join(unusable) or "no folder, since the user has none")
    return None


def _candidates() -> Iterator[Path]:
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        yield Path(named).absolute()
        return
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    if base:
        yield Path(base).absolute() / "tinygrad_lite" / "kernels"
    try:
        home = Path.home()
    except RuntimeError:  # neither HOME nor an entry for this user
        pass
    else:
        yield (home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "tinygrad_lite" / "kernels")
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    yield Path(tempfile.gettempdir()) / f"tinygrad_lite_kernels_{user}"


def _make(path: Path) -> None:
    """Make a folder, and those above it that are missing, closed to others whatever the user's mask."""
    for each in reversed((path, *path.parents)):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)  # another process may have been faster


def is_private(about: os.stat_result, kind: Callable[[int], bool]) -> bool:
    """Whether something is of a kind, the user's own, and closed to others' writing, where the system has users."""
    owned = not hasattr(os, "getuid") or (about.st_uid == os.getuid() and not about.st_mode & 0o022)
    return kind(about.st_mode) and owned


_warned: list[str] = []


def _warn(where: str) -> None:
    """Say once that kernels are not kept."""
    if not _warned:
        _warned.append(where)
        warnings.warn(
            f"tinygrad_lite: compiled kernels cannot be kept in {where}; they are compiled anew in every process. "
            f"{FOLDER_VARIABLE} names another folder",
            RuntimeWarning,
            stacklevel=2,
        )
