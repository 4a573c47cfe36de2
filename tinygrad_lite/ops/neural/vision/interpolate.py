"""Resizing: interpolation in one to three dimensions, as a stencil along each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....engine.arguments import whole
from ....engine.errors import InputError
from ....rules import unwrap, wrap
from ....tensors.tensor_type import Tensor
from ...argument_names import floating_only
from ...shape.stencil import Stencil, blend, ranges, remembered
from ..pooling.avg_pool import adaptive
from ..spatial_arguments import make_room

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]
FUNCTIONAL = __all__

MODES = {  # which numbers of spatial dimensions a mode is for
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "bicubic": (2,), "trilinear": (3,),
}  # fmt: skip


def tent(t: Any) -> Any:
    """The weights of linear interpolation."""
    return np.maximum(1 - np.abs(t), 0.0)


def cubic(t: Any, a: float = -0.75) -> Any:
    """The weights of cubic convolution (Keys, 1981, equation 15); PyTorch's `a`, and -0.5 in its antialiasing."""
    t = np.abs(t)
    near, far = ((a + 2) * t - (a + 3)) * t * t + 1, (((t - 5) * t + 8) * t - 4) * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def _catmull_rom(t: Any) -> Any:
    return cubic(t, -0.5)


@remembered
def _nearest(size: int, count: int, scale: float, exact: bool) -> Stencil:
    shift = 0.5 if exact else 0.0
    index = np.minimum(np.floor((np.arange(count) + shift) * scale), size - 1).astype(np.intp)
    return Stencil(size, np.ones(count, np.intp), index, 1.0)


@remembered
def _smooth(size: int, count: int, scale: float, align_corners: bool, order: int) -> Stencil:
    """Two neighbours (order 1) or four (order 3); beyond the ends the last entry stands for all."""
    o = np.arange(count)[:, None]
    at = o * scale if align_corners else (o + 0.5) * scale - 0.5  # (O, 1)
    weight, taps = (tent, np.arange(2)) if order == 1 else (cubic, np.arange(-1, 3))
    if order == 1:
        at = np.maximum(at, 0.0)
    first = np.floor(at)
    if order == 1:
        first = np.minimum(first, size - 1)
    t = np.minimum(at - first, 1.0)
    index = np.clip(first + taps, 0, size - 1).astype(np.intp)  # (O, T)
    return Stencil(size, np.full(count, len(taps)), index.ravel(), weight(t - taps).ravel())


@remembered
def _antialiased(size: int, count: int, scale: float, order: int) -> Stencil:
    """A filter that widens with the scale when shrinking, cut off at the ends and divided by its sum."""
    reach, weight = (1, tent) if order == 1 else (2, _catmull_rom)
    stretch = max(scale, 1.0)
    centre = scale * (np.arange(count) + 0.5)
    first = np.maximum(np.trunc(centre - reach * stretch + 0.5), 0).astype(np.intp)
    last = np.minimum(np.trunc(centre + reach * stretch + 0.5), size).astype(np.intp)
    lengths, index = ranges(first, last)
    result = np.repeat(np.arange(count), lengths)
    factors = weight((index - centre[result] + 0.5) / stretch)
    totals = np.bincount(result, factors, count)
    return Stencil(size, lengths, index, factors / np.where(totals == 0, 1.0, totals)[result])


def _stencil(mode: str, align_corners: bool, antialias: bool) -> Callable[[int, int, float | None], Stencil]:
    """For input size, output size and a scale factor that was given: the stencil along one dimension."""

    def stencil(size: int, count: int, factor: float | None) -> Stencil:
        if mode == "area":
            return adaptive(size, count)
        scale = size / count if factor is None else 1 / factor
        if mode.startswith("nearest"):
            return _nearest(size, count, scale, mode == "nearest-exact")
        order = 3 if mode == "bicubic" else 1
        if align_corners:
            scale = (size - 1) / (count - 1) if count > 1 else 0.0
        if antialias:
            return _antialiased(size, count, scale, order)
        return _smooth(size, count, scale, align_corners, order)

    return stencil


def _sizes(shape: tuple[int, ...], size: Any, scale_factor: Any) -> tuple[list[int], list[float | None]]:
    """Output sizes, and the scale factors that were given."""
    dims = len(shape)
    if (size is None) == (scale_factor is None):
        raise InputError(f"interpolate: give either size or scale_factor, got {size} and {scale_factor}")
    given = size if scale_factor is None else scale_factor
    each = list(given) if isinstance(given, (tuple, list)) else [given] * dims
    if len(each) != dims:
        raise InputError(f"interpolate: size and scale_factor must be a number or {dims} of them, got {given}")
    if scale_factor is None and not all(map(whole, each)):
        raise TypeError(f"interpolate: expected size to be one of int or {dims} of them, got {size}")
    counts = [int(v) if scale_factor is None else math.floor(n * v) for n, v in zip(shape, each)]
    if 0 in shape or min(counts) < 1:
        raise InputError(f"interpolate: input and output sizes must be positive, got {shape} and {tuple(counts)}")
    make_room(counts, "interpolate")
    return counts, [None] * dims if scale_factor is None else [float(v) for v in each]


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize the spatial dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        Floating; integers for "nearest" and "nearest-exact", and bytes (uint8) also for "bilinear" and "bicubic":
        weights in float32, rounded to bytes after each dimension. PyTorch's weights have 16 bits there, so that its
        bytes differ by 1 here and there.
    size : int or sequence of int, optional
        Of the result; this or `scale_factor`.
    scale_factor : float or sequence of float, optional
    mode : "nearest", "nearest-exact", "area", "linear" (1d), "bilinear", "bicubic" (2d) or "trilinear" (3d)
    align_corners : bool, optional
        Whether the first and last entries lie on those of the input, rather than the outer edges. Not for "nearest",
        "nearest-exact" and "area".
    recompute_scale_factor : bool, optional
        Compute with the ratio of the sizes in place of the scale factor that was given.
    antialias : bool
        Widen the filter where the result is smaller; "bilinear" and "bicubic" only.

    Returns
    -------
    Tensor, shape (N, C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    References
    ----------
    Keys, "Cubic convolution interpolation for digital image processing", 1981.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[[1.0, 2.0]]])
    >>> tg.interpolate(x, scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    >>> tg.interpolate(x, size=3, mode="linear", align_corners=True)
    tensor([[[1.0000, 1.5000, 2.0000]]])
    """
    shape = unwrap(input).shape
    if mode not in MODES or len(shape) - 2 not in MODES[mode]:
        raise InputError(f"interpolate: mode must be one of {', '.join(MODES)} and fit the input's spatial dimensions, "
                         f"got {mode!r} for shape {shape}")  # fmt: skip
    smooth = mode.endswith(("linear", "cubic"))
    if align_corners is not None and not smooth:
        raise InputError(f"interpolate: align_corners is for linear, bilinear, bicubic and trilinear, got {mode!r}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise InputError(f"interpolate: antialias is for modes bilinear and bicubic, got {mode!r}")
    if recompute_scale_factor and size is not None:
        raise InputError(f"interpolate: recompute_scale_factor makes no sense with size, got size {size}")
    counts, factors = _sizes(shape[2:], size, scale_factor)
    return resized(input, counts, [None] * len(counts) if recompute_scale_factor else factors, mode,
                   bool(align_corners), antialias)  # fmt: skip


def resized(
    input: Any, counts: list[int], factors: list[float | None], mode: str, align_corners: bool, antialias: bool
) -> Any:
    """The input with other sizes, and the scale factors that were given, if any."""
    stencil = _stencil(mode, align_corners, antialias)
    factors = [None] * len(counts) if align_corners else factors
    stencils = [stencil(*args) for args in zip(unwrap(input).shape[2:], counts, factors)]
    if mode in ("bilinear", "bicubic") and unwrap(input).dtype == np.uint8:
        return _bytes(input, stencils)
    return blend(input if mode.startswith("nearest") else floating_only(input, "interpolate"), stencils)


def _bytes(input: Any, stencils: list[Stencil]) -> Tensor:
    """An image of bytes, rounded after the columns and again after the rows, as PyTorch does it."""
    for last, stencil in enumerate(reversed(stencils)):
        blended = unwrap(blend(wrap(unwrap(input).astype(np.float32)), [stencil, *[None] * last]))
        input = wrap(np.clip(np.floor(blended + np.float32(0.5)), 0, 255).astype(np.uint8))
    return input


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate`, by its old name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "nearest"."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", True)
