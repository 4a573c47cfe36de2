"""Schedulers that follow half a wave of the cosine, and its formula."""

from __future__ import annotations

import math
from operator import index

from ..schedules.formulas import cycle_of
from ..step.declare.hyperparameters import NOT_NEGATIVE
from .base import POSITIVE, LRScheduler, Scheduled


def half_wave(start: float, end: float, angle: float) -> float:
    """Return what lies between `start`, at angle 0, and `end`, at angle pi."""
    return end + (start - end) / 2.0 * (1 + math.cos(angle))


class CosineAnnealingLR(LRScheduler):
    """``lr = eta_min + (initial_lr - eta_min) * (1 + cos(pi * t / T_max)) / 2``: half a wave down, and up again.

    As PyTorch, it goes a step at a time from wherever the learning rate is, so that it can be chained.

    Parameters
    ----------
    T_max : int
        How many steps it takes to `eta_min`.
    eta_min : float
        The lowest learning rate.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017, equation 5.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.CosineAnnealingLR(sgd, T_max=4)
    >>> for _ in range(6):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.6828 0.4 0.1172 0.0 0.1172
    """

    def __init__(self, optimizer: Scheduled, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self._check_kinds(CosineAnnealingLR, locals())
        self._require(T_max=(T_max, POSITIVE), eta_min=(eta_min, NOT_NEGATIVE))
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _get_closed_form_lr(self) -> list[float]:
        return [half_wave(lr, self.eta_min, math.pi * self.last_epoch / self.T_max) for lr in self.base_lrs]

    def _next_lr(self) -> list[float]:
        t, now = self.last_epoch, self._current_lr()
        if self._is_initial:
            return now
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:  # from the lowest point, whence no factor leads up
            rise = 1 - math.cos(math.pi / self.T_max)
            return [lr + (base - self.eta_min) * rise / 2 for lr, base in zip(now, self.base_lrs)]
        ratio = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (t - 1) / self.T_max))
        return [ratio * (lr - self.eta_min) + self.eta_min for lr in now]


class CosineAnnealingWarmRestarts(LRScheduler):
    """``lr = eta_min + (initial_lr - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2``, T_cur steps after the last restart.

    Parameters
    ----------
    T_0 : int
        The number of steps until the first restart.
    T_mult : int
        Each cycle is so many times as long as the one before.
    eta_min : float
        The lowest learning rate.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017.

    Notes
    -----
    Made with a `last_epoch`, and sent to an epoch, it knows in which cycle that is. PyTorch does not in the first case,
    and errs in the second where it rounds a logarithm (T_0=1, T_mult=10, epoch 111).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = lr_scheduler.CosineAnnealingWarmRestarts(sgd, T_0=2, T_mult=2)
    >>> for _ in range(7):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.4 0.8 0.6828 0.4 0.1172 0.8
    """

    def __init__(
        self, optimizer: Scheduled, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self._check_kinds(CosineAnnealingWarmRestarts, locals())
        for name, value in ("T_0", T_0), ("T_mult", T_mult):
            if not hasattr(value, "__index__") or index(value) < 1:
                raise ValueError(f"{self._name}: {name} must be a positive integer, got {value}")
        self._require(eta_min=(eta_min, NOT_NEGATIVE))
        self.T_0 = T_0
        self.T_i: float = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def _next_lr(self) -> list[float]:
        return [half_wave(lr, self.eta_min, math.pi * self.T_cur / self.T_i) for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the next learning rates; call it after the optimizer's step.

        Parameters
        ----------
        epoch : float, optional
            Go there; between integers for a step within an epoch.

        Raises
        ------
        ValueError
            If the epoch is negative.
        """
        begins = self._is_initial or self.last_epoch < 0
        to = self.last_epoch + 1 if epoch is None else epoch
        if to < 0:
            raise ValueError(f"{self._name}.step: epoch must be at least 0, got {epoch}")
        if epoch is None and not begins:
            self.T_cur += 1  # after step(2.5) comes 3.5
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur - self.T_i, self.T_i * self.T_mult
        else:
            _, self.T_cur, self.T_i = cycle_of(to, self.T_0, self.T_mult)
        self.last_epoch = math.floor(to)
        with self._during("_get_lr_called_within_step"):
            self._set_lr(self.get_lr())
