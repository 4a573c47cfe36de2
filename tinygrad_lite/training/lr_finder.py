"""`find_lr`: the loss over a range of learning rates, in one short run that leaves no trace, and its picture."""

from __future__ import annotations

import copy
import importlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import Tensor, no_grad
from ..engine.errors import InputError
from .generators import Generators

__all__ = ["LearningRates", "find_lr"]


@dataclass(frozen=True)
class LearningRates:
    """What `find_lr` returns.

    Parameters
    ----------
    lrs : array, shape (N,)
        The learning rates that were tried.
    losses : array, shape (N,)
        The loss before the step with each.
    smooth : array, shape (N,)
        Their running mean.
    suggestion : float
        Where that falls most steeply, before its smallest value.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> training.LearningRates(np.array([0.1, 1.0]), np.array([2.0, 1.0]), np.array([2.0, 1.5]), 0.1).suggestion
    0.1
    """

    lrs: np.ndarray[Any, Any]
    losses: np.ndarray[Any, Any]
    smooth: np.ndarray[Any, Any]
    suggestion: float

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the losses over the learning rates.

        Parameters
        ----------
        path : str or path, optional
            Write a picture there.

        Returns
        -------
        matplotlib.figure.Figure
            Notebooks show it.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> lrs = np.logspace(-4, 0, 5)
        >>> figure = training.LearningRates(lrs, 1 - lrs, 1 - lrs, 0.1).plot()
        """
        try:
            figure = importlib.import_module("matplotlib.figure").Figure(figsize=(7, 4.5), layout="constrained")
        except ImportError:
            raise ImportError("LearningRates.plot: needs matplotlib: pip install matplotlib") from None
        axes = figure.add_subplot(xlabel="learning rate", ylabel="loss", xscale="log")
        axes.plot(self.lrs, self.losses, color="lightgray", label="each step")
        axes.plot(self.lrs, self.smooth, label="running mean")
        axes.axvline(self.suggestion, color="tab:red", linestyle="--", label=f"steepest: {self.suggestion:.2g}")
        axes.legend()
        if path is not None:
            figure.savefig(path)
        return figure


def find_lr(
    model: Any,
    optimizer: Any,
    loss: Callable[[Any], Any],
    batches: Iterable[Any],
    *,
    start: float = 1e-6,
    end: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.9,
) -> LearningRates:
    """Train with a learning rate that grows from step to step, and see with which the loss falls fastest.

    Model, optimizer, generators, and a loader that can say where it is, are left as they were; gradients are forgotten.

    Parameters
    ----------
    model : Module
    optimizer : Optimizer
        Its groups keep the ratios of their learning rates.
    loss : callable
        ``loss(batch)`` returns a Tensor of one number.
    batches : iterable
        Such as a DataLoader; begun anew when it ends.
    start, end : float
        The range. The run ends earlier when the loss is four times its best.
    steps : int
    smoothing : float
        The weight of the past in the running mean, in [0, 1).

    Returns
    -------
    LearningRates

    Raises
    ------
    InputError
        For an option out of range, if there are no batches, or if the loss is not finite from the start.

    References
    ----------
    L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.

    Examples
    --------
    >>> from tinygrad_lite import nn, optim, training
    >>> x = tg.randn(64, 3)
    >>> model = nn.Linear(3, 1)
    >>> sgd = optim.SGD(model.parameters(), lr=0.1)
    >>> found = training.find_lr(model, sgd, lambda x: (model(x) - 1).square().mean(), [x])
    >>> 1e-3 < found.suggestion < 1
    True
    """
    if not 0 < start < end < math.inf:
        raise InputError(f"find_lr: must have 0 < start < end, got {start} and {end}")
    if not isinstance(steps, int) or steps < 2:
        raise InputError(f"find_lr: steps must be an integer of at least 2, got {steps!r}")
    if not 0 <= smoothing < 1:
        raise InputError(f"find_lr: smoothing must be in [0, 1), got {smoothing}")
    parts = [Generators(), *(p for p in (batches,) if hasattr(p, "load_state_dict")), model, optimizer]
    before = [copy.deepcopy(part.state_dict()) for part in parts]
    try:
        lrs, losses, smooth = _sweep(optimizer, loss, _forever(batches), np.geomspace(start, end, steps), smoothing)
    finally:
        for part, state in zip(reversed(parts), reversed(before)):
            part.load_state_dict(state)
        optimizer.zero_grad()
    least = int(smooth.argmin()) + 1
    slope = np.gradient(smooth[:least], np.log(lrs[:least])) if least > 1 else np.zeros(1)
    return LearningRates(lrs, losses, smooth, float(lrs[slope.argmin()]))


def _sweep(
    optimizer: Any, loss: Callable[[Any], Any], batches: Iterator[Any], lrs: Any, smoothing: float
) -> tuple[Any, Any, Any]:
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    ratios = [rate / rates[0] if rates[0] else 1.0 for rate in rates]
    losses: list[float] = []
    smooth: list[float] = []
    mean = 0.0
    for i, (lr, batch) in enumerate(zip(lrs, batches), 1):
        for group, ratio in zip(optimizer.param_groups, ratios):
            _set(group, float(lr) * ratio)
        optimizer.zero_grad()
        value = loss(batch)
        number = value.item()
        mean = smoothing * mean + (1 - smoothing) * number
        if not math.isfinite(number) or (smooth and mean / (1 - smoothing**i) > 4 * min(smooth) > 0):
            break
        losses.append(number)
        smooth.append(mean / (1 - smoothing**i))
        value.backward()
        optimizer.step()
    if not losses:
        raise InputError("find_lr: there must be a batch, and its loss must be finite")
    return lrs[: len(losses)], np.array(losses), np.array(smooth)


def _set(group: dict[str, Any], lr: float) -> None:
    """A Tensor stays the same one, as under a scheduler."""
    if isinstance(group["lr"], Tensor):
        with no_grad():
            group["lr"].fill_(lr)
    else:
        group["lr"] = lr


def _forever(batches: Iterable[Any]) -> Iterator[Any]:
    while True:
        batch = None
        for batch in batches:
            yield batch
        if batch is None:
            return
