"""`tinygrad_lite.accelerator`: what scripts ask about a device that is faster than the CPU. There is none."""

from __future__ import annotations

from typing import Any, NoReturn

from .no_device import Idle, refuse

__all__ = [
    "current_accelerator", "current_device_index", "current_stream", "device_count", "device_index", "empty_cache",
    "is_available", "max_memory_allocated", "memory_allocated", "set_device_index", "synchronize",
]  # fmt: skip

_NEEDS = "an accelerator"


def is_available() -> bool:
    """False: there is no accelerator."""
    return False


def device_count() -> int:
    """0: there is no accelerator."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""


def empty_cache() -> None:
    """Nothing: no memory of an accelerator is kept."""


def memory_allocated(device_index: Any = None) -> int:
    """0: no memory of an accelerator is used."""
    return 0


max_memory_allocated = memory_allocated
device_index = Idle


def current_device_index() -> NoReturn:
    """An error: there is no accelerator."""
    refuse("accelerator.current_device_index", _NEEDS)


def set_device_index(device: Any) -> NoReturn:
    """An error: there is no accelerator."""
    refuse("accelerator.set_device_index", _NEEDS)


def current_stream(device: Any = None) -> NoReturn:
    """An error: there is no accelerator."""
    refuse("accelerator.current_stream", _NEEDS)


def synchronize(device: Any = None) -> NoReturn:
    """An error, as in PyTorch: there is nothing to wait for."""
    refuse("accelerator.synchronize", _NEEDS)
