"""LARS: steps in proportion to the size of each tensor; `trust`, the ratio of sizes."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import formula

Array = np.ndarray[Any, Any]


def trust(size: Array, step: Array, adapt: bool) -> Array:
    """Return ``size / step`` for each tensor; 1 where one of them is 0, or if not `adapt`."""
    usable = (size > 0) & (step > 0) if adapt else np.zeros_like(size, bool)
    return np.where(usable, size / np.where(usable, step, 1.0), 1.0)


class LARS(Optimizer):
    r"""Layer-wise adaptive rate scaling: momentum, and for each tensor a step of a fixed fraction of its size.

    ``ratio = trust_coefficient * |p| / (|g| + weight_decay * |p| + eps)``, with Euclidean norms of whole tensors and 1
    where one is 0; ``v = momentum * v + lr * ratio * (g + weight_decay * p)``, ``p = p - v``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: multiplies all ratios.
    momentum : float
        How much of the last step stays.
    weight_decay : float
        Added to the gradient, times the parameter.
    trust_coefficient : float
        How large a step may be, for a tensor of size 1.
    nesterov : bool
        Look ahead: use the step and the new momentum together.
    adapt : bool
        If False, ``ratio = 1``: usual for a group of biases and norms.
    eps : float
        Added to the ratio's denominator.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    Y. You et al., "Large batch training of convolutional networks", 2017, algorithm 1.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 5.0}
    >>> optim.LARS(trust_coefficient=0.01).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    4.95
    """

    lr: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    trust_coefficient: float = 1e-3
    nesterov: bool = False
    adapt: bool = True
    eps: float = 1e-8

    state = {"v": "momentum_buffer"}
    sums = ("pp", "gg")
    own_decay = True
    ranges = {"trust_coefficient": hyper.NOT_NEGATIVE}

    @formula
    def measure(p, g):
        return p * p, g * g

    def ratios(self, group: dict[str, Any], t: int, pp: Array, gg: Array) -> dict[str, Array]:
        size, slope = np.sqrt(pp), np.sqrt(gg)
        decayed = np.where(slope > 0, slope + group["weight_decay"] * size + group["eps"], 0)
        return {"rate": group["lr"] * trust(group["trust_coefficient"] * size, decayed, group["adapt"])}

    @formula
    def update(p, g, v, rate, momentum, weight_decay, nesterov):
        step = rate * (g + weight_decay * p)
        v = momentum * v + step
        return p - (step + momentum * v if nesterov else v), v
