"""What an exception from inside says to the caller: who was called, what must hold, and what came.

Nothing is checked beforehand: a function that meets an argument of the wrong kind fails somewhere inside, in NumPy or
at an attribute that a list does not have. Only then is it found out, by the function's docstring, which argument is not
of the kind described there.
"""

from __future__ import annotations

import dis
import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from numbers import Complex, Integral, Real
from typing import Any

import numpy as np

from ..graph import library
from .errors import ArgumentError, DtypeError, EmptyError, InputError, LinAlgError, RangeError, SizeError

Tensor: Any = None  # the class; _tensor.py binds it when it is defined
_TOLD = (
    AttributeError,
    TypeError,
    ValueError,
    LookupError,
    OverflowError,
    ZeroDivisionError,
    AssertionError,
    RuntimeError,
)
_RETOLD = (
    TypeError, ValueError, IndexError, RuntimeError, InputError, DtypeError, RangeError, ArgumentError, SizeError,
)  # fmt: skip
_RAISE = dis.opmap["RAISE_VARARGS"]
_COMPUTING = re.compile(r"(^|[\\/])(numpy|numba|llvmlite)[\\/]")  # where the library's own calls lead


def bind(tensor: type) -> None:
    """Tell which class Tensors are of."""
    global Tensor
    Tensor = tensor


def blame(
    error: Exception,
    who: str,
    names: Sequence[str],
    values: Sequence[Any],
    function: Callable[..., Any] | None = None,
) -> Exception:
    """The exception to raise in place of one that a call ended with.

    Parameters
    ----------
    error : Exception
        Returned as it is if a check of the library's or code of the user's raised it.
    who : str
        The name under which the function was called.
    names, values : sequence
        The arguments, as far as they are known.
    function : callable, optional
        Whose docstring says what the arguments must be.

    Returns
    -------
    Exception
    """
    where = _origin(error)
    numba = type(error).__module__.startswith("numba.")
    if where == "user" or isinstance(error, UnicodeError) or not (numba or isinstance(error, _TOLD)):
        return error
    known = kinds(function)
    if where == "check" and not isinstance(error, np.exceptions.AxisError):  # which says neither who nor what
        if who in str(error) or type(error) not in _RETOLD:
            return error
        wrong = list(misfits(names, values, known)) if type(error) in (TypeError, ArgumentError) else []
        return ArgumentError(f"{who}: {'; '.join(wrong)}") if wrong else type(error)(f"{who}: {error}")
    error = getattr(error, "blamed", error)  # what a function inside was told, is told to this one
    failed = isinstance(error, np.linalg.LinAlgError)  # arguments of the right kind, whose numbers have no answer
    told = _told(error, who, [] if failed else list(misfits(names, values, known)), names, values)
    told.blamed = error  # type: ignore[attr-defined]
    return told


def _told(error: Exception, who: str, wrong: list[str], names: Sequence[str], values: Sequence[Any]) -> Exception:
    theirs = next((words for ours, words in _TOO_LARGE.items() if re.search(ours, str(error))), "")
    if wrong and not theirs and not isinstance(error, OverflowError):  # of the right kind, but too large
        return ArgumentError(f"{who}: {'; '.join(wrong)}")
    if isinstance(error, IndexError) and (outside := _outside(error, names, values)):
        return IndexError(f"{who}: {outside}")
    text = _in_dimensions(str(error).strip()) + theirs
    named = text if text.startswith(f"{who}: ") else f"{who}: {text}"
    if isinstance(error, IndexError):
        return RangeError(named)
    if isinstance(error, np.linalg.LinAlgError):
        return LinAlgError(named)
    if isinstance(error, ValueError):
        kind: Any = EmptyError if _EMPTY.search(text) else InputError if type(error) is ValueError else type(error)
        return kind(named)
    if isinstance(error, (NotImplementedError, OverflowError)):
        return type(error)(named)
    what = ", ".join(f"{name}: {came(value)}" for name, value in zip(names, values))
    if isinstance(error, TypeError) and "ufunc" in text:
        return DtypeError(f"{who}: must be given dtypes for which it is defined, got {what}")
    kind = ArgumentError if isinstance(error, (AttributeError, TypeError)) else InputError
    return kind(f"{who}: the arguments must fit together, got {what} ({text[:200]})")


def _in_dimensions(text: str) -> str:
    """A message of NumPy's about an index, with PyTorch's word for an axis."""
    return re.sub(r"(is out of bounds for|along) axis (\d+)", r"\1 dimension \2", text)


_TOO_LARGE = {  # what NumPy says of shapes, whatever they were made from, and PyTorch's words for it
    "maximum supported dimension|number of dimensions must be": " (only tensors with up to 64 dims are supported)",
    "array is too big|Maximum allowed dimension exceeded": " (Storage size calculation overflowed)",
}
_EMPTY = re.compile("zero-size array to reduction|attempt to get arg(max|min) of an empty")  # NumPy's words


def _outside(error: IndexError, names: Sequence[str], values: Sequence[Any]) -> str:
    """Which dimension is none of the first tensor's, if that is what is wrong."""
    axis, ndim = getattr(error, "axis", None), getattr(error, "ndim", None)
    if ndim is None and names and isinstance(values[0], (Tensor, np.ndarray)):
        ndim, dims = max(values[0].ndim, 1), [v for n, v in zip(names, values) if n in ("dim", "axis", "dims")]
        each = [d for given in dims for d in (given if isinstance(given, (tuple, list)) else (given,))]
        axis = next((d for d in each if isinstance(d, int) and not -ndim <= d < ndim), None)
    if axis is None or ndim is None:
        return ""
    return f"dim must be in [{-ndim}, {ndim - 1}], got {axis} (Dimension out of range)"


def _origin(error: Exception) -> str:
    """Who raised this: "user" code, a "check" of the library's, or nobody who meant it, somewhere "inside"."""
    trace, last = error.__traceback__, None
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not library[name] and not _COMPUTING.search(name):
            return "user"
        last, trace = trace, trace.tb_next
    if last is None or hasattr(error, "blamed"):
        return "inside"
    code = last.tb_frame.f_code
    return "check" if library[code.co_filename] and code.co_code[last.tb_lasti] == _RAISE else "inside"


# --- what arguments must be -----------------------------------------------------------------------------------------

_HEAD = re.compile(r"^(\*{0,2}\w+(?:, *\*{0,2}\w+)*) : (.+)$", re.MULTILINE)


_CALLABLE = re.compile(r"Callable\[.*\]")


@lru_cache(maxsize=256)
def kinds(function: Callable[..., Any] | None) -> dict[str, str]:
    """The kind of each argument, as the section Parameters of the docstring has it, or else the annotation."""
    if function is None:
        return {}
    annotated = getattr(function, "__annotations__", {}).items()
    found = {name: _CALLABLE.sub("callable", str(kind)) for name, kind in annotated if kind != "Any"}
    text = inspect.cleandoc(function.__doc__ or "")
    _, _, section = text.partition("\nParameters\n----------\n")
    section = re.split(r"\n\w+\n---", section)[0]
    for head in _HEAD.finditer(section):
        found.update((name.strip(" *"), head[2]) for name in head[1].split(","))
    return found


def _several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, Mapping))


_TESTS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    (r"Tensors?\b|\barrays?\b", lambda v: isinstance(v, (Tensor, np.ndarray, np.generic))),
    (r"\bint(eger)?s?\b|\bsizes?\b", lambda v: isinstance(v, Integral) or hasattr(v, "__index__")),
    (r"\b(float|real)s?\b", lambda v: isinstance(v, Real) or (isinstance(v, Tensor) and v.ndim == 0)),
    (r"\b(complex|numbers?)\b", lambda v: isinstance(v, Complex) or (isinstance(v, Tensor) and v.ndim == 0)),
    (r"\bbool\b", lambda v: isinstance(v, (bool, np.bool_))),
    (r"\bstr\b|['\"]", lambda v: isinstance(v, str)),
    (r"\b(path|file)\b", lambda v: isinstance(v, os.PathLike) or hasattr(v, "read") or hasattr(v, "write")),
    (r"\b(tuples?|lists?|sequences?|iterables?|Iterable|Sequence|Size)\b", _several),
    (r"\bdtype\b", lambda v: isinstance(v, (str, type, np.dtype))),
    (r"\b(callable|function|Callable)\b", callable),
    (r"\btrees?\b", lambda v: isinstance(v, (Mapping, tuple, list))),
    (r"\b(dict|mapping|Mapping)\b", lambda v: isinstance(v, Mapping)),
    (r"\bNone\b|\boptional\b", lambda v: v is None),
)


@lru_cache(maxsize=256)
def _tests(kind: str) -> tuple[Callable[[Any], bool], ...]:
    if kind.startswith("Tensor,") and " or " not in kind:  # "Tensor, integer" is no choice
        kind = "Tensor, optional" if re.search(r"\boptional\b", kind) else "Tensor"
    return tuple(test for words, test in _TESTS if re.search(words, kind))


def fits(kind: str, value: Any) -> bool:
    """Whether a value is of a kind, as far as its text says it."""
    tests = _tests(kind)
    return not tests or any(test(value) for test in tests)


def misfits(names: Sequence[str], values: Sequence[Any], known: Mapping[str, str]) -> Iterable[str]:
    """A sentence for each argument that is not of its kind."""
    for name, value in zip(names, values):
        kind = known.get(name, "")
        several = isinstance(value, tuple) and len(value) > 0  # such as *args
        if kind and not fits(kind, value) and not (several and all(fits(kind, v) for v in value)):
            yield misfit(name, value, kind)


def misfit(name: str, value: Any, kind: str) -> str:
    """The sentence for an argument that is not of its kind."""
    return f"{name} must be {'an' if kind[0] in 'aeiou' else 'a'} {kind}, got {came(value)}"


def came(value: Any) -> str:
    """An argument in a few words."""
    if isinstance(value, (Tensor, np.ndarray)):
        return f"{type(value).__name__} of {value.dtype} and shape {tuple(value.shape)}"
    text = repr(value) if isinstance(value, (str, int, float, complex, tuple, type(None))) else ""
    return text if 0 < len(text) < 60 else type(value).__name__
