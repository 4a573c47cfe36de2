"""Schedules of one formula each."""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..step.declare.hyperparameters import NOT_NEGATIVE
from .schedule import Schedule, check_boundaries

POSITIVE = (0.0, math.inf, "()")


@dataclass(frozen=True)
class Ramp(Schedule):
    """From `start` to `end` in `steps` steps: ``(1 - w) * start + w * end``, where w goes from 0 to 1."""

    start: float
    end: float
    steps: float

    ranges = {"steps": POSITIVE}  # noqa: RUF012

    @abstractmethod
    def weight(self, x: float) -> float:
        """Return the end's share where x, the share of the steps that are done, is in [0, 1]."""

    def at(self, step: float) -> float:
        w = self.weight(min(step / self.steps, 1.0))
        return (1 - w) * self.start + w * self.end  # exact at both ends, as `start + w * (end - start)` is not

    @property
    def length(self) -> float:
        """The number of steps."""
        return self.steps


@dataclass(frozen=True)
class linear(Ramp):
    """A straight line from `start` to `end`: ``start + (end - start) * step / steps``, then `end`.

    Parameters
    ----------
    start, end : float
        The values at step 0, and from step `steps` on.
    steps : int
        How long it takes.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [schedules.linear(1.0, 0.0, 4)(step) for step in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    def weight(self, x: float) -> float:
        return x


@dataclass(frozen=True)
class polynomial(Ramp):
    """A power of the steps that remain: ``end + (start - end) * (1 - step / steps)^power``, then `end`.

    Parameters
    ----------
    start, end : float
        The values at step 0, and from step `steps` on.
    steps : int
        How long it takes.
    power : float
        1 makes it a straight line; more, fast at first and then slow.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [schedules.polynomial(1.0, 0.0, 4, power=2)(step) for step in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    power: float = 1.0

    ranges = {**Ramp.ranges, "power": POSITIVE}  # noqa: RUF012

    def weight(self, x: float) -> float:
        return 1.0 - (1.0 - x) ** self.power


@dataclass(frozen=True)
class cosine(Ramp):
    """Half a wave from `start` to `end`: ``end + (start - end) * (1 + cos(pi * step / steps)) / 2``, then `end`.

    Parameters
    ----------
    start, end : float
        The values at step 0, and from step `steps` on.
    steps : int
        How long it takes.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017, equation 5.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [round(schedules.cosine(1.0, 0.0, 4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def weight(self, x: float) -> float:
        return (1.0 - math.cos(math.pi * x)) / 2


@dataclass(frozen=True)
class root(Ramp):
    """The root of the steps done: ``start + (end - start) * sqrt(step / steps)``, then `end`.

    Parameters
    ----------
    start, end : float
        The values at step 0, and from step `steps` on.
    steps : int
        How long it takes.

    References
    ----------
    A. Hägele et al., "Scaling laws and compute-optimal training beyond fixed training durations", NeurIPS 2024
    ("1-sqrt", the best of the decays that they compare).

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [round(schedules.root(1.0, 0.0, 4)(step), 3) for step in range(6)]
    [1.0, 0.5, 0.293, 0.134, 0.0, 0.0]
    """

    def weight(self, x: float) -> float:
        return math.sqrt(x)


@dataclass(frozen=True)
class exponential(Schedule):
    """Times `decay` every `steps` steps: ``start * decay^(step / steps)``.

    Parameters
    ----------
    start : float
        The value at step 0.
    decay : float
        The factor, greater than 0.
    steps : int
        How many steps it takes for the factor.
    staircase : bool
        Round ``step / steps`` down: the value stays the same for `steps` steps.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [schedules.exponential(8.0, 0.5, 2, staircase=True)(step) for step in range(6)]
    [8.0, 8.0, 4.0, 4.0, 2.0, 2.0]
    """

    start: float
    decay: float
    steps: float = 1
    staircase: bool = False

    ranges = {"decay": POSITIVE, "steps": POSITIVE}  # noqa: RUF012

    def at(self, step: float) -> float:
        power = step // self.steps if self.staircase else step / self.steps
        return self.start * self.decay**power


@dataclass(frozen=True)
class piecewise(Schedule):
    """Constant pieces: ``values[i]`` from step ``boundaries[i - 1]`` on.

    Parameters
    ----------
    values : sequence of float
        The value of each piece.
    boundaries : sequence of int
        The steps at which all but the first begin, increasing.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [schedules.piecewise([1.0, 0.5, 0.1], [2, 4])(step) for step in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.1, 0.1]
    """

    values: Sequence[float]
    boundaries: Sequence[float]

    def check(self) -> None:
        check_boundaries("piecewise", "values", self.values, self.boundaries)

    def at(self, step: float) -> float:
        return self.values[bisect_right(self.boundaries, step)]

    @property
    def length(self) -> float:
        """Where the last piece begins."""
        return self.boundaries[-1] if self.boundaries else 0


@dataclass(frozen=True)
class inverse_sqrt(Schedule):
    """Linear warm-up, then one over the root: ``peak * min(t / w, sqrt(w / t))``, where t = step + 1.

    Parameters
    ----------
    peak : float
        The largest value, that of the last step of the warm-up. The paper's, for a model of width d, is
        ``(d * warmup_steps) ** -0.5``.
    warmup_steps : int
        The number of steps of the warm-up.

    References
    ----------
    A. Vaswani et al., "Attention is all you need", NeurIPS 2017, equation 3; called Noam after N. Shazeer.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [round(schedules.inverse_sqrt(1.0, 2)(step), 3) for step in range(6)]
    [0.5, 1.0, 0.816, 0.707, 0.632, 0.577]
    """

    peak: float
    warmup_steps: float

    ranges = {"warmup_steps": POSITIVE}  # noqa: RUF012

    def at(self, step: float) -> float:
        t = step + 1
        return self.peak * min(t / self.warmup_steps, math.sqrt(self.warmup_steps / t))


@dataclass(frozen=True)
class cyclic(Schedule):
    """Up in a straight line, down in a straight line, and again.

    Parameters
    ----------
    low, high : float
        The values at the start of every cycle and at the top of the first.
    up : int
        How many steps it takes from `low` to `high`.
    down : int, optional
        How many from `high` to `low`: by default as many.
    decay : float
        What the height is multiplied by after each cycle: 1/2 for PyTorch's "triangular2". (Its "exp_range" is
        ``low + cyclic(0, high - low, up) * exponential(1, gamma)``.)

    References
    ----------
    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [schedules.cyclic(0.0, 1.0, 2, decay=0.5)(step) for step in range(8)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25]
    """

    low: float
    high: float
    up: float
    down: float | None = None
    decay: float = 1.0

    ranges = {"up": POSITIVE, "down": POSITIVE, "decay": NOT_NEGATIVE}  # noqa: RUF012

    def at(self, step: float) -> float:
        down = self.up if self.down is None else self.down
        cycle, t = divmod(step, self.up + down)
        height = t / self.up if t <= self.up else 1 - (t - self.up) / down
        return self.low + (self.high - self.low) * height * self.decay**cycle


@dataclass(frozen=True)
class warm_restarts(Schedule):
    """Half a wave of the cosine from `start` to `end`, again and again.

    Parameters
    ----------
    start, end : float
        The value every cycle begins with, and the one that it approaches.
    steps : int
        The length of the first cycle.
    stretch : float
        Each cycle is so many times as long as the one before.
    decay : float
        What the height is multiplied by after each cycle.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> from tinygrad_lite.optim import schedules
    >>> [round(schedules.warm_restarts(1.0, 0.0, 2, stretch=2)(step), 3) for step in range(8)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0, 0.962]
    """

    start: float
    end: float
    steps: float
    stretch: float = 1.0
    decay: float = 1.0

    ranges = {"steps": POSITIVE, "stretch": (1.0, math.inf, "[)"), "decay": NOT_NEGATIVE}  # noqa: RUF012

    def at(self, step: float) -> float:
        cycle, t, steps = cycle_of(step, self.steps, self.stretch)
        return self.end + (self.start - self.end) * self.decay**cycle * (1 + math.cos(math.pi * t / steps)) / 2


def cycle_of(step: float, steps: float, stretch: float) -> tuple[float, float, float]:
    """Return where a step is among cycles that grow by `stretch`: the cycle's number, the step in it, its length."""
    if stretch == 1:
        cycle, t = divmod(step, steps)
        return cycle, t, steps
    # Not by the logarithm: rounded, it puts step 111 of the cycles 1, 10, 100, ... into the cycle before.
    cycle, begin = 0, 0.0
    while step - begin >= steps:
        cycle, begin, steps = cycle + 1, begin + steps, steps * stretch
    return cycle, step - begin, steps
