"""No schedule: gradient descent and AdamW that average where they have been as they go."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping
from typing import Any

import numpy as np

from tinygrad_lite.graph import written

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import formula
from ..step.interrupts import uninterrupted
from ..step.plan.step_plan import Access

_RANGES: dict[str, tuple[float, float, str] | None] = {
    "r": hyper.NOT_NEGATIVE,
    "weight_lr_power": hyper.NOT_NEGATIVE,
    "warmup_steps": hyper.NOT_NEGATIVE,
}


class _ScheduleFree(Optimizer):
    """What both have in common: ``z`` takes the steps, ``x`` is its mean, gradients are taken at ``y`` between them.

    ``y = beta * x + (1 - beta) * z`` is where the parameters are while training, ``x`` where they are to be evaluated.
    Only ``y`` and ``z`` are stored.
    """

    kept = {"weight_sum": 0.0, "lr_max": 0.0}

    def _beta(self, group: dict[str, Any]) -> float:
        """Under the name that the subclass has for it."""
        raise NotImplementedError

    def check(self, group: dict[str, Any]) -> None:
        if not self._beta(group) > 0:
            raise ValueError(f"{self._name}: the momentum must be above 0, or x is lost, got {self._beta(group)}")

    def _paces(self, group: dict[str, Any], t: int, lr: float, weight_sum: float, lr_max: float) -> dict[str, Any]:
        """Return how far ``y`` and ``z`` go: the newest ``z`` has in the mean the weight ``t^r * lr_max^power``."""
        lr_max = max(lr_max, lr)
        weight = t ** group["r"] * lr_max ** group["weight_lr_power"]
        weight_sum = weight_sum + weight
        share = weight / weight_sum if weight_sum else 0.0
        return {
            "share": share,
            "pace": lr * (1 - self._beta(group) * (1 - share)),
            "rate": lr,
            "first": t == 1,
            "weight_sum": weight_sum,
            "lr_max": lr_max,
        }

    def eval(self, params: MutableMapping[Any, Any] | None = None) -> None:
        """Put the parameters to ``x``, the mean: before evaluating or saving the model.

        Parameters
        ----------
        params : dict, optional
            For an optimizer of dicts: the parameters.
        """
        self._switch(False, params)

    def train(self, params: MutableMapping[Any, Any] | None = None) -> None:
        """Put the parameters back to ``y``, where gradients are taken: before the next step.

        Parameters
        ----------
        params : dict, optional
            For an optimizer of dicts: the parameters.
        """
        self._switch(True, params)

    def _switch(self, training: bool, params: MutableMapping[Any, Any] | None) -> None:
        name = f"{self._name}.{'train' if training else 'eval'}"
        if self._by_name and params is None:
            raise TypeError(f"{name}: made without parameters; hand over the dict")
        if self.param_groups[0].get("differentiable"):
            raise RuntimeError(f"{name}: not with differentiable=True: the move would not be recorded")
        with uninterrupted():
            for group in self.param_groups:
                if group.get("train_mode", True) is not training:
                    self._switch_group(name, group, training, params)

    def _switch_group(
        self, name: str, group: dict[str, Any], training: bool, params: MutableMapping[Any, Any] | None
    ) -> None:
        group["train_mode"] = training
        beta = self._beta(hyper.resolved(group, self._steps)[0])
        weight = 1 - beta if training else 1 - 1 / beta
        for key in group["params"]:
            z = self._state.get(key, {}).get("z")
            if z is None:
                continue  # no step yet: x, y and z are the same
            p = key if params is None else params[key]
            array = getattr(p, "_data", p)
            if isinstance(array, np.ndarray):
                array += weight * (z - array)
                written(array, name, 4)
            elif params is not None:
                params[key] = type(p)(p + weight * (z - p))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        self._refuse_in_eval_mode()
        return super().step(closure)

    def _step(self, access: Access | None) -> None:  # what `update` of dicts comes to
        self._refuse_in_eval_mode()
        super()._step(access)

    def _refuse_in_eval_mode(self) -> None:
        if not all(group.get("train_mode", True) for group in self.param_groups):
            raise RuntimeError(f"{self._name}: in eval mode, where the parameters are the mean; call train() first")


class ScheduleFreeSGD(_ScheduleFree):
    r"""Gradient descent without a schedule: momentum and the mean of all steps in one.

    ``z = z - lr * g``, ``x = (1 - c) * x + c * z``, ``y = (1 - momentum) * z + momentum * x``; gradients are taken at
    ``y``. ``c`` is the newest ``z``'s part of the weights ``t^r * lr^weight_lr_power``: ``1 / t`` with a constant `lr`.
    The parameters are ``y`` while training; `eval` puts them to ``x``, `train` back.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: ten times plain gradient descent's, or more.
    momentum : float
        Where between ``z`` and ``x`` gradients are taken, above 0.
    weight_decay : float
        Added to the gradient, times the parameter (``y``).
    warmup_steps : int
        In how many steps `lr` grows to its value.
    r : float
        Power of the step in the mean's weights.
    weight_lr_power : float
        Power of the largest learning rate so far in the mean's weights.
    maximize : bool
        Follow the gradient uphill.

    Raises
    ------
    RuntimeError
        On a step after `eval`, without `train`.

    References
    ----------
    A. Defazio et al., "The road less scheduled", NeurIPS 2024, equations 3 to 5; warm-up and weights as in the authors'
    program.

    Examples
    --------
    >>> from tinygrad_lite import nn, optim
    >>> x = nn.Parameter(tg.tensor([1.0, -2.0]))
    >>> optimizer = optim.ScheduleFreeSGD([x], lr=0.5)
    >>> for _ in range(30):
    ...     optimizer.zero_grad()
    ...     (x * x).sum().backward()
    ...     optimizer.step()
    >>> optimizer.eval()
    >>> bool((x.abs() < 0.1).all())
    True
    """

    lr: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    warmup_steps: int = 0
    r: float = 0.0
    weight_lr_power: float = 2.0

    state = {"z": "z"}
    ranges = {**_RANGES, "momentum": hyper.FRACTION}

    def _beta(self, group: dict[str, Any]) -> float:
        return float(group["momentum"])

    def scalars(self, group: dict[str, Any], t: int, weight_sum: float, lr_max: float) -> dict[str, Any]:
        lr = group["lr"] * min(1.0, t / max(1, group["warmup_steps"]))
        return self._paces(group, t, lr, weight_sum, lr_max)

    @formula
    def update(p, g, z, share, pace, rate, first):
        if first:
            z = p
        p = p + share * (z - p) - pace * g
        return p, z - rate * g


class ScheduleFreeAdamW(_ScheduleFree):
    r"""AdamW without a schedule: the mean of all steps takes the momentum's place.

    ``v = beta2 * v + (1 - beta2) * g^2``, ``d = g / (sqrt(v) + eps) + weight_decay * y``, ``z = z - rate * d`` with
    ``rate = lr * sqrt(1 - beta2^t)``, ``x = (1 - c) * x + c * z``, ``y = (1 - beta1) * z + beta1 * x``; gradients are
    taken at ``y``. ``c`` is the newest ``z``'s part of the weights ``t^r * rate^weight_lr_power``. The parameters are
    ``y`` while training; `eval` puts them to ``x``, `train` back.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: up to ten times AdamW's.
    betas : (float, float)
        Where between ``z`` and ``x`` gradients are taken, above 0, and the decay of the running mean of the square.
    eps : float
        Added to the root.
    weight_decay : float
        How much of the parameter (``y``) is subtracted, times the rate.
    warmup_steps : int
        In how many steps `lr` grows to its value.
    r : float
        Power of the step in the mean's weights.
    weight_lr_power : float
        Power of the largest rate so far in the mean's weights.
    maximize : bool
        Follow the gradient uphill.

    Raises
    ------
    RuntimeError
        On a step after `eval`, without `train`.

    References
    ----------
    A. Defazio et al., "The road less scheduled", NeurIPS 2024, algorithm 1; warm-up and weights as in the authors'
    program.

    Examples
    --------
    >>> from tinygrad_lite import nn, optim
    >>> x = nn.Parameter(tg.tensor([1.0, -2.0]))
    >>> optimizer = optim.ScheduleFreeAdamW([x], lr=0.1)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     (x * x).sum().backward()
    ...     optimizer.step()
    >>> optimizer.eval()
    >>> bool((x.abs() < 0.1).all())
    True
    """

    lr: float = 2.5e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    warmup_steps: int = 0
    r: float = 0.0
    weight_lr_power: float = 2.0

    state = {"z": "z", "v": "exp_avg_sq"}
    own_decay = True
    ranges = _RANGES

    def _beta(self, group: dict[str, Any]) -> float:
        return float(group["betas"][0])

    def scalars(self, group: dict[str, Any], t: int, weight_sum: float, lr_max: float) -> dict[str, Any]:
        beta2 = group["betas"][1]
        lr = group["lr"] * math.sqrt(1 - beta2**t) * min(1.0, t / max(1, group["warmup_steps"]))
        return {**self._paces(group, t, lr, weight_sum, lr_max), "beta2": beta2, "c2": 1 - beta2}

    @formula
    def update(p, g, z, v, beta2, c2, eps, weight_decay, share, pace, rate, first):
        if first:
            z = p
        v = beta2 * v + c2 * g * g
        d = g / (np.sqrt(v) + eps) + weight_decay * p
        p = p + share * (z - p) - pace * d
        return p, z - rate * d, v
