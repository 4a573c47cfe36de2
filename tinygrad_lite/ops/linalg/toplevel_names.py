"""Linear algebra under PyTorch's older names, at the top level; `tinygrad_lite.linalg` has the newer ones."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ...engine.errors import InputError
from ...kernels.loops.pairwise_sum import dims_of
from ...kernels.single_precision import rounded_once
from ...rules import unwrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import floating_only, numpy_names, some_dims
from ..pointwise.arithmetic import abs
from ..pointwise.clamp_round_where import where
from ..pointwise.complex_numbers import conj
from ..random.random_streams import gaussian
from ..shape.reshape_transpose import adjoint
from . import decompositions, determinant, norms
from .decompositions import QR
from .determinant import Slogdet, logdet
from .ex_variants import lu_factor_ex
from .least_squares import pinverse
from .lu import lu_solve_of as lu_solve
from .lu import lu_unpack, triangular_solve
from .p_norm import p_norm
from .solve import cholesky_inverse, cholesky_solve, inverse, matrices, solve_triangular

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "det", "dist", "frobenius_norm", "inverse", "lobpcg", "logdet",
    "lu_solve", "lu_unpack", "lu", "matrix_exp", "matrix_power", "norm", "nuclear_norm", "pca_lowrank", "pinverse",
    "qr", "renorm", "slogdet", "svd",
    "svd_lowrank", "triangular_solve",
]  # fmt: skip
METHODS = """
    cholesky cholesky_inverse cholesky_solve det dist inverse logdet lu lu_solve matrix_exp matrix_power norm
    pinverse qr renorm_ slogdet svd triangular_solve
"""


class SVD(NamedTuple):
    """Singular vectors in columns, singular values, and singular vectors in columns."""

    U: Tensor
    S: Tensor
    V: Tensor


def det(input: Any) -> Tensor:
    """Determinants: `linalg.det`."""
    return determinant.det(input)


def slogdet(input: Any) -> Slogdet:
    """Signs and logarithms of determinants: `linalg.slogdet`."""
    return determinant.slogdet(input)


def matrix_exp(input: Any) -> Tensor:
    """Exponentials of matrices: `linalg.matrix_exp`."""
    return norms.matrix_exp(input)


def matrix_power(input: Any, n: int) -> Tensor:
    """Powers of matrices: `linalg.matrix_power`."""
    return norms.matrix_power(input, n)


def cholesky(input: Any, upper: bool = False) -> Tensor:
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


def lu(A: Any, pivot: bool = True, get_infos: bool = False) -> tuple[Any, ...]:
    """Both triangles in one matrix, and the exchanges: `linalg.lu_factor`, or its `_ex` form with `get_infos`."""
    found = lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return tuple(found) if get_infos else tuple(found)[:2]


def svd_lowrank(A: Any, q: int = 6, niter: int = 2, M: Any = None) -> SVD:
    """The largest singular values and their vectors, by random projections; good where the other ones are small.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    q : int
        How many, a few more than are needed.
    niter : int
        Times that the matrix is applied to sharpen the projection.
    M : Tensor, broadcasting with `A`, optional
        What is taken from `A` before.

    Returns
    -------
    named tuple (U, S, V) of Tensors, shapes (..., n, q), (..., q) and (..., m, q)

    Raises
    ------
    RuntimeError
        For a `q` that is not from 0 to ``min(n, m)``, and a negative `niter`.

    References
    ----------
    Halko, Martinsson and Tropp 2009, Finding structure with randomness, algorithms 4.4 and 5.1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> U, S, V = tg.svd_lowrank(tg.tensor([[0.0, 3.0, 4.0], [0.0, 6.0, 8.0]]), q=1)
    >>> U * S @ V.mT
    tensor([[0.0000, 3.0000, 4.0000],
            [0.0000, 6.0000, 8.0000]])
    """
    A = matrices(A if M is None else A - M, "svd_lowrank")
    n, m = unwrap(A).shape[-2:]
    if not 0 <= q <= min(n, m) or niter < 0:
        raise RuntimeError(f"svd_lowrank: q must be from 0 to {min(n, m)} and niter not negative, got {q} and {niter}")
    if n < m:
        U, S, V = svd_lowrank(adjoint(A), q, niter)
        return SVD(V, S, U)
    Q = decompositions.qr(A @ gaussian((m, q), unwrap(A).dtype, None)).Q
    for _ in range(niter):
        Q = decompositions.qr(adjoint(A) @ Q).Q
        Q = decompositions.qr(A @ Q).Q
    U, S, Vh = decompositions.svd(adjoint(Q) @ A, False)
    return SVD(Q @ U, S, adjoint(Vh))


def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> SVD:
    """Principal components: `svd_lowrank` of the rows less their mean.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
        A sample in each row.
    q : int, optional
        Default: 6, or as many as there can be.
    center : bool
        Take the mean from each column.
    niter : int

    Returns
    -------
    named tuple (U, S, V) of Tensors
        The columns of `V` are the directions, and ``S ** 2 / (n - 1)`` the variances along them.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> abs(tg.pca_lowrank(tg.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]), q=1).V)
    tensor([[1.],
            [0.]])
    """
    n, m = unwrap(matrices(A, "pca_lowrank")).shape[-2:]
    return svd_lowrank(A - A.mean(-2, True) if center else A, min(6, n, m) if q is None else q, niter)


def lobpcg(
    A: Any,
    k: int | None = None,
    B: Any = None,
    X: Any = None,
    n: int | None = None,
    iK: Any = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Any = None,
    ortho_iparams: Any = None,
    ortho_fparams: Any = None,
    ortho_bparams: Any = None,
) -> tuple[Tensor, Tensor]:
    """The largest or smallest eigenvalues of symmetric matrices, and their vectors, also of ``A x = e B x``.

    They come from a full decomposition, exact to rounding, where PyTorch iterates: what steers the iteration (`iK`,
    `niter`, `tol`, `method`, `tracker`, `ortho_*`) changes nothing, and of the first guess `X` only the width counts.

    Parameters
    ----------
    A : Tensor, shape (..., m, m), symmetric
    k : int, optional
        How many. Default: the width of `X`, or 1.
    B : Tensor, shape (..., m, m), positive definite, optional
        Default: the identity.
    X : Tensor, shape (..., m, n), optional
    n, iK, niter, tol, method, tracker, ortho_iparams, ortho_fparams, ortho_bparams : optional
    largest : bool
        Whether the largest, in falling order, or the smallest in rising order. Default: the largest.

    Returns
    -------
    tuple of two Tensors, shapes (..., k) and (..., m, k)

    Raises
    ------
    ValueError
        For more eigenvalues than a third of `m`, as in PyTorch.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.lobpcg(tg.diag(tg.tensor([1.0, 3.0, 2.0])))[0]
    tensor([3.])
    """
    count = (1 if X is None else unwrap(X).shape[-1]) if k is None else k
    size = unwrap(matrices(A, "lobpcg")).shape[-1]
    if not 0 < 3 * count <= size:
        raise InputError(f"lobpcg: k must be positive and at most a third of the size {size}, got {count}")
    if B is not None:
        lower = decompositions.cholesky(B)
        half = solve_triangular(lower, A, upper=False)
        A = adjoint(solve_triangular(lower, adjoint(half), upper=False))
    values, vectors = decompositions.eigh((A + adjoint(A)) / 2)  # both halves count, as they do in products
    if B is not None:
        vectors = solve_triangular(adjoint(lower), vectors, upper=True)
    if largest is None or largest:
        values, vectors = values.flip(-1), vectors.flip(-1)
    return values[..., :count], vectors[..., :count]


def nuclear_norm(input: Floating, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values: `linalg.matrix_norm` with "nuc".

    Parameters
    ----------
    input : Tensor, shape (..., m, n), floating
    dim : pair of int, optional
        Default: the last two.
    keepdim : bool
        Keep the reduced dimensions, with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nuclear_norm(tg.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(7.)
    """
    return norms.matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)


def frobenius_norm(input: Floating, dim: Any, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over dimensions: `norm` with "fro".

    Parameters
    ----------
    input : Tensor, floating
    dim : int or sequence of int
    keepdim : bool
        Keep the reduced dimensions, with size 1.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.frobenius_norm(tg.tensor([[3.0, 4.0]]), (0, 1))
    tensor(5.)
    """
    return norm(input, "fro", dim, keepdim)


@numpy_names
def norm(input: Floating, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    r"""Norm over dimensions, :math:`(\sum |x|^p)^{1/p}`; at zero its gradient is zero.

    Parameters
    ----------
    input : Tensor, floating
    p : number, inf, -inf, "fro" or "nuc"
        "fro" is 2, "nuc" the sum of the singular values.
    dim : int or sequence of int, optional
        Default: all; for "nuc" two.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        To which the input is cast before.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        For integers.
    ValueError
        For another `p`.
    RuntimeError
        For the largest or smallest of nothing, and for a negative `p`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.norm(tg.tensor([3.0, 4.0])), tg.norm(tg.tensor([3.0, 4.0]), p=1)
    (tensor(5.), tensor(7.))
    """
    input = floating_only(input if dtype is None else input.to(dtype), "norm")
    if unwrap(input).dtype.kind == "c" and p != "nuc":
        input = abs(input)
    if p == "nuc":
        return norms.matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)
    if p is not None and not isinstance(p, (int, float)) and p != "fro":
        raise InputError(f"norm: p must be a number, 'fro' or 'nuc', got {p!r}")
    order = 2 if p in (None, "fro") else p
    axis, shape = some_dims(dim), unwrap(input).shape
    if (math.isinf(order) or order < 0) and 0 in shape and not math.prod(shape[a] for a in dims_of(axis, len(shape))):
        raise RuntimeError(f"norm: of nothing there is no norm of order {order}, got shape {shape} and dim {dim}")
    out = p_norm.record((abs(input) if unwrap(input).dtype.kind == "c" else input, order, axis, keepdim))
    return out.contiguous()


def dist(input: Floating, other: Floating, p: float = 2) -> Tensor:
    """The p-norm of a difference.

    Parameters
    ----------
    input, other : Tensor, floating, of shapes that broadcast
    p : number

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.dist(tg.tensor([1.0, 2.0]), tg.tensor([4.0, 6.0]))
    tensor(5.)
    """
    return norm(input - other, p)


@numpy_names
@rounded_once
def renorm(input: Floating, p: float, dim: int, maxnorm: float) -> Tensor:
    """The slices along a dimension, those whose p-norm exceeds `maxnorm` shortened to it.

    Parameters
    ----------
    input : Tensor, floating, at least two dimensions
    p : number, positive
    dim : int
    maxnorm : number, not negative

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    RuntimeError
        For arguments out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.renorm(tg.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    ndim = unwrap(input).ndim
    if ndim < 2 or not p > 0 or not maxnorm >= 0:
        raise RuntimeError(
            f"renorm: the input must have two dimensions, p be positive and maxnorm not negative, "
            f"got {ndim} dimensions, p={p}, maxnorm={maxnorm}"
        )
    others = tuple(i for i in range(ndim) if i != dim % ndim)
    length = norm(input, p, others, True)
    return (input * where(length > maxnorm, maxnorm / (length + 1e-7), 1.0)).contiguous()
