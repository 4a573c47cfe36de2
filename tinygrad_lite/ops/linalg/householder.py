"""Orthogonal matrices as products of Householder's reflections."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...engine.quiet import quietly
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..creation.arange_eye import eye
from ..pointwise.complex_numbers import conj
from ..shape.reshape_transpose import adjoint
from .solve import matrices, mT

__all__ = ["geqrf", "orgqr", "ormqr"]
METHODS = "geqrf orgqr ormqr"
LINALG = "householder_product"


class Reflections(NamedTuple):
    """R and the reflections' vectors below its diagonal, and their factors."""

    a: Tensor
    tau: Tensor


def _vectors(input: Any, tau: Any, who: str) -> Any:
    """The reflections' vectors, in columns: ones on the diagonal, and what is below it."""
    shape, factors = unwrap(matrices(input, who)).shape, unwrap(tau).shape
    if not factors or factors[:-1] != shape[:-2] or factors[-1] > min(shape[-2:]):
        raise RuntimeError(f"{who}: tau must be of shape (..., k) with k up to {min(shape[-2:])}, got {factors} "
                           f"for a matrix of shape {shape}")  # fmt: skip
    k = factors[-1]
    return np.tril(input[..., :k], -1) + eye(shape[-2], k, dtype=unwrap(input).dtype)


def _reflected(V: Any, tau: Any, X: Any, order: Any) -> Any:
    """``H X`` for each reflection ``H = 1 - tau v v^H`` in turn."""
    for i in order:
        v = V[..., i : i + 1]
        X = X - tau[..., i, None, None] * np.matmul(v, np.matmul(adjoint(v), X))
    return X


def householder_product(A: Any, tau: Any) -> Tensor:
    r"""The first columns of the product of reflections :math:`H_1 \cdots H_k`, :math:`H_i = 1 - \tau_i v_i v_i^H`.

    Parameters
    ----------
    A : Tensor, shape (..., m, n), m >= n
        The vectors, in columns below the diagonal; they are 1 on it, and zero above.
    tau : Tensor, shape (..., k), k <= n

    Returns
    -------
    Tensor, shape (..., m, n)

    Raises
    ------
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> a, tau = tg.geqrf(tg.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> tg.linalg.householder_product(a, tau) @ tg.triu(a)
    tensor([[3.0000, 1.0000],
            [4.0000, 2.0000]])
    """
    V = _vectors(A, tau, "householder_product")
    m, n = unwrap(A).shape[-2:]
    if m < n:
        raise RuntimeError(f"householder_product: A must not have more columns than rows, got shape {unwrap(A).shape}")
    identity: Any = np.broadcast_to(eye(m, n, dtype=unwrap(A).dtype), unwrap(A).shape)
    first = identity + np.sum(V[..., :0])  # a zero: the result depends on A also where there are no reflections
    return _reflected(V, tau, first, reversed(range(unwrap(tau).shape[-1])))


def orgqr(input: Any, tau: Any) -> Tensor:
    """`linalg.householder_product`, by its old name."""
    return householder_product(input, tau)


def ormqr(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Tensor:
    """The whole product of reflections, as in `linalg.householder_product`, times a matrix.

    Parameters
    ----------
    input : Tensor, shape (..., m, k)
    tau : Tensor, shape (..., k)
    other : Tensor, shape (..., m, n)
    left : bool
        With False, `other`, of shape (..., n, m), times the product.
    transpose : bool
        The product's conjugate transpose.

    Returns
    -------
    Tensor, of the shape of `other`

    Raises
    ------
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> A = tg.tensor([[3.0, 1.0], [4.0, 2.0]])
    >>> a, tau = tg.geqrf(A)
    >>> abs(tg.ormqr(a, tau, A, transpose=True)).round(decimals=4)
    tensor([[5.0000, 2.2000],
            [0.0000, 0.4000]])
    """
    if not left:  # X Q is (Q^H X^H)^H
        return adjoint(ormqr(input, tau, adjoint(other), transpose=not transpose))
    V, k = _vectors(input, tau, "ormqr"), unwrap(tau).shape[-1]
    if unwrap(other).shape[-2] != unwrap(input).shape[-2]:
        raise RuntimeError(f"ormqr: other must fit reflections of {unwrap(input).shape[-2]} entries, got shape "
                           f"{unwrap(other).shape} with left={left}")  # fmt: skip
    return _reflected(V, conj(tau) if transpose else tau, other, range(k) if transpose else reversed(range(k)))


@quietly
def geqrf(input: Any) -> Reflections:
    """The QR factors as LAPACK returns them: R and, below its diagonal, reflections. No gradient; `linalg.qr` has one.

    Parameters
    ----------
    input : Tensor, shape (..., m, n)

    Returns
    -------
    named tuple (a, tau) of Tensors, shapes (..., m, n) and (..., min(m, n))

    Raises
    ------
    NotImplementedError
        For a matrix that requires grad.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.geqrf(tg.tensor([[3.0], [4.0]])).tau
    tensor([1.6000])
    """
    if getattr(input, "requires_grad", False):
        raise NotImplementedError("geqrf: it has no gradient; use linalg.qr, or detach() the input")
    a, tau = np.linalg.qr(unwrap(matrices(input, "geqrf")), "raw")
    return Reflections(wrap(np.ascontiguousarray(mT(a))), wrap(tau))
