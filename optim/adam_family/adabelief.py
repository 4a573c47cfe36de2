"""AdaBelief: Adam that measures how far the gradient is from what was expected."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula
from .radam import rectification


class AdaBelief(Optimizer):
    r"""AdaBelief: long steps where the gradient is what its running mean foretold, short ones where it is not.

    ``m = beta1 * m + (1 - beta1) * g``, ``s = beta2 * s + (1 - beta2) * (g - m)^2 + eps``,
    ``p = p - lr * m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + eps)``; with `amsgrad` the largest ``s`` so far takes
    the place of ``s`` in the last line.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    betas : (float, float)
        Decay of the running mean of the gradient, and of the squared distance from it.
    eps : float
        Added to ``s`` at every step, and to its root. The authors advise 1e-8 where plain gradient descent does better
        than Adam, 1e-16 where Adam does.
    weight_decay : float
        How much the parameter shrinks, times `lr`.
    amsgrad : bool
        Let the scale never shrink.
    decoupled_weight_decay : bool
        If False, add ``weight_decay * p`` to the gradient instead.
    rectify : bool
        Begin as `RAdam` does: momentum alone, until ``s`` can be trusted.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    J. Zhuang et al., "AdaBelief optimizer: Adapting stepsizes by the belief in observed gradients", NeurIPS 2020,
    algorithm 2. The authors' program rectifies by default; the paper does not.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.AdaBelief(lr=0.09).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.9
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-16
    weight_decay: float = 0.0
    amsgrad: bool = False
    decoupled_weight_decay: bool = True
    rectify: bool = False

    state = {"m": "exp_avg", "s": "exp_avg_var", "top": "max_exp_avg_var"}

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        trust = rectification(beta2, t) if group["rectify"] else 1.0
        return {
            "beta1": beta1,
            "c1": 1 - beta1,
            "beta2": beta2,
            "c2": 1 - beta2,
            "a": group["lr"] / (1 - beta1**t) * (trust or 1.0),
            "r": (1 - beta2**t) ** -0.5,
            "adaptive": trust > 0,
        }

    @formula
    def update(p, g, m, s, top, beta1, c1, beta2, c2, a, r, eps, amsgrad, adaptive):
        m = beta1 * m + c1 * g
        surprise = g - m
        s = beta2 * s + c2 * surprise * surprise + eps
        if amsgrad:
            top = np.maximum(top, s)
        scale = top if amsgrad else s
        d = m / (r * np.sqrt(scale) + eps) if adaptive else m
        return p - a * d, m, s, top
