"""Reading images at any place: sampling grids."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ..rules import unwrap
from .arithmetic import abs, remainder
from .index import take
from .piecewise import masked, where

__all__ = ["affine_grid", "grid_sample"]


def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
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
        raise ValueError("affine_grid: theta must have shape (N, 2, 3) for size (N, C, H, W) or (N, 3, 4) for "
                         f"(N, C, D, H, W), got {shape} and {tuple(size)}")  # fmt: skip
    dtype = unwrap(theta).dtype
    axes = [np.linspace(-1, 1, n) if align_corners and n > 1 else (2 * np.arange(n) + 1) / n - 1 for n in size[2:]]
    places = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(tuple(size[2:]))], -1).astype(dtype)
    out = np.matmul(places.reshape(-1, dims + 1), np.swapaxes(theta, 1, 2))  # (N, H * W, 2)
    return out.reshape(size[0], *size[2:], dims)


def _reflect(x: Any, low: float, high: float) -> Any:
    """Fold the line back and forth onto ``low <= x <= high``."""
    span = high - low
    if not span:
        return x * 0.0
    turned = remainder(abs(x - low), 2 * span)
    return low + where(unwrap(turned) > span, 2 * span - turned, turned)


def _place(x: Any, size: int, align_corners: bool) -> Any:
    """From -1 ... 1 to pixels."""
    return (x + 1) * ((size - 1) / 2) if align_corners else ((x + 1) * size - 1) * 0.5


def _inside(x: Any, size: int, padding_mode: str, align_corners: bool) -> Any:
    """Bring a place that lies outside back in, as the padding says."""
    if padding_mode == "reflection":
        x = _reflect(x, 0.0, size - 1.0) if align_corners else _reflect(x, -0.5, size - 0.5)
    if padding_mode == "zeros":
        return x
    here = unwrap(x)
    inside = (here > 0) & (here < size - 1)
    return where(inside, x, np.clip(here, 0, size - 1))  # no gradient at the ends, as in PyTorch


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
    if padding_mode == "zeros":  # far away is as far as near outside
        here = unwrap(x)
        x = where((here > -3) & (here < size + 2), x, np.clip(here, -3, size + 2))
    if mode == "bicubic":
        first = np.floor(unwrap(x))
        taps = list(zip((-1, 0, 1, 2), _cubic(x - first)))
        return [(_inside(first + i, size, padding_mode, align_corners), w) for i, w in taps]
    x = _inside(x, size, padding_mode, align_corners)
    if mode == "nearest":
        return [(np.rint(unwrap(x)), np.ones_like(unwrap(x)))]
    first = np.floor(unwrap(x))
    return [(first, first + 1 - x), (first + 1, x - first)]


def grid_sample(
    input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Any:
    """Read images at the places of a grid.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (N, C, D, H, W), floating
    grid : Tensor, shape (N, h, w, 2) or (N, d, h, w, 3), floating
        Places (x, y) or (x, y, z), where -1 and 1 are the ends of the image.
    mode : "bilinear", "nearest" or "bicubic" (images only)
    padding_mode : "zeros", "border" or "reflection"
        What lies outside.
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
    if dims not in (2, 3) or at.ndim != x.ndim or at.shape[0] != x.shape[0] or at.shape[-1] != dims or 0 in x.shape[1:]:
        raise ValueError("grid_sample: input and grid must have shapes (N, C, H, W) and (N, h, w, 2), or (N, C, D, H, "
                         f"W) and (N, d, h, w, 3), got {x.shape} and {at.shape}")  # fmt: skip
    if mode not in ("bilinear", "nearest", "bicubic") or (mode == "bicubic" and dims == 3):
        raise ValueError(f"grid_sample: mode must be 'bilinear', 'nearest' or, for images, 'bicubic', got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"grid_sample: padding_mode must be 'zeros', 'border' or 'reflection', got {padding_mode!r}")
    if x.dtype != at.dtype or x.dtype.kind != "f":
        raise TypeError(f"grid_sample: input and grid must be floating point, of one dtype, got {x.dtype}, {at.dtype}")
    sides = [
        _taps(_place(grid[..., dims - 1 - d], n, bool(align_corners)), mode, n, padding_mode, bool(align_corners))
        for d, n in enumerate(x.shape[2:])
    ]
    batch = np.arange(len(x)).reshape(-1, *(1,) * dims)
    pixels = input.movedim(1, -1)  # (N, H, W, C): one index reads all channels
    total: Any = None
    for corner in product(*sides):
        weight, index = _corner(corner, x.shape[2:])
        part = take(pixels, (batch, *index)) * weight[..., None]
        total = part if total is None else total + part
    return total.movedim(-1, 1)


def _corner(corner: Any, shape: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """The weight of one neighbour, zero if it lies outside, and where it lies."""
    places = [unwrap(place) for place, _ in corner]
    known = np.logical_and.reduce([(place >= 0) & (place <= n - 1) for place, n in zip(places, shape)])
    weight = corner[0][1]
    for _, factor in corner[1:]:
        weight = weight * factor
    return masked(weight, known), [np.where(known, place, 0).astype(np.intp) for place in places]
