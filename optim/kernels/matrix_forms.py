"""`form_of`, `rounding_form`: how Muon's matrices are kept and multiplied: by loops, or as NumPy has them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tinygrad_lite.kernels import backend

Array = np.ndarray[Any, Any]


def form_of(dtype: np.dtype[Any]) -> Any:
    """How symmetric matrices are kept and multiplied: `symmetric_products` with numba, or `Plain`."""
    if dtype.char in "fd" and backend() == "numba":
        from . import symmetric_products as symmetric

        return symmetric
    return Plain


class Plain:
    """Symmetric matrices as NumPy has them: the twin of `symmetric_products`, whose functions these are."""

    @staticmethod
    def matrices(count: int, m: int, dtype: np.dtype[Any]) -> Array:
        return np.empty((count, m, m), dtype)

    @staticmethod
    def gram(x: Array, out: Array) -> Array:
        return symmetric_product(x, x.T, out)

    @staticmethod
    def product(
        a: Array,
        b: Array,
        out: Array,
        alpha: float = 1.0,
        beta: float = 0.0,
        add: Array | None = None,
        gamma: float = 0.0,
    ) -> Array:
        symmetric_product(a, b, out)
        if alpha != 1:
            out *= alpha
        if add is not None:
            out += beta * add
        if gamma:
            out.reshape(-1)[:: len(out) + 1] += gamma
        return out

    @staticmethod
    def diagonal(a: Array) -> Array:
        return a.diagonal()

    @staticmethod
    def applied(q: Array, x: Array) -> Array:
        return (x.T @ q).T if x.T.flags.c_contiguous else q @ x  # in the memory order of `x`


# --- in bfloat16 ------------------------------------------------------------------------------------------------------


@cache
def has_pairs() -> bool:
    """Whether the processor multiplies bfloat16, two at a time; asked when first needed, since it takes an import."""
    try:
        from llvmlite import binding
    except ImportError:
        return False
    return bool(binding.get_host_cpu_features().get("avx512bf16"))


def rounding_form() -> Any:
    """How matrices of bfloat16 are kept and multiplied: `bfloat16` where it runs, or `Rounded`."""
    if has_pairs() and backend() == "numba":
        from tinygrad_lite.kernels.native.simd import bfloat16_dot

        from . import bfloat16

        if bfloat16_dot.compilable():
            return bfloat16
    return Rounded


class Rounded:
    """Matrices of bfloat16 as NumPy has them, in float32: the twin of `bfloat16`, whose functions these are."""

    @staticmethod
    def rounded(x: Array, norm: float) -> Array:
        return nearest(x / norm)

    @staticmethod
    def gram(x: Array) -> Array:
        return nearest(symmetric_product(x, x.T, np.empty((len(x), len(x)), x.dtype)))

    @staticmethod
    def polynomial(a: Array, alpha: float, beta: float) -> Array:
        return nearest(Plain.product(a, a, np.empty_like(a), alpha, beta, a))

    @staticmethod
    def applied(q: Array, x: Array, beta: float) -> Array:
        return nearest(Rounded.finished(q, x, beta))

    @staticmethod
    def finished(q: Array, x: Array, beta: float) -> Array:
        return Plain.applied(q, x) + beta * x


def nearest(x: Array) -> Array:
    """The bfloat16 next to each float32, the even one of two, as float32."""
    bits = x.view(np.uint32)
    carried = bits + (0x7FFF + (bits >> 16 & 1))
    # what rounding adds would carry some NaN to zero, and what it cuts off would leave others infinite
    found: Array = (np.where(np.isnan(x), bits | 0x400000, carried) & 0xFFFF0000).view(np.float32)
    return found


# --- symmetric products -----------------------------------------------------------------------------------------------


def symmetric_product(a: Array, b: Array, out: Array) -> Array:
    """Return ``a @ b``, of which it is known that it is symmetric: blocks below the diagonal are copied, not computed.

    Of four rows of blocks, ten blocks of sixteen are computed. BLAS' own symmetric product, which NumPy calls for
    ``a @ a.T``, is no faster than a full one.
    """
    n = len(out)
    size = max(128, -(-n // 4))
    for start in range(0, n, size):
        stop = start + size
        np.matmul(a[start:stop], b[:, start:], out=out[start:stop, start:])
        out[stop:, start:stop] = out[start:stop, stop:].T
    return out
