"""Determinants, and their logarithms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...kernels.loops.pairwise_sum import pairwise_sum
from ...kernels.loops.row_products import product_of_others
from ...rules import FAST, differentiable, unwrap
from .solve import mT, squares


class Slogdet(NamedTuple):
    """Sign and logarithm of the magnitude of a determinant."""

    sign: Any
    logabsdet: Any


def _cofactors_a(g: Any, a: Any, out: Any) -> Any:
    """Of ``det(a) inv(a).T``; not to be had where the matrix is singular, where it gives no numbers."""
    trace = pairwise_sum(g * out, (-2, -1), True)
    change = trace * out - np.matmul(np.matmul(out, mT(g)), out)
    return change / np.linalg.det(a)[..., None, None]


@differentiable(a=_cofactors_a, name="cofactors", complex=True)
def cofactors(a: Any) -> Any:
    """The gradient of the determinant, ``det(a) inv(a).T``, also of singular matrices.

    There it comes of the singular values, of each of which the determinant holds the others' product.
    """
    d = np.linalg.det(a)
    if np.all(d != 0):
        return d[..., None, None] * mT(np.linalg.inv(a))
    u, s, vh = np.linalg.svd(a)
    d = np.linalg.det(u) * np.linalg.det(vh)
    return d[..., None, None] * ((u.conj() * product_of_others(s)[..., None, :]) @ vh.conj())


_det = differentiable(
    np.linalg.det, name="det", a=lambda g, a: np.reshape(g, (*a.shape[:-2], 1, 1)) * cofactors(a), complex=True
)  # fmt: skip


def _inverse_transposed_a(g: Any, out: Any) -> Any:
    return -np.matmul(np.matmul(out, mT(g)), out)


@differentiable(a=_inverse_transposed_a, name="inverse_transposed", complex=True)
def _inverse_transposed(a: Any) -> Any:
    """``inv(a).T``; of a singular matrix its limit, where the cofactors say infinity and of which sign, or NaN."""
    try:
        return mT(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        with np.errstate(divide="ignore", invalid="ignore"):
            return cofactors(a) / np.linalg.det(a)[..., None, None]


def _slogdet_a(g: Any, a: Any, out: Any) -> Any:
    sign, logarithm = g.values
    total = 0.0 if logarithm is None else logarithm
    if sign is None:
        scale = total
    elif unwrap(out[0]).dtype.kind == "c":
        scale = total + np.imag(sign * out[0]) * 1j  # d sign = i sign Im(tr(inv(a) da))
    else:
        scale = total + np.zeros_like(sign)
    return np.reshape(scale, (*a.shape[:-2], 1, 1)) * _inverse_transposed(a)


@differentiable(a=_slogdet_a, name="slogdet", complex=True)
def _slogdet(a: Any) -> tuple[Any, Any]:
    sign, logarithm = np.linalg.slogdet(a)
    return np.asarray(sign), np.asarray(logarithm)


def det(A: Any) -> Any:
    """Determinants.

    The gradient holds for singular matrices, too (PyTorch's is zero for some), the gradient's gradient for others only.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    RuntimeError
        For matrices that are not square.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.det(tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    return _det.record((squares(A, "det"),))


def slogdet(A: Any) -> Slogdet:
    """Sign of the determinant and logarithm of its magnitude, without overflow.

    Parameters
    ----------
    A : Tensor, shape (..., n, n)

    Returns
    -------
    named tuple (sign, logabsdet) of Tensors, shape (...)
        For a singular matrix 0 and -inf.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.slogdet(tg.tensor([[-1.0, 0.0], [0.0, 1.0]]))
    Slogdet(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    return Slogdet(*_slogdet.record((squares(A, "slogdet"),)))


def logdet(input: Any) -> Any:
    """Logarithm of the determinant: NaN where that is negative, -inf where it is 0.

    Parameters
    ----------
    input : Tensor, shape (..., n, n)

    Returns
    -------
    Tensor, shape (...)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.logdet(tg.tensor([[2.0, 0.0], [0.0, 0.5]]))
    tensor(0.)
    """
    sign, logarithm = slogdet(input)
    if unwrap(sign).dtype.kind == "c":
        return np.log(sign) + logarithm
    with np.errstate(invalid="ignore", divide="ignore"):
        return logarithm + np.log(unwrap(sign))


FAST[np.linalg.slogdet] = lambda a: slogdet(a)
