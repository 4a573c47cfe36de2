"""`Schedule`, and what schedules are composed with: `join`, `product`, `total`."""

from __future__ import annotations

import math
import numbers
import re
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

from ..step.declare import hyperparameters as hyper


@dataclass(frozen=True)
class Schedule(ABC):
    """Base class of schedules: a function of the step, made of numbers.

    A schedule of your own is a frozen dataclass whose fields are numbers, schedules, or sequences of these, as their
    annotations say, and whose method ``at(step)`` computes the number. Saved, it is known by its name.

    Attributes
    ----------
    ranges : dict
        A field that must be in an interval -> its ends, and whether they belong to it: ``(0.0, 1.0, "[)")``.
    length : int, float or None
        The step from which on the value stays the same, if there is one.

    Raises
    ------
    TypeError
        If a field is none of these, or a step no number.
    ValueError
        If a field is outside its range, or infinite, or a step negative.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from tinygrad_lite.optim import schedules
    >>> @dataclass(frozen=True)
    ... class sawtooth(schedules.Schedule):
    ...     peak: float
    ...     period: int
    ...
    ...     def at(self, step):
    ...         return self.peak * (step % self.period) / self.period
    >>> schedule = 0.5 * sawtooth(1.0, 4)
    >>> [schedule(step) for step in range(6)]
    [0.0, 0.125, 0.25, 0.375, 0.0, 0.125]
    >>> schedules.from_dict(schedule.to_dict()) == schedule
    True
    """

    ranges: ClassVar[Mapping[str, tuple[float, float, str]]] = {}
    _known: ClassVar[dict[str, type[Schedule]]] = {}
    __array_ufunc__: ClassVar[None] = None  # NumPy's scalars leave `*` and `+` to us

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        taken = Schedule._known.get(cls.__name__, cls)
        if taken.__module__ != cls.__module__:  # the same module may define it anew, as notebooks do
            raise TypeError(f"{cls.__name__}: {taken.__module__} has a schedule of this name")
        Schedule._known[cls.__name__] = cls

    def __post_init__(self) -> None:
        who = type(self).__name__
        for field in fields(self):
            kind = _kind(field.type)
            if kind not in _CONVERT:
                raise TypeError(f"{who}: {field.name} must be annotated as {', '.join(_CONVERT)}, got {kind}")
            value = _CONVERT[kind](f"{who}: {field.name}", getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        hyper.check(who, {name: value for name, value in self._fields().items() if value is not None}, self.ranges)
        self.check()

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def check(self) -> None:  # noqa: B027  # not every schedule has any
        """Refuse fields that do not go together, by a ValueError; ranges are checked without it."""

    @abstractmethod
    def at(self, step: float) -> float:
        """Return the value at a step that is not negative."""

    def __call__(self, step: float) -> float:
        """Return the value at a step, which counts from 0."""
        if not step >= 0:
            raise ValueError(f"{type(self).__name__}: step must be at least 0, got {step}")
        return float(self.at(step))

    @property
    def length(self) -> float | None:
        """The step from which on the value stays the same, if there is one."""
        return None

    def then(self, other: Schedule | float, at: float | None = None) -> Schedule:
        """Go on with another schedule, which starts at its own step 0.

        Parameters
        ----------
        other : Schedule or float
            What follows.
        at : int, optional
            The step at which it takes over: by default when this schedule has arrived.

        Returns
        -------
        Schedule

        Examples
        --------
        >>> from tinygrad_lite.optim import schedules
        >>> schedule = schedules.linear(0.0, 1.0, 2).then(schedules.cosine(1.0, 0.0, 4))
        >>> [round(schedule(step), 3) for step in range(8)]
        [0.0, 0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
        """
        at = self.length if at is None else at
        if at is None:
            raise ValueError(f"{type(self).__name__}.then: at, the step to go on at, must be given: this has no end")
        return join((self, lifted(other)), (at,))

    def __mul__(self, other: Schedule | float) -> Schedule:
        return product((self, lifted(other))) if _is_term(other) else NotImplemented

    def __rmul__(self, other: float) -> Schedule:
        return product((lifted(other), self)) if _is_term(other) else NotImplemented

    def __add__(self, other: Schedule | float) -> Schedule:
        return total((self, lifted(other))) if _is_term(other) else NotImplemented

    def __radd__(self, other: float) -> Schedule:
        return total((lifted(other), self)) if _is_term(other) else NotImplemented

    def to_dict(self) -> dict[str, Any]:
        """Return the schedule as a dict of numbers, names, lists and dicts, that JSON can hold.

        Returns
        -------
        dict

        Examples
        --------
        >>> from tinygrad_lite.optim import schedules
        >>> schedules.linear(0.1, 0.0, 1000).to_dict()
        {'schedule': 'linear', 'start': 0.1, 'end': 0.0, 'steps': 1000}
        """
        return {"schedule": type(self).__name__, **{name: _packed(value) for name, value in self._fields().items()}}

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> Schedule:
        """Return the schedule that `to_dict` saved; see the function `from_dict`."""
        return from_dict(saved)


def from_dict(saved: Mapping[str, Any]) -> Schedule:
    """Return the schedule that `Schedule.to_dict` saved.

    The name is looked up among the classes derived from `Schedule`; nothing else is executed.

    Parameters
    ----------
    saved : dict
        ``"schedule"``: the name; and its fields.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        If the name is unknown, or the fields are not those of the schedule.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> schedules.from_dict({"schedule": "linear", "start": 0.1, "end": 0.0, "steps": 1000})
    linear(start=0.1, end=0.0, steps=1000)
    """
    given = dict(saved)
    name = given.pop("schedule", None)
    cls = Schedule._known.get(name) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(f"from_dict: no schedule is called {name!r}; one of your own must be defined before loading")
    wanted = {field.name for field in fields(cls)}
    if given.keys() != wanted:
        raise ValueError(f"from_dict: {name} must have the fields {sorted(wanted)}, got {sorted(given)}")
    return cls(**{key: _unpacked(value) for key, value in given.items()})


def _number(what: str, value: Any) -> int | float:
    """A number as a schedule keeps it: Python's own, finite."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be a number, got {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{what} must be finite, got {value}")
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _switch(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be True or False, got {value!r}")
    return value


def _schedule(what: str, value: Any) -> Schedule:
    if not isinstance(value, Schedule):
        raise TypeError(f"{what} must be a Schedule, got {type(value).__name__}")
    return value


def _several(convert: Callable[[str, Any], Any], what: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"{what} must be a sequence, got {type(value).__name__}")
    return tuple(convert(f"{what}[{i}]", v) for i, v in enumerate(value))


def _kind(annotation: Any) -> str:
    """An annotation as text, without the modules: it is text already where annotations are postponed."""
    plain = isinstance(annotation, type) and not hasattr(annotation, "__args__")
    return re.sub(r"\w+\.", "", annotation.__name__ if plain else str(annotation))


# What the annotation of a field says about its value.
_CONVERT: dict[str, Callable[[str, Any], Any]] = {
    "float": _number,
    "int": _number,
    "float | None": lambda what, value: None if value is None else _number(what, value),
    "bool": _switch,
    "Schedule": _schedule,
    "Sequence[float]": partial(_several, _number),
    "Sequence[Schedule]": partial(_several, _schedule),
}


def _packed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_packed(v) for v in value]
    return value.to_dict() if isinstance(value, Schedule) else value


def _unpacked(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_unpacked(v) for v in value)
    return from_dict(value) if isinstance(value, Mapping) else value


@dataclass(frozen=True)
class constant(Schedule):
    """The same value at every step.

    Parameters
    ----------
    value : float
        The value.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> schedules.constant(0.1)(1000)
    0.1
    """

    value: float

    def at(self, step: float) -> float:
        return self.value

    @property
    def length(self) -> float:
        """It stays the same from step 0."""
        return 0


@dataclass(frozen=True)
class join(Schedule):
    """One schedule after the other, each from its own step 0.

    Parameters
    ----------
    parts : sequence of Schedule
        The schedules.
    boundaries : sequence of int
        The steps at which all but the first begin, increasing.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> schedule = schedules.join([schedules.linear(0.0, 1.0, 2), schedules.exponential(1.0, 0.5)], [2])
    >>> [schedule(step) for step in range(6)]
    [0.0, 0.5, 1.0, 0.5, 0.25, 0.125]
    """

    parts: Sequence[Schedule]
    boundaries: Sequence[float]

    def check(self) -> None:
        check_boundaries("join", "parts", self.parts, self.boundaries)

    def at(self, step: float) -> float:
        i = bisect_right(self.boundaries, step)
        return self.parts[i](step - self.boundaries[i - 1] if i else step)

    @property
    def length(self) -> float | None:
        """Where the last schedule stays the same."""
        last = self.parts[-1].length
        return None if last is None else (self.boundaries[-1] if self.boundaries else 0) + last


@dataclass(frozen=True)
class product(Schedule):
    """The product of schedules, as ``a * b`` makes it.

    Parameters
    ----------
    factors : sequence of Schedule
        What is multiplied.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> (0.5 * schedules.linear(1.0, 0.0, 4))(1)
    0.375
    """

    factors: Sequence[Schedule]

    def at(self, step: float) -> float:
        return math.prod(factor(step) for factor in self.factors)


@dataclass(frozen=True)
class total(Schedule):
    """The sum of schedules, as ``a + b`` makes it.

    Parameters
    ----------
    terms : sequence of Schedule
        What is added.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> (1.0 + schedules.linear(1.0, 0.0, 4))(1)
    1.75
    """

    terms: Sequence[Schedule]

    def at(self, step: float) -> float:
        return math.fsum(term(step) for term in self.terms)


def _is_term(value: Any) -> bool:
    return isinstance(value, (Schedule, numbers.Real))


def lifted(value: Any) -> Schedule:
    """A number stands for a constant."""
    return value if isinstance(value, Schedule) else constant(value)


def check_boundaries(who: str, what: str, pieces: Sequence[Any], boundaries: Sequence[float]) -> None:
    """Refuse boundaries that do not fit the pieces between them."""
    if len(pieces) != len(boundaries) + 1:
        raise ValueError(f"{who}: {what} must be one more than boundaries, got {len(pieces)} and {len(boundaries)}")
    if not all(a < b for a, b in pairwise((0, *boundaries))):
        raise ValueError(f"{who}: boundaries must be positive and increase, got {boundaries}")
