"""Pseudoinverses and least squares."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...engine.errors import ArgumentError, InputError
from ...engine.quiet import quietly
from ...rules import FAST, conjugate, differentiable, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import other_names
from ..pointwise.complex_numbers import real
from ..shape.reshape_transpose import adjoint
from .decompositions import lapack_svd
from .matmul import matmul
from .norms import cutoff, matrix_rank
from .solve import floats, matrices, squares

LINALG = "lstsq pinv"


class Lstsq(NamedTuple):
    """A least squares solution, and what is known about it."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def _pinv_a(g: Any, a: Any, out: Any) -> Any:
    """Golub and Pereyra 1973 for matrices of constant rank; as all of this file for PyTorch's gradient conj(g)."""
    g = conjugate(g)
    gh, ph = adjoint(g), adjoint(out)
    rows = np.matmul(gh, np.matmul(out, ph))
    columns = np.matmul(ph, np.matmul(out, gh))
    total = rows - np.matmul(a, np.matmul(out, rows)) + columns - np.matmul(np.matmul(columns, out), a)
    return conjugate(total - np.matmul(np.matmul(ph, g), ph))


@differentiable(a=_pinv_a, name="pinv", complex=True)
def _pinv(a: Any, atol: Any, rtol: Any) -> Any:
    u, s, vh = lapack_svd(a, False)
    kept = s > cutoff(s, a.shape, atol, rtol)
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0)
    return (vh.conj().swapaxes(-1, -2) * inverse[..., None, :]) @ u.conj().swapaxes(-1, -2)


@differentiable(a=lambda g: g, name="hermitian", complex=True)
def _hermitian(a: Any) -> Any:
    """The Hermitian matrices whose lower triangles these are. The gradient is PyTorch's, as if all of `a` were read."""
    below = np.tril(a, -1)
    return below + below.conj().swapaxes(-1, -2) + np.eye(a.shape[-1], dtype=a.dtype) * a.real


def pinv(A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """Pseudoinverse of Moore and Penrose.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    rcond : float or Tensor, optional
        The older name of `rtol`.
    atol, rtol : float or Tensor, optional
        Singular values up to ``max(atol, rtol * largest)`` count as 0: see `matrix_rank`.
    hermitian : bool
        The matrices are square and equal to their adjoints: only their lower triangles are read.

    Returns
    -------
    Tensor, shape (..., m, n)
        Its gradient is right where a small change leaves the rank as it is.

    References
    ----------
    Golub and Pereyra 1973, The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
    separate.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.pinv(tg.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    A = matrices(A, "pinv")
    if rcond is not None:
        if atol is not None or rtol is not None:
            raise ArgumentError("pinv: give rcond, or atol and rtol, not both")
        rtol = rcond
    if hermitian:
        A = _hermitian.record((squares(A, "pinv"),))
    return _pinv.record((A, unwrap(atol), unwrap(rtol)))


def pinverse(input: Any, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with ``rtol=rcond``."""
    return pinv(input, rtol=rcond)


_DRIVERS = (None, "gels", "gelsy", "gelsd", "gelss")


@other_names(b="B")
@quietly
def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Lstsq:
    """The smallest `X` of those that make ``A X - B`` smallest, by the pseudoinverse.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    B : Tensor, shape (..., n, k), or (..., n): vectors
    rcond : float, optional
        Singular values up to `rcond` times the largest count as 0; a negative one stands for the dtype's precision, and
        for "gelsd" so does one outside (0, 1), as in LAPACK. Default: see `matrix_rank`.
    driver : None, "gels", "gelsy", "gelsd" or "gelss"
        What PyTorch would call, "gelsy" by default. The computation is the same here for all; "gelsy" returns no
        residuals, "gels" no rank, and only the last two return singular values.

    Returns
    -------
    named tuple (solution, residuals, rank, singular_values) of Tensors
        The residuals are the sums of squares of ``A X - B`` for each column, where ``n > m`` and `A` is of full rank;
        empty otherwise.

    Raises
    ------
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> A, B = tg.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), tg.tensor([[1.0], [3.0], [5.0]])
    >>> tg.linalg.lstsq(A, B).solution
    tensor([[1.0000],
            [2.0000]])
    """
    a, b = unwrap(matrices(A, "lstsq")), unwrap(floats(B, "lstsq"))
    if driver not in _DRIVERS:
        raise InputError(f"lstsq: driver must be one of {_DRIVERS}, got {driver!r}")
    vector = b.ndim == a.ndim - 1
    if not b.ndim or b.ndim < a.ndim - 1 or b.shape[-1 if vector else -2] != a.shape[-2]:
        raise RuntimeError(f"lstsq: B must have A's rows, got shapes {a.shape} and {b.shape}")
    if rcond is not None and (rcond < 0 or (driver == "gelsd" and not 0 < rcond < 1)):
        rcond = float(np.finfo(a.dtype).eps)
    right = B[..., None] if vector else B
    solution = matmul(pinv(A, rtol=rcond), right)
    rank = matrix_rank(A.detach(), rtol=rcond)
    none = wrap(np.zeros(0, a.real.dtype))
    residuals = real(solution.reshape(-1)[:0])  # empty, but one that requires grad as the solution does
    if driver not in (None, "gelsy") and a.shape[-2] > a.shape[-1] and bool(np.all(unwrap(rank) == a.shape[-1])):
        residuals = np.square(abs(matmul(A, solution) - right)).sum(-2)
        residuals = residuals[..., 0] if vector else residuals
    values = wrap(lapack_svd(a, compute_uv=False)) if driver in ("gelsd", "gelss") else none
    rank = wrap(np.zeros(0, np.int64)) if driver == "gels" else rank
    return Lstsq(solution[..., 0] if vector else solution, residuals, rank, values)


def _np_pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    return pinv(a, rtol=rtol if rcond is None else rcond, hermitian=hermitian)


FAST[np.linalg.pinv] = _np_pinv
