"""`tinygrad_lite.overrides`: `TorchFunctionMode`, which takes calls over; what libraries ask about classes that do."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .._tensor import Tensor
from ..transforms import interception, overloads

__all__ = [
    "TorchFunctionMode", "handle_torch_function", "has_torch_function", "has_torch_function_unary",
    "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property", "resolve_name",
    "wrap_torch_function",
]  # fmt: skip

_F = TypeVar("_F", bound=Callable[..., Any])
_M = TypeVar("_M", bound="TorchFunctionMode")


class TorchFunctionMode:
    """A ``with`` block in which public functions of tensors ask the mode's ``__torch_function__`` before they run.

    Notes
    -----
    Deviations from PyTorch: it is asked in all threads; attributes such as ``x.shape``, and what Python asks by ``len``
    and ``bool``, are not asked about; and ``types`` is empty.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Told(tg.overrides.TorchFunctionMode):
    ...     def __torch_function__(self, func, types, args=(), kwargs=None):
    ...         print(func.__name__)
    ...         return func(*args, **(kwargs or {}))
    >>> with Told():
    ...     x = tg.flatten(tg.ones(2, 2)) * 2
    ones
    flatten
    mul
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """What a call gives; a mode defines it, and may call `func`, by which it is not asked again."""
        raise NotImplementedError(f"overrides.{type(self).__name__}: must define __torch_function__")

    def _asked(self, function: Any, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inside = self.__dict__.setdefault("_inside", threading.local())
        if getattr(inside, "yes", False):
            return run(*args, **kwargs)
        inside.yes = True
        try:
            return self.__torch_function__(function, (), args, kwargs)
        finally:
            inside.yes = False

    def __enter__(self: _M) -> _M:
        interception.begin(self._asked)
        return self

    def __exit__(self, *error: object) -> None:
        interception.end(self._asked)


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether the class of one of the objects, which may stand in tuples and lists, is to be asked."""
    return bool(overloads.overloading(None, relevant_args))


def has_torch_function_variadic(*args: Any) -> bool:
    """`has_torch_function` of objects one by one."""
    return bool(overloads.overloading(None, args))


has_torch_function_unary = has_torch_function_variadic


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a Tensor, or has a ``__torch_function__`` of its own."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the first class gives that answers for a function; for functions of your own, see `wrap_torch_function`.

    Parameters
    ----------
    public_api : callable
    relevant_args : iterable
        The arguments whose classes are asked.
    *args, **kwargs
        What the function was called with.

    Returns
    -------
    object

    Raises
    ------
    TypeError
        If none does.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Symbol:
    ...     @classmethod
    ...     def __torch_function__(cls, func, types, args=(), kwargs=None):
    ...         return f"{func.__name__} of a symbol"
    >>> def double(a):
    ...     if tg.overrides.has_torch_function((a,)):
    ...         return tg.overrides.handle_torch_function(double, (a,), a)
    ...     return a + a
    >>> double(Symbol())
    'double of a symbol'
    """
    return overloads.answer_or_refuse(public_api, overloads.overloading(public_api, relevant_args), args, kwargs)


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[_F], _F]:
    """A decorator for a function of your own, by which classes with a ``__torch_function__`` answer for it.

    Parameters
    ----------
    dispatcher : callable
        Takes what the function takes, and gives the arguments that may answer.

    Returns
    -------
    callable

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> @tg.overrides.wrap_torch_function(lambda a: (a,))
    ... def double(a):
    ...     return a + a
    >>> class Symbol:
    ...     @classmethod
    ...     def __torch_function__(cls, func, types, args=(), kwargs=None):
    ...         return f"{func.__name__} of a symbol"
    >>> double(tg.ones(1)), double(Symbol()), tg.exp(Symbol())
    (tensor([2.]), 'double of a symbol', 'exp of a symbol')
    """

    def wrapped(function: _F) -> _F:
        @functools.wraps(function)
        def asking(*args: Any, **kwargs: Any) -> Any:
            asked = overloads.overloading(asking, dispatcher(*args, **kwargs))
            return overloads.answer_or_refuse(asking, asked, args, kwargs) if asked else function(*args, **kwargs)

        return asking  # type: ignore[return-value]

    return wrapped


def resolve_name(f: Callable[..., Any]) -> str:
    """Where a function is, in words."""
    owner = "Tensor" if getattr(Tensor, getattr(f, "__name__", ""), None) is f else "torch"
    return f"torch.{owner}.{f.__name__}" if owner == "Tensor" else f"torch.{f.__name__}"


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is a method of `Tensor`."""
    return getattr(Tensor, getattr(func, "__name__", ""), None) is func
