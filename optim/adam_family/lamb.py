"""LAMB: Adam's direction, and steps in proportion to the size of each tensor."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..first_order.lars import trust
from ..optimizer import Optimizer
from ..step.declare.formula import formula

Array = np.ndarray[Any, Any]


def _direction(p, g, m, v, beta1, c1, beta2, c2, a, r, eps, weight_decay):
    """Adam's step and the decay together, and the new running means."""
    m = beta1 * m + c1 * g
    v = beta2 * v + c2 * g * g
    return a * m / (r * np.sqrt(v) + eps) + weight_decay * p, m, v


class LAMB(Optimizer):
    r"""LAMB: Adam's direction, and for each tensor a step of a fixed fraction of its size.

    ``m = beta1 * m + (1 - beta1) * g``, ``v = beta2 * v + (1 - beta2) * g^2``,
    ``u = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + weight_decay * p``, ``p = p - lr * |p| / |u| * u``, with
    Euclidean norms of whole tensors, and a ratio of 1 where one is 0.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: the length of a step for a tensor of size 1.
    betas : (float, float)
        Decay of the running mean of the gradient, and of its square.
    eps : float
        Added to the root.
    weight_decay : float
        Added to the direction, times the parameter.
    adapt : bool
        If False, ``p = p - lr * u``: usual for a group of biases and norms.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    Y. You et al., "Large batch optimization for deep learning: Training BERT in 76 minutes", ICLR 2020, algorithm 2
    (``phi(z) = z``).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 5.0}
    >>> optim.LAMB(lr=0.01).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    4.95
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-6
    weight_decay: float = 0.0
    adapt: bool = True

    state = {"m": "exp_avg", "v": "exp_avg_sq"}
    sums = ("pp", "uu")
    own_decay = True

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        return {
            "beta1": beta1,
            "c1": 1 - beta1,
            "beta2": beta2,
            "c2": 1 - beta2,
            "a": 1 / (1 - beta1**t),
            "r": (1 - beta2**t) ** -0.5,
        }

    @formula
    def measure(p, g, m, v, beta1, c1, beta2, c2, a, r, eps, weight_decay):
        u, m, v = _direction(p, g, m, v, beta1, c1, beta2, c2, a, r, eps, weight_decay)
        return p * p, u * u

    def ratios(self, group: dict[str, Any], t: int, pp: Array, uu: Array) -> dict[str, Array]:
        return {"rate": group["lr"] * trust(np.sqrt(pp), np.sqrt(uu), group["adapt"])}

    @formula
    def update(p, g, m, v, beta1, c1, beta2, c2, a, r, eps, weight_decay, rate):
        u, m, v = _direction(p, g, m, v, beta1, c1, beta2, c2, a, r, eps, weight_decay)
        return p - rate * u, m, v
