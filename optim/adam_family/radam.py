"""RAdam: Adam that waits until its running mean of squares can be trusted."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula


def rectification(beta2: Any, t: int) -> Any:
    """Return ``r_t``, by which RAdam shortens a step while the running mean of squares is short; 0 where it is useless.

    With ``rho_inf = 2 / (1 - beta2) - 1`` and the mean's length ``rho = rho_inf - 2 t beta2^t / (1 - beta2^t)``:
    ``r_t = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))`` where ``rho > 5``.
    """
    longest = 2 / (1 - beta2) - 1
    rho = longest - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return 0.0
    return ((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)) ** 0.5


class RAdam(Optimizer):
    r"""RAdam: momentum alone in the first steps, then Adam with steps that grow to their full length.

    ``m = beta1 * m + (1 - beta1) * g``, ``v = beta2 * v + (1 - beta2) * g^2``, ``p = p - lr * m / (1 - beta1^t) * l``
    where ``l = r_t * sqrt(1 - beta2^t) / (sqrt(v) + eps)`` once the running mean of squares is long enough, and 1
    before: when that is, and ``r_t``, depend on ``beta2`` and the step alone.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    betas : (float, float)
        Decay of the running mean of the gradient, and of its square.
    eps : float
        Added to the root, before the bias correction.
    weight_decay : float
        Added to the gradient, times the parameter.
    decoupled_weight_decay : bool
        Shrink the parameter itself by ``lr * weight_decay`` instead.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020, algorithm 2 (as in PyTorch,
    `eps` is new, and the bound on ``rho`` is 5, the authors' program's, not 4).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.RAdam(lr=0.1).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    -1.5
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled_weight_decay: bool = False

    state = {"m": "exp_avg", "v": "exp_avg_sq"}
    ignored = ("foreach", "capturable", "differentiable")

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        r = rectification(beta2, t)
        return {
            "beta1": beta1,
            "c1": 1 - beta1,
            "beta2": beta2,
            "c2": 1 - beta2,
            "a": group["lr"] / (1 - beta1**t) * (r * (1 - beta2**t) ** 0.5 if r else 1),
            "adaptive": r > 0,
        }

    @formula
    def update(p, g, m, v, beta1, c1, beta2, c2, a, eps, adaptive):
        m = beta1 * m + c1 * g
        v = beta2 * v + c2 * g * g
        d = m / (np.sqrt(v) + eps) if adaptive else m
        return p - a * d, m, v
