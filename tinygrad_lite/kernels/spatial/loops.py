"""`convolve`, `spread`, `correlate`, `max_pool`, `scatter`, `blend`: compiled for what they serve, NumPy for the rest.

The compiled modules load numba, hence they are imported by the first call that they serve.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import late
from . import conv_numpy, max_pool_numpy, stencil_numpy
from .conv_numpy import Geometry


def _of_one_dtype(*args: Any) -> bool:
    """float32 or float64, all of it, and none of it empty; a bias may have any, and nothing else is an array."""
    x = args[0]
    return x.dtype.char in "fd" and all(
        a.dtype == x.dtype and a.size for a in (x, args[1], args[-1]) if type(a) is np.ndarray
    )


def _real(x: Any, *_: Any) -> bool:
    """Any real numbers that the processor has instructions for."""
    return x.dtype.kind in "iuf" and x.dtype != np.float16


def _with_bias(out: Any, bias: Any) -> None:
    if bias is not None:
        out += bias.reshape(-1, *(1,) * (out.ndim - 2))


@late(f"{__package__}.conv", when=_of_one_dtype)
def convolve(x: Any, w: Any, bias: Any, geometry: Geometry, y: Any) -> None:
    """The convolution of `x` with `w`, into `y`."""
    conv_numpy.convolve_plain(x, w, geometry, y)
    _with_bias(y, bias)


@late(f"{__package__}.conv", when=_of_one_dtype)
def spread(y: Any, w: Any, bias: Any, geometry: Geometry, x: Any) -> None:
    """The transpose of `convolve`, into `x`."""
    conv_numpy.spread_plain(y, w, geometry, x)
    _with_bias(x, bias)


@late(f"{__package__}.conv", when=_of_one_dtype)
def correlate(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """The gradient of the weights, into `w`."""
    conv_numpy.correlate_plain(y, x, geometry, w)


max_pool = late(f"{__package__}.max_pool", "max_pool", when=_real)(max_pool_numpy.max_pool_plain)
scatter = late(f"{__package__}.max_pool", "scatter", when=_real)(max_pool_numpy.scatter_plain)
blend = late(f"{__package__}.stencil", "blend", when=_real)(stencil_numpy.blend_plain)
