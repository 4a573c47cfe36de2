"""`matrix_product`, `product_plus`: by BLAS or in blocks of ours; accurate over very many terms, exact for integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kernel import late

MANY = 1 << 12  # terms: BLAS adds up blocks of them one after the other, in the arrays' own precision
SOME = 1 << 10  # terms, where there are not so many results that adding up more blocks would take long
SOME_RESULTS = 1 << 16
FEW_RESULTS = 64  # which BLAS keeps in registers, and adds up one term after the other
CAST = 1 << 14  # terms that are cast to double precision at a time
EXACT = 53  # bits of a double
FEW_PRODUCTS = 4096  # NumPy's own loops are done before BLAS has begun
_LONG = (np.dtype(np.float32), np.dtype(np.complex64))
LARGE = 1 << 19  # multiplications from which blocks of ours are worth the call
MANY_SMALL = 1 << 21  # those of a stack of smaller products
STRIP = 8  # rows of a stack's matrices at least, as many as blocks of ours take at a time


def matrix_product(x: Any, y: Any) -> Any:
    """``x @ y`` of arrays or Tensors, accurate for any number of terms, and exact modulo 2**64 for integers.

    Parameters
    ----------
    x : shape (..., n, k) or (k,)
    y : shape (..., k, m) or (k,)
    """
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        same = getattr(x, "dtype", None) == getattr(y, "dtype", None)
        return x @ y if same else np.matmul(x, y)  # `@` of Tensors refuses several dtypes
    if x.dtype.kind in "iu" and y.dtype.kind in "iu":
        return _of_integers(x, y)
    if x.shape[-1] > SOME and x.dtype in _LONG and y.dtype == x.dtype:
        n, m = x.shape[-2] if x.ndim > 1 else 1, y.shape[-1] if y.ndim > 1 else 1
        if n * m <= FEW_RESULTS:
            return _of_many(x, y, CAST, np.result_type(x, np.float64))
        step = SOME if n * m <= SOME_RESULTS or 1 in (n, m) else MANY  # BLAS sums products by a vector less carefully
        if x.shape[-1] > step:
            return _of_many(x, y, step, x.dtype)
    if x.ndim != 2 or y.ndim != 2:
        return product_of_stacks(x, y)
    if x.size * y.shape[1] < LARGE:
        return np.dot(x, y)  # half of matmul's overhead
    return _product_of_two(x, y)


def product_plus(x: Any, y: Any, bias: Any) -> Any:
    """``x @ y + bias``, of matrices and what is added to each row, or broadcasts to the result."""
    if type(x) is type(y) is type(bias) is np.ndarray and x.ndim == y.ndim == 2:
        worth = x.size * y.shape[1] >= LARGE and x.shape[1] <= SOME
        if worth and bias.shape == y.shape[1:] and bias.dtype == x.dtype and bias.flags.c_contiguous:
            return _product_of_two(x, y, bias)
    out = matrix_product(x, y)
    out += bias
    return out


def _blocked(x: Any, y: Any, other: Any = None) -> bool:
    """Whether blocks of ours make these products: of real matrices, large or many, that are no vectors.

    OpenBLAS's parts of a product wait for each other, for as long as another program has one's core; it turns a right
    matrix that lies column by column, as the weights of layers do, more slowly. A matrix with itself it multiplies
    with half of the work.
    """
    if x.ndim < 2 or y.ndim < 2 or x.dtype != y.dtype or x.dtype.char not in "fd" or not x.dtype.isnative:
        return False
    (n, k), m = x.shape[-2:], y.shape[-1]
    if k != y.shape[-2] or min(n, k, m) < 2:
        return False
    if n * k * m < LARGE and (n < STRIP or max(x.size * m, y.size * n) < MANY_SMALL):
        return False
    return not (n == m and x.strides[-2:] == y.strides[:-3:-1] and x.ctypes.data == y.ctypes.data)


@late(f"{__package__}.blocked_product", "stacked_product", when=_blocked)
def product_of_stacks(x: Any, y: Any, out: Any = None) -> Any:
    """`np.matmul` in C order; so is `out`."""
    if out is not None:
        return np.matmul(x, y, out=out)
    return np.matmul(x, y) if x.ndim < 4 else np.matmul(x, y, order="C")  # else batches keep the order of x's


@late(f"{__package__}.blocked_product", "product_of_two", when=_blocked)
def _product_of_two(x: Any, y: Any, bias: Any = None) -> Any:
    out = np.dot(x, y)
    if bias is not None:
        out += bias
    return out


def _of_many(x: Any, y: Any, step: int, dtype: Any) -> Any:
    """Blocks of terms, multiplied in a dtype and added up in double precision."""
    total: Any = 0.0
    for start in range(0, x.shape[-1], step):
        part = slice(start, start + step)
        left, right = x[..., part], y[part] if y.ndim == 1 else y[..., part, :]
        each = matrix_product(left.astype(dtype, copy=False), right.astype(dtype, copy=False))
        total = np.add(total, each, dtype=np.result_type(each, np.float64))
    return np.asarray(total).astype(x.dtype)


def _size(x: Any) -> int:
    """What no entry exceeds: of small types by their bits, of others by looking."""
    if x.dtype.itemsize <= 2:
        return int(np.iinfo(x.dtype).max) + 1
    return max(int(x.max(initial=0)), -int(x.min(initial=0)))


def _of_integers(x: Any, y: Any) -> Any:
    """By products of doubles: exact as long as no sum exceeds 53 bits; larger integers are cut into parts of fewer."""
    kind, k = np.result_type(x, y), x.shape[-1]
    if kind.kind == "f" or x.size * (y.shape[-1] if y.ndim > 1 else 1) < FEW_PRODUCTS:
        return np.matmul(x, y)
    bits = [_size(v).bit_length() for v in (x, y)]
    spare = EXACT - k.bit_length()
    if sum(bits) <= spare:
        return np.matmul(x.astype(np.float64), y.astype(np.float64)).astype(np.int64).astype(kind)
    width = spare // 2
    total: Any = 0
    for i, left in enumerate(_parts(x, bits[0], width)):
        for j, right in enumerate(_parts(y, bits[1], width)):
            if width * (i + j) < 64:
                total = total + (np.matmul(left, right).astype(np.int64) << width * (i + j))
    return total.astype(kind)


def _parts(x: Any, bits: int, width: int) -> list[Any]:
    """Integers of `bits` bits as sums of ``part[i] * 2**(i * width)``; the last part has the sign."""
    x, count = x.astype(np.int64), max(math.ceil(min(bits + 1, 64) / width), 1)
    low = [((x >> i * width) & ((1 << width) - 1)).astype(np.float64) for i in range(count - 1)]
    return [*low, (x >> (count - 1) * width).astype(np.float64)]
