"""`ZeroRedundancyOptimizer`: an optimizer whose state is spread over processes, of which there is one here."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["ZeroRedundancyOptimizer"]


def ZeroRedundancyOptimizer(*args: Any, **options: Any) -> NoReturn:
    """An error: there are no groups of processes."""
    raise RuntimeError("ZeroRedundancyOptimizer: needs a group of processes, and tinygrad_lite computes in one")
