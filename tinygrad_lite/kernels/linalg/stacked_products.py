"""`stacked_product`: the products of two stacks of matrices, shared between threads.

Each of them is NumPy's own, whose inner loop hands it to BLAS. BLAS alone shares single products between threads, and
none as small as those of attention. Few of them are cut, as single ones are: see `product_in_parts`.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg"

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..kernel import kernel
from ..native.memory import bare, claim
from ..native.openblas import single
from ..native.openblas.single import begin_single, end_single
from ..native.threads import get_num_threads, launch
from ..native.walk import addresses
from ..native.walk.call_loop import call_loop
from .product_in_parts import by_numpy, parts_of

SHARES = 4  # pieces for each thread: one that wakes up late leaves the rest to the others
N, M, CORE = 4, 6, 3  # of the words of NumPy's loop: rows, columns, and the first that is no address
_Shape = tuple[int, ...]


@kernel(by_numpy)
def multiply_stacks(
    loop: int, data: int, blas: int, x: Any, y: Any, out: Any, sizes: Any, steps: Any, cut: Any, total: int, many: int,
    room: Any, slots: Any, cursor: Any,
) -> int:  # fmt: skip
    """Products of matrices in stacks, or of parts of them; a piece is `many` of `total`.

    `x`, `y`, `out`: the first element of each. `sizes` of the dimensions in front, and `steps` along them in bytes,
    shape (3, dimensions); the last two are those of parts, down and across; `cut` says how many rows they have, and how
    many all have, then columns. `room`: what NumPy's loop is told, for each thread: addresses; 1 and the lengths n, k,
    m; strides.
    """
    x, y, out, sizes, steps, cut, room = bare(x), bare(y), bare(out), bare(sizes), bare(steps), bare(cut), bare(room)
    given, done, last = room[claim(slots)], 0, sizes.size - 1
    at = given.ctypes.data
    begin_single(blas)
    while True:
        first = claim(cursor) * many
        if first >= total:
            end_single(blas)
            return done
        done += 1
        for number in range(first, min(first + many, total)):
            left, right, to, rest = x.ctypes.data, y.ctypes.data, out.ctypes.data, number
            given[N] = min(cut[0], cut[1] - number // sizes[last] % sizes[last - 1] * cut[0])
            given[M] = min(cut[2], cut[3] - number % sizes[last] * cut[2])
            for d in range(last, -1, -1):
                i, rest = rest % sizes[d], rest // sizes[d]
                left, right, to = left + i * steps[0, d], right + i * steps[1, d], to + i * steps[2, d]
            given[0], given[1], given[2] = left, right, to
            call_loop(loop, at, at + 8 * CORE, at + 56, data)


class Plan(NamedTuple):
    """What `multiply_stacks` is told of products of some layout."""

    shape: _Shape
    pieces: int
    room: Any
    sizes: Any
    steps: Any
    cut: Any
    total: int
    many: int


@lru_cache(1024)
def _plan(x: _Shape, x_steps: _Shape, y: _Shape, y_steps: _Shape, itemsize: int, threads: int) -> Plan:
    front, n, k, m = np.broadcast_shapes(x[:-2], y[:-2]), *x[-2:], y[-1]
    shape = (*front, n, m)
    out_steps = tuple(int(s) for s in np.cumprod([itemsize, *shape[:0:-1]])[::-1])
    rows, columns = parts_of(n, k, m, -(-2 * threads // max(math.prod(front), 1)))  # so that all have as much to do
    down, across = max(1, -(-n // rows)), max(1, -(-m // columns))
    steps = []
    for sizes, strides, by in (
        (x, x_steps, (rows, 0)),
        (y, y_steps, (0, columns)),
        (shape, out_steps, (rows, columns)),
    ):
        apart = [s if c > 1 else 0 for c, s in zip(sizes[:-2], strides)]
        steps.append([0] * (len(front) - len(apart)) + apart + [s * c for s, c in zip(strides[-2:], by)])
    total = math.prod(front) * down * across
    many = max(1, -(-total // (SHARES * threads)))
    room = [0, 0, 0, 1, n, k, m, 0, 0, 0, *x_steps[-2:], *y_steps[-2:], *out_steps[-2:]]
    words: Any = (
        np.array(v, np.intp) for v in ([room] * threads, (*front, down, across), steps, (rows, n, columns, m))
    )
    return Plan(shape, -(-total // many), *words, total, many)


def _first(x: Any) -> Any:
    """The first element, in an array of one dimension."""
    return x[(slice(1),) * x.ndim].reshape(-1)


def stacked_product(x: Any, y: Any, out: Any = None) -> Any:
    """`matrix_product.product_of_stacks`, shared between threads; `out` is in C order."""
    loop, threads = addresses.loop(np.matmul, x.dtype.char * 3), get_num_threads()
    if loop is None:
        return np.matmul(x, y, order="C") if out is None else np.matmul(x, y, out=out)
    plan = _plan(x.shape, x.strides, y.shape, y.strides, x.itemsize, threads)
    if out is None:
        out = np.empty(plan.shape, x.dtype)
    launch(multiply_stacks.compiled, plan.pieces, *loop, single.state(), _first(x), _first(y), _first(out), *plan[3:],
           plan.room.copy(), np.zeros(1, np.intp))  # fmt: skip
    return out
