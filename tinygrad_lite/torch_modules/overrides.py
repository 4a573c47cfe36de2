"""`tinygrad_lite.overrides`: `TorchFunctionMode`, which takes calls over; what libraries ask about classes that do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar

from .._tensor import Tensor
from ..transforms import interception

__all__ = [
    "TorchFunctionMode", "handle_torch_function", "has_torch_function", "has_torch_function_unary",
    "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property", "resolve_name",
    "wrap_torch_function",
]  # fmt: skip

_M = TypeVar("_M", bound="TorchFunctionMode")
_WHY = "__torch_function__ of a class is not asked here; that of a TorchFunctionMode is, and NumPy's protocols are"


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
    """False: no class's ``__torch_function__`` is asked."""
    return False


def has_torch_function_variadic(*args: Any) -> bool:
    """False: no class's ``__torch_function__`` is asked."""
    return False


has_torch_function_unary = has_torch_function_variadic


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a Tensor, or has a ``__torch_function__`` of its own."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> NoReturn:
    """An error: see `has_torch_function`, which says that nothing is to be handled."""
    raise RuntimeError(f"overrides.handle_torch_function: {_WHY}")


def wrap_torch_function(dispatcher: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that leaves the function as it is."""
    return lambda function: function


def resolve_name(f: Callable[..., Any]) -> str:
    """Where a function is, in words."""
    owner = "Tensor" if getattr(Tensor, getattr(f, "__name__", ""), None) is f else "torch"
    return f"torch.{owner}.{f.__name__}" if owner == "Tensor" else f"torch.{f.__name__}"


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is a method of `Tensor`."""
    return getattr(Tensor, getattr(func, "__name__", ""), None) is func
