"""NAdam: Adam with Nesterov's momentum."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import formula


class NAdam(Optimizer):
    r"""NAdam: Adam that looks ahead, with a momentum that grows to `betas[0]`.

    ``m = beta1 * m + (1 - beta1) * g``, ``v = beta2 * v + (1 - beta2) * g^2``; with the momentum
    ``mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2)`` and the product ``P_t = mu_1 ... mu_t``,
    ``p = p - lr * (mu_(t+1) / (1 - P_(t+1)) * m + (1 - mu_t) / (1 - P_t) * g) / (sqrt(v / (1 - beta2^t)) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    betas : (float, float)
        Decay of the running mean of the gradient, and of its square.
    eps : float
        Added to the root, outside the bias correction's.
    weight_decay : float
        Added to the gradient, times the parameter.
    momentum_decay : float
        How fast the momentum grows: 0 keeps it at half of `betas[0]`.
    decoupled_weight_decay : bool
        Shrink the parameter itself by ``lr * weight_decay`` instead.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016, algorithm 2, with the momentum of
    section 3.2.

    Notes
    -----
    PyTorch rounds the product ``mu_product`` to its default dtype, float32, at every step; here it stays a Python
    number. Trajectories agree to the last digits where PyTorch's default dtype is float64.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.NAdam(lr=0.1).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.894355
    """

    lr: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False

    state = {"m": "exp_avg", "v": "exp_avg_sq"}
    kept = {"mu_product": 1.0}
    ranges = {"momentum_decay": hyper.NOT_NEGATIVE}
    ignored = ("foreach", "capturable", "differentiable")

    def scalars(self, group: dict[str, Any], t: int, mu_product: float) -> dict[str, Any]:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        mu, following = (beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        mu_product = mu_product * mu
        return {
            "beta1": beta1,
            "c1": 1 - beta1,
            "beta2": beta2,
            "c2": 1 - beta2,
            "a": lr * following / (1 - mu_product * following),
            "b": lr * (1 - mu) / (1 - mu_product),
            "r": (1 - beta2**t) ** -0.5,
            "mu_product": mu_product,
        }

    @formula
    def update(p, g, m, v, beta1, c1, beta2, c2, a, b, r, eps):
        m = beta1 * m + c1 * g
        v = beta2 * v + c2 * g * g
        return p - (a * m + b * g) / (r * np.sqrt(v) + eps), m, v
