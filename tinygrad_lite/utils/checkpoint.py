"""`checkpoint` and `checkpoint_sequential`, under the name of PyTorch's module."""

from __future__ import annotations

from ..transforms.checkpoint import checkpoint as checkpoint
from ..transforms.checkpoint import checkpoint_sequential as checkpoint_sequential

__all__ = ["checkpoint", "checkpoint_sequential"]
