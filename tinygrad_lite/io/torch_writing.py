"""Files that ``torch.load`` reads, written without PyTorch: its zip format, with a pickle of protocol 2 in it."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import zipfile
from bisect import bisect_right
from collections.abc import Callable
from types import FunctionType
from typing import IO, Any, ClassVar

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..dtypes import dtype
from ..rules import unwrap
from .pickled import Name
from .saved_values import Array, is_tensor
from .torch_files import DTYPES, STORAGES

_LIBRARY = __package__.partition(".")[0]
_STORAGE_OF = {np.dtype(DTYPES[dtype]): name for name, dtype in STORAGES.items() if dtype and dtype != "bfloat16"}
_PUBLIC = (  # where PyTorch has the classes and functions that this library has under its own files
    "", ".nn", ".nn.functional", ".optim", ".optim.lr_scheduler", ".optim.swa_utils", ".nn.utils.rnn", ".utils.data",
    ".distributions",
)  # fmt: skip
_ALIGNMENT = 64  # bytes: where PyTorch has a storage begin, so that mapped files need no copy
_HEADER = 30  # bytes of an entry's header in a zip file, before its name


def zip_writer(value: Any) -> Callable[[IO[bytes]], None]:
    """Prepare a value to be written, as ``torch.save`` would write it.

    Parameters
    ----------
    value : object
        Whatever Python can pickle. Tensors whose memory overlaps share a storage.

    Returns
    -------
    callable
        Writes it to a binary file.

    Raises
    ------
    pickle.PicklingError, AttributeError, TypeError
        For what cannot be pickled.
    """
    found = _Storages()
    _Pickler(io.BytesIO(), found).dump(value)  # to learn which tensors there are, and share memory
    found.settle()
    pickled = io.BytesIO()
    _Pickler(pickled, found).dump(value)

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _put(archive, "data.pkl", pickled.getvalue())
            _put(archive, "byteorder", b"little")
            for number, array in enumerate(found.contents()):
                _put(archive, f"data/{number}", array.view(np.uint8).data)
            _put(archive, "version", b"3\n")

    return write


def _put(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    entry, large = zipfile.ZipInfo(f"archive/{name}"), len(content) >= 2**31
    start = archive.start_dir + _HEADER + len(entry.filename) + 4 + 20 * large  # 20: the sizes of a large entry
    filling = -start % _ALIGNMENT
    entry.extra = b"FB" + struct.pack("<H", filling) + b"Z" * filling
    with archive.open(entry, "w", force_zip64=large) as file:
        file.write(content)


class _Storages:
    """The memory of the tensors of one file: those of a dtype that overlap are parts of one storage."""

    def __init__(self) -> None:
        self._given: list[Array] = []  # alive, or another might get the address of one that is known
        self._plains: dict[tuple[Any, ...], Array] = {}
        self._spans: dict[np.dtype[Any], list[tuple[int, int]]] = {}
        self._numbers: dict[tuple[np.dtype[Any], tuple[int, int]], int] = {}
        self._flat: list[Array] = []

    def place(self, array: Array) -> tuple[int, int, int, tuple[int, ...]]:
        """The storage's number and its elements, and the array's offset and strides in it."""
        array = self._plain(array)
        first, end = byte_bounds(array) if array.size else (0, 0)
        span = self._span(array.dtype, first, end)
        number = self._numbers.get((array.dtype, span))
        if number is None:
            number = self._numbers[array.dtype, span] = len(self._flat)
            self._flat.append(_elements(array, *span))
        steps = tuple(stride // array.itemsize for stride in array.strides)
        return number, self._flat[number].size, (first - span[0]) // array.itemsize, steps

    def _plain(self, array: Array) -> Array:
        """The array, or a copy: of what has an order of bytes or of memory that PyTorch's storages have not."""
        start, size = array.__array_interface__["data"][0], array.itemsize
        known = start, array.strides, array.shape, array.dtype
        if known not in self._plains:
            self._given.append(array)
            kind = array.dtype.newbyteorder("<")
            odd = start % size or any(stride < 0 or stride % size for stride in array.strides)
            self._plains[known] = np.array(array, kind, order="C") if odd or kind != array.dtype else array
        return self._plains[known]

    def _span(self, kind: np.dtype[Any], first: int, end: int) -> tuple[int, int]:
        """The addresses of the storage in which an array lies."""
        spans = self._spans.setdefault(kind, [])
        at = bisect_right(spans, (first, sys.maxsize))
        if at and end <= spans[at - 1][1]:
            return spans[at - 1]
        spans.insert(at, (first, end))
        return first, end

    def settle(self) -> None:
        """Join the spans that overlap, and begin to number storages anew."""
        for kind, spans in self._spans.items():
            joined: list[tuple[int, int]] = []
            for first, end in spans:
                if joined and first < joined[-1][1]:
                    joined[-1] = joined[-1][0], max(end, joined[-1][1])
                else:
                    joined.append((first, end))
            self._spans[kind] = joined
        self._numbers.clear()
        self._flat.clear()

    def contents(self) -> list[Array]:
        """All storages' elements, in the order of their numbers."""
        return self._flat


class _Memory:
    """Numbers at an address, for `numpy.asarray`; it keeps whose they are."""

    def __init__(self, owner: Array, address: int, count: int) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3, "data": (address, False), "shape": (count,), "typestr": owner.dtype.str,
        }  # fmt: skip


def _elements(owner: Array, first: int, end: int) -> Array:
    """The numbers between two addresses, near an array of such numbers."""
    return np.asarray(_Memory(owner, first, (end - first) // owner.itemsize)) if end > first else owner.reshape(0)


class _Function(Name):
    """A name of PyTorch's that a pickle calls; here it is nothing but a name."""

    __slots__ = ()

    def __call__(self, *args: Any) -> Any:
        """An error: nothing of PyTorch's is called here."""
        raise TypeError(f"{self} is a name in a file")


class _Made(tuple[Any, ...]):
    """A call, and its arguments."""

    __slots__ = ()

    def __new__(cls, function: Any, arguments: tuple[Any, ...]) -> _Made:
        return tuple.__new__(cls, (function, arguments))


def _Empty(function: Any) -> _Made:
    """A call without arguments."""
    return _Made(function, ())


class _Storage(tuple[Any, ...]):
    """What stands for a storage in a pickle."""

    __slots__ = ()


_TENSOR = _Function("torch._utils", "_rebuild_tensor_v2")
_PARAMETER = _Function("torch._utils", "_rebuild_parameter")
_MARKED_PARAMETER = _Function("torch._utils", "_rebuild_parameter_with_state")
_TYPED = _Function("torch._tensor", "_rebuild_from_type_v2")
_ORDERED = _Function("collections", "OrderedDict")
_PLAIN = (Name("torch", "Tensor"), Name("torch.nn", "Buffer"))
_CALLED = {"Size": _Function("torch", "Size"), "device": _Function("torch", "device")}


class _Pickler(pickle._Pickler):
    """Python's pickler, to which this library's own objects have PyTorch's names."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def __init__(self, file: IO[bytes], storages: _Storages) -> None:
        super().__init__(file, 2)
        self._storages = storages

    def persistent_id(self, pid: Any) -> Any:
        """What stands for a storage, and None for everything else."""
        return tuple(pid) if type(pid) is _Storage else None

    def reducer_override(self, obj: Any) -> Any:
        """How this library's own objects are written; everything else is written as Python does."""
        if isinstance(obj, dtype):
            return str(obj)
        if type(obj).__name__ in _CALLED and type(obj).__module__.startswith(f"{_LIBRARY}.tensors."):
            return _CALLED[type(obj).__name__], (tuple(obj),) if isinstance(obj, tuple) else (str(obj),)
        return self._tensor(obj) if is_tensor(obj) else NotImplemented

    def _tensor(self, value: Any) -> Any:
        size, kind = tuple(value.shape), type(value)  # asked of the Tensor: a lazy parameter says that it has none
        array = unwrap(value)
        if not value.is_leaf:
            value = value.detach().requires_grad_()
        if array.dtype.newbyteorder("<") not in _STORAGE_OF:
            raise TypeError(f"PyTorch's files have no storage of dtype {array.dtype}")
        number, count, offset, steps = self._storages.place(array)
        name = Name("torch", _STORAGE_OF[array.dtype.newbyteorder("<")])
        storage = _Storage(("storage", name, str(number), "cpu", count))
        public = public_name(kind)
        trained = value.requires_grad and public.name != "Parameter"
        whole = storage, offset, size, steps, trained, _Empty(_ORDERED)
        own = {key: item for key, item in getattr(value, "__dict__", {}).items() if public.name != "Buffer"}
        if public == Name("torch.nn", "Parameter"):
            arguments = _Made(_TENSOR, whole), value.requires_grad, _Empty(_ORDERED)
            return (_MARKED_PARAMETER, (*arguments, own)) if own else (_PARAMETER, arguments)
        if public in _PLAIN and not own:
            return _TENSOR, whole
        return _TYPED, (_TENSOR, public if public in _PLAIN else kind, whole, own)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """A class, a function or another object that is found by its name."""
        public = Name("torch", name or "") if isinstance(obj, dtype) else public_name(obj)
        if public.module == getattr(obj, "__module__", None):
            super().save_global(obj, name)  # type: ignore[misc]
        else:
            self.save_name(public)
            self.memoize(obj)  # type: ignore[attr-defined]

    def save_name(self, obj: Name) -> None:
        """A name of PyTorch's."""
        self.write(f"c{obj.module}\n{obj.name}\n".encode())  # type: ignore[attr-defined]

    def save_made(self, obj: _Made) -> None:
        """What a call makes that has no place of its own."""
        self.save_reduce(*obj)  # type: ignore[attr-defined]

    dispatch[FunctionType] = save_global
    dispatch[_Made] = save_made
    dispatch[Name] = dispatch[_Function] = save_name


def public_name(obj: Any) -> Name:
    """Where an object is found by its name: in PyTorch, for one that this library has under a name of PyTorch's."""
    module, name = getattr(obj, "__module__", None) or "", getattr(obj, "__qualname__", "")
    if module.partition(".")[0] in (_LIBRARY, "torch"):  # in PyTorch's place, tensors say that they are PyTorch's
        for place in _PUBLIC if isinstance(obj, type) else (".nn.functional", *_PUBLIC):
            there = sys.modules.get(_LIBRARY + place)
            if there is not None and vars(there).get(name) is obj:
                return Name(f"torch{place}", name)
    return Name(module, name)
