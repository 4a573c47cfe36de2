"""`uninterrupted`: Ctrl-C waits until a block has run to its end, so that a step is whole or not made."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` wraps it, and makes enumerations of the answers: 5 us
import threading
from typing import Any


class uninterrupted:
    """Hold back the signal SIGINT inside a ``with`` block, and hand it on at its end.

    Only the main thread gets signals; elsewhere, and where the signal is ignored or ends the process, it does nothing.
    Blocks may be nested. It takes 2 us.

    Examples
    --------
    >>> import signal
    >>> from tinygrad_lite.optim.step.interrupts import uninterrupted
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal
    >>> done = []
    >>> try:
    ...     with uninterrupted():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("the rest")
    ... except KeyboardInterrupt:
    ...     print(done)
    ['the rest']
    >>> _ = signal.signal(signal.SIGINT, before)
    """

    __slots__ = ("_before", "_caught")

    def __enter__(self) -> None:
        self._caught: tuple[Any, ...] = ()
        self._before: Any = None
        if threading.current_thread() is threading.main_thread() and callable(_signal.getsignal(_signal.SIGINT)):
            self._before = _signal.signal(_signal.SIGINT, self._note)

    def _note(self, *caught: Any) -> None:
        self._caught = caught

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            _signal.signal(_signal.SIGINT, self._before)
            if self._caught:
                self._before(*self._caught)
