"""`tinygrad_lite.profiler`: marks around parts of a program. Nothing is recorded: use Python's profilers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from enum import Enum
from typing import Any

from .no_device import Idle

__all__ = [
    "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "tensorboard_trace_handler",
]  # fmt: skip

ProfilerActivity = Enum("ProfilerActivity", ["CPU", "CUDA", "XPU"])
ProfilerAction = Enum("ProfilerAction", ["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE"])


class record_function(Idle):
    """A ``with`` block that has a name in a profile; there is no profile here, so it does nothing.

    Parameters
    ----------
    name : str
    args : str, optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.profiler.record_function("forward"):
    ...     pass
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        super().__init__()


class profile(Idle):
    """A ``with`` block around what PyTorch would profile; here it warns that it does not.

    Parameters
    ----------
    *args, **options
        Accepted and ignored.

    Examples
    --------
    >>> import warnings
    >>> import tinygrad_lite as tg
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     with tg.profiler.profile() as p:
    ...         p.step()
    """

    def __enter__(self) -> profile:
        warnings.warn("profiler.profile: nothing is recorded here; use cProfile", UserWarning, stacklevel=2)
        return self

    def start(self) -> None:
        """As the beginning of a ``with`` block."""
        self.__enter__()

    def stop(self) -> None:
        """Nothing."""

    def step(self) -> None:
        """Nothing: the next step begins."""

    def key_averages(self, *args: Any, **options: Any) -> profile:
        """Itself, which holds no averages."""
        return self

    def table(self, *args: Any, **options: Any) -> str:
        """An empty table."""
        return ""

    def export_chrome_trace(self, path: str) -> None:
        """An error: nothing was recorded."""
        raise RuntimeError("profile.export_chrome_trace: nothing is recorded here; use cProfile")


def schedule(*args: Any, **options: Any) -> Callable[[int], Any]:
    """Return a function of the step's number that says that nothing is recorded."""
    return lambda step: ProfilerAction.NONE


def tensorboard_trace_handler(*args: Any, **options: Any) -> Callable[[Any], None]:
    """Return a function that does nothing."""
    return lambda profile: None
