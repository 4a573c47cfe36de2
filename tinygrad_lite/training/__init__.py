"""What training loops need around them, and none owns the loop: `Checkpoint`."""

from .checkpoint import Checkpoint

__all__ = ["Checkpoint"]
