"""What arguments must be: rules for kinds and ranges, and the names that mean the same in every function."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping
from numbers import Number, Real
from typing import Any, NamedTuple

import numpy as np

from .blame import came
from .errors import ArgumentError, InputError


class Rule(NamedTuple):
    """What must hold: the kind, or it is a TypeError, and the value, or it is a ValueError."""

    words: str
    kind: Callable[[Any], bool]
    value: Callable[[Any], bool] = lambda value: True


def whole(value: Any) -> bool:
    """Whether a value is an integer, or a tensor that holds one; True and False are none, as in PyTorch."""
    if value is True or value is False:
        return False
    try:
        operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return True


def _real(value: Any) -> bool:
    return isinstance(value, Real) or (hasattr(value, "dtype") and value.ndim == 0)


def several(rule: Rule, none: bool = False) -> Rule:
    """The rule for one value or a sequence of them.

    Parameters
    ----------
    rule : Rule
    none : bool
        Whether None may stand for some.

    Returns
    -------
    Rule
    """

    def each(value: Any) -> list[Any]:
        if isinstance(value, Iterable) and not isinstance(value, (str, Mapping)) and getattr(value, "ndim", True):
            return [v for v in value if not (none and v is None)]
        return [value]

    def kind(value: Any) -> bool:
        return all(rule.kind(v) for v in each(value))

    def holds(value: Any) -> bool:
        return (none or len(each(value)) > 0) and all(rule.value(v) for v in each(value))

    return Rule(f"{rule.words} or a sequence of them", kind, holds)


def _flag(value: Any) -> bool:
    scalar = isinstance(value, (int, np.bool_)) or (hasattr(value, "dtype") and value.ndim == 0)
    return scalar and bool(value in (0, 1))


FLAG = Rule("a bool", _flag)
INTEGER = Rule("an integer", whole)
COUNT = Rule("an integer >= 0", whole, lambda v: v >= 0)
POSITIVE = Rule("a positive integer", whole, lambda v: v > 0)
REAL = Rule("a real number", _real)
NOT_NEGATIVE = Rule("a number >= 0", _real, lambda v: v >= 0)
ABOVE_ZERO = Rule("positive", _real, lambda v: v > 0)
SHARE = Rule("in [0, 1]", _real, lambda v: 0 <= v <= 1)

ONE_NUMBER = Rule("a number", lambda v: not getattr(v, "ndim", 0))  # what else is none, the function says itself
FACTORS = frozenset({"alpha", "beta", "value"})
FACTOR = Rule("a number", lambda v: isinstance(v, (Number, np.generic)) or getattr(v, "ndim", 1) == 0)
NO_NAN = Rule("a number", _real, lambda v: bool(v == v))

NUMBERS = {bool, int, float, complex}  # Python's

IN_FUNCTIONS = {"eps": NO_NAN, "tau": ABOVE_ZERO, "max_norm": NOT_NEGATIVE, "clip_value": NOT_NEGATIVE}
RULES = {"flag": FLAG, "number": ONE_NUMBER, "factor": FACTOR, "integer": INTEGER, **IN_FUNCTIONS}


def check(who: str, name: str, value: Any, rule: Rule) -> None:
    """Raise unless an argument is as it must be.

    Parameters
    ----------
    who, name : str
        The function and the argument.
    value
        What came.
    rule : Rule

    Raises
    ------
    TypeError
        If it is not of the kind.
    ValueError
        If it is out of range.
    """
    fits = rule.kind(value)
    if not fits or not rule.value(value):
        raise (InputError if fits else ArgumentError)(f"{who}: {name} must be {rule.words}, got {came(value)}")


def refuse_numbers(who: str, numbers: str, input: Any, other: Any) -> None:
    """Raise where PyTorch takes a Tensor only: see `elementwise`."""
    given = [type(v) in NUMBERS or isinstance(v, np.generic) for v in (input, other)]
    if given[0] and (numbers in ("", "second") or (given[1] and numbers == "one")):
        raise TypeError(f"{who}: input must be a Tensor, got {input!r}")
    if given[1] and numbers == "":
        raise TypeError(f"{who}: other must be a Tensor, got {other!r}")


def with_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that refuses numbers, for NumPy's, which takes them: as arrays without dimensions."""

    def taking(input: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
        arrays = [np.asarray(v) if type(v) in NUMBERS else v for v in (input, other)]
        return function(*arrays, *args, **kwargs)

    return taking


def scalar(value: Any) -> Any:
    """A number as NumPy's own, of which formulas can ask the dtype."""
    return value if isinstance(value, np.ndarray) else np.asarray(value)[()]


ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "..."})()  # what was not given


def as_given(function: Any, first: Any, some: Any, named: Any, others: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, without those that are as they are by default."""
    within = inspect.unwrap(function)
    names, defaults = within.__code__.co_varnames, within.__defaults__ or ()
    preset = dict(zip(names[len(first) - len(defaults) :], defaults)) | (within.__kwdefaults__ or {})
    values = dict(zip(names, (*first, *named)))
    changed = {n: v for n, v in values.items() if v is not ABSENT and (n not in preset or v is not preset[n])}
    count = len(first) if some else next((i for i, n in enumerate(names[: len(first)]) if n not in changed), len(first))
    by_name = {name: value for name, value in changed.items() if name not in names[:count]}
    return (*first[:count], *some), by_name | (others or {})


NUMERIC = "biufc"  # the kinds of dtypes that hold numbers


def operand(value: Any, who: str) -> Any:
    """An operand that is no Tensor. NumPy would compute with any object, and give an array of objects."""
    if type(value) in NUMBERS:
        return value
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if array.dtype.kind not in NUMERIC:
        raise TypeError(f"{who}: operands must be Tensors, arrays or numbers, got {type(value).__name__}")
    return array if array is value else array[()]  # a scalar of NumPy's, or what is taken for one, is a number
