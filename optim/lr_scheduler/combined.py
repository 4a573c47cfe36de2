"""Schedulers made of others: one after the other, and all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from .base import LRScheduler, Scheduled, assign, current
from .plateau import ReduceLROnPlateau


class _Combined(LRScheduler):
    """Schedulers of the same optimizer."""

    _schedulers: Sequence[LRScheduler]

    def _parts(self, schedulers: Sequence[LRScheduler], optimizer: Any) -> Sequence[LRScheduler]:
        if not isinstance(schedulers, (list, tuple)):
            raise TypeError(f"{self._name}: schedulers must be a list of schedulers, got {type(schedulers).__name__}")
        if not schedulers:
            raise ValueError(f"{self._name}: schedulers must be at least one, got none")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{self._name}: schedulers[{i}] must be a scheduler, got {type(scheduler).__name__}")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{self._name}: schedulers[{i}] is a ReduceLROnPlateau, whose step needs metrics")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{self._name}: schedulers[{i}] must be of the same optimizer")
        return schedulers

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        super()._check_state(state_dict)
        own, given = len(self._schedulers), len(state_dict["_schedulers"])
        if own != given:
            raise ValueError(f"{self._name}.load_state_dict: the state must be of {own} schedulers, got {given}")
        for scheduler, saved in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler._check_state(saved)


class SequentialLR(_Combined):
    """One scheduler after the other: ``schedulers[i]`` from step ``milestones[i - 1]`` on, where it begins.

    Parameters
    ----------
    schedulers : list of LRScheduler
        Made for this optimizer. Those that are combined themselves can only come first.
    milestones : list of int
        One less, in order.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> up = lr_scheduler.LinearLR(sgd, start_factor=0.5, total_iters=2)
    >>> down = lr_scheduler.ExponentialLR(sgd, gamma=0.5)
    >>> schedule = lr_scheduler.SequentialLR(sgd, [up, down], milestones=[2])
    >>> for _ in range(5):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.4 0.6 0.8 0.4 0.2
    """

    def __init__(
        self, optimizer: Scheduled, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._check_kinds(SequentialLR, locals())
        self._schedulers = self._parts(schedulers, optimizer)
        if not isinstance(milestones, (list, tuple)) or not all(hasattr(step, "__index__") for step in milestones):
            raise TypeError(f"{self._name}: milestones must be a list of integers, got {milestones!r}")
        if len(milestones) != len(schedulers) - 1:
            got = f"{len(milestones)} for {len(schedulers)} schedulers"
            raise ValueError(f"{self._name}: milestones must be one less than schedulers, got {got}")
        if list(milestones) != sorted(milestones):
            raise ValueError(f"{self._name}: milestones must be in order, got {milestones}")
        if any(isinstance(scheduler, _Combined) for scheduler in schedulers[1:]):
            raise ValueError(f"{self._name}: a combined scheduler can only come first, as it cannot begin again")
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:  # each scheduler has set its first learning rate: undo it
            assign(group, current(group, "initial_lr"))
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched: Any = None) -> None:
        """Take back the step that each scheduler did when it was made.

        Parameters
        ----------
        sched : LRScheduler, optional
            By default this one.
        """
        sched = self if sched is None else sched
        if isinstance(sched, _Combined):
            for each in sched._schedulers:
                self.recursive_undo(each)
        else:
            sched.last_epoch -= 1

    def step(self) -> None:  # type: ignore[override]
        """Set the next learning rates; call it after the optimizer's step."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """All of the schedulers at every step, one on top of the other: where they multiply, so do their factors.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
        Made for the same optimizer.
    optimizer : Optimizer, optional
        Theirs.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> warm = lr_scheduler.ConstantLR(sgd, factor=0.5, total_iters=2)
    >>> down = lr_scheduler.ExponentialLR(sgd, gamma=0.5)
    >>> schedule = lr_scheduler.ChainedScheduler([warm, down])
    >>> for _ in range(5):
    ...     print(sgd.lr, end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.4 0.2 0.2 0.1 0.05
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Scheduled | None = None) -> None:
        first = schedulers[0] if isinstance(schedulers, (list, tuple)) and schedulers else None
        owner: Any = getattr(first, "optimizer", None) if optimizer is None else optimizer
        self._schedulers = self._parts(schedulers, owner)
        self.optimizer = owner
        self._last_lr = self._current_lr()

    def step(self) -> None:  # type: ignore[override]
        """Set the next learning rates; call it after the optimizer's step."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._current_lr()
