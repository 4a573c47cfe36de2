"""Products of rows of float32, multiplied in float64, and the products of all others of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel
from .row_sums import summing

GROUP = 16  # elements multiplied in any order: no half of them leaves the range of float64


@summing
def _group(x: Any, start: int) -> Any:
    s = 1.0
    for i in range(GROUP):
        s *= np.float64(x[start + i])
    return s


@summing
def _group_without_zeros(x: Any, start: int) -> Any:
    s = 1.0
    for i in range(GROUP):
        v = np.float64(x[start + i])
        s *= 1.0 if v == 0.0 else v
    return s


def product(x: Any) -> float:
    """The product of a row."""
    whole, s = x.size - x.size % GROUP, 1.0
    for start in range(0, whole, GROUP):
        s *= _group(x, start)
    for i in range(whole, x.size):
        s *= np.float64(x[i])
    return s


def product_without_zeros(x: Any) -> float:
    """The product of a row's other elements than zeros."""
    whole, s = x.size - x.size % GROUP, 1.0
    for start in range(0, whole, GROUP):
        s *= _group_without_zeros(x, start)
    for i in range(whole, x.size):
        s *= 1.0 if x[i] == np.float32(0) else np.float64(x[i])
    return s


def zeros(x: Any) -> Any:
    """How many elements of a row are zero."""
    n = np.int32(0)
    for i in range(x.size):
        n += np.int32(1) if x[i] == np.float32(0) else np.int32(0)
    return n


def infinities(x: Any) -> Any:
    """How many elements of a row are infinite or NaN."""
    n = np.int32(0)
    for i in range(x.size):
        n += np.int32(0) if abs(x[i]) < np.float32(np.inf) else np.int32(1)
    return n


def row_products_plain(x: Any, out: Any) -> None:
    """The product of each row."""
    np.multiply.reduce(x, axis=1, out=out)


@kernel(row_products_plain)
def row_products(x: Any, out: Any) -> None:
    for i in range(len(x)):
        out[i] = product(x[i])


def product_of_others(x: Any) -> Any:
    """Along the last axis, the product of all *other* entries: no division, so zeros are no exception."""
    n = x.shape[-1]
    if n < 2:
        return np.ones_like(x)
    if n % 2:
        x = np.concatenate([x, np.ones_like(x[..., :1])], axis=-1)
    a, b = x[..., 0::2], x[..., 1::2]
    rest = product_of_others(a * b)
    return np.reshape(np.stack([b * rest, a * rest], axis=-1), x.shape)[..., :n]


def row_products_backward_plain(g: Any, x: Any, out: Any) -> None:
    """In each row, one gradient times the product of all *other* elements."""
    np.multiply(g[:, None], product_of_others(x), out=out)


@kernel(row_products_backward_plain)
def row_products_backward(g: Any, x: Any, out: Any) -> None:
    """The product over each element, where none is zero; what has left the range of float64 stays out of float32's."""
    for i in range(len(x)):
        row, into, up = x[i], out[i], np.float64(g[i])
        all_of_them = product_without_zeros(row)
        n = zeros(row)
        if not abs(all_of_them) < np.inf and infinities(row):
            s = 1.0
            for j in range(row.size):
                into[j] = s
                s *= np.float64(row[j])
            s = up
            for k in range(row.size):
                j = row.size - 1 - k
                into[j] *= s
                s *= np.float64(row[j])
        elif n == 0:
            for j in range(row.size):
                into[j] = up * np.float32(all_of_them / np.float64(row[j]))
        else:
            for j in range(row.size):
                into[j] = up * (all_of_them if (n == 1) & (row[j] == np.float32(0)) else 0.0)
