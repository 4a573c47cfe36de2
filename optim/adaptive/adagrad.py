"""Adagrad: a step size for each element, from the sum of its squared gradients."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import formula


class Adagrad(Optimizer):
    r"""Adagrad: ``h = h + g^2``, ``p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(h) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: the length of the first step.
    lr_decay : float
        How fast the learning rate falls besides.
    weight_decay : float
        Added to the gradient, times the parameter.
    initial_accumulator_value : float
        Where ``h`` starts.
    eps : float
        Added to the root.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    J. Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", JMLR
    2011.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.Adagrad(lr=0.5).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.5
    """

    lr: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10

    state = {"h": "sum"}
    ranges = {"lr_decay": hyper.NOT_NEGATIVE, "initial_accumulator_value": hyper.NOT_NEGATIVE}
    ignored = ("foreach", "differentiable", "fused")

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        return {"a": group["lr"] / (1 + (t - 1) * group["lr_decay"])}

    def start(self, group: dict[str, Any]) -> dict[str, float]:
        return {"h": group["initial_accumulator_value"]}

    @formula
    def update(p, g, h, a, eps):
        h = h + g * g
        return p - a * g / (np.sqrt(h) + eps), h
