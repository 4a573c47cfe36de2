"""All operations on images, signals and volumes; each file holds one family.

`fold` and `unfold` are functions of `nn.functional` only: a Tensor's method `unfold` means something else.
"""

from __future__ import annotations

from . import adaptive_max_pool, conv, conv_transpose, fractional, grid, max_pool, pool, resample, unpool
from .adaptive_max_pool import *
from .conv import *
from .conv_transpose import *
from .fold import channel_shuffle as channel_shuffle
from .fold import pixel_shuffle as pixel_shuffle
from .fold import pixel_unshuffle as pixel_unshuffle
from .fractional import *
from .grid import *
from .max_pool import *
from .pool import *
from .resample import *
from .unpool import *

_PIXELS = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]
__all__ = [  # of no literals: beside one, mypy would overlook the others
    *adaptive_max_pool.__all__, *conv.__all__, *conv_transpose.__all__, *fractional.__all__, *grid.__all__,
    *max_pool.__all__, *pool.__all__, *resample.__all__, *unpool.__all__, *_PIXELS,
]  # fmt: skip
