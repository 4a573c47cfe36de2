"""`make_tensor`: random tensors of any dtype for tests."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...dtypes import as_dtype
from ...engine.errors import InputError
from ...rules import wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes
from ..creation.creation import empty
from .random_streams import uniform

__all__ = ["make_tensor"]

_RANGES = {"b": (0, 2), "u": (0, 10), "i": (-9, 10), "f": (-9, 9), "c": (-9, 9)}  # by kind, the upper one excluded


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any = "cpu",
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Random numbers, evenly distributed in ``[low, high)``, drawn with the global generator.

    Parameters
    ----------
    *shape : int, or a tuple of them
    dtype : dtype
    device : "cpu"
    low, high : float, optional
        Default: -9 and 9 of floats and of both parts of complex numbers, -9 and 10 of integers (0 where unsigned), 0
        and 2 of booleans.
    requires_grad : bool
    noncontiguous : bool
        Every second element of a larger memory, where there is more than one.
    exclude_zero : bool
        Put the smallest positive number (1 among integers) in the place of zeros.
    memory_format : optional
        Accepted; not together with `noncontiguous`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For bounds that are NaN or not in order, and options that exclude each other.
    RuntimeError
        For integers that require grad.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.testing.make_tensor(2, 3, dtype=tg.int64, low=0, high=5)
    >>> bool(((x >= 0) & (x < 5)).all())
    True
    """
    kind = as_dtype(dtype)
    low, high = (given if given is not None else usual for given, usual in zip((low, high), _RANGES[kind.kind]))
    if math.isnan(low) or math.isnan(high) or low > high or (low == high and kind.kind not in "fc"):
        raise InputError(f"make_tensor: low must be below high, got {low} and {high}")
    if noncontiguous and memory_format is not None:
        raise InputError("make_tensor: give noncontiguous or memory_format, not both")
    if requires_grad and kind.kind not in "fc":
        raise RuntimeError(f"make_tensor: only floating and complex tensors can require grad, got {dtype}")
    empty(0, dtype=dtype, device=device)  # which checks them
    size = sizes(shape, "make_tensor")
    values = _drawn(size, kind, low, high)
    if exclude_zero:
        values[values == 0] = np.finfo(kind).tiny if kind.kind in "fc" else 1
    if noncontiguous and values.size > 1:
        values = np.repeat(values, 2, -1)[..., ::2]
    out = wrap(values)
    return out.requires_grad_() if requires_grad else out


def _drawn(size: tuple[int, ...], kind: Any, low: float, high: float) -> Any:
    if kind.kind == "c":
        parts = [_drawn(size, np.dtype(np.float64), low, high) for _ in range(2)]
        return np.asarray(parts[0] + 1j * parts[1], kind)
    if kind.kind == "f":
        bounds = np.finfo(kind)
        low, high = max(low, float(bounds.min)), min(high, float(bounds.max))
        return np.asarray(low + uniform(size, np.float64, None) * (high - low), kind)
    first, last = math.ceil(low), math.ceil(high)
    return np.asarray(first + np.floor(uniform(size, np.float64, None) * (last - first)), kind)
