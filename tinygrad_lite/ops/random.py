"""Random tensors, and random fills in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import as_dtype, get_default_dtype
from ..rules import unwrap, wrap
from . import generator as _generator
from .generator import *
from .generator import stream
from .names import sizes

__all__ = [
    *_generator.__all__, "bernoulli", "multinomial", "normal", "rand", "rand_like", "randint", "randn", "randn_like",
    "randperm",
]  # fmt: skip


def _made(array: Any, dtype: Any, requires_grad: bool) -> Any:
    chosen = get_default_dtype() if dtype is None else as_dtype(dtype)
    out = wrap(np.asarray(array, chosen))
    return out.requires_grad_() if requires_grad else out


def uniform(shape: tuple[int, ...], dtype: Any, generator: Any = None) -> Any:
    """An array of uniform numbers in [0, 1), drawn in the dtype's own precision."""
    dtype = np.dtype(dtype)
    return stream(generator).random(shape, dtype if dtype.itemsize > 2 else np.float32).astype(dtype, copy=False)


def gaussian(shape: tuple[int, ...], dtype: Any, generator: Any = None) -> Any:
    """An array of standard normal numbers, drawn in the dtype's own precision."""
    dtype = np.dtype(dtype)
    drawn = stream(generator).standard_normal(shape, dtype if dtype.itemsize > 2 else np.float32)
    return drawn.astype(dtype, copy=False)


def _floating(dtype: Any, who: str) -> np.dtype[Any]:
    chosen = get_default_dtype() if dtype is None else as_dtype(dtype)
    if chosen.kind != "f":
        raise TypeError(f"{who}: dtype must be floating point, got {chosen}")
    return chosen


def rand(*shape: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Any:
    """Uniform numbers in [0, 1).

    Parameters
    ----------
    *shape : int
        Or one sequence of int.
    size : sequence of int
        The same by name.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    requires_grad : bool
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.rand(2, 3)
    >>> x.shape, bool(((x >= 0) & (x < 1)).all())
    ((2, 3), True)
    """
    chosen = _floating(dtype, "rand")
    return _made(uniform(sizes(shape if size is None else (size,), "rand"), chosen, generator), chosen, requires_grad)


def randn(*shape: Any, size: Any = None, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Any:
    """Standard normal numbers.

    Parameters
    ----------
    *shape : int
        Or one sequence of int.
    size : sequence of int
        The same by name.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    requires_grad : bool
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.randn(2, 3).shape
    (2, 3)
    """
    chosen = _floating(dtype, "randn")
    return _made(gaussian(sizes(shape if size is None else (size,), "randn"), chosen, generator), chosen, requires_grad)


def randint(low: int, high: Any = None, size: Any = None, *, dtype: Any = np.int64, generator: Any = None) -> Any:
    """Integers in ``[low, high)``.

    Parameters
    ----------
    low : int
        ``randint(high, size)`` starts at 0.
    high : int
    size : sequence of int
    dtype : dtype
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For an empty range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.randint(3, 4, (2,))
    tensor([3, 3])
    """
    if size is None:
        high, size = None, high
    if high is None:
        low, high = 0, low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint: size must be a tuple of integers, got {size!r}")
    if high <= low:
        raise ValueError(f"randint: high must be greater than low, got [{low}, {high})")
    return wrap(stream(generator).integers(low, high, tuple(size)).astype(as_dtype(dtype), copy=False))


def randperm(n: int, *, dtype: Any = np.int64, generator: Any = None) -> Any:
    """The integers from 0 to ``n - 1`` in random order.

    Parameters
    ----------
    n : int
    dtype : dtype
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.randperm(5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    return wrap(stream(generator).permutation(n).astype(as_dtype(dtype), copy=False))


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None) -> Any:
    """Normal numbers.

    Parameters
    ----------
    mean, std : number or Tensor
        Their gradient is not known.
    size : sequence of int, optional
        Default: the shape of `mean` and `std`, broadcast.
    generator : Generator, optional
        Default: the global one.
    dtype : dtype, optional
        Default: that of `mean` or `std`, or `get_default_dtype`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        For a negative deviation.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.normal(tg.tensor([1.0, 2.0]), 0.0)
    tensor([1., 2.])
    """
    m, s = unwrap(mean), unwrap(std)
    if np.any(np.asarray(s) < 0):
        raise ValueError(f"normal: std must not be negative, got {std}")
    shape = np.broadcast_shapes(np.shape(m), np.shape(s)) if size is None else sizes((size,), "normal")
    given = [v.dtype for v in (m, s) if isinstance(v, np.ndarray)]
    chosen = _floating(given[0] if dtype is None and given else dtype, "normal")
    return _made(gaussian(shape, chosen, generator) * s + m, chosen, False)


def bernoulli(input: Any, *, generator: Any = None) -> Any:
    """Ones and zeros, with the ones' probabilities.

    Parameters
    ----------
    input : Tensor, floating, in [0, 1]
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, of the input's shape and dtype

    Raises
    ------
    ValueError
        For numbers that are no probabilities.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.bernoulli(tg.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    p = unwrap(input)
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(f"bernoulli: probabilities must be in [0, 1], got {p.min()} to {p.max()}")
    return wrap((uniform(p.shape, np.float64, generator) < p).astype(p.dtype))


def multinomial(input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Any:
    """Indices drawn with given weights.

    Parameters
    ----------
    input : Tensor, shape (n,) or (m, n), floating
        Weights, which need not add up to 1.
    num_samples : int
        How many to draw from each row.
    replacement : bool
        Whether an index can be drawn again.
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, shape (num_samples,) or (m, num_samples), int64

    Raises
    ------
    ValueError
        For weights that are negative, not finite or all zero, and for more samples than there are.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.multinomial(tg.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    weights = np.atleast_2d(unwrap(input)).astype(np.float64)
    if (weights < 0).any() or not np.isfinite(weights).all() or (weights.sum(-1) <= 0).any():
        raise ValueError("multinomial: weights must be finite, not negative, and not all zero in a row")
    if not replacement and num_samples > (weights > 0).sum(-1).min():
        raise ValueError(f"multinomial: cannot draw {num_samples} without replacement from fewer positive weights")
    rows = [stream(generator).choice(len(w), num_samples, replacement, w / w.sum()) for w in weights]
    return wrap(np.stack(rows).reshape(*unwrap(input).shape[:-1], num_samples).astype(np.int64))


def rand_like(input: Any, *, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Any:
    """`rand` with another tensor's shape.

    Parameters
    ----------
    input : Tensor
    dtype : dtype, optional
        Default: the input's.
    requires_grad : bool
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.rand_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    x = unwrap(input)
    return rand(
        size=x.shape, dtype=x.dtype if dtype is None else dtype, requires_grad=requires_grad, generator=generator
    )


def randn_like(input: Any, *, dtype: Any = None, requires_grad: bool = False, generator: Any = None) -> Any:
    """`randn` with another tensor's shape.

    Parameters
    ----------
    input : Tensor
    dtype : dtype, optional
        Default: the input's.
    requires_grad : bool
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.randn_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    x = unwrap(input)
    return randn(
        size=x.shape, dtype=x.dtype if dtype is None else dtype, requires_grad=requires_grad, generator=generator
    )


# --- in-place fills ---------------------------------------------------------------------------------------------


def _filled(tensor: Any, values: Any, who: str) -> Any:
    return tensor._overwrite(np.asarray(values).astype(tensor.dtype, copy=False), who)


def uniform_(self: Any, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Any:
    """Fill with uniform numbers in ``[a, b)``."""
    if a > b:
        raise ValueError(f"uniform_: a must not exceed b, got [{a}, {b})")
    return _filled(self, uniform(self.shape, self.dtype, generator) * (b - a) + a, "uniform_")


def normal_(self: Any, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Any:
    """Fill with normal numbers."""
    if std < 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    return _filled(self, gaussian(self.shape, self.dtype, generator) * std + mean, "normal_")


def bernoulli_(self: Any, p: float = 0.5, *, generator: Any = None) -> Any:
    """Fill with ones with probability `p`, zeros else."""
    if not 0 <= p <= 1:
        raise ValueError(f"bernoulli_: p must be in [0, 1], got {p}")
    return _filled(self, uniform(self.shape, np.float64, generator) < p, "bernoulli_")
