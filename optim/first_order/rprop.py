"""Rprop: the gradient's sign, and a step size for each element that its changes decide."""

# mypy: allow-untyped-defs, allow-untyped-calls, no-check-untyped-defs

from __future__ import annotations

from typing import Any

import numpy as np

from ..optimizer import Optimizer
from ..step.declare.formula import formula


class Rprop(Optimizer):
    r"""Resilient backpropagation: steps grow while the gradient's sign stays, and shrink when it changes.

    ``step = clip(eta * step, min, max)``, where ``eta`` is `etas[1]` if ``g`` has the sign of the gradient before it,
    `etas[0]` if the other, and 1 if one of them is 0; ``p = p - sign(g) * step``. After a change of sign the parameter
    stays, and the gradient counts as 0 at the next step.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict; optional
        What to optimize; leave it out for ``update(params, grads)``.
    lr : float
        The first step size.
    etas : (float, float)
        What a step size is multiplied by when the sign changes, and when it stays.
    step_sizes : (float, float)
        The smallest and the largest step size.
    maximize : bool
        Follow the gradient uphill.

    Raises
    ------
    ValueError
        If not ``0 < etas[0] < 1 < etas[1]``, or not ``0 <= step_sizes[0] <= step_sizes[1]``.

    References
    ----------
    M. Riedmiller and H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    ICNN 1993, equations 4 to 6; C. Igel and M. Huesken, "Improving the Rprop learning algorithm", 2000 (iRprop-: no way
    back after a change of sign).

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> params, optimizer = {"x": 1.0}, optim.Rprop(lr=0.1)
    >>> optimizer.update(params, {"x": 25.0})
    >>> optimizer.update(params, {"x": 3.0})
    >>> round(params["x"], 6)
    0.78
    """

    lr: float = 1e-2
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50)

    state = ("prev", "step_size")
    ignored = ("capturable", "foreach", "differentiable")

    def check(self, group: dict[str, Any]) -> None:
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]
        if not 0 < shrink < 1 < grow:
            raise ValueError(f"{self._name}: etas must be below and above 1, got {group['etas']}")
        if not 0 <= smallest <= largest:
            raise ValueError(f"{self._name}: step_sizes must be in order and at least 0, got {group['step_sizes']}")

    def start(self, group: dict[str, Any]) -> dict[str, float]:
        return {"step_size": group["lr"]}

    def scalars(self, group: dict[str, Any], t: int) -> dict[str, Any]:
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]
        return {"shrink": shrink, "grow": grow, "smallest": smallest, "largest": largest}

    @formula
    def update(p, g, prev, step_size, shrink, grow, smallest, largest):
        agreement = g * prev
        eta = np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1.0))
        step_size = eta * step_size
        step_size = np.where(step_size > largest, largest, np.where(step_size < smallest, smallest, step_size))
        g = np.where(agreement < 0, 0.0, g)
        return p - np.sign(g) * step_size, g, step_size
