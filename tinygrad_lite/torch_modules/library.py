"""`tinygrad_lite.library`: `custom_op`, functions of one's own with gradients, in PyTorch's newer way of saying it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ..engine.function import Function

__all__ = [
    "CustomOpDef", "Library", "custom_op", "define", "impl", "register_autograd", "register_fake", "register_kernel",
    "register_vmap", "triton_op", "wrap_triton",
]  # fmt: skip

_COMPILED = "operators of compiled libraries cannot be loaded here; custom_op takes a function in Python"


class CustomOpDef:
    """A function whose gradient is given, too; made by `custom_op`.

    Parameters
    ----------
    name : str
    fn : callable
        Takes and returns Tensors.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.library.custom_op("mylib::twice", lambda x: 2 * x)(tg.ones(2))
    tensor([2., 2.])
    """

    def __init__(self, name: str, fn: Callable[..., Any]) -> None:
        self._name, self._function = name, fn
        self.__name__, self.__doc__ = name.rpartition("::")[2], fn.__doc__
        self._differentiable: Callable[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._name})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._differentiable is None:
            return self._function(*args, **kwargs)
        if kwargs:
            raise TypeError(f"{self._name}: arguments must be given by position, got {', '.join(kwargs)}")
        return self._differentiable(*args)

    def register_fake(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing: shapes are those of the results, which are always computed."""
        return fn

    def register_kernel(self, device_types: Any, fn: Any = None) -> Any:
        """A function for some devices, which is taken if "cpu" is among them."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            if "cpu" in ([device_types] if isinstance(device_types, str) else device_types or ["cpu"]):
                self._function = function
            return function

        return register if fn is None else register(fn)

    def register_autograd(self, backward: Callable[..., Any], /, *, setup_context: Any = None) -> None:
        """Give the gradient.

        Parameters
        ----------
        backward : callable
            ``backward(ctx, *gradients)`` returns a gradient for each argument, None for those without.
        setup_context : callable, optional
            ``setup_context(ctx, inputs, output)`` keeps what `backward` needs, by ``ctx.save_for_backward``.
        """
        owner = self

        def forward(ctx: Any, *inputs: Any) -> Any:
            output = owner._function(*inputs)
            if setup_context is not None:
                setup_context(ctx, inputs, output)
            return output

        made = type(self.__name__, (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})
        self._differentiable = made.apply  # type: ignore[attr-defined]


def custom_op(
    name: str, fn: Any = None, /, *, mutates_args: Any = (), device_types: Any = None, schema: Any = None
) -> Any:
    """Declare a function of one's own, and by `register_autograd` its gradient.

    Parameters
    ----------
    name : str
        Such as "mylib::sine".
    fn : callable, optional
        Without it, a decorator comes back.
    mutates_args : sequence of str
        Accepted; what a function overwrites is noticed.
    device_types, schema : optional
        Accepted; annotations and docstrings say the same.

    Returns
    -------
    CustomOpDef

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_lite as tg
    >>> @tg.library.custom_op("mylib::sine", mutates_args=())
    ... def sine(x):
    ...     return tg.from_numpy(np.sin(x.numpy()))
    >>> sine.register_autograd(
    ...     lambda ctx, g: g * ctx.saved_tensors[0].cos(),
    ...     setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
    ... )
    >>> x = tg.zeros(2, requires_grad=True)
    >>> sine(x).sum().backward()
    >>> x.grad
    tensor([1., 1.])
    """
    return (lambda function: CustomOpDef(name, function)) if fn is None else CustomOpDef(name, fn)


triton_op = custom_op


def _registered(who: str) -> Callable[..., Any]:
    def register(op: Any, *given: Any, **options: Any) -> Any:
        if isinstance(op, CustomOpDef):
            return getattr(op, who)(*given, **{n: v for n, v in options.items() if n not in ("lib", "_stacklevel")})
        return given[0] if given and callable(given[0]) else lambda function: function

    register.__name__ = register.__qualname__ = who
    register.__doc__ = f"`CustomOpDef.{who}`; for an operator by its name nothing: none of a compiled library is here."
    return register


register_fake, register_kernel = _registered("register_fake"), _registered("register_kernel")
register_autograd = _registered("register_autograd")


def register_vmap(op: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Nothing: `vmap` calls the function itself."""
    return (lambda function: function) if func is None else func


class Library:
    """Operators of a compiled library, which cannot be loaded here: it may be named, and defines nothing.

    Parameters
    ----------
    ns : str
    kind : str
    dispatch_key : str

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.library.Library("mylib", "IMPL").ns
    'mylib'
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key

    def define(self, schema: str, *args: Any, **options: Any) -> NoReturn:
        """An error: see `custom_op`."""
        raise RuntimeError(f"library.Library.define: {_COMPILED}")

    def impl(self, op_name: Any, fn: Any, *args: Any, **options: Any) -> None:
        """Nothing: the operator is not here, so that nobody calls the function."""


def define(*args: Any, **options: Any) -> NoReturn:
    """An error: see `custom_op`."""
    raise RuntimeError(f"library.define: {_COMPILED}")


def impl(*args: Any, **options: Any) -> NoReturn:
    """An error: see `custom_op`."""
    raise RuntimeError(f"library.impl: {_COMPILED}")


def wrap_triton(triton_kernel: Any, /) -> NoReturn:
    """An error: there is no GPU."""
    raise RuntimeError("library.wrap_triton: needs a GPU, and tinygrad_lite computes on the CPU only")
