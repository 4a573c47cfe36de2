"""Functions of matrices: norms, powers, the exponential, rank and condition."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...dtypes import as_dtype
from ...engine.arguments import whole
from ...engine.errors import ArgumentError, InputError
from ...engine.quiet import quietly
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.row_types import Floating
from ...tensors.tensor_type import Tensor
from ..argument_names import built, floating_only, numpy_names, one_dim, some_dims
from ..creation.arange_eye import eye
from ..pointwise.clamp_round_where import masked
from ..pointwise.complex_numbers import is_complex
from ..reduction.min_max import amax, amin
from .decompositions import lapack_svd, svdvals
from .matmul import matmul
from .p_norm import p_norm
from .solve import floats, inv, squares

LINALG = "cond matrix_exp matrix_norm matrix_power matrix_rank norm vector_norm"

# --- norms ------------------------------------------------------------------------------------------------------


def _lengths(x: Any, p: float, dim: Any, keepdim: bool) -> Any:
    return p_norm.record((abs(x) if is_complex(x) else x, p, dim, keepdim))


def lengths_as_it_lies(x: Any, ord: Any, dim: Any, keepdim: bool, who: str) -> Any:
    """`vector_norm` in the order of `x` in memory, so that quotients by it lie so, too."""
    floating_only(x, who)
    if getattr(ord, "ndim", 1) == 0:
        ord = ord.item()
    if not isinstance(ord, (int, float)):
        raise TypeError(f"{who}: ord must be a number, got {ord!r}")
    return _lengths(x, ord, some_dims(dim), keepdim)


def _largest(magnitudes: Any, dim: int) -> Any:
    """Of no magnitudes the largest is 0, as the sum is."""
    return amax(magnitudes, dim) if unwrap(magnitudes).shape[dim] else magnitudes.sum(dim)


def _cast(x: Any, dtype: Any) -> Any:
    return x if dtype is None else x.to(as_dtype(dtype))


@numpy_names
def vector_norm(x: Floating, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Norm of vectors, ``(sum_i |x_i|^ord)^(1/ord)``; its gradient at 0 is 0.

    Parameters
    ----------
    x : Tensor, floating or complex
    ord : float
        ``inf`` is the largest, ``-inf`` the smallest magnitude; 0 counts the entries that are not zero.
    dim : int or sequence of int, optional
        The dimensions that make up a vector. Default: all.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        To which `x` is cast before.

    Returns
    -------
    Tensor, real

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.vector_norm(tg.tensor([3.0, -4.0])), tg.linalg.vector_norm(tg.tensor([3.0, -4.0]), ord=1)
    (tensor(5.), tensor(7.))
    """
    out: Tensor = lengths_as_it_lies(_cast(floating_only(x, "vector_norm"), dtype), ord, dim, keepdim, "vector_norm")
    return out.contiguous()


@numpy_names
def matrix_norm(
    A: Floating, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Norm of matrices.

    Parameters
    ----------
    A : Tensor, floating or complex, at least 2 dimensions
    ord : number or str: "fro", "nuc", inf, -inf, 1, -1, 2 or -2
        Root of the sum of squares; sum of the singular values; largest or smallest sum of a row's magnitudes (inf,
        -inf) or of a column's (1, -1); largest or smallest singular value (2, -2).
    dim : pair of int
        Where the rows and columns are.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        To which `A` is cast before.

    Returns
    -------
    Tensor, real

    Raises
    ------
    ValueError
        For another `ord`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.matrix_norm(tg.tensor([[1.0, -2.0], [2.0, 0.0]]))
    tensor(3.)
    """
    if dtype is None and unwrap(A).dtype == np.float16:  # the sums, and LAPACK, in float32
        return matrix_norm(A, ord, dim, keepdim, dtype=np.float32).to(np.float16)
    A = _cast(A, dtype)
    floats(A, "matrix_norm")
    ndim = unwrap(A).ndim
    if ndim < 2 or np.size(dim) != 2:
        raise RuntimeError(f"matrix_norm: A must have rows and columns, got dim={dim} of shape {unwrap(A).shape}")
    rows, columns = (one_dim(d, ndim, "matrix_norm") for d in dim)
    if rows == columns:
        raise RuntimeError(f"matrix_norm: dim must be two different dimensions, got {dim}")
    if ord == "fro":
        return _lengths(A, 2, (rows, columns), keepdim).contiguous()
    if ord not in ("nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise InputError(f"matrix_norm: ord must be 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2, got {ord!r}")
    moved: Any = np.moveaxis(A, (rows, columns), (-2, -1))
    out: Any
    extreme = amin if ord != "nuc" and ord < 0 else _largest
    if ord in ("nuc", 2, -2):
        values = svdvals(moved)
        out = values.sum(-1) if ord == "nuc" else extreme(values, -1)
    else:
        out = extreme(abs(moved).sum(-2 if abs(ord) == 1 else -1), -1)
    wide: Any = np.expand_dims(out, (min(rows, columns), max(rows, columns))) if keepdim else out
    return wide


@numpy_names
def norm(A: Floating, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Norm of a vector or a matrix: `vector_norm` or `matrix_norm`.

    Parameters
    ----------
    A : Tensor, floating or complex
    ord : number or str, optional
        Without it the root of the sum of squares. With it and without `dim`, `A` must be a vector or a matrix.
    dim : int or pair of int, optional
        One dimension: norms of vectors; two: of matrices.
    keepdim : bool
        Keep the reduced dimensions, with size 1.
    dtype : dtype, optional
        To which `A` is cast before.

    Returns
    -------
    Tensor, real

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> tg.linalg.norm(x), tg.linalg.norm(x, ord=2), tg.linalg.norm(x, dim=1)
    (tensor(5.), tensor(4.), tensor([3., 4.]))
    """
    dim = some_dims(dim)
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    ndim = unwrap(A).ndim if dim is None else np.size(dim)
    if ndim not in (1, 2):
        raise RuntimeError(f"norm: with ord={ord} A must be a vector or a matrix, got dim={dim} of {unwrap(A).shape}")
    if ndim == 1 and not isinstance(ord, str):
        return vector_norm(A, ord, dim, keepdim, dtype=dtype)
    return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)


# --- powers and the exponential ---------------------------------------------------------------------------------


def matrix_power(A: Any, n: int) -> Tensor:
    """``A @ ... @ A``, by repeated squaring; of the inverse for negative `n`.

    Parameters
    ----------
    A : Tensor, shape (..., k, k)
    n : int

    Returns
    -------
    Tensor, of A's shape

    Raises
    ------
    LinAlgError
        For the negative power of a singular matrix.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.matrix_power(tg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    x = unwrap(squares(A, "matrix_power", exact=True))
    if not whole(n):
        raise TypeError(f"matrix_power: n must be an integer, got {n!r}")
    n = operator.index(n)
    if n == 0:
        return masked(A, built(np.zeros, (), np.bool_)) + eye(x.shape[-1], dtype=x.dtype)
    base, n = (inv(A) if n < 0 else A), abs(n)
    out: Any = None
    while True:
        if n % 2:
            out = base if out is None else matmul(out, base)
        n //= 2
        if not n:
            own: Any = np.copy(out) if out is A else out
            return own
        base = matmul(base, base)


_PADE_13 = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
    670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip


def _exp_a(g: Any, a: Any) -> Any:
    """The derivative of the exponential at ``a.T`` in the direction `g`: a block of the exponential of blocks.

    It stands at the upper right of ``exp([[a.T, g], [0, a.T]])`` (Najfeld and Havel 1995).
    """
    n, a = a.shape[-1], np.swapaxes(a, -1, -2)
    top, bottom = np.concatenate([a, g], -1), np.concatenate([np.zeros_like(a), a], -1)
    return _exp(np.concatenate([top, bottom], -2))[..., :n, n:]


@differentiable(a=_exp_a, name="matrix_exp", complex=True, single=True)
def _exp(a: Any) -> Any:
    """Scaling and squaring with Pade's approximation: Higham 2005, algorithm 2.3, in double precision.

    Each squaring doubles the relative error that it is given.
    """
    given, a = a.dtype, a.astype(np.result_type(a, np.float64))
    limit = 5.371920351148152
    one_norm = np.abs(a).sum(-2).max(-1, initial=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        doublings = np.maximum(np.ceil(np.log2(one_norm / limit)), 0)
    finite = np.isfinite(doublings)
    doublings = np.where(finite, doublings, 0)[..., None, None].astype(a.real.dtype)
    a = a / np.exp2(doublings)
    squared, power = a @ a, np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    u, v = np.zeros_like(a), np.zeros_like(a)
    for even, odd in zip(_PADE_13[::2], _PADE_13[1::2]):
        v += even * power
        u += odd * power
        power = power @ squared
    u = a @ u
    out = np.linalg.solve(v - u, v + u)
    for i in range(int(doublings.max(initial=0))):
        out = np.where(doublings > i, out @ out, out)
    with np.errstate(over="ignore"):  # beyond the range of float32
        return np.where(finite[..., None, None], out, np.nan).astype(given)


def matrix_exp(A: Any) -> Tensor:
    """Exponential of matrices, ``sum_k A^k / k!``.

    Parameters
    ----------
    A : Tensor, shape (..., n, n), of real or complex numbers
        float16 and float32 are computed in double precision.

    Returns
    -------
    Tensor, shape (..., n, n)

    References
    ----------
    Higham 2005, The scaling and squaring method for the matrix exponential revisited. Najfeld and Havel 1995,
    Derivatives of the matrix exponential and their computation.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.matrix_exp(tg.tensor([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return _exp.record((squares(A, "matrix_exp", half=True),))


# --- rank and condition -----------------------------------------------------------------------------------------


def cutoff(values: Any, shape: tuple[int, ...], atol: Any, rtol: Any) -> Any:
    """The magnitude up to which singular values count as zero, with a last dimension of size 1.

    ``max(atol, rtol * largest)``; without either, `rtol` is the larger size times the dtype's resolution.
    """
    atol, rtol = unwrap(atol), unwrap(rtol)
    if rtol is None:
        given = atol is not None and np.any(np.greater(atol, 0))
        rtol = 0.0 if given else max(shape[-2:]) * float(np.finfo(values.dtype).eps)
    largest = values.max(-1, initial=0)
    return np.maximum(0 if atol is None else atol, rtol * largest)[..., None].astype(values.dtype)


@quietly
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """Number of singular values that are larger than ``max(atol, rtol * largest)``.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
    tol : float or Tensor, optional
        The older name of `atol`.
    atol, rtol : float or Tensor, optional
        Default: 0, and ``max(n, m)`` times the resolution of the dtype; giving `atol` alone makes `rtol` 0.
    hermitian : bool
        Accepted for compatibility; it makes no difference.

    Returns
    -------
    Tensor, int64, shape (...)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.matrix_rank(tg.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    if tol is not None:
        if atol is not None or rtol is not None:
            raise ArgumentError("matrix_rank: give tol, or atol and rtol, not both")
        atol = tol
    a = unwrap(floats(A, "matrix_rank"))
    if a.ndim < 2:
        raise RuntimeError(f"matrix_rank: A must have rows and columns, got shape {a.shape}")
    values = lapack_svd(a, compute_uv=False)
    return wrap(np.asarray((values > cutoff(values, a.shape, atol, rtol)).sum(-1)))


def cond(A: Any, p: Any = None) -> Tensor:
    """Condition number, ``norm(A, p) * norm(inv(A), p)``; infinite for singular matrices.

    Parameters
    ----------
    A : Tensor, shape (..., n, m)
        Square, but for ``p`` None, 2 and -2.
    p : number or str: "fro", "nuc", inf, -inf, 1, -1, 2 or -2, optional
        The norm, see `matrix_norm`. None and 2: the largest singular value by the smallest; -2 the reverse.

    Returns
    -------
    Tensor, shape (...)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.cond(tg.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    a = unwrap(A)
    if not a.size and a.ndim > 1:  # as in PyTorch, whatever the norm
        return wrap(np.zeros(a.shape[:-2], a.real.dtype))
    if p in (None, 2, -2):
        values = svdvals(A)
        largest, smallest = values[..., 0], values[..., -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return smallest / largest if p == -2 else largest / smallest
    try:
        inverse = inv(A)
    except np.linalg.LinAlgError:
        if unwrap(A).ndim > 2:
            each: Any = np.stack([cond(a, p) for a in A])
            return each
        return matrix_norm(A, p) * math.inf
    return matrix_norm(A, p) * matrix_norm(inverse, p)


def _np_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return norm(x, ord, axis, keepdims)


def _np_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    return matrix_rank(A, atol=tol, rtol=rtol, hermitian=hermitian)


FAST.update({np.linalg.norm: _np_norm, np.linalg.matrix_rank: _np_rank, np.linalg.cond: lambda x, p=None: cond(x, p)})
FAST[np.linalg.matrix_power] = lambda a, n: matrix_power(a, n)
