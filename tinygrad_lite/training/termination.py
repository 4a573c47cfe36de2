"""`Listener`: SIGTERM, heard by those who want to save before the process ends."""

from __future__ import annotations

import signal
import threading
import weakref
from typing import Any

_before: list[Any] = []  # the handlers in whose place this one was put


class Listener:
    """Whether SIGTERM came; a second one ends the process as the first would have without a listener.

    Signals come to the main thread's handlers, so only there a listener that is made begins to hear.
    """

    def __init__(self) -> None:
        self.heard = False
        _listening.add(self)
        current = signal.getsignal(signal.SIGTERM)
        mine = threading.current_thread() is threading.main_thread()
        if mine and current is not _handle and current not in (None, signal.SIG_IGN):
            _before.append(signal.signal(signal.SIGTERM, _handle))


_listening: weakref.WeakSet[Listener] = weakref.WeakSet()


def _handle(number: int, frame: Any) -> None:
    waiting = [listener for listener in _listening if not listener.heard]
    for listener in waiting:
        listener.heard = True
    if not waiting:
        leave()


def leave() -> None:
    """End as SIGTERM ends this process."""
    signal.signal(signal.SIGTERM, _before.pop() if _before else signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
