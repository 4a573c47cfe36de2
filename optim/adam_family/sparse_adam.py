"""SparseAdam: Adam that leaves alone what has no gradient."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..optimizer import Optimizer, formula


class SparseAdam(Optimizer):
    r"""Adam for embeddings: the means and the parameter change only where the gradient is not 0.

    There ``m = m + (1 - beta1) * (g - m)``, ``v = v + (1 - beta2) * (g^2 - v)``,
    ``p = p - lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)``.

    PyTorch's takes sparse gradients, and changes all of a row of which the gradient is held. Gradients are dense here,
    and the entries that are 0 in them are those that stay: they differ in rows that have such entries by themselves.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    betas : (float, float)
        Decay of the running mean of the gradient, and of its square.
    eps : float
        Added to the root, before the bias correction's.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, section 2, last paragraph of the
    algorithm (the order of the bias corrections); masked as in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import optim
    >>> params = {"x": np.ones(2)}
    >>> optimizer = optim.SparseAdam(lr=0.1)
    >>> optimizer.update(params, {"x": np.array([5.0, 1.0])})
    >>> optimizer.update(params, {"x": np.array([5.0, 0.0])})
    >>> params["x"].round(4)
    array([0.8, 0.9])
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    state = {"m": "exp_avg", "v": "exp_avg_sq"}
    takes_complex = False  # an entry is 0 or not as a whole, of which its two parts know nothing
    allowed_ulps = 2.0**10  # the mean goes through 0, where m + c (g - m) keeps few digits, rounded once or twice

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        return {
            "c1": 1 - beta1,
            "c2": 1 - beta2,
            "a": group["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t),
        }

    @formula
    def update(p, g, m, v, c1, c2, a, eps):
        m = np.where(g != 0, m + c1 * (g - m), m)
        v = np.where(g != 0, v + c2 * (g * g - v), v)
        return np.where(g != 0, p - a * m / (np.sqrt(v) + eps), p), m, v
