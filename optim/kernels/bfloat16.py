"""Products of matrices of bfloat16, summed in float32: those that Newton and Schulz' iteration is written in.

A matrix of shape (depth, columns) stays in panels of pairs: words of 32 bits, shape (panels, ceil(depth / 2), width of
a panel), where word [p, k, i] holds rows 2k (its low half) and 2k + 1 of column p * width + i. An odd depth is filled
up with zeros. What stands in a last panel's lanes beyond the matrix comes to stand in such lanes alone.

A product is computed in blocks of float32, one for each thread, and rounded when it is put into panels, as the next one
reads it. Of ``out = a^T b`` both factors' panels lie side by side, and two rows of a block make a row of words.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg, var-annotated"

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.kernels.kernel import kernel
from tinygrad_lite.kernels.native.memory import claim, view
from tinygrad_lite.kernels.native.simd.bfloat16_dot import add_pairs, blend_words, round_words
from tinygrad_lite.kernels.native.simd.blocks import PANEL, ROWS, WIDTH, clear, copy_lines, turn
from tinygrad_lite.kernels.native.threads import launch
from tinygrad_lite.kernels.spatial.padded_layout import no_plain

from .packed_products import NEAR, shape_of
from .symmetric_products import _aligned, _helpers


def add_block(a: int, b: int, depth: int, rows: int, vectors: int, diagonal: bool, out: int) -> None:
    """``out[r, i] += sum over k of a[k, r] * b[k, i]`` with a panel each, all three by address; whole tiles of rows.

    Of a block that lies on the diagonal, vectors left of it may be left out: they are where whole tiles are.
    """
    pitch, lanes = PANEL * WIDTH, WIDTH // 4
    for k in range(0, depth, NEAR):  # a part of `b` stays in the first cache until all rows have met it
        left, right, count = a + k * pitch, b + k * pitch, min(NEAR, depth - k)
        for r in range(0, rows, ROWS):
            skipped = r // lanes if diagonal else 0
            x, y, sums = left + 4 * r, right + skipped * WIDTH, out + r * pitch + skipped * WIDTH
            if vectors - skipped >= 3:
                add_pairs(3, x, y, count, sums, pitch)
            elif vectors - skipped == 2:
                add_pairs(2, x, y, count, sums, pitch)
            elif vectors - skipped == 1:
                add_pairs(1, x, y, count, sums, pitch)


def put(block: int, rows: int, words: int) -> None:
    """Round a block into panels, and a row of zeros behind an odd number of rows."""
    if rows % 2:
        clear(block + rows * PANEL * WIDTH, PANEL * WIDTH)
    round_words(block, words, (rows + 1) // 2)


def turn_block(block: int, out: int) -> None:
    """``out = block^T``."""
    pitch, lanes = PANEL * WIDTH, WIDTH // 4
    for r in range(0, PANEL * lanes, lanes):
        for i in range(0, PANEL * lanes, lanes):
            turn(1, np.float32, block + r * pitch + 4 * i, pitch, lanes, lanes, out + i * pitch + 4 * r, pitch)


@kernel(no_plain)
def pack(x: Any, norm: Any, scratch: Any, slots: Any, straight: Any, turned: Any, cursor: Any) -> int:
    """Lay out ``x / norm``, and its transpose; a piece is a block."""
    (m, n), wide, pitch, done = x.shape, straight.shape[2], PANEL * WIDTH, 0
    count, size = -(-m // wide), wide * wide
    block = scratch.ctypes.data + claim(slots) * 2 * size * 4
    numbers = view(block, size, np.float32)
    while True:
        piece = claim(cursor)
        if piece >= count * len(straight):
            return done
        done += 1
        p, q = piece // count, piece % count
        rows, columns = min(wide, m - q * wide), min(wide, n - p * wide)
        for r in range(rows):
            source = x[q * wide + r, p * wide : p * wide + columns]
            for i in range(columns):
                numbers[r * wide + i] = source[i] / norm
        put(block, rows, straight.ctypes.data + (p * straight.shape[1] + q * wide // 2) * pitch)
        turn_block(block, block + size * 4)
        put(block + size * 4, columns, turned.ctypes.data + (q * turned.shape[1] + p * wide // 2) * pitch)


@kernel(no_plain)
def multiply(
    a: Any, b: Any, alpha: Any, beta: Any, half: bool, m: int, n: int, scratch: Any, slots: Any, straight: Any,
    turned: Any, whole: Any, across: bool, cursor: Any,
) -> int:  # fmt: skip
    """``(alpha * a^T + beta * I) b``, of shape (m, n), and its transpose; a piece is a block.

    With `half` the result is symmetric, and a piece is the block and its mirror image. Where there is a matrix `whole`,
    the result, or if it lies `across` its transpose, is written there in float32 and not into panels.
    """
    count, depth, wide = a.shape
    lanes, pitch, size, done, p = WIDTH // 4, PANEL * WIDTH, wide * wide, 0, 0
    block = scratch.ctypes.data + claim(slots) * 2 * size * 4
    sums, spare, line = view(block, size, np.float32), block + size * 4, whole.shape[1] * 4
    while True:
        piece = claim(cursor)
        if piece >= (count * (count + 1) // 2 if half else count * len(b)):
            return done
        done += 1
        if half:
            while (p + 1) * (p + 2) // 2 <= piece:  # pieces come in order: of panel p, those with all q up to p
                p += 1
            q = piece - p * (p + 1) // 2
        else:
            p, q = piece // count, piece % count
        rows, columns, diagonal = min(wide, m - q * wide), min(wide, n - p * wide), half and p == q
        clear(block, size * 4)
        add_block(a.ctypes.data + q * depth * pitch, b.ctypes.data + p * depth * pitch, depth, rows,
                  -(-columns // lanes), diagonal, block)  # fmt: skip
        if beta != 0 or alpha != 1:
            blend_words(block, b.ctypes.data + (p * depth + q * wide // 2) * pitch, (rows + 1) // 2, alpha, beta)
        if diagonal:
            for r in range(rows):
                for i in range(r):
                    sums[r * wide + i] = sums[i * wide + r]
        if whole.size and across:
            for r in range(0, rows, lanes):
                for i in range(0, columns, lanes):
                    target = whole.ctypes.data + (p * wide + i) * line + (q * wide + r) * 4
                    turn(1, np.float32, block + r * pitch + i * 4, pitch, min(lanes, rows - r), min(lanes, columns - i),
                         target, line)  # fmt: skip
        elif whole.size:
            target = whole.ctypes.data + q * wide * line + p * wide * 4
            copy_lines(1, np.float32, rows, block, pitch, target, line, columns)
        else:
            put(block, rows, straight.ctypes.data + (p * straight.shape[1] + q * wide // 2) * pitch)
            if not diagonal:
                turn_block(block, spare)
                put(spare, columns, turned.ctypes.data + (q * turned.shape[1] + p * wide // 2) * pitch)


# --- what prepares them -----------------------------------------------------------------------------------------------

SINGLE, WORD = np.dtype(np.float32), np.dtype(np.uint32)
NOWHERE = np.empty((0, 0), SINGLE)


class Pairs(NamedTuple):
    """A matrix in panels, and its transpose; of a symmetric matrix these are one.

    Attributes
    ----------
    straight, turned : array, shape (panels, ceil(rows / 2), width of a panel), uint32
    shape : (int, int)
    spare : array
        Room for another such matrix.
    across : bool
        Whether the transpose was contiguous, as that of what is made of it will be.
    """

    straight: Any
    turned: Any
    shape: tuple[int, int]
    spare: Any = None
    across: bool = False


def _panels(name: str, depth: int, columns: int) -> Any:
    """Room for a matrix, the same in each call of a thread."""
    return _aligned(name, shape_of(-(-depth // 2), columns, WORD.itemsize), WORD)


def _blocks(helpers: int) -> tuple[Any, Any]:
    """Two blocks for each thread, and the number of those that are taken."""
    wide = PANEL * WIDTH // SINGLE.itemsize
    return _aligned("block", (2 * (helpers + 1), wide, wide), SINGLE), np.zeros(1, np.intp)


def _multiply(a: Any, b: Any, alpha: float, beta: float, half: bool, shape: tuple[int, int], *out: Any) -> None:
    """Launch `multiply`; `out` are its panels and the whole matrix, one of which there is."""
    pieces = len(a) * (len(a) + 1) // 2 if half else len(a) * len(b)
    helpers = _helpers(pieces * a.shape[1] * a.shape[2] ** 2)  # of pairs: as fast as those of single numbers
    launch(multiply.compiled, pieces, a, b, SINGLE.type(alpha), SINGLE.type(beta), half, *shape, *_blocks(helpers),
           *out, helpers=helpers)  # fmt: skip


def _symmetric(name: str, a: Any, m: int, alpha: float, beta: float) -> Pairs:
    out = _panels(name, m, m)
    _multiply(a, a, alpha, beta, True, (m, m), out, out, NOWHERE, False)
    return Pairs(out, out, (m, m))


def rounded(x: Any, norm: float) -> Pairs:
    """Return ``x / norm``, rounded, in room that the next one takes.

    Parameters
    ----------
    x : array, shape (M, N), float32
        In any memory order.
    norm : float

    Returns
    -------
    Pairs
    """
    (m, n), helpers = x.shape, _helpers(16 * x.size)
    across = x.T.flags.c_contiguous and not x.flags.c_contiguous
    found = Pairs(_panels("pairs", m, n), _panels("turned", n, m), (m, n), _panels("spare", m, n), across)
    straight, turned = found[1::-1] if across else found[:2]
    launch(pack.compiled, len(straight) * len(turned), np.ascontiguousarray(x.T if across else x), SINGLE.type(norm),
           *_blocks(helpers), straight, turned, helpers=helpers)  # fmt: skip
    return found


def gram(x: Pairs) -> Pairs:
    """Return ``x x^T``, rounded, in room that the next one takes."""
    return _symmetric("gram", x.turned, x.shape[0], 1.0, 0.0)


def polynomial(a: Pairs, alpha: float, beta: float) -> Pairs:
    """Return ``alpha * a a + beta * a`` of a symmetric matrix, rounded, in room that the next one takes."""
    return _symmetric("polynomial", a.straight, a.shape[0], alpha, beta)


def applied(q: Pairs, x: Pairs, beta: float) -> Pairs:
    """Return ``q x + beta * x`` with a symmetric `q`, rounded, in the room of `x`."""
    _multiply(q.straight, x.straight, 1.0, beta, False, x.shape, x.spare, x.turned, NOWHERE, False)
    return x._replace(straight=x.spare, spare=x.straight)


def finished(q: Pairs, x: Pairs, beta: float) -> Any:
    """Return ``q x + beta * x`` with a symmetric `q`, in float32 and in the memory order of what `x` was made of."""
    out = np.empty(x.shape[::-1] if x.across else x.shape, SINGLE)
    _multiply(q.straight, x.straight, 1.0, beta, False, x.shape, x.spare, x.turned, out, x.across)
    return out.T if x.across else out
