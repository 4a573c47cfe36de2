"""`stacked_product`: the products of two stacks of matrices, shared between threads.

Each of them is NumPy's own, whose inner loop hands it to BLAS, so it has the same bits. BLAS alone shares single
products between threads, and none as small as those of attention.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg"

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..kernel import kernel
from ..native.memory import bare, claim
from ..native.threads import get_num_threads, launch
from ..native.walk import addresses
from ..native.walk.call_loop import call_loop

SHARES = 4  # pieces for each thread: one that wakes up late leaves the rest to the others
ROOM = 16  # words: three addresses, four lengths and nine strides
_Shape = tuple[int, ...]


def _by_numpy(*_: Any) -> int:
    raise NotImplementedError("stacked_product: NumPy's loops are called by address from compiled code only")


@kernel(_by_numpy)
def multiply_stacks(
    loop: int, data: int, x: Any, y: Any, out: Any, sizes: Any, steps: Any, core: Any, many: int, room: Any, slots: Any,
    cursor: Any,
) -> int:  # fmt: skip
    """Products of matrices in stacks; a piece is some of them.

    `x`, `y`, `out`: the first element of each. `sizes` of the dimensions in front, and `steps` along them in bytes,
    shape (3, dimensions). `core`: what NumPy's loop is told of one product, 1 and the lengths n, k, m, and strides.
    """
    x, y, out, sizes, steps, core, room = bare(x), bare(y), bare(out), bare(sizes), bare(steps), bare(core), bare(room)
    given, done, total = room[claim(slots)], 0, 1
    for size in sizes:
        total *= size
    for i in range(core.size):
        given[3 + i] = core[i]
    at = given.ctypes.data
    while True:
        first = claim(cursor) * many
        if first >= total:
            return done
        done += 1
        for number in range(first, min(first + many, total)):
            left, right, to, rest = x.ctypes.data, y.ctypes.data, out.ctypes.data, number
            for d in range(sizes.size - 1, -1, -1):
                i, rest = rest % sizes[d], rest // sizes[d]
                left, right, to = left + i * steps[0, d], right + i * steps[1, d], to + i * steps[2, d]
            given[0], given[1], given[2] = left, right, to
            call_loop(loop, at, at + 24, at + 56, data)


@lru_cache(1024)
def _plan(x: _Shape, x_steps: _Shape, y: _Shape, y_steps: _Shape, itemsize: int) -> tuple[_Shape, Any, Any, Any]:
    """The result's shape, and what `multiply_stacks` is told: sizes, steps, core."""
    front = np.broadcast_shapes(x[:-2], y[:-2])
    shape = (*front, x[-2], y[-1])
    steps = []
    for sizes, strides in ((x, x_steps), (y, y_steps)):
        apart = [s if n > 1 else 0 for n, s in zip(sizes[:-2], strides)]
        steps.append([0] * (len(front) - len(apart)) + apart)
    inside = np.cumprod([itemsize, *shape[:0:-1]])[::-1]
    steps.append([int(s) for s in inside[:-2]])
    core = [1, x[-2], x[-1], y[-1], 0, 0, 0, *x_steps[-2:], *y_steps[-2:], int(inside[-2]), itemsize]
    return shape, np.array(front, np.intp), np.array(steps, np.intp), np.array(core, np.intp)


def _first(x: Any) -> Any:
    """The first element, in an array of one dimension."""
    return x[(slice(1),) * x.ndim].reshape(-1)


def stacked_product(x: Any, y: Any) -> Any:
    """`matrix_product.product_of_stacks`, shared between threads."""
    loop = addresses.loop(np.matmul, x.dtype.char * 3)
    if loop is None:
        return np.matmul(x, y, order="C")
    shape, sizes, steps, core = _plan(x.shape, x.strides, y.shape, y.strides, x.itemsize)
    out = np.empty(shape, x.dtype)
    threads, total = get_num_threads(), int(sizes.prod())
    many = -(-total // (SHARES * threads))
    launch(multiply_stacks.compiled, -(-total // many), *loop, *map(_first, (x, y, out)), sizes, steps, core, many,
           np.empty((threads, ROOM), np.intp), np.zeros(1, np.intp))  # fmt: skip
    return out
