"""A vector or a matrix for other libraries' tables, by Arrow's C data interface: what ``__arrow_c_array__`` returns."""

from __future__ import annotations

import ctypes
import itertools
from typing import Any

import numpy as np

_WORD, _POINTER = ctypes.c_int64, ctypes.c_void_p
_FORMATS = {  # dtype -> Arrow's name
    "bool": b"b", "int8": b"c", "uint8": b"C", "int16": b"s", "uint16": b"S", "int32": b"i", "uint32": b"I",
    "int64": b"l", "uint64": b"L", "float16": b"e", "float32": b"f", "float64": b"g",
}  # fmt: skip


class _Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_char_p), ("flags", _WORD),
        ("n_children", _WORD), ("children", _POINTER), ("dictionary", _POINTER), ("release", _POINTER),
        ("private_data", _POINTER),
    )  # fmt: skip


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", _WORD), ("null_count", _WORD), ("offset", _WORD), ("n_buffers", _WORD), ("n_children", _WORD),
        ("buffers", ctypes.POINTER(_POINTER)), ("children", _POINTER), ("dictionary", _POINTER), ("release", _POINTER),
        ("private_data", _POINTER),
    )  # fmt: skip


_HELD: dict[int, Any] = {}  # by a number of its own: what lives until it is released
_NUMBERS = itertools.count(1)


def _releasing(kind: Any) -> Any:
    """The function that whoever took a structure calls when done; it may have been moved in memory meanwhile."""

    def release(address: int) -> None:
        taken = kind.from_address(address)
        for i in range(taken.n_children):  # those that were not moved away
            child = ctypes.cast(taken.children, ctypes.POINTER(_POINTER))[i]
            if kind.from_address(child).release:
                release(child)
        _HELD.pop(taken.private_data, None)
        taken.release = None

    return ctypes.CFUNCTYPE(None, _POINTER)(release)


_KINDS = {b"arrow_schema": _Schema, b"arrow_array": _Array}
_RELEASE = {name: _releasing(kind) for name, kind in _KINDS.items()}
_STRUCTURES: dict[int, Any] = {}  # by its address: what a capsule points to
_api = ctypes.pythonapi
_new = ctypes.PYFUNCTYPE(ctypes.py_object, _POINTER, ctypes.c_char_p, _POINTER)(("PyCapsule_New", _api))
_name_of = ctypes.PYFUNCTYPE(ctypes.c_char_p, _POINTER)(("PyCapsule_GetName", _api))
_pointer = ctypes.PYFUNCTYPE(_POINTER, _POINTER, ctypes.c_char_p)(("PyCapsule_GetPointer", _api))


def _drop(capsule: int) -> None:
    """What happens to a capsule at its end; what nobody took is released."""
    name = _name_of(capsule)
    address = _pointer(capsule, name)
    structure = _STRUCTURES.pop(address, None)
    if structure is not None and structure.release:
        _RELEASE[name](address)


_DESTRUCTOR = ctypes.PYFUNCTYPE(None, _POINTER)(_drop)


def _own(name: bytes, structure: Any, held: Any) -> Any:
    """A structure that holds what it needs until it is released."""
    number = next(_NUMBERS)
    _HELD[number] = held
    structure.release = ctypes.cast(_RELEASE[name], _POINTER)
    structure.private_data = number
    return structure


def _capsule(name: bytes, structure: Any) -> Any:
    address = ctypes.addressof(structure)
    _STRUCTURES[address] = structure
    return _new(address, name, ctypes.cast(_DESTRUCTOR, _POINTER))


def _vector(array: Any, name: str = "") -> tuple[Any, Any]:
    """The description of a vector, and a copy of it, since Arrow's memory never changes."""
    known = _FORMATS[array.dtype.name], name.encode()
    plain = np.packbits(array, bitorder="little") if array.dtype.kind == "b" else array.copy()
    buffers = (_POINTER * 2)(None, plain.ctypes.data)
    memory = _Array(length=len(array), n_buffers=2, buffers=ctypes.cast(buffers, ctypes.POINTER(_POINTER)))
    schema = _Schema(format=known[0], name=known[1])
    return _own(b"arrow_schema", schema, known), _own(b"arrow_array", memory, (plain, buffers))


def _matrix(array: Any) -> tuple[Any, Any]:
    """A structure of its columns."""
    columns = [_vector(column, f"column_{i}") for i, column in enumerate(array.T)]
    schemas, arrays = (list(parts) for parts in zip(*columns)) if columns else ([], [])
    pointers = [(_POINTER * len(parts))(*map(ctypes.addressof, parts)) for parts in (schemas, arrays)]
    places = [ctypes.cast(p, _POINTER) for p in pointers]
    buffers = (_POINTER * 1)(None)
    memory = _Array(
        length=len(array), n_buffers=1, buffers=ctypes.cast(buffers, ctypes.POINTER(_POINTER)),
        n_children=len(arrays), children=places[1],
    )  # fmt: skip
    schema = _Schema(format=b"+s", name=b"", n_children=len(schemas), children=places[0])
    kept = (schemas, arrays, pointers, buffers)
    return _own(b"arrow_schema", schema, kept), _own(b"arrow_array", memory, kept)


def c_array(array: Any) -> tuple[Any, Any]:
    """The capsules of a description and of a copy, of a vector, or of a matrix as a table of its columns.

    Parameters
    ----------
    array : ndarray, shape (n,) or (n, columns)

    Returns
    -------
    schema, array : capsule

    Raises
    ------
    TypeError
        For other shapes and complex numbers.
    """
    if array.ndim not in (1, 2) or array.dtype.name not in _FORMATS:
        raise TypeError(
            f"__arrow_c_array__: must be a vector or matrix of real numbers, got shape {array.shape} of {array.dtype}"
        )
    schema, memory = _vector(array) if array.ndim == 1 else _matrix(array)
    return _capsule(b"arrow_schema", schema), _capsule(b"arrow_array", memory)
