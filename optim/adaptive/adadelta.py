"""Adadelta: steps in the units of the parameters, from two running means of squares."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula


class Adadelta(Optimizer):
    r"""Adadelta: the step's own running root mean square takes the learning rate's place.

    ``s = rho * s + (1 - rho) * g^2``, ``x = sqrt(d + eps) / sqrt(s + eps) * g``,
    ``d = rho * d + (1 - rho) * x^2``, ``p = p - lr * x``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Multiplies the step; 1 in the paper.
    rho : float
        Decay of both running means.
    eps : float
        Inside both roots: how the first steps get going.
    weight_decay : float
        Added to the gradient, times the parameter.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    M. D. Zeiler, "ADADELTA: An adaptive learning rate method", 2012, algorithm 1.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.Adadelta().update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.996838
    """

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    state = {"s": "square_avg", "d": "acc_delta"}
    ranges = {"rho": (0.0, 1.0, "[]")}
    ignored = ("capturable", "foreach", "differentiable")

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        return {"c": 1 - group["rho"]}

    @formula
    def update(p, g, s, d, lr, rho, c, eps):
        s = rho * s + c * g * g
        x = np.sqrt(d + eps) / np.sqrt(s + eps) * g
        d = rho * d + c * x * x
        return p - lr * x, s, d
