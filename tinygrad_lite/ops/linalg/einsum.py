"""Einstein's summation, and what is one of its cases."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...engine.errors import ArgumentError, InputError
from ...kernels.linalg.matrix_product import matrix_product
from ...kernels.loops.pairwise_sum import pairwise_sum
from ...rules import FAST, differentiable, unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import one_dim
from ..shape.cat_pad import common_dtype
from ..shape.diagonals import diagonal
from ..shape.reshape_transpose import permute

__all__ = ["einsum", "tensordot"]

BLOCK = 128  # products that are added up one after the other
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SORTED = sorted(_LETTERS)  # what numbers stand for: their order is that of a result without letters of its own


def of_one_dtype(who: str, *operands: Any) -> None:
    """Refuse Tensors of several dtypes, as PyTorch's products do; arrays of NumPy's are promoted."""
    first = operands[0]
    for other in operands[1:]:
        both = isinstance(first, Tensor) and isinstance(other, Tensor)
        if both and unwrap(other).dtype != unwrap(first).dtype:
            raise ArgumentError(f"{who}: all must be of one dtype, got {first.dtype} and {other.dtype}; cast one")


def of_common_dtype(*operands: Any) -> list[Any]:
    """The operands of a product of NumPy's, which promotes where PyTorch's refuses; what is no array stays."""
    if len({x.dtype for x in operands if hasattr(x, "dtype")}) < 2:
        return list(operands)
    dtype = common_dtype([unwrap(x) for x in operands if hasattr(x, "dtype")])
    cast = [x.to(dtype) if isinstance(x, Tensor) else x.astype(dtype) for x in operands if hasattr(x, "dtype")]
    return [cast.pop(0) if hasattr(x, "dtype") else x for x in operands]


@functools.lru_cache(1024)
def _explicit(equation: str, ndims: tuple[int, ...]) -> tuple[list[str], str]:
    """Subscripts of operands and result, with letters in place of ellipses."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise InputError(f"einsum: {equation!r} names {len(terms)} operands, got {len(ndims)}")
    spare = [c for c in _LETTERS if c not in equation]
    extra = max((n - len(t.replace("...", "")) for t, n in zip(terms, ndims) if "..." in t), default=0)
    dots = "".join(spare[:extra])
    full = []
    for term, n in zip(terms, ndims):
        width = n - len(term.replace("...", ""))
        if width < 0 or (width and "..." not in term):
            raise InputError(f"einsum: {term!r} does not fit an operand of {n} dimensions")
        full.append(term.replace("...", dots[extra - width :] if width else ""))
    if not arrow:
        letters = "".join(full)
        right = "..." + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots))
        right = right if dots else right[3:]
    return full, right.replace("...", dots)


def _einsum_rule(g: Any, operands: Any, equation: str) -> list[Any]:
    terms, out = _explicit(equation, tuple([x.ndim for x in operands]))
    return [_einsum_vjp(g, out, terms, operands, i) for i in range(len(operands))]


def _einsum_vjp(g: Any, out: str, terms: list[str], operands: Any, i: int) -> Any:
    """The same sum with the result in the operand's place."""
    arrays = [g, *operands[:i], *operands[i + 1 :]]
    shapes = tuple([np.shape(a) for a in arrays])
    equation, spread = _reverse(out, tuple(terms), i, operands[i].shape, shapes)
    for make, size in spread:
        arrays.append(make(size, dtype=unwrap(g).dtype))
    return _einsum(tuple(arrays), equation)


@functools.lru_cache(1024)
def _reverse(out: str, terms: tuple[str, ...], i: int, shape: Any, shapes: Any) -> tuple[str, list[tuple[Any, int]]]:
    """The equation of an operand's gradient, and what is made for it beside the other operands.

    A repeated letter is two letters and an identity matrix; a letter that occurs nowhere else in its size is spread by
    ones.
    """
    names = [out, *terms[:i], *terms[i + 1 :]]
    others = list(zip(names, shapes))
    spread: list[tuple[Any, int]] = []
    term, spare = "", [c for c in _LETTERS if c not in "".join(terms) + out]
    for c, size in zip(terms[i], shape):
        if c in term:
            fresh = spare.pop()
            spread.append((np.eye, size))
            names.append(c + fresh)
            others.append((c + fresh, (size, size)))
            c = fresh
        elif not any(c in n and size in (1, s[n.index(c)]) for n, s in others):
            spread.append((np.ones, size))
            names.append(c)
            others.append((c, (size,)))
        term += c
    return f"{','.join(names)}->{term}", spread


@differentiable(operands=_einsum_rule, name="einsum", complex=True, contiguous=True, single=True)
def _einsum(operands: Any, equation: str) -> Any:
    dtype = common_dtype(operands)
    if dtype.kind == "b":
        return np.einsum(equation, *operands)
    if len(operands) == 2 and (order := _of_two(equation, operands[0].shape, operands[1].shape)) is not None:
        x, y = [v.astype(dtype, copy=False) for v in operands]
        left, right, out, axes = order
        x, _ = _multiplied(x, left, y, right, out)
        return np.ascontiguousarray(x.transpose(axes)).reshape([x.shape[i] for i in axes])
    left, _, out = equation.partition("->")
    found = [_with_diagonals(x.astype(dtype, copy=False), term) for x, term in zip(operands, left.split(","))]
    _match_sizes(found)
    for pair in np.einsum_path(equation, *operands)[0][1:-1] if len(found) > 2 else ():
        chosen = [found.pop(i) for i in sorted(pair, reverse=True)]
        found.append(_folded(chosen, "".join(t for _, t in found) + out))
    x, term = _folded(found, out)
    x = x if term == out else x.transpose([term.index(c) for c in out])
    return np.ascontiguousarray(x).reshape(x.shape) if len(operands) > 1 else np.array(x, order="C")


@functools.lru_cache(1024)
def _of_two(equation: str, shape: tuple[int, ...], other: tuple[int, ...]) -> tuple[Any, ...] | None:
    """Terms of operands and result, and the order of a plain product's dimensions; None where it is no plain product.

    In one, each letter stands once in an operand, in one size, and is in the other or in the result.
    """
    terms, _, out = equation.partition("->")
    left, right = terms.split(",")
    sizes = dict([*zip(left, shape), *zip(right, other)])
    once = len(set(left)) == len(left) and len(set(right)) == len(right)
    if not once or [sizes[c] for c in left + right] != [*shape, *other] or (set(left) ^ set(right)) - set(out):
        return None
    term = _plan(left, right, out)[-1]
    return left, right, out, [term.index(c) for c in out]


def _with_diagonals(x: Any, term: str) -> tuple[Any, str]:
    """An operand, with each of its letters once."""
    once = "".join(dict.fromkeys(term))
    return (x, term) if once == term else (np.einsum(f"{term}->{once}", x), once)


def _match_sizes(found: list[tuple[Any, str]]) -> None:
    """Drop dimensions of size 1 that another operand has in full."""
    if len({pair for x, term in found for pair in zip(term, x.shape)}) == len({c for _, term in found for c in term}):
        return
    sizes: dict[str, int] = {}
    for x, term in found:
        for c, n in zip(term, x.shape):
            if sizes.setdefault(c, n) != n and 1 not in (sizes[c], n):
                raise InputError(f"einsum: {c!r} must be of one size, got {sizes[c]} and {n}")
            sizes[c] = n if sizes[c] == 1 else sizes[c]
    for i, (x, term) in enumerate(found):
        kept = [k for k, c in enumerate(term) if x.shape[k] == sizes[c]]
        if len(kept) < len(term):
            found[i] = x.reshape([x.shape[k] for k in kept]), "".join(term[k] for k in kept)


def _folded(chosen: list[tuple[Any, str]], wanted: str) -> tuple[Any, str]:
    """The product of some operands, summed over all letters that nobody wants."""
    x, term = _summed(*chosen[0], wanted + "".join(t for _, t in chosen[1:]))
    for i, (y, other) in enumerate(chosen[1:], 2):
        rest = wanted + "".join(t for _, t in chosen[i:])
        x, term = _multiplied(x, term, *_summed(y, other, rest + term), rest)
    return x, term


def _summed(x: Any, term: str, wanted: str) -> tuple[Any, str]:
    """The sum over the letters that nobody wants."""
    axes = tuple(i for i, c in enumerate(term) if c not in wanted)
    if not axes:
        return x, term
    dtype = np.int64 if x.dtype.kind in "iu" else None
    return pairwise_sum(x, axes, dtype=dtype), "".join(c for c in term if c in wanted)


@functools.lru_cache(1024)
def _plan(left: str, right: str, wanted: str) -> tuple[Any, ...]:
    """How two operands become matrices: orders, numbers of dimensions (batch, of x, summed), letters of the product."""
    both = [c for c in left if c in right]
    batch, over = ([c for c in both if (c in wanted) == keep] for keep in (True, False))
    of_x, of_y = ([c for c in term if c not in both] for term in (left, right))
    orders = [left.index(c) for c in batch + of_x + over], [right.index(c) for c in batch + over + of_y]
    return *orders, len(batch), len(of_x), len(over), "".join(batch + of_x + of_y)


def _multiplied(x: Any, left: str, y: Any, right: str, wanted: str) -> tuple[Any, str]:
    """The product of two operands as one of matrices: a batch for the letters of both, a sum over the unwanted."""
    x_order, y_order, b, m, k, term = _plan(left, right, wanted)
    x, y = x.transpose(x_order), y.transpose(y_order)
    shape = (*x.shape[: b + m], *y.shape[b + k :])
    lead, terms = math.prod(x.shape[:b]), math.prod(y.shape[b : b + k])
    x = x.reshape(lead, math.prod(x.shape[b : b + m]), terms)
    y = y.reshape(lead, terms, math.prod(y.shape[b + k :]))
    if not k:
        out = x * y
    elif b and x.shape[1] == y.shape[2] == 1:
        out = _dots(x[:, 0], y[:, :, 0])
    else:
        out = matrix_product(x, y) if b else matrix_product(x[0], y[0])
    return out.reshape(shape), term


def _dots(x: Any, y: Any) -> Any:
    """Products of the rows of two arrays, for which BLAS would be called one after the other; in short blocks."""
    n, k = x.shape
    whole = k - k % BLOCK
    blocks = [v[:, :whole].reshape(n, whole // BLOCK, BLOCK) for v in (x, y)]
    out = pairwise_sum(np.einsum("nbk,nbk->nb", *blocks), 1)
    return out if whole == k else out + np.einsum("nk,nk->n", x[:, whole:], y[:, whole:])


def _rearranged(x: Any, term: str, out: str) -> Any:
    """Of one operand, without a sum: its diagonals and a permutation, which are views."""
    for c in out:
        while term.count(c) > 1:
            i, j = term.index(c), term.rindex(c)
            x = diagonal(x, 0, i, j)
            term = term[:i] + term[i + 1 : j] + term[j + 1 :] + c
    return permute(x, [term.index(c) for c in out])


def _lettered(given: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The equation of operands that are followed by numbers of letters."""
    lists = [*given[1::2], *(given[-1:] if len(given) % 2 else ())]
    if len(given) < 2 or not all(isinstance(term, (list, tuple)) for term in lists):
        raise TypeError(f"einsum: equation must be a str, or a list of numbers follow each operand, got {len(given)} "
                        f"arguments, the first of them {type(given[0]).__name__}")  # fmt: skip
    for n in (n for term in lists for n in term):
        if n is not Ellipsis and not (isinstance(n, (int, np.integer)) and 0 <= n < len(_LETTERS)):
            raise InputError(f"einsum: letters must be numbers from 0 to {len(_LETTERS) - 1}, got {n!r}")
    terms = ["".join("..." if n is Ellipsis else _SORTED[n] for n in term) for term in lists]
    operands = given[: len(given) - len(given) % 2 : 2]
    return ",".join(terms[: len(operands)]) + ("->" + terms[-1] if len(given) % 2 else ""), operands


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Einstein's summation: products of tensors, summed over the letters that the result does not have.

    Of one operand without a sum it is a view, as in PyTorch.

    Parameters
    ----------
    equation : str
        Such as ``"bij,bjk->bik"``. A letter repeated in one operand takes the diagonal, ``...`` stands for dimensions
        without a letter; without ``->`` the result has the letters that occur once, in alphabetical order. Or each
        operand is followed by a list of its letters' numbers, and the last one by that of the result:
        ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.
    *operands : Tensor
        Or one sequence of them.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        Where the letters do not fit the operands.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.einsum("ij,ij->i", x, x), tg.einsum("ii", x)
    (tensor([ 5., 25.]), tensor(5.))
    """
    if not isinstance(equation, str):
        equation, operands = _lettered((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    terms, out = _explicit(equation, tuple([unwrap(x).ndim for x in operands]))
    if len(terms) == 1 and set(out) == set(terms[0]) and len(set(out)) == len(out):
        return _rearranged(operands[0], terms[0], out)
    of_one_dtype("einsum", *operands)
    return _einsum.record((tuple(operands), f"{','.join(terms)}->{out}"))


def _sum_one(x: Any, dim: int) -> Any:
    return np.sum(x, dim, keepdims=True, dtype=unwrap(x).dtype)


def tensordot(a: Any, b: Any, dims: Any = 2, *, axes: Any = None) -> Tensor:
    """Sum of products over pairs of dimensions.

    Parameters
    ----------
    a, b : Tensor
    dims : int or pair of sequences of int
        The last `dims` dimensions of `a` with the first of `b`, in order; or the dimensions of `a` and those of `b`.
    axes : int or pair of sequences of int, optional
        NumPy's name of `dims`.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        For pairs of different sizes, neither of which is 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensordot(tg.ones(2, 3, 4), tg.ones(3, 4, 5), 2).shape
    (2, 5)
    """
    n, m, dims = unwrap(a).ndim, unwrap(b).ndim, dims if axes is None else axes
    if hasattr(dims, "__index__"):
        if not 0 <= dims <= min(n, m):
            raise RuntimeError(f"tensordot: dims must be in [0, {min(n, m)}], got {dims}")
        left, right = list(range(n - dims, n)), list(range(dims))
    else:
        left, right = (
            [one_dim(d, k, "tensordot") for d in ((ds,) if hasattr(ds, "__index__") else ds)]
            for ds, k in zip(dims, (n, m))
        )
    of_one_dtype("tensordot", a, b)
    if len(set(left)) < len(left) or len(set(right)) < len(right):
        raise InputError(f"tensordot: dims must name each dimension at most once, got {dims}")
    pairs = [(unwrap(a).shape[i], unwrap(b).shape[j]) for i, j in zip(left, right)]
    if len(left) != len(right) or any(p != q and 1 not in (p, q) for p, q in pairs):
        raise RuntimeError(f"tensordot: dims {dims} must pair equal sizes of {unwrap(a).shape} and {unwrap(b).shape}")
    for i, j, (p, q) in zip(left, right, pairs):  # what meets a size of 1 is summed by itself
        if p != q:
            a, b = (_sum_one(a, i), b) if q == 1 else (a, _sum_one(b, j))
    x, y = list(_LETTERS[:n]), list(_LETTERS[n : n + m])
    for i, j in zip(left, right):
        y[j] = x[i]
    out = [c for i, c in enumerate(x) if i not in left] + [c for j, c in enumerate(y) if j not in right]
    return _einsum.record(((a, b), f"{''.join(x)},{''.join(y)}->{''.join(out)}"))


def _np_tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = of_common_dtype(a, b)
    return tensordot(a, b, axes)


def _np_einsum(subscripts: Any, *operands: Any, optimize: Any = None) -> Any:
    return einsum(*of_common_dtype(subscripts, *operands))


FAST.update({np.tensordot: _np_tensordot, np.einsum: _np_einsum})
