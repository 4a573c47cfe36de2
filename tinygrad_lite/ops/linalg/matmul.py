"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import rules
from ...engine.errors import ArgumentError, SizeError
from ...kernels.linalg.matrix_product import matrix_product, product_plus
from ...kernels.loops import take_along
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...rules import FAST, differentiable, unwrap
from ...tensors.tensor_type import Tensor
from ...transforms.overloads import of_sign
from .einsum import einsum as einsum
from .einsum import of_common_dtype, of_one_dtype
from .einsum import tensordot as tensordot

__all__ = ["bmm", "dot", "einsum", "linear", "matmul", "mm", "mv", "outer", "tensordot"]
METHODS = "bmm dot matmul matvec mm mv outer rmatvec"
LINALG = "matmul"
FUNCTIONAL = "linear"


def mT(x: Any) -> Any:
    """Transposes."""
    return np.swapaxes(x, -1, -2)


def _matmul_x(g: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    if y.ndim == 1:
        return g[..., None] * y
    if len(x_shape) == 1:
        return pairwise_sum(g[..., None, :] * y, -1)
    return matrix_product(g, mT(y))


def _matmul_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    if x.ndim == 1:
        return x[:, None] * g[..., None, :] if len(y_shape) > 1 else x * g
    if len(y_shape) == 1:
        return pairwise_sum(x * g[..., None], tuple(range(x.ndim - 1)))
    return matrix_product(mT(x), g)


@differentiable(x=_matmul_x, y=_matmul_y, numpy=np.matmul, name="matmul", single=True, complex=True)
def _matmul(x: Any, y: Any) -> Any:
    return matrix_product(x, y)


def matmul(input: Any, other: Any) -> Tensor:
    """Matrix product, what ``@`` is.

    Parameters
    ----------
    input, other : Tensor, shapes (..., n, k) and (..., k, m), or vectors of k elements
        The dimensions in front broadcast.

    Returns
    -------
    Tensor, shape (..., n, m)
        Without the dimension of an argument that is a vector.

    Raises
    ------
    RuntimeError
        Where the inner sizes differ.
    ValueError
        Where the dimensions in front do not broadcast.
    TypeError
        For lists.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x @ x
    tensor([[ 7., 10.],
            [15., 22.]])
    >>> x @ tg.tensor([1.0, 1.0])
    tensor([3., 7.])
    """
    return _product(input, other, "matmul")


def times(self: Any, other: Any) -> Tensor:
    """The operator ``@``, which leaves another library's objects, such as SciPy's sparse matrices, to theirs."""
    if type(other) is rules.Tensor or isinstance(other, (rules.Tensor, np.ndarray)):
        return _product(self, other, "matmul")
    if type(other).__module__ not in ("builtins", "numpy"):
        return of_sign("matmul", self, other)
    return _product(self, other, "matmul")


def _product(input: Any, other: Any, who: str) -> Any:
    x, y = unwrap(input), unwrap(other)
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        if type(x) in (list, tuple) or type(y) in (list, tuple):
            came = f"{type(input).__name__} and {type(other).__name__}"
            raise TypeError(f"{who}: both must be Tensors or arrays, got {came}")
        x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        sides = f"{_by_times(x.shape)} and {_by_times(y.shape)}"
        raise ArgumentError(f"{who}: inner sizes must agree, got shapes {x.shape} and {y.shape} "
                            f"(mat1 and mat2 shapes cannot be multiplied ({sides}))")  # fmt: skip
    if x.dtype is not y.dtype:
        of_one_dtype(who, input, other)
    return _matmul.record((input, other))


def _by_times(shape: tuple[int, ...]) -> str:
    """A shape as PyTorch's messages write it."""
    return "x".join(map(str, shape))


def matvec(input: Any, x: Any) -> Tensor:
    """``input @ x``, as SciPy's iterative solvers ask for it, to which a matrix is a linear operator."""
    return input @ x


def rmatvec(input: Any, x: Any) -> Tensor:
    """``input.mH @ x``, by which they find what is orthogonal to the columns."""
    return input.mH @ x


def _ranked(x: Any, ndim: int, who: str) -> Any:
    if np.ndim(unwrap(x)) != ndim:
        raise SizeError(f"{who}: expected {ndim} dimensions, got shape {np.shape(unwrap(x))}")
    return x


def mm(input: Any, mat2: Any) -> Tensor:
    """Matrix product of two matrices; no broadcasting.

    Parameters
    ----------
    input : Tensor, shape (n, k)
    mat2 : Tensor, shape (k, m)

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.mm(tg.tensor([[1.0, 2.0]]), tg.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    return _product(_ranked(input, 2, "mm"), _ranked(mat2, 2, "mm"), "mm")


def bmm(input: Any, mat2: Any) -> Tensor:
    """Matrix products of two batches of matrices; no broadcasting.

    Parameters
    ----------
    input : Tensor, shape (b, n, k)
    mat2 : Tensor, shape (b, k, m)

    Returns
    -------
    Tensor, shape (b, n, m)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.bmm(tg.ones(5, 2, 3), tg.ones(5, 3, 4)).shape
    (5, 2, 4)
    """
    x, y = unwrap(_ranked(input, 3, "bmm")), unwrap(_ranked(mat2, 3, "bmm"))
    if len(x) != len(y):
        raise RuntimeError(f"bmm: batches must be of one size, got shapes {x.shape} and {y.shape}")
    return _product(input, mat2, "bmm")


def mv(input: Any, vec: Any) -> Tensor:
    """Matrix times vector.

    Parameters
    ----------
    input : Tensor, shape (n, k)
    vec : Tensor, shape (k,)

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.mv(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    return _product(_ranked(input, 2, "mv"), _ranked(vec, 1, "mv"), "mv")


def dot(input: Any, tensor: Any) -> Tensor:
    """Inner product of two vectors. On Tensors ``np.dot`` takes what NumPy's takes.

    Parameters
    ----------
    input, tensor : Tensor, shape (k,)

    Returns
    -------
    Tensor, scalar

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.dot(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _product(_ranked(input, 1, "dot"), _ranked(tensor, 1, "dot"), "dot")


@differentiable(
    x=lambda g, y: np.matmul(g, y),
    y=lambda g, x: np.matmul(x, g),
    name="outer",
    single=True,
    complex=True,
    promotes=("x", "y"),
)
@take_along.outer_product.otherwise
def _outer(x: Any, y: Any) -> Any:
    return np.multiply.outer(x, y)


def outer(input: Any, vec2: Any) -> Tensor:
    """Outer product of two vectors.

    Parameters
    ----------
    input : Tensor, shape (n,)
    vec2 : Tensor, shape (m,)

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.outer(tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    return _outer.record((_ranked(input, 1, "outer"), _ranked(vec2, 1, "outer")))


def _np_dot(a: Any, b: Any) -> Any:
    if np.ndim(unwrap(a)) == 0 or np.ndim(unwrap(b)) == 0:
        return a * b
    a, b = of_common_dtype(a, b)
    if unwrap(b).ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, ((-1,), (-2,)))


# --- linear -----------------------------------------------------------------------------------------------------


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _linear_x(g: Any, weight: Any) -> Any:
    product = matrix_product(g if g.ndim == 2 else _rows(g), weight)
    return product if g.ndim == 2 else np.reshape(product, (*g.shape[:-1], weight.shape[1]))


@differentiable(
    x=_linear_x,
    weight=lambda g, x: matrix_product(_rows(g).T, _rows(x)),
    bias=lambda g: pairwise_sum(_rows(g), 0),
    name="linear",
    single=True,
    complex=True,
)
def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    if bias is None or bias.ndim > 1:
        out = matrix_product(_rows(x), weight.T)
    else:
        out = product_plus(_rows(x), weight.T, bias)
    if x.ndim != 2:
        out = out.reshape(*x.shape[:-1], weight.shape[0])
    if bias is not None and bias.ndim > 1:
        out += bias
    return out


def linear(input: Any, weight: Any, bias: Any = None) -> Tensor:
    """``input @ weight.T + bias`` as one operation.

    Parameters
    ----------
    input : Tensor, shape (..., in_features)
    weight : Tensor, shape (out_features, in_features) or (in_features,)
    bias : Tensor, shape (out_features,), optional
        Or any shape that broadcasts to the result's; a scalar for a weight of one dimension.

    Returns
    -------
    Tensor, shape (..., out_features), or (...) for a weight of one dimension

    Raises
    ------
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> weight = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.linear(tg.tensor([1.0, 1.0]), weight, tg.tensor([0.5, 0.0]))
    tensor([3.5000, 7.0000])
    """
    x, w = unwrap(input), unwrap(weight)
    if w.ndim not in (1, 2) or x.ndim == 0 or x.shape[-1] != w.shape[-1]:
        raise RuntimeError(f"linear: input {x.shape} must end in the weight's in_features, weight is {w.shape}")
    if x.dtype is not w.dtype or bias is not None:
        of_one_dtype("linear", input, weight, bias)
    if w.ndim == 2 and (bias is None or unwrap(bias).shape == w.shape[:1]):
        return _linear.record((input, weight, bias))
    product = _matmul.record((input, weight)) if w.ndim == 1 else _linear.record((input, weight, None))
    if bias is None:
        return product
    shape, its = x.shape[:-1] + w.shape[:-1], unwrap(bias).shape
    if not _extends(its, shape):
        raise RuntimeError(f"linear: bias must have shape {w.shape[:1]} or broadcast to {shape}, got {its}")
    return product + bias


def _extends(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a shape broadcasts to another."""
    return len(shape) <= len(wanted) and all(n in (1, m) for n, m in zip(shape[::-1], wanted[::-1]))


def _np_outer(a: Any, b: Any) -> Any:
    return outer(a.reshape(-1), b.reshape(-1))


FAST.update({np.dot: _np_dot, np.outer: _np_outer})
