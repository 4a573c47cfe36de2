"""ASGD: gradient descent, and the mean of where it has been."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs
# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

from typing import Any

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import formula


class ASGD(Optimizer):
    r"""Averaged stochastic gradient descent: falling steps, and in the state ``ax`` the mean of the parameters.

    ``p = (1 - lambd * eta) * p - eta * g``, ``ax = ax + mu * (p - ax)``, with ``eta = lr / (1 + lambd * lr * k)^alpha``
    and ``mu = 1 / max(1, k - t0)`` in step ``k``, counted from 0.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        Learning rate: the first step's.
    lambd : float
        How fast the steps fall, and how much the parameter shrinks.
    alpha : float
        The power with which the steps fall.
    t0 : float
        The step at which averaging begins.
    weight_decay : float
        Added to the gradient, times the parameter.
    maximize : bool
        Follow the gradient uphill.

    References
    ----------
    B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim.
    1992; L. Bottou, "Stochastic gradient descent tricks", 2012, section 5 (the step sizes).

    Notes
    -----
    PyTorch rounds ``eta`` and ``mu`` to its default dtype, float32; here they stay Python numbers. Trajectories agree
    to the last digits where PyTorch's default dtype is float64.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params, optimizer = {"x": 1.0}, optim.ASGD(lr=0.5, t0=0)
    >>> for _ in range(3):
    ...     optimizer.update(params, {"x": params["x"]})
    >>> round(params["x"], 4), round(float(optimizer.state["x"]["ax"]), 4)
    (0.125, 0.1875)
    """

    lr: float = 1e-2
    lambd: float = 1e-4
    alpha: float = 0.75
    t0: float = 1e6
    weight_decay: float = 0.0

    state = ("ax",)
    kept = {"eta": 0.0, "mu": 1.0}
    ranges = {"lambd": hyper.NOT_NEGATIVE, "alpha": hyper.NOT_NEGATIVE, "t0": hyper.NOT_NEGATIVE}
    ignored = ("foreach", "differentiable", "capturable")

    def scalars(self, group: dict[str, Any], t: int, eta: float, mu: float) -> dict[str, Any]:
        lr, lambd = group["lr"], group["lambd"]
        now = lr if t == 1 else eta
        return {
            "now": now,
            "shrink": 1 - lambd * now,
            "share": mu,
            "averaging": mu != 1,
            "eta": lr / (1 + lambd * lr * t) ** group["alpha"],  # the next step's, as in PyTorch's state
            "mu": 1 / max(1, t - group["t0"]),
        }

    @formula
    def update(p, g, ax, now, shrink, share, averaging):
        p = shrink * p - now * g
        ax = ax + share * (p - ax) if averaging else p
        return p, ax
