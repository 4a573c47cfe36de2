"""CyclicLR, OneCycleLR: the learning rate up and down, and the momentum against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..step.declare.hyperparameters import NOT_NEGATIVE
from .base import FINITE, POSITIVE, SHARE, Group, LRScheduler, Scheduled
from .cosine import half_wave


class _Cycling(LRScheduler):
    """Cycles the momentum, or the first of the betas."""

    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(self, base: Any, highest: Any, last_epoch: int) -> tuple[list[float], list[float]]:
        """Check and set the momenta to begin with; return the lowest and the highest of each group."""
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError(f"{self._name}: cycle_momentum=True needs an optimizer with momentum or betas")
        self.use_beta1 = "betas" in defaults
        self._require(base_momentum=(base, FINITE), max_momentum=(highest, FINITE))  # PyTorch sets no limits
        lows, highs = self._per_group("base_momentum", base), self._per_group("max_momentum", highest)
        if last_epoch == -1:
            for group, low, high in zip(self.optimizer.param_groups, lows, highs):
                self._set_momentum(group, high)
                group.update(max_momentum=high, base_momentum=low)
        return lows, highs

    def _set_momentum(self, group: Group, value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_Cycling):
    """Up from `base_lr` to `max_lr` in a straight line, down again, and so on; the momentum goes the other way.

    Parameters
    ----------
    base_lr, max_lr : float, or list of float
        The lowest learning rate and the highest, for all groups or for each.
    step_size_up : int
        How many steps up take.
    step_size_down : int, optional
        How many down take; by default as many.
    mode : {"triangular", "triangular2", "exp_range"}
        The height of each cycle: the same, half of the one before, or times ``gamma^t``.
    gamma : float
        For "exp_range".
    scale_fn : callable, optional
        What the height is multiplied by, instead of a mode.
    scale_mode : {"cycle", "iterations"}
        What `scale_fn` is given: the number of the cycle, from 1, or of the step, from 0.
    cycle_momentum : bool
        Whether to cycle the momentum (the first of the betas, where the optimizer has these).
    base_momentum, max_momentum : float, or list of float
        The momentum at the highest learning rate, and at the lowest.

    References
    ----------
    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8, momentum=0.9)
    >>> schedule = lr_scheduler.CyclicLR(sgd, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> for _ in range(6):
    ...     print(sgd.lr, round(sgd.momentum, 2), end="; ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.0 0.9; 0.5 0.85; 1.0 0.8; 0.5 0.85; 0.0 0.9; 0.5 0.85;
    """

    def __init__(
        self,
        optimizer: Scheduled,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self._check_kinds(CyclicLR, locals())
        self._require(base_lr=(base_lr, NOT_NEGATIVE), max_lr=(max_lr, NOT_NEGATIVE))
        self.optimizer = self._checked(optimizer)
        base_lrs = self._per_group("base_lr", base_lr)
        self.max_lrs = self._per_group("max_lr", max_lr)
        down = step_size_up if step_size_down is None else step_size_down
        self._require(
            step_size_up=(step_size_up, POSITIVE), step_size_down=(down, NOT_NEGATIVE), gamma=(gamma, NOT_NEGATIVE)
        )
        self.total_size = float(step_size_up) + float(down)
        self.step_ratio = float(step_size_up) / self.total_size
        if scale_fn is None and mode not in _HEIGHTS:
            raise ValueError(f"{self._name}: mode must be one of {', '.join(_HEIGHTS)}, got {mode!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"{self._name}: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else _HEIGHTS[mode][0]
        if last_epoch == -1:
            self._set_lr(base_lrs)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            found = self._start_momentum(base_momentum, max_momentum, last_epoch)
            self.base_momentums, self.max_momentums = found
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Return what the height of a cycle is multiplied by, for the cycle's or the step's number."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return _HEIGHTS[self.mode][1](x, self.gamma)

    def _next_lr(self) -> list[float]:
        t = self.last_epoch
        cycle = math.floor(1 + t / self.total_size)
        x = 1.0 + t / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.cycle_momentum:
            groups = self.optimizer.param_groups
            for group, low, high in zip(groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs)]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state; one with a `scale_fn` of its own needs a scheduler that was made with such a one."""
        if state_dict.get("_scale_fn_custom") is not None and self._scale_fn_custom is None:
            raise ValueError(f"{self._name}.load_state_dict: the state is that of a scheduler with a scale_fn")
        super().load_state_dict(state_dict)


# A mode: what its height is a function of, and that function.
_HEIGHTS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "triangular": ("cycle", lambda cycle, gamma: 1.0),
    "triangular2": ("cycle", lambda cycle, gamma: 1 / 2.0 ** (cycle - 1)),
    "exp_range": ("iterations", lambda t, gamma: gamma**t),
}


class OneCycleLR(_Cycling):
    """Up from ``max_lr / div_factor`` to `max_lr`, and down to almost nothing; the momentum goes the other way.

    Parameters
    ----------
    max_lr : float, or list of float
        The highest learning rate, for all groups or for each.
    total_steps : int, optional
        The number of all steps; or else it is ``epochs * steps_per_epoch``.
    epochs, steps_per_epoch : int, optional
        Its factors.
    pct_start : float
        The share of the steps that go up.
    anneal_strategy : {"cos", "linear"}
        Along half a wave of the cosine, or a straight line.
    cycle_momentum : bool
        Whether to cycle the momentum (the first of the betas, where the optimizer has these).
    base_momentum, max_momentum : float, or list of float
        The momentum at the highest learning rate, and at the lowest.
    div_factor : float
        It starts at ``max_lr / div_factor``,
    final_div_factor : float
        and ends at ``max_lr / div_factor / final_div_factor``.
    three_phase : bool
        Go down to the start in as many steps as up, and then on to the end, as the paper does.

    References
    ----------
    L. N. Smith and N. Topin, "Super-convergence: Very fast training of neural networks using large learning rates",
    2018.

    Notes
    -----
    A way up of a single step (``pct_start * total_steps == 1``) starts at the top; PyTorch divides by zero.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8, momentum=0.9)
    >>> schedule = lr_scheduler.OneCycleLR(sgd, max_lr=1.0, total_steps=5, pct_start=0.6, anneal_strategy="linear")
    >>> for _ in range(5):
    ...     print(round(sgd.lr, 3), round(sgd.momentum, 3), end="; ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.04 0.95; 0.52 0.9; 1.0 0.85; 0.5 0.9; 0.0 0.95;
    """

    def __init__(
        self,
        optimizer: Scheduled,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self._check_kinds(OneCycleLR, locals())
        self._require(max_lr=(max_lr, NOT_NEGATIVE))
        self.optimizer = self._checked(optimizer)
        self.total_steps = self._count(total_steps, epochs, steps_per_epoch)
        self._require(pct_start=(pct_start, SHARE), div_factor=(div_factor, POSITIVE))
        self._require(final_div_factor=(final_div_factor, POSITIVE))
        if anneal_strategy not in _WAYS:
            raise ValueError(f"{self._name}: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        highest = self._per_group("max_lr", max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, highest):
                start = lr / div_factor
                group.update(initial_lr=start, max_lr=lr, min_lr=start / final_div_factor)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _count(self, total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError(f"{self._name}: either total_steps must be given, or epochs and steps_per_epoch")
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        given = given if total_steps is None else {"total_steps": total_steps}
        for name, value in given.items():
            if not isinstance(value, int) or value <= 0:
                raise ValueError(f"{self._name}: {name} must be a positive integer, got {value}")
        return math.prod(given.values())  # type: ignore[arg-type]

    def _next_lr(self) -> list[float]:
        t, begin = self.last_epoch, 0.0
        if t > self.total_steps:
            raise ValueError(f"{self._name}.step: step {t} of {self.total_steps}")
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if t <= end or phase is self._schedule_phases[-1]:
                break
            begin = end
        x = (t - begin) / (end - begin) if end != begin else 1.0
        way = _WAYS[self._anneal_func_type]
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                self._set_momentum(group, way(group[phase["start_momentum"]], group[phase["end_momentum"]], x))
        return [way(group[phase["start_lr"]], group[phase["end_lr"]], x) for group in groups]


def _phases(total_steps: int, pct_start: float, three: bool) -> list[dict[str, Any]]:
    """When each phase ends, and the names in the groups of what it leads from and to."""
    top = float(pct_start * total_steps) - 1
    again = float(2 * pct_start * total_steps) - 2
    up = (top, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    down = (total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")
    back = (again, "max_lr", "initial_lr", "base_momentum", "max_momentum")
    out = (total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    return [dict(zip(names, phase)) for phase in ((up, back, out) if three else (up, down))]


_WAYS: dict[str, Callable[[float, float, float], float]] = {
    "cos": lambda start, end, x: half_wave(start, end, math.pi * x),
    "linear": lambda start, end, x: (end - start) * x + start,
}
