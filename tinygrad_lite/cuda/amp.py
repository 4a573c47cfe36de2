"""`tinygrad_lite.cuda.amp`: the older names of `amp`, for a GPU. There is none, so they warn and are switched off."""

from __future__ import annotations

from typing import Any

from .. import amp
from ..amp import custom_bwd as custom_bwd
from ..amp import custom_fwd as custom_fwd
from ..torch_imports import modules_of as _modules_of

__path__: list[str] = []  # PyTorch has a folder of this name
__getattr__ = _modules_of(__name__)
__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class autocast(amp.autocast):
    """`amp.autocast` for "cuda": it warns that there is no GPU, and does nothing.

    Parameters
    ----------
    enabled : bool
    dtype : dtype, optional
    cache_enabled : bool, optional
        Accepted and ignored, as the dtype.

    Examples
    --------
    >>> from tinygrad_lite.cuda.amp import autocast
    >>> with autocast(enabled=False):
    ...     pass
    """

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool | None = None) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """`amp.GradScaler` for "cuda": it warns that there is no GPU, and is switched off.

    Parameters
    ----------
    init_scale, growth_factor, backoff_factor, growth_interval, enabled
        As for `amp.GradScaler`.

    Examples
    --------
    >>> from tinygrad_lite.cuda.amp import GradScaler
    >>> GradScaler(enabled=False).get_scale()
    1.0
    """

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
