"""Writing along a dimension or at flat places: each function out of place, and in place as a method."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, cast

import numpy as np

from ...engine import views
from ...engine.blame import came
from ...engine.errors import DtypeError
from ...promotion import held
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import numpy_names, one_dim
from ..pointwise.arithmetic import integer_multiple
from ..pointwise.clamp_round_where import where
from .index import _mask, from_front, within
from .index import index_add as _add
from .index import index_put as _put
from .index_keys import overwrite_at, plain_index

__all__ = ["index_add", "index_copy", "index_fill", "index_put", "masked_scatter", "put"]
METHODS = "index_add_ index_copy_ index_fill_ index_put_ masked_scatter masked_scatter_ put_"
__all__ += ["_unsafe_masked_index", "_unsafe_masked_index_put_accumulate"]  # PyTorch's names within

_P = ParamSpec("_P")


def both(plan: Callable[_P, Any]) -> Callable[_P, Tensor]:
    """A function that writes to a copy, and its method `in_place`, from one that tells what to write where.

    Parameters
    ----------
    plan : callable
        Checks its arguments, of which the first is the tensor, of at least one dimension, and returns
        ``(row, value, index)``: the result is ``row(tensor, value, index)``. The row is that of `index_put` or
        `index_add`, which are written without a copy where nothing is recorded; any other is not.

    Returns
    -------
    callable
    """
    name = plan.__name__

    @functools.wraps(plan)
    def function(input: Any, *args: Any, **options: Any) -> Any:
        if not unwrap(input).ndim:
            return function(input.reshape(1), *args, **options).reshape(())
        row, value, index = plan(input, *args, **options)
        return row(input, _cast(value, input, name), index)

    def in_place(self: Any, *args: Any, **options: Any) -> Any:
        flat = self if self.ndim else self.view(1)
        row, value, index = plan(flat, *args, **options)
        value = _cast(value, self, in_place.__name__)
        if row not in (_put, _add) or views.begin(flat, (value,), in_place.__name__):
            views.write(flat, row, (value, index), in_place.__name__)
        else:
            values = unwrap(value)
            if np.may_share_memory(values, self._data):
                values = views.duplicate(values)
            overwrite_at(flat._data, index, values, row is _add, in_place.__name__)
        return self

    in_place.__name__ = in_place.__qualname__ = f"{name}_"
    in_place.__doc__ = f"`{name}`, in place."
    result: Any = function
    result.in_place = in_place
    return cast(Callable[_P, Tensor], result)


def _cast(value: Any, like: Any, who: str) -> Any:
    """The value in the dtype of what it is written to, which must be of the same kind."""
    target = unwrap(like).dtype
    if not hasattr(value, "dtype"):
        return held(value, target, who)
    if value.dtype == target:
        return value
    return value.to(target) if hasattr(value, "_node") else value.astype(target)


def integers(index: Any, who: str) -> Any:
    """An array of indices."""
    i = np.asarray(unwrap(index))
    if i.dtype.kind not in "iu" and i.size:
        raise DtypeError(f"{who}: index must hold integers, got {i.dtype}")
    return i.astype(np.intp, copy=False)


def slices(input: Any, dim: int, index: Any, who: str, from_end: bool = False) -> tuple[Any, tuple[int, ...]]:
    """The index of some slices along a dimension, counted from its end, too, and the shape of what it reads."""
    shape = unwrap(input).shape
    dim = one_dim(dim, len(shape), who)
    i = integers(index, who)
    if i.ndim > 1:
        raise RuntimeError(f"{who}: index must have at most 1 dimension, got shape {i.shape}")
    i = within(i.reshape(-1), shape[dim], who, -shape[dim] if from_end else 0)
    return (slice(None),) * dim + (i,), (*shape[:dim], i.size, *shape[dim + 1 :])


def fitting(source: Any, shape: tuple[int, ...], input: Any, who: str) -> Any:
    """A source of the shape and dtype that is written, with all its dimensions."""
    given = unwrap(source)
    if not hasattr(given, "shape"):
        raise TypeError(f"{who}: source must be a Tensor, got {type(source).__name__}")
    if given.dtype != unwrap(input).dtype:
        raise RuntimeError(f"{who}: source must have the input's dtype {unwrap(input).dtype}, got {given.dtype}")
    if given.shape != shape:
        if given.ndim == 0 and shape == (1,):
            return source.reshape(shape)
        raise RuntimeError(f"{who}: source must have shape {shape}, got {given.shape}")
    return source


@numpy_names
@both
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """Add slices to those at some indices along a dimension; what is named several times gets all of them.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, shape (k,), integer
    source : Tensor
        Of the input's shape, but of size k in `dim`.
    alpha : number
        The source's factor.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For indices out of range.
    RuntimeError
        For a source of another shape or dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.index_add(tg.zeros(2, 2), 0, tg.tensor([1, 1]), tg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[0., 0.],
            [4., 6.]])
    """
    key, shape = slices(input, dim, index, "index_add")
    source = fitting(source, shape, input, "index_add")
    if isinstance(alpha, complex):
        alpha = held(alpha, unwrap(source).dtype, "index_add")  # real dtypes hold no imaginary part
    if alpha != 1:
        whole = type(alpha) is int and unwrap(source).dtype.kind in "iu"
        source = integer_multiple(source, int(alpha), unwrap(source).dtype, "index_add") if whole else source * alpha
    return _add, source, key


@numpy_names
@both
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """Replace the slices at some indices along a dimension; of those named several times the last one counts.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, shape (k,), integer
    source : Tensor
        Of the input's shape, but of size k in `dim`.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For indices out of range.
    RuntimeError
        For a source of another shape or dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.index_copy(tg.zeros(2, 2), 0, tg.tensor([1]), tg.tensor([[3.0, 4.0]]))
    tensor([[0., 0.],
            [3., 4.]])
    """
    key, shape = slices(input, dim, index, "index_copy")
    return _put, fitting(source, shape, input, "index_copy"), key


@numpy_names
@both
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """Set the slices at some indices along a dimension to a number.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor, shape (k,), integer
        Negative ones count from the end, as in PyTorch.
    value : number or Tensor of 0 dimensions

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For indices out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.index_fill(tg.zeros(2, 3), 1, tg.tensor([0, 2]), 5)
    tensor([[5., 0., 5.],
            [5., 0., 5.]])
    """
    if np.ndim(unwrap(value)):
        raise RuntimeError(f"index_fill: value must be one number, got shape {np.shape(unwrap(value))}")
    if getattr(value, "dtype", np.dtype(bool)).kind == "c" != unwrap(input).dtype.kind:
        held(unwrap(value).item(), unwrap(input).dtype, "index_fill")  # an error: its imaginary part would be lost
    return _put, value, slices(input, dim, index, "index_fill", from_end=True)[0]


@both
def index_put(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """``input[indices] = values`` on a copy.

    Parameters
    ----------
    input : Tensor
    indices : sequence of Tensor, integer or bool
        One for each of the first dimensions; None for a dimension that is taken whole.
    values : Tensor
        Of a shape that broadcasts to ``input[indices]``.
    accumulate : bool
        Add instead: what is named several times gets all of its values.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> i = tg.tensor([0, 2, 0])
    >>> tg.index_put(tg.zeros(3), (i,), tg.tensor([1.0, 2.0, 3.0]), accumulate=True)
    tensor([4., 0., 2.])
    """
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put: indices must be a tuple of Tensors, got {type(indices).__name__}")
    given = unwrap(values)
    if not hasattr(given, "dtype"):
        raise TypeError(f"index_put: values must be a Tensor, got {came(values)}")
    if given.dtype != unwrap(input).dtype:
        raise RuntimeError(f"index_put: values must have the input's dtype {unwrap(input).dtype}, got {given.dtype}")
    key = plain_index(tuple(slice(None) if i is None else _as_list(i) for i in indices))
    if accumulate:  # `index_add` takes what it adds as it is
        values = np.broadcast_to(values, np.broadcast_to(False, unwrap(input).shape)[key].shape)
    return (_add if accumulate else _put), values, key


def _as_list(index: Any) -> Any:
    """One place is a list of one."""
    if isinstance(index, Tensor):
        return index if index.ndim else index.reshape(1)
    return np.atleast_1d(index)


@both
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """Replace elements by their places in the flattened tensor.

    Parameters
    ----------
    input : Tensor
    index : Tensor, integer, any shape
        Negative ones count from the end.
    source : Tensor
        As many elements, of the input's dtype.
    accumulate : bool
        Add instead: what is named several times gets all of its values.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    IndexError
        For places that do not exist.
    RuntimeError
        For a source of another size or dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.put(tg.zeros(2, 2), tg.tensor([1, -1]), tg.tensor([5.0, 7.0]))
    tensor([[0., 5.],
            [0., 7.]])
    """
    x = unwrap(input)
    i = from_front(integers(index, "put"), x.size, "put").reshape(-1)
    if np.size(unwrap(source)) != i.size:
        raise RuntimeError(f"put: source must have {i.size} elements like the index, got {np.size(unwrap(source))}")
    source = fitting(source.reshape(-1), (i.size,), input, "put")
    return (_add if accumulate else _put), source, places_of(i, x.shape)


def places_of(i: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index for places that are counted in C order."""
    return np.unravel_index(i, shape)


def masked_scatter(input: Any, mask: Any, source: Any) -> Tensor:
    """Replace the entries where the mask is True by a source's elements, in order.

    Parameters
    ----------
    input : Tensor
    mask : Tensor, bool, of a shape that broadcasts
    source : Tensor
        At least as many elements as the mask has entries that are True, of the input's dtype.

    Returns
    -------
    Tensor, of the broadcast shape, of the input's dtype

    Raises
    ------
    RuntimeError
        For a source with too few elements or of another dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.masked_scatter(tg.zeros(3), tg.tensor([True, False, True]), tg.tensor([5.0, 7.0, 9.0]))
    tensor([5., 0., 7.])
    """
    m, x = _mask(mask, "masked_scatter"), unwrap(input)
    try:
        shape = np.broadcast_shapes(x.shape, m.shape)
    except ValueError:
        raise RuntimeError(f"masked_scatter: mask {m.shape} and input {x.shape} must broadcast") from None
    return _masked_scatter(np.broadcast_to(input, shape), m, source)


def _from_source(input: Any, mask: Any, source: Any) -> Any:
    m, x = _mask(mask, "masked_scatter"), unwrap(input)
    try:
        m = np.broadcast_to(m, x.shape)
    except ValueError:
        raise RuntimeError(f"masked_scatter: mask {m.shape} must broadcast to the input's shape {x.shape}") from None
    count = int(np.count_nonzero(m))
    if unwrap(source).size < count:
        raise RuntimeError(f"masked_scatter: source must have at least {count} elements, got {unwrap(source).size}")
    return _put, fitting(source.reshape(-1)[:count], (count,), input, "masked_scatter"), m


_from_source.__name__ = "masked_scatter"
_masked_scatter = both(_from_source)
masked_scatter_ = _masked_scatter.in_place  # type: ignore[attr-defined]


def _inside(input: Any, indices: Sequence[Any]) -> list[Any]:
    """Indices moved to the nearest place that exists."""
    kept = [None if i is None else unwrap(i) for i in indices]
    return [i if i is None else wrap(np.clip(i, -n, n - 1)) for i, n in zip(kept, unwrap(input).shape)]


def _unsafe_masked_index(input: Any, mask: Any, indices: Sequence[Any], fill: Any) -> Tensor:
    """``input[indices]`` where a mask holds, and a number elsewhere, whatever the index is there."""
    found = input[tuple(slice(None) if i is None else i for i in _inside(input, indices))]
    return where(mask, found, _cast(np.asarray(fill), unwrap(input), "_unsafe_masked_index"))


def _unsafe_masked_index_put_accumulate(input: Any, mask: Any, indices: Sequence[Any], values: Any) -> Tensor:
    """A copy with values added at the indices, where a mask holds."""
    return index_put(input, _inside(input, indices), where(mask, values, False), True)
