"""The mark on an update formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, overload


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
        self, optimizer: object, owner: type
    ) -> Callable[[MutableMapping[str, Any], Mapping[str, Any]], None]: ...
    def __get__(self, optimizer: Any, owner: type) -> Callable[..., Any]:
        if optimizer is None:
            return self.function
        return optimizer._update_dict


@formula
def no_formula(p: Any, g: Any) -> Any:
    """What stands for the formula of an optimizer that has none; its ``update(params, grads)`` is as everywhere."""
    raise TypeError("no formula for one element; make an optimizer and call update(params, grads)")
