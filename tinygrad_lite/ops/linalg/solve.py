"""Inverses and systems of linear equations.

Derivatives: Giles 2008, Collected matrix derivative results for forward and reverse mode algorithmic differentiation.
With `g` as in `rules` they hold for complex matrices as they stand, with transposes and no conjugates.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...engine.arguments import whole
from ...engine.errors import DtypeError
from ...engine.errors import LinAlgError as LinAlgError
from ...kernels.linalg.triangular_solve import eliminated, substituted, with_nan
from ...rules import FAST, differentiable, unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import one_dim, other_names
from ..creation.arange_eye import eye
from ..pointwise.complex_numbers import conj
from .matmul import mT as mT

LINALG = "LinAlgError inv solve solve_triangular tensorinv tensorsolve"


def floats(A: Any, who: str, exact: bool = False, half: bool = False) -> Any:
    """The tensor, unless it holds integers or half precision, which LAPACK has not, where these are not allowed."""
    dtype = unwrap(A).dtype
    if (dtype == np.float16 and not half) or (dtype.kind not in "fc" and not exact):
        raise DtypeError(f"{who}: the matrices must be float32, float64 or complex, got {dtype} "
                         "(Expected a floating point or complex tensor as input)")  # fmt: skip
    return A


def matrices(A: Any, who: str, exact: bool = False, half: bool = False) -> Any:
    """The tensor, if it has rows and columns."""
    if unwrap(floats(A, who, exact, half)).ndim < 2:
        raise RuntimeError(f"{who}: the matrices must have at least 2 dimensions, got shape {unwrap(A).shape} "
                           "(input must have at least 2 dimensions)")  # fmt: skip
    return A


def squares(A: Any, who: str, exact: bool = False, half: bool = False) -> Any:
    """The tensor, if it holds square matrices."""
    shape = unwrap(matrices(A, who, exact, half)).shape
    if shape[-1] != shape[-2]:
        raise RuntimeError(
            f"{who}: the matrices must be square, got shape {shape} (A must be batches of square matrices)"
        )
    return A


# --- rows -------------------------------------------------------------------------------------------------------


def _inv_a(g: Any, out: Any) -> Any:
    out = mT(out)
    return -np.matmul(np.matmul(out, g), out)


@differentiable(a=_inv_a, name="inv", numpy=np.linalg.inv, complex=True)
def _inv(a: Any) -> Any:
    return with_nan(np.linalg.inv(a), a)


def _solve_ab(g: Any, a: Any, out: Any) -> tuple[Any, Any]:
    b = np.linalg.solve(mT(a), g)
    return -np.matmul(b, mT(out)), b


@differentiable(joint=[(("a", "b"), _solve_ab)], name="solve", numpy=np.linalg.solve, complex=True)
def _solve(a: Any, b: Any) -> Any:
    return with_nan(np.linalg.solve(a, b), a)


_LEAF, _LEAST = 64, 32  # larger systems are cut into halves; smaller ones do not repay the loop's preparation


def triangular(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """``a x = b`` for triangular `a`, of which only the triangle is looked at: block by block, in halves."""
    n = a.shape[-1]
    if n > _LEAF:
        h = n // 2
        first, last = (slice(h, n), slice(h)) if upper else (slice(h), slice(h, n))
        x = triangular(a[..., first, first], b[..., first, :], upper, unit)
        y = triangular(a[..., last, last], b[..., last, :] - a[..., last, first] @ x, upper, unit)
        return np.concatenate([y, x] if upper else [x, y], -2)
    if n < _LEAST or a.ndim > 2 or b.ndim > 2 or a.dtype != b.dtype or a.dtype.char not in "fd":
        return eliminated(a, b, upper, unit)
    if not unit and not a.diagonal().all():
        raise LinAlgError("Singular matrix")
    return substituted(np.ascontiguousarray(a), np.ascontiguousarray(b), upper, unit)


def _triangular_ab(g: Any, a: Any, out: Any, upper: bool, unit: bool) -> tuple[Any, Any]:
    b = _triangular(mT(a), g, not upper, unit)
    full = np.matmul(-b, mT(out))
    return np.triu(full, int(unit)) if upper else np.tril(full, -int(unit)), b


@differentiable(joint=[(("a", "b"), _triangular_ab)], name="solve_triangular", complex=True)
def _triangular(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    return triangular(a, b, upper, unit)


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def inv(A: Any) -> Tensor:
    """Inverse matrices.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (..., n, n)

    Raises
    ------
    LinAlgError
        For a singular matrix.
    RuntimeError
        For matrices that are not square.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.inv(tg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return _inv.record((squares(A, "inv"),))


def inverse(input: Any) -> Tensor:
    """Inverse matrices: `linalg.inv`."""
    return inv(input)


def _is_vector(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether the right side is a vector, or a batch of vectors: PyTorch's rule."""
    return len(b) == 1 or (len(a) - 1 == len(b) and a[:-1] == b)


def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    """The solution `X` of ``A X = B``.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    B : Tensor, shape (..., n, k), or (..., n): a vector, or as many vectors as there are matrices
    left : bool
        With False, of ``X A = B``, where `B` is (..., k, n).

    Returns
    -------
    Tensor, of B's shape, broadcast

    Raises
    ------
    LinAlgError
        For a singular matrix.
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.solve(tg.tensor([[2.0, 0.0], [0.0, 4.0]]), tg.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    a, b = unwrap(squares(A, "solve")).shape, unwrap(floats(B, "solve")).shape
    vector = _is_vector(a, b)
    if vector and not left:
        raise RuntimeError(f"solve: with left=False B must have rows and columns, got shape {b}")
    if not b or (b[-1] if vector or not left else b[-2]) != a[-1]:
        raise RuntimeError(f"solve: B must fit A of shape {a}, got shape {b} with left={left}")
    if vector:
        return _solve.record((A, B[..., None]))[..., 0]
    return _solve.record((A, B)) if left else mT(_solve.record((mT(A), mT(B))))


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The solution `X` of ``A X = B`` for triangular `A`.

    Unlike PyTorch's it raises where the diagonal holds a zero, rather than to return infinities.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
        The other triangle is not looked at.
    B : Tensor, shape (..., n, k)
    upper : bool
        Whether the upper triangle is the one that counts.
    left : bool
        With False, of ``X A = B``, where `B` is (..., k, n).
    unitriangular : bool
        The diagonal is not looked at either, and taken to be ones.

    Returns
    -------
    Tensor, of B's shape, broadcast

    Raises
    ------
    LinAlgError
        Where the diagonal holds a zero.
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> A, B = tg.tensor([[2.0, 0.0], [1.0, 1.0]]), tg.tensor([[4.0], [3.0]])
    >>> tg.linalg.solve_triangular(A, B, upper=False)
    tensor([[2.],
            [1.]])
    """
    a, b = unwrap(squares(A, "solve_triangular")).shape, unwrap(matrices(B, "solve_triangular")).shape
    if b[-2 if left else -1] != a[-1]:
        raise RuntimeError(f"solve_triangular: B must fit A of shape {a}, got shape {b} with left={left}")
    if left:
        return _triangular.record((A, B, upper, unitriangular))
    return mT(_triangular.record((mT(A), mT(B), not upper, unitriangular)))


def _cholesky_bl(g: Any, b: Any, lower: Any, out: Any) -> tuple[Any, Any]:
    """That of ``(L L^H)^-1 B`` by all elements of L, as in PyTorch: those above the diagonal, which are zero, too."""
    b = conj(_with_cholesky(conj(g), lower))
    both = np.matmul(conj(b), conj(mT(out)))
    return b, -conj(np.matmul(both + conj(mT(both)), np.tril(lower)))


def _with_cholesky(b: Any, lower: Any) -> Any:
    return _triangular(conj(mT(lower)), _triangular(lower, b, False, False), True, False)


@differentiable(joint=[(("b", "lower"), _cholesky_bl)], name="cholesky_solve", complex=True)
def _cholesky_solve(b: Any, lower: Any) -> Any:
    return triangular(lower.conj().swapaxes(-1, -2), triangular(lower, b, False, False), True, False)


def cholesky_solve(input: Any, input2: Any, upper: bool = False) -> Tensor:
    """The solution `X` of ``A X = B``, given the Cholesky factor of `A`.

    Parameters
    ----------
    input : Tensor, shape (..., n, k)
        `B`.
    input2 : Tensor, shape (..., n, n)
        The factor.
    upper : bool
        Whether it is the upper one.

    Returns
    -------
    Tensor, shape (..., n, k)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cholesky_solve(tg.tensor([[4.0]]), tg.tensor([[2.0]]))
    tensor([[1.]])
    """
    b, lower = (
        unwrap(matrices(input, "cholesky_solve")),
        squares(conj(mT(input2)) if upper else input2, "cholesky_solve"),
    )
    if b.shape[-2] != unwrap(lower).shape[-1]:
        raise RuntimeError(
            f"cholesky_solve: input must have the factor's {unwrap(lower).shape[-1]} rows, got shape {b.shape}"
        )
    return _cholesky_solve.record((input, lower))


def cholesky_inverse(input: Any, upper: bool = False) -> Tensor:
    """The inverse of a matrix, given its Cholesky factor: see `cholesky_solve`."""
    x = unwrap(squares(input, "cholesky_inverse"))
    return cholesky_solve(np.broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape), input, upper)


def tensorinv(A: Any, ind: int = 2) -> Tensor:
    """The tensor whose `tensordot` with `A` is the identity.

    Parameters
    ----------
    A : Tensor
        The product of its first `ind` sizes must be that of the others.
    ind : int

    Returns
    -------
    Tensor, shape ``A.shape[ind:] + A.shape[:ind]``

    Raises
    ------
    RuntimeError
        Where the products differ.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.tensorinv(tg.eye(4).reshape(2, 2, 4)).shape
    (4, 2, 2)
    """
    shape = unwrap(floats(A, "tensorinv")).shape
    if not whole(ind) or ind < 1:
        raise RuntimeError(f"tensorinv: ind must be a positive integer, got {ind!r}")
    ind = operator.index(ind)
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if rows != columns:
        raise RuntimeError(f"tensorinv: the products of the sizes {shape[:ind]} and {shape[ind:]} must be the same")
    return inv(A.reshape(rows, columns)).reshape(shape[ind:] + shape[:ind])


@other_names(other="B")
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Tensor:
    """The solution `X` of ``tensordot(A, X, X.ndim) = B``.

    Parameters
    ----------
    A : Tensor
        The product of its sizes must be the square of that of B's.
    B : Tensor
    dims : sequence of int, optional
        Dimensions of `A` to move to the end before.

    Returns
    -------
    Tensor, of the shape of A's last dimensions

    Raises
    ------
    RuntimeError
        Where the products differ.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.tensorsolve(2 * tg.eye(4).reshape(2, 2, 4), tg.ones(2, 2))
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    ndim = unwrap(floats(A, "tensorsolve")).ndim
    if dims is not None:
        moved = [one_dim(d, ndim, "tensorsolve") for d in dims]
        A = np.moveaxis(A, moved, list(range(ndim - len(moved), ndim)))
    b = unwrap(floats(B, "tensorsolve"))
    shape = unwrap(A).shape[b.ndim :]
    if math.prod(shape) != b.size or unwrap(A).size != b.size**2:
        raise RuntimeError(f"tensorsolve: A of shape {unwrap(A).shape} must be square for B of shape {b.shape}")
    return solve(A.reshape(b.size, b.size), B.reshape(-1)).reshape(shape)


def _np_solve(a: Any, b: Any) -> Any:
    return _solve.record((a, b[:, None]))[..., 0] if unwrap(b).ndim == 1 else _solve.record((a, b))


FAST[np.linalg.solve] = _np_solve
FAST[np.linalg.tensorinv] = lambda a, ind=2: tensorinv(a, ind)
FAST[np.linalg.tensorsolve] = lambda a, b, axes=None: tensorsolve(a, b, axes)
