"""A line on stderr for whoever waits until kernels are compiled for the first time."""

# numba has types for little of itself
# mypy: disable-error-code="misc, no-untyped-call"

from __future__ import annotations

import os
import sys
import threading
from time import perf_counter
from typing import Any

from numba.core import event

VARIABLE = "TINYGRAD_LITE_QUIET"
LIMIT = 1.0  # seconds of compiling in all, after which it is said


class _Clock(event.Listener):
    """Adds up the time in which functions with a cache of one class are compiled."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._depth, self._began, self._spent = 0, 0.0, 0.0
        self._timer: threading.Timer | None = None
        self._said = False

    def on_start(self, event: Any) -> None:
        if self._said or not isinstance(event.data["dispatcher"]._cache, self._kind):
            return
        self._depth += 1
        if self._depth == 1:
            self._began = perf_counter()
            self._timer = threading.Timer(max(0.0, LIMIT - self._spent), self._say)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, event: Any) -> None:
        if self._timer is None or not isinstance(event.data["dispatcher"]._cache, self._kind):
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


def announce_long_compilation(kind: type) -> None:
    """Say once in a process that functions are being compiled, if that takes long.

    Parameters
    ----------
    kind : type
        Of the caches of these functions.
    """
    if not os.environ.get(VARIABLE):
        event.register("numba:compile", _Clock(kind))
