"""`from_dlpack` and `to_dlpack`, under the name of PyTorch's module."""

from __future__ import annotations

from typing import Any

from ..io.dlpack import from_dlpack as from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Any) -> Any:
    """A capsule of the tensor's memory, for another library's ``from_dlpack``."""
    return tensor.__dlpack__()
