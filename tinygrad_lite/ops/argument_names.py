"""Spelling: NumPy's keywords beside PyTorch's, sizes given in several ways, and docstrings for rows of one line."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..rules import unwrap

PAIRS = (("dim", "axis"), ("dims", "axis"), ("keepdim", "keepdims"))  # PyTorch's name, NumPy's name
_ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "..."})()
_templates: dict[Any, Callable[..., Any]] = {}


def numpy_names(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function with ``dim=``, ``dims=`` or ``keepdim=`` accept NumPy's ``axis=`` and ``keepdims=`` as well.

    The wrapper is compiled with the function's own parameters, since collecting ``**kwargs`` in every call would cost
    0.2 us, and this costs 0.06.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable
    """
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = function.__defaults__ or ()
    key = (positional, keywords, len(defaults))
    if key not in _templates:
        _templates[key] = _template(positional, keywords, len(defaults))
    wrapper: Any = _templates[key](function, _ABSENT, _chosen, _missing)
    first = next((i for i, name in enumerate(positional) if name in ("dim", "dims")), len(positional))
    required = max(len(positional) - len(defaults) - first, 0)  # `axis=` may stand for a parameter without a default
    wrapper.__defaults__ = (_ABSENT,) * required + defaults
    wrapper.__kwdefaults__ = {**wrapper.__kwdefaults__, **(function.__kwdefaults__ or {})}
    return functools.wraps(function)(wrapper)


def _template(positional: tuple[str, ...], keywords: tuple[str, ...], defaults: int) -> Callable[..., Any]:
    pairs = [(ours, theirs) for ours, theirs in PAIRS if ours in positional + keywords]
    first = next((i for i, name in enumerate(positional) if name in ("dim", "dims")), len(positional))
    optional = [f"{p}=absent" if i >= first else p for i, p in enumerate(positional)]
    keyword_only = [f"{name}=absent" for name in (*keywords, *(theirs for _, theirs in pairs))]
    lines = [f"def spelled({', '.join([*optional, '*', *keyword_only])}):"]
    for ours, theirs in pairs:
        lines.append(
            f"    if {theirs} is not absent: {ours} = chosen(function, {ours!r}, {ours}, {theirs!r}, {theirs})"
        )
    for name in positional[first : len(positional) - defaults]:
        lines.append(f"    if {name} is absent: missing(function, {name!r})")
    passed = [*positional, *(f"{name}={name}" for name in keywords)]
    lines.append(f"    return function({', '.join(passed)})")
    source = "def make(function, absent, chosen, missing):\n    " + "\n    ".join(lines) + "\n    return spelled\n"
    namespace: dict[str, Any] = {}
    exec(compile(source, __file__, "exec"), namespace)  # the file's name: its frames count as the library's
    make: Callable[..., Any] = namespace["make"]
    return make


def _chosen(function: FunctionType, ours: str, value: Any, theirs: str, alias: Any) -> Any:
    default = inspect.signature(function).parameters[ours].default
    if value is not _ABSENT and value is not default:
        raise TypeError(f"{function.__name__}: give {ours} or {theirs}, not both")
    return alias


def _missing(function: FunctionType, name: str) -> None:
    raise TypeError(f"{function.__name__}() missing 1 required argument: {name!r}")


# --- values -----------------------------------------------------------------------------------------------------


def sizes(args: tuple[Any, ...], who: str) -> tuple[int, ...]:
    """``f(2, 3)``, ``f((2, 3))`` and ``f([2, 3])`` all mean the shape (2, 3)."""
    try:
        if len(args) == 1 and not hasattr(args[0], "__index__"):
            args = tuple(args[0])
        return tuple([operator.index(n) for n in args])
    except TypeError:
        raise TypeError(f"{who}: sizes must be integers, got {args}") from None


def one_dim(dim: Any, ndim: int, who: str) -> int:
    """A dimension counted from the front; 0-d tensors accept 0 and -1, as in PyTorch."""
    try:
        dim = operator.index(dim)
    except TypeError:
        raise TypeError(f"{who}: dim must be an integer, got {dim!r}") from None
    if not -(ndim or 1) <= dim < (ndim or 1):
        raise IndexError(f"{who}: dim must be in [{-(ndim or 1)}, {(ndim or 1) - 1}], got {dim}")
    return dim % ndim if ndim else 0


def some_dims(dim: Any) -> Any:
    """None, one dimension, or a tuple of them; nothing in a tuple means all, as in PyTorch."""
    if dim is None or type(dim) is int:
        return dim
    if hasattr(dim, "__index__"):
        return operator.index(dim)
    dims = tuple(dim)
    return dims[0] if len(dims) == 1 else dims or None  # the one of a 0-d tensor is 0, which NumPy refuses in a tuple


# --- docstrings -------------------------------------------------------------------------------------------------

_TEXT = """{summary}

Parameters
----------
{parameters} : {kind}{shapes}

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
        names = function.__code__.co_varnames[: len(arguments)]
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


def floating_only(input: Any, who: str) -> Any:
    """The input, unless it holds integers."""
    dtype = unwrap(input).dtype
    if dtype.kind not in "fc":
        raise TypeError(f"{who}: the input must be floating point, got {dtype}")
    return input
