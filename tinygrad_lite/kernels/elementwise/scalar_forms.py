"""`FORMS`, `SINGLE`: what NumPy's functions are for one element, in loops made of formulas; `in_loops` adds to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .float32_math import (
    atan2_single,
    cosh_single,
    exp_single,
    expm1_single,
    log1p_single,
    log_single,
    logaddexp_single,
    sinh_single,
    tanh_single,
)

F = TypeVar("F", bound=Callable[..., Any])


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` or `b`: both are computed, and a select instruction chooses."""
    return a if condition else b


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two, NaN if one is."""
    return a if (a < b) | (a != a) else b


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, NaN if one is."""
    return a if (a > b) | (a != a) else b


def clip(a: Any, low: Any, high: Any) -> Any:
    """`a`, but not below `low` nor above `high`."""
    raised = low if a < low else a
    return high if raised > high else raised


def absolute(a: Any) -> Any:
    return abs(a)


def square(a: Any) -> Any:
    return a * a


def reciprocal(a: Any) -> Any:
    return 1 / a


def negative(a: Any) -> Any:
    return -a


def add(a: Any, b: Any) -> Any:
    return a + b


def subtract(a: Any, b: Any) -> Any:
    return a - b


def multiply(a: Any, b: Any) -> Any:
    return a * b


def divide(a: Any, b: Any) -> Any:
    return a / b


def sign(a: Any) -> Any:
    """-1, 0 or 1; NaN of NaN."""
    below = -1 if a < 0 else a
    return 1 if a > 0 else below


def less(a: Any, b: Any) -> Any:
    return a < b


def less_equal(a: Any, b: Any) -> Any:
    return a <= b


def greater(a: Any, b: Any) -> Any:
    return a > b


def greater_equal(a: Any, b: Any) -> Any:
    return a >= b


def equal(a: Any, b: Any) -> Any:
    return a == b


def not_equal(a: Any, b: Any) -> Any:
    return a != b


def logical_not(a: Any) -> Any:
    return not a


def logical_and(a: Any, b: Any) -> Any:
    return a & b


def logical_or(a: Any, b: Any) -> Any:
    return a | b


def isnan(a: Any) -> Any:
    return a != a


def isfinite(a: Any) -> Any:
    return a - a == 0


def isinf(a: Any) -> Any:
    return abs(a) == np.inf


def nan_to_num(a: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    """`a`, and numbers for what is none."""
    held = posinf if a == np.inf else a
    held = neginf if a == -np.inf else held
    return nan if a != a else held


AS_THEY_ARE = frozenset({np.sqrt, np.floor, np.ceil, np.trunc})  # one instruction of one element, too

FORMS: dict[Callable[..., Any], Callable[..., Any]] = {
    getattr(np, form.__name__): form
    for form in (
        where, minimum, maximum, clip, absolute, square, reciprocal, negative, add, subtract, multiply, divide, sign,
        less, less_equal, greater, greater_equal, equal, not_equal, logical_not, logical_and, logical_or, isnan,
        isfinite, isinf, nan_to_num,
    )
}  # fmt: skip
"""Text like that of formulas, at any precision."""

SINGLE: dict[Callable[..., Any], Callable[..., Any]] = {
    np.exp: exp_single, np.expm1: expm1_single, np.log: log_single, np.log1p: log1p_single, np.tanh: tanh_single,
    np.logaddexp: logaddexp_single, np.sinh: sinh_single, np.cosh: cosh_single,
    np.arctan2: atan2_single,
}  # fmt: skip
"""Text of kernels, for float32 alone: in float64 NumPy's own passes are as fast as scalar calls of the C library."""


def in_loops(form: Callable[..., Any], single: bool = False) -> Callable[[F], F]:
    """Decorate a function whose own text is none of one element: `form` stands for it in compiled loops.

    Parameters
    ----------
    form : function
        Takes and returns elements.
    single : bool
        `form` is text of a kernel, for float32 alone. Otherwise it is a formula.
    """

    def decorate(function: F) -> F:
        (SINGLE if single else FORMS)[function] = form
        return function

    return decorate
