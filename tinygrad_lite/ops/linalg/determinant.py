"""Determinants, and their logarithms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...kernels.loops.pairwise_sum import pairwise_sum
from ...kernels.loops.row_products import product_of_others
from ...rules import FAST, differentiable, unwrap
from ...tensors.tensor_type import Tensor
from .decompositions import svd_or_nan
from .solve import mT, squares

LINALG = "det slogdet"


class Slogdet(NamedTuple):
    """Sign and logarithm of the magnitude of a determinant."""

    sign: Tensor
    logabsdet: Tensor


def _turned_back(u: Any, vh: Any, minors: Any) -> Any:
    """Derivatives of ``det(u m vh)`` at a diagonal `m`, from those of ``det(m)``."""
    turn = np.linalg.det(u) * np.linalg.det(vh)
    return turn[..., None, None] * np.matmul(np.matmul(u.conj(), minors), vh.conj())


def _traces(x: Any, y: Any) -> Any:
    """``trace(x.T y)``, with its dimensions kept."""
    return pairwise_sum(x * y, (-2, -1), True)


def _cofactors_derivative_a(g: Any, h: Any, a: Any) -> Any:
    """Third derivatives of the determinant, by its inverse: of a singular matrix they give no numbers."""
    d, inverse = np.linalg.det(a)[..., None, None], mT(cofactors(a)) / np.linalg.det(a)[..., None, None]
    x, y = np.matmul(inverse, g), np.matmul(inverse, h)
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    tx, ty = _traces(eye, x), _traces(eye, y)
    both = np.matmul(x, y) + np.matmul(y, x)
    return d * mT(np.matmul((tx * ty - _traces(mT(x), y)) * eye - ty * x - tx * y + both, inverse))


def _cofactors_derivative_h(g: Any, a: Any) -> Any:
    return _cofactors_derivative(g, a)  # the second derivatives are symmetric


@differentiable(
    h=_cofactors_derivative_h,
    a=_cofactors_derivative_a, name="cofactors_derivative", complex=True,
)  # fmt: skip
def _cofactors_derivative(h: Any, a: Any) -> Any:
    """The gradient of ``sum(h * cofactors(a))``, also of singular matrices.

    Of a diagonal matrix only ``m[i, i] m[j, j] - m[i, j] m[j, i]`` has second derivatives: the product of all other
    singular values.
    """
    u, s, vh = svd_or_nan(a)
    eye = np.eye(s.shape[-1], dtype=bool)
    others = product_of_others(np.where(eye, s.dtype.type(1), s[..., None, :])) * ~eye
    h = np.matmul(np.matmul(mT(u.conj()), h), mT(vh.conj()))
    paired = np.matmul(others, np.diagonal(h, 0, -2, -1)[..., None])
    return _turned_back(u, vh, paired * eye - others * mT(h))


@differentiable(a=lambda g, a: _cofactors_derivative(g, a), name="cofactors", complex=True)
def cofactors(a: Any) -> Any:
    """The gradient of the determinant, ``det(a) inv(a).T``, also of singular matrices.

    There it comes of the singular values, of each of which the determinant holds the others' product.
    """
    d = np.linalg.det(a)
    if np.all(d != 0):
        return d[..., None, None] * mT(np.linalg.inv(a))
    u, s, vh = svd_or_nan(a)
    return _turned_back(u, vh, product_of_others(s)[..., None, :] * np.eye(s.shape[-1], dtype=s.dtype))


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


def det(A: Any) -> Tensor:
    """Determinants.

    The gradient and its gradient hold for singular matrices, too (PyTorch's gradient is zero for some), the third
    derivatives for others only.

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


def logdet(input: Any) -> Tensor:
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
    sign: Any
    sign, logarithm = slogdet(input)
    if unwrap(sign).dtype.kind == "c":
        return np.log(sign) + logarithm
    with np.errstate(invalid="ignore", divide="ignore"):
        return logarithm + np.log(sign.detach())


FAST[np.linalg.slogdet] = lambda a: slogdet(a)
