"""`Wrapper`: the base class of optimizers around an optimizer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from ..optimizer import Optimizer

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

    def __new__(cls, *args: Any, **options: Any) -> Any:
        return object.__new__(cls)  # the attributes are the optimizer's

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
