"""Products of vectors, matrices and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import FAST, differentiable, unwrap

__all__ = [
    "bmm", "dot", "einsum", "linear", "matmul", "mm", "mv", "outer", "tensordot",
]  # fmt: skip


def _t(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul_x(g: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    if y.ndim == 1:
        return g[..., None] * y
    if len(x_shape) == 1:
        return np.sum(g[..., None, :] * y, axis=-1)
    return np.matmul(g, _t(y))


def _matmul_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    if x.ndim == 1:
        return x[:, None] * g[..., None, :] if len(y_shape) > 1 else x * g
    if len(y_shape) == 1:
        return np.sum(x * g[..., None], axis=tuple(range(x.ndim - 1)))
    return np.matmul(_t(x), g)


@differentiable(x=_matmul_x, y=_matmul_y, numpy=np.matmul, name="matmul")
def _matmul(x: Any, y: Any) -> Any:
    return np.dot(x, y) if x.ndim == 2 and y.ndim == 2 else np.matmul(x, y)  # dot has half matmul's overhead


def matmul(input: Any, other: Any) -> Any:
    """Matrix product, of any rank as NumPy's and PyTorch's ``@``.

    Parameters
    ----------
    input, other : Tensor, shapes (..., n, k) and (..., k, m), or vectors
    """
    x, y = unwrap(input), unwrap(other)
    if not isinstance(y, np.ndarray):
        input, other = (input, np.asarray(y)) if isinstance(x, np.ndarray) else (np.asarray(x), other)
        x, y = unwrap(input), unwrap(other)
    if x.ndim == 0 or y.ndim == 0 or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        raise RuntimeError(f"matmul: inner sizes must agree, got shapes {x.shape} and {y.shape}")
    return _matmul.record((input, other))


def mm(input: Any, mat2: Any) -> Any:
    """Matrix product of two matrices."""
    return matmul(_ranked(input, 2, "mm"), _ranked(mat2, 2, "mm"))


def bmm(input: Any, mat2: Any) -> Any:
    """Matrix products of two batches of matrices."""
    return matmul(_ranked(input, 3, "bmm"), _ranked(mat2, 3, "bmm"))


def mv(input: Any, vec: Any) -> Any:
    """Matrix times vector."""
    return matmul(_ranked(input, 2, "mv"), _ranked(vec, 1, "mv"))


def dot(input: Any, tensor: Any) -> Any:
    """Inner product of two vectors."""
    return matmul(_ranked(input, 1, "dot"), _ranked(tensor, 1, "dot"))


def _ranked(x: Any, ndim: int, who: str) -> Any:
    if unwrap(x).ndim != ndim:
        raise RuntimeError(f"{who}: expected {ndim} dimensions, got shape {unwrap(x).shape}")
    return x


def outer(input: Any, vec2: Any) -> Any:
    """Outer product of two vectors."""
    return _ranked(input, 1, "outer")[:, None] * _ranked(vec2, 1, "outer")


def _np_dot(a: Any, b: Any) -> Any:
    if unwrap(a).ndim == 0 or unwrap(b).ndim == 0:
        return a * b
    if unwrap(b).ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, ((-1,), (-2,)))


# --- linear -------------------------------------------------------------------------------------------------------------------


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else np.reshape(x, (-1, x.shape[-1]))


def _linear_x(g: Any, weight: Any) -> Any:
    if g.ndim == 2:
        return np.dot(g, weight)
    return np.reshape(np.dot(_rows(g), weight), (*g.shape[:-1], weight.shape[1]))


@differentiable(
    x=_linear_x,
    weight=lambda g, x: np.dot(_rows(g).T, _rows(x)),
    bias=lambda g: np.sum(_rows(g), axis=0),
)
def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    if x.ndim == 2:
        out = np.dot(x, weight.T)
    else:
        out = np.dot(_rows(x), weight.T).reshape(*x.shape[:-1], weight.shape[0])
    if bias is not None:
        out += bias
    return out


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """``input @ weight.T + bias`` as one operation.

    Parameters
    ----------
    input : Tensor, shape (..., in_features)
    weight : Tensor, shape (out_features, in_features)
    bias : Tensor, shape (out_features,), optional

    Returns
    -------
    Tensor, shape (..., out_features)
    """
    x, w = unwrap(input), unwrap(weight)
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[1]:
        raise RuntimeError(f"linear: input {x.shape} must end in the weight's in_features, weight is {w.shape}")
    if bias is not None and unwrap(bias).shape != (w.shape[0],):
        raise RuntimeError(f"linear: bias must have shape ({w.shape[0]},), got {unwrap(bias).shape}")
    return _linear.record((input, weight, bias))


# --- einsum -------------------------------------------------------------------------------------------------------------------

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _explicit(equation: str, ndims: list[int]) -> tuple[list[str], str]:
    """Subscripts of operands and result, with letters in place of ellipses."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {equation!r} names {len(terms)} operands, got {len(ndims)}")
    spare = [c for c in _LETTERS if c not in equation]
    extra = max((n - len(t.replace("...", "")) for t, n in zip(terms, ndims) if "..." in t), default=0)
    dots = "".join(spare[:extra])
    full = []
    for term, n in zip(terms, ndims):
        width = n - len(term.replace("...", ""))
        if width < 0 or (width and "..." not in term):
            raise ValueError(f"einsum: {term!r} does not fit an operand of {n} dimensions")
        full.append(term.replace("...", dots[extra - width :] if width else ""))
    if not arrow:
        letters = "".join(full)
        right = "..." + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots))
        right = right if dots else right[3:]
    return full, right.replace("...", dots)


def _einsum_rule(g: Any, operands: Any, equation: str) -> list[Any]:
    terms, out = _explicit(equation, [x.ndim for x in operands])
    return [_einsum_vjp(g, out, terms, operands, i) for i in range(len(operands))]


def _einsum_vjp(g: Any, out: str, terms: list[str], operands: Any, i: int) -> Any:
    """The same sum with the result in the operand's place. A repeated letter is two letters and an identity matrix;
    a letter that occurs nowhere else is spread by ones."""
    arrays = [g] + [x for j, x in enumerate(operands) if j != i]
    names = [out] + [t for j, t in enumerate(terms) if j != i]
    term, spare = "", [c for c in _LETTERS if c not in "".join(terms) + out]
    for axis, c in enumerate(terms[i]):
        size = operands[i].shape[axis]
        if c in term:
            fresh = spare.pop()
            arrays.append(np.eye(size, dtype=unwrap(g).dtype))
            names.append(c + fresh)
            c = fresh
        elif not any(c in n for n in names):
            arrays.append(np.ones(size, unwrap(g).dtype))
            names.append(c)
        term += c
    return _einsum(tuple(arrays), f"{','.join(names)}->{term}")


@differentiable(operands=_einsum_rule, name="einsum")
def _einsum(operands: Any, equation: str) -> Any:
    return np.einsum(equation, *operands, optimize=len(operands) > 1)


def einsum(equation: str, *operands: Any) -> Any:
    """Einstein's summation; repeated letters, ellipses and implicit results included.

    Parameters
    ----------
    equation : str
        Such as ``"bij,bjk->bik"``.
    *operands : Tensor
        Or one sequence of them.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    terms, out = _explicit(equation, [unwrap(x).ndim for x in operands])
    return _einsum.record((tuple(operands), f"{','.join(terms)}->{out}"))


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Sum over pairs of dimensions: the last of `a` with the first of `b`, or as listed.

    Parameters
    ----------
    a, b : Tensor
    dims : int or pair of sequences of int
    """
    n, m = unwrap(a).ndim, unwrap(b).ndim
    if isinstance(dims, int):
        left, right = list(range(n - dims, n)), list(range(dims))
    else:
        left, right = ([d % k for d in ([ds] if isinstance(ds, int) else ds)] for ds, k in zip(dims, (n, m)))
    if len(left) != len(right) or any(unwrap(a).shape[i] != unwrap(b).shape[j] for i, j in zip(left, right)):
        raise RuntimeError(f"tensordot: dims {dims} must pair equal sizes of {unwrap(a).shape} and {unwrap(b).shape}")
    x, y = list(_LETTERS[:n]), list(_LETTERS[n : n + m])
    for i, j in zip(left, right):
        y[j] = x[i]
    out = [c for i, c in enumerate(x) if i not in left] + [c for j, c in enumerate(y) if j not in right]
    return _einsum.record(((a, b), f"{''.join(x)},{''.join(y)}->{''.join(out)}"))


def _np_tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    return tensordot(a, b, axes)


def _np_einsum(subscripts: str, *operands: Any, optimize: Any = None) -> Any:
    return einsum(subscripts, *operands)


FAST.update({np.dot: _np_dot, np.tensordot: _np_tensordot, np.einsum: _np_einsum, np.outer: outer})
