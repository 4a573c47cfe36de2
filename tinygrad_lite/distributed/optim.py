"""`ZeroRedundancyOptimizer`, where PyTorch has it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["ZeroRedundancyOptimizer"]

if TYPE_CHECKING:
    ZeroRedundancyOptimizer: Any
else:

    def __getattr__(name: str) -> Any:
        if name in __all__:
            return getattr(importlib.import_module("tinygrad_lite.optim"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
