"""Products of several tensors: with something added, of batches, by Kronecker, and in chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import promotion
from ...engine.door import with_factors
from ...engine.errors import ArgumentError, InputError
from ...kernels.single_precision import rounded_once
from ...rules import FAST, differentiable, unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import built, numpy_names, one_dim
from ..pointwise.clamp_round_where import masked
from ..pointwise.complex_numbers import conj
from .einsum import of_common_dtype, of_one_dtype, tensordot
from .matmul import bmm, dot, linear, matmul, mm, mv, outer

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bilinear", "chain_matmul", "cross", "ger", "inner", "kron", "vdot",
]  # fmt: skip
METHODS = "addbmm_ addmm_ addmv_ addr_ baddbmm_ cross ger inner kron vdot"
LINALG = "multi_dot vecdot"
FUNCTIONAL = "bilinear"

ger = outer


def vdot(input: Any, other: Any) -> Tensor:
    """Inner product of two vectors, the first conjugated.

    Parameters
    ----------
    input, other : Tensor, shape (k,)

    Returns
    -------
    Tensor, scalar

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.vdot(tg.tensor([1j, 2.0]), tg.tensor([1j, 1.0]))
    tensor(3.+0.j)
    """
    return dot(conj(input), other)


def inner(input: Any, other: Any) -> Tensor:
    """Sums of products along the last dimensions; a product where one of the two is a number.

    Parameters
    ----------
    input, other : Tensor, shapes (..., k)

    Returns
    -------
    Tensor
        The dimensions of `input` but the last, then those of `other`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.inner(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    if not np.ndim(unwrap(input)) or not np.ndim(unwrap(other)):
        return input * other
    return tensordot(input, other, ((-1,), (-1,)))


# --- a product and something to add -------------------------------------------------------------------------------


def _plus(input: Any, product: Any, beta: Any, alpha: Any, who: str, promotes: bool = False) -> Any:
    """``beta * input + alpha * product``, of the product's shape; with ``beta=0`` not even NaN of `input` shows."""
    shape, target = unwrap(input).shape, unwrap(product).shape
    if len(shape) > len(target) or any(n not in (1, m) for n, m in zip(shape[::-1], target[::-1])):
        raise RuntimeError(f"{who}: input must broadcast to the product's shape {target}, got {shape}")
    if not promotes:
        of_one_dtype(who, product, input)
    else:
        input, product = of_common_dtype(input, product)  # before the factors, which may be fractions
        _whole_factors(product, who, beta=beta, alpha=alpha)
    if beta == 0:
        input = masked(input, built(np.zeros, (), np.bool_))
    return _times(input, beta or 1, who) + _times(product, alpha, who)


def _whole_factors(x: Any, who: str, **factors: Any) -> None:
    """Refuse fractions beside integers, and booleans beside anything but them."""
    kind = unwrap(x).dtype.kind
    for name, factor in factors.items():
        if isinstance(factor, (bool, np.bool_)) and kind != "b":
            raise InputError(f"{who}: {name} must be a number, got {factor!r} for Tensors of {unwrap(x).dtype} "
                             f"(Boolean {name} only supported for Boolean results.)")  # fmt: skip
        if kind not in "biu":
            continue
        if not isinstance(factor, (int, np.integer)):
            raise InputError(
                f"{who}: {name} must be an integer as the Tensors are, got {factor!r} "
                f"(For integral input tensors, argument {name} must not be a floating point number.)"
            )


def _times(x: Any, factor: Any, who: str) -> Any:
    """A multiple in the tensor's dtype: factors of integers are cut, those of booleans are true or false,
    and complex ones of real numbers are refused.
    """
    dtype = unwrap(x).dtype
    if dtype.kind in "iu" or (dtype.kind == "f" and isinstance(promotion.number(factor), complex)):
        factor = promotion.held(factor, dtype, who)
    elif dtype.kind == "b":
        factor = bool(factor)
    return x if factor == 1 else x * factor


@with_factors("beta", "alpha")
@rounded_once
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``.

    Parameters
    ----------
    input : Tensor, of a shape that broadcasts to (n, m)
    mat1 : Tensor, shape (n, k)
    mat2 : Tensor, shape (k, m)
    beta, alpha : number
        With ``beta=0`` the values of `input` count for nothing, not even NaN.

    Returns
    -------
    Tensor, shape (n, m)

    Raises
    ------
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.addmm(tg.ones(2), tg.eye(2), tg.eye(2), alpha=3)
    tensor([[4., 1.],
            [1., 4.]])
    """
    return _plus(input, mm(mat1, mat2), beta, alpha, "addmm")


@with_factors("beta", "alpha")
@rounded_once
def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``: see `addmm`."""
    return _plus(input, mv(mat, vec), beta, alpha, "addmv")


@with_factors("beta", "alpha")
@rounded_once
def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * outer(vec1, vec2)``: see `addmm`."""
    return _plus(input, outer(vec1, vec2), beta, alpha, "addr", promotes=True)


@with_factors("beta", "alpha")
@rounded_once
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * bmm(batch1, batch2)``: see `addmm`."""
    return _plus(input, bmm(batch1, batch2), beta, alpha, "baddbmm")


@with_factors("beta", "alpha")
@rounded_once
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * sum_b batch1[b] @ batch2[b]``: see `addmm`."""
    products = bmm(batch1, batch2)
    return _plus(input, products.sum(0, dtype=products.dtype), beta, alpha, "addbmm")


# --- others -----------------------------------------------------------------------------------------------------


def _pairs_x(g: Any, y: Any) -> Any:
    return np.matmul(g, y[:, :, None])[:, :, 0]


def _pairs_y(g: Any, x: Any) -> Any:
    return np.matmul(x[:, None], g)[:, 0]


@differentiable(x=_pairs_x, y=_pairs_y, name="bilinear_pairs", single=True)
def _pairs(x: Any, y: Any) -> Any:
    """Outer products of rows, shape (B, I, J)."""
    return x[:, :, None] * y[:, None]


@rounded_once
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """``y[o] = x1 @ weight[o] @ x2 + bias[o]``.

    Parameters
    ----------
    input1 : Tensor, shape (..., in1)
    input2 : Tensor, shape (..., in2)
    weight : Tensor, shape (out, in1, in2)
    bias : Tensor, shape (out,), optional

    Returns
    -------
    Tensor, shape (..., out)

    Raises
    ------
    RuntimeError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.bilinear(tg.ones(4, 2), tg.ones(4, 3), tg.ones(5, 2, 3)).shape
    (4, 5)
    """
    x, y, w = unwrap(input1).shape, unwrap(input2).shape, unwrap(weight).shape
    if not x or len(w) != 3 or x[:-1] != y[:-1] or (x[-1], y[-1]) != w[1:]:
        raise RuntimeError(
            f"bilinear: the inputs must be (..., in1) and (..., in2) for a weight (out, in1, in2), got {x}, {y} and {w}"
        )
    if bias is not None and unwrap(bias).shape != w[:1]:
        raise RuntimeError(f"bilinear: bias must have shape {w[:1]}, got {unwrap(bias).shape}")
    pairs = _pairs.record((input1.reshape(-1, x[-1]), input2.reshape(-1, y[-1])))
    out = linear(pairs.reshape(-1, w[1] * w[2]), weight.reshape(w[0], w[1] * w[2]), bias)
    return out.reshape(*x[:-1], w[0])


def kron(input: Any, other: Any) -> Tensor:
    """Kronecker product: every entry of `input` times all of `other`.

    Parameters
    ----------
    input, other : Tensor

    Returns
    -------
    Tensor
        Each size is the product of the two; missing dimensions in front count as 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.kron(tg.tensor([1.0, 10.0]), tg.tensor([1.0, 2.0]))
    tensor([ 1.,  2., 10., 20.])
    """
    n = max(unwrap(input).ndim, unwrap(other).ndim)
    x, y = ((1,) * (n - unwrap(t).ndim) + unwrap(t).shape for t in (input, other))
    wide = tuple(m for k in x for m in (k, 1)), tuple(m for k in y for m in (1, k))
    return (input.reshape(wide[0]) * other.reshape(wide[1])).reshape(tuple(a * b for a, b in zip(x, y)))


def _cross_x(g: Any, y: Any, dim: int) -> Any:
    return _cross(y, g, dim)


def _cross_y(g: Any, x: Any, dim: int) -> Any:
    return _cross(g, x, dim)


@differentiable(x=_cross_x, y=_cross_y, name="cross", complex=True)
def _cross(x: Any, y: Any, dim: int) -> Any:
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), np.result_type(x, y))
    to, x, y = (a.swapaxes(0, dim) for a in (out, x, y))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        np.subtract(x[j] * y[k], x[k] * y[j], out=to[i, ...])
    return out


@numpy_names
@rounded_once
def cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """Cross product of vectors of three.

    Parameters
    ----------
    input, other : Tensor, with as many dimensions, of shapes that broadcast
    dim : int, optional
        Where the three components are. Default: the first dimension of size 3.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        Where that dimension is not of size 3.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cross(tg.tensor([1.0, 0.0, 0.0]), tg.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    x, y = unwrap(input).shape, unwrap(other).shape
    if len(x) != len(y):
        raise RuntimeError(f"cross: both must have as many dimensions, got shapes {x} and {y}")
    if dim is None:
        dim = next((i for i, n in enumerate(np.broadcast_shapes(x, y)) if n == 3), None)
    if dim is None or x[one_dim(dim, len(x), "cross")] != 3 or y[dim] != 3:
        raise RuntimeError(f"cross: the vectors must have 3 components, got dim={dim} of shapes {x} and {y}")
    of_one_dtype("cross", input, other)
    return _cross.record((input, other, one_dim(dim, len(x), "cross")))


def _parenthesized(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each product of a chain, matrix i of sizes[i] x sizes[i + 1], for the fewest multiplications."""
    n = len(sizes) - 1
    cost, split = dict.fromkeys(((i, i) for i in range(n)), 0), {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            split[i, j] = min(costs, key=lambda k: costs[k])
            cost[i, j] = costs[split[i, j]]
    return split


def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """Product of a chain of matrices in the order that takes the fewest multiplications.

    Parameters
    ----------
    tensors : sequence of Tensor
        Two at least. The first and the last may be vectors.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For a single tensor.
    RuntimeError
        For shapes that do not fit.

    References
    ----------
    Cormen, Leiserson, Rivest, Stein: Introduction to Algorithms, section 15.2.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.multi_dot([tg.ones(2, 9), tg.ones(9, 9), tg.ones(9)])
    tensor([81., 81.])
    """
    chain = list(tensors)
    if len(chain) < 2:
        raise InputError(f"multi_dot: at least two tensors are needed, got {len(chain)}")
    shapes = [unwrap(t).shape for t in chain]
    ends = (0, len(chain) - 1)
    if any(len(s) != 2 and not (len(s) == 1 and i in ends) for i, s in enumerate(shapes)):
        raise RuntimeError(f"multi_dot: expected matrices, or vectors at the ends, got shapes {shapes}")
    sizes = [1 if len(shapes[0]) == 1 else shapes[0][0], *(s[0] for s in shapes[1:])]
    split = _parenthesized([*sizes, shapes[-1][1] if len(shapes[-1]) == 2 else 1])

    def product(i: int, j: int) -> Any:
        if i == j:
            return chain[i]
        k = split[i, j]
        return matmul(product(i, k), product(k + 1, j))

    return product(*ends)


def chain_matmul(*matrices: Any) -> Tensor:
    """`linalg.multi_dot` of matrices, given one by one.

    Parameters
    ----------
    *matrices : Tensor, 2 dimensions each

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.chain_matmul(tg.ones(2, 3), tg.ones(3, 1))
    tensor([[3.],
            [3.]])
    """
    if not matrices or any(unwrap(m).ndim != 2 for m in matrices):
        raise ArgumentError(
            f"chain_matmul: must be given matrices, at least one, got shapes {[unwrap(m).shape for m in matrices]} "
            "(chain_matmul(): Expected one or more matrices)"
        )
    return multi_dot(matrices) if len(matrices) > 1 else matrices[0]


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    """Inner products of vectors along a dimension, the first conjugated.

    Parameters
    ----------
    x, y : Tensor, of shapes that broadcast
    dim : int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linalg.vecdot(tg.ones(2, 3), tg.tensor([1.0, 2.0, 3.0]))
    tensor([6., 6.])
    """
    return (conj(x) * y).sum(dim)


def _promoting(product: Any) -> Any:
    """NumPy's function of two arrays of any dtypes."""
    return lambda x1, x2: product(*of_common_dtype(x1, x2))


FAST.update({np.vdot: _promoting(lambda a, b: vdot(a.reshape(-1), b.reshape(-1))), np.inner: _promoting(inner)})
FAST.update({np.kron: kron, np.linalg.multi_dot: lambda arrays: multi_dot(of_common_dtype(*arrays))})
FAST[np.vecdot] = FAST[np.linalg.vecdot] = _promoting(vecdot)
if hasattr(np, "vecmat"):  # NumPy 2.2
    FAST[np.matvec] = _promoting(lambda x1, x2: (x1 @ x2[..., None])[..., 0])
    FAST[np.vecmat] = _promoting(lambda x1, x2: (conj(x1)[..., None, :] @ x2)[..., 0, :])
