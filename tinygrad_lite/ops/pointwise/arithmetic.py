"""`add`, `mul`, `div`, `pow`, `remainder`, `sqrt`: arithmetic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import promotion
from ...engine.door import older_order
from ...engine.errors import InputError
from ...engine.fast_calls import elementwise
from ...kernels.elementwise import remainder as loops
from ...kernels.elementwise.fused import fused
from ...kernels.elementwise.half_precision import EXACT, of_half
from ...kernels.single_precision import rounded_once
from ...rules import unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import describe

__all__ = [
    "abs", "absolute", "add", "div", "divide", "floor_divide", "fmod", "mul", "multiply", "neg", "negative",
    "positive", "pow", "power", "reciprocal", "remainder", "rsqrt", "sqrt", "square", "sub", "subtract",
    "true_divide",
]  # fmt: skip
METHODS = """
    abs_ absolute_ add_ div_ divide_ floor_divide_ fmod_ mul_ multiply_ neg_ negative_ positive pow_
    reciprocal_ remainder_ rsqrt_ sqrt_ square_ sub_ subtract_ true_divide_
"""


def flat(g: Any) -> Any:
    """The gradient of a step function; a product with zero would make NaN of an infinite `g`."""
    return np.zeros_like(g)


def opposite(g: Any) -> Any:
    """The gradient of what is subtracted."""
    return -g


EXACT.update({flat: flat, opposite: EXACT[np.negative]})

_add = elementwise(np.add, complex=True, name="add", x=lambda g: g, y=lambda g: g)
_subtract = elementwise(np.subtract, complex=True, name="sub", x=lambda g: g, y=opposite)
mul = multiply = elementwise(np.multiply, complex=True, name="mul", x=lambda g, y: g * y, y=lambda g, x: g * x)
true_divide = elementwise(
    np.true_divide, complex=True, name="div", x=lambda g, y: g / y, y=lambda g, x, y: -g * (x / y / y)
)  # not by the result, which may be overwritten: `p = e / e.sum(); p += 1`
neg = negative = elementwise(np.negative, complex=True, name="neg", x=opposite)
positive = elementwise(np.positive, complex=True, x=lambda g: g)
square = elementwise(np.square, complex=True, x=lambda g, x: g * (2 * x))
sqrt = elementwise(np.sqrt, complex=True, x=fused(lambda g, out: g / (2 * out)))
reciprocal = elementwise(
    lambda x: 1 / x, complex=True, name="reciprocal", numpy=np.reciprocal, x=lambda g, out: -g * out * out
)
rsqrt = elementwise(
    lambda x: 1 / np.sqrt(x), complex=True, name="rsqrt", x=lambda g, out: g * (-0.5 * (out * out * out))
)
abs = absolute = elementwise(np.absolute, name="abs", x=lambda g, x: g * np.sign(x))


class DivisionByZero(ZeroDivisionError, RuntimeError):
    """Integers divided by zero: Python's class of error, and PyTorch's."""


def _integers(x: Any, y: Any, who: str) -> bool:
    """Whether two operands are integers; they cannot be divided by zero, where NumPy's answer is zero."""
    if np.asarray(x if isinstance(x, np.ndarray) else y).dtype.kind not in "biu":
        return False
    if not np.all(y):
        raise DivisionByZero(f"{who}: integers cannot be divided by 0 (ZeroDivisionError)")
    return True


def _divided(function: Any, who: str) -> Any:
    """A division with remainder, refusing zeros where NumPy gives some number for them."""

    def divide(x: Any, y: Any) -> Any:
        _integers(x, y, who)
        return function(x, y)

    return divide


def _left_over(formula: Any, of_arrays: Any, of_number: Any, who: str) -> Any:
    """A remainder, or a quotient cut, of two arrays, or of an array and a number."""
    arrays, number = fused(formula, of_arrays), fused(formula, of_number)
    return _divided(lambda x, y: (number if type(y) in (int, float) else arrays)(x, y), who)


_remainder = _left_over(np.remainder, loops.remainder, loops.remainder_number, "remainder")
_fmod = _left_over(np.fmod, loops.fmod, loops.fmod_number, "fmod")
remainder = elementwise(
    lambda x, y: _remainder(x, y), name="remainder", numpy=np.remainder, numbers="one",
    x=lambda g: g, y=fused(lambda g, x, y: -g * np.floor_divide(x, y), loops.floor_slope)
)  # fmt: skip


def _wide(function: Any) -> Any:
    """A function of two that gets float32 in place of float16, beside which numbers keep their digits."""

    def divide(x: Any, y: Any) -> Any:
        half = np.float16 in [v.dtype for v in (x, y) if type(v) is np.ndarray]
        return of_half(function, x, y) if half else function(x, y)

    return divide


def _towards_zero(x: Any, y: Any) -> Any:
    if not _integers(x, y, "div"):
        return np.trunc(np.true_divide(x, y))
    quotient = np.floor_divide(x, y)  # exact, where a float would round
    return quotient + ((quotient < 0) & (quotient * y != x))


_trunc_divide = elementwise(_wide(_towards_zero), name="trunc_divide", ordered=True, x=flat, y=flat)
fmod = elementwise(
    lambda x, y: _fmod(x, y), name="fmod", numpy=np.fmod, numbers="second",
    x=lambda g: g, y=lambda g, x, y: -g * _trunc_divide(x, y)
)  # fmt: skip
floor_divide = elementwise(
    _wide(_left_over(np.floor_divide, loops.floor_divide, loops.floor_divide_number, "floor_divide")),
    name="floor_divide",
    numpy=np.floor_divide,
    x=flat,
    y=flat,
)


_cube = fused(lambda x: x * x * x)  # of many elements NumPy's passes take twice as long
_SLOPES: dict[Any, Any] = {2: fused(lambda g, x: g * (2 * x)), 3: fused(lambda g, x: g * (3 * (x * x)))}
_PRODUCTS: dict[Any, Any] = {  # exponents for which NumPy calls a function of the C library for each element
    4: lambda x: np.square(x * x), -2: lambda x: np.reciprocal(x * x),
    -0.5: lambda x: np.reciprocal(np.sqrt(x)),
}  # fmt: skip


def _power(x: Any, y: Any) -> Any:
    if type(y) in (int, float):
        if y == 3 and x.dtype.kind in "fc":
            return _cube(x)
        if y in _PRODUCTS and type(x) is np.ndarray and x.dtype.kind in "fc":  # of Tensors slopes at 0 would differ
            return _PRODUCTS[y](x)
    if type(y) is np.ndarray and y.dtype.kind == "i" and (y < 0).any():
        return _integer_power(x, y)
    return x**y  # the operator knows that x**2 is a square; the ufunc does not


def _integer_power(x: Any, y: Any) -> Any:
    """Powers with negative exponents among integers: 1 / x**n cut to an integer, and 0 for x = 0, as in PyTorch."""
    kept = np.where(np.equal(np.absolute(x), 1), np.absolute(y) % 2, 0)  # only 1 and -1 have such powers
    cut = np.where(np.absolute(x) == 1, x**kept, np.zeros_like(y))
    return np.where(y < 0, cut, x ** np.maximum(y, 0))


def _power_x(g: Any, x: Any, y: Any) -> Any:
    if type(y) in (int, float):  # a constant exponent: no need to guard what cannot happen
        if y in _SLOPES:
            return _SLOPES[y](g, x)
        return flat(g) if y == 0 else g * (y * _power(x, y - 1))
    constant = np.equal(y, 0)
    return np.where(constant, 0.0, g * (y * x ** np.where(constant, 1.0, y - 1)))


def _power_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    if type(x) in (int, float):  # numbers must not widen what they meet
        if x > 0:
            return g * (out * math.log(x))
        x = unwrap(out).dtype.type(x)
    vanishes = np.equal(x, 0) & np.greater_equal(np.real(y), 0)  # 0**y stays 0: PyTorch's convention
    return np.where(vanishes, 0.0, g * (out * np.log(np.where(vanishes, 1.0, x))))


power = elementwise(_power, complex=True, name="pow", numpy=np.power, x=_power_x, y=_power_y)


def pow(input: Any, exponent: Any) -> Tensor:
    """Power, ``input**exponent``; at ``0**0`` the derivatives are 0.

    Parameters
    ----------
    input, exponent : Tensor or number, of shapes that broadcast

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.pow(tg.tensor([2.0, 3.0]), 3)
    tensor([ 8., 27.])
    """
    return power(input, exponent)


def _times(other: Any, alpha: Any, input: Any, who: str) -> Any:
    """``other * alpha``, in a dtype that `input` and `other` decide, and `alpha` does not."""
    kind = promotion.highest_kind(input, other)
    if type(alpha) is bool and kind != "b":
        raise InputError(f"{who}: alpha must be a number as the operands, got {alpha} "
                         "(Boolean alpha only supported for Boolean results)")  # fmt: skip
    if (type(alpha) is complex and kind != "c") or (type(alpha) is float and kind in "biu"):
        raise InputError(f"{who}: alpha must be {'real' if kind == 'f' else 'an integer'} as the operands, got {alpha}")
    if kind == "b":
        alpha = bool(alpha)  # of booleans alone alpha is one, too
    elif kind in "iu" and type(alpha) is int:
        return integer_multiple(other, alpha, promotion.common((unwrap(input), unwrap(other))), who)
    return other * alpha


def integer_multiple(other: Any, alpha: int, dtype: Any, who: str) -> Any:
    """``other * alpha`` in an integer dtype, modulo 2^bits as all products of integers: of -3 times bytes, too."""
    factor = promotion.held(alpha, dtype, who)
    if hasattr(other, "astype"):
        return other.astype(dtype) * factor
    with np.errstate(over="ignore"):
        return promotion.held(other, dtype, who) * factor


@rounded_once
def _add_multiple(input: Any, other: Any, alpha: Any) -> Tensor:
    return _add(input, _times(other, alpha, input, "add"))


@rounded_once
def _sub_multiple(input: Any, other: Any, alpha: Any) -> Tensor:
    return _subtract(input, _times(other, alpha, input, "sub"))


def add(input: Any, other: Any, *older: Any, alpha: Any = 1) -> Tensor:
    """``input + alpha * other``.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast
    *older : Tensor
        `other`, where `alpha` stands before it, as in PyTorch's older programs.
    alpha : number

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.add(tg.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([21., 22.])
    """
    if older:
        made: Tensor = older_order(add, "add", ("alpha",), (input, other, *older))
        return made
    if type(alpha) is int and alpha == 1:
        return _add(input, other)
    return _add_multiple(input, other, alpha)


def sub(input: Any, other: Any, *older: Any, alpha: Any = 1) -> Tensor:
    """``input - alpha * other``.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast
    *older : Tensor
        `other`, where `alpha` stands before it, as in PyTorch's older programs.
    alpha : number

    Returns
    -------
    Tensor, of the broadcast shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.sub(tg.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([-19., -18.])
    """
    if older:
        made: Tensor = older_order(sub, "sub", ("alpha",), (input, other, *older))
        return made
    if type(alpha) is int and alpha == 1:
        return _subtract(input, other)
    return _sub_multiple(input, other, alpha)


subtract = sub


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast
    rounding_mode : None, "trunc" or "floor"
        Round the quotient towards zero or down; its gradient is zero then.

    Returns
    -------
    Tensor, of the broadcast shape
        Floating, also of integers, unless rounded.

    Raises
    ------
    ValueError
        For another rounding mode.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.div(tg.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> tg.div(tg.tensor([7, -7]), 2, rounding_mode="floor")
    tensor([ 3, -4])
    """
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return _trunc_divide(input, other)
    raise InputError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")


divide = div


__test__ = describe(
    globals(),
    """
    abs          | Magnitude; its derivative at 0 is 0.                   | -1.5, 2.0          | [1.5000, 2.0000]
    floor_divide | Quotient rounded down; its gradient is zero.           | 7.0, -7.0; 2.0     | [ 3., -4.]
    fmod         | Remainder of a division, with the sign of the dividend. | 7.0, -7.0; 4.0    | [ 3., -3.]
    mul          | Product.                                               | 1.0, 2.0; 3.0, 4.0 | [3., 8.]
    neg          | Opposite, -x.                                          | 1.0, -2.0          | [-1.,  2.]
    positive     | The same, +x.                                          | 1.0, -2.0          | [ 1., -2.]
    power        | Power, x^y; at 0^0 the derivatives are 0.              | 2.0, 3.0; 3.0, 2.0 | [8., 9.]
    reciprocal   | 1 / x.                                                 | 2.0, 4.0           | [0.5000, 0.2500]
    remainder    | Remainder of a division, with the sign of the divisor. | 7.0, -7.0; 4.0     | [3., 1.]
    rsqrt        | 1 / sqrt(x).                                           | 4.0, 16.0          | [0.5000, 0.2500]
    sqrt         | Square root; its derivative at 0 is infinite.          | 4.0, 9.0           | [2., 3.]
    square       | Square.                                                | 3.0, -4.0          | [ 9., 16.]
    true_divide  | Quotient.                                              | 6.0, 3.0; 2.0      | [3.0000, 1.5000]
    """,
)
