"""All operations on images, signals and volumes; each file holds one family.

`fold` and `unfold` are functions of `nn.functional` only: a Tensor's method `unfold` means something else.
"""

from __future__ import annotations

from . import conv, fractional, grid, max_pool, pool, resample
from .conv import *
from .fold import channel_shuffle, pixel_shuffle, pixel_unshuffle
from .fractional import *
from .grid import *
from .max_pool import *
from .pool import *
from .resample import *

__all__ = [
    *conv.__all__, *fractional.__all__, *grid.__all__, *max_pool.__all__, *pool.__all__, *resample.__all__,
    "channel_shuffle", "pixel_shuffle", "pixel_unshuffle",
]  # fmt: skip
