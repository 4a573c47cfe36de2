"""`tinygrad_lite.distributed`: what scripts ask about other processes. There are none: this one computes alone."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "barrier", "destroy_process_group", "get_rank", "get_world_size", "init_process_group", "is_available",
    "is_gloo_available", "is_initialized", "is_mpi_available", "is_nccl_available", "is_torchelastic_launched",
]  # fmt: skip


def is_available() -> bool:
    """False: there are no groups of processes yet."""
    return False


def is_initialized() -> bool:
    """False: there is no group."""
    return False


def is_nccl_available() -> bool:
    """False: there is no GPU."""
    return False


def is_gloo_available() -> bool:
    """False."""
    return False


def is_mpi_available() -> bool:
    """False."""
    return False


def is_torchelastic_launched() -> bool:
    """False: this process was started alone."""
    return False


def _alone(who: str) -> NoReturn:
    raise RuntimeError(f"distributed.{who}: needs a group of processes, and tinygrad_lite computes in one")


def init_process_group(*args: Any, **options: Any) -> NoReturn:
    """An error: there are no groups of processes yet."""
    _alone("init_process_group")


def destroy_process_group(group: Any = None) -> NoReturn:
    """An error: there is no group."""
    _alone("destroy_process_group")


def get_rank(group: Any = None) -> NoReturn:
    """An error, as in PyTorch before a group is made."""
    _alone("get_rank")


def get_world_size(group: Any = None) -> NoReturn:
    """An error, as in PyTorch before a group is made."""
    _alone("get_world_size")


def barrier(*args: Any, **options: Any) -> NoReturn:
    """An error, as in PyTorch before a group is made."""
    _alone("barrier")
