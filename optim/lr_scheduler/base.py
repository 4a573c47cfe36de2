"""`LRScheduler`: what all learning-rate schedulers have in common."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any, Protocol

from tinygrad_lite import Tensor, no_grad

from ..step.declare import hyperparameters as hyper

Group = dict[str, Any]
FINITE = (-math.inf, math.inf, "()")
POSITIVE = (0.0, math.inf, "()")
SHARE = (0.0, 1.0, "[]")


class Scheduled(Protocol):
    """What a scheduler needs of an optimizer."""

    param_groups: list[Group]
    defaults: Group


class LRScheduler:
    """Base class of learning-rate schedulers.

    ``step()``, called after the optimizer's, sets ``"lr"`` in each of the optimizer's groups. A scheduler of your own
    defines ``get_lr()``, which returns the learning rates for ``self.last_epoch``, one for each group.

    Numbers come out as PyTorch's to the last bit, in a state dict with the same keys, which either library loads.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set; anything with `param_groups` and `defaults`.
    last_epoch : int
        The number of steps done: -1 to begin. Another one to go on with an optimizer whose groups have
        ``"initial_lr"``, as a loaded state dict has left them.

    Attributes
    ----------
    base_lrs : list of float
        The learning rates that it began with, also kept as ``"initial_lr"`` in the groups.
    last_epoch : int
        The number of steps done.

    Raises
    ------
    TypeError
        If that is no optimizer, or its learning rate is a schedule already.
    KeyError
        If it is to go on, but a group has no ``"initial_lr"``.

    Notes
    -----
    PyTorch wraps the optimizer's `step` to find out whether it was called before the scheduler's. Here the optimizers
    count their steps.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> from tinygrad_lite.optim import lr_scheduler
    >>> class Halving(lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    >>> sgd = optim.SGD(lr=0.8)
    >>> schedule = Halving(sgd)
    >>> for _ in range(3):
    ...     print(sgd.lr, end=" ")
    ...     sgd.update({}, {})
    ...     schedule.step()
    0.8 0.4 0.2
    """

    optimizer: Scheduled
    base_lrs: list[float]
    last_epoch: int
    _last_lr: list[float]
    _step_count: int
    _is_initial: bool = False
    _get_lr_called_within_step: bool = False

    def __init__(self, optimizer: Scheduled, last_epoch: int = -1) -> None:
        self._check_kinds(LRScheduler, locals())
        self.optimizer = self._checked(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", current(group))
            elif "initial_lr" not in group:
                raise KeyError(f"{self._name}: to go on at last_epoch={last_epoch}, group {i} must have 'initial_lr'")
        self.base_lrs = [current(group, "initial_lr") for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _checked(self, optimizer: Any) -> Any:
        if not (hasattr(optimizer, "param_groups") and hasattr(optimizer, "defaults")):
            raise TypeError(f"{self._name}: optimizer must be an Optimizer, got {type(optimizer).__name__}")
        for group in optimizer.param_groups:
            if callable(group["lr"]):
                raise TypeError(f"{self._name}: the optimizer's lr is a schedule already: {group['lr']!r}")
        return optimizer

    def _check_kinds(self, cls: type, given: Mapping[str, Any]) -> None:
        """Refuse arguments of a class's constructor that are not what their annotations say."""
        arguments = inspect.signature(cls.__init__).parameters.values()  # type: ignore[misc]
        kinds = {a.name: a.annotation.replace("int", "float") for a in arguments if isinstance(a.annotation, str)}
        kinds["last_epoch"] = "int"
        hyper.check_kinds(self._name, given, kinds)

    def _require(self, **given: tuple[Any, tuple[float, float, str]]) -> None:
        """Refuse what is no number in its interval, or no list of such numbers."""
        for name, (value, interval) in given.items():
            for each in value if isinstance(value, (list, tuple)) else (value,):
                if callable(each):
                    raise TypeError(f"{self._name}: {name} must be a number, got {type(each).__name__}")
            hyper.check(self._name, {name: value}, {name: interval})

    def _per_group(self, name: str, value: Any) -> list[Any]:
        """One value for each group: those of a sequence, or the same for all."""
        count = len(self.optimizer.param_groups)
        if not isinstance(value, (list, tuple)):
            return [value] * count
        if len(value) != count:
            raise ValueError(f"{self._name}: {name} must have one value for each of {count} groups, got {len(value)}")
        return list(value)

    # --- steps ------------------------------------------------------------

    def step(self, epoch: int | None = None) -> None:
        """Set the next learning rates; call it after the optimizer's step.

        Parameters
        ----------
        epoch : int, optional
            Go to this step, by the closed formula where there is one. Deprecated.
        """
        steps = getattr(self.optimizer, "_steps", None)
        if steps == 0 and self._step_count == 1 and self.last_epoch >= 0:  # -1: SequentialLR has it begin again
            warnings.warn(
                f"Detected call of `lr_scheduler.step()` before `optimizer.step()`: {self._name} skips the first "
                "learning rate; call optimizer.step() first. "
                "See https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warn_epoch(self._name)
        self._update_lr(epoch)

    def _initial_step(self) -> None:
        """Set the learning rates to begin with."""
        self._step_count = 0
        with self._during("_is_initial"):
            self.step()

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        with self._during("_get_lr_called_within_step"):
            if epoch is not None and hasattr(self, "_get_closed_form_lr"):
                self._set_lr(self._get_closed_form_lr())
            else:
                self._set_lr(self.get_lr())

    @contextmanager
    def _during(self, flag: str) -> Iterator[None]:
        setattr(self, flag, True)
        try:
            yield
        finally:
            setattr(self, flag, False)

    def _set_lr(self, values: Sequence[float]) -> None:
        groups = self.optimizer.param_groups
        if len(values) != len(groups):
            raise ValueError(f"{self._name}: got {len(values)} learning rates for {len(groups)} groups")
        for group, value in zip(groups, values):
            assign(group, value)
        self._last_lr = self._current_lr()

    def _current_lr(self) -> list[float]:
        return [current(group) for group in self.optimizer.param_groups]

    def get_lr(self) -> list[float]:
        """Compute the learning rates for `last_epoch`. What was set last is `get_last_lr`'s to tell."""
        if not self._get_lr_called_within_step:
            warnings.warn(f"{self._name}: get_last_lr() tells the learning rates; get_lr() is for step()", stacklevel=2)
        return self._next_lr()

    def _next_lr(self) -> list[float]:
        raise NotImplementedError(f"{self._name}.get_lr")

    def get_last_lr(self) -> list[float]:
        """Return the learning rates that were set last, one for each group.

        Returns
        -------
        list of float
        """
        return self._last_lr

    # --- state ------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return the scheduler's attributes without the optimizer, with PyTorch's keys.

        Of callables the attributes are saved; functions have none, and None stands for them.

        Returns
        -------
        dict
        """
        return {key: _packed(value) for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state.

        Parameters
        ----------
        state_dict : dict
            From `state_dict`, of this library or PyTorch.

        Raises
        ------
        ValueError
            If something is missing, or the number of groups or schedulers is another one. Nothing is changed then.
        """
        self._check_state(state_dict)
        for key, saved in state_dict.items():
            setattr(self, key, _unpacked(self.__dict__.get(key), saved))
        self._last_lr = [float(lr) for lr in self._last_lr]  # PyTorch's may be Tensors
        if "base_lrs" in state_dict:
            self.base_lrs = [float(lr) for lr in self.base_lrs]

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        who = f"{self._name}.load_state_dict"
        flags = {"_is_initial", "_get_lr_called_within_step"}  # older versions of PyTorch have none
        missing = self.state_dict().keys() - flags - state_dict.keys()
        if missing:
            raise ValueError(f"{who}: the state lacks {', '.join(sorted(missing))}")
        groups, saved = len(self.optimizer.param_groups), len(state_dict["_last_lr"])
        if groups != saved:
            raise ValueError(f"{who}: the state must be of {groups} groups, got {saved}")


def current(group: Group, key: str = "lr") -> float:
    """Return a number of a group, also where it is a Tensor."""
    value: float = group[key]
    return float(value) if isinstance(value, Tensor) else value


def assign(group: Group, value: float) -> None:
    """Set a group's learning rate; a Tensor stays the same Tensor."""
    if isinstance(group["lr"], Tensor):
        with no_grad():
            group["lr"].fill_(float(value))
    else:
        group["lr"] = value


def warn_epoch(who: str) -> None:
    """Warn whoever calls ``step(epoch)``."""
    warnings.warn(f"{who}.step: epoch is deprecated; call step() without it", stacklevel=3)


def _packed(value: Any) -> Any:
    if isinstance(value, LRScheduler):
        return value.state_dict()
    if callable(value):
        return None if isinstance(value, FunctionType) else dict(getattr(value, "__dict__", {}))
    return [_packed(v) for v in value] if isinstance(value, (list, tuple)) else value


def _unpacked(own: Any, saved: Any) -> Any:
    """What an attribute becomes: schedulers and callables stay, and take over what was saved of them."""
    if isinstance(own, LRScheduler):
        own.load_state_dict(saved)
        return own
    if callable(own):
        if saved:
            own.__dict__.update(saved)
        return own
    if isinstance(own, (list, tuple)) and isinstance(saved, (list, tuple)) and len(own) == len(saved):
        return [_unpacked(a, b) for a, b in zip(own, saved)]
    return saved
