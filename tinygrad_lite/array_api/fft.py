"""`fft`, `fftfreq` and kin of the array API standard: this library's, and NumPy's frequencies as Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import fft as _ours
from ..dtypes import get_default_dtype
from ..ops.creation.creation import only_cpu
from .lifting import tensors

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft",
    "rfftfreq", "rfftn",
]  # fmt: skip


def _one(name: str) -> Any:
    function: Any = getattr(_ours, name)

    def transform(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
        return function(x, n, axis, norm)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f"`tinygrad_lite.fft.{name}`."
    return transform


def _many(name: str) -> Any:
    function: Any = getattr(_ours, name)

    def transform(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
        return function(x, s, axes, norm)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f"`tinygrad_lite.fft.{name}`."
    return transform


fft, ifft, rfft, irfft, hfft, ihfft = map(_one, ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"))
fftn, ifftn, rfftn, irfftn = map(_many, ("fftn", "ifftn", "rfftn", "irfftn"))


def fftshift(x: Any, /, *, axes: Any = None) -> Any:
    """The frequency 0 in the middle."""
    return _ours.fftshift(x, axes)


def ifftshift(x: Any, /, *, axes: Any = None) -> Any:
    """The frequency 0 in front again."""
    return _ours.ifftshift(x, axes)


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of `fft`."""
    only_cpu(device, "fftfreq")
    return tensors(np.fft.fftfreq(n, d).astype(get_default_dtype() if dtype is None else dtype))


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of `rfft`."""
    only_cpu(device, "rfftfreq")
    return tensors(np.fft.rfftfreq(n, d).astype(get_default_dtype() if dtype is None else dtype))
