"""A matrix's second moments kept as one number for each row and each column, and steps scaled by them.

All take stacks of matrices, shape (B, M, N), and work on a range of them: what one thread claims at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.kernels.kernel import kernel
from tinygrad_lite.kernels.loops.row_sums import BLOCK, dot, summing

LONG = 32  # entries of a row from which on its sums are worth a loop of their own


def refresh_plain(
    g: Any, w: Any, floor: Any, top: Any, row_var: Any, col_var: Any, rows: Any, cols: Any, first: int, last: int
) -> float:
    """Update the second moments of some matrices and derive from them what scales their steps.

    ``row_var`` and ``col_var`` move by ``w`` towards the mean squares of rows and columns. With
    ``V = row_var col_var / mean(row_var)``, ``1 / sqrt(V) = rows * cols``.

    Parameters
    ----------
    g : array, shape (B, M, N)
        Gradients.
    w : scalar
    floor : scalar
        ``mean(row_var)`` is taken to be at least this.
    top : scalar
        ``rows * cols`` is taken to be at most this.
    row_var, rows : array, shape (B, M)
        Updated; written.
    col_var, cols : array, shape (B, N)
        Updated; written.
    first, last : int
        Which matrices.

    Returns
    -------
    float
        The sum of ``(g * rows * cols) ** 2``.
    """
    _, m, n = g.shape
    here = slice(first, last)
    squares = g[here] * g[here]  # (b, M, N)
    row_var[here] += w * (squares.sum(axis=2) / g.dtype.type(n) - row_var[here])
    col_var[here] += w * (squares.sum(axis=1) / g.dtype.type(m) - col_var[here])
    mean = np.maximum(row_var[here].mean(axis=1, keepdims=True), floor)
    rows[here] = np.sqrt(mean) / np.sqrt(row_var[here])
    cols[here] = 1 / np.sqrt(col_var[here])
    return float(np.square(_scaled(g[here], rows[here], cols[here], top)).sum(dtype=np.float64))


def _scaled(g: Any, rows: Any, cols: Any, top: Any) -> Any:
    return g * np.minimum(rows[:, :, None] * cols[:, None, :], top)


@kernel(refresh_plain)
def refresh(
    g: Any, w: Any, floor: Any, top: Any, row_var: Any, col_var: Any, rows: Any, cols: Any, first: int, last: int
) -> float:
    _, m, n = g.shape
    one = g.dtype.type(1)
    per_row, per_col = one / g.dtype.type(n), one / g.dtype.type(m)
    for k in range(first, last):
        for j in range(n):
            cols[k, j] = 0
        for i in range(m):
            for j in range(n):
                cols[k, j] += g[k, i, j] * g[k, i, j]
            squares = dot(g[k, i], g[k, i]) if n >= LONG else square_sum(g, k, i)
            row_var[k, i] += w * (g.dtype.type(squares) * per_row - row_var[k, i])
        for j in range(n):
            col_var[k, j] += w * (cols[k, j] * per_col - col_var[k, j])
    inverse_root(row_var[first:last].reshape(-1), rows[first:last].reshape(-1))
    inverse_root(col_var[first:last].reshape(-1), cols[first:last].reshape(-1))
    total = 0.0
    for k in range(first, last):
        mean = g.dtype.type(0)
        for i in range(m):
            mean += row_var[k, i]
        mean *= per_col
        root = np.sqrt(floor if mean < floor else mean)
        for i in range(m):
            rows[k, i] *= root
            if n >= LONG:
                total += scaled_sum(g[k, i], rows[k, i], cols[k], top)
            else:
                total += scaled_square_sum(g, rows[k, i], cols, top, k, i)
    return total


def inverse_root(x: Any, out: Any) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        out[i] = one / np.sqrt(x[i])


def square_sum(g: Any, k: int, i: int) -> float:
    """The sum of ``g[k, i, :] ** 2`` in float64, of a short row."""
    total = 0.0
    for j in range(g.shape[2]):
        total += g[k, i, j] * g[k, i, j]
    return total


@summing
def scaled_block(g: Any, row: Any, cols: Any, top: Any) -> Any:
    total = g.dtype.type(0)
    for j in range(g.size):
        total += square(g[j], row * cols[j], top)
    return total


def scaled_sum(g: Any, row: Any, cols: Any, top: Any) -> float:
    total = 0.0
    for start in range(0, g.size, BLOCK):
        total += scaled_block(g[start : start + BLOCK], row, cols[start : start + BLOCK], top)
    return total


def scaled_square_sum(g: Any, row: Any, cols: Any, top: Any, k: int, i: int) -> float:
    """The sum of ``u[k, i, :] ** 2``, of a short row."""
    total = 0.0
    for j in range(g.shape[2]):
        total += square(g[k, i, j], row * cols[k, j], top)
    return total


def square(x: Any, scale: Any, top: Any) -> Any:
    u = x * (top if scale > top else scale)
    return u * u


def descend_plain(
    p: Any, g: Any, shrink: Any, rate: Any, top: Any, rows: Any, cols: Any, first: int, last: int
) -> None:
    """``p = shrink * p - rate * g * rows * cols`` for some rows, counted through all matrices.

    Parameters
    ----------
    p, g : array, shape (B, M, N)
        Parameters, updated; gradients.
    shrink, rate, top : scalar
    rows : array, shape (B, M)
    cols : array, shape (B, N)
        From `refresh`.
    first, last : int
        Which rows.
    """
    _, m, n = p.shape
    p, g, rows = p.reshape(-1, n), g.reshape(-1, n), rows.reshape(-1)
    which = np.arange(first, last)
    scale = np.minimum(rows[which, None] * cols[which // m], top)
    p[first:last] = shrink * p[first:last] - rate * (g[first:last] * scale)


@kernel(descend_plain)
def descend(p: Any, g: Any, shrink: Any, rate: Any, top: Any, rows: Any, cols: Any, first: int, last: int) -> None:
    _, m, n = p.shape
    k, i = first // m, first % m
    for _ in range(first, last):
        for j in range(n):
            scale = rows[k, i] * cols[k, j]
            p[k, i, j] = shrink * p[k, i, j] - rate * (g[k, i, j] * (top if scale > top else scale))
        i += 1
        if i == m:
            k, i = k + 1, 0
