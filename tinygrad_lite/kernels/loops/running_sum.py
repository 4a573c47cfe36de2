"""Running sums, and the linear recurrence ``s[k] = b[k] + c[k] * s[k-1]``, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from .row_sums import fill_row


def running_sum_plain(x: Any, out: Any, scratch: Any) -> None:
    """Cumulative sums over the middle one of three dimensions, in double precision as PyTorch's.

    Parameters
    ----------
    x : array, shape (M, N, I), floating
    out : array, shape (M, N, I)
        Written.
    scratch : array, shape (I,), float64
        Overwritten.
    """
    out[...] = np.cumsum(x, 1, np.float64)


@kernel(running_sum_plain)
def running_sum(x: Any, out: Any, scratch: Any) -> None:
    m, n, inner = x.shape
    for i in range(m):
        if inner == 1:
            s, row, into = 0.0, x[i, :, 0], out[i, :, 0]
            for k in range(n):
                s += row[k]
                into[k] = s
            continue
        fill_row(scratch, 0.0)
        for k in range(n):
            line, onto = x[i, k], out[i, k]
            for j in range(inner):
                scratch[j] += line[j]
                onto[j] = scratch[j]


def running_product_plain(x: Any, out: Any) -> None:
    """Cumulative products of rows, in double precision.

    Parameters
    ----------
    x : array, shape (M, N), floating
    out : array, shape (M, N)
        Written.
    """
    with np.errstate(over="ignore"):
        out[...] = np.cumprod(x, 1, np.float64)


@kernel(running_product_plain)
def running_product(x: Any, out: Any) -> None:
    m, n = x.shape
    for i in range(m):
        p = 1.0
        for k in range(n):
            p *= x[i, k]
            out[i, k] = p


def recurrence_plain(b: Any, c: Any, out: Any) -> None:
    """All steps at once by doubling: after each round a value knows of twice as many before it.

    Parameters
    ----------
    b, c : array, shape (M, N), floating
    out : array, shape (M, N)
        Written.
    """
    np.copyto(out, b)
    factor, step, n = c.copy(), 1, b.shape[1]
    while step < n:
        out[:, step:] += factor[:, step:] * out[:, :-step]
        factor[:, step:] = factor[:, step:] * factor[:, :-step]
        step *= 2


@kernel(recurrence_plain, dtypes="fdFD", least=257)
def recurrence(b: Any, c: Any, out: Any) -> None:
    m, n = b.shape
    for i in range(m):
        s = 1.0 * b[i, 0]  # in double precision
        out[i, 0] = s
        for k in range(1, n):
            s = b[i, k] + c[i, k] * s
            out[i, k] = s
