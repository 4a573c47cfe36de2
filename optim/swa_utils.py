"""Averages of a model's weights: stochastic weight averaging (SWA), exponential moving averages (EMA).

The one room of `optim` that knows modules, so it is loaded only when it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from tinygrad_lite import Tensor, int64, nn, no_grad, tensor
from tinygrad_lite.graph import written
from tinygrad_lite.kernels.native.parallel import in_parts
from tinygrad_lite.nn.modules.normalization.batch_norm import _BatchNorm
from tinygrad_lite.transforms.effects import effect

from .kernels.weight_average import approach
from .lr_scheduler import LRScheduler
from .lr_scheduler.base import Scheduled
from .step.declare import hyperparameters as hyper
from .step.plan.parameter_batch import COMPILED

__all__ = [
    "AveragedModel", "update_bn", "SWALR", "get_ema_multi_avg_fn", "get_swa_multi_avg_fn", "get_ema_avg_fn",
    "get_swa_avg_fn",
]  # fmt: skip

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return the exponential moving average: ``decay * averaged + (1 - decay) * current``.

    Parameters
    ----------
    decay : float
        In [0, 1].

    Returns
    -------
    callable
        ``avg_fn(averaged, current, num_averaged)``, for one parameter of `AveragedModel`.

    Raises
    ------
    ValueError
        If `decay` is out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.optim import swa_utils
    >>> swa_utils.get_ema_avg_fn(0.75)(tg.tensor([1.0]), tg.tensor([3.0]), 1)
    tensor([1.5000])
    """
    return _Average("get_ema_avg_fn", decay)


def get_swa_avg_fn() -> Average:
    """Return the plain average: ``averaged + (current - averaged) / (num_averaged + 1)``.

    Returns
    -------
    callable
        ``avg_fn(averaged, current, num_averaged)``, for one parameter of `AveragedModel`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.optim import swa_utils
    >>> swa_utils.get_swa_avg_fn()(tg.tensor([1.0]), tg.tensor([3.0]), 1)
    tensor([2.])
    """
    return _Average("get_swa_avg_fn")


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """Return the exponential moving average of `get_ema_avg_fn` for lists of parameters, in place.

    Parameters
    ----------
    decay : float
        In [0, 1].

    Returns
    -------
    callable
        ``multi_avg_fn(averaged, current, num_averaged)``, for `AveragedModel`.

    Raises
    ------
    ValueError
        If `decay` is out of range.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.optim import swa_utils
    >>> averaged = [tg.tensor([1.0])]
    >>> swa_utils.get_ema_multi_avg_fn(0.75)(averaged, [tg.tensor([3.0])], 1)
    >>> averaged
    [tensor([1.5000])]
    """
    return _Average("get_ema_multi_avg_fn", decay).in_place


def get_swa_multi_avg_fn() -> MultiAverage:
    """Return the plain average of `get_swa_avg_fn` for lists of parameters, in place.

    Returns
    -------
    callable
        ``multi_avg_fn(averaged, current, num_averaged)``, for `AveragedModel`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.optim import swa_utils
    >>> averaged = [tg.tensor([1.0])]
    >>> swa_utils.get_swa_multi_avg_fn()(averaged, [tg.tensor([3.0])], 1)
    >>> averaged
    [tensor([2.])]
    """
    return _Average("get_swa_multi_avg_fn").in_place


class _Average:
    """``averaged + w * (current - averaged)``: ``w = 1 - decay``, or without a decay ``1 / (num_averaged + 1)``."""

    def __init__(self, who: str, decay: float | None = None) -> None:
        hyper.check_kinds(who, {"decay": decay}, {"decay": "float | None"})
        hyper.check(who, {} if decay is None else {"decay": decay}, {"decay": (0.0, 1.0, "[]")})
        self.decay = decay

    def weight(self, num_averaged: Any) -> float:
        return 1 / (int(num_averaged) + 1) if self.decay is None else 1 - self.decay

    def __call__(self, averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        with no_grad():
            return averaged + self.weight(num_averaged) * (current - averaged)

    def in_place(self, averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        for a, b in zip(averaged, current):
            if not _approach(a._data, b._data, self.weight(num_averaged)):
                _store(a, self(a, b, num_averaged))


def _approach(a: Any, b: Any, w: float) -> bool:
    """``a = a + w * (b - a)`` in one pass, if the arrays are made so that it is possible."""
    fits = a.dtype == b.dtype and a.dtype in COMPILED and a.flags.c_contiguous and b.flags.c_contiguous
    if fits:
        x, y, weight = a.reshape(-1), b.reshape(-1), a.dtype.type(w)
        in_parts(approach, 1 << 18, (x, y), weight)
        written(a, "AveragedModel")
    return bool(fits)


def _store(target: Tensor, value: Tensor) -> None:
    """Write to a tensor; an average of counts is cut off to a count."""
    with no_grad():
        target.copy_(value.to(target.dtype))


class AveragedModel(nn.Module):
    r"""A copy of a model whose parameters are an average of the model's over time.

    By default the plain average of all models that were given to `update_parameters` (SWA).

    Parameters
    ----------
    model : Module
        Copied, with its hooks and all.
    device : optional
        None or "cpu".
    avg_fn : callable, optional
        ``avg_fn(averaged, current, num_averaged)`` returns a parameter's new average.
    multi_avg_fn : callable, optional
        ``multi_avg_fn(averaged, current, num_averaged)`` updates a list of averages in place.
    use_buffers : bool
        Average buffers, too; by default they are copied.

    Attributes
    ----------
    module : Module
        The copy.
    n_averaged : Tensor, shape (), int64
        How often `update_parameters` was called; a buffer.

    Raises
    ------
    ValueError
        If both functions are given.

    References
    ----------
    P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018, algorithm 1.

    Notes
    -----
    Deviations from PyTorch: averages of integers are cut off in every function, also where it refuses them; a model
    of other shapes is refused.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.optim import swa_utils
    >>> model = nn.Linear(1, 1)
    >>> averaged = swa_utils.AveragedModel(model)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, weight)
    ...     averaged.update_parameters(model)
    >>> averaged.module.weight.item()
    3.0
    """

    n_averaged: Tensor
    module: nn.Module

    def __init__(
        self,
        model: nn.Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: either avg_fn or multi_avg_fn can be given, got both")
        self.module = deepcopy(model) if device is None else deepcopy(model).to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the averaged copy."""
        return self.module(*args, **kwargs)

    @effect
    def update_parameters(self, model: nn.Module) -> None:
        """Take a model's parameters into the average; the first time they are copied.

        Parameters
        ----------
        model : Module
            Of the same structure as the one that was copied.

        Raises
        ------
        ValueError
            If its parameters or buffers have other shapes. Nothing is changed then.
        """
        own, theirs = _tensors(self.module), _tensors(model)
        shapes = [[t.shape for t in side] for pair in zip(own, theirs) for side in pair]
        if shapes[0] != shapes[1] or shapes[2] != shapes[3]:
            raise ValueError("AveragedModel.update_parameters: the model's parameters or buffers are of other shapes")
        averaged, current = ([*p, *b] if self.use_buffers else p for p, b in (own, theirs))
        if self.n_averaged == 0:
            for a, b in zip(averaged, current):
                _store(a, b)
        elif self.avg_fn is not None:
            for a, b in zip(averaged, current):
                _store(a, self.avg_fn(a, b, self.n_averaged))
        elif averaged:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(averaged, current, self.n_averaged)
        if not self.use_buffers:
            for a, b in zip(own[1], theirs[1]):
                _store(a, b)
        self.n_averaged.add_(1)


def _tensors(model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """A model's parameters and buffers, without their gradients."""
    return [p.detach() for p in model.parameters()], [b.detach() for b in model.buffers()]


def update_bn(loader: Iterable[Any], model: nn.Module, device: Any = None) -> None:
    """Compute the running statistics of batch normalizations anew, as plain averages over all batches.

    Parameters
    ----------
    loader : iterable of Tensor, or of list or tuple
        Inputs of the model; of a list or tuple the first item is one.
    model : Module
        Called in training mode; left in the mode it was in.
    device : optional
        None or "cpu".

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.optim import swa_utils
    >>> norm = nn.BatchNorm1d(1)
    >>> swa_utils.update_bn([tg.tensor([[1.0], [3.0]]), tg.tensor([[3.0], [5.0]])], norm)
    >>> norm.running_mean
    tensor([3.])
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    modes = [(module, module.training) for module in model.modules()]
    if not norms:
        return
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        model.train()
        with no_grad():
            for batch in loader:
                given = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(given if device is None else given.to(device))
    finally:
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        for module, training in modes:
            module.training = training


ANNEALING: dict[str, Callable[[float], float]] = {
    "cos": lambda t: (1 - math.cos(math.pi * t)) / 2,
    "linear": lambda t: t,
}


class SWALR(LRScheduler):
    """From the learning rate there is to `swa_lr`, and on with that.

    ``lr = a * swa_lr + (1 - a) * initial_lr``, where ``a`` goes from 0 to 1 in `anneal_epochs` steps.

    As PyTorch, it goes a step at a time from wherever the learning rate is.

    Parameters
    ----------
    optimizer : Optimizer
    swa_lr : float, or list of float
        The last learning rate, of all groups or of each.
    anneal_epochs : int
        How many steps it takes.
    anneal_strategy : {"cos", "linear"}
        How it gets there: along half a wave of the cosine, or a straight line.
    last_epoch : int
        The number of steps done: -1 to begin.

    Raises
    ------
    ValueError
        If `anneal_epochs` or `anneal_strategy` is none of these, or `swa_lr` is not of the length of the groups.

    References
    ----------
    P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import swa_utils
    >>> sgd = optim.SGD(lr=0.5)
    >>> schedule = swa_utils.SWALR(sgd, swa_lr=0.1, anneal_epochs=4, anneal_strategy="linear")
    >>> for _ in range(6):
    ...     print(round(sgd.lr, 4), end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.5 0.4 0.3 0.2 0.1 0.1
    """

    def __init__(
        self,
        optimizer: Scheduled,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        self._check_kinds(SWALR, locals())
        if anneal_strategy not in ANNEALING:
            raise ValueError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs must be an integer of at least 0, got {anneal_epochs!r}")
        self.optimizer = self._checked(optimizer)
        for group, lr in zip(optimizer.param_groups, self._per_group("swa_lr", swa_lr)):
            hyper.check("SWALR", {"swa_lr": lr}, {"swa_lr": hyper.NOT_NEGATIVE})
            group["swa_lr"] = float(lr)
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _next_lr(self) -> list[float]:
        step = self._step_count - 1
        step = max(1, step) if self.anneal_epochs == 0 else step
        before, now = self._progress(step - 1), self._progress(step)
        found = []
        for group, lr in zip(self.optimizer.param_groups, self._current_lr()):
            end = group["swa_lr"]
            initial = end if before == 1 else (lr - before * end) / (1 - before)
            found.append(now * end + (1 - now) * initial)
        return found

    def _progress(self, step: int) -> float:
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return ANNEALING[self._anneal_strategy](t)
