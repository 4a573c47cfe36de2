"""`RemovableHandle`, `unserializable_hook`, `warn_if_has_hooks`: what PyTorch has under `utils.hooks`."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from .._tensor import RemovableHandle as RemovableHandle

__all__ = ["unserializable_hook", "warn_if_has_hooks"]

_F = TypeVar("_F")


def unserializable_hook(f: _F) -> _F:
    """A mark for hooks that are not to be pickled: see `warn_if_has_hooks`."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn that a tensor's hooks are not saved with it."""
    if getattr(tensor, "_backward_hooks", None):
        warnings.warn(f"backward hooks of {tensor.shape} are not saved", stacklevel=2)
