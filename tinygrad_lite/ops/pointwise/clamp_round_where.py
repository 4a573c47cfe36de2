"""Piecewise functions: the larger of two, limits, choices, rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import promotion, rules
from ...dtypes import as_dtype
from ...engine.blame import came
from ...engine.errors import DtypeError, InputError
from ...engine.fast_calls import elementwise
from ...kernels.elementwise.scalar_forms import in_loops
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.row_types import Binary
from ...tensors.tensor_type import Tensor
from ..argument_names import describe
from .arithmetic import flat

__all__ = [
    "ceil", "clamp", "clip", "floor", "fmax", "fmin", "maximum", "minimum", "round", "sign", "trunc", "where",
]  # fmt: skip
METHODS = "ceil_ clamp_ clip_ floor_ fmax fmin maximum minimum round_ sign_ trunc_"
SPECIAL = "round"

_BOOL = np.dtype(np.bool_)
_FEW = 4096  # elements
_BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}


@in_loops(lambda x, y: x if y else 0)
def masked_of(x: Any, y: Any) -> Any:
    bits = _BITS.get(x.dtype)
    if bits is None:
        return np.where(y, x, x.dtype.type(0))
    return np.multiply(x.view(bits), y).view(x.dtype)  # 0 times anything is 0 for bits, in half of np.where's time


masked: Binary = elementwise(masked_of, complex=True, name="masked", promotes=(), x=lambda g, y: masked(g, y), y=flat)
masked.__doc__ = "``x`` where the mask ``y`` holds, zero elsewhere, whatever ``x`` is there: infinite, or not a number."


def quotient_or_zero(x: Any, y: Any) -> Any:
    """``x / y``, and zero where `y` is: what has no size has no direction, and nothing flows through it."""
    return masked(x / np.where(np.equal(y, 0), 1.0, y), np.not_equal(y, 0))


def _larger(g: Any, x: Any, y: Any) -> Any:
    """The part of a maximum's gradient that goes to `x`; ties share it."""
    return np.where(np.equal(x, y), 0.5 * g, masked(g, np.logical_not(np.less(x, y))))


def _smaller(g: Any, x: Any, y: Any) -> Any:
    return np.where(np.equal(x, y), 0.5 * g, masked(g, np.logical_not(np.greater(x, y))))


def _first_max(x: Any, y: Any) -> Any:
    return np.greater_equal(x, y) | np.isnan(y)


def _first_min(x: Any, y: Any) -> Any:
    return np.less_equal(x, y) | np.isnan(y)


maximum = elementwise(
    np.maximum, ordered=True, numbers="", x=lambda g, x, y: _larger(g, x, y), y=lambda g, x, y: _larger(g, y, x)
)
minimum = elementwise(
    np.minimum, ordered=True, numbers="", x=lambda g, x, y: _smaller(g, x, y), y=lambda g, x, y: _smaller(g, y, x)
)
fmax = elementwise(
    np.fmax,
    ordered=True,
    numbers="",
    x=lambda g, x, y: masked(g, _first_max(x, y)),
    y=lambda g, x, y: masked(g, np.logical_not(_first_max(x, y))),
)
fmin = elementwise(
    np.fmin,
    ordered=True,
    numbers="",
    x=lambda g, x, y: masked(g, _first_min(x, y)),
    y=lambda g, x, y: masked(g, np.logical_not(_first_min(x, y))),
)

sign = elementwise(np.sign, booleans=True, x=flat)
floor = elementwise(np.floor, x=flat)
ceil = elementwise(np.ceil, x=flat)
trunc = elementwise(np.trunc, x=flat)
rint = elementwise(np.rint, x=flat)


@differentiable(a=flat, numpy=np.round, name="round", single="each")
def _round(a: Any, decimals: int = 0) -> Any:
    return np.round(a, decimals)


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """Round to a number of decimals, halves to even; the gradient is zero.

    Parameters
    ----------
    input : Tensor
    decimals : int
        May be negative.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.round(tg.tensor([0.5, 1.5, 2.4]))
    tensor([0., 2., 2.])
    """
    return _round.record((input, decimals))


# --- limits -----------------------------------------------------------------------------------------------------


def _within(g: Any, a: Any, a_min: Any, a_max: Any) -> Any:
    if a_min is None:
        return masked(g, np.less_equal(a, a_max))
    inside = np.greater_equal(a, a_min)
    return masked(g, inside if a_max is None else inside & np.less_equal(a, a_max))


def _below(g: Any, a: Any, a_min: Any, a_max: Any) -> Any:
    low = np.less(a, a_min)
    return masked(g, low if a_max is None else low & np.less(a_min, a_max))


def _above(g: Any, a: Any, a_min: Any, a_max: Any) -> Any:
    high = np.greater(a, a_max)
    return masked(g, high if a_min is None else high | np.greater(a_min, a_max))


@differentiable(a=_within, a_min=_below, a_max=_above, name="clamp", single="each", promotes=("a", "a_min", "a_max"))
def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    if a.dtype.kind != "f" or a.size > _FEW:
        return np.clip(a, a_min, a_max)
    out = a if a_min is None else np.maximum(a, a_min)  # what np.clip looks at takes longer than few elements
    return out if a_max is None else np.minimum(out, a_max)


def _np_clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return _clip.record((a, a_min if min is None else min, a_max if max is None else max))


FAST[np.clip] = _np_clip


def ordered(x: Any, who: str) -> Any:
    """What is given, unless it holds complex numbers, which have no order."""
    dtype = getattr(x, "dtype", None)
    if dtype.kind == "c" if dtype is not None else type(x) is complex:
        raise DtypeError(f"{who}: the input must hold real numbers, got {dtype or 'complex'}")
    return x


def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """Limit to ``[min, max]``. The gradient at a limit goes to `input`, as in PyTorch.

    Parameters
    ----------
    input : Tensor
    min, max : Tensor or number, optional
        At least one of them. Where `min` exceeds `max`, the result is `max`.

    Returns
    -------
    Tensor, of the broadcast shape

    Raises
    ------
    ValueError
        Without any limit.
    TypeError
        For complex numbers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.clamp(tg.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise InputError("clamp: At least one of 'min' or 'max' must not be None")
    limits = [v if v is None else ordered(v, "clamp") for v in (min, max)]
    return _clip.record((ordered(input, "clamp"), *limits))


clip = clamp

# --- choices ----------------------------------------------------------------------------------------------------


def _where(condition: Any, x: Any, y: Any) -> Any:
    out = np.where(condition, x, y)
    if out.dtype.kind not in "biufc":
        raise TypeError(f"where: input and other must be Tensors, arrays or numbers, got {came(x)} and {came(y)}")
    return out


_where_op = differentiable(
    _where,
    name="where",
    complex=True,
    promotes=("x", "y"),
    x=lambda g, condition: masked(g, condition),
    y=lambda g, condition: masked(g, np.logical_not(condition)),
)


def _np_where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None or y is None:
        return where(np.asarray(unwrap(condition), np.bool_), x, y)
    if not isinstance(condition, rules.Tensor) or not (isinstance(x, rules.Tensor) or isinstance(y, rules.Tensor)):
        condition = np.asarray(unwrap(condition), np.bool_)
    elif condition._data.dtype != _BOOL:
        condition = np.not_equal(condition, 0)
    return _where_op.record((condition, x, y))


FAST[np.where] = _np_where


def _numbers_held(value: Any, like: Any) -> None:
    """Refuse a number that the dtype of what it stands beside does not hold."""
    its = getattr(like, "dtype", None) if type(value) in promotion.NUMBERS else None
    if its is not None and promotion.highest_kind(like, value) == its.kind:
        promotion.held(value, as_dtype(its), "where")


def where(condition: Any, input: Any = None, other: Any = None) -> Tensor:
    """``input`` where the condition holds, ``other`` elsewhere; with the condition alone, its nonzero indices.

    Parameters
    ----------
    condition : Tensor, bool
    input, other : Tensor or number, of shapes that broadcast against the condition's

    Returns
    -------
    Tensor, of the broadcast shape
        Or a tuple of index Tensors, one for each dimension.

    Raises
    ------
    TypeError
        For a condition that is not boolean.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([-1.0, 2.0])
    >>> tg.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    if input is None and other is None:
        return wrap(np.nonzero(unwrap(condition)))
    if input is None or other is None:
        raise TypeError("where: input and other must both be given, or none of them")
    kind = condition._data.dtype if type(condition) is rules.Tensor else np.asarray(unwrap(condition)).dtype
    if kind is not _BOOL and kind != _BOOL:
        if kind != np.uint8:
            raise DtypeError(f"where: condition must be boolean, got dtype {kind}")
        condition = unwrap(condition) != 0  # as masks of bytes select everywhere
    if type(input) is not rules.Tensor or type(other) is not rules.Tensor:
        _numbers_held(input, other)
        _numbers_held(other, input)
    return _where_op.record((condition, input, other))


__test__ = describe(
    globals(),
    """
    maximum | The larger of two, NaN if one is; ties share the gradient.  | 1.0, 5.0; 3.0, 2.0 | [3., 5.]
    minimum | The smaller of two, NaN if one is; ties share the gradient. | 1.0, 5.0; 3.0, 2.0 | [1., 2.]
    fmax    | The larger of two, the other one where one is NaN.          | 1.0, 5.0; 3.0, float("nan") | [3., 5.]
    fmin    | The smaller of two, the other one where one is NaN.         | 1.0, 5.0; 3.0, float("nan") | [1., 5.]
    sign    | -1, 0 or 1; its gradient is zero.                           | -1.5, 0.0, 3.0     | [-1.,  0.,  1.]
    floor   | Rounded down; its gradient is zero.                         | -1.5, 1.5          | [-2.,  1.]
    ceil    | Rounded up; its gradient is zero.                           | -1.5, 1.5          | [-1.,  2.]
    trunc   | Rounded towards zero; its gradient is zero.                 | -1.5, 1.5          | [-1.,  1.]
    """,
)
