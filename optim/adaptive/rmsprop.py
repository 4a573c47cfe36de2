"""RMSprop: a step size for each element, from the running mean of its squared gradients."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import formula


class RMSprop(Optimizer):
    r"""RMSprop: ``h = alpha * h + (1 - alpha) * g^2``, ``p = p - lr * g / (sqrt(h) + eps)``.

    `centered` takes the running mean's square off ``h`` before the root; with `momentum` the quotient ``d``
    is gathered, ``b = momentum * b + d``, and ``p = p - lr * b``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    alpha : float
        Decay of the running mean of the squared gradient.
    eps : float
        Added to the root.
    weight_decay : float
        Added to the gradient, times the parameter.
    momentum : float
        How much of the last step's direction stays.
    centered : bool
        Scale by the gradient's standard deviation instead of its root mean square.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    T. Tieleman and G. Hinton, lecture 6.5, "Neural networks for machine learning", 2012.
    A. Graves, "Generating sequences with recurrent neural networks", 2013, equations 38 to 45 (centered;
    there `eps` stands inside the root).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.RMSprop(lr=0.01).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.9
    """

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    state = {"h": "square_avg", "b": "momentum_buffer", "mean": "grad_avg"}
    ranges = {"alpha": hyper.NOT_NEGATIVE}
    ignored = ("capturable", "foreach", "differentiable")

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        return {"c": 1 - group["alpha"], "heavy": group["momentum"] > 0}

    @formula
    def update(p, g, h, b, mean, lr, alpha, c, eps, momentum, heavy, centered):
        h = alpha * h + c * g * g
        if centered:
            mean = alpha * mean + c * g
        d = g / (np.sqrt(h - mean * mean if centered else h) + eps)
        if heavy:
            b = momentum * b + d
        return p - lr * (b if heavy else d), h, b, mean
