"""Adan: Nesterov's momentum from differences of gradients."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula


class Adan(Optimizer):
    r"""Adan: Adam on a gradient that is carried forward by its last change, as Nesterov's would be.

    With the change ``d = g - (the gradient before)``, 0 at first:
    ``m = beta1 * m + (1 - beta1) * g``, ``v = beta2 * v + (1 - beta2) * d``,
    ``n = beta3 * n + (1 - beta3) * (g + beta2 * d)^2``,
    ``p = (p - lr * (m_hat + beta2 * v_hat) / (sqrt(n_hat) + eps)) / (1 + lr * weight_decay)``, where the hats stand for
    bias correction.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: may be five to ten times Adam's.
    betas : (float, float, float)
        Decay of the running means: of the gradient, of its changes, of the square. The paper writes 1 minus these.
    eps : float
        Added to the root.
    weight_decay : float
        How much the parameter shrinks, times `lr`.
    no_prox : bool
        Shrink the parameter as `AdamW` does, ``(1 - lr * weight_decay) * p`` before the step, instead of dividing by
        ``1 + lr * weight_decay`` after it.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    X. Xie et al., "Adan: Adaptive Nesterov momentum algorithm for faster optimizing deep models", 2022, algorithm 1
    (bias correction as in the authors' program).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.Adan(lr=0.1).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.9
    """

    lr: float = 1e-3
    betas: tuple[float, float, float] = (0.98, 0.92, 0.99)
    eps: float = 1e-8
    weight_decay: float = 0.0
    no_prox: bool = False

    state = {"m": "exp_avg", "v": "exp_avg_diff", "n": "exp_avg_sq", "last": "pre_grad"}
    own_decay = True

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        lr, (beta1, beta2, beta3) = group["lr"], group["betas"]
        decay = lr * group["weight_decay"]
        return {
            "beta1": beta1,
            "c1": 1 - beta1,
            "beta2": beta2,
            "c2": 1 - beta2,
            "beta3": beta3,
            "c3": 1 - beta3,
            "a": lr / (1 - beta1**t),
            "b": lr * beta2 / (1 - beta2**t),
            "r": (1 - beta3**t) ** -0.5,
            "shrink": 1 - decay if group["no_prox"] else 1 / (1 + decay),
            "first": t == 1,
        }

    @formula
    def update(p, g, m, v, n, last, beta1, c1, beta2, c2, beta3, c3, a, b, r, eps, shrink, no_prox, first):
        if first:
            last = g
        change = g - last
        ahead = g + beta2 * change
        m = beta1 * m + c1 * g
        v = beta2 * v + c2 * change
        n = beta3 * n + c3 * ahead * ahead
        step = (a * m + b * v) / (r * np.sqrt(n) + eps)
        p = shrink * p - step if no_prox else shrink * (p - step)
        last = g
        return p, m, v, n, last
