"""`tinygrad_lite.cpu`: what programs that are written for any device ask about the one that is here."""

from __future__ import annotations

from typing import Any

from ..no_device import Idle

__all__ = [
    "Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count", "is_available",
    "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


class Stream(Idle):
    """A queue of work: on a CPU each call is done before the next one begins.

    Parameters
    ----------
    *args, **options
        Accepted and ignored.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.cpu.stream(tg.cpu.Stream()) as stream:
    ...     tg.cpu.current_stream().synchronize()
    """

    def synchronize(self) -> None:
        """Nothing: all of it is done."""

    def wait_stream(self, stream: Any) -> None:
        """Nothing: the other one's work is done."""


StreamContext = stream = Idle


class Event:
    """A mark in a queue of work, which is reached at once.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cpu.Event().query()
    True
    """

    def query(self) -> bool:
        """True: what came before is done."""
        return True

    def record(self, stream: Any = None) -> None:
        """Nothing: the mark is reached."""

    wait = record

    def synchronize(self) -> None:
        """Nothing: the mark is reached."""


_CURRENT = Stream()


def is_available() -> bool:
    """True."""
    return True


is_initialized = is_available


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """The name of the device there is, "cpu"; no other can be current."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one."""


def current_stream(device: Any = None) -> Stream:
    """The one queue there is."""
    return _CURRENT


def synchronize(device: Any = None) -> None:
    """Nothing: what was called is done."""
