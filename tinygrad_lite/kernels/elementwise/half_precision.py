"""`to_single`, `to_half`, `arithmetic`: float16 as float32, and back; NumPy casts one number after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import LARGE, late

ARITHMETIC = {np.add, np.subtract, np.multiply, np.divide}  # of float32, rounded once: the bits of float16's
_F16 = np.dtype(np.float16)


def _many(x: Any) -> bool:
    return x.size >= LARGE and x.flags.c_contiguous


@late(f"{__package__}.half_casts", when=_many)
def to_single(x: Any) -> Any:
    """An array of float16, as float32."""
    return x.astype(np.float32)


@late(f"{__package__}.half_casts", when=_many)
def to_half(x: Any) -> Any:
    """An array of float32, rounded to float16."""
    return x.astype(np.float16)


def arithmetic(function: Any, x: Any, y: Any) -> Any:
    """One of `ARITHMETIC` of arrays and Python numbers: by float32 if there is nothing but float16 to meet."""
    arrays = [v.dtype == _F16 for v in (x, y) if type(v) is np.ndarray]
    if not arrays or not all(arrays) or any(type(v) not in (np.ndarray, float, int) for v in (x, y)):
        return function(x, y)
    with np.errstate(over="ignore"):
        given = (to_single(v) if type(v) is np.ndarray else float(np.float64(v).astype(_F16)) for v in (x, y))
        return to_half(np.asarray(function(*given)))
