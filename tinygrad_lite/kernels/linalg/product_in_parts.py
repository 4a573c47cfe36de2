"""`product_in_parts`: the product of two matrices, cut into parts that threads of ours share.

OpenBLAS would share it, too, but the parts it makes wait for each other: see `openblas.single`. Each part is NumPy's
own product, whose inner loop hands it to BLAS.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg"

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..kernel import kernel
from ..native.codegen.raw_memory import put, stack
from ..native.memory import bare, claim
from ..native.openblas import single
from ..native.openblas.single import begin_single, end_single
from ..native.threads import get_num_threads, launch
from ..native.walk import addresses
from ..native.walk.call_loop import call_loop

LEAST, LONG = 1 << 19, 1 << 25  # multiplications of a part; of a product that is cut into more parts than threads
FEWEST, WHOLE = 48, 16  # rows or columns of a part at least, and of what it has whole numbers
WORDS, LENGTHS, STRIDES = 16, 24, 56  # words that NumPy's loop is told: three addresses, four lengths, nine strides


def by_numpy(*_: Any) -> int:
    raise NotImplementedError("products in parts: NumPy's loops are called by address from compiled code only")


@kernel(by_numpy)
def multiply_parts(
    loop: int, data: int, blas: int, x: Any, y: Any, bias: Any, out: Any, n: int, k: int, m: int, x_row: int,
    x_column: int, y_row: int, y_column: int, size: int, cursor: Any,
) -> int:  # fmt: skip
    """A product of shapes (n, k) and (k, m); a piece is `size` of its rows, or of its columns where these are more.

    `x`, `y`: the first element of each; strides in bytes. `bias`, shape (m,) or (0,), is added to each row while it is
    near; `out` is flat.
    """
    x, y, bias, out = bare(x), bare(y), bare(bias), bare(out)
    left, right, to, done = x.ctypes.data, y.ctypes.data, out.ctypes.data, 0
    at = stack(WORDS)
    put(at + LENGTHS, 1)
    put(at + LENGTHS + 8, n)
    put(at + LENGTHS + 16, k)
    put(at + LENGTHS + 24, m)
    for i in range(3):
        put(at + STRIDES + 8 * i, 0)
    put(at + STRIDES + 24, x_row)
    put(at + STRIDES + 32, x_column)
    put(at + STRIDES + 40, y_row)
    put(at + STRIDES + 48, y_column)
    put(at + STRIDES + 56, m * out.itemsize)
    put(at + STRIDES + 64, out.itemsize)
    begin_single(blas)
    while True:
        first = claim(cursor) * size
        if first >= max(n, m):
            end_single(blas)
            return done
        done += 1
        count = min(size, max(n, m) - first)
        put(at + LENGTHS + (8 if n >= m else 24), count)
        put(at, left + first * x_row if n >= m else left)
        put(at + 8, right if n >= m else right + first * y_column)
        put(at + 16, to + first * (m * out.itemsize if n >= m else out.itemsize))
        call_loop(loop, at, at + LENGTHS, at + STRIDES, data)
        if bias.size:
            begin, wide = (0, m) if n >= m else (first, count)
            for row in range(first if n >= m else 0, first + count if n >= m else n):
                add_to(out[row * m + begin : row * m + begin + wide], bias[begin : begin + wide])


def add_to(row: Any, more: Any) -> None:
    for i in range(row.size):
        row[i] += more[i]


@lru_cache(1024)
def part_of(n: int, k: int, m: int, wanted: int) -> int:
    """How many rows, or columns, a part has of a product that is to be cut into so many."""
    long = max(n, m, 1)
    size = -(-long // max(1, min(wanted, long // FEWEST, n * k * m // LEAST)))
    return -(-size // WHOLE) * WHOLE if size < long else long


def product_in_parts(x: Any, y: Any, out: Any = None, bias: Any = None) -> Any:
    """``x @ y + bias`` of two matrices that are not empty, shared between threads; `out` is in C order."""
    loop, (n, k), m = addresses.loop(np.matmul, x.dtype.char * 3), x.shape, y.shape[1]
    if loop is None:
        out = np.dot(x, y, out)
        return out if bias is None else np.add(out, bias, out=out)
    threads = get_num_threads()
    size = part_of(n, k, m, 2 * threads if n * k * m >= LONG else threads)
    if out is None:
        out = np.empty((n, m), x.dtype)
    launch(multiply_parts.compiled, -(-max(n, m) // size), *loop, single.state(), x[0, :1], y[0, :1],
           np.empty(0, x.dtype) if bias is None else bias, out.reshape(-1), n, k, m, *x.strides, *y.strides, size)  # fmt: skip
    return out


def product_in_parts_plus(x: Any, y: Any, bias: Any) -> Any:
    """`product_in_parts` with a bias."""
    return product_in_parts(x, y, None, bias)
