"""`FUNCTIONS`: what functions of Python, NumPy and `math` are in a kernel; attributes and methods of its values."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from ....backend import select
from .arrays import Arrays
from .kinds import BOOL, FLOAT32, FLOAT64, INT64, UINT64, Number, Unsupported, number_of, plain
from .values import WORD, Constant, Items, NumberType, Scalar, Value, View, word

Function = Callable[..., Value]  # of the writer and its arguments
FUNCTIONS: dict[Any, Function] = {}


def _means(*functions: Any) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        FUNCTIONS.update(dict.fromkeys(functions, function))
        return function

    return decorate


def _is_float(value: Value) -> bool:
    kind = plain(value.kind)
    return isinstance(kind, Number) and kind.family == "f"


def _floating(write: Arrays, value: Value) -> Scalar:
    """A number as a float: integers in double precision."""
    kind = plain(value.kind)
    return write.cast(value, kind if isinstance(kind, Number) and kind.family == "f" else FLOAT64)


def _whole_number(value: Value) -> Number:
    """The type of an integer, which functions of one keep; truth values are integers of 64 bits."""
    kind = plain(value.kind)
    if not isinstance(kind, Number):
        raise Unsupported(f"{kind} where a number is needed")
    return INT64 if kind.family == "b" else kind


@_means(len)
def _len(write: Arrays, value: Value) -> Value:
    if isinstance(value, Items):
        return Constant(len(value.items))
    if not isinstance(value, View) or value.kind.ndim == 0:
        raise Unsupported("the length of what has none")
    return Scalar(INT64, value.shape[0], True)


@_means(min)
def _min(write: Arrays, first: Value, second: Value, *others: Value) -> Value:
    return write.extreme("<", [first, second, *others])


@_means(max)
def _max(write: Arrays, first: Value, second: Value, *others: Value) -> Value:
    return write.extreme(">", [first, second, *others])


@_means(abs, np.abs, np.absolute)
def _abs(write: Arrays, value: Value) -> Value:
    if isinstance(value, Constant):
        return Constant(abs(value.value))
    if _is_float(value):
        return Scalar(value.kind, write.intrinsic("llvm.fabs", value.ir), True)
    kind = _whole_number(value)
    found = write.cast(value, kind)
    if kind.family == "u":
        return found
    below = write.builder.icmp_signed("<", found.ir, ir.Constant(kind.ir, 0))
    return Scalar(kind, write.builder.select(below, write.builder.neg(found.ir), found.ir), True)


@_means(int)
def _int(write: Arrays, value: Value) -> Value:
    if isinstance(value, Constant):
        return Constant(int(value.value))
    return write.cast(value, UINT64 if plain(value.kind) == UINT64 else INT64)


@_means(float)
def _float(write: Arrays, value: Value) -> Value:
    return Constant(float(value.value)) if isinstance(value, Constant) else write.cast(value, FLOAT64)


@_means(bool)
def _bool(write: Arrays, value: Value) -> Value:
    return Scalar(BOOL, write.truth(value), True)


@_means(select)
def _select(write: Arrays, condition: Value, a: Value, b: Value) -> Value:
    return write.select(write.truth(condition), a, b)


@_means(math.isnan, np.isnan)
def _isnan(write: Arrays, value: Value) -> Value:
    return write.compare("!=", value, value) if _is_float(value) else Constant(False)


@_means(np.isfinite, math.isfinite)
def _isfinite(write: Arrays, value: Value) -> Value:
    return write.compare("==", write.arithmetic("-", value, value), Constant(0)) if _is_float(value) else Constant(True)


@_means(np.isinf, math.isinf)
def _isinf(write: Arrays, value: Value) -> Value:
    return write.compare("==", _abs(write, value), Constant(math.inf)) if _is_float(value) else Constant(False)


@_means(np.where)
def _where(write: Arrays, condition: Value, a: Value, b: Value) -> Value:
    return write.select(write.truth(condition), a, b)


def _bounding(sign: str) -> Function:
    """One of two numbers, or NaN if one is."""

    def write_it(write: Arrays, a: Value, b: Value) -> Value:
        chosen = write.select(write.truth(write.compare(sign, a, b)), a, b)
        return write.select(write.truth(write.compare("!=", a, a)), a, chosen) if _is_float(a) else chosen

    return write_it


_means(np.maximum)(_bounding(">"))
_means(np.minimum)(_bounding("<"))


@_means(np.sign)
def _sign(write: Arrays, value: Value) -> Value:
    kind = _floating(write, value).kind if _is_float(value) else _whole_number(value)
    one, zero = (write.cast(Constant(n), kind) for n in (1, 0))
    found = write.select(write.truth(write.compare("<", value, zero)), write.negative(one), zero)
    found = write.select(write.truth(write.compare(">", value, zero)), one, found)
    return write.select(write.truth(_isnan(write, value)), value, found) if _is_float(value) else found


@_means(np.square)
def _square(write: Arrays, value: Value) -> Value:
    found = write.arithmetic("*", value, value)
    return found if _is_float(value) else write.cast(found, _whole_number(value))


@_means(math.copysign, np.copysign)
def _copysign(write: Arrays, a: Value, b: Value) -> Value:
    kind = FLOAT32 if FLOAT32 == a.kind == b.kind else FLOAT64
    return Scalar(kind, write.intrinsic("llvm.copysign", write.bits(a, kind), write.bits(b, kind)))


@_means(np.fmod)
def _fmod(write: Arrays, a: Value, b: Value) -> Value:
    if not _is_float(a) and not _is_float(b):
        return _truncated_remainder(write, write.cast(a, _whole_number(a)), write.cast(b, _whole_number(b)))
    kind = FLOAT32 if FLOAT32 == a.kind == b.kind else FLOAT64
    return Scalar(kind, write.builder.frem(write.bits(a, kind), write.bits(b, kind), flags=write.flags))


def _truncated_remainder(write: Arrays, a: Scalar, b: Scalar) -> Value:
    """Of integers, with the sign of the first; 0 where the second is."""
    rest, zero = write.arithmetic("%", a, b), Constant(0)
    apart = write.compare("!=", write.compare("<", a, zero), write.compare("<", b, zero))
    other = write.arithmetic("&", write.compare("!=", rest, zero), apart)
    return write.select(write.truth(other), write.arithmetic("-", rest, b), rest)


def _instruction(name: str, positive: bool = False) -> Function:
    def write_it(write: Arrays, value: Value) -> Value:
        x = _floating(write, value)
        return Scalar(x.kind, write.intrinsic(f"llvm.{name}", x.ir), positive)

    return write_it


_means(math.fabs, np.fabs)(_instruction("fabs", positive=True))
for _name in ("sqrt", "floor", "ceil", "trunc", "rint", "log"):
    _means(getattr(np, _name))(_instruction(_name))
_means(math.sqrt)(_instruction("sqrt"))
_means(math.log)(_instruction("log"))


@_means(math.floor)
def _whole(write: Arrays, value: Value) -> Value:
    if not _is_float(value):
        return value
    return write.cast(FUNCTIONS[np.floor](write, value), INT64)


def _foreign(name: str) -> Function:
    """A function of the C library."""

    def write_it(write: Arrays, value: Value) -> Value:
        x = _floating(write, value)
        return Scalar(x.kind, write.foreign(name + "f" * (x.kind == FLOAT32), x.kind.ir, [x.ir]))

    return write_it


for _name in ("exp", "expm1", "log1p", "sin", "cos", "tan", "tanh", "sinh", "cosh", "erf", "erfc", "lgamma"):
    _means(getattr(math, _name), *([getattr(np, _name)] if hasattr(np, _name) else []))(_foreign(_name))


def _lengths(shape: Value) -> list[Value]:
    return shape.items if isinstance(shape, Items) else [shape]


def _number_type(dtype: Value | None) -> Number:
    if dtype is None:
        return FLOAT64
    if not isinstance(dtype, NumberType):
        raise Unsupported("a dtype that is not known")
    return dtype.number


@_means(np.empty)
def _empty(write: Arrays, shape: Value, dtype: Value | None = None) -> Value:
    return write.new(_lengths(shape), _number_type(dtype), None)


@_means(np.zeros)
def _zeros(write: Arrays, shape: Value, dtype: Value | None = None) -> Value:
    return write.new(_lengths(shape), _number_type(dtype), Constant(0))


@_means(np.full)
def _full(write: Arrays, shape: Value, value: Value, dtype: Value | None = None) -> Value:
    kind = plain(value.kind)
    return write.new(_lengths(shape), kind if dtype is None else _number_type(dtype), value)  # type: ignore[arg-type]


# --- attributes and methods


def attribute(write: Arrays, value: Value, name: str) -> Value:
    """``value.name``, of an array, or of a type of numbers."""
    if isinstance(value, View):
        if name in ("shape", "strides"):
            words = getattr(value, name)
            return Items([Scalar(INT64, n, name == "shape") for n in words])
        if name == "size":
            return Scalar(INT64, write.size(value), True)
        if name == "dtype":
            return NumberType(value.kind.number)
        if name in ("itemsize", "ndim"):
            return Constant(value.kind.number.size if name == "itemsize" else value.kind.ndim)
    if isinstance(value, NumberType):
        if name == "itemsize":
            return Constant(value.number.size)
        if name == "type":
            return value
    raise Unsupported(f"the attribute {name}")


def method(write: Arrays, value: Value, name: str, args: list[Value]) -> Value:
    """``value.name(*args)``, of an array, or of a number."""
    if name == "view" and len(args) == 1:
        number = _number_type(args[0])
        if isinstance(value, View):
            return write.reinterpreted(value, number)
        kind = plain(value.kind)
        if not isinstance(kind, Number) or kind.size != number.size:
            raise Unsupported("view of a number as one of another size")
        bits = write.bits(value, kind)
        return Scalar(number, write.builder.bitcast(bits, number.ir) if bits.type != number.ir else bits,
                      number.family == "u")  # fmt: skip
    if isinstance(value, View):
        if name == "reshape":
            return write.reshape(value, _lengths(args[0]) if len(args) == 1 else args)
        if name == "ravel" and not args:
            return write.reshape(value, [Constant(-1)])
    raise Unsupported(f"the method {name}")


# --- memory, and work that is claimed


def bare_array(write: Arrays, array: Value) -> Value:
    """An array itself: nothing is counted here."""
    if not isinstance(array, View) or array.kind.layout != "C":
        raise Unsupported("bare of an array that may have gaps")
    return array


def claimed(write: Arrays, cursor: Value) -> Value:
    """The next piece of work, for one thread."""
    return Scalar(INT64, write.builder.atomic_rmw("add", cursor.data, word(1), "seq_cst"), True)


def word_at(write: Arrays, address: Value) -> Value:
    """The word at an address."""
    return Scalar(INT64, write.builder.load(write.builder.inttoptr(write.intp(address), ir.PointerType(WORD))))


def viewed(write: Arrays, address: Value, shape: Value, dtype: Value) -> Value:
    """The array in C order that starts at an address."""
    number = _number_type(dtype)
    data = write.pointer(write.intp(address), number)
    return write.contiguous(number, data, [write.intp(n) for n in _lengths(shape)])


def called(write: Arrays, function: Any, args: list[Value]) -> Value:
    """A call of one of Python's functions, or of a type of numbers."""
    if isinstance(function, type) and issubclass(function, np.generic):
        return typed(write, number_of(function), args)
    try:
        found = FUNCTIONS.get(function)
    except TypeError:
        found = None
    if found is None or not _takes(found, len(args)):
        raise Unsupported(f"the function {getattr(function, '__name__', function)} of {len(args)} values")
    return found(write, *args)


def typed(write: Arrays, number: Number, args: list[Value]) -> Value:
    """``np.float32(x)``."""
    if len(args) != 1:
        raise Unsupported("a type of numbers called with several")
    return write.cast(args[0], number)


def _takes(function: Function, count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    code = function.__code__
    least = code.co_argcount - len(function.__defaults__ or ()) - 1  # besides the writer
    return least <= count and (count < code.co_argcount or bool(code.co_flags & inspect.CO_VARARGS))
