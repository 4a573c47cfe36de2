"""A step size for each element, from the gradients it has had: Adagrad, RMSprop, Adadelta."""

# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

import numpy as np

from . import hyper
from .optimizer import Optimizer, formula


class Adagrad(Optimizer):
    r"""Adagrad: ``h = h + g^2``, ``p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(h) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: the length of the first step.
    lr_decay : float
        How fast the learning rate falls besides.
    weight_decay : float
        Added to the gradient, times the parameter.
    initial_accumulator_value : float
        Where ``h`` starts.
    eps : float
        Added to the root.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    J. Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", JMLR
    2011.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.Adagrad(lr=0.5).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.5
    """

    lr: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10

    state = {"h": "sum"}
    ranges = {"lr_decay": hyper.NOT_NEGATIVE, "initial_accumulator_value": hyper.NOT_NEGATIVE}
    ignored = ("foreach", "differentiable", "fused")

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        return {"a": group["lr"] / (1 + (t - 1) * group["lr_decay"])}

    def start(self, group: dict[str, Any]) -> dict[str, float]:
        return {"h": group["initial_accumulator_value"]}

    @formula
    def update(p: Any, g: Any, h: Any, a: Any, eps: Any) -> Any:
        h = h + g * g
        return p - a * g / (np.sqrt(h) + eps), h


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
    def update(
        p: Any, g: Any, h: Any, b: Any, mean: Any,
        lr: Any, alpha: Any, c: Any, eps: Any, momentum: Any, heavy: bool, centered: bool,
    ) -> Any:  # fmt: skip
        h = alpha * h + c * g * g
        if centered:
            mean = alpha * mean + c * g
        d = g / (np.sqrt(h - mean * mean if centered else h) + eps)
        if heavy:
            b = momentum * b + d
        return p - lr * (b if heavy else d), h, b, mean


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
    def update(p: Any, g: Any, s: Any, d: Any, lr: Any, rho: Any, c: Any, eps: Any) -> Any:
        s = rho * s + c * g * g
        x = np.sqrt(d + eps) / np.sqrt(s + eps) * g
        d = rho * d + c * x * x
        return p - lr * x, s, d
