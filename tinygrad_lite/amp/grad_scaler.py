"""`GradScaler`: losses scaled so that small gradients survive half precision, steps left out on overflow."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._tensor import Tensor
from ..graph import written
from ..tensors.devices import device as Device

__all__ = ["GradScaler"]


class GradScaler:
    """Scales losses, and unscales gradients before the optimizer's step.

    It works for "cpu" as PyTorch's does. For another device there is nothing to work on: it warns and is switched off,
    as PyTorch's is without a GPU, and then `scale` returns what it is given and `step` is the optimizer's.

    Parameters
    ----------
    device : str
    init_scale : float
    growth_factor : float
        What the scale is multiplied by after `growth_interval` steps without overflow.
    backoff_factor : float
        What it is multiplied by after a step with overflow, which is left out.
    growth_interval : int
    enabled : bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn, optim
    >>> w = nn.Parameter(tg.ones(2))
    >>> sgd, scaler = optim.SGD([w], lr=0.5), tg.GradScaler("cpu", init_scale=8.0)
    >>> scaler.scale(w.sum()).backward()
    >>> w.grad
    tensor([8., 8.])
    >>> _ = scaler.step(sgd)
    >>> scaler.update()
    >>> w.detach(), w.grad
    (tensor([0.5000, 0.5000]), tensor([1., 1.]))
    """

    def __init__(
        self,
        device: Any = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = Device(device).type
        if enabled and self._device != "cpu":
            text = f"GradScaler: there is no device of type {self._device!r} here; it is switched off"
            warnings.warn(text, UserWarning, stacklevel=2)
            enabled = False
        if not growth_factor > 1:
            raise ValueError(f"GradScaler: growth_factor must be above 1, got {growth_factor}")
        if not backoff_factor < 1:
            raise ValueError(f"GradScaler: backoff_factor must be below 1, got {backoff_factor}")
        self._enabled = enabled
        self._scale, self._growth, self._backoff = float(init_scale), growth_factor, backoff_factor
        self._interval, self._since_overflow = growth_interval, 0
        self._overflow: dict[int, bool] = {}  # optimizer, once unscaled -> whether it had an infinity
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """A Tensor times the scale, or each of several."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError(f"scale: outputs must be a Tensor or an iterable of Tensors, got {type(outputs).__name__}")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, in place; for clipping before `step`.

        Raises
        ------
        RuntimeError
            If that was done since the last `update`.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_: step() was called since the last update()")
        if id(optimizer) in self._overflow:
            raise RuntimeError("unscale_: it was called for this optimizer since the last update()")
        found = False
        for group in optimizer.param_groups:
            for grad in [p.grad._data for p in group["params"] if p.grad is not None]:
                if grad.dtype == np.float16:
                    raise ValueError("unscale_: gradients must not be float16; the parameters are to be float32")
                np.multiply(grad, 1.0 / self._scale, out=grad)
                written(grad, "unscale_", 2)
                found |= not np.isfinite(grad).all()
        self._overflow[id(optimizer)] = found

    def step(self, optimizer: Any, *args: Any, **options: Any) -> Any:
        """The optimizer's step, unless a gradient is infinite or not a number; what it returns, or None.

        Raises
        ------
        RuntimeError
            For a closure, and for a second step before `update`.
        """
        if not self._enabled:
            return optimizer.step(*args, **options)
        if "closure" in options:
            raise RuntimeError("step: a closure cannot be given to a step that may be left out")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step: it was called for this optimizer since the last update()")
        if id(optimizer) not in self._overflow:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return None if self._overflow[id(optimizer)] else optimizer.step(*args, **options)

    def update(self, new_scale: Any = None) -> None:
        """Set the scale of the next step: larger after many steps without overflow, smaller after one with."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._overflow:
            raise RuntimeError("update: no gradients were unscaled since the last one")
        elif any(self._overflow.values()):
            self._scale, self._since_overflow = self._scale * self._backoff, 0
        else:
            self._since_overflow += 1
            if self._since_overflow == self._interval:
                self._scale, self._since_overflow = self._scale * self._growth, 0
        self._overflow, self._stepped = {}, set()

    def get_scale(self) -> float:
        """The scale; 1 where it is switched off."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """What the scale grows by."""
        return self._growth

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale grows by."""
        self._growth = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale shrinks by."""
        return self._backoff

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale shrinks by."""
        self._backoff = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps the scale grows."""
        return self._interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many steps the scale grows."""
        self._interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes, under PyTorch's keys; empty where it is switched off."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale, "growth_factor": self._growth, "backoff_factor": self._backoff,
            "growth_interval": self._interval, "_growth_tracker": self._since_overflow,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state of `state_dict`."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("load_state_dict: the state is empty, of a GradScaler that was switched off")
        self._scale, self._growth = float(state_dict["scale"]), state_dict["growth_factor"]
        self._backoff, self._interval = state_dict["backoff_factor"], state_dict["growth_interval"]
        self._since_overflow = state_dict["_growth_tracker"]
