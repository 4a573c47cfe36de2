"""Functions of two as operators: `operator_of`, `arithmetic_of`, `equality_of`; and `writing`, their in-place forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import rules
from ..engine import views
from ..engine.blame import blame
from ..transforms.overloads import SEQUENCES, foreign, of_sign


def writing(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A method that replaces a tensor's values by what a function makes of them."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return views.write(self, function, args, name, kwargs)
        except Exception as error:
            raise blame(error, name, ("self", *kwargs), (self, *kwargs.values()), function) from None

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name[:-1]}`, in place."
    return method


def operator_of(function: Callable[..., Any], name: str = "") -> Callable[..., Any]:
    """A function of two as an operator, which leaves objects of other classes to their own operators."""
    if hasattr(function, "operator"):
        return function.operator
    function = getattr(function, "beside_a_tensor", function)

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, SEQUENCES) or isinstance(self, SEQUENCES):
            return NotImplemented
        try:
            return function(self, other)
        except TypeError as error:
            if foreign(error, self, other):
                return of_sign(function.__name__, self, other)
            raise

    method.__name__ = method.__qualname__ = name or f"__{function.__name__}__"
    return method


def arithmetic_of(name: str, function: Callable[..., Any]) -> tuple[Any, Any, Any]:
    """An operator, its reflection, and its in-place form."""
    operator = operator_of(function, f"__{name}__")

    def reflected(self: Any, other: Any) -> Any:
        return operator(other, self)

    reflected.__name__ = reflected.__qualname__ = f"__r{name}__"
    written = writing(f"__i{name}__", function)

    def changed(self: Any, other: Any) -> Any:
        if isinstance(other, SEQUENCES):
            raise TypeError(f"__i{name}__: other must be a Tensor, an array or a number, got a {type(other).__name__}")
        try:
            return written(self, other)
        except TypeError as error:
            if foreign(error, other):
                return NotImplemented
            raise

    changed.__name__, changed.__qualname__, changed.__doc__ = written.__name__, written.__name__, written.__doc__
    return operator, reflected, changed


def equality_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """`==` or `!=` element by element, but with what holds no numbers as Python has it: it equals no tensor."""
    operator = operator_of(function)

    def method(self: Any, other: Any) -> Any:
        try:
            return operator(self, other)
        except TypeError:
            if isinstance(other, (rules.Tensor, np.ndarray)):
                raise
            return NotImplemented

    method.__name__ = method.__qualname__ = f"__{function.__name__}__"
    return method
