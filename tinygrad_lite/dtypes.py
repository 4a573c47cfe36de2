"""Element types: one object for each, equal to NumPy's and with PyTorch's questions; and the default."""

from __future__ import annotations

import builtins
from typing import Any, TypeAlias

import numpy as np

from .engine.errors import DtypeError

__all__ = [
    "bfloat16", "bool", "cdouble", "cfloat", "complex64", "complex128", "double", "dtype", "float",
    "float16", "float32", "float64", "get_default_dtype", "half", "int", "int8", "int16", "int32", "int64", "long",
    "set_default_dtype", "short", "uint8", "uint16", "uint32", "uint64",
]  # fmt: skip


class dtype:
    """An element type: equal to NumPy's, taken by NumPy wherever it takes a dtype, with PyTorch's questions answered.

    There is one object for each, so that ``x.dtype is tg.float32`` may be asked.

    Parameters
    ----------
    name : dtype, str or type
        Of NumPy's booleans, integers, floats and complex numbers.

    Attributes
    ----------
    dtype : np.dtype
        NumPy's.
    is_floating_point, is_complex, is_signed : bool
    itemsize : int
        Bytes.

    Examples
    --------
    >>> import numpy as np, tinygrad_lite as tg
    >>> x = tg.zeros(2)
    >>> x.dtype, x.dtype == np.float32, x.dtype.is_floating_point
    (tinygrad_lite.float32, True, True)
    >>> np.zeros(1, dtype=x.dtype).dtype
    dtype('float32')
    """

    dtype: np.dtype[Any]
    is_floating_point: builtins.bool
    is_complex: builtins.bool
    is_signed: builtins.bool

    def __new__(cls, name: Any) -> _Dtype:
        return of(as_dtype(name))

    def to_real(self) -> _Dtype:
        """The dtype of the parts of complex numbers; others are their own."""
        return of(np.dtype(f"f{self.itemsize // 2}")) if self.is_complex else self

    def to_complex(self) -> _Dtype:
        """The dtype of complex numbers that have such parts."""
        return self if self.is_complex else of(np.result_type(self.dtype, np.complex64))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"dtype has no attribute {name!r}")
        return getattr(self.dtype, name)

    def __eq__(self, other: object) -> Any:
        if isinstance(other, dtype) or other is None:  # None is NumPy's float64
            return self is other
        try:
            return self.dtype == other
        except TypeError:
            return NotImplemented

    def __hash__(self) -> builtins.int:
        return hash(self.dtype)

    def __reduce__(self) -> Any:
        return dtype, (self.dtype.str,)

    def __str__(self) -> str:
        return str(self.dtype)

    def __repr__(self) -> str:
        return f"tinygrad_lite.{self.dtype}"


_Dtype: TypeAlias = dtype  # in the class, `dtype` is its attribute
_objects: dict[np.dtype[Any], dtype] = {}


def of(numpys: np.dtype[Any]) -> dtype:
    """The object of one of NumPy's dtypes."""
    found = _objects.get(numpys)
    if found is None:
        found = _objects[numpys] = object.__new__(dtype)
        found.dtype = numpys
        found.is_floating_point, found.is_complex = numpys.kind == "f", numpys.kind == "c"
        found.is_signed = numpys.kind in "ifc"
    return found


class _Bfloat16(dtype):
    """The name of a dtype that NumPy has not: scripts may name it, and whatever would make such numbers refuses."""

    is_floating_point, is_complex, is_signed, itemsize = True, False, True, 2

    @property
    def dtype(self) -> Any:  # type: ignore[override]
        """An error that says what to use."""
        raise DtypeError("bfloat16: NumPy has no such numbers; use float32, in which everything is computed here")

    def __eq__(self, other: object) -> Any:
        return self is other

    def __hash__(self) -> builtins.int:
        return id(self)

    def __reduce__(self) -> Any:
        return "bfloat16"

    def __str__(self) -> str:
        return "bfloat16"

    def __repr__(self) -> str:
        return "tinygrad_lite.bfloat16"


bfloat16: dtype = object.__new__(_Bfloat16)


def _named(name: str) -> dtype:
    return of(np.dtype(name))


float16, float32, float64 = _named("float16"), _named("float32"), _named("float64")
int8, int16, int32, int64 = _named("int8"), _named("int16"), _named("int32"), _named("int64")
uint8, uint16, uint32, uint64 = _named("uint8"), _named("uint16"), _named("uint32"), _named("uint64")
bool_, complex64, complex128 = _named("bool"), _named("complex64"), _named("complex128")
float, double, half, cfloat, cdouble = float32, float64, float16, complex64, complex128
long, int, short, bool = int64, int32, int16, bool_

_CANONICAL = {d.str: d.dtype for d in list(_objects.values())}

SCALAR_TYPES = {
    "Float": float32, "Double": float64, "Half": float16, "Byte": uint8, "Char": int8, "Short": int16, "Int": int32,
    "Long": int64, "Bool": bool_, "ComplexFloat": complex64, "ComplexDouble": complex128,
    "UInt16": uint16, "UInt32": uint32, "UInt64": uint64,
}  # fmt: skip
_SCALAR_TYPES = {d.dtype: name for name, d in SCALAR_TYPES.items()}


def scalar_type(of: np.dtype[Any]) -> str:
    """What PyTorch's error messages call a dtype: "Float", "Long"."""
    return _SCALAR_TYPES.get(of, str(of))


_ASKED = (dtype, np.dtype, type)
_asked: dict[Any, np.dtype[Any]] = {}  # what `as_dtype` has answered

_default = [float32]


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats; float32 unless set."""
    return _default[0]


def set_default_dtype(d: Any) -> None:
    """Set the dtype of tensors made from Python floats.

    Parameters
    ----------
    d : floating dtype

    Raises
    ------
    TypeError
        For any other dtype.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.set_default_dtype(tg.float64)
    >>> tg.tensor(1.0).dtype
    tinygrad_lite.float64
    >>> tg.set_default_dtype(tg.float32)
    """
    chosen = as_dtype(d)
    if chosen.kind != "f":
        raise TypeError(f"set_default_dtype: d must be floating point, got {chosen}")
    _default[0] = of(chosen)


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """A dtype from a dtype, a NumPy type, a name or one of Python's types, which NumPy and PyTorch take for 64 bits.

    There is one object for each, whatever was given: fast paths ask ``dtype is float32``. NumPy has others that are
    equal to it, among them all that were pickled, and other orders of bytes.
    """
    known = _asked.get(dtype) if isinstance(dtype, _ASKED) else None
    if known is not None:
        return known
    chosen = np.dtype(dtype)
    if chosen.kind not in "biufc":
        why = getattr(dtype, "reason", None)  # of a name of PyTorch's that is refused
        raise TypeError(f"a tensor's dtype must be of numbers or booleans, got {chosen if why is None else dtype!r}"
                        + (f": {why}" if why else ""))  # fmt: skip
    found = _CANONICAL.get(chosen.newbyteorder("=").str, chosen)
    if isinstance(dtype, _ASKED):
        _asked[dtype] = found
    return found


def canonical(array: Any) -> np.ndarray[Any, Any]:
    """The array with the one object of its dtype, on the same memory unless that has another order of bytes."""
    array = np.asarray(array)
    dtype = array.dtype
    if dtype.isbuiltin == 1 and dtype.str in _CANONICAL and dtype is _CANONICAL[dtype.str]:
        return array
    if dtype.kind not in "biufc":
        return array
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    return array.view(as_dtype(dtype))
