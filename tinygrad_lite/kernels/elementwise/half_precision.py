"""`to_single`, `to_half`: arrays of float16 as float32, and back; NumPy casts one number after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import LARGE, late


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
