"""Sequences and patterns: numbers in order, the identity, the places of triangles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...dtypes import as_dtype, get_default_dtype
from ...engine.errors import ArgumentError, DtypeError, InputError
from ...promotion import held
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import built
from .creation import _dtype, _finish

__all__ = ["arange", "eye", "linspace", "logspace", "one_hot", "range", "tril_indices", "triu_indices"]
FUNCTIONAL = "one_hot"


def _number(value: Any, who: str, complex: bool = False) -> Any:
    """A Python number, from one or from a Tensor of one element."""
    given = unwrap(value)
    if isinstance(given, (np.ndarray, np.generic)) and given.size == 1:
        given = given.item()
    if isinstance(given, np.ndarray):
        raise ArgumentError(f"{who}: expected numbers or Tensors of one, got a Tensor of shape {given.shape}")
    if not isinstance(given, (bool, int, float)) and not (complex and np.iscomplexobj(given)):
        raise TypeError(f"{who}: expected {'' if complex else 'real '}numbers, got {value!r}")
    return given


def _spaced_dtype(dtype: Any, *numbers: Any) -> np.dtype[Any]:
    """That of numbers between others: complex where one of these is, unless it is given."""
    chosen = _dtype(dtype)
    if any(type(v) is complex for v in numbers) and chosen.kind != "c":
        if dtype is not None:
            raise DtypeError(f"numbers between complex ones must be complex, got dtype {chosen}")
        return np.result_type(chosen, np.complex64)
    return chosen


def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` to `end`, which is not among them.

    Parameters
    ----------
    start : number
        With no `end`, the end; they start from 0 then.
    end : number, optional
    step : number
    dtype : dtype, optional
        Default: int64 of integers, else `get_default_dtype`.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor, 1 dimension

    Raises
    ------
    ValueError
        For a step that leads away from the end, or nowhere, and for bounds that are not finite.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.arange(3), tg.arange(1, 2, 0.5)
    (tensor([0, 1, 2]), tensor([1.0000, 1.5000]))
    """
    if end is None:
        start, end = 0, start
    elif start is None:
        start = 0
    start, end, step = (_number(v, "arange") for v in (start, end, step))
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InputError(f"arange: start and end must be finite, got {start} and {end}")
    if not step or (end - start) * step < 0:
        raise InputError(f"arange: step must lead from {start} to {end}, got {step}")
    if dtype is None:
        dtype = get_default_dtype() if any(isinstance(v, float) for v in (start, end, step)) else np.int64
    if as_dtype(dtype).kind in "iu":
        return _finish(built(_integers, start, end, step, as_dtype(dtype)), requires_grad, device, "arange")
    return _finish(built(_steps, start, end, step, as_dtype(dtype)), requires_grad, device, "arange")


def _steps(start: Any, end: Any, step: Any, dtype: Any) -> Any:
    _fits_memory("arange", (end - start) / step)
    return np.arange(start, end, step).astype(dtype, copy=False)


def _integers(start: Any, end: Any, step: Any, dtype: Any) -> Any:
    """Integers from bounds that may be none: cut first, of int64 (only) before they are counted, as in PyTorch."""
    first, stride = int(start), int(step)
    if dtype == np.int64:
        start, end, step = (int(held(v, dtype, "arange")) for v in (start, end, step))
        if not step:
            raise InputError("arange: step must not be 0 among integers, got one between -1 and 1")
        count = -((start - end) // step)  # exact, beyond 2**53, too
    else:
        count = math.ceil((end - start) / step)
    _fits_memory("arange", count)
    return (first + stride * np.arange(count)).astype(dtype, copy=False)


def _fits_memory(who: str, count: float) -> None:
    """NumPy makes none of too many."""
    if count >= 2**60:
        raise InputError(
            f"{who}: start, end and step must be such that the result fits into memory, got {count} numbers"
        )


def range(
    start: Any,
    end: Any,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` to `end`, which is among them: PyTorch's older `arange`.

    Parameters
    ----------
    start, end : number
    step : number
    dtype : dtype, optional
        Default: `get_default_dtype`, of integers, too.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor, 1 dimension

    Raises
    ------
    ValueError
        For a step that leads away from the end, or nowhere, and for bounds that are not finite.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.range(1, 3)
    tensor([1., 2., 3.])
    """
    start, end, step = (_number(v, "range") for v in (start, end, step))
    if not (math.isfinite(start) and math.isfinite(end)):
        raise InputError(f"range: start and end must be finite, got {start} and {end}")
    if not step or (end - start) * step < 0:
        raise InputError(f"range: step must lead from {start} to {end}, got {step}")
    return _finish(built(_closed, start, end, step, _dtype(dtype)), requires_grad, device, "range")


def _closed(start: Any, end: Any, step: Any, dtype: Any) -> Any:
    _fits_memory("range", (end - start) / step)
    if dtype.kind in "fc":
        start, step = float(start), float(step)  # of which NumPy's integers would run over
    return (start + step * np.arange(math.floor((end - start) / step) + 1)).astype(dtype, copy=False)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers at equal distances.

    Parameters
    ----------
    start, end : number
        Both are among them.
    steps : int
        How many.
    dtype : dtype, optional
        Default: `get_default_dtype`, or the complex dtype of its precision for complex numbers.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor, shape (steps,)

    Raises
    ------
    ValueError
        For a negative number of steps.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    spaced = built(_spaced, start, end, steps, dtype, "linspace")
    return _finish(spaced, requires_grad, device, "linspace")


def _spaced(start: Any, end: Any, steps: int, dtype: Any, who: str) -> Any:
    if steps < 0:
        raise InputError(f"{who}: steps must not be negative, got {steps}")
    start, end = _number(start, who, True), _number(end, who, True)
    chosen = _spaced_dtype(dtype, start, end)
    if chosen.kind == "b":
        raise DtypeError(f"{who}: dtype must be one of numbers, got bool")
    if chosen.kind in "iu":  # the ends are cut first, as in PyTorch
        start, end = (int(held(value, chosen, who)) for value in (start, end))
    return np.linspace(start, end, steps).astype(chosen, copy=False)


def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Powers of `base` with exponents at equal distances.

    Parameters
    ----------
    start, end : number
        The first and the last exponent.
    steps : int
        How many.
    base : number
    dtype : dtype, optional
        Default: `get_default_dtype`.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor, shape (steps,)

    Raises
    ------
    ValueError
        For a negative number of steps.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.logspace(-1, 1, 3)
    tensor([ 0.1000,  1.0000, 10.0000])
    """
    start, end, base = (_number(v, "logspace", True) for v in (start, end, base))
    chosen = _spaced_dtype(dtype, start, end, base)
    if chosen.kind in "iu":  # the ends are cut first, as in PyTorch
        start, end = int(start), int(end)
    wide = np.complex128 if chosen.kind == "c" else np.float64
    powers = np.power(np.asarray(base, wide), _spaced(start, end, steps, wide, "logspace"))
    return _finish(powers.astype(chosen), requires_grad, device, "logspace")


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix.

    Parameters
    ----------
    n : int
        Rows.
    m : int, optional
        Columns. Default: as many.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    device : "cpu", optional
    requires_grad : bool

    Returns
    -------
    Tensor, shape (n, m)

    Raises
    ------
    ValueError
        For negative sizes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if n < 0 or (m is not None and m < 0):
        raise InputError(f"eye: n and m must not be negative, got {n} and {m} (both must be greater or equal to 0)")
    return _finish(built(np.eye, n, m, 0, _dtype(dtype)), requires_grad, device, "eye")


def _triangle(kind: str, row: int, col: int, offset: int, dtype: Any, device: Any) -> Any:
    if row < 0 or col < 0:
        raise InputError(f"{kind}_indices: row and col must not be negative, got {row} and {col}")
    found = np.tril_indices(row, offset, col) if kind == "tril" else np.triu_indices(row, offset, col)
    return _finish(np.stack(found).astype(as_dtype(dtype), copy=False), False, device, f"{kind}_indices")


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Places of the elements of a lower triangle, row by row.

    Parameters
    ----------
    row, col : int
        The matrix's size.
    offset : int
        The last diagonal of the triangle: 0 is the main one, 1 the one above it.
    dtype : dtype
    device : "cpu", optional

    Returns
    -------
    Tensor, shape (2, count)
        Rows and columns.

    Raises
    ------
    ValueError
        For negative sizes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.tril_indices(2, 3)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _triangle("tril", row, col, offset, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Places of the elements of an upper triangle, row by row.

    Parameters
    ----------
    row, col : int
        The matrix's size.
    offset : int
        The first diagonal of the triangle: 0 is the main one, 1 the one above it.
    dtype : dtype
    device : "cpu", optional

    Returns
    -------
    Tensor, shape (2, count)
        Rows and columns.

    Raises
    ------
    ValueError
        For negative sizes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.triu_indices(2, 3, 1)
    tensor([[0, 0, 1],
            [1, 2, 2]])
    """
    return _triangle("triu", row, col, offset, dtype, device)


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
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
        raise DtypeError(f"one_hot: class indices must be integers, got {index.dtype}")
    return wrap(hot(index, _count(tensor) if num_classes == -1 else num_classes))


def _count(tensor: Any) -> int:
    index = unwrap(tensor)
    if not index.size:
        raise InputError("one_hot: num_classes must be given where there are no indices")
    return int(index.max()) + 1


def hot(index: Any, count: int) -> Any:
    """Rows with a one at an index each."""
    if index.size and (index.min() < 0 or index.max() >= count):
        raise InputError(f"one_hot: class indices must be in [0, {count - 1}], got {index.min()} to {index.max()}")
    return (index[..., None] == np.arange(count)).astype(np.int64, order="C")
