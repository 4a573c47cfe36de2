"""Making tensors from nothing, from numbers and from arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import as_dtype, get_default_dtype
from ..rules import FAST, unwrap, wrap
from .names import sizes

__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace",
    "one_hot", "ones", "ones_like", "tensor", "zeros", "zeros_like",
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
        Only floating (and complex) tensors may.

    Raises
    ------
    TypeError
        For data that are not numbers.

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
        elif (array.dtype.kind == "f" and not _has_array(given)) or array.size == 0 and array.dtype.kind == "f":
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
    """A tensor of `data`, sharing its memory (and graph) where possible."""
    if hasattr(data, "_node") and (dtype is None or data.dtype == dtype):
        return data
    return wrap(_array(data, dtype, copy=False))


def from_numpy(array: Any) -> Any:
    """A tensor that shares the array's memory."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: expected np.ndarray, got {type(array).__name__}")
    return wrap(_array(array, None, copy=False))


def _dtype(dtype: Any) -> Any:
    return get_default_dtype() if dtype is None else as_dtype(dtype)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Zeros of a shape."""
    return _finish(np.zeros(sizes(size, "zeros"), _dtype(dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Ones of a shape."""
    return _finish(np.ones(sizes(size, "ones"), _dtype(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Any:
    """A shape of uninitialized memory."""
    return _finish(np.empty(sizes(size, "empty"), _dtype(dtype)), requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """A shape filled with a value, whose kind decides the dtype."""
    if dtype is None:
        dtype = get_default_dtype() if isinstance(fill_value, float) else np.asarray(unwrap(fill_value)).dtype
    return _finish(np.full(sizes((size,), "full"), unwrap(fill_value), as_dtype(dtype)), requires_grad)


def arange(start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """Numbers from `start` (default 0) to `end`, which is not included."""
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: step must lead from {start} to {end}, got {step}")
    if dtype is None:
        dtype = get_default_dtype() if any(isinstance(v, float) for v in (start, end, step)) else np.int64
    return _finish(np.arange(start, end, step).astype(as_dtype(dtype), copy=False), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """`steps` numbers from `start` to `end`, both included."""
    return _finish(np.linspace(start, end, steps).astype(_dtype(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """The identity matrix."""
    return _finish(np.eye(n, m, dtype=_dtype(dtype)), requires_grad)


def _like(fill: Any) -> Any:
    def like(input: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
        x = unwrap(input)
        return _finish(fill(x.shape, x.dtype if dtype is None else as_dtype(dtype)), requires_grad)

    like.__name__ = f"{fill.__name__}_like"
    like.__doc__ = f"`{fill.__name__}` with the input's shape and dtype."
    return like


zeros_like, ones_like, empty_like = _like(np.zeros), _like(np.ones), _like(np.empty)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Any:
    """`full` with the input's shape and dtype."""
    x = unwrap(input)
    return _finish(np.full(x.shape, unwrap(fill_value), x.dtype if dtype is None else as_dtype(dtype)), requires_grad)


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Class indices as rows with a single 1 (int64)."""
    index = unwrap(tensor)
    if index.dtype.kind not in "iu":
        raise TypeError(f"one_hot: class indices must be integers, got {index.dtype}")
    count = int(index.max()) + 1 if num_classes == -1 else num_classes
    if index.size and (index.min() < 0 or index.max() >= count):
        raise ValueError(f"one_hot: class indices must be in [0, {count - 1}], got {index.min()} to {index.max()}")
    return wrap((index[..., None] == np.arange(count)).astype(np.int64))


def _np_like(fill: Any) -> Any:
    return lambda a, dtype=None, **_: fill(a, dtype=dtype)


FAST.update({np.zeros_like: _np_like(zeros_like), np.ones_like: _np_like(ones_like), np.empty_like: _np_like(empty_like)})
FAST[np.full_like] = lambda a, fill_value, dtype=None, **_: full_like(a, fill_value, dtype=dtype)
