"""Adafactor's loops over many tensors in one launch: matrices by `factored`, the rest with second moments of their own.

``table`` holds addresses, a column for each tensor and a row for each of: parameters, gradients, ``row_var``,
``col_var``, ``rows``, ``cols``. ``shapes`` holds their B, M, N; of what is no matrix 0, 0 and its size: its second
moments stand in the place of ``row_var``, and nothing in the last three. A piece of work is a tensor and a range of its
matrices, its rows, or its elements. ``numbers`` are ``w, eps, shrink``; see `factored`, for which ``floor = eps`` and
``top = 1 / eps``.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.kernels.kernel import kernel
from tinygrad_lite.kernels.loops.row_sums import BLOCK, dot, summing
from tinygrad_lite.kernels.native.memory import claim, view
from tinygrad_lite.kernels.spatial.padded_layout import no_plain

from .factored import descend, refresh


@summing
def refresh_block(g: Any, v: Any, w: Any, eps: Any) -> Any:
    total = g.dtype.type(0)
    for i in range(g.size):
        v[i] += w * (g[i] * g[i] - v[i])
        root = np.sqrt(v[i])
        u = g[i] / (eps if root < eps else root)
        total += u * u
    return total


def refresh_elements(g: Any, v: Any, w: Any, eps: Any) -> float:
    """Move second moments by ``w`` towards the squares; return the sum of ``u ** 2``, ``u = g / max(sqrt(v), eps)``."""
    total = 0.0
    for start in range(0, g.size, BLOCK):
        total += refresh_block(g[start : start + BLOCK], v[start : start + BLOCK], w, eps)
    return total


def descend_elements(p: Any, g: Any, v: Any, shrink: Any, rate: Any, eps: Any) -> None:
    """``p = shrink * p - rate * u``."""
    for i in range(p.size):
        root = np.sqrt(v[i])
        p[i] = shrink * p[i] - rate * (g[i] / (eps if root < eps else root))


@kernel(no_plain)
def refresh_tensors(table: Any, shapes: Any, pieces: Any, numbers: Any, sums: Any, cursor: Any) -> int:
    """Move all second moments; ``sums[piece]`` are those of ``p ** 2`` and of the scaled gradients' squares."""
    dtype, size, done = numbers.dtype, numbers.itemsize, 0
    w, eps, top = numbers[0], numbers[1], dtype.type(1) / numbers[1]
    while True:
        piece = claim(cursor)
        if piece >= len(pieces):
            return done
        done += 1
        t, first, last = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
        b, m, n = shapes[t, 0], shapes[t, 1], shapes[t, 2]
        if m == 0:
            at, count = first * size, last - first
            p, g = view(table[0, t] + at, count, dtype), view(table[1, t] + at, count, dtype)
            sums[piece, 0] = dot(p, p)
            sums[piece, 1] = refresh_elements(g, view(table[2, t] + at, count, dtype), w, eps)
        else:
            p = view(table[0, t] + first * m * n * size, (last - first) * m * n, dtype)
            sums[piece, 0] = dot(p, p)
            sums[piece, 1] = refresh(
                view(table[1, t], (b, m, n), dtype), w, eps, top,
                view(table[2, t], (b, m), dtype), view(table[3, t], (b, n), dtype),
                view(table[4, t], (b, m), dtype), view(table[5, t], (b, n), dtype), first, last,
            )  # fmt: skip


@kernel(no_plain)
def descend_tensors(table: Any, shapes: Any, pieces: Any, numbers: Any, rates: Any, cursor: Any) -> int:
    """``p = shrink * p - rate * u``, with a rate for each tensor."""
    dtype, size, done = numbers.dtype, numbers.itemsize, 0
    eps, top, shrink = numbers[1], dtype.type(1) / numbers[1], numbers[2]
    while True:
        piece = claim(cursor)
        if piece >= len(pieces):
            return done
        done += 1
        t, first, last = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
        b, m, n = shapes[t, 0], shapes[t, 1], shapes[t, 2]
        if m == 0:
            at, count = first * size, last - first
            p, g = view(table[0, t] + at, count, dtype), view(table[1, t] + at, count, dtype)
            descend_elements(p, g, view(table[2, t] + at, count, dtype), shrink, rates[t], eps)
        else:
            descend(
                view(table[0, t], (b, m, n), dtype), view(table[1, t], (b, m, n), dtype), shrink, rates[t], top,
                view(table[4, t], (b, m), dtype), view(table[5, t], (b, n), dtype), first, last,
            )  # fmt: skip
