"""`tinygrad_lite.overrides`: what libraries ask about classes that take calls over; none are asked here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from .._tensor import Tensor

__all__ = [
    "TorchFunctionMode", "handle_torch_function", "has_torch_function", "has_torch_function_unary",
    "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property", "resolve_name",
    "wrap_torch_function",
]  # fmt: skip

_WHY = "__torch_function__ is not asked here; NumPy's protocols are"


class TorchFunctionMode:
    """A ``with`` block that would take all calls over: entering one is an error.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.overrides.TorchFunctionMode():
    ...     pass
    Traceback (most recent call last):
    ...
    RuntimeError: overrides.TorchFunctionMode: __torch_function__ is not asked here; NumPy's protocols are
    """

    def __enter__(self) -> NoReturn:
        raise RuntimeError(f"overrides.{type(self).__name__}: {_WHY}")

    def __exit__(self, *error: Any) -> None:
        pass


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """False: nothing is dispatched by ``__torch_function__``."""
    return False


def has_torch_function_variadic(*args: Any) -> bool:
    """False: nothing is dispatched by ``__torch_function__``."""
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
