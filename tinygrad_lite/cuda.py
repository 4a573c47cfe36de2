"""`tinygrad_lite.cuda`: what scripts ask about GPUs. There is none, and what would need one says so."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "current_device", "device_count", "empty_cache", "get_device_name", "is_available", "is_initialized",
    "manual_seed", "manual_seed_all", "max_memory_allocated", "memory_allocated", "memory_reserved",
    "reset_peak_memory_stats", "set_device", "synchronize",
]  # fmt: skip


def _missing(who: str) -> NoReturn:
    raise RuntimeError(f"cuda.{who}: needs a GPU, and tinygrad_lite computes on the CPU only")


def is_available() -> bool:
    """False: there is no GPU."""
    return False


def is_initialized() -> bool:
    """False: there is no GPU."""
    return False


def device_count() -> int:
    """0: there is no GPU."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: a GPU has its own random numbers, the CPU's are seeded by `tinygrad_lite.manual_seed`."""


def manual_seed_all(seed: int) -> None:
    """Nothing, as `manual_seed`."""


def empty_cache() -> None:
    """Nothing: no memory of a GPU is kept."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing: no memory of a GPU is used."""


def memory_allocated(device: Any = None) -> int:
    """0: no memory of a GPU is used."""
    return 0


max_memory_allocated = memory_reserved = memory_allocated


def current_device() -> int:
    """An error: there is no GPU."""
    _missing("current_device")


def set_device(device: Any) -> None:
    """An error: there is no GPU."""
    _missing("set_device")


def get_device_name(device: Any = None) -> str:
    """An error: there is no GPU."""
    _missing("get_device_name")


def synchronize(device: Any = None) -> None:
    """An error, as in PyTorch built without CUDA: there is nothing to wait for."""
    _missing("synchronize")
