"""DistError, DistBackendError: what collectives raise."""

from __future__ import annotations

__all__ = ["DistBackendError", "DistError"]


class DistError(RuntimeError):
    """Something went wrong between processes."""


class DistBackendError(DistError):
    """A process is silent, has left, or is in another call."""
