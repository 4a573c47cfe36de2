"""`sdpa_kernel`: the choice among kernels of attention, of which there is one here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import Enum
from typing import Any

from . import flex_attention as flex_attention

__all__ = ["sdpa_kernel"]


class SDPBackend(Enum):
    """PyTorch's kernels of attention, by name."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[None]:
    """A ``with`` block that names the kernels of attention to choose from: the one here computes the same."""
    yield
