"""Convolutions in NumPy: patches of the input as columns of a matrix (im2col), and matrix products.

Three functions are enough, each linear in two of three arrays: the large one `x`, the small one `y` and the weights `w`
that lie between them. A convolution finds `y`, its gradients are the other two, and their gradients these again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

Ints = tuple[int, ...]
Slices = tuple[slice, ...]


class Geometry(NamedTuple):
    """How windows lie on an input; each a number per spatial dimension.

    Position ``o`` of the small side and tap ``k`` of the kernel meet position ``o * stride + k * dilation - padding``
    of the large side. What lies outside is zero, so padding at the end need not be told.
    """

    large: Ints
    small: Ints
    kernel: Ints
    stride: Ints
    padding: Ints
    dilation: Ints
    groups: int = 1


@lru_cache(1024)
def _overlaps(geometry: Geometry) -> list[tuple[Ints, Slices, Slices]]:
    """For each tap, which positions of the small side meet which of the large side, within both."""

    def along(d: int) -> Iterator[tuple[int, slice, slice]]:
        n, m, k, s, p, dilation = [field[d] for field in geometry[:6]]
        for tap in range(k):
            shift = tap * dilation - p
            first, last = max(-(shift // s), 0), min((n - 1 - shift) // s, m - 1)
            if first <= last:
                yield tap, slice(first, last + 1), slice(first * s + shift, last * s + shift + 1, s)

    parts = product(*[list(along(d)) for d in range(len(geometry.kernel))])
    return [(tuple(t for t, _, _ in p), tuple(a for _, a, _ in p), tuple(b for _, _, b in p)) for p in parts]


def unfold(x: Any, geometry: Geometry, out: Any) -> None:
    """``out[..., tap, o] = x[..., where the tap of window o lies]``, zero outside.

    Parameters
    ----------
    x : array, shape (..., *large)
    geometry : Geometry
    out : array, shape (..., *kernel, *small)
        Written.
    """
    out[...] = 0
    for tap, at, source in _overlaps(geometry):
        out[(..., *tap, *at)] = x[(..., *source)]


def fold(columns: Any, geometry: Geometry, out: Any) -> None:
    """The transpose of `unfold`: add up what overlaps.

    Parameters
    ----------
    columns : array, shape (..., *kernel, *small)
    geometry : Geometry
    out : array, shape (..., *large)
        Written.
    """
    out[...] = 0
    for tap, at, target in _overlaps(geometry):
        out[(..., *target)] += columns[(..., *tap, *at)]


def _columns(geometry: Geometry, channels: int, dtype: Any) -> tuple[Any, Any]:
    """Room for the patches of one image, and the same as a matrix for each group."""
    patches = np.empty((channels, *geometry.kernel, *geometry.small), dtype)
    rows = channels // geometry.groups * math.prod(geometry.kernel)
    return patches, patches.reshape(geometry.groups, rows, math.prod(geometry.small))


def convolve_plain(x: Any, w: Any, geometry: Geometry, y: Any) -> None:
    """The small side: ``y[n, a, o] = sum over c and k of w[a, c, k] x[n, c, o * stride + k * dilation - padding]``.

    Parameters
    ----------
    x : array, shape (N, C, *large)
    w : array, shape (A, C / groups, *kernel)
    geometry : Geometry
    y : array, shape (N, A, *small)
        Written.
    """
    patches, columns = _columns(geometry, x.shape[1], x.dtype)
    groups, rows, size = columns.shape
    weights = w.reshape(groups, w.shape[0] // groups, rows)
    for image, result in zip(x, y):
        unfold(image, geometry, patches)
        np.matmul(weights, columns, out=result.reshape(groups, -1, size) if size else None)


def spread_plain(y: Any, w: Any, geometry: Geometry, x: Any) -> None:
    """The large side, from the small one: the transpose of `convolve_plain` in `x`.

    Parameters
    ----------
    y : array, shape (N, A, *small)
    w : array, shape (A, C / groups, *kernel)
    geometry : Geometry
    x : array, shape (N, C, *large)
        Written.
    """
    patches, columns = _columns(geometry, x.shape[1], x.dtype)
    groups, rows, size = columns.shape
    weights = w.reshape(groups, w.shape[0] // groups, rows).swapaxes(1, 2)
    for image, result in zip(y, x):
        np.matmul(weights, image.reshape(groups, w.shape[0] // groups, size), out=columns)
        fold(patches, geometry, result)


def correlate_plain(y: Any, x: Any, geometry: Geometry, w: Any) -> None:
    """The weights: the transpose of `convolve_plain` in `w`.

    Parameters
    ----------
    y : array, shape (N, A, *small)
    x : array, shape (N, C, *large)
    geometry : Geometry
    w : array, shape (A, C / groups, *kernel)
        Written.
    """
    patches, columns = _columns(geometry, x.shape[1], x.dtype)
    groups, rows, size = columns.shape
    w[...] = 0
    total = w.reshape(groups, w.shape[0] // groups, rows)
    for image, g in zip(x, y):
        unfold(image, geometry, patches)
        total += np.matmul(g.reshape(groups, total.shape[1], size), columns.swapaxes(1, 2))
