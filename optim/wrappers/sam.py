"""SAM: sharpness-aware minimization, around any optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import numpy as np

from tinygrad_lite import enable_grad
from tinygrad_lite.graph import written

from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.interrupts import uninterrupted
from .wrapper import Wrapper

Array = np.ndarray[Any, Any]


class SAM(Wrapper):
    r"""Sharpness-aware minimization: the optimizer steps by the gradient at the worst point nearby.

    ``e = rho * g / |g|``, with the norm over all parameters together; the optimizer updates ``p`` by the gradient at
    ``p + e``. Adaptive: ``e = rho * p^2 g / |p g|``, which does not depend on how the weights are scaled.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer that makes the steps, such as `SGD`, made before.
    rho : float
        How far away the gradient is taken.
    adaptive : bool
        Measure the distance in units of the weights.

    Raises
    ------
    TypeError
        If `optimizer` is none.
    ValueError
        If `rho` is out of range.

    Notes
    -----
    Every step computes the loss twice; running statistics, as of `nn.BatchNorm2d`, are updated twice, too.

    References
    ----------
    P. Foret, A. Kleiner, H. Mobahi and B. Neyshabur, "Sharpness-aware minimization for efficiently improving
    generalization", ICLR 2021, algorithm 1 and equation 2.
    J. Kwon et al., "ASAM: Adaptive sharpness-aware minimization for scale-invariant learning of deep neural
    networks", ICML 2021, equation 5 (adaptive).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import optim
    >>> x = tg.tensor([3.0], requires_grad=True)
    >>> sam = optim.SAM(optim.SGD([x], lr=0.1), rho=1.0)
    >>> def closure():
    ...     sam.zero_grad()
    ...     loss = (x * x).sum()
    ...     loss.backward()
    ...     return loss
    >>> sam.step(closure).item()
    9.0
    >>> x.detach()
    tensor([2.2000])
    """

    settings = ("rho", "adaptive")
    private = ("_home",)

    def __init__(self, optimizer: Optimizer, rho: float = 0.05, adaptive: bool = False) -> None:
        super().__init__(optimizer)
        self.rho, self.adaptive = rho, adaptive
        self._home: dict[Any, Array] | None = None  # where the parameters were before first_step
        hyper.check("SAM", {"rho": rho}, {"rho": hyper.NOT_NEGATIVE})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step.

        Parameters
        ----------
        closure : callable
            Clears the gradients, computes the loss and the gradients, and returns the loss; called twice, with
            gradients enabled.

        Returns
        -------
        What the closure returned first.
        """
        if closure is None:
            raise TypeError("SAM.step: needs a closure; or call first_step() and second_step()")
        with enable_grad():
            loss = closure()
        try:
            self.first_step()
            with enable_grad():
                closure()
            self.second_step()
        except BaseException:
            with uninterrupted():
                self._return()
            raise
        return loss

    def first_step(self, zero_grad: bool = False) -> None:
        """Go from the parameters to the worst point nearby, by the gradients at hand.

        Parameters
        ----------
        zero_grad : bool
            Forget the gradients afterwards.
        """
        if self._home is not None:
            raise RuntimeError("SAM.first_step: called twice without second_step()")
        found = []
        for group in self.param_groups:
            found += [(p, -1 if group.get("maximize") else 1) for p in group["params"] if p.grad is not None]
        with np.errstate(all="ignore"), uninterrupted():
            norm = math.sqrt(sum(_square_sum(self._scaled(p)) for p, _ in found))
            self._home = {p: p._data.copy() for p, _ in found}
            for p, sign in found:
                away = self._scaled(p)
                away = np.abs(p._data) * away if self.adaptive else away
                np.add(p._data, (sign * self.rho / (norm + 1e-12)) * away, out=p._data, casting="same_kind")
                written(p._data, "SAM.first_step")
        if zero_grad:
            self.zero_grad()

    def _scaled(self, p: Any) -> Array:
        g: Array = p.grad._data
        return np.abs(p._data) * g if self.adaptive else g

    def second_step(self, zero_grad: bool = False) -> None:
        """Go back, and let the optimizer step by the gradients at hand, those of the worst point.

        Parameters
        ----------
        zero_grad : bool
            Forget the gradients afterwards.
        """
        if self._home is None:
            raise RuntimeError("SAM.second_step: first_step() comes before it")
        with uninterrupted():
            self._return()
            self.optimizer.step()
        if zero_grad:
            self.zero_grad()

    def _return(self) -> None:
        for p, value in (self._home or {}).items():
            p._data[...] = value
            written(p._data, "SAM.second_step")
        self._home = None

    def update(self, params: MutableMapping[Any, Any], grads: Mapping[Any, Any]) -> None:
        """Refuse: one set of gradients is not enough."""
        raise TypeError("SAM.update: needs gradients at two points; call step(closure)")


def _square_sum(x: Array) -> float:
    flat = x.ravel()
    return float(np.vdot(flat, flat).real)
