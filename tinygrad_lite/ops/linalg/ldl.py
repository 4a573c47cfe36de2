"""`ldl_factor`, `ldl_solve`: symmetric and Hermitian matrices, definite or not, by Bunch and Kaufman's pivots."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...engine.quiet import quietly
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from .solve import LinAlgError, matrices, squares

LINALG = "ldl_factor ldl_factor_ex ldl_solve"


class LDL(NamedTuple):
    """The triangle with the blocks of the diagonal, and the exchanges, counted from 1 and negative for pairs."""

    LD: Tensor
    pivots: Tensor


class LDLEx(NamedTuple):
    """The same, and 0 or which block of the diagonal is zero."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


_ALPHA = (1 + math.sqrt(17)) / 8  # as many digits grow in a step of one column as in two of a pair


def _size(x: Any) -> Any:
    """LAPACK's size of complex numbers."""
    return np.abs(x.real) + np.abs(x.imag)


def _choice(a: Any, k: int) -> tuple[int, int]:
    """How many columns the next block has, and which row is brought to its end."""
    sizes = _size(a[k:, k])
    if len(sizes) == 1 or not sizes.any():
        return 1, k
    largest = int(np.argmax(sizes[1:])) + 1
    ours, theirs = sizes[0], sizes[largest]
    if ours >= _ALPHA * theirs:
        return 1, k
    row = _size(a[k + largest, k:])
    diagonal, row[largest] = row[largest], 0
    if ours * row.max() >= _ALPHA * theirs * theirs:
        return 1, k
    return (1 if diagonal >= _ALPHA * row.max() else 2), k + largest


def _factor(a: Any, hermitian: bool) -> tuple[Any, Any, int]:
    """One matrix in place; above its diagonal nothing is meant."""
    pivots, info, k = np.zeros(len(a), np.int32), 0, 0
    while k < len(a):
        step, chosen = _choice(a, k)
        last = k + step - 1
        a[[last, chosen], k:] = a[[chosen, last], k:]
        a[k:, [last, chosen]] = a[k:, [chosen, last]]
        pivots[k : last + 1] = chosen + 1 if step == 1 else -(chosen + 1)
        block, below = a[k : last + 1, k : last + 1], a[last + 1 :, k : last + 1]
        if not block.any():
            info = info or k + 1
        else:
            lower = np.linalg.solve(block.T, below.T).T
            rest = a[last + 1 :, last + 1 :]
            rest -= lower @ (below.conj() if hermitian else below).T
            if hermitian:
                np.einsum("ii->i", rest).imag[...] = 0  # as it is but for rounding
            below[...] = lower
        k += step
    return a, pivots, info


@quietly
def ldl_factor_ex(A: Any, *, hermitian: bool = False, check_errors: bool = False) -> LDLEx:
    """`linalg.ldl_factor` that tells by a number where a block of the diagonal is zero.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    hermitian : bool
    check_errors : bool
        Raise an error instead.

    Returns
    -------
    named tuple (LD, pivots, info) of Tensors, shapes (..., n, n), (..., n) and (...)

    Raises
    ------
    LinAlgError
        With `check_errors`.
    NotImplementedError
        For a matrix that requires grad.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.ldl_factor_ex(tg.zeros(1, 1)).info
    tensor(1, dtype=int32)
    """
    _without_gradient("ldl_factor", A)
    a = unwrap(squares(A, "ldl_factor"))
    below, real = np.tril(a, -1), hermitian and a.dtype.kind == "c"
    diagonal = np.eye(a.shape[-1], dtype=a.dtype) * (a.real if real else a)
    full = below + np.swapaxes(below.conj() if real else below, -1, -2) + diagonal
    pivots, info = np.zeros(a.shape[:-1], np.int32), np.zeros(a.shape[:-2], np.int32)
    for i in np.ndindex(info.shape):
        full[i], pivots[i], info[i] = _factor(full[i], real)
    if check_errors and info.any():
        raise LinAlgError(f"ldl_factor: a block of the diagonal is zero, info is {info.tolist()}")
    return LDLEx(wrap(np.tril(full)), wrap(pivots), wrap(info))


def ldl_factor(A: Any, *, hermitian: bool = False) -> LDL:
    """The factors of ``A = P L D L^T P^T``, in one matrix, with blocks of one or two rows on the diagonal of D.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
        Symmetric; only the lower triangle is read.
    hermitian : bool
        Complex matrices are Hermitian: ``P L D L^H P^H``.

    Returns
    -------
    named tuple (LD, pivots) of Tensors, shapes (..., n, n) and (..., n), for `linalg.ldl_solve`

    Raises
    ------
    LinAlgError
        For a block of zeros.
    NotImplementedError
        For a matrix that requires grad: there is no gradient, as in PyTorch.

    References
    ----------
    Bunch and Kaufman 1977, Some stable methods for calculating inertia and solving symmetric linear systems.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.ldl_factor(tg.tensor([[4.0, 2.0], [2.0, 3.0]])).LD
    tensor([[4.0000, 0.0000],
            [0.5000, 2.0000]])
    """
    LD, pivots, _ = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return LDL(LD, pivots)


@quietly
def ldl_solve(LD: Any, pivots: Any, B: Any, *, hermitian: bool = False) -> Tensor:
    """The solution of a symmetric system given by `linalg.ldl_factor`.

    Parameters
    ----------
    LD : Tensor, shape (..., n, n)
    pivots : Tensor, shape (..., n), integer
    B : Tensor, shape (..., n, k)
    hermitian : bool
        As it was for the factors.

    Returns
    -------
    Tensor, of B's shape, broadcast

    Raises
    ------
    RuntimeError
        For shapes that do not fit.
    NotImplementedError
        For a matrix that requires grad: there is no gradient, as in PyTorch.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> LD, pivots = tg.linalg.ldl_factor(tg.tensor([[0.0, 2.0], [2.0, 0.0]]))
    >>> tg.linalg.ldl_solve(LD, pivots, tg.tensor([[2.0], [4.0]]))
    tensor([[2.],
            [1.]])
    """
    _without_gradient("ldl_solve", LD, B)
    a, p, b = unwrap(squares(LD, "ldl_solve")), unwrap(pivots), unwrap(matrices(B, "ldl_solve"))
    n = a.shape[-1]
    if b.shape[-2] != n or p.dtype.kind not in "iu" or p.shape != a.shape[:-1]:
        raise RuntimeError(f"ldl_solve: pivots must be of shape {a.shape[:-1]} and B have {n} rows, got {p.dtype} of "
                           f"shape {p.shape} and {b.shape}")  # fmt: skip
    if p.size and (np.abs(p).min() < 1 or np.abs(p).max() > n):
        raise RuntimeError(f"ldl_solve: pivots must be from 1 to {n} or their negatives, got {p.min()} to {p.max()}")
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, p = np.broadcast_to(a, (*lead, n, n)), np.broadcast_to(p, (*lead, n))
    out = np.broadcast_to(b, (*lead, *b.shape[-2:])).copy()
    for i in np.ndindex(lead):
        _solve(a[i], p[i], out[i], hermitian and a.dtype.kind == "c")
    return wrap(out)


def _solve(a: Any, pivots: Any, b: Any, hermitian: bool) -> None:
    """Blocks from the first to the last with L and D, and back with L's transpose."""
    starts, k = [], 0
    while k < len(a):
        starts.append(k)
        k += 1 if pivots[k] > 0 else 2
    blocks = [(k, end, abs(int(pivots[k])) - 1) for k, end in zip(starts, [*starts[1:], len(a)])]
    for k, end, chosen in blocks:
        b[[end - 1, chosen]] = b[[chosen, end - 1]]
        b[end:] -= a[end:, k:end] @ b[k:end]
        block = np.tril(a[k:end, k:end])
        other = np.tril(block, -1)
        b[k:end] = np.linalg.solve(block + (other.conj() if hermitian else other).T, b[k:end])
    for k, end, chosen in reversed(blocks):
        lower = a[end:, k:end]
        b[k:end] -= (lower.conj() if hermitian else lower).T @ b[end:]
        b[[end - 1, chosen]] = b[[chosen, end - 1]]


def _without_gradient(who: str, *given: Any) -> None:
    if any(getattr(x, "requires_grad", False) for x in given):
        raise NotImplementedError(f"{who}: it has no gradient; use linalg.solve, or detach() the matrices")
