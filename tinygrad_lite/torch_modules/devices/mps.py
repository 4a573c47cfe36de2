"""`tinygrad_lite.mps`: what scripts ask about Apple's GPUs. There is none, and what would need one says so."""

from __future__ import annotations

from typing import Any, NoReturn

from ..no_device import refuse

__all__ = [
    "current_allocated_memory", "device_count", "driver_allocated_memory", "empty_cache", "is_available",
    "manual_seed", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """False: there is none."""
    return False


def device_count() -> int:
    """0: there is none."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: it has its own random numbers, the CPU's are seeded by `tinygrad_lite.manual_seed`."""


def empty_cache() -> None:
    """Nothing: none of its memory is kept."""


def current_allocated_memory() -> int:
    """0: none of its memory is used."""
    return 0


driver_allocated_memory = current_allocated_memory


def synchronize(device: Any = None) -> NoReturn:
    """An error, as in PyTorch: there is nothing to wait for."""
    refuse("synchronize", "a GPU")
