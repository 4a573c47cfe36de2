"""Type promotion: the dtype in which operands of different dtypes meet, by PyTorch's categories.

There are three categories: tensors with dimensions, tensors of 0 dimensions, and numbers (Python's, NumPy's scalars).
A category decides the dtype unless one after it holds a higher kind: booleans, then integers, floats, complex numbers.
So what has no dimensions decides the kind and never the width, where NumPy lets its own scalars and 0-d arrays widen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .dtypes import as_dtype, get_default_dtype
from .engine.errors import ArgumentError, InputError, NumberError
from .engine.quiet import quietly

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
NUMBERS = {bool, int, float, complex}
_BY_KIND = {bool: np.dtype(np.bool_), int: np.dtype(np.int64)}
_F32, _F64, _C64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.complex64)


def meet(first: np.dtype[Any], second: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of operands of one category: NumPy's, but for integers, which never widen floats.

    Raises
    ------
    TypeError
        For uint64 and signed integers: no dtype holds both.
    """
    if first is second:
        return first
    low, high = sorted((first, second), key=lambda d: _RANK[d.kind])
    if _RANK[low.kind] < 2 <= _RANK[high.kind]:
        return high
    both = np.promote_types(first, second)
    if both.kind == "f" and high.kind != "f":
        raise TypeError(f"no integers hold both {first} and {second}; cast one of them")
    return both


def _add(lower: np.dtype[Any], upper: np.dtype[Any] | None) -> np.dtype[Any]:
    """The dtype that a category gives, `upper`, with a `lower` one: no wider, unless that is of a higher kind."""
    if upper is None:
        return lower
    if _RANK[lower.kind] <= _RANK[upper.kind]:
        return upper
    return np.result_type(upper, _C64) if lower.kind == "c" and upper.kind == "f" else meet(lower, upper)


def _of_number(kind: type) -> np.dtype[Any]:
    default = as_dtype(get_default_dtype())
    return _BY_KIND.get(kind) or (default if kind is float else np.result_type(default, _C64))


def number(value: Any) -> Any:
    """NumPy's scalar as a Python number, which decides no width."""
    return value.item() if isinstance(value, np.generic) else value


def held(value: Any, dtype: np.dtype[Any], who: str) -> Any:
    """A number in a dtype that holds it, as NumPy's scalar; what is no number comes back as it is.

    Fractions are cut off for integers, and a negative one counts from the end of an unsigned dtype, as in PyTorch.

    Raises
    ------
    NumberError
        For numbers beyond the dtype's range, NaN and infinity for integers, and complex numbers for real dtypes.
    """
    kind, value = dtype.kind, number(value)
    if kind == "f" and type(value) in (float, int) and -65504 <= value <= 65504:
        return dtype.type(value)  # every float dtype holds it
    if type(value) not in NUMBERS:
        if value is None or isinstance(value, (str, bytes, Mapping)):  # NumPy would make NaN of None
            raise ArgumentError(f"{who}: values must be numbers, Tensors or arrays, got {value!r:.40}")
        return value
    fits, plain = True, value
    if kind == "c" or (type(value) is complex and kind != "b"):
        fits = all(_holds(part, dtype) for part in (complex(value).real, complex(value).imag))
        fits, plain = (fits, value) if kind == "c" else (fits and not value.imag, value.real)
    if kind in "fiu":
        fits = fits and _holds(plain, dtype)
        plain = int(plain) % 2 ** (8 * dtype.itemsize) if fits and kind == "u" else plain
    if not fits:
        lost = "Converting complex Scalar to non-complex type is not supported; " if type(value) is complex else ""
        raise NumberError(f"{who}: {dtype} does not hold {value} ({lost}value cannot be converted without overflow)")
    return dtype.type(plain)


def _holds(value: Any, dtype: np.dtype[Any]) -> bool:
    if dtype.kind in "fc":
        return not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)
    least, most = np.iinfo(dtype).min or -np.iinfo(dtype).max, np.iinfo(dtype).max
    return math.isfinite(value) and least <= int(value) <= most


def like(value: Any, dtype: np.dtype[Any] | None) -> Any:
    """A number that is compared with floats, in their precision, as an array; anything else as it is."""
    if type(value) not in NUMBERS or dtype is None or dtype.kind not in "fc":
        return value
    return _to(np.result_type(dtype, _C64) if type(value) is complex else dtype, np.asarray(value))


def highest_kind(*operands: Any) -> str:
    """The kind of number that Tensors, arrays and Python's numbers make together; only their dtypes are looked at."""
    kinds = [v.dtype.kind if hasattr(v, "dtype") else np.dtype(type(v)).kind for v in operands]
    return max(kinds, key=lambda kind: _RANK.get(kind, 0))


def common(operands: Iterable[Any]) -> np.dtype[Any] | None:
    """The dtype in which arrays, NumPy's scalars and Python's numbers meet; None for nothing of these."""
    sized: np.dtype[Any] | None = None
    single: np.dtype[Any] | None = None
    numbers: np.dtype[Any] | None = None
    for value in operands:
        value = number(value)
        if isinstance(value, np.ndarray):
            if value.ndim:
                sized = value.dtype if sized is None else meet(value.dtype, sized)
            else:
                single = value.dtype if single is None else meet(value.dtype, single)
        elif type(value) in NUMBERS:
            found = _of_number(type(value))
            numbers = found if numbers is None else meet(found, numbers)
    return (
        _add(numbers, _add(single, sized) if single else sized) if numbers else _add(single, sized) if single else sized
    )


def cast(who: str, operands: list[Any], lazily: bool = False) -> list[Any]:
    """The operands, arrays among them in the dtype where all meet.

    Parameters
    ----------
    who : str
    operands : list of arrays, NumPy's scalars and numbers
        Anything else is left as it is. Numbers alone become arrays of 0 dimensions.
    lazily : bool
        Cast only what NumPy's own promotion would not: masks times floats stay masks, in a quarter of the memory.

    Raises
    ------
    TypeError
        Where no dtype holds both.
    """
    operands = [number(v) for v in operands]
    target = _target(who, operands, lazily)
    if target is None:
        return operands
    if any(isinstance(v, np.ndarray) for v in operands):
        return [_to(target, v) if isinstance(v, np.ndarray) else v for v in operands]
    return [np.asarray(v, target) if type(v) in NUMBERS else v for v in operands]


def cast_at(who: str, operands: list[Any], where: tuple[int, ...]) -> None:
    """`cast` those of the operands that stand at these places, in their list."""
    if len(where) == 2:
        i, j = where
        x, y = operands[i], operands[j]
        if type(x) is not np.ndarray or type(y) is not np.ndarray or x.dtype is not y.dtype:
            operands[i], operands[j] = cast_pair(who, x, y, False)
        return
    for i, value in zip(where, cast(who, [operands[i] for i in where])):
        operands[i] = value


def _target(who: str, operands: list[Any], lazily: bool) -> np.dtype[Any] | None:
    """What to cast arrays to, if anything."""
    try:
        target = common(operands)
    except TypeError as error:
        raise TypeError(f"{who}: {error}") from None
    arrays = [v.dtype for v in operands if isinstance(v, np.ndarray)]
    if target is None or not arrays or not lazily:
        return target
    numbers = [type(v)(0) for v in operands if type(v) in NUMBERS]
    return None if target == np.result_type(*arrays, *numbers) else target


def _to(dtype: np.dtype[Any], array: Any) -> Any:
    """A cast that makes large numbers infinite in silence, as PyTorch's does."""
    if array.dtype is dtype:
        return array
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)


_LARGE = frozenset({  # rows that take numbers beyond the range of an array's integers
    "add", "sub", "mul", "div", "floor_divide", "trunc_divide", "remainder", "fmod", "pow",
    "bitwise_and", "bitwise_or", "bitwise_xor",
})  # fmt: skip
_HOLDS = {int: "fiu", float: "f"}  # Python's numbers, and kinds of arrays that they leave as they are
_pairs: dict[Any, Any] = {}  # what two arrays are cast to, or None: by dtypes, and whether they have dimensions


def _in_integers(number: int, dtype: np.dtype[Any], who: str) -> Any:
    """A number beside integers that may not hold it: what is left of it, or for a quotient the float it is."""
    info = np.iinfo(dtype)
    if info.min <= number <= info.max:
        return number
    if who == "div":
        return float(number)
    if not -(1 << 63) <= number < 1 << 64:
        raise NumberError(f"{who}: numbers beside integers must have 64 bits, got {number}")
    return held(number, dtype, who) if who == "pow" else np.array(number % (1 << info.bits)).astype(dtype)[()]


def cast_pair(who: str, x: Any, y: Any, lazily: bool = True) -> tuple[Any, Any]:
    """`cast` of two operands, quickly where these are arrays."""
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        array, other = (x, y) if isinstance(x, np.ndarray) else (y, x)
        if isinstance(array, np.ndarray) and array.dtype.kind in _HOLDS.get(type(other), ""):
            if array.dtype.kind in "iu" and who in _LARGE:  # NumPy refuses what the dtype does not hold
                if who == "pow" and other < 0 and array is x:
                    raise InputError(f"pow: Integers to negative integer powers are not allowed, got {other}")
                other = _in_integers(other, array.dtype, who)
                return (x, other) if array is x else (other, y)
            return x, y  # where they meet is the array's dtype, and NumPy does the same
        x, y = cast(who, [x, y], lazily)
        return x, y
    key = x.dtype, not x.ndim, y.dtype, not y.ndim, lazily
    found = _pairs.get(key, key)
    if found is key:
        found = _pairs[key] = _target(who, [x, y], lazily)
    return (x, y) if found is None else (_to(found, x), _to(found, y))


@quietly
def to_floats(function: Callable[..., Any], operands: list[Any], out: Any) -> tuple[list[Any], Any]:
    """The operands in floats of the default dtype, and the function of them; `out` is what NumPy made of integers."""
    default = as_dtype(get_default_dtype())
    floats = [v.astype(default) if isinstance(v, np.ndarray) and v.dtype.kind in "biu" else v for v in operands]
    target = np.result_type(default, _C64) if out.dtype.kind == "c" else default
    return floats, np.asarray(function(*floats)).astype(target, copy=False)


def can_cast(from_: np.dtype[Any], to: np.dtype[Any]) -> bool:
    """Whether no kind of number is lost: complex ones, then floats, integers, and booleans; sizes do not matter."""
    return _RANK[from_.kind] <= _RANK[to.kind]
