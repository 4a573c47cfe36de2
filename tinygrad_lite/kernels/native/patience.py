"""A line on stderr for whoever waits until kernels are compiled for the first time."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

VARIABLE = "TINYGRAD_LITE_QUIET"
LIMIT = 1.0  # seconds of compiling in all, after which it is said


class _Clock:
    """Adds up the time in which something is being compiled."""

    def __init__(self) -> None:
        self._depth, self._began, self._spent = 0, 0.0, 0.0
        self._timer: threading.Timer | None = None
        self._said = bool(os.environ.get(VARIABLE))

    def begin(self) -> None:
        """Something is being compiled."""
        if self._said:
            return
        self._depth += 1
        if self._depth == 1:
            self._began = perf_counter()
            self._timer = threading.Timer(max(0.0, LIMIT - self._spent), self._say)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """It is compiled."""
        if self._timer is None:
            return
        self._depth -= 1
        if self._depth == 0:
            self._spent += perf_counter() - self._began
            self._timer.cancel()
            self._timer = None

    def _say(self) -> None:
        if not self._said and sys.stderr is not None:
            self._said = True
            print(
                "tinygrad_lite: compiling kernels for the first time; `python -m tinygrad_lite.kernels warm` does so "
                f"ahead, {VARIABLE}=1 silences this line",
                file=sys.stderr,
                flush=True,
            )


_clock = _Clock()


def announce_long_compilation(kind: type) -> None:
    """Say once in a process that functions are being compiled, if that takes long; here those that numba compiles.

    Parameters
    ----------
    kind : type
        Of the caches of these functions.
    """
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            if isinstance(event.data["dispatcher"]._cache, kind):
                _clock.begin()

        def on_end(self, event: Any) -> None:
            if isinstance(event.data["dispatcher"]._cache, kind):
                _clock.end()

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]


@contextmanager
def compiling() -> Iterator[None]:
    """Something is being compiled that numba does not know of; by one thread at a time."""
    _clock.begin()
    try:
        yield
    finally:
        _clock.end()
