"""Convolutions whose windows are single pixels, as products of matrices: by BLAS, where the pixels lie or turned.

An image of P pixels and C channels is a (C, P) matrix, and meets the weights as it is. With few pixels those would be
read anew for each image, and the images are turned to one (N P, C) matrix instead.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..linalg.matrix_product import matrix_product, product_of_stacks
from ..loops.pairwise_sum import pairwise_sum
from .conv_numpy import Geometry, Slices

FEW_PIXELS = 16
NEAR = 1 << 19  # bytes of weights that stay in the second cache from image to image


@lru_cache(1024)
def pixels(geometry: Geometry) -> Slices | None:
    """Where the small side's pixels are among the large side's; None where windows are larger, padded or grouped."""
    if geometry.groups > 1 or math.prod(geometry.kernel) != 1 or any(geometry.padding):
        return None
    return tuple(slice(0, (m - 1) * s + 1, s) for m, s in zip(geometry.small, geometry.stride))


def _met(x: Any, geometry: Geometry) -> Any:
    """The large side's pixels that are met, as a view."""
    where = pixels(geometry)
    assert where is not None, "asked before"
    return x[(..., *where)]


def _matrices(x: Any) -> Any:
    """Images as matrices: (N, C, P)."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _turned(x: Any) -> Any:
    """Pixels as rows: (N P, C)."""
    return np.ascontiguousarray(x.swapaxes(1, 2)).reshape(len(x) * x.shape[2], x.shape[1])


def _multiply(w: Any, x: Any, bias: Any, out: Any) -> None:
    """``out[n] = w @ x[n] + bias``, of matrices."""
    count = x.shape[2]
    if count == 1 or (count < FEW_PIXELS and w.nbytes > NEAR):
        found = matrix_product(_turned(x), w.T)  # (N P, A)
        if bias is not None:
            found += bias
        out[...] = found.reshape(len(x), count, len(w)).swapaxes(1, 2)
    elif bias is None:
        product_of_stacks(w, x, out)
    else:
        for image, result in zip(x, out):  # a bias is added while they are near
            product_of_stacks(w, image, result)
            result += bias[:, None]


def convolve(x: Any, w: Any, bias: Any, geometry: Geometry, y: Any) -> None:
    """`conv_numpy.convolve_plain` of such windows, plus a bias."""
    _multiply(w.reshape(w.shape[:2]), _matrices(_met(x, geometry)), bias, _matrices(y))


def spread(y: Any, w: Any, bias: Any, geometry: Geometry, x: Any) -> None:
    """`conv_numpy.spread_plain` of such windows, plus a bias."""
    w = w.reshape(w.shape[:2]).T
    if geometry.large == geometry.small:
        return _multiply(w, _matrices(y), bias, _matrices(x))
    found = np.empty((*x.shape[:2], *geometry.small), x.dtype)
    _multiply(w, _matrices(y), bias, _matrices(found))
    x[...] = 0 if bias is None else bias.reshape(-1, *(1,) * len(geometry.small))
    _met(x, geometry)[...] = found


def correlate(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """`conv_numpy.correlate_plain` of such windows."""
    x, y = _matrices(_met(x, geometry)), _matrices(y)
    rows, channels, count = y.shape[1], x.shape[1], x.shape[2]
    if rows * channels < count * (rows + channels):  # a product for each image is less to write than the turned images
        found = pairwise_sum(matrix_product(y, x.swapaxes(1, 2)), 0)
    else:
        found = matrix_product(_turned(y).T, _turned(x))
    w[...] = found.reshape(w.shape)
