"""Making tensors from nothing, from numbers and from arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import as_dtype, get_default_dtype
from ..rules import FAST, unwrap, wrap
from .names import sizes

__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace", "one_hot",
    "ones", "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip


def _finish(array: Any, requires_grad: bool) -> Any:
    out = wrap(array)
    return out.requires_grad_() if requires_grad else out


def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """A tensor that owns a copy of `data`.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
        Python floats become the default dtype (float32), ints int64; NumPy arrays keep their dtype.
    dtype : dtype, optional
    requires_grad : bool
        Only floating tensors may.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        For data that are not numbers.
    ValueError
        For nested sequences of different lengths.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    return _finish(_array(data, dtype, copy=True), requires_grad)


def _array(data: Any, dtype: Any, copy: bool) -> Any:
    given = unwrap(data)
    if isinstance(given, (np.ndarray, np.generic)):
        array = np.array(given, None if dtype is None else as_dtype(dtype), copy=copy or None)
    else:
        try:
            array = np.array(_unnested(given))
        except ValueError as error:
            raise ValueError(f"tensor: data must be rectangular, got {error}") from None
        if dtype is not None:
            array = array.astype(as_dtype(dtype))
        elif array.dtype.kind == "f" and (array.size == 0 or not _has_array(given)):
            array = array.astype(get_default_dtype())
        elif array.dtype.kind == "c" and not _has_array(given):
            array = array.astype(np.complex64)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"tensor: data must be numbers, got {type(data).__name__} of dtype {array.dtype}")
    return array


def _unnested(data: Any) -> Any:
    return [_unnested(d) for d in data] if isinstance(data, (list, tuple)) else unwrap(data)


def _has_array(data: Any) -> bool:
    """Whether the numbers come with a dtype of their own."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(unwrap(data), (np.ndarray, np.generic))


def as_tensor(data: Any, dtype: Any = None) -> Any:
    """A tensor of `data`, sharing its memory (and graph) where possible.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
    dtype : dtype, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import numpy as np, tinygrad_lite as tg
    >>> a = np.zeros(2)
    >>> t = tg.as_tensor(a)
    >>> a[0] = 5.0
    >>> t
    tensor([5., 0.], dtype=float64)
    """
    if hasattr(data, "_node") and (dtype is None or data.dtype == dtype):
        return data
    return wrap(_array(data, dtype, copy=False))


def from_numpy(array: Any) -> Any:
    """A tensor that shares the array's memory.

    Parameters
    ----------
    array : np.ndarray

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        For anything but an array.

    Examples
    --------
    >>> import numpy as np, tinygrad_lite as tg
    >>> tg.from_numpy(np.arange(3))
    tensor([0, 1, 2])
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: expected np.ndarray, got {type(array).__name__}")
    return wrap(_array(array, None, copy=False))


def _dtype(dtype: Any) -> Any:
    return get_default_dtype() if dtype is None else as_dtype(dtype)


# --- constants --------------------------------------------------------------------------------------------------

_SIZED = """{summary}

Parameters
----------
*shape : int
    Or one sequence of int.
size : sequence of int
    The same by name.
dtype : dtype, optional
    Default: `get_default_dtype`.
requires_grad : bool

Returns
-------
Tensor

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.{name}(2, 3){shown}
"""

_LIKE = """`{name}` with another tensor's shape.

Parameters
----------
input : Tensor
dtype : dtype, optional
    Default: the input's.
requires_grad : bool

Returns
-------
Tensor

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.{name}_like(tg.tensor([[1, 2, 3], [4, 5, 6]])){shown}
"""


def _sized(fill: Callable[..., Any], summary: str, shown: str) -> Callable[..., Any]:
    name = fill.__name__

    def make(*shape: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False) -> Any:
        return _finish(fill(sizes(shape if size is None else (size,), name), _dtype(dtype)), requires_grad)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = _SIZED.format(name=name, summary=summary, shown=shown)
    return make


def _like(fill: Callable[..., Any], shown: str) -> Callable[..., Any]:
    def make(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
        x = unwrap(input)
        return _finish(fill(x.shape, x.dtype if dtype is None else as_dtype(dtype)), requires_grad)

    make.__name__ = make.__qualname__ = f"{fill.__name__}_like"
    make.__doc__ = _LIKE.format(name=fill.__name__, shown=shown)
    return make


zeros = _sized(np.zeros, "Zeros.", "\ntensor([[0., 0., 0.],\n        [0., 0., 0.]])")
ones = _sized(np.ones, "Ones.", "\ntensor([[1., 1., 1.],\n        [1., 1., 1.]])")
empty = _sized(np.empty, "Memory as it is found.", ".shape\n(2, 3)")
zeros_like = _like(np.zeros, "\ntensor([[0, 0, 0],\n        [0, 0, 0]])")
ones_like = _like(np.ones, "\ntensor([[1, 1, 1],\n        [1, 1, 1]])")
empty_like = _like(np.empty, ".shape\n(2, 3)")
__test__ = {f.__name__: f.__doc__ for f in (zeros, ones, empty, zeros_like, ones_like, empty_like)}


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """One value everywhere.

    Parameters
    ----------
    size : int or sequence of int
    fill_value : number
    dtype : dtype, optional
        Default: that of `tensor` for such a number.
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    value = _array(fill_value, dtype, copy=False)
    if value.ndim:
        raise TypeError(f"full: fill_value must be one number, got shape {value.shape}")
    return _finish(np.full(sizes((size,), "full"), value, value.dtype), requires_grad)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """`full` with another tensor's shape.

    Parameters
    ----------
    input : Tensor
    fill_value : number
    dtype : dtype, optional
        Default: the input's.
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.full_like(tg.zeros(3), 7)
    tensor([7., 7., 7.])
    """
    x = unwrap(input)
    return full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype, requires_grad=requires_grad)


# --- sequences and patterns -------------------------------------------------------------------------------------


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, requires_grad: bool = False
) -> Any:
    """Numbers from `start` to `end`, which is not among them.

    Parameters
    ----------
    start : number
        With no `end`, the end; they start from 0 then.
    end : number, optional
    step : number
    dtype : dtype, optional
        Default: int64 of integers, else `get_default_dtype`.
    requires_grad : bool

    Returns
    -------
    Tensor, 1 dimension

    Raises
    ------
    ValueError
        For a step that leads away from the end, or nowhere.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.arange(3), tg.arange(1, 2, 0.5)
    (tensor([0, 1, 2]), tensor([1.0000, 1.5000]))
    """
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: step must lead from {start} to {end}, got {step}")
    if dtype is None:
        dtype = get_default_dtype() if any(isinstance(v, float) for v in (start, end, step)) else np.int64
    return _finish(np.arange(start, end, step).astype(as_dtype(dtype), copy=False), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Numbers at equal distances.

    Parameters
    ----------
    start, end : number
        Both are among them.
    steps : int
        How many.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    requires_grad : bool

    Returns
    -------
    Tensor, shape (steps,)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    return _finish(np.linspace(start, end, steps).astype(_dtype(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """The identity matrix.

    Parameters
    ----------
    n : int
        Rows.
    m : int, optional
        Columns. Default: as many.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    requires_grad : bool

    Returns
    -------
    Tensor, shape (n, m)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return _finish(np.eye(n, m, dtype=_dtype(dtype)), requires_grad)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Class indices as rows with a single 1.

    Parameters
    ----------
    tensor : Tensor, integer
    num_classes : int
        Default: one more than the largest index.

    Returns
    -------
    Tensor, shape (..., num_classes), int64

    Raises
    ------
    TypeError
        For indices that are not integers.
    ValueError
        For indices that are no classes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.one_hot(tg.tensor([2, 0]))
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    index = unwrap(tensor)
    if index.dtype.kind not in "iu":
        raise TypeError(f"one_hot: class indices must be integers, got {index.dtype}")
    if num_classes == -1 and not index.size:
        raise ValueError("one_hot: num_classes must be given where there are no indices")
    count = int(index.max()) + 1 if num_classes == -1 else num_classes
    if index.size and (index.min() < 0 or index.max() >= count):
        raise ValueError(f"one_hot: class indices must be in [0, {count - 1}], got {index.min()} to {index.max()}")
    return wrap((index[..., None] == np.arange(count)).astype(np.int64))


def _np_like(fill: Any) -> Any:
    return lambda a, dtype=None, **_: fill(a, dtype=dtype)


FAST.update({
    np.zeros_like: _np_like(zeros_like), np.ones_like: _np_like(ones_like), np.empty_like: _np_like(empty_like),
    np.full_like: lambda a, fill_value, dtype=None, **_: full_like(a, fill_value, dtype=dtype),
})  # fmt: skip
