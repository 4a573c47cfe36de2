"""`forward`, `backward`: all steps of a recurrent layer, compiled for what that serves, in NumPy for the rest.

The compiled module loads numba, hence it is imported by the first call that it serves.
"""

from __future__ import annotations

from typing import Any

from ..kernel import late
from . import rnn_numpy


def _served(kind: int, x: Any, h: Any, *args: Any) -> bool:
    """float32 and float64, of no empty batch, without a projection, over several steps: one would not repay packing."""
    return x.dtype.char in "fd" and bool(x.size and h.size) and args[-1] is None and len(x) > len(h)


forward = late(f"{__package__}.rnn", "forward", when=_served)(rnn_numpy.forward)
backward = late(f"{__package__}.rnn", "backward", when=_served)(rnn_numpy.backward)
