"""Arrays of random numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine.errors import InputError
from .generator import stream

__all__ = ["below", "gaussian", "last_in_row", "of_parts", "permutation", "stream", "uniform", "whole_numbers"]


def uniform(shape: tuple[int, ...], dtype: Any, generator: Any = None) -> Any:
    """An array of uniform numbers in [0, 1), drawn in the dtype's own precision."""
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return of_parts(uniform, shape, dtype, generator)
    if dtype.itemsize > 2:
        return stream(generator).random(shape, dtype)
    return (stream(generator).integers(0, 2048, shape, np.uint16) / 2048).astype(dtype)  # rounding must not give 1


def below(values: Any, low: float, high: float) -> Any:
    """Floats of ``[low, high)``, of which rounding may have made `high` itself: that becomes the largest below it."""
    if values.dtype.kind != "f" or not low < high:
        return values
    with np.errstate(over="ignore"):
        largest = values.dtype.type(high)
    return np.minimum(values, largest if largest.item() < high else np.nextafter(largest, values.dtype.type(low)))


def whole_numbers(
    low: int, high: int, shape: tuple[int, ...], dtype: Any, generator: Any, who: str, full: bool = False
) -> Any:
    """An array of integers in [low, high), or with `full` up to `high` itself, in a dtype that must reach so far."""
    dtype = np.dtype(dtype)
    least, most = (0, 1) if dtype.kind == "b" else _ends(dtype)
    if not least <= low <= most or not least <= high - (not full) <= most:
        which = "to - 1" if least <= low <= most else "from"
        raise InputError(f"{who}: {which} is out of bounds for {dtype}, got [{low}, {high})")
    drawn = stream(generator).integers(low, high, shape, endpoint=full).astype(dtype, copy=False)
    return drawn if full else below(drawn, low, high)


def last_in_row(dtype: Any) -> int:
    """The largest integer that a dtype holds together with all smaller ones."""
    dtype = np.dtype(dtype)
    if dtype.kind in "biu":
        return 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)
    return 2 ** (int(np.finfo(dtype).nmant) + 1)  # its binary digits


def _ends(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the largest integer of a dtype."""
    ends = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    return int(ends.min), int(ends.max)


def gaussian(shape: tuple[int, ...], dtype: Any, generator: Any = None) -> Any:
    """An array of standard normal numbers, drawn in the dtype's own precision."""
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return of_parts(gaussian, shape, dtype, generator) * dtype.type(0.5**0.5)
    if dtype == np.float64:
        return stream(generator).standard_normal(shape)
    many = math.prod(shape) >= 1024
    drawn = _pairs(shape, generator) if many else stream(generator).standard_normal(shape, np.float32)
    return drawn.astype(dtype, copy=False)


def permutation(n: int, dtype: Any, generator: Any = None) -> Any:
    """The numbers 0 to n - 1 in a random order."""
    return stream(generator).permutation(n).astype(dtype, copy=False)


def of_parts(draw: Any, shape: tuple[int, ...], dtype: np.dtype[Any], *given: Any) -> Any:
    """Complex numbers, whose parts are drawn as real ones."""
    parts = draw((*shape, 2), np.dtype(np.float32 if dtype == np.complex64 else np.float64), *given)
    return parts.view(dtype)[..., 0]


def _pairs(shape: tuple[int, ...], generator: Any) -> Any:
    """Box and Muller's normal numbers: for many a third of the time of NumPy's, which draws one by one."""
    out, draw = np.empty(shape, np.float32), stream(generator).random
    flat = out.reshape(-1)
    for start in range(0, flat.size, 1 << 14):  # what stays in the cache
        part = flat[start : start + (1 << 14)]
        half, rest = (part.size + 1) // 2, part.size // 2
        radius, angle = draw((2, half), np.float32)
        np.sqrt(np.log(1 - radius) * -2, out=radius)
        angle *= np.float32(2 * np.pi)
        np.multiply(radius, np.cos(angle), out=part[:half])
        np.multiply(radius[:rest], np.sin(angle[:rest]), out=part[half:])
    return out
