"""`convolve`, `spread`, `correlate`, `max_pool`, `scatter`, `blend`: compiled for what they serve, NumPy for the rest.

The compiled modules load LLVM, hence they are imported by the first call that they serve.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import backend
from ..kernel import late
from ..native.openblas import is_narrow
from . import conv_numpy, max_pool_numpy, pointwise, stencil_numpy
from .conv_numpy import Geometry

MANY_PIXELS = 64  # of an image, for which its rows fill vectors


def _of_one_dtype(*args: Any) -> bool:
    """float32 or float64, all of it, and none of it empty; a bias may have any, and nothing else is an array."""
    x = args[0]
    return x.dtype.char in "fd" and all(
        a.dtype == x.dtype and a.size for a in (x, args[1], args[-1]) if type(a) is np.ndarray
    )


def _windows(*args: Any) -> bool:
    """Of more than one pixel: all else is a product of matrices."""
    return _of_one_dtype(*args) and (pointwise.pixels(args[-2]) is None or _outruns_blas(args[-2]))


def _outruns_blas(geometry: Geometry) -> bool:
    """Whether compiled loops multiply images of many pixels faster: their vectors are wider."""
    if math.prod(geometry.small) < MANY_PIXELS or backend() != "numba":
        return False
    from ..native.simd.vectors import WIDTH  # loads LLVM

    return is_narrow(WIDTH)


def _real(x: Any, *_: Any) -> bool:
    """Any real numbers that the processor has instructions for."""
    return x.dtype.kind in "iuf" and x.dtype != np.float16


def _with_bias(out: Any, bias: Any) -> None:
    if bias is not None:
        out += bias.reshape(-1, *(1,) * (out.ndim - 2))


@late(f"{__package__}.conv", when=_windows)
def convolve(x: Any, w: Any, bias: Any, geometry: Geometry, y: Any) -> None:
    """The convolution of `x` with `w`, into `y`."""
    if pointwise.pixels(geometry) is not None:
        return pointwise.convolve(x, w, bias, geometry, y)
    conv_numpy.convolve_plain(x, w, geometry, y)
    _with_bias(y, bias)


@late(f"{__package__}.conv", when=_windows)
def spread(y: Any, w: Any, bias: Any, geometry: Geometry, x: Any) -> None:
    """The transpose of `convolve`, into `x`."""
    if pointwise.pixels(geometry) is not None:
        return pointwise.spread(y, w, bias, geometry, x)
    conv_numpy.spread_plain(y, w, geometry, x)
    _with_bias(x, bias)


@late(f"{__package__}.conv", when=_windows)
def correlate(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """The gradient of the weights, into `w`."""
    if pointwise.pixels(geometry) is not None:
        return pointwise.correlate(y, x, geometry, w)
    conv_numpy.correlate_plain(y, x, geometry, w)


max_pool = late(f"{__package__}.max_pool", "max_pool", when=_real)(max_pool_numpy.max_pool_plain)
scatter = late(f"{__package__}.max_pool", "scatter", when=_real)(max_pool_numpy.scatter_plain)
blend = late(f"{__package__}.stencil", "blend", when=_real)(stencil_numpy.blend_plain)
