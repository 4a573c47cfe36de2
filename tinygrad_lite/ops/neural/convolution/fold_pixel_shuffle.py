"""Patches of images as columns, and back; channels as pixels, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....kernels.spatial import conv_numpy
from ....kernels.spatial.conv_numpy import Geometry
from ....rules import differentiable, unwrap
from ....tensors.tensor_type import Tensor
from ...shape.clone import copied
from ..spatial_arguments import Ints, each, unbatched, windows_of

__all__ = ["channel_shuffle", "fold", "pixel_shuffle", "pixel_unshuffle", "unfold"]
FUNCTIONAL = __all__


def _unfold_x(g: Any, geometry: Geometry) -> Any:
    return _fold(g, geometry)


@differentiable(x=_unfold_x, name="unfold", complex=True)
def _unfold(x: Any, geometry: Geometry) -> Any:
    out = np.empty((*x.shape[:2], *geometry.kernel, *geometry.small), x.dtype)
    conv_numpy.unfold(x, geometry, out)
    return out.reshape(len(x), x.shape[1] * math.prod(geometry.kernel), math.prod(geometry.small))


@differentiable(columns=lambda g, geometry: _unfold(g, geometry), name="fold", single=True, complex=True)
def _fold(columns: Any, geometry: Geometry) -> Any:
    channels = columns.shape[1] // math.prod(geometry.kernel)
    out = np.empty((len(columns), channels, *geometry.large), columns.dtype)
    conv_numpy.fold(columns.reshape(len(columns), channels, *geometry.kernel, *geometry.small), geometry, out)
    return out


def _geometry(large: Ints, kernel: Any, dilation: Any, padding: Any, stride: Any, who: str) -> Geometry:
    k, s = each(kernel, 2, who, "kernel_size", 1), each(stride, 2, who, "stride", 1)
    p, d = each(padding, 2, who, "padding"), each(dilation, 2, who, "dilation", 1)
    return Geometry(large, windows_of(large, k, s, (p, p), d, who), k, s, p, d)


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The patches of images, as columns (im2col).

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W)
    kernel_size, dilation, padding, stride : int or 2 of them
        As for `conv2d`.

    Returns
    -------
    Tensor, shape (N, C * kH * kW, L) or (C * kH * kW, L)
        L is the number of windows.

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite.nn.functional as F, tinygrad_lite as tg
    >>> F.unfold(tg.arange(6.0).reshape(1, 2, 3), (2, 2))
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """

    def run(x: Any) -> Any:
        large = unwrap(x).shape[2:]
        return _unfold.record((x, _geometry(large, kernel_size, dilation, padding, stride, "unfold")))

    return unbatched(run, input, 2, "unfold")


def fold(
    input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Images from patches: the transpose of `unfold`, which adds up what overlaps.

    Parameters
    ----------
    input : Tensor, shape (N, C * kH * kW, L) or (C * kH * kW, L)
    output_size : int or 2 of them
        H and W.
    kernel_size, dilation, padding, stride : int or 2 of them
        As for `conv2d`.

    Returns
    -------
    Tensor, shape (N, C, H, W) or (C, H, W)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite.nn.functional as F, tinygrad_lite as tg
    >>> F.fold(tg.ones(4, 2), (2, 3), (2, 2))
    tensor([[[1., 2., 1.],
             [1., 2., 1.]]])
    """
    geometry = _geometry(each(output_size, 2, "fold", "output_size", 1), kernel_size, dilation, padding, stride, "fold")
    taps, count = math.prod(geometry.kernel), math.prod(geometry.small)

    def run(x: Any) -> Any:
        shape = unwrap(x).shape
        if shape[2] != count or shape[1] % taps:
            raise InputError(f"fold: input must have shape (N, C * {taps}, {count}), got {shape}")
        return _fold.record((x, geometry))

    return unbatched(run, input, 1, "fold")


def _image(input: Any, who: str) -> Ints:
    shape: Ints = unwrap(input).shape
    if len(shape) < 3:
        raise InputError(f"{who}: input must have at least 3 dimensions (..., C, H, W), got shape {shape}")
    return shape


def _factor(value: Any, who: str, name: str) -> int:
    return each(value, 1, who, name, 1)[0]


def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    """Turn channels into pixels: blocks of ``r * r`` channels become squares of that many pixels.

    Parameters
    ----------
    input : Tensor, shape (..., C * r * r, H, W)
    upscale_factor : int
        r.

    Returns
    -------
    Tensor, shape (..., C, H * r, W * r)

    Raises
    ------
    ValueError
        If the channels do not divide.

    References
    ----------
    Shi et al., "Real-time single image and video super-resolution", CVPR 2016, equation 4.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.pixel_shuffle(tg.arange(8.0).reshape(4, 1, 2), 2)
    tensor([[[0., 2., 1., 3.],
             [4., 6., 5., 7.]]])
    """
    *lead, c, h, w = _image(input, "pixel_shuffle")
    r = _factor(upscale_factor, "pixel_shuffle", "upscale_factor")
    if c % (r * r):
        raise InputError(f"pixel_shuffle: the channels must be divisible by {r * r}, got shape {(*lead, c, h, w)}")
    n = len(lead)
    split = input.reshape(*lead, c // (r * r), r, r, h, w)
    return copied(split.permute(*range(n + 1), n + 3, n + 1, n + 4, n + 2)).reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Any, downscale_factor: int) -> Tensor:
    """Turn pixels into channels: the inverse of `pixel_shuffle`.

    Parameters
    ----------
    input : Tensor, shape (..., C, H * r, W * r)
    downscale_factor : int
        r.

    Returns
    -------
    Tensor, shape (..., C * r * r, H, W)

    Raises
    ------
    ValueError
        If height and width do not divide.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.pixel_unshuffle(tg.ones(1, 4, 6), 2).shape
    (4, 2, 3)
    """
    *lead, c, h, w = _image(input, "pixel_unshuffle")
    r = _factor(downscale_factor, "pixel_unshuffle", "downscale_factor")
    if h % r or w % r:
        raise InputError(f"pixel_unshuffle: height and width must be divisible by {r}, got shape {(*lead, c, h, w)}")
    n = len(lead)
    split = input.reshape(*lead, c, h // r, r, w // r, r)
    return copied(split.permute(*range(n + 1), n + 2, n + 4, n + 1, n + 3)).reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input: Any, groups: int) -> Tensor:
    """Interleave groups of channels.

    Parameters
    ----------
    input : Tensor, shape (N, C, ...), at least 3 dimensions
    groups : int

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    ValueError
        If the channels do not divide.

    References
    ----------
    Zhang et al., "ShuffleNet", CVPR 2018, figure 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.channel_shuffle(tg.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    n, c, *rest = _image(input, "channel_shuffle")
    g = _factor(groups, "channel_shuffle", "groups")
    if c % g:
        raise InputError(f"channel_shuffle: the channels must be divisible by groups {g}, got {c}")
    return copied(input.reshape(n, g, c // g, *rest).transpose(1, 2)).reshape(n, c, *rest)
