"""What training loops need besides tensors: `data`."""

from . import data

__all__ = ["data"]
