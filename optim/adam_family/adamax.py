"""Adamax: Adam with the largest gradient in the root mean square's place."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula


class Adamax(Optimizer):
    r"""Adamax: steps of about `lr`, scaled by the largest gradient so far, slowly forgotten.

    ``m = beta1 * m + (1 - beta1) * g``, ``u = max(beta2 * u, |g| + eps)``,
    ``p = p - lr / (1 - beta1^t) * m / u``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: about the length of a step, whatever the gradient's.
    betas : (float, float)
        Decay of the running mean of the gradient, and of the largest gradient.
    eps : float
        Added to the gradient's absolute value.
    weight_decay : float
        Added to the gradient, times the parameter.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, algorithm 2 (which has no
    `eps`; it is PyTorch's).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.Adamax(lr=0.1).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.9
    """

    lr: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    state = {"m": "exp_avg", "u": "exp_inf"}
    ignored = ("foreach", "differentiable", "capturable")

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        return {"beta1": beta1, "c1": 1 - beta1, "beta2": beta2, "a": group["lr"] / (1 - beta1**t)}

    @formula
    def update(p, g, m, u, beta1, c1, beta2, a, eps):
        m = beta1 * m + c1 * g
        u = np.maximum(beta2 * u, np.abs(g) + eps)
        return p - a * m / u, m, u
