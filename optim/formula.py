"""The mark on an update formula."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, overload

from . import dicts

if TYPE_CHECKING:
    from .optimizer import Optimizer


class formula:
    """Decorate an update formula: a plain function of a parameter's element, its gradient's, and so on.

    On the class it is that function. On an optimizer ``update`` is the teaching texts' method,
    ``opt.update(params, grads)``, which applies the formula to dicts of arrays; see `Optimizer`.

    Parameters
    ----------
    function : callable
        ``function(p, g, ...)``: the parameter's element, the gradient's, then states and scalars by name; returns
        the new ``p``, followed by the states.

    Examples
    --------
    >>> from tinygrad_lite import optim
    >>> optim.SGD.update(1.0, 2.0, None, lr=0.25, mu=0.0, c=1.0, heavy=False, nesterov=False)
    (0.5, None)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    @overload
    def __get__(self, optimizer: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(
        self, optimizer: Optimizer, owner: type
    ) -> Callable[[MutableMapping[str, Any], Mapping[str, Any]], None]: ...
    def __get__(self, optimizer: Any, owner: type) -> Callable[..., Any]:
        if optimizer is None:
            return self.function
        return functools.partial(dicts.update, optimizer)


@formula
def no_formula(p: Any, g: Any) -> Any:
    """What stands for the formula of an optimizer that has none; its ``update(params, grads)`` is as everywhere."""
    raise TypeError("no formula for one element; make an optimizer and call update(params, grads)")


def has_rule(cls: type[Any]) -> bool:
    """Whether a class's step is what its formula says, or its `update_array`; others have a step of their own."""
    update = inspect.getattr_static(cls, "update", None)
    # a wrapper has properties in the place of class attributes
    return cls._is_whole is True or (isinstance(update, formula) and update is not no_formula)
