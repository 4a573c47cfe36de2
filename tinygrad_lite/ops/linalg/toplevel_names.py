"""Linear algebra under PyTorch's older names, at the top level; `tinygrad_lite.linalg` has the newer ones."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..pointwise.complex_numbers import conj
from . import decompositions, determinant, norms
from .decompositions import QR
from .determinant import Slogdet, logdet
from .least_squares import pinverse
from .solve import cholesky_inverse, cholesky_solve, inverse

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "matrix_exp", "matrix_power",
    "pinverse", "qr", "slogdet", "svd",
]  # fmt: skip


class SVD(NamedTuple):
    """Singular vectors in columns, singular values, and singular vectors in columns."""

    U: Any
    S: Any
    V: Any


def det(input: Any) -> Any:
    """Determinants: `linalg.det`."""
    return determinant.det(input)


def slogdet(input: Any) -> Slogdet:
    """Signs and logarithms of determinants: `linalg.slogdet`."""
    return determinant.slogdet(input)


def matrix_exp(input: Any) -> Any:
    """Exponentials of matrices: `linalg.matrix_exp`."""
    return norms.matrix_exp(input)


def matrix_power(input: Any, n: int) -> Any:
    """Powers of matrices: `linalg.matrix_power`."""
    return norms.matrix_power(input, n)


def cholesky(input: Any, upper: bool = False) -> Any:
    """Cholesky's factor: `linalg.cholesky`."""
    return decompositions.cholesky(input, upper=upper)


def qr(input: Any, some: bool = True) -> QR:
    """QR: `linalg.qr`, complete without `some`."""
    return decompositions.qr(input, "reduced" if some else "complete")


def svd(input: Any, some: bool = True, compute_uv: bool = True) -> SVD:
    """Singular values and vectors, the right ones in columns, unlike `linalg.svd`.

    Parameters
    ----------
    input : Tensor, shape (..., n, m)
    some : bool
        Only ``min(n, m)`` vectors.
    compute_uv : bool
        With False `U` and `V` are zeros.

    Returns
    -------
    named tuple (U, S, V) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.svd(tg.tensor([[0.0, 2.0], [3.0, 0.0]])).S
    tensor([3., 2.])
    """
    if compute_uv:
        U, S, Vh = decompositions.svd(input, not some)
        return SVD(U, S, conj(Vh.mT))
    n, m = input.shape[-2:]
    zeros = [input.new_zeros((*input.shape[:-2], k, k)) for k in (n, m)]
    return SVD(zeros[0], decompositions.svdvals(input), zeros[1])
