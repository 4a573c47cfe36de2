"""Reading images at any place: sampling grids."""

from __future__ import annotations

import functools
import math
import operator
import warnings
from itertools import product
from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError
from ....graph import outside
from ....kernels.kernel import serves
from ....kernels.loops import grid_sample as grid_sample_kernels
from ....kernels.loops.pairwise_sum import pairwise_sum
from ....kernels.loops.row_loops import piece
from ....kernels.native.parallel import in_parts
from ....rules import differentiable, unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import built
from ...creation.creation import ones_like, zeros_like
from ...pointwise.arithmetic import abs, remainder
from ...pointwise.clamp_round_where import clamp, floor, round, where
from ...pointwise.comparison import isfinite
from ...pointwise.floating_point import nan_to_num
from ...shape.cat_pad import stack

__all__ = ["affine_grid", "grid_sample", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d"]
FUNCTIONAL = "affine_grid grid_sample"

PADDINGS = ("zeros", "border", "reflection")

# --- rows: a product of three, each the transpose of the others ---------------------------------------------------


def _by_image(kernel: Any, *arrays: Any) -> None:
    """Run a loop on arrays whose first dimension counts images, without the others' spatial dimensions."""
    if not all(a.size for a in arrays):
        arrays[-1][...] = 0
        return
    flat = [np.ascontiguousarray(a).reshape(*a.shape[:2], -1) for a in arrays]
    in_parts(kernel, piece(flat[-1].size // len(flat[-1])), flat)


@differentiable(x=lambda g, x_shape: g[..., : math.prod(x_shape[2:])].reshape(x_shape), name="pixels")
def _pixels(x: Any, more: int) -> Any:
    """Images in rows, and so many zeros behind them, for what lies beyond."""
    count = math.prod(x.shape[2:])
    out = np.empty((*x.shape[:2], count + more), x.dtype)
    out[..., :count], out[..., count:] = x.reshape(*x.shape[:2], count), 0
    return out


def _unmix_weight(g: Any, y: Any, index: Any) -> Any:
    return _meet(y, g, index)


def _mix_x(g: Any, weight: Any, index: Any, x_shape: Any) -> Any:
    return _unmix(g, weight, index, x_shape[2])


def _mix_weight(g: Any, x: Any, index: Any) -> Any:
    return _meet(g, x, index)


@differentiable(x=_mix_x, weight=_mix_weight, name="grid_sample", single=True)
def _mix(x: Any, weight: Any, index: Any) -> Any:
    """``out[n, c, p] = sum over k of weight[n, k, p] x[n, c, index[n, k, p]]``, of pixels in rows."""
    out = np.empty((*x.shape[:2], *weight.shape[2:]), x.dtype)
    _by_image(grid_sample_kernels.mix, x, weight, index, out)
    return out


@differentiable(
    y=lambda g, weight, index: _mix(g, weight, index), weight=_unmix_weight, name="grid_sample_input", single=True
)
def _unmix(y: Any, weight: Any, index: Any, count: int) -> Any:
    """So many pixels in rows, from the gradients of their mixtures."""
    out = np.zeros((*y.shape[:2], count), y.dtype)
    _by_image(grid_sample_kernels.unmix, y, weight, index, out)
    return out


def _meet_x(g: Any, y: Any, index: Any, x_shape: Any) -> Any:
    return _unmix(y, g, index, x_shape[2])


@differentiable(y=lambda g, x, index: _mix(x, g, index), x=_meet_x, name="grid_sample_weight", single=True)
def _meet(y: Any, x: Any, index: Any) -> Any:
    """``out[n, k, p] = sum over c of y[n, c, p] x[n, c, index[n, k, p]]``."""
    out = np.empty(index.shape, y.dtype)
    _by_image(grid_sample_kernels.meet, y, x, index, out)
    return out


def _bilinear_twin(grid: Any, sizes: Any, padding_mode: str, align_corners: bool) -> Any:
    return _neighbours(grid, "bilinear", sizes, padding_mode, align_corners)[1]


def _bilinear_grid(g: Any, slopes: Any) -> Any:
    return np.stack([pairwise_sum(g * by, 1) for by in slopes], axis=-1)


@differentiable(grid=_bilinear_grid, twin=_bilinear_twin, name="bilinear_weights", single=True)
def _bilinear(grid: Any, sizes: Any, padding_mode: str, align_corners: bool, weight: Any, slopes: Any) -> Any:
    """The weights that were found along with the pixels."""
    return weight


@serves(lambda grid, mode, sizes, *_: grid_sample_kernels.finds(unwrap(grid), mode, len(sizes)))
def _found(grid: Any, mode: str, sizes: Any, padding_mode: str, align_corners: bool) -> tuple[Any, Any]:
    """`_neighbours` in images, compiled: in one pass."""
    index, weight, slopes = _corners(unwrap(grid), mode, sizes, padding_mode, align_corners)
    if mode != "bilinear":
        place = grid[..., 0][:, None]
        return index, where(_never(place), place, wrap(weight))
    return index, _bilinear.record((grid, sizes, padding_mode, align_corners, weight, slopes))


def _corners(at: Any, mode: str, sizes: Any, padding_mode: str, align_corners: bool) -> tuple[Any, Any, Any]:
    """The pixels, their weights, and how these change with the place."""
    count, *places, _ = at.shape
    several = 4 if mode == "bilinear" else 1
    index = np.empty((count, several, *places), np.uint32)
    weight, slopes = np.empty(index.shape, at.dtype), np.empty((2, count, several, *places), at.dtype)
    flat = count, several, math.prod(places)
    grid_sample_kernels.corners.run(
        np.ascontiguousarray(at).reshape(count, flat[-1], 2), np.array(sizes, at.dtype), PADDINGS.index(padding_mode),
        align_corners, index.reshape(flat), weight.reshape(flat), slopes.reshape(2, *flat),
    )  # fmt: skip
    return index, weight, slopes


# --- grids --------------------------------------------------------------------------------------------------------


def affine_grid(theta: Floating, size: Any, align_corners: bool | None = None) -> Tensor:
    """Sampling grids of affine maps, for `grid_sample`.

    Parameters
    ----------
    theta : Tensor, shape (N, 2, 3) or (N, 3, 4), floating
        One map for each image.
    size : sequence of int
        (N, C, H, W) or (N, C, D, H, W).
    align_corners : bool, optional
        Whether -1 and 1 are the centres of the outermost pixels, rather than their edges (default).

    Returns
    -------
    Tensor, shape (N, H, W, 2) or (N, D, H, W, 3)

    Raises
    ------
    ValueError
        For shapes that do not fit.

    References
    ----------
    Jaderberg et al., "Spatial transformer networks", NIPS 2015.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> identity = tg.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> tg.affine_grid(identity, (1, 1, 2, 2))[0, 0]
    tensor([[-0.5000, -0.5000],
            [ 0.5000, -0.5000]])
    """
    shape, dims = unwrap(theta).shape, len(size) - 2
    if dims not in (2, 3) or shape != (size[0], dims, dims + 1) or min(size) < 1:
        raise InputError("affine_grid: theta must have shape (N, 2, 3) for size (N, C, H, W) or (N, 3, 4) for "
                         f"(N, C, D, H, W), got {shape} and {tuple(size)}")  # fmt: skip
    if align_corners and 1 in size[2:]:
        text = f"affine_grid: with align_corners=True the one pixel of a dimension is its centre, 0, got size {size!r}"
        warnings.warn(f"{text} (See the documentation of affine_grid for details.)", UserWarning, stacklevel=outside())
    dtype = unwrap(theta).dtype
    places: Any = wrap(built(_pixel_places, tuple(size[2:]), align_corners, dtype))
    out = np.matmul(places, np.swapaxes(theta, 1, 2))  # (N, H * W, 2)
    return out.reshape(size[0], *size[2:], dims)


def _pixel_places(size: tuple[int, ...], align_corners: bool, dtype: Any) -> Any:
    """The places of pixels from -1 to 1, x before y, and a one."""
    axes = [np.linspace(-1, 1, n) if align_corners and n > 1 else (2 * np.arange(n) + 1) / n - 1 for n in size]
    places = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size)], -1)
    return places.astype(dtype).reshape(-1, len(size) + 1)


def _reflect(x: Any, low: float, high: float) -> Any:
    """Fold the line back and forth onto ``low <= x <= high``."""
    span = high - low
    if not span:
        return x * 0.0
    turned = remainder(abs(x - low), 2 * span)
    return low + where(turned > span, 2 * span - turned, turned)


def _place(x: Any, size: int, align_corners: bool) -> Any:
    """From -1 ... 1 to pixels."""
    return (x + 1) * ((size - 1) / 2) if align_corners else ((x + 1) * size - 1) * 0.5


def _fixed(x: Any) -> Any:
    """Places that decide something, which has no gradient."""
    return wrap(unwrap(x))


def _never(x: Any) -> Any:
    """False everywhere: chosen by this, x has a gradient of 0, rather than none, as in PyTorch."""
    return zeros_like(_fixed(x)) > 0


def _inside(x: Any, size: int, padding_mode: str, align_corners: bool) -> Any:
    """Bring a place that lies outside back in, as the padding says."""
    if padding_mode == "reflection":
        x = where(isfinite(x), x, 0.0)  # as NaN at the border
        x = _reflect(x, 0.0, size - 1.0) if align_corners else _reflect(x, -0.5, size - 0.5)
    if padding_mode == "zeros":
        return x
    here = _fixed(x)
    end = clamp(nan_to_num(here), 0, size - 1)  # 0 for NaN, too, as in PyTorch
    return where((here > 0) & (here < size - 1), x, end)  # no gradient at the ends, as in PyTorch


def _cubic(t: Any) -> list[Any]:
    """Weights of the four neighbours at ``-1, 0, 1, 2``, for t between 0 and 1 (Keys, 1981, with a = -0.75)."""
    a = -0.75

    def near(t: Any) -> Any:
        return ((a + 2) * t - (a + 3)) * t * t + 1

    def far(t: Any) -> Any:
        return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _taps(x: Any, mode: str, size: int, padding_mode: str, align_corners: bool) -> list[tuple[Any, Any]]:
    """Along one dimension: the pixels that are read (floats, maybe outside), and their weights."""
    if mode == "bicubic":
        first = floor(_fixed(x))
        taps = list(zip((-1, 0, 1, 2), _cubic(x - first)))
        return [(_inside(first + i, size, padding_mode, align_corners), w) for i, w in taps]
    x = _inside(x, size, padding_mode, align_corners)
    if mode == "nearest":
        here = _fixed(x)
        return [(round(here), where(_never(x), x, ones_like(here)))]
    first = floor(_fixed(x))
    return [(first, first + 1 - x), (first + 1, x - first)]


def grid_sample(
    input: Floating,
    grid: Floating,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Read images at the places of a grid.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (N, C, D, H, W), floating
    grid : Tensor, shape (N, h, w, 2) or (N, d, h, w, 3), floating
        Places (x, y) or (x, y, z), where -1 and 1 are the ends of the image.
    mode : "bilinear", "nearest" or "bicubic" (images only)
    padding_mode : "zeros", "border" or "reflection"
        What lies outside. With "zeros" a place that is NaN or infinite reads NaN, except in mode "nearest"; otherwise
        NaN is read at the first pixel, as in PyTorch (in three dimensions, too, where PyTorch differs).
    align_corners : bool, optional
        Whether -1 and 1 are the centres of the outermost pixels, rather than their edges (default).

    Returns
    -------
    Tensor, shape (N, C, h, w) or (N, C, d, h, w)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    References
    ----------
    Jaderberg et al., "Spatial transformer networks", NIPS 2015, equations 3 to 7.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> tg.grid_sample(x, tg.tensor([[[[0.0, 0.0]]]]))
    tensor([[[[2.5000]]]])
    """
    x, at = unwrap(input), unwrap(grid)
    dims = x.ndim - 2
    if dims not in (2, 3) or at.ndim != x.ndim or at.shape[0] != x.shape[0] or at.shape[-1] != dims or 0 in x.shape[2:]:
        raise InputError("grid_sample: input and grid must have shapes (N, C, H, W) and (N, h, w, 2), or (N, C, D, H, "
                         f"W) and (N, d, h, w, 3), got {x.shape} and {at.shape}")  # fmt: skip
    if mode not in ("bilinear", "nearest", "bicubic") or (mode == "bicubic" and dims == 3):
        raise InputError(f"grid_sample: mode must be 'bilinear', 'nearest' or, for images, 'bicubic', got {mode!r}")
    if padding_mode not in PADDINGS:
        raise InputError(f"grid_sample: padding_mode must be 'zeros', 'border' or 'reflection', got {padding_mode!r}")
    if x.dtype != at.dtype or x.dtype.kind != "f":
        raise DtypeError(f"grid_sample: input and grid must be floating point, of one dtype, got {x.dtype}, {at.dtype}")
    options = x.shape[2:], padding_mode, bool(align_corners)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        index, weight = _nearest_pixels(grid, mode, *options)
    beyond = padding_mode == "zeros" or mode == "bilinear"  # there the right neighbour of the last pixel is named
    return _mix.record((_pixels.record((input, int(beyond))), weight, index))


_MODES = ("bilinear", "nearest", "bicubic")


def grid_sampler(
    input: Floating, grid: Floating, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """`grid_sample`, whose modes are numbers.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (N, C, D, H, W), floating
    grid : Tensor, shape (N, h, w, 2) or (N, d, h, w, 3), floating
    interpolation_mode : int
        0, 1 and 2 are "bilinear", "nearest" and "bicubic".
    padding_mode : int
        0, 1 and 2 are "zeros", "border" and "reflection".
    align_corners : bool

    Returns
    -------
    Tensor, shape (N, C, h, w) or (N, C, d, h, w)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.grid_sampler(tg.tensor([[[[1.0, 3.0]]]]), tg.tensor([[[[0.0, 0.0]]]]), 0, 0, True)
    tensor([[[[2.]]]])
    """
    if interpolation_mode not in (0, 1, 2) or padding_mode not in (0, 1, 2):
        raise InputError(f"grid_sampler: modes must be 0, 1 or 2, got {interpolation_mode} and {padding_mode}")
    return grid_sample(input, grid, _MODES[interpolation_mode], PADDINGS[padding_mode], align_corners)


def grid_sampler_2d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """`grid_sampler` of images."""
    if unwrap(input).ndim != 4:
        raise InputError(f"grid_sampler_2d: input must have 4 dimensions, got shape {unwrap(input).shape}")
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """`grid_sampler` of volumes."""
    if unwrap(input).ndim != 5:
        raise InputError(f"grid_sampler_3d: input must have 5 dimensions, got shape {unwrap(input).shape}")
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def _neighbours(grid: Any, mode: str, sizes: Any, padding_mode: str, align_corners: bool) -> tuple[Any, Any]:
    """The pixels that make up each place, counted through all of them, and their weights, shape (N, K, h, w)."""
    dims = len(sizes)
    sides = [
        _taps(_place(grid[..., dims - 1 - d], n, align_corners), mode, n, padding_mode, align_corners)
        for d, n in enumerate(sizes)
    ]
    index = _pixels_at(tuple(sizes), *(place for side in sides for place, _ in side))
    factors = product(*([factor for _, factor in side] for side in sides))
    return index, stack([functools.reduce(operator.mul, each) for each in factors], 1)


_nearest_pixels = _found.otherwise(_neighbours)


def _pixels_at(shape: tuple[int, ...], *places: Any) -> Any:
    """Which pixels the neighbours are, from their places along each dimension; outside, the one after the last."""
    taps, found = len(places) // len(shape), []
    for corner in product(*(places[i : i + taps] for i in range(0, len(places), taps))):
        known = np.logical_and.reduce([(place >= 0) & (place <= n - 1) for place, n in zip(corner, shape)])
        index = np.zeros(known.shape, np.uint32)
        for place, n in zip(corner, shape):
            index = index * np.uint32(n) + np.where(known, place, 0).astype(np.uint32)
        found.append(np.where(known, index, np.uint32(math.prod(shape))))
    return np.stack(found, 1)
