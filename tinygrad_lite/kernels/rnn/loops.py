"""`forward`, `backward`: all steps of a recurrent layer, compiled for what that serves, in NumPy for the rest.

The compiled module loads LLVM, hence it is imported by the first call that it serves.
"""

from __future__ import annotations

from typing import Any

from ..kernel import late
from . import rnn_numpy

FEW, LARGE = 16, 2 << 20  # examples, and bytes of weights: for one step of fewer, or by more, packing does not pay


def _served(kind: int, x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, *args: Any) -> bool:
    """float32 and float64, of no empty batch, without a projection, where the weights are worth packing."""
    if x.dtype.char not in "fd" or not (x.size and h.size) or args[-1] is not None:
        return False
    return len(x) > len(h) or (len(h) >= FEW and w_hh.nbytes < LARGE)


forward = late(f"{__package__}.rnn", "forward", when=_served)(rnn_numpy.forward)
backward = late(f"{__package__}.rnn", "backward", when=_served)(rnn_numpy.backward)
