"""SGD: stochastic gradient descent, with momentum."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

from ..optimizer import Optimizer, formula


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum or Nesterov's.

    ``b = mu * b + (1 - dampening) * g`` (at the first step ``b = g``);
    ``p = p - lr * b``, and with Nesterov's momentum ``p = p - lr * (g + mu * b)``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate.
    momentum : float
        ``mu``, how much of the last step's direction stays.
    dampening : float
        How much of the gradient is left out of the momentum.
    weight_decay : float
        Added to the gradient, times the parameter.
    nesterov : bool
        Look ahead: use the gradient and the new momentum together.
    maximize : bool
        Follow the gradient uphill.

    Raises
    ------
    ValueError
        If `nesterov` is asked for without momentum, or with dampening.

    References
    ----------
    I. Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params = {"x": -7.0, "y": 2.0}
    >>> optim.SGD(lr=0.95).update(params, {"x": -0.7, "y": 4.0})
    >>> round(params["x"], 3), round(params["y"], 3)
    (-6.335, -1.8)
    """

    lr: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    state = {"b": "momentum_buffer"}
    counted = False
    ignored = ("foreach", "differentiable", "fused")

    def check(self, group: dict[str, Any]) -> None:
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                f"{self._name}: nesterov needs momentum above 0 and no dampening, "
                f"got momentum={group['momentum']}, dampening={group['dampening']}"
            )

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        mu = group["momentum"]
        return {"mu": mu, "heavy": mu != 0, "c": 1.0 if t == 1 else 1.0 - group["dampening"]}

    @formula
    def update(p, g, b, lr, mu, c, heavy, nesterov):
        if heavy:
            b = mu * b + c * g
            g = g + mu * b if nesterov else b
        return p - lr * g, b
