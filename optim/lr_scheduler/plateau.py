"""`ReduceLROnPlateau`: by what a metric does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, SupportsFloat

from ..step.declare.hyperparameters import FRACTION, NOT_NEGATIVE
from .base import FINITE, LRScheduler, Scheduled, assign, current, warn_epoch


class ReduceLROnPlateau(LRScheduler):
    """``lr = max(lr * factor, min_lr)`` when a metric has not got better for `patience` steps.

    Parameters
    ----------
    mode : {"min", "max"}
        Whether less is better, or more.
    factor : float
        What the learning rate is multiplied by, in [0, 1).
    patience : int
        How many steps without improvement are let pass: the next one reduces.
    threshold : float
        An improvement must be larger.
    threshold_mode : {"rel", "abs"}
        Whether `threshold` is a share of the best metric, or in its unit.
    cooldown : int
        How many steps after a reduction do not count.
    min_lr : float, or list of float
        The lowest learning rate, for all groups or for each.
    eps : float
        A reduction must be larger, or is left out.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.ReduceLROnPlateau(sgd, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 2.0, 1.0):
    ...     sgd.update({}, {})
    ...     schedule.step(loss)
    ...     print(sgd.lr, end=" ")
    0.8 0.8 0.8 0.4 0.4 0.4
    """

    def __init__(
        self,
        optimizer: Scheduled,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        self._check_kinds(ReduceLROnPlateau, locals())
        self._require(factor=(factor, FRACTION), min_lr=(min_lr, NOT_NEGATIVE), eps=(eps, NOT_NEGATIVE))
        self._require(threshold=(threshold, FINITE), patience=(patience, FINITE), cooldown=(cooldown, FINITE))
        self.factor = factor
        self.optimizer = self._checked(optimizer)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = self._per_group("min_lr", min_lr)
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self._current_lr()
        self._set_mode(mode, threshold, threshold_mode)
        self._reset()

    def _set_mode(self, mode: str, threshold: float, threshold_mode: str) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"{self._name}: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"{self._name}: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode

    def _reset(self) -> None:
        """Forget what has been seen."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the metric, and reduce the learning rates if it has not got better for long enough.

        Parameters
        ----------
        metrics : float, or Tensor of one element
            The metric; NaN is no improvement.
        epoch : int, optional
            The number of this step. Deprecated.
        """
        value = float(metrics)
        if epoch is not None:
            warn_epoch(self._name)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value, self.best):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._current_lr()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # one was added
            if self.default_min_lr is None:
                raise RuntimeError(f"{self._name}: min_lrs has {len(self.min_lrs)} values for {len(groups)} groups")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs):
            old = float(current(group))
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                assign(group, new)

    @property
    def in_cooldown(self) -> bool:
        """Whether steps do not count now."""
        return self.cooldown_counter > 0

    def _is_better(self, value: float, best: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        margin = self.threshold * sign
        return sign * value > sign * (best * (1 + margin) if self.threshold_mode == "rel" else best + margin)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state_dict)
        self._set_mode(self.mode, self.threshold, self.threshold_mode)
