"""Factors of matrices: Cholesky's, QR, eigenvalues and singular values.

The rules are written for PyTorch's gradients G = conj(g), as the literature has them:

- Seeger, Hetzel, Dai, Meissner, Lawrence 2017, Auto-differentiating linear algebra (cholesky, qr, svd).
- Murray 2016, Differentiation of the Cholesky decomposition.
- Giles 2008, Collected matrix derivative results for forward and reverse mode algorithmic differentiation (eig, svd).
- Boeddeker, Hanebrink, Drude, Heymann, Haeb-Umbach 2017, On the computation of complex-valued gradients (eig, svd).

Vectors belong to values that must differ: where two are the same, the gradient through their vectors is not finite.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...engine.errors import InputError, LinAlgError
from ...rules import FAST, conjugate, differentiable, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import built
from ..shape.diagonals import on_diagonal
from ..shape.reshape_transpose import adjoint
from .solve import matrices, solve_triangular, squares

LINALG = "cholesky eig eigh eigvals eigvalsh qr svd svdvals"


class QR(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Tensor
    R: Tensor


class Eigen(NamedTuple):
    """Eigenvalues, and eigenvectors in columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(NamedTuple):
    """Singular vectors in columns, singular values, and singular vectors in rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _diagonal(values: Any) -> Any:
    """Matrices with these on their diagonals."""
    n = values.shape[-1]
    ndim = len(values.shape)
    return on_diagonal(values, (*values.shape, n), 0, ndim - 1, ndim)


PHASE = 1e-2  # by which a result may change with a phase, as rounding has it: PyTorch's bound


def _refuse_phases(name: str, along: Any) -> None:
    """Raise where a result depends on the phases of complex vectors, which are arbitrary: it has no gradient.

    `along` are the products of the vectors with their gradients; their imaginary parts are what turning does.
    """
    values = unwrap(along)
    if values.dtype.kind == "c" and (np.abs(values.imag) > PHASE).any():
        raise RuntimeError(
            f"{name}: complex vectors have arbitrary phases, and what is differentiated must not depend on them; it "
            f"changes by {np.abs(values.imag).max():.3g}"
        )


def eye(n: int, dtype: Any) -> Any:
    """The identity as an array, which recordings know how to make."""
    return built(np.eye, n, n, 0, dtype)


def _gaps(values: Any) -> Any:
    """``values[j] - values[i]``, and ones on the diagonal."""
    return values[..., None, :] - values[..., :, None] + eye(values.shape[-1], unwrap(values).dtype)


def _gradients(g: Any) -> tuple[Any, ...]:
    """PyTorch's gradients of several results; None for those that received none."""
    return tuple(None if x is None else conjugate(x) for x in g.values)


# --- Cholesky ---------------------------------------------------------------------------------------------------


def _cholesky_a(g: Any, out: Any) -> Any:
    inner = np.tril(np.matmul(adjoint(out), conjugate(g)))
    inner = 0.5 * (inner + adjoint(np.tril(inner, -1)))
    left = solve_triangular(adjoint(out), inner, upper=True)
    return conjugate(solve_triangular(out, left, upper=False, left=False))


@differentiable(a=_cholesky_a, name="cholesky", complex=True)
def _cholesky(a: Any) -> Any:
    return np.linalg.cholesky(a)


def cholesky(A: Any, *, upper: bool = False) -> Tensor:
    """The lower triangular `L` of ``A = L L^H``, for positive definite matrices.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
        Symmetric, or Hermitian; only the lower triangle is looked at. The gradient is symmetric.
    upper : bool
        Return ``L^H`` instead.

    Returns
    -------
    Tensor, shape (..., n, n)

    Raises
    ------
    LinAlgError
        For a matrix that is not positive definite.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.cholesky(tg.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    L = _cholesky.record((squares(A, "cholesky"),))
    return adjoint(L) if upper else L


# --- QR ---------------------------------------------------------------------------------------------------------


def _qr_a(g: Any, out: Any) -> Any:
    """``(dQ + Q sym(triu(dR R^H - Q^H dQ))) R^-H``; sym mirrors a triangle; the diagonal of R is real."""
    (q, r), (dq, dr) = out, _gradients(g)
    inner: Any = 0.0
    if dr is not None:
        inner = inner + np.matmul(dr, adjoint(r))
    if dq is not None:
        inner = inner - np.matmul(adjoint(q), dq)
    inner = np.triu(inner)
    inner = np.matmul(q, inner + adjoint(inner) - _diagonal(np.real(np.einsum("...ii->...i", inner))))
    total = inner if dq is None else dq + inner
    return conjugate(solve_triangular(adjoint(r), total, upper=False, left=False))


@differentiable(a=_qr_a, name="qr", complex=True)
def _qr(a: Any) -> tuple[Any, Any]:
    q, r = np.linalg.qr(a)
    return q, r


def qr(A: Any, mode: str = "reduced") -> QR:
    """Orthonormal `Q` and upper triangular `R` with ``A = Q R``.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
        Its first ``min(n, m)`` columns must be independent for a gradient.
    mode : "reduced", "complete" or "r"
        `Q` of ``min(n, m)`` columns; of n, which has no gradient where ``n > m``; or empty.

    Returns
    -------
    named tuple (Q, R) of Tensors

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> Q, R = tg.linalg.qr(tg.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> abs(R)
    tensor([[5.0000, 2.2000],
            [0.0000, 0.4000]])
    """
    if mode not in ("reduced", "complete", "r"):
        raise InputError(f"qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    x = unwrap(matrices(A, "qr"))
    n, m = x.shape[-2:]
    if mode == "complete" and n > m:
        if getattr(A, "requires_grad", False):
            raise NotImplementedError(f"qr: mode='complete' has no gradient for more rows than columns, got {x.shape}")
        return QR(*wrap(_complete_qr(unwrap(A))))
    if n < m:  # the first columns make Q, which makes R of the others
        Q, first = _qr.record((A[..., :n],))
        R: Any = np.concatenate([first, np.matmul(adjoint(Q), A[..., n:])], -1)
    else:
        Q, R = _qr.record((A,))
    return QR(wrap(np.zeros(0, x.dtype)) if mode == "r" else Q, R)


def _complete_qr(a: Any) -> Any:
    return tuple(np.linalg.qr(a, "complete"))


# --- eigenvalues ------------------------------------------------------------------------------------------------


def _eigh_a(g: Any, out: Any) -> Any:
    (values, vectors), (dvalues, dvectors) = out, _gradients(g)
    inner: Any = 0.0
    if dvectors is not None:
        within = np.matmul(adjoint(vectors), dvectors)
        _refuse_phases("eigh", np.einsum("...ii->...i", within))
        n = values.shape[-1]
        inner = np.where(eye(n, np.bool_), 0.0, within) / _gaps(values)
    if dvalues is not None:
        inner = inner + _diagonal(dvalues)
    inner = 0.5 * (inner + adjoint(inner))
    return conjugate(np.matmul(np.matmul(vectors, inner), adjoint(vectors)))


@differentiable(a=_eigh_a, name="eigh", complex=True)
def _eigh(a: Any, uplo: Any) -> tuple[Any, Any]:
    values, vectors = np.linalg.eigh(a, uplo)
    return values, vectors


def eigh(A: Any, UPLO: str = "L") -> Eigen:
    """Eigenvalues, ascending, and eigenvectors of symmetric or Hermitian matrices.

    An eigenvector's sign (or phase) is arbitrary; a gradient means something only where the result does not depend on
    it, and is refused where it depends on a phase.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)
    UPLO : "L" or "U"
        The triangle that is looked at. The gradient is that of a symmetric `A`.

    Returns
    -------
    named tuple (eigenvalues, eigenvectors) of Tensors, shapes (..., n) and (..., n, n)
        The eigenvectors in columns.

    Raises
    ------
    ValueError
        For another `UPLO`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> values, vectors = tg.linalg.eigh(tg.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> values
    tensor([1., 3.])
    """
    UPLO = UPLO.upper() if isinstance(UPLO, str) else UPLO
    if UPLO not in ("L", "U"):
        raise InputError(f"eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
    return Eigen(*_eigh.record((squares(A, "eigh"), UPLO)))


def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:
    """The eigenvalues that `eigh` returns; their gradient is finite even where some are the same."""
    return eigh(A, UPLO).eigenvalues


def _eig_a(g: Any, out: Any) -> Any:
    (values, vectors), (dvalues, dvectors) = out, _gradients(g)
    inner: Any = 0.0
    if dvectors is not None:
        within = np.matmul(adjoint(vectors), dvectors)
        along = np.einsum("...ii->...i", within)
        _refuse_phases("eig", along)
        along = np.real(along)  # of unit length: what would stretch a vector has no effect
        within = within - np.matmul(adjoint(vectors), vectors) * along[..., None, :]
        n = values.shape[-1]
        inner = np.where(eye(n, np.bool_), 0.0, within) / np.conjugate(_gaps(values))
    if dvalues is not None:
        inner = inner + _diagonal(dvalues)
    return conjugate(np.linalg.solve(adjoint(vectors), np.matmul(inner, adjoint(vectors))))


@differentiable(a=_eig_a, name="eig", complex=True)
def _eig(a: Any) -> tuple[Any, Any]:
    values, vectors = np.linalg.eig(a)
    dtype = np.result_type(a, np.complex64)
    return values.astype(dtype), vectors.astype(dtype)


def eig(A: Any) -> Eigen:
    """Eigenvalues, in no order, and eigenvectors of length 1; complex in any case.

    An eigenvector's phase is arbitrary; a gradient is refused where the result depends on it.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

    Returns
    -------
    named tuple (eigenvalues, eigenvectors) of Tensors, complex, shapes (..., n) and (..., n, n)
        The eigenvectors in columns.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.eig(tg.tensor([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues
    tensor([0.+1.j, 0.-1.j])
    """
    return Eigen(*_eig.record((squares(A, "eig"),)))


def eigvals(A: Any) -> Tensor:
    """The eigenvalues that `eig` returns."""
    return eig(A).eigenvalues


# --- singular values --------------------------------------------------------------------------------------------


def _skew(x: Any) -> Any:
    return x - adjoint(x)


def _svd_a(g: Any, out: Any) -> Any:
    """Of the first ``min(n, m)`` vectors; what full matrices have besides is arbitrary and has no gradient."""
    (u, s, vh), (du, ds, dvh) = out, _gradients(g)
    k = s.shape[-1]
    n, m = u.shape[-2], vh.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    du, dvh = None if du is None else du[..., :k], None if dvh is None else dvh[..., :k, :]
    inner: Any = 0.0
    if du is not None or dvh is not None:
        gaps = _gaps(s) * (s[..., None, :] + s[..., :, None])  # s_j^2 - s_i^2
        gaps = np.where(eye(k, np.bool_), 1.0, gaps)
    if unwrap(u).dtype.kind == "c" and (du is not None or dvh is not None):
        turned: Any = 0.0 if du is None else np.einsum("...ik,...ik->...k", np.conjugate(u), du)
        _refuse_phases("svd", turned if dvh is None else turned + np.einsum("...ki,...ki->...k", vh, np.conjugate(dvh)))
    if du is not None:
        within = _skew(np.matmul(adjoint(u), du))
        inner = inner + within / gaps * s[..., None, :]
        if unwrap(u).dtype.kind == "c":  # turning both vectors of a pair: their phases
            inner = inner + _diagonal(np.einsum("...ii->...i", within) / (2 * s))
    if dvh is not None:
        inner = inner + s[..., :, None] * _skew(np.matmul(vh, adjoint(dvh))) / gaps
    if ds is not None:
        inner = inner + _diagonal(ds)
    total = np.matmul(np.matmul(u, inner), vh)
    if du is not None and n > k:
        outside = du - np.matmul(u, np.matmul(adjoint(u), du))
        total = total + np.matmul(outside / s[..., None, :], vh)
    if dvh is not None and m > k:
        outside = dvh - np.matmul(np.matmul(dvh, adjoint(vh)), vh)
        total = total + np.matmul(u, outside / s[..., :, None])
    return conjugate(total)


def lapack_svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """`numpy.linalg.svd` of finite matrices: of others LAPACK may run for ever, or print to the terminal.

    Raises
    ------
    LinAlgError
        For infinities and NaN, as in PyTorch.
    """
    if not np.isfinite(a).all():
        raise LinAlgError("svd: the matrix must hold finite numbers, got infinities or NaN")
    decompose: Any = np.linalg.svd  # whose types want to know the flags' values
    return decompose(a, full_matrices, compute_uv)


def svd_or_nan(a: Any) -> tuple[Any, Any, Any]:
    """The decomposition of square matrices; those that are not finite have singular values of NaN."""
    finite = np.isfinite(a).all((-2, -1))
    if finite.all():
        u, s, vh = np.linalg.svd(a)
        return u, s, vh
    u, s, vh = np.linalg.svd(np.where(finite[..., None, None], a, np.eye(a.shape[-1], dtype=a.dtype)))
    return u, np.where(finite[..., None], s, s.dtype.type(np.nan)), vh


@differentiable(a=_svd_a, name="svd", complex=True)
def _svd(a: Any, full: bool) -> tuple[Any, Any, Any]:
    u, s, vh = lapack_svd(a, full)
    return u, s, vh


def svd(A: Any, full_matrices: bool = True, *, driver: None = None) -> SVD:
    """Singular values and vectors: ``A = U diag(S) Vh``.

    The signs (or phases) of a pair of vectors are arbitrary; a gradient means something only where the result does not
    depend on them. It is not finite through the vectors of equal singular values, nor through those of 0 where ``n !=
    m``.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    full_matrices : bool
        `U` and `Vh` square, with vectors that belong to no singular value and have no gradient.
    driver : None
        For PyTorch's sake, which has others on a GPU.

    Returns
    -------
    named tuple (U, S, Vh) of Tensors, shapes (..., n, k), (..., k) and (..., k, m), ``k = min(n, m)``
        The singular values descend.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> U, S, Vh = tg.linalg.svd(tg.tensor([[0.0, 2.0], [3.0, 0.0]]))
    >>> S
    tensor([3., 2.])
    """
    no_driver("svd", driver)
    return SVD(*_svd.record((matrices(A, "svd"), full_matrices)))


def no_driver(who: str, driver: Any) -> None:
    """Refuse what PyTorch takes on a GPU alone: which of its libraries computes."""
    if driver is not None:
        raise InputError(f"{who}: driver must be None on the CPU, got {driver!r}")


def svdvals(A: Any, *, driver: None = None) -> Tensor:
    """The singular values that `svd` returns; their gradient is finite even where some are the same.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    driver : None
        For PyTorch's sake, which has others on a GPU.

    Returns
    -------
    Tensor, real, shape (..., min(n, m))

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.svdvals(tg.tensor([[0.0, 2.0], [3.0, 0.0]]))
    tensor([3., 2.])
    """
    no_driver("svdvals", driver)
    if not getattr(matrices(A, "svdvals"), "requires_grad", False):
        return wrap(lapack_svd(unwrap(A), compute_uv=False))
    return svd(A, False).S


def _np_svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    return svd(a, full_matrices) if compute_uv else svdvals(a)


def _np_qr(a: Any, mode: str = "reduced") -> Any:
    return qr(a, mode).R if mode == "r" else qr(a, mode)


def _np_cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return cholesky(a, upper=upper)


def _triangle(a: Any, uplo: str) -> Any:
    """The matrix that NumPy reads from one triangle: only that has a gradient, where PyTorch gives both their half."""
    half = np.tril(a, -1) if uplo in "lL" else np.triu(a, 1)
    return half + np.swapaxes(np.conj(half), -1, -2) + np.real(np.triu(np.tril(a)))


def _np_eigh(a: Any, UPLO: str = "L") -> Eigen:
    return eigh(_triangle(a, UPLO), UPLO)


def _np_eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return eigvalsh(_triangle(a, UPLO), UPLO)


FAST.update({np.linalg.cholesky: _np_cholesky, np.linalg.qr: _np_qr, np.linalg.svd: _np_svd})
FAST.update({np.linalg.eigh: _np_eigh, np.linalg.eigvalsh: _np_eigvalsh})
FAST.update({np.linalg.eig: lambda a: eig(a), np.linalg.eigvals: lambda a: eigvals(a)})
FAST[np.linalg.svdvals] = lambda x: svdvals(x)
