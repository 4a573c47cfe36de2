"""Convolutions of 3 x 3 by Winograd's minimal filtering, in NumPy: the plain twins of `winograd`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...native.simd.toom_cook import matrices
from ..conv_numpy import Ints


def _tiles(x: Any, m: int, wide: int, padding: Ints, size: Ints) -> Any:
    """Tiles of `wide` entries along a side, m apart: (N, C, down, across, wide, wide)."""
    down, across = (-(-n // m) for n in size)
    padded = np.zeros((*x.shape[:2], down * m + wide - m, across * m + wide - m), x.dtype)
    top, left = padding
    part = x[:, :, : padded.shape[2] - top, : padded.shape[3] - left]
    padded[:, :, top : top + part.shape[2], left : left + part.shape[3]] = part
    return np.lib.stride_tricks.sliding_window_view(padded, (wide, wide), (2, 3))[:, :, ::m, ::m]


def _both(matrix: Any, grid: Any) -> Any:
    """``matrix @ grid @ matrix.T`` in the grid's dtype."""
    matrix = matrix.astype(grid.dtype)
    return matrix @ grid @ matrix.T


def filter_plain(x: Any, w: Any, bias: Any, padding: Ints, turned: bool, m: int, y: Any) -> None:
    """`winograd.filter`: all tiles' transforms at once."""
    f = matrices(m)
    if turned:
        w = w.swapaxes(0, 1)[:, :, ::-1, ::-1]
    inputs, filters = _both(f["BT"], _tiles(x, m, m + 2, padding, y.shape[2:])), _both(f["G"], w)
    made = _both(f["AT"], np.einsum("acij,nchwij->nahwij", filters, inputs, optimize=True))
    down, across = made.shape[2:4]
    whole = made.swapaxes(3, 4).reshape(*y.shape[:2], down * m, across * m)
    y[...] = whole[:, :, : y.shape[2], : y.shape[3]] + (0 if bias is None else bias[:, None, None])


def correlate_plain(y: Any, x: Any, padding: Ints, m: int, w: Any) -> None:
    """`winograd.correlate`: all tiles' transforms at once."""
    f, size = matrices(m), y.shape[2:]
    inputs, outputs = _both(f["BT"], _tiles(x, m, m + 2, padding, size)), _both(f["A"], _tiles(y, m, m, (0, 0), size))
    w[...] = _both(f["GT"], np.einsum("nahwij,nchwij->acij", outputs, inputs, optimize=True))
