"""The same values in another shape or order: views wherever NumPy gives views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...dtypes import as_dtype
from ...dtypes import dtype as DType
from ...engine.errors import InputError, RangeError
from ...rules import FAST, TABLE, differentiable, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim, sizes
from ..pointwise.complex_numbers import conj

__all__ = [
    "adjoint", "flatten", "moveaxis", "movedim", "permute", "ravel", "reshape", "squeeze",
    "swapaxes", "swapdims", "t", "transpose", "unflatten", "unsqueeze",
]  # fmt: skip
METHODS = """
    adjoint flatten moveaxis movedim permute ravel reshape squeeze swapaxes swapdims t transpose unflatten unsqueeze
    view
"""

# --- rows -------------------------------------------------------------------------------------------------------


@differentiable(a=lambda g, a_shape: np.reshape(g, a_shape), numpy=np.reshape, view=True, name="reshape", complex=True)
def _reshape(a: Any, shape: tuple[int, ...]) -> Any:
    return a.reshape(shape)


def _inverse(axes: Any) -> Any:
    return None if axes is None else tuple(int(i) for i in np.argsort([a % len(axes) for a in axes]))


@differentiable(
    a=lambda g, axes: np.transpose(g, _inverse(axes)), numpy=np.transpose, view=True, name="transpose", complex=True
)
def _transpose(a: Any, axes: tuple[int, ...] | None = None) -> Any:
    return a.transpose(axes)


TABLE[np.permute_dims] = _transpose


@differentiable(
    a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2), numpy=np.swapaxes, view=True, name="transpose", complex=True
)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return a.swapaxes(axis1, axis2)


@differentiable(
    a=lambda g, source, destination: np.moveaxis(g, destination, source),
    numpy=np.moveaxis,
    view=True,
    name="movedim",
    complex=True,
)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return np.moveaxis(a, source, destination)


@differentiable(
    a=lambda g, a_shape: np.reshape(g, a_shape), numpy=np.expand_dims, view=True, name="unsqueeze", complex=True
)
def _expand_dims(a: Any, axis: Any) -> Any:
    if type(axis) is int and axis >= 0:
        return a[(slice(None),) * axis + (None,)]  # a fifth of its time
    return np.expand_dims(a, axis)


@differentiable(a=lambda g, a_shape: np.reshape(g, a_shape), numpy=np.squeeze, view=True, name="squeeze", complex=True)
def _squeeze(a: Any, axis: Any = None) -> Any:
    return np.squeeze(a, axis)


def _np_size(a: Any, axis: int | None = None) -> int:
    return math.prod(a.shape) if axis is None else a.shape[axis]


FAST.update({np.shape: lambda a: tuple(a.shape), np.ndim: lambda a: a.ndim, np.size: _np_size})


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def reshape(input: Any, *size: Any, shape: Any = None) -> Tensor:
    """The same values in another shape; a view where memory allows.

    Parameters
    ----------
    input : Tensor
    *size : int
        Or one sequence of int. One size may be -1: whatever is left.
    shape : sequence of int
        The same by name.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        Where the number of elements would change.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    target = sizes(size if shape is None else (shape,), "reshape")
    for n in target:
        if n < -1:  # NumPy takes it for -1
            raise InputError(f"reshape: sizes must be at least 0, or -1 for whatever is left, got {target}")
    try:
        return _reshape.record((input, target))
    except ValueError:
        given = unwrap(input)
        raise InputError(f"reshape: shape {target} must hold {given.size} elements like {given.shape}") from None


def view(input: Any, *size: Any, shape: Any = None, dtype: Any = None) -> Tensor:
    """`reshape` that never copies; or the same memory as elements of another dtype.

    Parameters
    ----------
    input : Tensor
    *size : int
        Or one sequence of int. One size may be -1: whatever is left. Or a dtype.
    shape : sequence of int
        The same by name.
    dtype : dtype, optional
        The bits of the elements as they are, taken for those of another dtype. No gradient goes through it.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        Where the memory's order demands a copy.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(4)
    >>> x.view(2, 2)[0, 1] = 5.0
    >>> x
    tensor([0., 5., 0., 0.])
    >>> x.view(tg.int32)[1]
    tensor(1084227584, dtype=int32)
    """
    if dtype is not None or (len(size) == 1 and isinstance(size[0], (np.dtype, DType, type))):
        return _reinterpreted(input, as_dtype(size[0] if dtype is None else dtype))
    out = reshape(input, *size, shape=shape)
    if type(out) is Tensor and out._view is not None:
        return out
    if unwrap(out).size and not np.may_share_memory(unwrap(out), unwrap(input)):
        raise RuntimeError(f"view: shape {out.shape} does not fit the order of the input's memory; use reshape()")
    return out


def _reinterpreted(input: Any, dtype: np.dtype[Any]) -> Any:
    a = unwrap(input)
    if a.dtype == dtype:
        return _reshape.record((input, a.shape))
    offset = input.storage_offset() * a.itemsize if hasattr(input, "storage_offset") else 0
    times = dtype.itemsize // a.itemsize
    wrong = ""
    if not a.ndim and dtype.itemsize != a.itemsize:
        wrong = "self.dim() cannot be 0"
    elif a.size and dtype.itemsize != a.itemsize and a.shape[-1] != 1 and a.strides[-1] != a.itemsize:
        wrong = f"self.stride(-1) must be 1, got {a.strides[-1] // a.itemsize}"
    elif times > 1:  # NumPy would let elements lie between others
        asked = {"self.size(-1)": a.shape[-1], "self.storage_offset()": offset // a.itemsize}
        asked |= {f"self.stride({i})": step // a.itemsize for i, step in enumerate(a.strides[:-1])}
        wrong = next((f"{k} must be divisible by {times}, got {v}" for k, v in asked.items() if v % times), "")
    if wrong:
        raise RuntimeError(f"view: {a.dtype} of shape {a.shape} cannot be seen as {dtype}: {wrong}")
    try:
        return wrap(a.view(dtype))
    except ValueError as error:
        raise RuntimeError(f"view: {a.dtype} of shape {a.shape} cannot be seen as {dtype}: {error}") from None


def ravel(input: Any) -> Tensor:
    """As a vector: a view where the memory is in order, else a copy.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.ravel(tg.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return _reshape.record((input if unwrap(input).flags.c_contiguous else np.copy(input), (-1,)))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Join neighbouring dimensions.

    Parameters
    ----------
    input : Tensor
    start_dim, end_dim : int
        The first and the last of them.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        Where `start_dim` comes after `end_dim`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.flatten(tg.zeros(2, 3, 4), start_dim=1).shape
    (2, 12)
    """
    shape = unwrap(input).shape
    n = len(shape)
    first, last = one_dim(start_dim, n, "flatten"), one_dim(end_dim, n, "flatten")
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} must not come after end_dim {end_dim}")
    if n and first == last:
        return input
    target = (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    return _reshape.record((input, target if n else (1,)))


@numpy_names
def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Tensor:
    """Split a dimension into several.

    Parameters
    ----------
    input : Tensor
    dim : int
    sizes : sequence of int
        One may be -1: whatever is left.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        Where the sizes do not multiply to that of the dimension.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.unflatten(tg.zeros(2, 12), 1, (3, -1)).shape
    (2, 3, 4)
    """
    shape = unwrap(input).shape
    dim = one_dim(dim, len(shape), "unflatten")
    inner = tuple(sizes)
    if -1 in inner:
        known = -math.prod(inner)
        inner = tuple(shape[dim] // (known or 1) if s == -1 else s for s in inner)
    if math.prod(inner) != shape[dim]:
        raise RuntimeError(f"unflatten: sizes {tuple(sizes)} must multiply to {shape[dim]}, the size of dim {dim}")
    return _reshape.record((input, (*shape[:dim], *inner, *shape[dim + 1 :])))


def transpose(input: Any, dim0: Any = None, dim1: int | None = None, *, axes: Any = None) -> Tensor:
    """Swap two dimensions (a view).

    Parameters
    ----------
    input : Tensor
    dim0, dim1 : int
        Or, as in NumPy, one sequence of all dimensions in a new order; nothing reverses them.
    axes : sequence of int, optional
        NumPy's name of these.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.transpose(tg.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    n = unwrap(input).ndim
    if dim1 is None:
        order = dim0 if axes is None else axes
        if order is None:  # as NumPy's clients call it
            order = range(n)[::-1]
        elif not isinstance(order, (tuple, list)):
            raise TypeError(f"transpose: needs dim0 and dim1, or a sequence of all dimensions, got {order!r}")
        return permute(input, tuple(order))
    first, second = one_dim(dim0, n, "transpose"), one_dim(dim1, n, "transpose")
    return _swapaxes.record((input, first, second)) if n else _reshape.record((input, ()))


def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    """`transpose` of two dimensions, in NumPy's words.

    Parameters
    ----------
    input : Tensor
    axis0, axis1 : int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.swapaxes(tg.zeros(2, 3, 4), axis0=0, axis1=2).shape
    (4, 3, 2)
    """
    return transpose(input, axis0, axis1)


def swapdims(input: Any, dim0: int, dim1: int) -> Tensor:
    """`transpose` of two dimensions.

    Parameters
    ----------
    input : Tensor
    dim0, dim1 : int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.swapdims(tg.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return transpose(input, dim0, dim1)


def t(input: Any) -> Tensor:
    """The transpose of a matrix (a view); vectors as they are.

    Parameters
    ----------
    input : Tensor, at most 2 dimensions

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.t(tg.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    if unwrap(input).ndim > 2:
        raise RuntimeError(f"t: the input must have at most 2 dimensions, got shape {unwrap(input).shape}")
    return _transpose.record((input, None))


def permute(input: Any, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in another order (a view).

    Parameters
    ----------
    input : Tensor
    *order : int
        Or one sequence of int: the dimensions of the input as they come in the result.
    dims : sequence of int
        The same by name.

    Returns
    -------
    Tensor

    Raises
    ------
    RuntimeError
        Where not every dimension is named once.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.permute(tg.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    n = unwrap(input).ndim
    named = sizes(order if dims is None else (dims,), "permute")
    if len(named) != n:
        raise InputError(f"permute: dims must name each of the {n} dimensions once, got {named}")
    target = tuple([one_dim(d, n, "permute") for d in named])
    if len({*target}) != n:
        raise RuntimeError(f"permute: dims must name each of the {n} dimensions once, got {named}")
    return _transpose.record((input, target))


def movedim(input: Any, source: Any, destination: Any) -> Tensor:
    """Move dimensions to other places (a view); the others stay in order.

    Parameters
    ----------
    input : Tensor
    source, destination : int or sequence of int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.movedim(tg.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    if not unwrap(input).ndim:  # of which NumPy knows no dimension to move
        for d in (*sizes((source,), "movedim"), *sizes((destination,), "movedim")):
            one_dim(d, 0, "movedim")
        return permute(input, ())
    return _moveaxis.record((input, source, destination))


moveaxis = movedim


@numpy_names
def unsqueeze(input: Any, dim: int) -> Tensor:
    """A new dimension of size 1 (a view).

    Parameters
    ----------
    input : Tensor
    dim : int
        Where it will be.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.unsqueeze(tg.zeros(2, 3), -1).shape
    (2, 3, 1)
    """
    return _expand_dims.record((input, one_dim(dim, unwrap(input).ndim + 1, "unsqueeze")))


@numpy_names
def squeeze(input: Any, dim: Any = None, *more: int) -> Tensor:
    """Drop dimensions of size 1 (a view).

    Parameters
    ----------
    input : Tensor
    dim : int or sequence of int, optional
        Only these, and only where their size is 1. Default: all.
    *more : int
        Further ones.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(1, 3, 1)
    >>> tg.squeeze(x).shape, tg.squeeze(x, 0).shape, tg.squeeze(x, 1).shape
    ((3,), (3, 1), (1, 3, 1))
    """
    shape = unwrap(input).shape
    dims = range(len(shape)) if dim is None else sizes((dim, *more), "squeeze")
    drop = {one_dim(d, len(shape), "squeeze") for d in dims}
    return _squeeze.record((input, tuple([i for i in sorted(drop) if shape and shape[i] == 1])))


def adjoint(input: Any) -> Tensor:
    """Conjugate transposes of matrices, what ``.mH`` is.

    Parameters
    ----------
    input : Tensor, shape (..., n, m)

    Returns
    -------
    Tensor, shape (..., m, n)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.adjoint(tg.tensor([[1j, 2.0]]))
    tensor([[0.-1.j],
            [2.-0.j]])
    """
    shape = unwrap(input).shape
    if len(shape) == 1:
        raise RangeError(f"adjoint: only supported on matrices or batches of matrices, got shape {shape}")
    return conj(transpose(input, -2, -1)) if shape else conj(input)
