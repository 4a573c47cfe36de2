"""`tinygrad_lite.cuda`: what scripts ask about GPUs. There is none, and what would need one says so."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NoReturn

from ..tensors.typed_tensors import ON_GPU
from ..torch_imports import modules_of as _modules_of
from ..torch_modules.no_device import Idle, refuse

__all__ = [
    "Event", "OutOfMemoryError", "Stream", "amp", "current_device", "current_stream", "default_stream", "device",
    "device_count", "device_of", "empty_cache", "get_arch_list", "get_device_capability", "get_device_name",
    "get_device_properties", "get_rng_state", "get_rng_state_all", "initial_seed", "ipc_collect", "is_available",
    "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated",
    "max_memory_cached", "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved",
    "memory_stats", "memory_summary", "reset_accumulated_memory_stats", "reset_max_memory_allocated",
    "reset_max_memory_cached", "reset_peak_memory_stats", "seed", "seed_all", "set_device", "set_rng_state",
    "set_rng_state_all", "stream", "synchronize", "utilization", *ON_GPU,
]  # fmt: skip

globals().update(ON_GPU)


class OutOfMemoryError(RuntimeError):
    """A GPU has not enough memory: never raised here, for scripts that catch it."""


def is_available() -> bool:
    """False: there is no GPU."""
    return False


def is_initialized() -> bool:
    """False: there is no GPU."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no GPU."""
    return False


def device_count() -> int:
    """0: there is no GPU."""
    return 0


def get_arch_list() -> list[str]:
    """Nothing: there is no GPU to compile for."""
    return []


# --- random numbers -----------------------------------------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Nothing: a GPU has its own random numbers, the CPU's are seeded by `tinygrad_lite.manual_seed`."""


def manual_seed_all(seed: int) -> None:
    """Nothing, as `manual_seed`."""


def seed() -> None:
    """Nothing, as `manual_seed`."""


def seed_all() -> None:
    """Nothing, as `manual_seed`."""


def get_rng_state_all() -> list[Any]:
    """The states of all GPUs: of none."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Set the states of all GPUs: of none."""
    if len(list(new_states)):
        refuse("cuda.set_rng_state_all", "a GPU")


# --- memory ---------------------------------------------------------------------------------------------------------


def empty_cache() -> None:
    """Nothing: no memory of a GPU is kept."""


def ipc_collect() -> None:
    """Nothing: no memory of a GPU is shared."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing: no memory of a GPU is used."""


reset_max_memory_allocated = reset_max_memory_cached = reset_accumulated_memory_stats = reset_peak_memory_stats


def memory_allocated(device: Any = None) -> int:
    """0: no memory of a GPU is used."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated
memory_cached = max_memory_cached = memory_allocated


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Nothing: no memory of a GPU is used."""
    return {}


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """One sentence: no memory of a GPU is used."""
    return "There is no GPU, and none of its memory is used."


# --- what needs one ---------------------------------------------------------------------------------------------------


def _refusing(name: str) -> Callable[..., NoReturn]:
    def refused(*args: Any, **options: Any) -> NoReturn:
        refuse(f"cuda.{name}", "a GPU")

    refused.__name__ = refused.__qualname__ = name
    refused.__doc__ = "An error: there is no GPU."
    return refused


current_device, set_device, synchronize = _refusing("current_device"), _refusing("set_device"), _refusing("synchronize")
get_device_name, get_device_properties = _refusing("get_device_name"), _refusing("get_device_properties")
get_device_capability, mem_get_info = _refusing("get_device_capability"), _refusing("mem_get_info")
get_rng_state, set_rng_state, initial_seed = (
    _refusing("get_rng_state"), _refusing("set_rng_state"), _refusing("initial_seed"),
)  # fmt: skip
current_stream, default_stream, utilization = (
    _refusing("current_stream"), _refusing("default_stream"), _refusing("utilization"),
)  # fmt: skip
Stream, Event = _refusing("Stream"), _refusing("Event")

device = device_of = stream = Idle  # blocks that choose one of what is not here


def __getattr__(name: str) -> Any:
    if name == "amp":
        return importlib.import_module(f"{__name__}.amp")
    return _modules_of(__name__)(name)
