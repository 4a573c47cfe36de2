"""Lion: the sign of a momentum."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula


class Lion(Optimizer):
    r"""Lion: every element moves by exactly `lr`, in the direction of a momentum that heeds the newest gradient.

    ``p = (1 - lr * weight_decay) * p - lr * sign(beta1 * m + (1 - beta1) * g)``,
    ``m = beta2 * m + (1 - beta2) * g``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: the length of every step. Three to ten times smaller than Adam's.
    betas : (float, float)
        How much of the momentum decides the direction, and how much of it stays.
    weight_decay : float
        How much the parameter shrinks, times `lr`. Three to ten times larger than Adam's.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.Lion(lr=0.1).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.9
    """

    lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0

    state = {"m": "exp_avg"}
    decoupled = True

    @formula
    def update(p, g, m, lr, beta1, beta2):
        direction = np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
        return p - lr * direction, m
