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
from ..loops.row_sums import add_row
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
    x_column: int, y_row: int, y_column: int, rows: int, columns: int, cursor: Any,
) -> int:  # fmt: skip
    """A product of shapes (n, k) and (k, m); a piece is some rows and columns of it.

    `x`, `y`: the first element of each; strides in bytes. `bias`, shape (m,) or (0,), is added to each row while it is
    near; `out` is flat.
    """
    x, y, bias, out = bare(x), bare(y), bare(bias), bare(out)
    at, across, size, done = stack(WORDS), -(-m // columns), out.itemsize, 0
    put(at + LENGTHS, 1)
    put(at + LENGTHS + 16, k)
    for i in range(3):
        put(at + STRIDES + 8 * i, 0)
    put(at + STRIDES + 24, x_row)
    put(at + STRIDES + 32, x_column)
    put(at + STRIDES + 40, y_row)
    put(at + STRIDES + 48, y_column)
    put(at + STRIDES + 56, m * size)
    put(at + STRIDES + 64, size)
    begin_single(blas)
    while True:
        piece = claim(cursor)
        first, start = piece // across * rows, piece % across * columns
        if first >= n:
            end_single(blas)
            return done
        done += 1
        high, wide = min(rows, n - first), min(columns, m - start)
        put(at + LENGTHS + 8, high)
        put(at + LENGTHS + 24, wide)
        put(at, x.ctypes.data + first * x_row)
        put(at + 8, y.ctypes.data + start * y_column)
        put(at + 16, out.ctypes.data + (first * m + start) * size)
        call_loop(loop, at, at + LENGTHS, at + STRIDES, data)
        if bias.size:
            for row in range(first, first + high):
                add_row(bias[start : start + wide], out[row * m + start : row * m + start + wide])


@lru_cache(1024)
def parts_of(n: int, k: int, m: int, wanted: int) -> tuple[int, int]:
    """How many rows and columns a part has of a product that is to be cut into so many, or fewer.

    BLAS copies what a part reads, so that parts are as square as may be.
    """
    wanted = max(1, min(wanted, n * k * m // LEAST))
    cuts = [(r, c) for c in range(1, wanted + 1) for r in range(1, wanted // c + 1)
            if r <= max(n // FEWEST, 1) and c <= max(m // FEWEST, 1)]  # fmt: skip
    r, c = max(cuts, key=lambda cut: (cut[0] * cut[1], -n / cut[0] - m / cut[1]))
    return _whole(n, r), _whole(m, c)


def _whole(length: int, count: int) -> int:
    """The length of so many parts."""
    return max(length, 1) if count == 1 else -(-length // count // WHOLE) * WHOLE


def product_in_parts(x: Any, y: Any, bias: Any = None) -> Any:
    """``x @ y + bias`` of two matrices that are not empty, shared between threads."""
    loop, (n, k), m = addresses.loop(np.matmul, x.dtype.char * 3), x.shape, y.shape[1]
    if loop is None:
        out = np.dot(x, y)
        return out if bias is None else np.add(out, bias, out=out)
    threads = get_num_threads()
    rows, columns = parts_of(n, k, m, 2 * threads if n * k * m >= LONG else threads)
    out = np.empty((n, m), x.dtype)
    if bias is None:
        bias = np.empty(0, x.dtype)
    launch(multiply_parts.compiled, -(-n // rows) * -(-m // columns), *loop, single.state(), x[0, :1], y[0, :1], bias,
           out.reshape(-1), n, k, m, *x.strides, *y.strides, rows, columns)  # fmt: skip
    return out
