"""Systems of equations with a small triangular matrix: by substitution, row after row, or by LAPACK's elimination."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import kernel


def with_nan(out: Any, a: Any) -> Any:
    """`out`, NaN in all where the matrix `a` holds one: LAPACK's elimination leaves some of its numbers finite."""
    if np.isfinite(np.add.reduce(a, None)):
        return out
    lost = np.isnan(a).any((-2, -1))
    return np.where(lost.reshape(lost.shape + (1,) * (out.ndim - lost.ndim)), out.dtype.type(np.nan), out)


def eliminated(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """The solution of ``a x = b``: LU without anything to eliminate is back substitution.

    Parameters
    ----------
    a : array, shape (..., n, n)
        Upper triangular, or made so by turning it around. The other triangle is not looked at, nor is the diagonal of
        one that is `unit`.
    b : array, shape (..., n, k)
    upper, unit : bool

    Returns
    -------
    array, shape (..., n, k)
        NaN in all where the triangle holds one.
    """
    if not upper:
        return eliminated(a[..., ::-1, ::-1], b[..., ::-1, :], True, unit)[..., ::-1, :]
    a = np.triu(a)
    if unit:
        np.einsum("...ii->...i", a)[...] = 1
    return with_nan(np.linalg.solve(a, b), a)


@kernel(eliminated)
def substituted(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """Computes in double precision, as NumPy does when it calls LAPACK."""
    n, k = b.shape
    x, out = np.empty((n, k), np.float64), np.empty_like(b)
    lost = False
    for done in range(n):
        i = n - 1 - done if upper else done
        row, given, target = x[i], b[i], out[i]
        for c in range(k):
            row[c] = given[c]
        start, end = (i + 1, n) if upper else (0, i)
        for j in range(start, end):
            factor, known = np.float64(a[i, j]), x[j]
            lost |= factor != factor
            for c in range(k):
                row[c] -= factor * known[c]
        if not unit:
            pivot = np.float64(a[i, i])
            lost |= pivot != pivot
            for c in range(k):
                row[c] /= pivot
        for c in range(k):
            target[c] = row[c]
    if lost:
        out[:] = a.dtype.type(np.nan)
    return out
