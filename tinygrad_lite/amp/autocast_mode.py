"""`autocast`: a block that does nothing and says so once where it was to do something."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..dtypes import bfloat16, dtype, float16
from ..tensors.devices import device

__all__ = [
    "autocast", "custom_bwd", "custom_fwd", "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
    "is_autocast_available", "is_autocast_cache_enabled", "is_autocast_cpu_enabled", "is_autocast_enabled",
]  # fmt: skip


class autocast:
    """A ``with`` block, or a decorator, in which PyTorch computes in half precision where that is safe.

    Here everything is computed in the dtype of the operands. Entering one that is switched on warns: for "cuda", as
    PyTorch does where there is no GPU; for "cpu", that the numbers are those of float32.

    Parameters
    ----------
    device_type : str
        "cpu", "cuda" or another device's.
    dtype : dtype, optional
        Accepted and ignored.
    enabled : bool
        False: it does nothing without a word.
    cache_enabled : bool, optional
        Accepted and ignored.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.autocast("cpu", enabled=False):
    ...     y = tg.ones(2) @ tg.ones(2)
    >>> y.dtype
    tinygrad_lite.float32
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        self.device_type = device(device_type).type
        self._enabled = enabled
        if enabled and self.device_type != "cpu":
            text = f"autocast: there is no device of type {self.device_type!r} here; it is switched off"
            warnings.warn(text, UserWarning, stacklevel=2)
            self._enabled = False

    def __enter__(self) -> autocast:
        if self._enabled:
            text = "autocast: nothing is cast here, everything is computed in the dtype of its operands"
            warnings.warn(text, UserWarning, stacklevel=2)
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose calls are such blocks."""

        @functools.wraps(func)
        def made(*args: Any, **options: Any) -> Any:
            with self:
                return func(*args, **options)

        return made


def custom_fwd(fwd: Any = None, *, device_type: str = "cpu", cast_inputs: Any = None) -> Any:
    """Return the function as it is; without one, the decorator that does. Nothing is cast here."""
    return fwd if fwd is not None else lambda fwd: fwd


def custom_bwd(bwd: Any = None, *, device_type: str = "cpu") -> Any:
    """Return the function as it is; without one, the decorator that does. Nothing is cast here."""
    return bwd if bwd is not None else lambda bwd: bwd


def is_autocast_available(device_type: str) -> bool:
    """False: nothing is cast here."""
    return False


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """False: nothing is cast here."""
    return False


def is_autocast_cpu_enabled() -> bool:
    """False: nothing is cast here."""
    return False


def is_autocast_cache_enabled() -> bool:
    """False: nothing is cast here."""
    return False


def get_autocast_dtype(device_type: str) -> dtype:
    """PyTorch's dtype for a device: float16 for "cuda", bfloat16 else. Nothing is cast to it here."""
    return float16 if device_type == "cuda" else bfloat16


def get_autocast_gpu_dtype() -> dtype:
    """float16, as in PyTorch; nothing is cast to it here."""
    return get_autocast_dtype("cuda")


def get_autocast_cpu_dtype() -> dtype:
    """bfloat16, as in PyTorch; nothing is cast to it here."""
    return get_autocast_dtype("cpu")
