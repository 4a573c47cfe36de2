"""Adam and AdamW."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite import Tensor

from ..optimizer import Optimizer, formula


class Adam(Optimizer):
    r"""Adam: steps of about `lr`, in the direction of a running mean, scaled by a running root mean square.

    ``m = beta1 * m + (1 - beta1) * g``, ``v = beta2 * v + (1 - beta2) * g^2``,
    ``p = p - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)``; with `amsgrad` the largest ``v`` so
    far takes the place of ``v`` in the last line.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: about the length of a step, whatever the gradient's.
    betas : (float, float)
        Decay of the running mean of the gradient, and of its square; Tensors are for both or for none.
    eps : float
        Added to the root, outside the bias correction's.
    weight_decay : float
        Added to the gradient, times the parameter.
    amsgrad : bool
        Let the scale never shrink.
    decoupled_weight_decay : bool
        Shrink the parameter itself by ``lr * weight_decay`` instead, as `AdamW` does.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015, algorithm 1.
    S. J. Reddi et al., "On the convergence of Adam and beyond", ICLR 2018 (amsgrad; as in PyTorch, the
    maximum is taken before the bias correction).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.Adam(lr=0.1).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.9
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False
    decoupled_weight_decay: bool = False

    state = {"m": "exp_avg", "v": "exp_avg_sq", "top": "max_exp_avg_sq"}

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse Tensors as hyperparameters where PyTorch does, so that what runs here runs there."""
        lr = values["lr"]
        values = super()._checked(values)
        beta1, beta2 = values["betas"]
        tensors = [name for name, x in (("lr", lr), ("betas[0]", beta1), ("betas[1]", beta2)) if isinstance(x, Tensor)]
        if len([name for name in tensors if name != "lr"]) == 1:
            raise ValueError(f"{self._name}: betas must be either both floats or both Tensors, got {values['betas']}")
        if tensors and values["foreach"] and not values["capturable"]:
            raise ValueError(
                f"{self._name}: {tensors[0]} as a Tensor is not supported for capturable=False and foreach=True"
            )
        return values

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        beta1, beta2 = group["betas"]
        return {
            "beta1": beta1,
            "c1": 1 - beta1,
            "beta2": beta2,
            "c2": 1 - beta2,
            "a": group["lr"] / (1 - beta1**t),
            "r": 1 / math.sqrt(1 - beta2**t),
        }

    @formula
    def update(p, g, m, v, top, beta1, c1, beta2, c2, a, r, eps, amsgrad):
        m = beta1 * m + c1 * g
        v = beta2 * v + c2 * g * g
        if amsgrad:
            top = np.maximum(top, v)
        scale = top if amsgrad else v
        return p - a * m / (r * np.sqrt(scale) + eps), m, v, top


class AdamW(Adam):
    r"""Adam with decoupled weight decay: ``p = (1 - lr * weight_decay) * p`` before the step.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    betas : (float, float)
        Decay of the running mean of the gradient, and of its square.
    eps : float
        Added to the root.
    weight_decay : float
        How much the parameter shrinks, times `lr`.
    amsgrad, maximize : bool
        As in `Adam`.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2 (as in
    PyTorch, without the schedule multiplier).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": 1.0}
    >>> optim.AdamW(lr=0.1, weight_decay=0.5).update(params, {"x": 25.0})
    >>> round(params["x"], 6)
    0.85
    """

    weight_decay: float = 1e-2
    decoupled_weight_decay: bool = True
