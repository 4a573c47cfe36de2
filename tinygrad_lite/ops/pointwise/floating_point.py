"""What floating point numbers are made of: sign, fraction, exponent, neighbours, and those that are no numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...dtypes import get_default_dtype
from ...engine.arguments import refuse_numbers, with_numbers
from ...engine.fast_calls import elementwise
from ...kernels.elementwise.fused import fused
from ...promotion import common
from ...rules import FAST, differentiable, unwrap, wrap
from ...tensors.row_types import Binary, Floating, Unary
from ...tensors.tensor_type import Tensor
from ..argument_names import describe, floating_only, one_dtype
from .arithmetic import flat, mul
from .clamp_round_where import masked, where
from .clamp_round_where import sign as sgn  # there are no complex signs here
from .clamp_round_where import trunc as fix
from .exp_log_trig import exp2

__all__ = ["copysign", "fix", "frac", "frexp", "heaviside", "ldexp", "nan_to_num", "nextafter", "sgn"]
METHODS = "copysign_ fix_ frac_ frexp heaviside_ ldexp_ nan_to_num_ nextafter_ sgn_"

frac = elementwise(lambda x: x - np.trunc(x), name="frac", x=lambda g: g)
copysign = elementwise(np.copysign, numbers="second", x=lambda g, x, out: g * (np.sign(x) * np.sign(out)), y=flat)
nextafter = elementwise(np.nextafter, numbers="", x=lambda g, x, y: masked(g, np.not_equal(x, y)), y=flat)
_heaviside = elementwise(np.heaviside, x=flat, y=lambda g, x: masked(g, np.equal(x, 0)))


def heaviside(input: Any, values: Any) -> Tensor:
    """0 where negative, 1 where positive, `values` at zero.

    The gradient is that of the formula: zero, but for `values` where they show. PyTorch has none. NaN stays NaN, and
    becomes 0 in PyTorch.

    Parameters
    ----------
    input, values : Tensor, real, of one dtype, and of shapes that broadcast

    Returns
    -------
    Tensor, of the broadcast shape

    Raises
    ------
    TypeError
        For two dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.heaviside(tg.tensor([-1.5, 0.0, 2.0]), tg.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    refuse_numbers("heaviside", "", input, values)
    one_dtype("heaviside", input=input, values=values)
    if unwrap(input).dtype.kind != "f":  # which floats may not hold
        return where(input == 0, values, (input > 0).to(unwrap(values).dtype))
    return _heaviside(input, values)


# --- powers of two ----------------------------------------------------------------------------------------------


class Frexp(NamedTuple):
    """A number is ``mantissa * 2**exponent``."""

    mantissa: Tensor
    exponent: Tensor


_mantissa: Unary = elementwise(
    lambda x: np.frexp(x)[0], name="frexp", x=lambda g, x: _scaled(g, -np.frexp(unwrap(x))[1])
)


def frexp(input: Floating) -> Frexp:
    """Numbers taken apart into a mantissa in (-1, -0.5], 0 or [0.5, 1), and an exponent of 2.

    Parameters
    ----------
    input : Tensor, floating

    Returns
    -------
    named tuple (mantissa, exponent) of Tensors
        The exponents are int32.

    Raises
    ------
    TypeError
        For integers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> mantissa, exponent = tg.frexp(tg.tensor([1.0, 6.0]))
    >>> mantissa, exponent
    (tensor([0.5000, 0.7500]), tensor([1, 3], dtype=int32))
    """
    return Frexp(_mantissa(floating_only(input, "frexp")), wrap(binary_exponents(unwrap(input))))


def binary_exponents(x: Any) -> Any:
    """The powers of two of numbers whose fractions are at least a half, and below 1."""
    return np.frexp(x)[1]


_scaled: Binary = elementwise(np.ldexp, name="ldexp", promotes=(), x=lambda g, y: _scaled(g, y), y=flat)


def exponents(e: Any) -> Any:
    """As 32 bits, since all is 0 or infinite where one has more."""
    return np.clip(unwrap(e), -5000, 5000).astype(np.int32)


def ldexp(input: Any, other: Any) -> Tensor:
    """``input * 2**other``, without rounding where `other` is an integer.

    Parameters
    ----------
    input : Tensor
    other : Tensor or number, of a shape that broadcasts
        Usually integers; floating exponents have a gradient, too.

    Returns
    -------
    Tensor, of the broadcast shape, floating

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.ldexp(tg.tensor([1.0, 3.0]), tg.tensor([1, 2]))
    tensor([ 2., 12.])
    """
    refuse_numbers("ldexp", "", input, other)
    exponent = np.asarray(unwrap(other))
    if exponent.dtype.kind in "fc":
        dtype = common((unwrap(input), unwrap(other)))  # in which the power is rounded, too
        return mul(input, exp2(other.to(dtype) if isinstance(other, Tensor) else other))
    if unwrap(input).dtype.kind == "c":
        return mul(input, exp2(wrap(exponent.astype(unwrap(input).real.dtype))))
    if unwrap(input).dtype.kind not in "fc":
        input = input.to(get_default_dtype())
    return _scaled(input, exponents(other))


FAST[np.ldexp], FAST[np.frexp] = with_numbers(ldexp), frexp

# --- no numbers -------------------------------------------------------------------------------------------------


def nan_to_num_of(x: Any, nan: float, posinf: float | None, neginf: float | None) -> Any:
    """NumPy's function, of an array."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


_replaced = fused(nan_to_num_of)


@differentiable(x=lambda g, x: masked(g, np.isfinite(x)), name="nan_to_num")
def _nan_to_num(x: Any, nan: float, posinf: float | None, neginf: float | None) -> Any:
    if x.dtype == np.float32:
        largest = float(np.finfo(np.float32).max)
        posinf, neginf = largest if posinf is None else posinf, -largest if neginf is None else neginf
    return _replaced(x, nan, posinf, neginf)


def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Numbers for NaN and infinities; the gradient is zero there.

    Parameters
    ----------
    input : Tensor
    nan : float, optional
        For NaN; 0 by default.
    posinf, neginf : float, optional
        For the infinities; by default the largest and the smallest number of the dtype.

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.nan_to_num(tg.tensor([1.0, float("nan"), float("-inf")]), neginf=-9.0)
    tensor([ 1.,  0., -9.])
    """
    return _nan_to_num.record((input, 0.0 if nan is None else nan, posinf, neginf))


def _np_nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if not copy:
        raise TypeError("np.nan_to_num: copy=False is not possible on Tensors; use nan_to_num_")
    return nan_to_num(x, nan, posinf, neginf)


FAST[np.nan_to_num] = _np_nan_to_num

__test__ = describe(
    globals(),
    """
    frac      | The fractional part, x - trunc(x).                            | 1.5, -2.25    | [ 0.5000, -0.2500]
    copysign  | The size of the first with the sign of the second.            | 1.0, 2.0; -1.0 | [-1., -2.]
    nextafter | The next number of the dtype in the direction of another one. | 1.0; 2.0      | [1.0000]
    """,
)
