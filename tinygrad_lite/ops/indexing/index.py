"""Reading and writing by index: everything NumPy's brackets take."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ...engine.errors import DtypeError, RangeError
from ...kernels.elementwise.fused import turned_back
from ...kernels.loops import take_along
from ...kernels.loops.pairwise_sum import FEW
from ...kernels.loops.scatter import read_last
from ...promotion import held
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim
from ..pointwise.clamp_round_where import _where_op, masked
from .index_keys import add_at, flat_places, put_at, spans, without_repeats
from .index_keys import in_two as in_two
from .index_keys import overwrite as overwrite
from .index_keys import plain_index as plain_index
from .index_keys import refuse_shuffle as refuse_shuffle
from .index_keys import without_ones as without_ones

__all__ = [
    "gather", "index_select", "masked_fill", "masked_select", "take_along_dim", "tril", "triu",
]  # fmt: skip
METHODS = "gather index_select masked_fill_ masked_select take_along_dim tril_ triu_"


def _take_a(g: Any, a_shape: tuple[int, ...], index: Any) -> Any:
    return index_sum(g, a_shape, index)


def _take_parts(gradients: list[Any], saved: list[tuple[Any, ...]]) -> Any:
    return index_sums(gradients, saved[0][0], [index for _, index in saved])


def _laid_out(out: Any, index: tuple[Any, ...]) -> Any:
    """What arrays of indices have picked, in PyTorch's order in memory.

    NumPy lays their dimensions outermost, PyTorch leaves them where they stand; the others keep the input's order.
    """
    n = max(1 if p.dtype == np.bool_ else p.ndim for p in index if isinstance(p, np.ndarray))
    order = sorted(range(out.ndim), key=lambda d: -out.strides[d])
    picked, others = sorted(order[:n]), iter(order[n:])
    order = [d if d in picked else next(others) for d in range(out.ndim)]
    return turned_back(np.ascontiguousarray(out.transpose(order)), order)


@differentiable(a=_take_a, view=True, name="getitem", complex=True, together=_take_parts)
def take(a: Any, index: Any) -> Any:
    """``a[index]``; what is no view lies in memory as PyTorch's does."""
    if type(index) is tuple and len(index) == 1:
        index = index[0]
    if type(index) is np.ndarray and index.dtype.kind == "i" and type(a) is np.ndarray and a.flags.c_contiguous:
        return a.take(index, 0)  # the same in a quarter of the time
    out = a[index]
    base = out.base
    if base is a or (base is not None and base is a.base) or out.flags.c_contiguous or np.may_share_memory(out, a):
        return out
    return _laid_out(out, index if type(index) is tuple else (index,))


@differentiable(values=lambda g, index: take(g, index), complex=True)
def index_sum(values: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Zeros of a shape with `values` added at an index: the transpose of reading."""
    out = np.zeros(shape, values.dtype)
    if without_repeats(index):
        out[index] = values
    else:
        add_at(out, values, index)
    return out


@differentiable(values=lambda g, indices: [take(g, index) for index in indices], complex=True)
def index_sums(values: Any, shape: tuple[int, ...], indices: list[Any]) -> Any:
    """`index_sum` of many values, each at an index of its own, in one array."""
    out = np.zeros(shape, values[0].dtype)
    for value, index in zip(values, indices):
        if without_repeats(index):
            out[index] += value
        else:
            add_at(out, value, index)
    return out


@differentiable(a=lambda g: g, value=lambda g, index: take(g, index), name="index_add", complex=True)
def index_add(a: Any, value: Any, index: Any) -> Any:
    """A copy of `a` with ``a[index] += value``, repeated entries included."""
    out = np.array(a, order="C")  # of a number, too
    add_at(out, value, index)
    return out


def _erased(g: Any, index: Any) -> Any:
    return index_put(g, 0.0, index)


def _written_value(g: Any, a_shape: tuple[int, ...], index: Any, value_shape: tuple[int, ...]) -> Any:
    """In the value's own dimensions: those of size 1 before the others are not there in what it was written to."""
    shown = _shown(g, a_shape, index)
    more = len(value_shape) - shown.ndim
    return shown.reshape((1,) * more + shown.shape) if more > 0 else shown


def _shown(g: Any, a_shape: tuple[int, ...], index: Any) -> Any:
    """What was written shows wherever it was not overwritten again by a repeated index."""
    places = flat_places(a_shape, index) if type(g) is np.ndarray and g.dtype.char in "fd" else None
    if places is not None:
        out = np.empty(places.shape, g.dtype)
        room = np.empty(g.size, np.intp)
        read_last.run(np.ascontiguousarray(g).reshape(-1), places.reshape(-1), room, out.reshape(-1))
        return out
    picked = take(g, index)
    if without_repeats(index) or picked.ndim == 0:
        return picked
    order = np.arange(math.prod(picked.shape)).reshape(picked.shape)
    last = np.empty(a_shape, np.intp)
    last[index] = order
    return masked(picked, last[index] == order)


@differentiable(a=_erased, value=_written_value, name="setitem", complex=True)
def index_put(a: Any, value: Any, index: Any) -> Any:
    """A copy of `a` with ``a[index] = value``."""
    out = np.array(a, order="C")  # of a number, too
    put_at(out, value, index)
    return out


# --- along a dimension ------------------------------------------------------------------------------------------


def _grid(indices: Any, axis: int) -> tuple[Any, ...]:
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return tuple(grid)


CORNERS = 2047  # elements: of so small shapes the places are kept


@functools.lru_cache(64)
def _corners(shape: tuple[int, ...], wanted: tuple[int, ...], axis: int) -> Any:
    """Where, in C order, index 0 of a dimension is for each entry that is wanted."""
    places = np.arange(math.prod(shape)).reshape(shape)
    return places[tuple([slice(1 if d == axis else n) for d, n in enumerate(wanted)])].copy()


def _places(shape: tuple[int, ...], indices: Any, axis: int) -> Any:
    """The places in C order that indices along a dimension name."""
    indices = indices.astype(np.intp, copy=False)
    if len(shape) == 1 or not indices.size:
        return indices
    if math.prod(shape) > CORNERS:
        return spans(shape, _grid(indices, axis))[0].reshape(indices.shape)
    return _corners(shape, indices.shape, axis) + indices * math.prod(shape[axis + 1 :])


def _read_back(g: Any, indices: Any, axis: int) -> Any:
    return _take_along_axis(g, indices, axis)


@take_along.spread_along.otherwise
def _spread(values: Any, indices: Any, axis: int, out: Any) -> None:
    """Add values to those that indices along a dimension name."""
    if out.size > CORNERS:
        add_at(out, values, _grid(indices, axis))
    else:
        np.add.at(out.reshape(-1), _places(out.shape, indices, axis).reshape(-1), values.reshape(-1))


@differentiable(values=_read_back, name="gather_transposed", complex=True)
def _sum_along_axis(values: Any, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with `values` added at indices along a dimension."""
    many = values.dtype.char in "ef" and indices.ndim and indices.shape[axis] > FEW
    wide = many and 4 * indices.size >= math.prod(shape)  # no larger than what is added
    out = np.zeros(shape, np.float64 if wide else values.dtype)
    _spread(values, indices, axis, out)
    return out.astype(values.dtype, copy=False)


@differentiable(
    arr=lambda g, arr_shape, indices, axis: _sum_along_axis(g, indices, axis, arr_shape), name="gather", complex=True
)
@take_along.picked.otherwise
def _take_along_axis(arr: Any, indices: Any, axis: int) -> Any:
    """The entries at indices along a dimension, none of which is negative."""
    return arr.reshape(-1).take(_places(arr.shape, indices, axis), mode="clip")  # on one flat dimension: twice as fast


@numpy_names
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Tensor:
    """``out[i][j] = input[index[i][j]][j]`` for ``dim = 0``, and so on.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, integer
        As many dimensions as `input`, and no larger in those other than `dim`.
    sparse_grad : bool
        Accepted; the gradient is dense.

    Returns
    -------
    Tensor, of the index's shape

    Raises
    ------
    RuntimeError
        For an index of another number of dimensions, or too large.
    IndexError
        For indices out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.gather(x, 1, tg.tensor([[1], [0]]))
    tensor([[2.],
            [3.]])
    """
    i, x = np.asarray(unwrap(index)), unwrap(input)
    dim = one_dim(dim, x.ndim, "gather")
    if i.dtype.kind not in "iu":
        raise DtypeError(f"gather: index must hold integers, got {i.dtype}")
    if not i.size:
        return input.reshape(-1)[wrap(i.astype(np.intp))]  # no view: that would be one of nothing
    if (i.ndim, x.ndim) in ((0, 1), (1, 0)):  # as good as each other
        return gather(input.reshape(-1), dim, i.reshape(-1)).reshape(i.shape)
    if i.ndim != x.ndim or any(n > m for d, (n, m) in enumerate(zip(i.shape, x.shape)) if d != dim):
        raise RuntimeError(f"gather: index of shape {i.shape} must fit into {x.shape} in all dimensions but {dim}")
    within(i, x.shape[dim] if x.ndim else 1, "gather")
    return _picked(input, i, dim, "gather")


def within(i: Any, n: int, who: str, low: int = 0) -> Any:
    """Indices that all exist."""
    if i.size and (i.min() < low or i.max() >= n):
        raise RangeError(f"{who}: indices must be in [{low}, {n - 1}], got {i.min()} to {i.max()}")
    return i


def _picked(input: Any, i: Any, dim: int, who: str) -> Any:
    if i.dtype.kind not in "iu":
        raise DtypeError(f"{who}: indices must be integers, got {i.dtype}")
    if not i.ndim:
        return _picked(input.reshape(1), i.reshape(1), 0, who).reshape(())
    return _take_along_axis.record((input, from_front(i, unwrap(input).shape[dim], who), dim))


def from_front(i: Any, n: int, who: str) -> Any:
    """Indices counted from the front, all of which exist."""
    if i.size:
        low, high = i.min(), i.max()
        if low < -n or high >= n:
            raise RangeError(f"{who}: indices must be in [{-n}, {n - 1}], got {low} to {high}")
        if low < 0:
            return np.where(i < 0, i + n, i)
    return i


@numpy_names
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Tensor:
    """NumPy's `take_along_axis`: `gather` that broadcasts the indices against the input.

    Parameters
    ----------
    input : Tensor
    indices : Tensor, integer, as many dimensions as `input`
    dim : int, optional
        Default: both are flattened.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[3.0, 1.0], [2.0, 4.0]])
    >>> tg.take_along_dim(x, x.argmax(dim=1, keepdim=True), 1)
    tensor([[3.],
            [4.]])
    """
    i, x = np.asarray(unwrap(indices)), unwrap(input)
    if i.dtype.kind not in "iu":
        raise DtypeError(f"take_along_dim: indices must be integers, got {i.dtype}")
    if dim is None:
        return _picked(input.reshape(-1), i.reshape(-1), 0, "take_along_dim")
    dim = one_dim(dim, x.ndim, "take_along_dim")
    if i.ndim != x.ndim:
        raise RuntimeError(
            f"take_along_dim: indices must have the input's {x.ndim} dimensions, got shape {i.shape} "
            "(input and indices should have the same number of dimensions)"
        )
    try:
        shape = list(
            np.broadcast_shapes((*i.shape[:dim], 1, *i.shape[dim + 1 :]), (*x.shape[:dim], 1, *x.shape[dim + 1 :]))
        )
    except ValueError:
        raise RuntimeError(
            f"take_along_dim: indices and input must broadcast in all dimensions but {dim}, got {i.shape} and {x.shape}"
        ) from None
    wide = (*shape[:dim], x.shape[dim], *shape[dim + 1 :])
    i = np.broadcast_to(i, (*shape[:dim], i.shape[dim], *shape[dim + 1 :]))
    return _picked(input if wide == x.shape else np.broadcast_to(input, wide), i, dim, "take_along_dim")


def _np_take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    return take_along_dim(arr, indices, axis)


FAST[np.take_along_axis] = _np_take_along_axis


@numpy_names
def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """The slices at some indices along a dimension (a copy).

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, integer, at most 1 dimension

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.index_select(x, 1, tg.tensor([1, 1]))
    tensor([[2., 2.],
            [4., 4.]])
    """
    i = np.asarray(unwrap(index))
    dim = one_dim(dim, unwrap(input).ndim, "index_select")
    if i.ndim > 1 or i.dtype.kind not in "iu":
        raise RangeError(f"index_select: index must be a vector of integers, got {i.dtype} of shape {i.shape}")
    if not unwrap(input).ndim:
        return index_select(input.reshape(1), 0, i).reshape(())
    within(i, unwrap(input).shape[dim], "index_select")
    return take.record((input, (slice(None),) * dim + (i.reshape(-1),))).contiguous()


# --- by a mask --------------------------------------------------------------------------------------------------


def _mask(mask: Any, who: str) -> Any:
    m = np.asarray(unwrap(mask))
    if m.dtype != np.bool_:
        raise DtypeError(
            f"{who}: mask must be boolean, got {m.dtype} (only supports boolean masks; expected BoolTensor for mask)"
        )
    return m


def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """`value` where the mask is True, `input` elsewhere.

    Parameters
    ----------
    input : Tensor
    mask : Tensor, bool, of a shape that broadcasts
    value : number or Tensor of shape ()

    Returns
    -------
    Tensor, of the broadcast shape, of the input's dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, -2.0])
    >>> tg.masked_fill(x, x < 0, 0.0)
    tensor([1., 0.])
    """
    m, dtype = _mask(mask, "masked_fill"), unwrap(input).dtype
    if isinstance(value, (bool, int, float, complex)):
        return _where_op.record((m, held(value, dtype, "masked_fill"), input)).contiguous()
    if np.ndim(unwrap(value)):
        shape = np.shape(unwrap(value))
        raise RuntimeError(f"masked_fill: value must be a number or a 0-dimensional value tensor, got shape {shape}")
    if np.asarray(unwrap(value)).dtype.kind == "c" != dtype.kind:
        held(unwrap(value).item(), dtype, "masked_fill")  # an error: its imaginary part would be lost
    return _where_op.record((m, value, input)).to(dtype).contiguous()


def masked_select(input: Any, mask: Any) -> Tensor:
    """The entries where the mask is True, as a vector.

    Parameters
    ----------
    input : Tensor
    mask : Tensor, bool, of a shape that broadcasts

    Returns
    -------
    Tensor, 1 dimension

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([[1.0, -2.0], [-3.0, 4.0]])
    >>> tg.masked_select(x, x > 0)
    tensor([1., 4.])
    """
    m, x = np.broadcast_arrays(_mask(mask, "masked_select"), unwrap(input))
    return take.record((np.broadcast_to(input, x.shape), m))


def _matrices(shape: tuple[int, ...], who: str) -> None:
    if len(shape) < 2:
        raise RuntimeError(f"{who}: the input must have at least 2 dimensions, got shape {shape}")


def _lower_x(g: Any, diagonal: int) -> Any:
    return _lower(g, diagonal)


def _upper_x(g: Any, diagonal: int) -> Any:
    return _upper(g, diagonal)


@differentiable(x=_lower_x, name="tril", complex=True)
def _lower(x: Any, diagonal: int) -> Any:
    """Rows from their beginning up to a diagonal."""
    return _part_of_rows(x, diagonal, True)


@differentiable(x=_upper_x, name="triu", complex=True)
def _upper(x: Any, diagonal: int) -> Any:
    """Rows from a diagonal on."""
    return _part_of_rows(x, diagonal, False)


def _part_of_rows(x: Any, diagonal: int, lower: bool) -> Any:
    out = np.empty(x.shape, x.dtype)
    if x.size:
        shape = (-1, *x.shape[-2:])
        take_along.triangle.run(np.ascontiguousarray(x).reshape(shape), diagonal, lower, out.reshape(shape))
    return out


def tril(input: Any, diagonal: int = 0) -> Tensor:
    """The lower triangle of matrices, zeros above.

    Parameters
    ----------
    input : Tensor, shape (..., n, m)
    diagonal : int
        The last one kept: 0 is the main diagonal, 1 the one above it.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tril(tg.ones(2, 3))
    tensor([[1., 0., 0.],
            [1., 1., 0.]])
    """
    _matrices(unwrap(input).shape, "tril")
    return _lower.record((input, diagonal))


def triu(input: Any, diagonal: int = 0) -> Tensor:
    """The upper triangle of matrices, zeros below.

    Parameters
    ----------
    input : Tensor, shape (..., n, m)
    diagonal : int
        The first one kept: 0 is the main diagonal, 1 the one above it.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.triu(tg.ones(2, 3), diagonal=1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    _matrices(unwrap(input).shape, "triu")
    return _upper.record((input, diagonal))


FAST[np.tril] = lambda m, k=0: tril(m, k)
FAST[np.triu] = lambda m, k=0: triu(m, k)
