"""Questions: comparisons, logic and bits. The answers carry no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import rules
from ...engine.arguments import operand, refuse_numbers
from ...engine.blame import blame
from ...engine.errors import DtypeError, InputError
from ...kernels.elementwise.half_precision import of_two
from ...promotion import cast_pair, like
from ...rules import FAST, unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import describe, one_dtype, other_names

__all__ = [
    "allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "eq", "equal", "ge", "greater", "greater_equal", "gt", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf",
    "isposinf", "le", "left_shift", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "lt", "ne", "not_equal", "right_shift", "signbit",
]  # fmt: skip
METHODS = """
    allclose bitwise_and_ bitwise_left_shift_ bitwise_not_ bitwise_or_ bitwise_right_shift_ bitwise_xor_ eq_
    equal ge_ greater_ greater_equal_ gt_ isclose isfinite isinf isnan isneginf isposinf le_ less_ less_equal_
    logical_and_ logical_not_ logical_or_ logical_xor_ lt_ ne_ not_equal_ signbit
"""


_F16, _F32, _F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)


def _values(value: Any, who: str) -> Any:
    return value._data if isinstance(value, rules.Tensor) else operand(value, who)


def _ordered(who: str, x: Any, y: Any) -> tuple[Any, Any]:
    x, y = cast_pair(who, x, y)
    if "c" in (np.asarray(x).dtype.kind, np.asarray(y).dtype.kind):
        raise DtypeError(f"{who}: complex numbers have no order (not implemented for them)")
    return x, y


def _as_they_are(_: str, x: Any, y: Any) -> tuple[Any, Any]:
    return x, y


def _whole(who: str, x: Any, y: Any) -> tuple[Any, Any]:
    x, y = cast_pair(who, x, y)
    if np.asarray(x).dtype.kind == np.asarray(y).dtype.kind == "b":
        raise DtypeError(f"{who}: booleans have no bits to move (not implemented for 'Bool')")
    return x, y


def _question(function: Any, name: str | None = None, meeting: Any = cast_pair, numbers: str = "") -> Any:
    """A function of arrays, for Tensors; two are compared where they meet. `numbers`: see `elementwise`."""

    def one(input: Any) -> Any:
        try:
            return wrap(function(_values(input, one.__name__)))
        except Exception as error:
            raise blame(error, one.__name__, ("input",), (input,), one) from None

    def any_two(input: Any, other: Any) -> Any:
        try:
            x = input._data if type(input) is rules.Tensor else _values(input, two.__name__)
            y = other._data if type(other) is rules.Tensor else _values(other, two.__name__)
            dtype = getattr(x, "dtype", None)
            if (dtype is not _F32 and dtype is not _F64) or getattr(y, "dtype", None) is not dtype:
                x, y = meeting(two.__name__, x, y)
            return wrap(of_two(function, x, y) if dtype is _F16 else function(x, y))
        except Exception as error:
            raise blame(error, two.__name__, ("input", "other"), (input, other), two) from None

    def two(input: Any, other: Any) -> Any:
        if type(input) is not rules.Tensor or type(other) is not rules.Tensor:
            refuse_numbers(two.__name__, numbers, input, other)
        return any_two(input, other)

    binary = getattr(function, "nin", 1) == 2
    answer: Any = two if binary else one
    answer.beside_a_tensor = any_two if binary else one  # an operator needs not ask whether both are numbers
    any_two.__name__ = any_two.__qualname__ = answer.__name__ = answer.__qualname__ = name or function.__name__
    FAST[function] = any_two if binary else one  # NumPy's function takes numbers
    return answer


_SECOND: Any = {"numbers": "second"}
_ONE: Any = {"numbers": "one"}
eq, ne = _question(np.equal, "eq", **_SECOND), _question(np.not_equal, "ne", **_SECOND)
lt, le = _question(np.less, "lt", _ordered, **_SECOND), _question(np.less_equal, "le", _ordered, **_SECOND)
gt, ge = _question(np.greater, "gt", _ordered, **_SECOND), _question(np.greater_equal, "ge", _ordered, **_SECOND)
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
isnan, isinf, isfinite = _question(np.isnan), _question(np.isinf), _question(np.isfinite)
isposinf, isneginf = _question(np.isposinf), _question(np.isneginf)
signbit = _question(np.signbit)
logical_and, logical_or = (
    _question(np.logical_and, meeting=_as_they_are),
    _question(np.logical_or, meeting=_as_they_are),
)
logical_xor, logical_not = _question(np.logical_xor, meeting=_as_they_are), _question(np.logical_not)
bitwise_and, bitwise_or = _question(np.bitwise_and, **_ONE), _question(np.bitwise_or, **_ONE)
bitwise_xor, bitwise_not = _question(np.bitwise_xor, **_ONE), _question(np.invert, "bitwise_not")
left_shift = bitwise_left_shift = _question(np.left_shift, "bitwise_left_shift", _whole, **_ONE)
right_shift = bitwise_right_shift = _question(np.right_shift, "bitwise_right_shift", _whole, **_ONE)


def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether ``|input - other| <= atol + rtol * |other|``.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast
    rtol, atol : float
    equal_nan : bool
        Whether NaN is close to NaN.

    Returns
    -------
    Tensor, of the broadcast shape, bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.isclose(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    refuse_numbers("isclose", "", input, other)
    _tolerances("isclose", input, other, rtol, atol)
    return wrap(_close(unwrap(input), unwrap(other), unwrap(rtol), unwrap(atol), equal_nan))


def _tolerances(who: str, input: Any, other: Any, rtol: Any, atol: Any) -> None:
    """Refuse what makes no number close to any other, and Tensors of two dtypes, as PyTorch does."""
    for name, value in (("rtol", rtol), ("atol", atol)):
        if isinstance(value, (int, float)) and not value >= 0:
            raise InputError(f"{who}: {name} must be a number >= 0, got {value}")
    if isinstance(input, rules.Tensor) and isinstance(other, rules.Tensor):
        one_dtype(who, input=input, other=other)


def _close(x: Any, y: Any, rtol: Any, atol: Any, equal_nan: bool) -> Any:
    return np.isclose(x, y, rtol, atol, equal_nan)


def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all of `isclose`.

    Parameters
    ----------
    input, other : Tensor or number, of shapes that broadcast
    rtol, atol : float
    equal_nan : bool
        Whether NaN is close to NaN.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.allclose(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.1]), atol=0.2)
    True
    """
    _tolerances("allclose", input, other, rtol, atol)
    return bool(np.allclose(unwrap(input), unwrap(other), unwrap(rtol), unwrap(atol), equal_nan))


def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have the same shape and the same values.

    Parameters
    ----------
    input, other : Tensor

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.equal(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.0]))
    True
    """
    return np.array_equal(unwrap(input), unwrap(other))


@other_names(element="elements", test_element="test_elements")
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is one of the others.

    Parameters
    ----------
    elements, test_elements : Tensor or number
    assume_unique : bool
        There are no repeated ones among either, which may help.
    invert : bool
        Ask whether it is none of them.

    Returns
    -------
    Tensor, of the shape of `elements`, bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.isin(tg.tensor([[1, 2], [3, 4]]), tg.tensor([2, 3]))
    tensor([[False,  True],
            [ True, False]])
    """
    return wrap(_among(unwrap(elements), unwrap(test_elements), assume_unique, invert))


def _among(x: Any, wanted: Any, assume_unique: bool, invert: bool) -> Any:
    x, wanted = cast_pair("isin", x, wanted)
    mine, theirs = (getattr(v, "dtype", None) for v in (x, wanted))
    return np.isin(like(x, theirs), like(wanted, mine), assume_unique, invert)


def _np_isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    return isin(element, test_elements, assume_unique=assume_unique, invert=invert)


def _np_isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    return wrap(_close(unwrap(a), unwrap(b), unwrap(rtol), unwrap(atol), equal_nan))


def _np_allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> bool:
    return bool(unwrap(_np_isclose(a, b, rtol, atol, equal_nan)).all())


FAST[np.isin], FAST[np.isclose], FAST[np.allclose] = _np_isin, _np_isclose, _np_allclose
FAST[np.array_equal] = lambda a1, a2, equal_nan=False: np.array_equal(unwrap(a1), unwrap(a2), equal_nan)

__test__ = describe(
    globals(),
    """
    eq          | Whether equal.                           | 1.0, 2.0; 1.0, 3.0  | [ True, False]
    ne          | Whether not equal.                       | 1.0, 2.0; 1.0, 3.0  | [False,  True]
    lt          | Whether less.                            | 1.0, 2.0; 2.0       | [ True, False]
    le          | Whether less or equal.                   | 1.0, 2.0; 1.0       | [ True, False]
    gt          | Whether greater.                         | 1.0, 2.0; 1.0       | [False,  True]
    ge          | Whether greater or equal.                | 1.0, 2.0; 2.0       | [False,  True]
    isnan       | Whether not a number.                    | 1.0, float("nan")   | [False,  True]
    isinf       | Whether infinite.                        | 1.0, float("-inf")  | [False,  True]
    isfinite    | Whether neither infinite nor NaN.        | 1.0, float("inf")   | [ True, False]
    isposinf    | Whether positive infinite.               | 1.0, float("inf")   | [False,  True]
    isneginf    | Whether negative infinite.               | 1.0, float("-inf")  | [False,  True]
    signbit     | Whether negative, -0.0 included.         | 1.0, -0.0           | [False,  True]
    logical_and | Whether both are nonzero.                | 1, 1, 0; 1, 0, 0    | [ True, False, False]
    logical_or  | Whether one or both are nonzero.         | 1, 1, 0; 1, 0, 0    | [ True,  True, False]
    logical_xor | Whether exactly one is nonzero.          | 1, 1, 0; 1, 0, 0    | [False,  True, False]
    logical_not | Whether zero.                            | 1, 0                | [False,  True]
    """,
    result="bool",
) | describe(
    globals(),
    """
    bitwise_and | The bits set in both.                    | 6, 5; 3             | [2, 1]
    bitwise_or  | The bits set in one or both.             | 6, 5; 3             | [7, 7]
    bitwise_xor | The bits set in exactly one.             | 6, 5; 3             | [5, 6]
    bitwise_not | All bits turned; logical for booleans.   | 6, 5                | [-7, -6]
    bitwise_left_shift | Bits moved up: a product with 2^other.   | 6, 5; 1             | [12, 10]
    bitwise_right_shift | Bits moved down: a quotient by 2^other.  | 6, 5; 1             | [3, 2]
    """,
    result="integer or bool",
)
