"""`lu`, `lu_factor`, `lu_solve`: LU with row exchanges."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...engine.quiet import quietly
from ...rules import differentiable, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..creation.arange_eye import eye
from ..indexing.index import take_along_dim
from ..shape.reshape_transpose import adjoint as _adjoint
from .solve import LinAlgError, floats, matrices, mT, solve_triangular, squares

LINALG = "lu lu_factor lu_solve"


class LU(NamedTuple):
    """A permutation, a lower triangle with ones on its diagonal, and an upper triangle."""

    P: Tensor
    L: Tensor
    U: Tensor


class Factored(NamedTuple):
    """Both triangles in one matrix, and the rows that were exchanged, counted from 1."""

    LU: Tensor
    pivots: Tensor


def _eliminate(a: Any) -> tuple[Any, Any]:
    """Gaussian elimination, column by column: the triangles in one, and which rows were exchanged."""
    out = np.array(a)
    k = min(out.shape[-2:])
    pivots = np.zeros((*out.shape[:-2], k), np.int32)
    for j in range(k if out.size else 0):
        column = out[..., j:, j]  # LAPACK's choice of a complex pivot goes by the sum of its parts
        p = np.argmax(np.abs(column.real) + np.abs(column.imag), -1)[..., None, None] + j
        pivots[..., j] = p[..., 0, 0] + 1
        row, other = out[..., j : j + 1, :].copy(), np.take_along_axis(out, p, -2)
        np.put_along_axis(out, p, row, -2)
        out[..., j : j + 1, :] = other
        top = out[..., j, j][..., None]
        out[..., j + 1 :, j] /= np.where(top == 0, 1, top)
        out[..., j + 1 :, j + 1 :] -= out[..., j + 1 :, j, None] * out[..., j, None, j + 1 :]
    return out, pivots


def _exchanged(pivots: Any, n: int) -> Any:
    """The rows in the order that the exchanges leave them in."""
    pivots = unwrap(pivots)
    order = np.broadcast_to(np.arange(n), (*pivots.shape[:-1], n)).copy()
    for j in range(pivots.shape[-1]):
        p = pivots[..., j : j + 1].astype(np.int64) - 1
        picked, mine = np.take_along_axis(order, p, -1), order[..., j : j + 1].copy()
        np.put_along_axis(order, p, mine, -1)
        order[..., j : j + 1] = picked
    return order


def _packed_a(g: Any, out: Any) -> Any:
    """``L^-T (tril(L^T dL, -1) + triu(dU U^T)) U^-T``, of the square part.

    What is below it is ``L' = A' U^-1``, and what is beside it ``U' = L^-1 A'``.
    """
    n, m = out.shape[-2:]
    k = min(n, m)
    upper, lower = np.triu(out[..., :k, :k]), np.tril(out[..., :k, :k], -1)
    square = g[..., :k, :k]
    if n > m:
        rest = solve_triangular(mT(upper), g[..., k:, :], upper=False, left=False)
        square = square - np.triu(np.matmul(mT(out[..., k:, :]), rest))
    elif n < m:
        rest = solve_triangular(mT(lower), g[..., k:], upper=True, unitriangular=True)
        square = square - np.tril(np.matmul(rest, mT(out[..., k:])), -1)
    inner = np.tril(square, -1)
    inner = np.tril(np.matmul(mT(lower), inner) + inner, -1) + np.triu(np.matmul(np.triu(square), mT(upper)))
    left = solve_triangular(mT(lower), inner, upper=True, unitriangular=True)
    d = solve_triangular(mT(upper), left, upper=False, left=False)
    return d if n == m else np.concatenate([d, rest], -2 if n > m else -1)


@differentiable(a=_packed_a, name="lu", complex=True)
def _packed(a: Any, found: Any) -> Any:
    """The triangles of `a`, whose rows are in order; elimination has found them already."""
    return found


@quietly
def _factored(A: Any, who: str) -> tuple[Any, Any, Any]:
    """Both triangles in one, differentiable, the exchanges, and the order of the rows."""
    found, pivots, order = _eliminated(matrices(A, who))
    rows = wrap(order)
    return _packed.record((take_along_dim(A, rows[..., None], -2), found)), wrap(pivots), rows


def _eliminated(A: Any) -> tuple[Any, Any, Any]:
    x = unwrap(A)
    found, pivots = _eliminate(x)
    return found, pivots, _exchanged(pivots, x.shape[-2])


def _checked_order(pivots: Any, shape: tuple[int, ...]) -> Any:
    """`_exchanged` of what a user gives."""
    n, p = shape[-1], unwrap(pivots)
    if p.dtype.kind not in "iu" or p.shape != shape[:-1] or (p.size and (p.min() < 1 or p.max() > n)):
        raise RuntimeError(f"lu_solve: pivots must be of shape {shape[:-1]}, from 1 to {n}, got {p.dtype} {p.shape}")
    return _exchanged(p, n)


def _permutation(order: Any, inverse: bool, dtype: Any) -> Any:
    """The matrix that puts rows into an order, or back again."""
    order = unwrap(order)
    n = order.shape[-1]
    if inverse:
        return (np.arange(n)[:, None] == order[..., None, :]).astype(dtype)
    return (np.arange(n) == order[..., :, None]).astype(dtype)


def _regular(found: Any) -> None:
    if np.any(np.diagonal(unwrap(found), 0, -2, -1) == 0):
        raise LinAlgError("lu_factor: U must have no zero on its diagonal, or nothing can be solved with it; use lu()")


def _pivoting(pivot: bool, who: str) -> None:
    if not pivot:
        raise RuntimeError(
            f"{who}: pivot must be True, got {pivot!r}: without exchanges LU may not exist (LU without pivoting is not "
            "implemented on the CPU)"
        )


def lu(A: Any, *, pivot: bool = True) -> LU:
    """Triangles and the permutation of ``A = P L U``.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
        Its first ``min(n, m)`` rows and columns, exchanged, must be invertible for a gradient.
    pivot : bool
        Must be True, as in PyTorch on the CPU.

    Returns
    -------
    named tuple (P, L, U) of Tensors, shapes (..., n, n), (..., n, k) and (..., k, m), ``k = min(n, m)``

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> P, L, U = tg.linalg.lu(tg.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> L, U
    (tensor([[1.0000, 0.0000],
            [0.2500, 1.0000]]), tensor([[4., 4.],
            [0., 1.]]))
    """
    _pivoting(pivot, "lu")
    out, _, order = _factored(A, "lu")
    (n, m), dtype = unwrap(out).shape[-2:], unwrap(out).dtype
    k = min(n, m)
    P = wrap(_permutation(order, True, dtype))
    return LU(P, np.tril(out[..., :k], -1) + eye(n, k, dtype=dtype), np.triu(out[..., :k, :]))


def lu_factor(A: Any, *, pivot: bool = True) -> Factored:
    """`lu` for `lu_solve`: both triangles in one matrix, and the exchanges of rows.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    pivot : bool
        Must be True, as in PyTorch on the CPU.

    Returns
    -------
    named tuple (LU, pivots) of Tensors, shapes (..., n, m) and (..., min(n, m))
        In step i the rows i and ``pivots[i] - 1`` were exchanged.

    Raises
    ------
    LinAlgError
        For a singular matrix.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> LU, pivots = tg.linalg.lu_factor(tg.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> tg.linalg.lu_solve(LU, pivots, tg.tensor([[3.0], [8.0]]))
    tensor([[1.],
            [1.]])
    """
    _pivoting(pivot, "lu_factor")
    out, pivots, _ = _factored(A, "lu_factor")
    _regular(out)
    return Factored(out, pivots)


def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The solution `X` of ``A X = B``, given `lu_factor` of `A`.

    Parameters
    ----------
    LU : Tensor, shape (..., n, n)
    pivots : Tensor, shape (..., n), integer
    B : Tensor, shape (..., n, k)
    left : bool
        With False, of ``X A = B``, where `B` is (..., k, n).
    adjoint : bool
        Of the system with ``A^H`` for `A`.

    Returns
    -------
    Tensor, of B's shape, broadcast

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> A = tg.tensor([[2.0, 0.0], [0.0, 4.0]])
    >>> tg.linalg.lu_solve(*tg.linalg.lu_factor(A), tg.ones(2, 1))
    tensor([[0.5000],
            [0.2500]])
    """
    order = _checked_order(pivots, unwrap(squares(LU, "lu_solve")).shape)
    if not left:  # X A = B is A^H X^H = B^H
        return _adjoint(lu_solve(LU, pivots, _adjoint(B), adjoint=not adjoint))
    P = wrap(_permutation(order, False, unwrap(floats(B, "lu_solve")).dtype))  # P A = L U
    if adjoint:
        half = solve_triangular(_adjoint(LU), B, upper=False)
        return mT(P) @ solve_triangular(_adjoint(LU), half, upper=True, unitriangular=True)
    half = solve_triangular(LU, P @ B, upper=False, unitriangular=True)
    return solve_triangular(LU, half, upper=True)


# --- PyTorch's older names ------------------------------------------------------------------------------------------


class Triangular(NamedTuple):
    """The solution, and a copy of the matrix."""

    solution: Tensor
    cloned_coefficient: Tensor


def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True) -> LU:
    """The permutation and the triangles that `linalg.lu_factor` has packed; what is not asked for is empty.

    Parameters
    ----------
    LU_data : Tensor, shape (..., n, m)
    LU_pivots : Tensor, shape (..., min(n, m)), integer
    unpack_data, unpack_pivots : bool

    Returns
    -------
    named tuple (P, L, U) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> P, L, U = tg.lu_unpack(*tg.linalg.lu_factor(tg.tensor([[1.0, 2.0], [4.0, 4.0]])))
    >>> P @ L @ U
    tensor([[1., 2.],
            [4., 4.]])
    """
    (n, m), dtype = unwrap(LU_data).shape[-2:], unwrap(LU_data).dtype
    k = min(n, m)
    P = L = U = wrap(np.empty(0, dtype))
    if unpack_pivots:
        P = wrap(_permutation(_exchanged(LU_pivots, n), True, dtype))
    if unpack_data:
        L = np.tril(LU_data[..., :k], -1) + eye(n, k, dtype=dtype)
        U = np.triu(LU_data[..., :k, :])
    return LU(P, L, U)


def lu_solve_of(input: Any, LU_data: Any, LU_pivots: Any) -> Tensor:
    """The solution of a system given by `linalg.lu_factor`: `linalg.lu_solve` in another order of arguments."""
    return lu_solve(LU_data, LU_pivots, input)


lu_solve_of.__name__ = lu_solve_of.__qualname__ = "lu_solve"
lu_solve_of.__module__ = f"{__package__}.toplevel_names"  # where it has that name, and pickle looks for it


def triangular_solve(
    input: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Triangular:
    """The solution `X` of ``A X = input`` for a triangle `A`: `linalg.solve_triangular` in another order of arguments.

    Parameters
    ----------
    input : Tensor, shape (..., n, k)
    A : Tensor, shape (..., n, n)
    upper : bool
        Which triangle counts; the lower one with False.
    transpose : bool
        Of the system with ``A^T`` for `A`.
    unitriangular : bool
        The diagonal counts as ones.

    Returns
    -------
    named tuple (solution, cloned_coefficient) of Tensors

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.triangular_solve(tg.ones(2, 1), tg.tensor([[1.0, 2.0], [0.0, 4.0]])).solution
    tensor([[0.5000],
            [0.2500]])
    """
    matrix = mT(A) if transpose else A
    solution = solve_triangular(matrix, input, upper=upper != transpose, unitriangular=unitriangular)
    wide: Any = np.broadcast_to(A, (*unwrap(solution).shape[:-2], *unwrap(A).shape[-2:]))
    return Triangular(solution, wide.clone())
