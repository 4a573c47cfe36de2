"""Pickles read as data: a stack machine for the operations of pickles that knows a closed list of names.

Nothing is imported and nothing that a file names is called: a name stands for an entry of a table here, and whatever
is not in it is refused by name. `torch_files` says what the names of PyTorch's tensors mean.
"""

from __future__ import annotations

import pickle
import pickletools
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import IO, Any, NamedTuple

import numpy as np


class UnpicklingError(ValueError, pickle.UnpicklingError):
    """A file cannot be read as what it is to be; caught as Python's error of this name, too."""


class Name(NamedTuple):
    """A name that a pickle asks for, which is nothing but a name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class _Array:
    """An array before its content comes."""

    def __init__(self) -> None:
        self.memo: list[int] = []


Builder = Callable[..., Any]
_ONLY = (
    "only tensors and plain containers are read; with weights_only=False classes are, too, and whatever the file asks "
    "for is executed: do that where you trust whoever wrote it"
)

_PUSHED = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set, "EMPTY_TUPLE": tuple}
_MARKED: dict[str, Callable[[list[Any]], Any]] = {
    "LIST": list, "TUPLE": tuple, "FROZENSET": frozenset, "DICT": lambda items: dict(zip(items[::2], items[1::2])),
}  # fmt: skip
_SIZED = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_FACTORIES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set)}


def _one_of(kinds: type | tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, kinds):
        raise ValueError(f"a {type(value).__name__} stands where it cannot")
    return value


def _defaultdict(factory: Any = None, items: Any = ()) -> Any:
    made = None if factory is None else _FACTORIES[_one_of(Name, factory).name]
    return defaultdict(made, _one_of((list, tuple, dict), items))


def _encode(text: str, coding: str = "utf-8") -> bytes:
    """How protocol 2 writes bytes."""
    return _one_of(str, text).encode({"latin1": "latin1", "latin-1": "latin1"}.get(coding, "utf-8"))


def _bytearray(content: Any = b"", coding: str = "latin1") -> bytearray:
    return bytearray(_encode(content, coding) if isinstance(content, str) else _one_of(bytes, content))


def _dtype(text: Any, *_: Any) -> np.dtype[Any]:
    found = np.dtype(_one_of(str, text))
    if found.kind not in "biufcSU":
        raise ValueError(f"arrays of dtype {found} are not read")
    return found


def _scalar(dtype: Any, content: Any) -> Any:
    coded = _one_of((bytes, str), content)
    return np.frombuffer(coded if isinstance(coded, bytes) else coded.encode("latin1"), _one_of(np.dtype, dtype))[0]


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> Any:
    """How protocol 5 writes arrays."""
    return _filled(None, shape, dtype, order == "F", bytes(_one_of((bytes, bytearray), content)))


_ARRAYS: dict[str, Builder] = {
    "multiarray.scalar": _scalar, "multiarray._reconstruct": lambda *_: _Array(), "numeric._frombuffer": _from_buffer,
}  # fmt: skip
_BUILTINS: dict[str, Builder] = {
    "set": lambda items=(): set(_one_of(list, items)),
    "frozenset": lambda items=(): frozenset(_one_of(list, items)),
    "complex": lambda real=0.0, imag=0.0: complex(_one_of((int, float), real), _one_of((int, float), imag)),
    "bytearray": _bytearray,
    "range": lambda *ends: range(*(_one_of(int, end) for end in ends)),
    "slice": slice,
}
_BUILTINS["xrange"] = _BUILTINS["range"]  # its name in the protocols of Python 2
PLAIN: dict[Name, Builder] = {
    Name("collections", "OrderedDict"): lambda items=(): OrderedDict(_one_of((list, tuple, dict), items)),
    Name("collections", "Counter"): lambda items=(): Counter(dict(_one_of((tuple, dict), items))),
    Name("collections", "defaultdict"): _defaultdict,
    Name("collections", "deque"): lambda items=(), most=None: deque(_one_of((list, tuple), items), most),
    Name("_codecs", "encode"): _encode,
    Name("numpy", "dtype"): _dtype,
    **{Name(module, name): build for module in ("builtins", "__builtin__") for name, build in _BUILTINS.items()},
    **{Name(*f"{package}.{name}".rsplit(".", 1)): build for package in ("numpy.core", "numpy._core")
       for name, build in _ARRAYS.items()},
}  # fmt: skip
SILENT = {  # names that may stand in a pickle, as arguments of the others
    Name("numpy", "ndarray"),
    *(Name(module, name) for module in ("builtins", "__builtin__") for name in _FACTORIES),
}


class Machine:
    """Reads pickles.

    Parameters
    ----------
    builders : dict of Name to callable
        What to make of the arguments of a name, beside `PLAIN`.
    values : callable
        ``values(name)`` returns what a name by itself stands for, `name` where it is only an argument, and None where
        it is unknown.
    storage : callable
        ``storage(id)`` returns what a persistent id stands for.
    """

    def __init__(
        self, builders: Mapping[Name, Builder], values: Callable[[Name], Any], storage: Callable[[Any], Any]
    ) -> None:
        self._builders, self._values, self._storage = {**PLAIN, **builders}, values, storage

    def read(self, file: IO[bytes]) -> Any:
        """Read one pickle, after which the file stands.

        Raises
        ------
        ValueError
            If it is damaged, or asks for a name that is not known.
        """
        try:
            return self._run(file)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, EOFError) as error:
            raise ValueError(f"the pickle is damaged ({type(error).__name__}: {error})") from None

    def _run(self, file: IO[bytes]) -> Any:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        for operation, argument, _ in pickletools.genops(file):
            name = operation.name
            if name in _PUSHED:
                self._stack.append(argument)
            elif name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name])
            elif name in _EMPTY:
                self._stack.append(_EMPTY[name]())
            elif name in _MARKED:
                items = self._to_mark()
                self._stack.append(_MARKED[name](items))
            elif name in _SIZED:
                size = _SIZED[name]
                self._stack[-size:] = [tuple(self._stack[-size:])]
            elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
                self._put(len(self._memo) if argument is None else argument)
            elif name in ("BINGET", "LONG_BINGET", "GET"):
                self._stack.append(self._memo[argument or 0])
            elif name == "MARK":
                self._marks.append(len(self._stack))
            elif name == "STOP":
                return _finished(self._stack.pop())
            elif name not in ("PROTO", "FRAME"):
                step = getattr(self, f"_{name.lower()}", None)
                if step is None:
                    raise ValueError(f"the pickle holds {name}, which data do not need")
                step(argument)
        raise ValueError("the pickle has no end")

    def _to_mark(self) -> list[Any]:
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _put(self, place: int) -> None:
        top = self._memo[place] = self._stack[-1]
        if isinstance(top, _Array):
            top.memo.append(place)

    def _name(self, name: Name) -> None:
        value = name if name in self._builders or name in SILENT else self._values(name)
        if value is None:
            raise ValueError(f"it asks for {name}, which is refused: {_ONLY}")
        self._stack.append(value)

    def _global(self, argument: str) -> None:
        self._name(Name(*argument.split(" ", 1)))

    def _stack_global(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._name(Name(_one_of(str, module), _one_of(str, name)))

    def _reduce(self, _: Any) -> None:
        arguments, name = self._stack.pop(), self._stack.pop()
        self._stack.append(self._made(name, _one_of(tuple, arguments)))

    _newobj = _reduce

    def _made(self, name: Any, arguments: tuple[Any, ...]) -> Any:
        if _one_of(Name, name) not in self._builders:
            raise ValueError(f"it calls {name}, which is refused")
        return self._builders[name](*arguments)

    def _build(self, _: Any) -> None:
        state, top = self._stack.pop(), self._stack[-1]
        if isinstance(top, _Array):
            self._stack[-1] = found = _filled(*_one_of(tuple, state))
            for place in top.memo:
                self._memo[place] = found
        elif isinstance(top, np.dtype):
            if state[1] == ">":
                raise ValueError("arrays of big-endian numbers are not read")
        elif type(top) is OrderedDict:  # a state dict, with what it tells of the modules; no other attribute is of use
            top._metadata = _one_of((dict, OrderedDict), _one_of(dict, state).get("_metadata", {}))  # type: ignore
        else:
            raise ValueError(f"it sets attributes of a {type(top).__name__}, which is refused")

    def _append(self, _: Any) -> None:
        item = self._stack.pop()
        _one_of((list, deque), self._stack[-1]).append(item)

    def _appends(self, _: Any) -> None:
        items = self._to_mark()
        _one_of((list, deque), self._stack[-1]).extend(items)

    def _additems(self, _: Any) -> None:
        items = self._to_mark()
        _one_of(set, self._stack[-1]).update(items)

    def _setitem(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        _one_of(dict, self._stack[-1])[key] = value

    def _setitems(self, _: Any) -> None:
        items = self._to_mark()
        target = _one_of(dict, self._stack[-1])
        for key, value in zip(items[::2], items[1::2]):
            target[key] = value

    def _pop(self, _: Any) -> None:
        self._stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._to_mark()

    def _dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _binpersid(self, _: Any) -> None:
        self._stack.append(self._storage(self._stack.pop()))


def _filled(_: Any, shape: Any, dtype: Any, fortran: Any, content: Any) -> Any:
    """The array of the state that NumPy pickles."""
    raw = content.encode("latin1") if isinstance(content, str) else _one_of(bytes, content)
    flat = np.frombuffer(raw, _one_of(np.dtype, dtype)).copy()
    return flat.reshape(_one_of(tuple, shape), order="F" if fortran else "C")


def _finished(value: Any) -> Any:
    """The value, in which no name is left."""
    seen: set[int] = set()
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, (Name, _Array)):
            raise ValueError(f"it holds {each}, which is refused: {_ONLY}")
        if isinstance(each, (list, tuple, dict, set, frozenset, deque)) and id(each) not in seen:
            seen.add(id(each))
            left += [*each.keys(), *each.values()] if isinstance(each, dict) else each
    return value
