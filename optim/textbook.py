"""The update rules of the teaching texts, where they differ from PyTorch's.

The texts write ``opt = AdaGrad(lr=1.5)`` and ``opt.update(params, grads)`` on dicts, or on lists. Every optimizer of
this library can be used so; the ones here also compute what the texts compute:

========== ============================================ =================================================
name       here, as in the texts                        PyTorch's, in `tinygrad_lite.optim`
========== ============================================ =================================================
SGD        lr = 0.01                                    lr = 0.001
Momentum   ``v = mu v - lr g``, ``p = p + v``           the velocity holds no learning rate
Nesterov   the book's form, on shifted parameters       the velocity holds no learning rate
AdaGrad    eps = 1e-7                                   eps = 1e-10
RMSProp    eps = 1e-7, lr = 0.01; also as RMSprop       eps = 1e-8
Adadelta   no learning rate; eps outside the roots      lr = 1; eps inside the roots; decay 0.9
Adam       eps = 1e-7, outside the bias correction      eps = 1e-8, inside it
========== ============================================ =================================================

One text sets eps = 1e-6 in AdaGrad and RMSProp (``AdaGrad(lr, eps=1e-6)``), and its Adam is PyTorch's with
``betas=(0.9, 0.99)``. Another puts eps under the root (``AdaGrad(lr, eps_inside=True)``, Adam likewise). What they
print as code but cannot mean is not copied: a velocity that is made but never used again because the update stands
inside the ``if``, a set where a dict is needed, Adam's step counter advanced once for each key, and its
moments overwritten by their bias-corrected values.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .first_order import sgd
from .optimizer import Optimizer, formula
from .step.declare import hyperparameters as hyper

__all__ = ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSProp", "RMSprop", "Adadelta", "Adam"]


class SGD(sgd.SGD):
    """`tinygrad_lite.optim.SGD` with the texts' learning rate: ``p = p - lr * g``.

    Parameters
    ----------
    params : iterable of Tensor, optional
    lr : float
        Learning rate.
    momentum, dampening, weight_decay, nesterov, maximize
        As in `tinygrad_lite.optim.SGD`.

    Examples
    --------
    >>> from tinygrad_lite.optim import textbook
    >>> params = {"x": -7.0}
    >>> textbook.SGD().update(params, {"x": -0.7})
    >>> round(params["x"], 3)
    -6.993
    """

    lr: float = 0.01


class Momentum(Optimizer):
    """Momentum with the learning rate inside the velocity: ``v = momentum * v - lr * g``, ``p = p + v``.

    The same path as `tinygrad_lite.optim.SGD` with momentum while `lr` stays the same.

    Parameters
    ----------
    params : iterable of Tensor, optional
    lr : float
        Learning rate.
    momentum : float
        How much of the velocity stays.
    maximize : bool
        Follow the gradient uphill.

    Examples
    --------
    >>> from tinygrad_lite.optim import textbook
    >>> params = {"x": -7.0}
    >>> textbook.Momentum(lr=0.1).update(params, {"x": -0.7})
    >>> round(params["x"], 3)
    -6.93
    """

    lr: float = 0.01
    momentum: float = 0.9

    state = {"v": "v"}
    counted = False

    @formula
    def update(p, g, v, lr, momentum):
        v = momentum * v - lr * g
        return p + v, v


class Nesterov(Optimizer):
    """Nesterov's momentum in the book's form: ``p = p + mu^2 v - (1 + mu) lr g``, ``v = mu v - lr g``.

    The gradient is taken at the parameters themselves, which stand for the point the method looks ahead to.

    Parameters
    ----------
    params : iterable of Tensor, optional
    lr : float
        Learning rate.
    momentum : float
        ``mu``, how much of the velocity stays.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    Y. Bengio et al., "Advances in optimizing recurrent networks", ICASSP 2013, equation 7.

    Examples
    --------
    >>> from tinygrad_lite.optim import textbook
    >>> params = {"x": -7.0}
    >>> textbook.Nesterov(lr=0.1).update(params, {"x": -0.7})
    >>> round(params["x"], 3)
    -6.867
    """

    lr: float = 0.01
    momentum: float = 0.9

    state = {"v": "v"}
    counted = False

    @formula
    def update(p, g, v, lr, momentum):
        return p + momentum * momentum * v - (1 + momentum) * lr * g, momentum * v - lr * g


class AdaGrad(Optimizer):
    """AdaGrad: ``h = h + g^2``, ``p = p - lr * g / (sqrt(h) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, optional
    lr : float
        Learning rate.
    eps : float
        Added to the root.
    eps_inside : bool
        Add it under the root instead.
    maximize : bool
        Follow the gradient uphill.

    Examples
    --------
    >>> from tinygrad_lite.optim import textbook
    >>> params = {"x": -7.0}
    >>> textbook.AdaGrad(lr=1.5).update(params, {"x": -0.7})
    >>> round(params["x"], 3)
    -5.5
    """

    lr: float = 0.01
    eps: float = 1e-7
    eps_inside: bool = False

    state = {"h": "h"}
    counted = False

    @formula
    def update(p, g, h, lr, eps, eps_inside):
        h = h + g * g
        return p - lr * g / (np.sqrt(h + eps) if eps_inside else np.sqrt(h) + eps), h


class RMSProp(Optimizer):
    """RMSProp: ``h = decay_rate * h + (1 - decay_rate) * g^2``, ``p = p - lr * g / (sqrt(h) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, optional
    lr : float
        Learning rate.
    decay_rate : float
        How much of the running mean stays.
    eps : float
        Added to the root.
    eps_inside : bool
        Add it under the root instead.
    maximize : bool
        Follow the gradient uphill.

    Examples
    --------
    >>> from tinygrad_lite.optim import textbook
    >>> params = {"x": -7.0}
    >>> textbook.RMSProp(lr=0.01).update(params, {"x": -0.7})
    >>> round(params["x"], 3)
    -6.9
    """

    lr: float = 0.01
    decay_rate: float = 0.99
    eps: float = 1e-7
    eps_inside: bool = False

    state = {"h": "h"}
    counted = False
    ranges = {"decay_rate": hyper.FRACTION}

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        return {"c": 1 - group["decay_rate"]}

    @formula
    def update(p, g, h, lr, decay_rate, c, eps, eps_inside):
        h = decay_rate * h + c * g * g
        return p - lr * g / (np.sqrt(h + eps) if eps_inside else np.sqrt(h) + eps), h


RMSprop = RMSProp  # as other texts spell it


class Adadelta(Optimizer):
    """Adadelta without a learning rate, eps outside the roots.

    ``s = decay * s + (1 - decay) * g^2``, ``x = (sqrt(d) + eps) / (sqrt(s) + eps) * g``,
    ``d = decay * d + (1 - decay) * x^2``, ``p = p - x``.

    Parameters
    ----------
    params : iterable of Tensor, optional
    decay : float
        How much of the running means stays.
    eps : float
        Added to the roots: about the length of the first step.
    maximize : bool
        Follow the gradient uphill.

    Examples
    --------
    >>> from tinygrad_lite.optim import textbook
    >>> params = {"x": 1.0}
    >>> textbook.Adadelta(eps=1e-3).update(params, {"x": 5.0})
    >>> round(params["x"], 4)
    0.99
    """

    decay: float = 0.99
    eps: float = 1e-6

    state = {"s": "s", "d": "d"}
    counted = False
    ranges = {"decay": hyper.FRACTION}

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        return {"c": 1 - group["decay"]}

    @formula
    def update(p, g, s, d, decay, c, eps):
        s = decay * s + c * g * g
        x = (np.sqrt(d) + eps) / (np.sqrt(s) + eps) * g
        return p - x, s, decay * d + c * x * x


class Adam(Optimizer):
    """Adam with eps outside the bias correction: ``p = p - lr_t * m / (sqrt(v) + eps)``.

    ``lr_t = lr * sqrt(1 - beta2^t) / (1 - beta1^t)``, ``m = m + (1 - beta1) (g - m)``,
    ``v = v + (1 - beta2) (g^2 - v)``.

    Parameters
    ----------
    params : iterable of Tensor, optional
    lr : float
        Learning rate.
    beta1, beta2 : float
        Decay of the running mean of the gradient, and of its square.
    eps : float
        Added to the root.
    eps_inside : bool
        Add it under the root instead.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, the form at the end of
    section 2.

    Examples
    --------
    >>> from tinygrad_lite.optim import textbook
    >>> params = {"x": -7.0}
    >>> textbook.Adam(lr=0.3).update(params, {"x": -0.7})
    >>> round(params["x"], 3)
    -6.7
    """

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-7
    eps_inside: bool = False

    state = {"m": "m", "v": "v"}
    ranges = {"beta1": hyper.FRACTION, "beta2": hyper.FRACTION}

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["beta1"], group["beta2"]
        a = group["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        return {"c1": 1 - beta1, "c2": 1 - beta2, "a": a}

    @formula
    def update(p, g, m, v, c1, c2, a, eps, eps_inside):
        m = m + c1 * (g - m)
        v = v + c2 * (g * g - v)
        return p - a * m / (np.sqrt(v + eps) if eps_inside else np.sqrt(v) + eps), m, v
