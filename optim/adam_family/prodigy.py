"""Prodigy: Adam that finds its learning rate."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula

POSITIVE = (0.0, math.inf, "()")


class Prodigy(Optimizer):
    r"""Prodigy: Adam with an estimate ``d`` of the distance to the solution in the learning rate's place.

    Over all tensors of all groups, which began at ``p0``: ``r = beta3 * r + lr * d^2 * <g, p0 - p>``,
    ``s = beta3 * s + lr * d^2 * g``, ``next = max(d, d_coef * r / sum(|s|))``. For each element
    ``m = beta1 * m + (1 - beta1) * d * g``, ``v = beta2 * v + (1 - beta2) * d^2 * g^2``,
    ``p = p - lr * d * m / (sqrt(v) + next * eps)``; then ``d = next``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Multiplies the estimate: leave it at 1, or give it a schedule. In all groups the same, or 0.
    betas : (float, float)
        Decay of the running mean of the gradient, and of its square.
    beta3 : float, optional
        Decay of the sums behind the estimate; by default the root of `betas[1]`.
    eps : float
        Added to the root, times the estimate.
    weight_decay : float
        How much the parameter shrinks, times `lr` and the estimate.
    decouple : bool
        If False, add ``weight_decay * p`` to the gradient instead.
    use_bias_correction : bool
        Multiply `lr` by Adam's bias correction, ``sqrt(1 - beta2^t) / (1 - beta1^t)``.
    safeguard_warmup : bool
        Leave `lr` out of ``s``: for schedules that begin near 0.
    d0 : float
        The first estimate: small.
    d_coef : float
        Multiplies the estimate: what to tune, if anything.
    growth_rate : float
        By how much the estimate may grow in one step.
    maximize : bool
        Follow the gradient uphill.

    Raises
    ------
    ValueError
        If the learning rates of two groups differ, and none is 0.

    References
    ----------
    K. Mishchenko and A. Defazio, "Prodigy: An expeditiously adaptive parameter-free learner", ICML 2024, algorithm 4;
    the arguments, and `eps` times the new estimate, as in the authors' program.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params, optimizer = {"x": 5.0}, optim.Prodigy()
    >>> for _ in range(100):
    ...     optimizer.update(params, {"x": params["x"] - 3})
    >>> round(params["x"])
    3
    """

    lr: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    beta3: float | None = None
    eps: float = 1e-8
    weight_decay: float = 0.0
    decouple: bool = True
    use_bias_correction: bool = False
    safeguard_warmup: bool = False
    d0: float = 1e-6
    d_coef: float = 1.0
    growth_rate: float = math.inf

    state = {"m": "exp_avg", "v": "exp_avg_sq", "s": "s", "p0": "p0"}
    sums = ("progress", "length")
    own_decay = True
    ranges = {"d0": POSITIVE, "d_coef": POSITIVE, "growth_rate": (1.0, math.inf, "[]")}

    def check(self, group: dict[str, Any]) -> None:
        if group["beta3"] is not None and not 0 <= group["beta3"] < 1:
            raise ValueError(f"{self._name}: beta3 must be None or in [0, 1), got {group['beta3']}")

    def _beta3(self, group: dict[str, Any]) -> float:
        return math.sqrt(group["betas"][1]) if group["beta3"] is None else group["beta3"]

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        d, decay = group.get("d", group["d0"]), group["weight_decay"]
        corrected = math.sqrt(1 - beta2**t) / (1 - beta1**t) if group["use_bias_correction"] else 1.0
        step = d * group["lr"] * corrected
        weight = d / group["d0"]  # both sums divided by d0^2, which cancels: else they would be too small
        return {
            "beta1": beta1,
            "c1": d * (1 - beta1),
            "beta2": beta2,
            "c2": d * d * (1 - beta2),
            "beta3": self._beta3(group),
            "c3": weight * (d if group["safeguard_warmup"] else step),
            "gain": weight * step,
            "a": step,
            "shrink": 1 - step * decay if group["decouple"] else 1.0,
            "coupled": decay != 0 and not group["decouple"],
            "first": t == 1,
        }

    @formula
    def measure(p, g, s, p0, beta3, c3, gain, weight_decay, coupled, first):
        if coupled:
            g = g + weight_decay * p
        began = p if first else p0
        return gain * g * (began - p), np.abs(beta3 * s + c3 * g)

    def gathered(self, totals: dict[str, float]) -> None:
        """Make the new estimate; what it needs lies in the groups, as in the authors' program."""
        rates = {group["lr"] for group in self.param_groups} - {0}
        if len(rates) > 1:
            raise ValueError(f"{self._name}: lr must be the same in all groups, or 0, got {[*rates]}")
        first = self.param_groups[0]
        d0 = first["d0"]
        d, largest = first.get("d", d0), first.get("d_max", d0)
        r = self._beta3(first) * first.get("d_numerator", 0.0) + totals["progress"]
        if totals["length"] > 0:
            estimate = first["d_coef"] * r / totals["length"]
            d = max(d, estimate) if d == d0 else d
            largest = max(largest, estimate)
            d = min(largest, d * first["growth_rate"])
        for group in self.param_groups:
            group.update(d=d, d_max=largest, d_numerator=r)

    def ratios(self, group: dict[str, Any], t: int, progress: Any, length: Any) -> dict[str, Any]:
        return {"floor": self.param_groups[0]["d"] * group["eps"]}

    @formula
    def update(p, g, m, v, s, p0, beta1, c1, beta2, c2, beta3, c3, a, floor, shrink, weight_decay, coupled, first):
        if coupled:
            g = g + weight_decay * p
        if first:
            p0 = p
        m = beta1 * m + c1 * g
        v = beta2 * v + c2 * g * g
        s = beta3 * s + c3 * g
        return shrink * p - a * m / (np.sqrt(v) + floor), m, v, s, p0
