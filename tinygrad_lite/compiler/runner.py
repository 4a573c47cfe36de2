"""`Runner`: a recording's two forms, the one in Python and the one that walks over tables."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .lowering import native
from .lowering.native_source import NativeSource
from .replay import Source


class Runner:
    """Replays calls of a recording.

    Parameters
    ----------
    recorder : Recorder or Part
        With the calls; it is let go of as soon as both forms are made.
    results : Results or Arrays
    bound : dict, optional
        Further names for the text.
    """

    def __init__(self, recorder: Any, results: Any, bound: Any = None) -> None:
        source = Source(recorder, results)
        source.bound |= bound or {}
        source.compose()
        self.text, self.plain, self.lines = source.text, source.function(), source.calls
        self.facts: dict[str, Any] = {"steps": 0, "products": 0, "walks": 0, "bytes": 0, "plain_bytes": 0, "python": {}}
        self._lock = threading.Lock()
        self._walk: Any = None
        self._native: Any = None
        self._kept: list[Any] = []
        if any(c.lowered for c in recorder.calls):
            self._native = NativeSource(recorder, results)
            self._native.bound |= bound or {}
            names = Counter(c.name for c, mode in zip(recorder.calls, self._native.modes) if mode == "python")
            why = {name: f" ({recorder.left[name]})" if name in recorder.left else "" for name in names}
            self.facts |= {
                "steps": self._native.steps, "products": self._native.products, "bytes": self._native.bytes,
                "plain_bytes": self._native.plain_bytes, "python": {name: (n, why[name]) for name, n in names.items()},
            }  # fmt: skip
            self._compose()

    def __call__(self, arrays: Any, tensors: Any) -> Any:
        """Replay: over tables once the loop that walks them is compiled, and while no other thread does."""
        if (self._walk is None and self._native is None) or not self._lock.acquire(False):
            return self.plain(arrays, tensors)
        try:
            if self._walk is None:
                self._compose()
                if self._walk is None:
                    return self.plain(arrays, tensors)
            return self._walk(arrays, tensors)
        finally:
            self._lock.release()

    def _compose(self) -> None:
        """Make the form that walks, if what walks is there."""
        ready = native.walk()
        if ready is not None:
            self._native.compose(ready)
            self.text, self._walk = self._native.text, self._native.function()
            self.facts["walks"] = self.text.count("walk(")
            self._kept, self._native = self._native.kept, None  # no other array of the recording
