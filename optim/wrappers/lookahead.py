"""Lookahead: slow weights that follow an optimizer's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from itertools import chain
from typing import Any

import numpy as np

from tinygrad_lite.graph import written

from ..face.dict_interface import keyed
from ..face.state_dict import converter, paired
from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.interrupts import uninterrupted
from .wrapper import Wrapper

Array = np.ndarray[Any, Any]


class Lookahead(Wrapper):
    r"""Lookahead: every `k` steps, slow weights go a part of the way to the optimizer's, and those start anew there.

    ``slow = slow + alpha * (p - slow)``, ``p = slow``; between that the optimizer steps as usual.

    Parameters
    ----------
    optimizer : Optimizer
        The inner optimizer, such as `SGD` or `Adam`, made before.
    k : int
        After how many of its steps the slow weights follow.
    alpha : float
        How far: in (0, 1].

    Attributes
    ----------
    slow : dict
        Parameter -> its slow weights; they begin as what the parameter is before the first step.
    steps : int
        How many steps were made.

    Raises
    ------
    TypeError
        If `optimizer` is none.
    ValueError
        If `k` or `alpha` is out of range.

    References
    ----------
    M. Zhang, J. Lucas, G. Hinton and J. Ba, "Lookahead optimizer: k steps forward, 1 step back", NeurIPS 2019,
    algorithm 1. As there by default, the inner optimizer's state is kept when its weights are set back.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> opt, params = optim.Lookahead(optim.SGD(lr=0.1), k=2, alpha=0.5), {"x": 1.0}
    >>> for _ in range(2):
    ...     opt.update(params, {"x": 1.0})
    >>> params["x"]
    0.9
    """

    settings = ("k", "alpha", "steps")
    private = ("slow",)

    def __init__(self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        super().__init__(optimizer)
        self.k, self.alpha, self.steps = k, alpha, 0
        self.slow: dict[Any, Any] = {}
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"Lookahead: k must be an integer of at least 1, got {k!r}")
        hyper.check("Lookahead", {"alpha": alpha}, {"alpha": (0.0, 1.0, "(]")})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Let the optimizer step, and every `k` steps the slow weights follow; see `Optimizer.step`."""
        params = {p: p for p in self._keys()}
        with uninterrupted():
            self._remember(params)
            loss = self.optimizer.step(closure)
            self._follow(params)
        return loss

    def update(self, params: MutableMapping[Any, Any], grads: Mapping[Any, Any]) -> None:
        """Update a dict or list of parameters from a dict or list of gradients; see `Optimizer`."""
        params, grads = keyed("Lookahead.update", params, grads)
        with uninterrupted():
            self._remember(params)
            self.optimizer.update(params, grads)
            self._follow(params)

    def _remember(self, params: Mapping[Any, Any]) -> None:
        for key, value in params.items():
            if key not in self.slow:
                self.slow[key] = np.array(getattr(value, "_data", value))

    def _follow(self, params: MutableMapping[Any, Any]) -> None:
        self.steps += 1
        if self.steps % self.k:
            return
        for key, value in params.items():
            fast, slow = getattr(value, "_data", value), self.slow[key]
            slow += self.alpha * (fast - slow)
            if isinstance(fast, np.ndarray):
                fast[...] = slow
                written(fast, "Lookahead")
            else:
                params[key] = type(fast)(slow)

    def state_dict(self, convert: Callable[[Array], Any] | None = None, **options: Any) -> dict[str, Any]:
        """Return the optimizer's state dict, with the slow weights and the settings under "Lookahead"."""
        packed = super().state_dict(convert, **options)
        convert = converter(self.optimizer, convert)
        labels = chain.from_iterable(group["params"] for group in packed["param_groups"])
        slow = {label: self.slow[key] for label, key in zip(labels, self._keys()) if key in self.slow}
        packed["Lookahead"]["slow"] = {label: convert(a) for label, a in slow.items()} if convert else slow
        return packed

    def load_state_dict(self, state_dict: Mapping[str, Any], **options: Any) -> None:
        """Take over a state dict, the slow weights included; see `Wrapper.load_state_dict`."""
        groups = [dict(group) for group in state_dict["param_groups"]]
        keys = paired(self.optimizer, groups, options.get("strict", True))
        slow = {}
        for label, value in state_dict.get("Lookahead", {}).get("slow", {}).items():
            if label in keys:
                key, array = keys[label], np.asarray(value)
                if array.shape != getattr(key, "shape", array.shape):
                    raise ValueError(
                        f"Lookahead: the slow weights of {label!r} must have shape {key.shape}, got {array.shape}"
                    )
                slow[key] = array.astype(getattr(key, "dtype", array.dtype))
        super().load_state_dict(state_dict, **options)
        self.slow = slow

    def _keys(self) -> list[Any]:
        return list(chain.from_iterable(group["params"] for group in self.param_groups))
