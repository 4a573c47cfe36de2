"""AdEMAMix: Adam with a second, slow momentum."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import formula


def between(start: float, end: float, part: float) -> float:
    """Return the decay between two, by their half-lives: ``1 / log(beta)`` goes from one to the other linearly.

    This is the paper's schedule of beta3, ``exp(log(a) log(b) / ((1 - part) log(b) + part log(a)))``, which also holds
    where a decay is 0.
    """
    a, b = (1 / math.log(beta) if beta > 0 else 0.0 for beta in (start, end))
    mean = (1 - part) * a + part * b
    return math.exp(1 / mean) if mean else 0.0


class AdEMAMix(Optimizer):
    r"""AdEMAMix: a quick running mean of the gradient and one that remembers ten thousand steps.

    ``m1 = beta1 * m1 + (1 - beta1) * g``, ``m2 = beta3 * m2 + (1 - beta3) * g``, ``v = beta2 * v + (1 - beta2) * g^2``,
    ``p = (1 - lr * weight_decay) * p - lr * (m1 / (1 - beta1^t) + alpha * m2) / (sqrt(v / (1 - beta2^t)) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    betas : (float, float, float)
        Decay of the quick running mean, of the square's, and of the slow one.
    alpha : float
        How much of the slow mean is mixed in.
    beta3_warmup : int, optional
        In how many steps the slow mean's decay goes from `betas[0]` to `betas[2]`, its half-life growing evenly.
    alpha_warmup : int, optional
        In how many steps `alpha` grows to its value.
    eps : float
        Added to the root.
    weight_decay : float
        How much the parameter shrinks, times `lr`.
    maximize : bool
        Follow the gradient uphill.

    Raises
    ------
    ValueError
        If a warm-up is not at least one step.

    References
    ----------
    M. Pagliardini et al., "The AdEMAMix optimizer: Better, faster, older", ICLR 2025, algorithm 1, with section 3's
    schedules of alpha and beta3. Deviation from the authors' program: the schedule of beta3 is the paper's, without
    1e-8 inside the logarithms.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.AdEMAMix(lr=0.1, alpha=1e4).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.8
    """

    lr: float = 1e-3
    betas: tuple[float, float, float] = (0.9, 0.999, 0.9999)
    alpha: float = 2.0
    beta3_warmup: int | None = None
    alpha_warmup: int | None = None
    eps: float = 1e-8
    weight_decay: float = 0.0

    state = {"m1": "exp_avg_fast", "m2": "exp_avg_slow", "v": "exp_avg_sq"}
    ranges = {"alpha": hyper.NOT_NEGATIVE}
    decoupled = True

    def check(self, group: dict[str, Any]) -> None:
        for name in ("beta3_warmup", "alpha_warmup"):
            if group[name] is not None and group[name] < 1:
                raise ValueError(f"{self._name}: {name} must be None or at least 1, got {group[name]}")

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        lr, (beta1, beta2, beta3) = group["lr"], group["betas"]
        if t < (group["beta3_warmup"] or 0):
            beta3 = between(beta1, beta3, t / group["beta3_warmup"])
        alpha = group["alpha"] * min(1.0, t / (group["alpha_warmup"] or 1))
        return {
            "beta1": beta1,
            "c1": 1 - beta1,
            "beta2": beta2,
            "c2": 1 - beta2,
            "beta3": beta3,
            "c3": 1 - beta3,
            "a": lr / (1 - beta1**t),
            "b": lr * alpha,
            "r": (1 - beta2**t) ** -0.5,
        }

    @formula
    def update(p, g, m1, m2, v, beta1, c1, beta2, c2, beta3, c3, a, b, r, eps):
        m1 = beta1 * m1 + c1 * g
        m2 = beta3 * m2 + c3 * g
        v = beta2 * v + c2 * g * g
        return p - (a * m1 + b * m2) / (r * np.sqrt(v) + eps), m1, m2, v
