"""`pack`, `tile_by`: a matrix laid out in panels, and some rows times one of them, in registers.

A panel holds as many columns as the registers do, row below row. So a product of some rows reads memory in one stream,
and what one block of rows has read is still near for the next.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tinygrad_lite.kernels.kernel import kernel
from tinygrad_lite.kernels.native.simd.blocks import PANEL, ROWS, WIDTH, rows_by_columns, turn
from tinygrad_lite.kernels.spatial.padded_layout import no_plain

NEAR = 128  # rows of a panel at a time, which stay in the first cache


@cache
def places() -> Any:
    """Offsets in bytes of what is multiplied, down a panel."""
    return PANEL * WIDTH * np.arange(NEAR)


def shape_of(depth: int, columns: int, itemsize: int) -> tuple[int, int, int]:
    """Of the panels of a matrix of shape (depth, columns)."""
    wide = PANEL * WIDTH // itemsize
    return -(-columns // wide), depth, wide


@kernel(no_plain)
def pack(w: Any, panels: Any) -> None:
    """Lay out `w`, shape (K, N); zeros fill the last panel."""
    count, depth, wide = panels.shape
    zero = w.dtype.type(0)
    for p in range(count):
        n = min(wide, w.shape[1] - p * wide)
        for k in range(depth):
            source, target = w[k, p * wide : p * wide + n], panels[p, k]
            for i in range(n):
                target[i] = source[i]
            for i in range(n, wide):
                target[i] = zero


@kernel(no_plain)
def pack_turned(w: Any, panels: Any) -> None:
    """Lay out the transpose of `w`, shape (N, K)."""
    count, depth, wide = panels.shape
    size, lanes, zero = w.itemsize, WIDTH // w.itemsize, w.dtype.type(0)
    for p in range(count):
        if (p + 1) * wide > len(w):
            last = panels[p].reshape(-1)
            for i in range(last.size):
                last[i] = zero
        for i in range(p * wide, min((p + 1) * wide, len(w)), lanes):
            source = w.ctypes.data + i * depth * size
            target = panels.ctypes.data + (p * depth * wide + i - p * wide) * size
            for k in range(0, depth, lanes):
                turn(1, w.dtype, source + k * size, depth * size, min(lanes, len(w) - i), min(lanes, depth - k),
                     target + k * wide * size, wide * size)  # fmt: skip


def tile_by(
    rows: int, vectors: int, dtype: Any, a: int, p: int, a_step: int, b: int, q: int, count: int, out: int, pitch: int
) -> int:
    """Add the product of as many rows as registers hold with one panel; return how many rows that is."""
    if rows >= ROWS and vectors >= PANEL:
        rows_by_columns(ROWS, PANEL, dtype, a, p, a_step, b, q, count, out, pitch, 0)
        return ROWS
    if rows >= ROWS and vectors == 2:
        rows_by_columns(ROWS, 2, dtype, a, p, a_step, b, q, count, out, pitch, 0)
        return ROWS
    if rows >= ROWS:
        rows_by_columns(ROWS, 1, dtype, a, p, a_step, b, q, count, out, pitch, 0)
        return ROWS
    if rows >= 4:
        rows_by_columns(4, PANEL, dtype, a, p, a_step, b, q, count, out, pitch, 0)
        return 4
    if rows >= 2:
        rows_by_columns(2, PANEL, dtype, a, p, a_step, b, q, count, out, pitch, 0)
        return 2
    rows_by_columns(1, PANEL, dtype, a, p, a_step, b, q, count, out, pitch, 0)
    return 1
