"""Nested values as JSON and a dict of arrays, and back: a closed list of kinds, of which none executes anything.

Numbers, strings and None are JSON's own, lists are lists; every object {kind: content} stands for something else.
"""

from __future__ import annotations

import enum
import math
import pathlib
import sys
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import dtype
from ..rules import unwrap, wrap

_KINDS = {"f": (4, 8, 2), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,), "c": (8, 16)}  # bytes of an element
_FACTORIES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set)}
_MAPPINGS = {kind.__name__: kind for kind in (dict, OrderedDict, Counter)}
_ITERABLES = {kind.__name__: kind for kind in (tuple, set, frozenset, deque)}
_PATHS = {kind.__name__: kind for kind in (pathlib.PurePosixPath, pathlib.PureWindowsPath)}

Array = np.ndarray[Any, Any]


def is_tensor(value: Any) -> bool:
    """Whether a value is a Tensor."""
    return not isinstance(value, np.ndarray) and isinstance(unwrap(value), np.ndarray)


def dotted(path: tuple[Any, ...]) -> str:
    """A path into a nested value, as it is written in messages and files."""
    return ".".join(map(str, path))


def refusal(value: Any, path: tuple[Any, ...]) -> TypeError:
    """The error for what cannot be stored."""
    hint = "; save its state_dict()" if hasattr(value, "state_dict") else ""
    return TypeError(f"save: cannot store the {type(value).__name__} at {dotted(path) or 'the top'}{hint}")


class Encoder:
    """Turns a nested value into JSON's types and a flat dict of arrays, `arrays`."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}

    def encode(self, value: Any, path: tuple[Any, ...]) -> Any:
        """What stands for a value; its arrays are added under names that begin with `path`."""
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is list:
            return self._items(value, path)
        if kind in _MAPPINGS.values():
            return {kind.__name__: self._pairs(value, path)}
        if kind in _ITERABLES.values() and getattr(value, "maxlen", None) is None:
            return {kind.__name__: self._items(value, path)}
        return self._rare(value, kind, path)

    def _items(self, value: Any, path: tuple[Any, ...]) -> list[Any]:
        return [self.encode(item, (*path, i)) for i, item in enumerate(value)]

    def _pairs(self, value: Any, path: tuple[Any, ...]) -> list[Any]:
        return [[self.encode(key, (*path, "key")), self.encode(item, (*path, key))] for key, item in value.items()]

    def _rare(self, value: Any, kind: Any, path: tuple[Any, ...]) -> Any:
        if kind is defaultdict and (value.default_factory is None or value.default_factory in _FACTORIES.values()):
            factory = None if value.default_factory is None else value.default_factory.__name__
            return {"defaultdict": [factory, self._pairs(value, path)]}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {"namedtuple": [kind.__module__, kind.__qualname__, list(value._fields), self._items(value, path)]}
        if isinstance(value, enum.Enum) and isinstance(value, (int, str)):
            return {"enum": [kind.__module__, kind.__qualname__, value.name, value.value]}
        if isinstance(value, tuple) and kind.__name__ == "Size":
            return {"Size": self._items(value, path)}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, dtype):
            return {"tg.dtype": value.name}
        if kind in (bytes, bytearray):
            return {kind.__name__: value.hex()}
        if kind is complex:
            return {"complex": [self.encode(part, path) for part in (value.real, value.imag)]}
        if kind is range:
            return {"range": [value.start, value.stop, value.step]}
        if isinstance(value, pathlib.Path):
            return {"Path": str(value)}
        if kind in _PATHS.values():
            return {kind.__name__: str(value)}
        if kind is np.str_:
            return {"np.str": str(value)}
        return self._array(value, path)

    def _array(self, value: Any, path: tuple[Any, ...]) -> Any:
        array = unwrap(value)
        if is_tensor(value):
            kind, _ = "tensor", value.shape  # asked of the Tensor: a lazy module's parameter says that it has none yet
        elif isinstance(value, np.ndarray) and type(value) is np.ndarray:
            kind = "array"
        elif isinstance(value, np.generic):
            kind, array = "scalar", np.asarray(value)
        else:
            raise refusal(value, path)
        check_dtype(array, path)
        if array.dtype.kind == "c":  # as pairs of real numbers
            kind, array = f"complex {kind}", np.stack([array.real, array.imag], -1)
        return {kind: self._add(array, path)}

    def _add(self, array: Array, path: tuple[Any, ...]) -> str:
        name = first = dotted(path) or "value"
        count = 1
        while name in self.arrays or name == "__metadata__":  # a key with a dot may look like a path
            count += 1
            name = f"{first}#{count}"
        self.arrays[name] = little(array)
        return name


def check_dtype(array: Array, path: tuple[Any, ...]) -> None:
    """Refuse an array of what is no number."""
    if array.dtype.itemsize not in _KINDS.get(array.dtype.kind, ()):
        raise TypeError(f"save: cannot store the dtype {array.dtype} at {dotted(path) or 'the top'}")


def little(array: Array) -> Array:
    """The same numbers in C's order of memory and in that of bytes which files have."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


def decode(node: Any, arrays: dict[str, Array]) -> Any:
    """What `Encoder.encode` has been given.

    A named tuple or an enumeration is of its own class where that is loaded already. Else the tuple is of one like it,
    and the member is its number or string.
    """
    if isinstance(node, list):
        return [decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind in _ITERABLES:
        return _ITERABLES[kind]([decode(item, arrays) for item in content])
    if kind in _MAPPINGS:
        made: Any = _MAPPINGS[kind]()
        for key, value in content:
            made[decode(key, arrays)] = decode(value, arrays)
        return made
    if kind in _DECODED:
        return _DECODED[kind](content, arrays)
    return _decode_array(kind, arrays[content])


def _defaultdict(content: Any, arrays: dict[str, Array]) -> Any:
    factory, pairs = content
    return defaultdict(None if factory is None else _FACTORIES[factory], decode({"dict": pairs}, arrays))


def _namedtuple(content: Any, arrays: dict[str, Array]) -> Any:
    module, name, fields, items = content
    kind: Any = _loaded(module, name, tuple)
    if kind is None or getattr(kind, "_fields", None) != tuple(fields):
        make: Any = namedtuple  # which refuses what is no name
        kind = make(str(name).rpartition(".")[2], fields)
    if len(items) != len(fields):
        raise ValueError(f"{len(items)} values for {len(fields)} fields")
    return tuple.__new__(kind, [decode(item, arrays) for item in items])


def _enum(content: Any, _: Any) -> Any:
    module, name, member, value = content
    kind = _loaded(module, name, enum.Enum)
    found = None if kind is None else kind.__members__.get(member)
    if isinstance(value, (int, str)):
        return value if found is None or found.value != value else found
    raise ValueError(f"a member of an enumeration must be a number or a string, got {value!r}")


def _loaded(module: Any, name: Any, base: type) -> Any:
    """A class of a module that is loaded, or None; nothing is imported, and no code of the module runs."""
    found: Any = sys.modules.get(module)
    for part in str(name).split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return found if isinstance(found, type) and issubclass(found, base) else None


def _complex(content: Any, arrays: dict[str, Array]) -> complex:
    real, imag = [decode(part, arrays) for part in content]
    return complex(real, imag)


def _range(content: Any, _: Any) -> range:
    start, stop, step = content
    return range(start, stop, step)


def _as(kind: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    return lambda content, _: kind(str(content))


_DECODED: dict[str, Callable[[Any, dict[str, Array]], Any]] = {
    "defaultdict": _defaultdict, "namedtuple": _namedtuple, "enum": _enum, "complex": _complex, "range": _range,
    "Size": lambda content, arrays: tuple([decode(item, arrays) for item in content]),
    "float": _as(float), "dtype": _as(np.dtype), "tg.dtype": _as(dtype),
    "np.str": _as(np.str_), "Path": _as(pathlib.Path),
    "bytes": lambda content, _: bytes.fromhex(content),
    "bytearray": lambda content, _: bytearray.fromhex(content),
    **{name: _as(kind) for name, kind in _PATHS.items()},
}  # fmt: skip


def _decode_array(kind: str, array: Array) -> Any:
    whole, kind = kind.startswith("complex "), kind.removeprefix("complex ")
    if whole:
        array = array.view(np.complex64 if array.dtype == np.float32 else np.complex128)[..., 0]
    if kind == "tensor":
        return wrap(array)
    if kind == "array":
        return array
    if kind == "scalar":
        return array[()]
    raise ValueError(f"unknown kind {kind!r}")
