"""Optimizers around an optimizer: Lookahead, SAM."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, MutableMapping
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import enable_grad
from tinygrad_lite.graph import written

from . import hyper
from .dicts import keyed
from .interrupts import uninterrupted
from .optimizer import Optimizer
from .state import _paired as paired

Array = np.ndarray[Any, Any]


class Wrapper(Optimizer):
    """Base class of what stands around an optimizer: everything that it does not do itself, the optimizer does.

    So ``wrapper.param_groups``, ``wrapper.zero_grad()`` and ``wrapper.lr = 0.1`` are the optimizer's, and a learning
    rate scheduler takes either.

    Parameters
    ----------
    optimizer : Optimizer
        It may be a wrapper, too.

    Attributes
    ----------
    optimizer : Optimizer
    """

    settings: ClassVar[tuple[str, ...]] = ()  # its own, kept in the state dict
    private: ClassVar[tuple[str, ...]] = ()  # other attributes of its own; all that are neither are the optimizer's

    def __init_subclass__(cls, **kwargs: Any) -> None:
        found = inspect.signature(cls.__init__).parameters.values()
        cls.__signature__ = inspect.Signature(list(found)[1:])

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{self._name}: optimizer must be an Optimizer, got {type(optimizer).__name__}")
        if any(group.get("differentiable") for group in optimizer.param_groups):
            raise ValueError(f"{self._name}: an optimizer with differentiable=True cannot be wrapped")
        self.optimizer: Any = optimizer

    @property
    def _name(self) -> str:
        return type(self).__name__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("optimizer", *self.settings, *self.private):
            raise AttributeError(f"{self._name!r} object has no attribute {name!r}")  # while it is being unpickled
        return getattr(self.optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("optimizer", *self.settings, *self.private):
            object.__setattr__(self, name, value)
        else:
            setattr(self.optimizer, name, value)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __repr__(self) -> str:
        own = ", ".join(f"{name}={getattr(self, name)}" for name in self.settings)
        return f"{self._name} ({own}) of {self.optimizer!r}"

    def state_dict(self, convert: Callable[[Array], Any] | None = None, **options: Any) -> dict[str, Any]:
        """Return the optimizer's state dict, and under the wrapper's name what it adds.

        Parameters
        ----------
        convert : callable, optional
            Applied to every array.
        **options
            As of the optimizer's.

        Returns
        -------
        dict
        """
        packed = self.optimizer.state_dict(convert, **options)
        return {**packed, self._name: {name: getattr(self, name) for name in self.settings}}

    def load_state_dict(self, state_dict: Mapping[str, Any], **options: Any) -> None:
        """Take over a state dict, the wrapper's and the optimizer's.

        Parameters
        ----------
        state_dict : dict
            From `state_dict`.
        **options
            As of the optimizer's.

        Raises
        ------
        ValueError
            If it is another wrapper's, or an optimizer's without one, or does not fit. Nothing is changed then.
        """
        if self._name not in state_dict:
            raise ValueError(f"{self._name}: the state dict lacks {self._name!r}: it is of something else")
        self.optimizer.load_state_dict(state_dict, **options)
        for name in self.settings:
            setattr(self, name, state_dict[self._name][name])


def _of_the_optimizer(name: str) -> Any:
    return property(lambda self: getattr(self.optimizer, name))


for _each in set(dir(Optimizer)) - set(vars(Wrapper)):
    if not _each.startswith("__"):
        setattr(Wrapper, _each, _of_the_optimizer(_each))


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
    return float(flat @ flat)
