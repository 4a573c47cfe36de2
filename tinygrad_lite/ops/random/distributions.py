"""`rand`, `randn`, `randint`, `normal`, `randperm` and kin: random tensors."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...dtypes import as_dtype, get_default_dtype
from ...engine.arguments import INTEGER, check
from ...engine.errors import DtypeError, InputError
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes
from ..creation.creation import _finish, only_cpu
from . import generator as _generator
from . import multinomial_bernoulli
from .generator import *
from .multinomial_bernoulli import *
from .multinomial_bernoulli import drawn
from .random_streams import gaussian, last_in_row, permutation, uniform, whole_numbers

__all__ = [
    *_generator.__all__, *multinomial_bernoulli.__all__,
    "normal", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "randperm",
]  # fmt: skip


def _floating(dtype: Any, who: str) -> np.dtype[Any]:
    chosen = as_dtype(get_default_dtype() if dtype is None else dtype)
    if chosen.kind not in "fc":
        raise DtypeError(f"{who}: dtype must be floating point, got {chosen}")
    return chosen


def rand(
    *shape: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
) -> Tensor:
    """Uniform numbers in [0, 1).

    Parameters
    ----------
    *shape : int
        Or one sequence of int.
    size : sequence of int
        The same by name.
    dtype : dtype, optional
        Default: `get_default_dtype`.
    device : "cpu", optional
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
    only_cpu(device, "rand")
    chosen = sizes(shape if size is None else (size,), "rand")
    return _finish(uniform(chosen, _floating(dtype, "rand"), generator), requires_grad)


def randn(
    *shape: Any,
    size: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
) -> Tensor:
    """Standard normal numbers.

    Parameters
    ----------
    *shape : int
        Or one sequence of int.
    size : sequence of int
        The same by name.
    dtype : dtype, optional
        Default: `get_default_dtype`. Complex ones have a variance of 1, too.
    device : "cpu", optional
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
    only_cpu(device, "randn")
    chosen = sizes(shape if size is None else (size,), "randn")
    return _finish(gaussian(chosen, _floating(dtype, "randn"), generator), requires_grad)


def rand_like(
    input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, generator: Any = None
) -> Tensor:
    """`rand` with another tensor's shape.

    Parameters
    ----------
    input : Tensor
    dtype : dtype, optional
        Default: the input's.
    device : "cpu", optional
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
    chosen = x.dtype if dtype is None else dtype
    return rand(*x.shape, dtype=chosen, device=device, requires_grad=requires_grad, generator=generator)


def randn_like(
    input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, generator: Any = None
) -> Tensor:
    """`randn` with another tensor's shape.

    Parameters
    ----------
    input : Tensor
    dtype : dtype, optional
        Default: the input's.
    device : "cpu", optional
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
    chosen = x.dtype if dtype is None else dtype
    return randn(*x.shape, dtype=chosen, device=device, requires_grad=requires_grad, generator=generator)


def randint(
    low: Any = None,
    high: Any = None,
    size: Any = None,
    *,
    dtype: Any = np.int64,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
) -> Tensor:
    """Integers in ``[low, high)``.

    Parameters
    ----------
    low : int, optional
        ``randint(high, size)`` starts at 0, as ``randint(high=high, size=size)``.
    high : int
    size : sequence of int
    dtype : dtype
    device : "cpu", optional
    requires_grad : bool
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
    if isinstance(high, (tuple, list)) or (high is None and size is not None):
        low, high, size = 0, low, high if size is None else size
    low = 0 if low is None else low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint: size must be a tuple of integers, got {size!r}")
    for name, bound in (("low", low), ("high", high)):
        check("randint", name, bound, INTEGER)
    if high <= low:
        raise InputError(f"randint: high must be greater than low, got [{low}, {high})")
    only_cpu(device, "randint")
    return _finish(whole_numbers(low, high, tuple(size), as_dtype(dtype), generator, "randint"), requires_grad)


def randint_like(
    input: Any,
    low: int | None = None,
    high: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
) -> Tensor:
    """`randint` with another tensor's shape.

    Parameters
    ----------
    input : Tensor
    low : int, optional
        ``randint_like(input, high)`` starts at 0, as ``randint_like(input, high=high)``.
    high : int
    dtype : dtype, optional
        Default: the input's.
    device : "cpu", optional
    requires_grad : bool
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.randint_like(tg.zeros(2), 3, 4)
    tensor([3., 3.])
    """
    x = unwrap(input)
    options = {"dtype": x.dtype if dtype is None else dtype, "device": device, "requires_grad": requires_grad}
    return randint(*((0, low) if high is None else (low or 0, high)), x.shape, generator=generator, **options)


def randperm(
    n: int, *, dtype: Any = np.int64, device: Any = None, requires_grad: bool = False, generator: Any = None
) -> Tensor:
    """The integers from 0 to ``n - 1`` in random order.

    Parameters
    ----------
    n : int
    dtype : dtype
    device : "cpu", optional
    requires_grad : bool
    generator : Generator, optional
        Default: the global one.

    Returns
    -------
    Tensor, shape (n,)

    Raises
    ------
    ValueError
        For a negative number.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.randperm(5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    n = operator.index(n)
    if n < 0:
        raise InputError(f"randperm: n must not be negative, got {n}")
    if n - 1 > last_in_row(as_dtype(dtype)):
        raise InputError(f"randperm: n is too large for {as_dtype(dtype)}, which does not hold all of them, got {n}")
    only_cpu(device, "randperm")
    return _finish(permutation(n, as_dtype(dtype), generator), requires_grad)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Any = None,
) -> Tensor:
    """Normal numbers.

    Parameters
    ----------
    mean, std : number or Tensor, of shapes that broadcast
        Their gradients are zero.
    size : sequence of int, optional
        For two numbers. Default: the shape of `mean` and `std`, broadcast.
    dtype : dtype, optional
        Default: that of `mean` or `std`, or `get_default_dtype`.
    device : "cpu", optional
    requires_grad : bool
    generator : Generator, optional
        Default: the global one.

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
    only_cpu(device, "normal")
    shape = np.broadcast_shapes(np.shape(m), np.shape(s)) if size is None else sizes((size,), "normal")
    first = m if isinstance(m, np.ndarray) else s
    chosen = _floating(first.dtype if dtype is None and isinstance(first, np.ndarray) else dtype, "normal")
    out = _normal.record((mean, std, _normal_about(m, s, shape, chosen, generator)))
    return out.requires_grad_() if requires_grad else wrap(out)


_normal = drawn("normal")


def _normal_about(mean: Any, std: Any, shape: Any, dtype: Any, generator: Any) -> Any:
    if np.any(np.asarray(std) < 0):
        raise InputError(
            f"normal: std must not be negative, got {std} (normal expects std >= 0.0, but found std {std})"
        )
    return (gaussian(shape, dtype, generator) * std + mean).astype(dtype, copy=False)
