"""NumPy's functions on Tensors: lists beside them; those that have no row run on the arrays, or are refused."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import rules
from ..graph import mode


def on_arrays(function: Callable[..., Any], refusal: Exception, args: Any, kwargs: Any) -> Any:
    """Call a function with arrays in place of Tensors, and wrap the arrays that it returns.

    Parameters
    ----------
    function : callable
    refusal : Exception
        What is raised where a Tensor requires grad, which this function would lose.
    args, kwargs : tuple and dict
        The arrays are read-only to it: a write would not be noticed by backward passes that need the old values.

    Returns
    -------
    object
        With Tensors in place of arrays of numbers, also within tuples and lists.
    """
    if not no_gradient((args, kwargs)):
        raise refusal
    return _wrapped(function(*_arrays(args), **_arrays(kwargs)))


def otherwise_on_arrays(function: Callable[..., Any], refusal: Exception, args: Any, kwargs: Any) -> Any:
    """What NumPy's function makes of arguments that the row of the table has refused.

    Parameters
    ----------
    function : callable
    refusal : Exception
        It is raised where a Tensor requires grad, and where NumPy's function refuses the arguments, too.
    args, kwargs : tuple and dict
        The result is not written to ``out``.

    Returns
    -------
    object
    """
    try:
        return on_arrays(function, refusal, args, {name: value for name, value in kwargs.items() if name != "out"})
    except (TypeError, ValueError, IndexError, AttributeError) as error:  # by which NumPy's functions refuse arguments
        raise refusal from error


def inputs_of_loop(ufunc: np.ufunc, inputs: Any, dtype: Any, casting: Any = "same_kind") -> list[Any]:
    """The arguments of a NumPy ufunc in the dtypes that it computes in for a ``dtype=``.

    Parameters
    ----------
    ufunc : numpy.ufunc
    inputs : sequence of Tensor, array or number
    dtype : dtype
        The result's.
    casting : str
        What may be cast, in NumPy's words.

    Returns
    -------
    list
        Numbers as they were.

    Raises
    ------
    TypeError
        NumPy's own, if the function has no such loop, or what came is not to be cast.
    """
    given = [x if isinstance(x, (bool, int, float, complex)) else rules.unwrap(x) for x in inputs]
    kinds = [type(x) if type(x) in (int, float, complex) else np.asarray(x).dtype for x in given]
    loop = ufunc.resolve_dtypes(
        (*kinds, *[None] * ufunc.nout), signature=(*[None] * ufunc.nin, *[dtype] * ufunc.nout), casting=casting
    )
    return [
        x if isinstance(kind, type) else x.to(wanted) if isinstance(x, rules.Tensor) else np.asarray(x, wanted)
        for x, kind, wanted in zip(inputs, kinds, loop)
    ]


def unsupported(ufunc: np.ufunc, method: str, options: Any) -> NotImplementedError:
    """The error for a way of calling a ufunc that the table does not know."""
    extra = f".{method}" if method != "__call__" else f" with {', '.join(options)}"
    return NotImplementedError(
        f"np.{ufunc.__name__}{extra} is not supported on Tensors that require grad; use .detach().numpy()"
    )


def no_gradient(args: Any) -> bool:
    """Whether none of the arguments requires grad, or nothing is recorded."""
    return not (mode.enabled and any(t.requires_grad for t in _tensors(args)))


def _tensors(value: Any) -> Iterator[Any]:
    if isinstance(value, rules.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _arrays(value: Any) -> Any:
    if isinstance(value, rules.Tensor):
        array = value._data.view()
        array.flags.writeable = False
        return array
    if type(value) in (tuple, list):
        return type(value)([_arrays(part) for part in value])
    return {name: _arrays(part) for name, part in value.items()} if type(value) is dict else value


def _wrapped(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
        flags: Any = getattr(value, "flags", value)
        return rules.wrap(np.array(value, copy=None if flags.writeable else True))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_wrapped, value))
    return type(value)(map(_wrapped, value)) if type(value) in (tuple, list) else value


# --- lists beside Tensors ---------------------------------------------------------------------------------------------

_ARRAYS = frozenset(  # NumPy's names of parameters that are arrays, and of those that are several
    "a arr array ar1 ar2 b condition element fp m start stop test_elements v values weights x x1 x2 xp y".split()
)
_SEVERAL = frozenset("args arrays arys tup xi".split())
_JOINING = (np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.linalg.multi_dot)
_NOTHING = {"out": None, "casting": "same_kind"}  # what options say that say nothing
_signature = functools.cache(inspect.signature)


def lists_as_arrays(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of a NumPy function with Tensors in place of lists of numbers, where it takes arrays.

    Parameters
    ----------
    function : callable
    args, kwargs : tuple and dict

    Returns
    -------
    tuple and dict
    """
    if function is np.block:  # whose lists say where
        return args, kwargs
    if function not in _JOINING and not any(type(v) is list or type(v) is tuple for v in (*args, *kwargs.values())):
        return args, kwargs
    bound = _signature(function).bind(*args, **kwargs)
    for name, value in bound.arguments.items():
        if name in _SEVERAL:
            bound.arguments[name] = _parts(value)
        elif type(value) is list or type(value) is tuple:
            if name in _ARRAYS:
                bound.arguments[name] = _array_of(value)
            elif name == "operands" and type(value[0]) is str:  # of `np.einsum`
                bound.arguments[name] = type(value)(map(_array_of, value))
    return _as_given(bound, kwargs)


def _as_given(bound: inspect.BoundArguments, kwargs: Any) -> tuple[Any, Any]:
    """By position what came so, by name what was named; without options that say nothing."""
    given: list[Any] = []
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            given.extend(value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif name not in kwargs and name != "out":
            given.append(value)
        elif value is not _NOTHING.get(name, given):
            named[name] = value
    return tuple(given), named


def _parts(value: Any) -> Any:
    """Several arrays: lists and numbers among them as Tensors, and the rows of a Tensor."""
    parts = [_array_of(part) for part in value]
    return tuple([numbers_as(part, parts) for part in parts])


def numbers_as(part: Any, others: Any) -> Any:
    """A Python number as a Tensor of the dtype that it has beside the others."""
    if not isinstance(part, (bool, int, float, complex)) or isinstance(part, np.generic):
        return part
    kinds = [other._data.dtype for other in others if isinstance(other, rules.Tensor)]
    return rules.wrap(np.asarray(part, np.result_type(part, *kinds)))


def _array_of(value: Any) -> Any:
    """A list as a Tensor, also of Tensors."""
    if type(value) is not list and type(value) is not tuple:
        return value
    parts = [_array_of(part) for part in value]
    if any(isinstance(part, rules.Tensor) for part in parts):
        return np.stack([part if isinstance(part, rules.Tensor) else rules.wrap(np.asarray(part)) for part in parts])
    return rules.wrap(np.asarray(value))
