"""`tinygrad_lite.xpu`: what scripts ask about Intel's GPUs. There is none; the answers are those of `mps`."""

from __future__ import annotations

from .mps import current_allocated_memory as memory_allocated
from .mps import device_count as device_count
from .mps import empty_cache as empty_cache
from .mps import is_available as is_available
from .mps import manual_seed as manual_seed
from .mps import synchronize as synchronize

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "memory_allocated", "synchronize"]
