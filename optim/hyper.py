"""Hyperparameters: declared as annotated class attributes, checked at the door, set on the optimizer."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform as dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """What type checkers know as `typing.dataclass_transform`; Python 3.10 does not have it."""
        return lambda cls: cls


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

    def __init__(self, name: str, default: Any) -> None:
        self.name, self.default = name, default

    def __get__(self, optimizer: Any, owner: type) -> Any:
        return self.default if optimizer is None else optimizer.param_groups[0].get(self.name, self.default)

    def __set__(self, optimizer: Any, value: Any) -> None:
        check(type(optimizer).__name__, {self.name: value}, type(optimizer)._ranges)
        optimizer.defaults[self.name] = value
        for group in optimizer.param_groups:
            group[self.name] = value


def declare(cls: type, inherited: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a class's annotated attributes into hyperparameters; return all there are, inherited ones first.

    Names that begin with an underscore and those annotated as ClassVar stay what they are.
    """
    fields = dict(inherited)
    for name, kind in inspect.get_annotations(cls).items():
        if name.startswith("_") or "ClassVar" in str(kind):
            continue
        if name not in cls.__dict__:
            raise TypeError(f"{cls.__name__}: the hyperparameter {name!r} needs a default")
        fields[name] = cls.__dict__[name]
        setattr(cls, name, Hyperparameter(name, fields[name]))
    return fields


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
            found[name], volatile = float(value(step)), True
        elif isinstance(value, (tuple, list)):
            found[name] = tuple(float(v(step)) if callable(v) else v for v in value)
            volatile = volatile or type(value) is list or not all(type(v) in _PLAIN for v in value)
        elif hasattr(value, "__array__"):
            volatile = True
            found[name] = value if getattr(value, "requires_grad", False) else float(value)
    return found, volatile


_PLAIN = {float, int, bool, str, type(None)}


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
        if value is None:
            continue
        several = isinstance(value, (tuple, list))
        for label, x in ((f"{name}[{i}]", v) for i, v in enumerate(value)) if several else ((name, value),):
            if callable(x):  # a schedule; where it begins must be in range, at least
                x = _begin(who, label, x)
            if not isinstance(x, numbers.Real) and not (hasattr(x, "__float__") and getattr(x, "ndim", 1) == 0):
                raise TypeError(f"{who}: {label} must be a number, got {type(x).__name__}")
            number = float(x)
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
    if high < math.inf:
        return f"in {ends[0]}{low:g}, {high:g}{ends[1]}"
    return f"at least {low:g}" if ends[0] == "[" else f"greater than {low:g}"
