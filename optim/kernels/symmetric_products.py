"""Products that are known to be symmetric, of matrices that stay in panels: half of each is computed.

Of a symmetric matrix in panels, as `panels` lays them out, the rows are the columns: a product finds both of its
factors side by side there, and leaves its result laid out as the next one reads it. Nothing is packed in between, and
the last product, with a matrix of any shape (`applied`), finds it so, too.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="attr-defined, call-arg, var-annotated"

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.kernels.kernel import kernel
from tinygrad_lite.kernels.native.memory import claim, view
from tinygrad_lite.kernels.native.simd.blocks import ROWS, WIDTH, clear, copy_lines, turn
from tinygrad_lite.kernels.native.threads import get_num_threads, launch
from tinygrad_lite.kernels.spatial.padded_layout import no_plain, room

from .packed_products import pack, pack_turned, places, shape_of, tile_by

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
SHARED = 6_000_000  # multiplications from which on work is shared: waking a thread takes about as long as half of them


@kernel(no_plain)
def pack_shared(w: Any, turned: bool, panels: Any, cursor: Any) -> int:
    """`pack` or `pack_turned`; a piece is a panel."""
    wide, done = panels.shape[2], 0
    while True:
        p = claim(cursor)
        if p >= len(panels):
            return done
        done += 1
        if turned:
            pack_turned(w[p * wide : (p + 1) * wide], panels[p : p + 1])
        else:
            pack(w[:, p * wide : (p + 1) * wide], panels[p : p + 1])


def add_block(
    a: int, b: int, depth: int, rows: int, vectors: int, diagonal: bool, offsets: Any, size: int, dtype: Any, out: int,
    pitch: int,
) -> None:  # fmt: skip
    """``out[r, i] += sum over k of a[k, r] * b[k, i]`` with a panel each, all three by address.

    Of a block that lies on the diagonal, vectors left of it may be left out: they are where whole tiles are.
    """
    lanes, near, down = WIDTH // size, offsets.size, offsets.ctypes.data
    for k in range(0, depth, near):  # a part of `b` stays in the first cache until all rows have met it
        left, right, r = a + k * pitch, b + k * pitch, 0
        while r < rows:
            skipped = r // lanes if diagonal and rows - r >= ROWS else 0
            r += tile_by(
                rows - r, vectors - skipped, dtype, left + r * size, down, size, right + skipped * WIDTH, down,
                min(near, depth - k), out + r * pitch + skipped * WIDTH, pitch,
            )  # fmt: skip


@kernel(no_plain)
def multiply(a: Any, b: Any, more: Any, alpha: Any, beta: Any, gamma: Any, offsets: Any, out: Any, cursor: Any) -> int:
    """`product`; a piece is the block where the columns of a panel meet the rows of another, and its mirror image.

    Whole vectors are computed. What a last panel's lanes beyond the matrix come to is of those lanes alone: no entry
    of the matrix is ever made of it.
    """
    count, depth, wide = a.shape
    m, size, dtype = out.shape[1], a.itemsize, a.dtype
    lanes, pitch, one, zero = WIDTH // size, wide * size, dtype.type(1), dtype.type(0)
    done = p = 0
    while True:
        piece = claim(cursor)
        if piece >= count * (count + 1) // 2:
            return done
        done += 1
        while (p + 1) * (p + 2) // 2 <= piece:  # pieces come in order: of panel p, those with all q up to p
            p += 1
        q = piece - p * (p + 1) // 2
        rows, columns = min(wide, m - q * wide), min(wide, m - p * wide)
        place, n = (p * m + q * wide) * pitch, rows * wide
        block, mirror = out.ctypes.data + place, out.ctypes.data + (q * m + p * wide) * pitch
        clear(block, n * size)
        add_block(
            a.ctypes.data + q * depth * pitch, b.ctypes.data + p * depth * pitch, depth, rows, -(-columns // lanes),
            p == q, offsets, size, dtype, block, pitch,
        )  # fmt: skip
        sums = view(block, n, dtype)
        if beta != zero:
            others = view(more.ctypes.data + place, n, dtype)
            for i in range(n):
                sums[i] = alpha * sums[i] + beta * others[i]
        elif alpha != one:
            for i in range(n):
                sums[i] *= alpha
        if p == q:
            for r in range(rows):
                sums[r * wide + r] += gamma
                for i in range(r):
                    sums[r * wide + i] = sums[i * wide + r]
        else:
            for r in range(0, rows, lanes):
                for i in range(0, columns, lanes):
                    turn(1, dtype, block + r * pitch + i * size, pitch, min(lanes, rows - r), min(lanes, columns - i),
                         mirror + i * pitch + r * size, pitch)  # fmt: skip


@kernel(no_plain)
def multiply_whole(a: Any, b: Any, offsets: Any, scratch: Any, slots: Any, out: Any, cursor: Any) -> int:
    """``out = a^T b``, which is not in panels; a piece is a block, of which each thread has one in `scratch`."""
    count, depth, wide = a.shape
    (m, n), size, dtype = out.shape, a.itemsize, a.dtype
    lanes, pitch, done = WIDTH // size, wide * size, 0
    block = scratch.ctypes.data + claim(slots) * wide * pitch
    while True:
        piece = claim(cursor)
        if piece >= count * len(b):
            return done
        done += 1
        p, q = piece // count, piece % count
        rows, columns = min(wide, m - q * wide), min(wide, n - p * wide)
        clear(block, rows * pitch)
        add_block(
            a.ctypes.data + q * depth * pitch, b.ctypes.data + p * depth * pitch, depth, rows, -(-columns // lanes),
            False, offsets, size, dtype, block, pitch,
        )  # fmt: skip
        target = out.ctypes.data + (q * wide * n + p * wide) * size
        copy_lines(1, dtype, rows, block, pitch, target, n * size, columns)


# --- what prepares them -----------------------------------------------------------------------------------------------


def _aligned(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """Room in which no vector lies in two cache lines, and is read twice: 5 % of a product's time."""
    size, line = math.prod(shape), WIDTH // dtype.itemsize
    flat = room(name, (size + line,), dtype)
    start = -flat.ctypes.data % WIDTH // dtype.itemsize
    return flat[start : start + size].reshape(shape)


def _helpers(multiplications: int) -> int:
    """How many threads to wake."""
    return get_num_threads() - 1 if multiplications >= SHARED else 0


def matrices(count: int, m: int, dtype: Any) -> Any:
    """Return room for some symmetric matrices, the same in each call of a thread.

    Parameters
    ----------
    count : int
    m : int
        Rows of each.
    dtype : {float32, float64}

    Returns
    -------
    array, shape (count, panels, m, width of a panel)
    """
    return _aligned("symmetric", (count, *shape_of(m, m, dtype.itemsize)), dtype)


def packed(x: Any) -> Any:
    """A matrix of any memory order in panels, which stay until the next is packed."""
    turned = not x.flags.c_contiguous
    panels = _aligned("packed", shape_of(*x.shape, x.itemsize), x.dtype)
    launch(pack_shared.compiled, len(panels), np.ascontiguousarray(x.T) if turned else x, turned, panels,
           helpers=_helpers(16 * x.size))  # fmt: skip
    return panels


def gram(x: Any, out: Any) -> Any:
    """Write ``x x^T``.

    Parameters
    ----------
    x : array, shape (M, N), float32 or float64
        In any memory order.
    out : array, shape (panels, M, width of a panel)

    Returns
    -------
    array
        `out`.
    """
    panels = packed(x.T)
    return product(panels, panels, out)


def applied(q: Any, x: Any) -> Any:
    """Return ``q x``, in the memory order of `x`.

    Parameters
    ----------
    q : array, shape (panels, M, width of a panel)
        Symmetric.
    x : array, shape (M, N)

    Returns
    -------
    array, shape (M, N)
    """
    panels, across = packed(x), x.T.flags.c_contiguous
    a, b, out = (panels, q, np.empty(x.T.shape, x.dtype)) if across else (q, panels, np.empty(x.shape, x.dtype))
    helpers = _helpers(q.shape[1] * x.size)
    scratch = _aligned("block", (helpers + 1, q.shape[2], q.shape[2]), x.dtype)
    launch(multiply_whole.compiled, len(a) * len(b), a, b, places(), scratch, np.zeros(1, np.intp), out,
           helpers=helpers)  # fmt: skip
    return out.T if across else out


def product(
    a: Any, b: Any, out: Any, alpha: float = 1.0, beta: float = 0.0, add: Any = None, gamma: float = 0.0
) -> Any:
    """Write ``alpha * a^T b + beta * add + gamma * I``, of which it is known that it is symmetric.

    Parameters
    ----------
    a, b : array, shape (panels, K, width of a panel), float32 or float64
        Matrices of shape (K, M) in panels; where they are symmetric, K = M.
    out : array, shape (panels, M, width of a panel)
        No part of the others.
    alpha, beta, gamma : float
    add : array, shape (panels, M, width of a panel), optional
        Symmetric.

    Returns
    -------
    array
        `out`.

    Raises
    ------
    ValueError
        If these do not fit each other, or if `out` is a part of another.

    Notes
    -----
    The order of sums is the same with any number of threads.
    """
    given, kind, (m, depth) = [a, b] if add is None else [a, b, add], out.dtype, (out.shape[1], a.shape[1])
    if [each.shape for each in (a, b, out)] != [shape_of(rows, m, out.itemsize) for rows in (depth, depth, m)]:
        found = ", ".join(str(each.shape) for each in (a, b, out))
        raise ValueError(f"symmetric.product: a, b and out must be panels of matrices that fit, got shapes {found}")
    if add is not None and add.shape != out.shape:
        raise ValueError(f"symmetric.product: add must have out's shape {out.shape}, got {add.shape}")
    if kind not in DTYPES or any(each.dtype != kind or not each.flags.c_contiguous for each in (*given, out)):
        raise ValueError("symmetric.product: all panels must be contiguous, and of float32 or of float64")
    if any(np.may_share_memory(each, out) for each in given):
        raise ValueError("symmetric.product: out must be no part of a, b or add")
    pieces, number, beta = len(out) * (len(out) + 1) // 2, kind.type, 0.0 if add is None else beta
    launch(
        multiply.compiled, pieces, a, b, given[-1], number(alpha), number(beta), number(gamma), places(), out,
        helpers=_helpers(m * m * depth // 2),
    )  # fmt: skip
    return out


def diagonal(panels: Any) -> Any:
    """Return the diagonal of a matrix of shape (M, M) in panels, shape (M,)."""
    m, wide = panels.shape[1:]
    i = np.arange(m)
    return panels[i // wide, i, i % wide]
