"""`Number`, `Array`, `Tuple`, `DType`: the types of values in kernels, and how two of them become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir


class Unsupported(TypeError):
    """A kernel uses what this compiler does not know: numba may."""


class Signature(NamedTuple):
    """The types of a function's result and arguments."""

    return_type: Any
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Number:
    """A number's type.

    Parameters
    ----------
    name : str
        NumPy's.
    family : str
        "b" for truth values, "i" and "u" for integers, "f" for floats, "c" for complex numbers.
    size : int
        Bytes in memory.
    """

    name: str
    family: str
    size: int

    @property
    def ir(self) -> Any:
        """LLVM's type."""
        if self.name not in _IR:
            raise Unsupported(f"numbers of {self.name}")
        return _IR[self.name]

    @property
    def stored(self) -> Any:
        """LLVM's type of what lies in memory."""
        return ir.IntType(8) if self.family == "b" else self.ir

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type."""
        return np.dtype(self.name)

    @property
    def literal_value(self) -> int:
        """What an intrinsic asks of a number that it must know: this one it does not."""
        raise Unsupported("a number that is not known when the kernel is compiled")

    def __call__(self, *args: Any) -> Signature:
        """The signature of a function that returns one."""
        return Signature(self, args)


BOOL = Number("bool", "b", 1)
INT8, INT16, INT32, INT64 = (Number(f"int{8 * size}", "i", size) for size in (1, 2, 4, 8))
UINT8, UINT16, UINT32, UINT64 = (Number(f"uint{8 * size}", "u", size) for size in (1, 2, 4, 8))
FLOAT32, FLOAT64 = Number("float32", "f", 4), Number("float64", "f", 8)
COMPLEX = Number("complex64", "c", 8), Number("complex128", "c", 16)  # which numba alone computes with
NUMBERS = (BOOL, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT32, FLOAT64, *COMPLEX)

_IR = {n.name: ir.IntType(1 if n.family == "b" else 8 * n.size) for n in NUMBERS[:-4]}
_IR |= {"float32": ir.FloatType(), "float64": ir.DoubleType()}
_BY_DTYPE = {n.dtype: n for n in NUMBERS}


@dataclass(frozen=True)
class Array:
    """An array's type.

    Parameters
    ----------
    number : Number
    ndim : int
    layout : str
        "C" for C order; "I" where the elements of the last dimension lie side by side; "A" for any.
    writable : bool
    aligned : bool
        Its elements lie where the processor's own instructions want them.
    """

    number: Number
    ndim: int
    layout: str
    writable: bool = True
    aligned: bool = True


@dataclass(frozen=True)
class Tuple:
    """A tuple's type."""

    items: tuple[Kind, ...]


@dataclass(frozen=True)
class DType:
    """The type of a type of numbers: only which it is, which is known when a kernel is compiled."""

    number: Number

    @property
    def dtype(self) -> Number:
        """Which it is."""
        return self.number


@dataclass(frozen=True)
class Literal:
    """The type of a number that is known when a kernel is compiled."""

    value: int | float

    @property
    def literal_value(self) -> int | float:
        """The number."""
        return self.value


@dataclass(frozen=True)
class Nothing:
    """The type of None."""

    def __call__(self, *args: Any) -> Signature:
        """The signature of a function that returns nothing."""
        return Signature(self, args)


NONE = Nothing()
Kind = Number | Array | Tuple | DType | Literal | Nothing


def number_of(dtype: Any) -> Number:
    """The type of numbers that NumPy calls so."""
    found = _BY_DTYPE.get(np.dtype(dtype))
    if found is None:
        raise Unsupported(f"numbers of {np.dtype(dtype)}")
    return found


def kind_of(value: Any) -> Kind:
    """The type of a kernel's argument."""
    if isinstance(value, np.ndarray):
        if not value.dtype.isnative:
            raise Unsupported("an array of another byte order")
        flags, layout = value.flags, "C" if value.flags.c_contiguous else "A"
        return Array(number_of(value.dtype), value.ndim, layout, flags.writeable, flags.aligned)
    if value is None:
        return NONE
    if isinstance(value, np.generic):
        if value.dtype.kind == "c":
            raise Unsupported("a complex number")
        return number_of(value.dtype)
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        raise Unsupported("an integer of more than 64 bits")
    found = {bool: BOOL, int: INT64, float: FLOAT64}.get(type(value))
    if found is None:
        raise Unsupported(f"an argument of {type(value).__name__}")
    return found


def unify(a: Kind, b: Kind) -> Kind:
    """The type of what is of one type here and of another there."""
    if a == b:
        return a
    a, b = (plain(k) for k in (a, b))
    if isinstance(a, Number) and isinstance(b, Number):
        return wider(a, b)
    if isinstance(a, Array) and isinstance(b, Array) and (a.number, a.ndim) == (b.number, b.ndim):
        layout = max(a.layout, b.layout, key="CIA".index)
        return Array(a.number, a.ndim, layout, a.writable and b.writable, a.aligned and b.aligned)
    if isinstance(a, Tuple) and isinstance(b, Tuple) and len(a.items) == len(b.items):
        return Tuple(tuple(map(unify, a.items, b.items)))
    raise Unsupported(f"a value that is {a} here and {b} there")


def plain(kind: Kind) -> Kind:
    """The type of a value that may change."""
    if isinstance(kind, Literal):
        if isinstance(kind.value, bool):
            return BOOL
        if isinstance(kind.value, float):
            return FLOAT64
        if not -(1 << 63) <= kind.value < 1 << 64:
            raise Unsupported("an integer of more than 64 bits")
        return INT64 if kind.value < 1 << 63 else UINT64
    return kind


def wider(a: Number, b: Number) -> Number:
    """The type that two numbers have together, as it is in numba: integers and singles are doubles."""
    if a == b:
        return a
    families = {a.family, b.family}
    if "f" in families:
        if families == {"f"}:
            return FLOAT64
        one = a if a.family == "f" else b
        other = b if a.family == "f" else a
        return one if other.family == "b" or (other.size < 4 and one == FLOAT32) else FLOAT64
    if families == {"i", "u"}:
        signed, unsigned = (a, b) if a.family == "i" else (b, a)
        if unsigned.size < signed.size:
            return signed
        raise Unsupported("signed and unsigned integers of one width")
    return max(a, b, key=lambda n: (n.family != "b", n.size))


def computed(a: Number, b: Number) -> Number:
    """The type in which two numbers are computed with: integers in 64 bits."""
    both = wider(a, b)
    if both.family in "bi":
        return INT64
    return UINT64 if both.family == "u" else both
