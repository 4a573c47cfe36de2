"""From NumPy's functions, which follow the array API standard, to ones that take and return Tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import Tensor, as_tensor
from ..dtypes import of
from ..tensors.numpy_calls import on_arrays


def tensors(value: Any) -> Any:
    """Tensors in place of arrays and NumPy's numbers, also within tuples and lists."""
    if isinstance(value, (np.ndarray, np.generic)):
        return as_tensor(np.asarray(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(tensors, value))
    return type(value)(map(tensors, value)) if type(value) in (tuple, list) else value


def meet(*values: Any) -> tuple[Any, ...]:
    """Tensors of the dtype that theirs meet in; numbers stay numbers.

    The standard counts tensors of no dimension as any others, where this library's operators count their kind alone.
    """
    dtypes = {v.dtype for v in values if isinstance(v, Tensor)}
    if len(dtypes) < 2:
        return values
    common = of(np.result_type(*dtypes))
    return tuple(v.to(common) if isinstance(v, Tensor) else v for v in values)


def lift(function: Callable[..., Any], two: bool = False, says: str = "") -> Callable[..., Any]:
    """A NumPy function for Tensors: recorded where it has a row in the table.

    Parameters
    ----------
    function : callable
    two : bool
        Whether its first two arguments meet in one dtype.
    says : str
        The standard's parameters, which NumPy's are more than. Default: one or two arguments by position.

    Returns
    -------
    callable
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        if two:
            args = (*meet(*args[:2]), *args[2:])
        return tensors(function(*args, **kwargs))

    call.__name__ = call.__qualname__ = function.__name__
    call.__doc__ = f"NumPy's `{function.__name__}`, of Tensors."
    call.__signature__ = signature(says or ("x1, x2, /" if two else "x, /"))  # type: ignore[attr-defined]
    return call


def signature(says: str) -> inspect.Signature:
    """Parameters that are written as in a definition."""
    found: inspect.Signature = inspect.signature(eval(f"lambda {says}: None"))
    return found


def described(table: str, source: Any = np) -> dict[str, Callable[..., Any]]:
    """`lift` of the functions in a table of lines ``name | the standard's parameters``, by their names."""
    rows = (line.split("|") for line in table.strip().splitlines())
    return {name.strip(): lift(getattr(source, name.strip()), False, says.strip()) for name, says in rows}


def lifted(names: str, source: Any = np, two: bool = False) -> dict[str, Callable[..., Any]]:
    """`lift` of those functions that the source has, by their names."""
    return {name: lift(getattr(source, name), two) for name in names.split() if hasattr(source, name)}


def unrecorded(function: Callable[..., Any], args: Iterable[Any], kwargs: dict[str, Any]) -> Any:
    """Call a function with arrays in place of Tensors that do not require grad."""
    name = getattr(function, "__name__", str(function))
    refusal = NotImplementedError(f"array_api.{name}: its gradient is not known; detach() the arguments")
    return on_arrays(function, refusal, tuple(args), kwargs)


def named(names: str, source: Any) -> dict[str, Callable[..., Any]]:
    """Functions that run on arrays, by their names."""

    def plain(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return tensors(unrecorded(function, args, kwargs))

        return call

    return {name: plain(getattr(source, name)) for name in names.split()}
