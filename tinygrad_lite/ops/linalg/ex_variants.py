"""Factors and inverses that tell of failure by a number instead of an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from .decompositions import cholesky
from .lu import _eliminate, _factored, _pivoting
from .solve import LinAlgError, inv, solve, squares

LINALG = "cholesky_ex inv_ex lu_factor_ex solve_ex"


class CholeskyEx(NamedTuple):
    """A triangle, and 0 or which leading minor is not positive definite."""

    L: Tensor
    info: Tensor


class InverseEx(NamedTuple):
    """An inverse, and 0 or which pivot is zero."""

    inverse: Tensor
    info: Tensor


class SolveEx(NamedTuple):
    """A solution, and 0 or which pivot is zero."""

    result: Tensor
    info: Tensor


class FactoredEx(NamedTuple):
    """Both triangles in one matrix, the rows that were exchanged, and 0 or which pivot is zero."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


def _raised(info: Any, who: str, what: str) -> None:
    if np.any(info):
        first, theirs = int(np.flatnonzero(info)[0]), ""
        if "singular" in what:
            batch = f"(Batch element {first}): " if info.ndim else ""
            theirs = f" ({batch}The diagonal element {info.flat[first]} is zero, the inversion could not be completed)"
        raise LinAlgError(f"{who}: {what}, info is {info.tolist()}{theirs}")


def _checked(A: Any, who: str, factor: Callable[[Any], Any], place: Callable[[Any], int], what: str,
             check_errors: bool) -> tuple[Any, Any]:  # fmt: skip
    """The matrices, ones in place of those that `factor` refuses, and where each of them fails."""
    a = unwrap(squares(A, who))
    info = np.zeros(a.shape[:-2], np.int32)
    try:
        factor(a)
    except np.linalg.LinAlgError:
        for i in np.ndindex(info.shape):
            try:
                factor(a[i])
            except np.linalg.LinAlgError:
                info[i] = place(a[i])
    if check_errors:
        _raised(info, who, what)
    if not info.any():
        return A, info
    return np.where(info[..., None, None] == 0, A, np.eye(a.shape[-1], dtype=a.dtype)), info


def _without(out: Any, info: Any, A: Any) -> Any:
    """NaN where there is no result, which is also its gradient with respect to `A`."""
    if not info.any():
        return out
    failed = info.reshape(*info.shape, *(1,) * (len(out.shape) - info.ndim)) != 0
    lost = np.where(failed, out.dtype.type(np.nan), out.dtype.type(0)) * np.reshape(np.sum(A, (-2, -1)), failed.shape)
    return np.where(failed, lost, out)


def _minor(a: Any) -> int:
    """The first leading minor that is not positive definite, counted from 1."""
    for k in range(1, len(a)):
        try:
            np.linalg.cholesky(a[:k, :k])
        except np.linalg.LinAlgError:
            return k
    return len(a)


def _pivot(a: Any) -> int:
    """The zero, or the smallest, of the pivots, counted from 1."""
    return int(np.argmin(np.abs(np.diagonal(_eliminate(a)[0])))) + 1


def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx:
    """`cholesky` that raises nothing where a matrix is not positive definite.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    upper : bool
        Return ``L^H`` instead.
    check_errors : bool
        Raise all the same.

    Returns
    -------
    named tuple (L, info) of Tensors, shapes (..., n, n) and (...)
        `info` is 0, or the order of the first leading minor that is not positive definite; `L` is NaN there, where
        PyTorch's holds what had been computed so far.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.cholesky_ex(tg.tensor([[4.0, 0.0], [0.0, -1.0]])).info
    tensor(2, dtype=int32)
    """
    what = "the matrix must be positive definite"
    safe, info = _checked(A, "cholesky_ex", np.linalg.cholesky, _minor, what, check_errors)
    return CholeskyEx(_without(cholesky(safe, upper=upper), info, A), wrap(info))


def inv_ex(A: Any, *, check_errors: bool = False) -> InverseEx:
    """`inv` that raises nothing where a matrix is singular.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    check_errors : bool
        Raise all the same.

    Returns
    -------
    named tuple (inverse, info) of Tensors, shapes (..., n, n) and (...)
        `info` is 0, or which pivot is zero, counted from 1; the inverse is NaN there.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.inv_ex(tg.zeros(2, 2)).info
    tensor(1, dtype=int32)
    """
    safe, info = _checked(A, "inv_ex", np.linalg.inv, _pivot, "the matrix must not be singular", check_errors)
    return InverseEx(_without(inv(safe), info, A), wrap(info))


def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> SolveEx:
    """`solve` that raises nothing where a matrix is singular.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    B : Tensor
        As in `solve`.
    left : bool
    check_errors : bool
        Raise all the same.

    Returns
    -------
    named tuple (result, info) of Tensors
        `info`, of shape (...), is 0, or which pivot is zero, counted from 1; the solution is NaN there.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.solve_ex(tg.zeros(2, 2), tg.ones(2))
    SolveEx(result=tensor([nan, nan]), info=tensor(1, dtype=int32))
    """
    safe, info = _checked(A, "solve_ex", np.linalg.inv, _pivot, "the matrix must not be singular", check_errors)
    out = solve(safe, B, left=left)
    return SolveEx(_without(out, info if info.ndim <= len(out.shape) else info.reshape(-1), A), wrap(info))


def zero_pivots(packed: Any) -> Any:
    """Which pivot of each matrix is the first that is zero, counted from 1; 0 where none is."""
    zero = np.diagonal(unwrap(packed), 0, -2, -1) == 0
    before = (np.cumsum(zero, -1) == 0).sum(-1)  # argmax() refuses matrices without a pivot
    return np.where(zero.any(-1), before + 1, 0).astype(np.int32)


def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> FactoredEx:
    """`lu_factor` that raises nothing where a pivot is zero.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    pivot : bool
        Must be True, as in PyTorch on the CPU.
    check_errors : bool
        Raise all the same.

    Returns
    -------
    named tuple (LU, pivots, info) of Tensors, shapes (..., n, m), (..., min(n, m)) and (...)
        `info` is 0, or which pivot is zero, counted from 1: nothing can be solved with the factors there.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.lu_factor_ex(tg.tensor([[1.0, 2.0], [2.0, 4.0]])).info
    tensor(2, dtype=int32)
    """
    _pivoting(pivot, "lu_factor_ex")
    out, pivots, _ = _factored(A, "lu_factor_ex")
    info = zero_pivots(out)
    if check_errors:
        _raised(info, "lu_factor_ex", "no pivot must be zero")
    return FactoredEx(out, pivots, wrap(info))
