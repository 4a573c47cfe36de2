"""Steps in proportion to the size of each tensor: LARS, LAMB."""

# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from . import hyper
from .formula import formula
from .optimizer import Optimizer

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
    def measure(p: Any, g: Any) -> Any:
        return p * p, g * g

    def ratios(self, group: dict[str, Any], t: int, pp: Array, gg: Array) -> dict[str, Array]:
        size, slope = np.sqrt(pp), np.sqrt(gg)
        decayed = np.where(slope > 0, slope + group["weight_decay"] * size + group["eps"], 0)
        return {"rate": group["lr"] * trust(group["trust_coefficient"] * size, decayed, group["adapt"])}

    @formula
    def update(p: Any, g: Any, v: Any, rate: Any, momentum: Any, weight_decay: Any, nesterov: bool) -> Any:
        step = rate * (g + weight_decay * p)
        v = momentum * v + step
        return p - (step + momentum * v if nesterov else v), v


def _direction(
    p: Any, g: Any, m: Any, v: Any,
    beta1: Any, c1: Any, beta2: Any, c2: Any, a: Any, r: Any, eps: Any, weight_decay: Any,
) -> Any:  # fmt: skip
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
    def measure(
        p: Any, g: Any, m: Any, v: Any,
        beta1: Any, c1: Any, beta2: Any, c2: Any, a: Any, r: Any, eps: Any, weight_decay: Any,
    ) -> Any:  # fmt: skip
        u, m, v = _direction(p, g, m, v, beta1, c1, beta2, c2, a, r, eps, weight_decay)
        return p * p, u * u

    def ratios(self, group: dict[str, Any], t: int, pp: Array, uu: Array) -> dict[str, Array]:
        return {"rate": group["lr"] * trust(np.sqrt(pp), np.sqrt(uu), group["adapt"])}

    @formula
    def update(
        p: Any, g: Any, m: Any, v: Any,
        beta1: Any, c1: Any, beta2: Any, c2: Any, a: Any, r: Any, eps: Any, weight_decay: Any, rate: Any,
    ) -> Any:  # fmt: skip
        u, m, v = _direction(p, g, m, v, beta1, c1, beta2, c2, a, r, eps, weight_decay)
        return p - rate * u, m, v
