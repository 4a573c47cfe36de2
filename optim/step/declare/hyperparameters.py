"""Hyperparameters: declared as annotated class attributes, checked at the door, set on the optimizer."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tinygrad_lite.engine.errors import SeveralError

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform as dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """What type checkers know as `typing.dataclass_transform`; Python 3.10 does not have it."""
        return lambda cls: cls


Group = dict[str, Any]  # of parameters, and their hyperparameters

NOT_NEGATIVE = (0.0, math.inf, "[)")
FRACTION = (0.0, 1.0, "[)")

# What a hyperparameter of this name must be, in whichever optimizer it stands; a class adds to it or deviates
# by its own `ranges`. An interval: lowest, highest, and whether these belong to it.
RANGES: dict[str, tuple[float, float, str]] = {
    "lr": NOT_NEGATIVE,
    "eps": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "momentum": NOT_NEGATIVE,
    "betas": FRACTION,
    "max_grad_value": (0.0, math.inf, "()"),
    "ema": FRACTION,
}


def field(*, default: Any, kw_only: bool = False) -> Any:
    """Tell type checkers about an argument that every optimizer has."""
    return default


class Hyperparameter:
    """``opt.lr``: the value in the first group; set, in all groups. On the class, the default."""

    def __init__(self, name: str, default: Any, kind: str = "") -> None:
        self.name, self.default, self.kind = name, default, kind

    def __get__(self, optimizer: Any, owner: type) -> Any:
        return self.default if optimizer is None else optimizer.param_groups[0].get(self.name, self.default)

    def __set__(self, optimizer: Any, value: Any) -> None:
        check_kinds(type(optimizer).__name__, {self.name: value}, {self.name: self.kind})
        check(type(optimizer).__name__, {self.name: value}, type(optimizer)._rule.ranges)
        optimizer.defaults[self.name] = value
        for group in optimizer.param_groups:
            group[self.name] = value


def declare(cls: type, inherited: Mapping[str, Any], kinds: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Turn a class's annotated attributes into hyperparameters; return the defaults and the kinds of all there are.

    Inherited ones come first. Names that begin with an underscore and those annotated as ClassVar stay what they are.
    """
    fields, kinds = dict(inherited), dict(kinds)
    for name, annotation in inspect.get_annotations(cls).items():
        if name.startswith("_") or "ClassVar" in str(annotation):
            continue
        if name not in cls.__dict__:
            raise TypeError(f"{cls.__name__}: the hyperparameter {name!r} needs a default")
        fields[name] = cls.__dict__[name]
        kinds[name] = annotation.__name__ if annotation in (float, int, bool, str) else str(annotation)
        setattr(cls, name, Hyperparameter(name, fields[name], kinds[name]))
    return fields, kinds


def signature(fields: Mapping[str, Any], keywords: Mapping[str, Any]) -> inspect.Signature:
    """Return the constructor's: params, the fields in order, and by name only what all optimizers have."""
    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parts = [inspect.Parameter("params", either, default=None)]
    parts += [inspect.Parameter(name, either, default=value) for name, value in fields.items()]
    named = inspect.Parameter.KEYWORD_ONLY
    parts += [inspect.Parameter(name, named, default=value) for name, value in keywords.items() if name not in fields]
    return inspect.Signature(parts)


def resolved(group: Mapping[str, Any], step: int) -> tuple[dict[str, Any], bool]:
    """Return hyperparameters with the values that schedules have at a step, counted from 0.

    Returns
    -------
    group : dict
        As it was given where it has no schedules.
    volatile : bool
        Whether its values can change while the group stays the same: there are schedules, Tensors or lists.
    """
    found, volatile = dict(group), False
    for name, value in group.items():
        if type(value) in _PLAIN or name in ("params", "param_names"):
            continue
        if callable(value):
            found[name], volatile = _at(value, step), True
        elif isinstance(value, (tuple, list)):
            found[name] = tuple(_at(v, step) if callable(v) else v for v in value)
            volatile = volatile or type(value) is list or not all(type(v) in _PLAIN for v in value)
        elif hasattr(value, "__array__"):
            volatile = True
            found[name] = value if getattr(value, "requires_grad", False) or value.ndim else float(value)
    return found, volatile


def _at(schedule: Any, step: int) -> Any:
    """What a schedule says, as Python's float where it is a number."""
    value = schedule(step)
    return float(value) if isinstance(value, numbers.Real) or getattr(value, "ndim", 1) == 0 else value


_PLAIN = {float, int, bool, str, type(None)}


def check_kinds(who: str, values: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Refuse hyperparameters that are not what their annotation says: numbers, True or False, so many numbers.

    Parameters
    ----------
    who : str
    values : dict
    kinds : dict of str to str
        A hyperparameter -> its annotation: ``"float | None"``, ``"tuple[float, float]"``. Others are not looked at.

    Raises
    ------
    TypeError
        That names the optimizer, the hyperparameter, what it must be, and what came.
    ValueError
        If a number is NaN.
    """
    for name, kind in kinds.items():
        if name not in values:
            continue
        value = values[name]
        if not kind.startswith("tuple["):
            _check_kind(who, name, value, kind)
            continue
        each = kind[len("tuple[") : -1].split(",")
        if not isinstance(value, (tuple, list)):
            raise TypeError(f"{who}: {name} must be {len(each)} numbers, got {value!r}")
        if len(value) != len(each):
            raise ValueError(f"{who}: {name} must be {len(each)} numbers, got {value!r}")
        for i, (v, k) in enumerate(zip(value, each)):
            _check_kind(who, f"{name}[{i}]", v, k)


def _check_kind(who: str, label: str, value: Any, kind: str) -> None:
    kinds = {each.strip() for each in kind.split("|")}
    if kind.startswith("Callable"):
        if value is not None and not callable(value):
            raise TypeError(f"{who}: {label} must be a function, got {value!r}")
        return
    if (value is None and "None" in kinds) or not kinds <= {"float", "int", "bool", "str", "None"}:
        return
    if "str" in kinds:
        if not isinstance(value, str):
            raise TypeError(f"{who}: {label} must be a string{_or_none(kinds)}, got {value!r}")
    elif "bool" in kinds:
        if type(value).__name__ not in ("bool", "bool_"):
            raise TypeError(f"{who}: {label} must be True or False{_or_none(kinds)}, got {value!r}")
    elif not callable(value):
        number = _number(who, label, value)
        if "float" not in kinds and not isinstance(value, numbers.Integral) and getattr(value, "ndim", 1) != 0:
            raise TypeError(f"{who}: {label} must be an integer{_or_none(kinds)}, got {value!r}")
        if math.isnan(number):
            raise ValueError(f"{who}: {label} must be a number, got {value}")


def _or_none(kinds: set[str]) -> str:
    return " or None" if "None" in kinds else ""


def _number(who: str, label: str, value: Any) -> float:
    scalar = hasattr(value, "__float__") and getattr(value, "ndim", 1) == 0
    if getattr(value, "ndim", 0):
        raise SeveralError(f"{who}: {label} must be a number, got {type(value).__name__} of shape {tuple(value.shape)}")
    if isinstance(value, bool) or not (isinstance(value, numbers.Real) or scalar):
        raise TypeError(f"{who}: {label} must be a number, got {type(value).__name__}")
    return float(value)


def check(who: str, values: Mapping[str, Any], ranges: Mapping[str, tuple[float, float, str]]) -> None:
    """Refuse hyperparameters outside their ranges.

    Raises
    ------
    TypeError
        If something that must be a number is none.
    ValueError
        If a number is outside its range, naming the optimizer, the range and the number.
    """
    for name, (low, high, ends) in ranges.items():
        if name not in values:
            continue
        value = values[name]
        several = isinstance(value, (tuple, list))
        for label, x in ((f"{name}[{i}]", v) for i, v in enumerate(value)) if several else ((name, value),):
            if callable(x):  # a schedule; where it begins must be in range, at least
                x = _begin(who, label, x)
            number = _number(who, label, x)
            above = number >= low if ends[0] == "[" else number > low
            below = number <= high if ends[1] == "]" else number < high
            if not (above and below):
                raise ValueError(f"{who}: {label} must be {_in_words(low, high, ends)}, got {x}")


def _begin(who: str, label: str, schedule: Any) -> Any:
    try:
        return schedule(0)
    except TypeError as error:
        raise TypeError(f"{who}: {label} must be a number or a function of the step, got {schedule!r}") from error


def _in_words(low: float, high: float, ends: str) -> str:
    if low == -math.inf and high == math.inf:
        return "finite"
    if high < math.inf:
        return f"in {ends[0]}{low:g}, {high:g}{ends[1]}"
    return f"at least {low:g}" if ends[0] == "[" else f"greater than {low:g}"
