"""Schedulers that multiply the learning rate by a factor of the step."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from operator import index
from typing import Any

from ..step.declare.hyperparameters import NOT_NEGATIVE
from .base import POSITIVE, SHARE, LRScheduler, Scheduled

Factor = Callable[[int], float]


class _Factors(LRScheduler):
    """Factors given as functions of the step, one for each group."""

    def __init__(self, optimizer: Scheduled, lr_lambda: Factor | list[Factor], last_epoch: int = -1) -> None:
        self._check_kinds(_Factors, locals())
        self.optimizer = self._checked(optimizer)
        self.lr_lambdas = self._per_group("lr_lambda", lr_lambda)
        for each in self.lr_lambdas:
            if not callable(each):
                raise TypeError(f"{self._name}: lr_lambda must be callable, got {type(each).__name__}")
        super().__init__(optimizer, last_epoch)

    def _factors(self) -> list[float]:
        return [each(self.last_epoch) for each in self.lr_lambdas]


class LambdaLR(_Factors):
    """``lr = initial_lr * lr_lambda(t)``.

    Parameters
    ----------
    lr_lambda : callable, or list of callable
        The factor as a function of the step, for all groups or for each. `schedules` has many.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.LambdaLR(sgd, lambda t: 1 / (t + 1))
    >>> for _ in range(4):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.4 0.2667 0.2
    """

    def _next_lr(self) -> list[float]:
        return [lr * factor for lr, factor in zip(self.base_lrs, self._factors())]


class MultiplicativeLR(_Factors):
    """``lr = lr * lr_lambda(t)``: a factor for each step, from step 1 on.

    Parameters
    ----------
    lr_lambda : callable, or list of callable
        The factor as a function of the step, for all groups or for each.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.MultiplicativeLR(sgd, lambda t: 1 / (t + 1))
    >>> for _ in range(4):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.4 0.1333 0.0333
    """

    def _next_lr(self) -> list[float]:
        now = self._current_lr()
        return now if self._is_initial else [lr * factor for lr, factor in zip(now, self._factors())]


class _Chainable(LRScheduler):
    """``lr = initial_lr * closed(t)``, a step at a time: ``lr = lr * ratio(t)``, from wherever `lr` is.

    So the factors of schedulers that are chained multiply, and rounding is PyTorch's. ``ratio(t)`` is
    ``closed(t) / closed(t - 1)``, at 0 ``closed(0)``.
    """

    def _closed(self, t: float) -> float:
        """``closed(t)``, which subclasses define."""
        raise NotImplementedError

    def _ratio(self, t: int) -> float:
        """``ratio(t)``, which subclasses define."""
        raise NotImplementedError

    def _next_lr(self) -> list[float]:
        ratio = self._ratio(self.last_epoch)
        return [lr * ratio for lr in self._current_lr()]

    def _get_closed_form_lr(self) -> list[float]:
        factor = self._closed(self.last_epoch)
        return [lr * factor for lr in self.base_lrs]


class StepLR(_Chainable):
    """``lr = initial_lr * gamma^floor(t / step_size)``.

    Parameters
    ----------
    step_size : int
        How many steps the learning rate stays the same.
    gamma : float
        What it is then multiplied by.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.StepLR(sgd, step_size=2, gamma=0.5)
    >>> for _ in range(6):
    ...     print(sgd.lr, end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.8 0.4 0.4 0.2 0.2
    """

    def __init__(self, optimizer: Scheduled, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self._check_kinds(StepLR, locals())
        self._require(step_size=(step_size, POSITIVE), gamma=(gamma, NOT_NEGATIVE))
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _closed(self, t: float) -> float:
        return self.gamma ** (t // self.step_size)

    def _ratio(self, t: int) -> float:
        return self.gamma if t > 0 and t % self.step_size == 0 else 1.0


class MultiStepLR(_Chainable):
    """``lr = initial_lr * gamma^n``, where n milestones have been reached.

    Parameters
    ----------
    milestones : iterable of int
        The steps at which the learning rate is multiplied; one that comes twice counts twice.
    gamma : float
        What it is multiplied by.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.MultiStepLR(sgd, milestones=[2, 3], gamma=0.5)
    >>> for _ in range(6):
    ...     print(sgd.lr, end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.8 0.4 0.2 0.2 0.2
    """

    def __init__(
        self, optimizer: Scheduled, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self._check_kinds(MultiStepLR, locals())
        self._require(gamma=(gamma, NOT_NEGATIVE))
        steps = list(milestones) if isinstance(milestones, Iterable) else [milestones]
        if not isinstance(milestones, Iterable) or not all(hasattr(step, "__index__") for step in steps):
            raise TypeError(f"{self._name}: milestones must be integers, got {steps}")
        self.milestones = Counter(map(index, steps))
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _closed(self, t: float) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), t)

    def _ratio(self, t: int) -> float:
        return self.gamma ** self.milestones[t]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state, also one that was JSON, where numbers that are keys become texts."""
        super().load_state_dict(state_dict)
        self.milestones = Counter({int(step): count for step, count in self.milestones.items()})


class ConstantLR(_Chainable):
    """``lr = initial_lr * factor`` while ``t < total_iters``, then `initial_lr`.

    Parameters
    ----------
    factor : float
        In [0, 1].
    total_iters : int
        When it ends.

    Notes
    -----
    With ``factor=0`` it ends at `initial_lr`; PyTorch divides by zero there. With ``total_iters=0`` it never ends,
    as in PyTorch.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.ConstantLR(sgd, factor=0.5, total_iters=3)
    >>> for _ in range(6):
    ...     print(sgd.lr, end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.4 0.4 0.4 0.8 0.8 0.8
    """

    def __init__(
        self, optimizer: Scheduled, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self._check_kinds(ConstantLR, locals())
        self._require(factor=(factor, SHARE), total_iters=(total_iters, NOT_NEGATIVE))
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _closed(self, t: float) -> float:
        return self.factor + (t >= self.total_iters) * (1 - self.factor)

    def _ratio(self, t: int) -> float:
        if t == 0:
            return self.factor
        return 1.0 / self.factor if t == self.total_iters else 1.0

    def _next_lr(self) -> list[float]:
        if self.factor == 0 and self.last_epoch == self.total_iters > 0:
            return list(self.base_lrs)
        return super()._next_lr()


class LinearLR(_Chainable):
    """``lr = initial_lr * (start_factor + (end_factor - start_factor) * min(t / total_iters, 1))``.

    Parameters
    ----------
    start_factor : float
        The factor at step 0, in (0, 1].
    end_factor : float
        The factor from step `total_iters` on, in [0, 1].
    total_iters : int
        How many steps it takes. As in PyTorch, 0 never leaves `start_factor`.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.LinearLR(sgd, start_factor=0.25, total_iters=3)
    >>> for _ in range(6):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.2 0.4 0.6 0.8 0.8 0.8
    """

    def __init__(
        self,
        optimizer: Scheduled,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self._check_kinds(LinearLR, locals())
        self._require(start_factor=(start_factor, (0.0, 1.0, "(]")), end_factor=(end_factor, SHARE))
        self._require(total_iters=(total_iters, NOT_NEGATIVE))
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _closed(self, t: float) -> float:
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, t) / (self.total_iters or 1)

    def _ratio(self, t: int) -> float:
        if t == 0:
            return self.start_factor
        if self._is_initial or t > self.total_iters:
            return 1.0
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (t - 1) * rise)


class ExponentialLR(_Chainable):
    """``lr = initial_lr * gamma^t``.

    Parameters
    ----------
    gamma : float
        What the learning rate is multiplied by at each step.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.ExponentialLR(sgd, gamma=0.5)
    >>> for _ in range(4):
    ...     print(sgd.lr, end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.4 0.2 0.1
    """

    def __init__(self, optimizer: Scheduled, gamma: float, last_epoch: int = -1) -> None:
        self._check_kinds(ExponentialLR, locals())
        self._require(gamma=(gamma, NOT_NEGATIVE))
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _closed(self, t: float) -> float:
        return self.gamma**t

    def _ratio(self, t: int) -> float:
        return 1.0 if self._is_initial else self.gamma


class PolynomialLR(_Chainable):
    """``lr = initial_lr * (1 - min(t / total_iters, 1))^power``.

    Parameters
    ----------
    total_iters : int
        How many steps it takes to 0.
    power : float
        1 makes it a straight line.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.PolynomialLR(sgd, total_iters=4, power=2)
    >>> for _ in range(6):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.45 0.2 0.05 0.0 0.0
    """

    def __init__(self, optimizer: Scheduled, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self._check_kinds(PolynomialLR, locals())
        self._require(total_iters=(total_iters, NOT_NEGATIVE), power=(power, NOT_NEGATIVE))
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _closed(self, t: float) -> float:
        return (1.0 - min(self.total_iters, t) / (self.total_iters or 1)) ** self.power

    def _ratio(self, t: int) -> float:
        if self._is_initial or t > self.total_iters:
            return 1.0
        return ((1.0 - t / self.total_iters) / (1.0 - (t - 1) / self.total_iters)) ** self.power
