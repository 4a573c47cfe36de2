"""Spelling: NumPy's keywords and PyTorch's, sizes and numbers in several forms, docstrings for rows of one line."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import rules
from ..engine.door import numpy_names as numpy_names
from ..engine.door import other_names as other_names
from ..engine.errors import DtypeError, RangeError
from ..rules import unwrap

# --- values -----------------------------------------------------------------------------------------------------


def built(function: Callable[..., Any], *args: Any) -> Any:
    """An array that a function makes of numbers."""
    return function(*args)


def sizes(args: tuple[Any, ...], who: str) -> tuple[int, ...]:
    """``f(2, 3)``, ``f((2, 3))`` and ``f([2, 3])`` all mean the shape (2, 3)."""
    for n in args:
        if type(n) is not int:
            break
    else:
        return args
    try:
        if len(args) == 1 and not hasattr(args[0], "__index__") and not isinstance(args[0], (str, dict)):
            args = tuple(args[0])
        if args and type(args[0]) is bool:  # PyTorch looks at the first, too
            raise TypeError
        return tuple([operator.index(n) for n in args])
    except TypeError:
        raise TypeError(f"{who}: sizes must be integers, got {args}") from None


def one_dim(dim: Any, ndim: int, who: str) -> int:
    """A dimension counted from the front; 0-d tensors accept 0 and -1, as in PyTorch."""
    try:
        if type(dim) is bool:
            raise TypeError
        dim = operator.index(dim)
    except TypeError:
        raise TypeError(f"{who}: dim must be an integer, got {dim!r}") from None
    if not -(ndim or 1) <= dim < (ndim or 1):
        raise RangeError(
            f"{who}: dim must be in [{-(ndim or 1)}, {(ndim or 1) - 1}], got {dim} (Dimension out of range)"
        )
    return dim % ndim if ndim else 0


def some_dims(dim: Any) -> Any:
    """None, one dimension, or a tuple of them; nothing in a tuple means all, as in PyTorch."""
    if dim is None or type(dim) is int:
        return dim
    if not isinstance(dim, (tuple, list)):
        dim = (dim,)
    if dim and type(dim[0]) is bool:
        raise TypeError(f"dim must be an integer or a tuple of them, got {dim[0]}")
    dims = tuple(map(operator.index, dim))
    return dims[0] if len(dims) == 1 else dims or None  # the one of a 0-d tensor is 0, which NumPy refuses in a tuple


# --- docstrings -------------------------------------------------------------------------------------------------

_TEXT = """{summary}

Parameters
----------
{parameters} : {kind}{shapes}
out : Tensor, optional
    Where the result is written.

Returns
-------
Tensor, {result}

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.{name}({arguments})
tensor({value})
"""


def describe(functions: dict[str, Any], table: str, result: str | None = None, space: str = "") -> dict[str, str]:
    """Give functions of one or two tensors their docstrings.

    Parameters
    ----------
    functions : dict
        By name, such as ``globals()``.
    table : str
        A line for each: ``name | summary | values of the argument(s) | values of the result``.
    result : str, optional
        What is returned. Default: the dtype follows the arguments'.
    space : str
        Where they are found, such as ``special.``.

    Returns
    -------
    dict
        The docstrings by name: what doctest looks for under the name ``__test__``.
    """
    texts = {}
    for line in table.strip().splitlines():
        name, summary, given, value = (part.strip() for part in line.split("|"))
        function = functions[name]
        arguments = given.split(";")
        names = inspect.unwrap(function).__code__.co_varnames[: len(arguments)]
        many = len(arguments) > 1
        texts[name] = function.__doc__ = _TEXT.format(
            name=space + name,
            summary=summary,
            parameters=", ".join(names),
            kind="Tensor or number" if many else "Tensor, any shape",
            shapes=", of shapes that broadcast" if many else "",
            result=result or ("of the broadcast shape" if many else "of the input's shape"),
            arguments=", ".join(f"tg.tensor([{a.strip()}])" for a in arguments),
            value=value,
        )
    return texts


def ordered_only(input: Any, who: str) -> None:
    """Refuse complex numbers, of which none is the largest."""
    if unwrap(input).dtype.kind == "c":
        raise DtypeError(f"{who}: the input must hold real numbers, got {unwrap(input).dtype}")


def one_dtype(who: str, **arguments: Any) -> None:
    """Refuse Tensors and arrays of different dtypes; numbers may stand beside any."""
    dtypes = {k: unwrap(v).dtype for k, v in arguments.items() if isinstance(unwrap(v), np.ndarray)}
    if len(set(dtypes.values())) > 1:
        theirs = f"{who} is not yet implemented for tensors with different dtypes."
        came = ", ".join(f"{name} of {dtype}" for name, dtype in dtypes.items())
        raise DtypeError(f"{who}: {' and '.join(dtypes)} must have one dtype, got {came}; cast one of them ({theirs})")


def floating_only(input: Any, who: str) -> Any:
    """The input, unless it holds integers."""
    dtype = input._data.dtype if type(input) is rules.Tensor else unwrap(input).dtype
    if dtype.kind not in "fc":
        raise DtypeError(f"{who}: the input must be floating point, got {dtype}")
    return input
