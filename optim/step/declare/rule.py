"""`Rule`: what a class of optimizers declares, as an object: formula, states, hyperparameters, switches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import hyperparameters as hyper
from .formula import formula, no_formula
from .formula_language import check_formula


@dataclass(frozen=True)
class Rule:
    """What a class declares, read once when the class is made; see `Optimizer` for what each of it means.

    Attributes
    ----------
    name : str
        The class's.
    fields : dict of str to Any
        Hyperparameters, in order, and their defaults.
    kinds : dict of str to str
        Hyperparameters -> their annotations.
    ranges : dict of str to (float, float, str)
    states : dict of str to str
        The formula's names of the states -> their keys in a state dict.
    update : callable or None
        The formula, if there is one.
    measure : callable or None
    sums : tuple of str
    kept : dict of str to float
    elementwise : bool
        `update` is a formula for one element; else it gets whole arrays.
    whole : bool
        There is ``update_array`` in a formula's place.
    counted, own_decay, decoupled : bool
    """

    name: str
    fields: Mapping[str, Any]
    kinds: Mapping[str, str]
    ranges: Mapping[str, tuple[float, float, str]]
    states: Mapping[str, str] = field(default_factory=dict)
    update: Callable[..., Any] | None = None
    measure: Callable[..., Any] | None = None
    sums: tuple[str, ...] = ()
    kept: Mapping[str, float] = field(default_factory=dict)
    elementwise: bool = True
    whole: bool = False
    counted: bool = True
    own_decay: bool = False
    decoupled: bool = False

    @property
    def makes_steps(self) -> bool:
        """Whether a step is what this says; other classes have a step of their own."""
        return self.whole or self.update is not None

    def check_values(self, values: Mapping[str, Any]) -> None:
        """Refuse hyperparameters of a wrong kind or outside their ranges."""
        hyper.check_kinds(self.name, values, self.kinds)
        hyper.check(self.name, {name: v for name, v in values.items() if v is not None}, self.ranges)

    def check_formulas(self, defined: bool) -> bool:
        """Refuse formulas that NumPy and a compiled loop would take for different ones.

        Parameters
        ----------
        defined : bool
            Whether all that they use must be defined by now.

        Returns
        -------
        bool
            Whether all of them could be looked through.
        """
        if self.update is None or not self.elementwise:
            return True
        elements = (*self.states, *(name for name, default in self.fields.items() if not isinstance(default, bool)))
        done = check_formula(f"{self.name}.update", self.update, elements, ("p", *self.states), defined)
        if self.measure is not None:
            done &= check_formula(f"{self.name}.measure", self.measure, elements, self.sums, defined)
        return done


def declare(cls: Any, before: Rule | None, kinds: Mapping[str, str]) -> Rule:
    """Read what a class declares, and put into the places of the declarations what they are on an optimizer.

    Parameters
    ----------
    cls : type
    before : Rule or None
        What the class that it is derived from declares.
    kinds : dict of str to str
        The kinds of the hyperparameters that all optimizers have.
    """
    own = cls.__dict__
    states = dict(before.states) if before else {}
    if "state" in own:
        states = dict(cls.state) if isinstance(cls.state, Mapping) else {name: name for name in cls.state}
        del cls.state  # on an optimizer `state` is the state itself
    whole = before.whole if before else False
    if "update_array" in own:
        cls.update, cls.elementwise, whole = no_formula, False, True
    elif "update" in own and not isinstance(own["update"], formula):
        update = own["update"]
        cls.update = formula(update.__func__ if isinstance(update, staticmethod) else update)
    if own.get("measure") is not None:  # called with numbers and arrays, never as a method
        measure = own["measure"]
        cls.measure = staticmethod(measure.function if isinstance(measure, formula) else measure)
    fields, kinds = hyper.declare(cls, before.fields if before else {}, before.kinds if before else kinds)
    ranges = {**(before.ranges if before else hyper.RANGES), **own.get("ranges", {})}
    function = getattr(cls, "update", None)
    return Rule(
        name=cls.__name__,
        fields=fields,
        kinds=kinds,
        ranges={name: interval for name, interval in ranges.items() if interval is not None},
        states=states,
        update=None if function is no_formula.function else function,
        measure=cls.measure,
        sums=tuple(cls.sums),
        kept=dict(cls.kept),
        elementwise=cls.elementwise,
        whole=whole,
        counted=cls.counted,
        own_decay=cls.own_decay,
        decoupled=cls.decoupled,
    )


def has_rule(cls: Any) -> bool:
    """Whether a class's step is what its formula says, or its ``update_array``; others have a step of their own."""
    rule = getattr(cls, "_rule", None)
    return isinstance(rule, Rule) and rule.makes_steps  # on a wrapper there is a property in its place
