"""A tensor's whole memory: UntypedStorage, TypedStorage, storage_offset, set_, is_set_to."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from ...dtypes import as_dtype, get_default_dtype, of
from ...dtypes import dtype as DType
from ...engine import views
from ...engine.arguments import whole as whole_number
from ...engine.errors import ArgumentError, DtypeError, InputError
from ...graph import memory, mode
from ...rules import unwrap
from ...tensors.devices import device, only_cpu
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes

METHODS = "data_ptr element_size is_set_to set_ storage storage_offset storage_type untyped_storage"
_S = TypeVar("_S", bound="UntypedStorage")


def whole(array: Any) -> Any:
    """The memory that an array looks at, all of it, as bytes."""
    owner = memory(array)
    if not isinstance(owner, np.ndarray):
        return np.frombuffer(owner, np.uint8)
    flat = owner.ravel("K")
    return flat.view(np.uint8) if np.may_share_memory(flat, owner) or not owner.size else _spanned(array)


def _spanned(array: Any) -> Any:
    """The bytes from an array's first element to its last, of memory that has gaps."""
    low, high = np.lib.array_utils.byte_bounds(array)
    first: Any = np.ndarray((), array.dtype, array, 0, ())
    return np.lib.stride_tricks.as_strided(first.reshape(1).view(np.uint8), (high - low,), (1,))


def _element_size(dtype: Any) -> int:
    """Bytes of one number of a dtype: ``torch._utils._element_size``."""
    return int(as_dtype(dtype).itemsize)


def _made(data: tuple[Any, ...], dtype: Any, who: str) -> Any:
    """The memory of a new storage."""
    given = data[0] if data else 0
    if len(data) > 1 or not (whole_number(given) or isinstance(given, (Sequence, np.ndarray))):
        raise ArgumentError(f"{who}: data must be a number of elements or a sequence of them, got {data!r}")
    return np.empty(int(given), dtype) if whole_number(given) else np.array(given, dtype).reshape(-1)


def _around(cls: Any, elements: Any) -> Any:
    """A storage of memory that is there."""
    made = object.__new__(cls)
    made._elements = elements
    return made


class UntypedStorage:
    """The memory that a tensor and its views share, as bytes.

    Parameters
    ----------
    *data : int or sequence of int, optional
        A number of bytes, of memory as it is found; or bytes, which are copied.
    device : "cpu", optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(3, 2)
    >>> x[1].untyped_storage().nbytes(), x[1].untyped_storage().data_ptr() == x.data_ptr()
    (24, True)
    """

    __slots__ = ("_elements", "__weakref__", "__dict__")

    is_cuda = False
    _elements: Any

    def __init__(self, *data: Any, device: Any = None) -> None:
        only_cpu(device, type(self).__name__)
        self._elements = _made(data, np.dtype(np.uint8), type(self).__name__)

    @classmethod
    def from_file(cls: type[_S], filename: Any, shared: bool = False, nbytes: int = 0) -> _S:
        """The bytes of a file, read when they are looked at; what is written changes the file only if it is shared.

        Parameters
        ----------
        filename : path
        shared : bool
            Whether the file is written to, and made or lengthened where it is too short.
        nbytes : int
            How many bytes, from its beginning.

        Returns
        -------
        UntypedStorage
        """
        mode: Any = "c" if not shared else "r+" if os.path.exists(filename) else "w+"
        bytes_ = np.asarray(np.memmap(filename, np.uint8, mode, shape=nbytes)) if nbytes else np.empty(0, np.uint8)
        made: _S = _around(cls, bytes_)
        return made

    @property
    def device(self) -> device:
        """The CPU."""
        return device("cpu")

    def data_ptr(self) -> int:
        """Address of the first byte; 0 where there is none."""
        return int(self._elements.__array_interface__["data"][0]) if self._elements.size else 0

    def clone(self: _S) -> _S:
        """A copy."""
        return _around(type(self), self._elements.copy())

    __copy__ = clone

    def __deepcopy__(self: _S, memo: Any) -> _S:
        """A copy of the memory, which tensors that are copied with it look at, too."""
        return _around(type(self), views.copy_with_others(self._elements, memo))

    def cpu(self: _S) -> _S:
        """Itself."""
        return self

    def copy_(self: _S, source: UntypedStorage, non_blocking: bool = False) -> _S:
        """Take the elements of another storage, as many as there are."""
        if source.size() != self.size():
            raise InputError(f"copy_: the storages must be of one size, got {self.size()} and {source.size()}")
        self[:] = source._elements
        return self

    def fill_(self: _S, value: Any) -> _S:
        """Set all elements."""
        self[:] = value
        return self

    def byteswap(self, dtype: Any) -> None:
        """Turn the order of the bytes of each number of a dtype, in place."""
        typed(self._elements.view(np.uint8), as_dtype(dtype)).byteswap(inplace=True)

    def nbytes(self) -> int:
        """Number of bytes."""
        return int(self._elements.nbytes)

    def size(self) -> int:
        """Number of elements."""
        return int(self._elements.size)

    def element_size(self) -> int:
        """Bytes of one element."""
        return int(self._elements.itemsize)

    def is_shared(self) -> bool:
        """Whether other processes see it; asked of tensors, with `Tensor.is_shared`."""
        return False

    def tolist(self) -> list[Any]:
        """The elements, as Python numbers."""
        return list(self._elements.tolist())

    def _numbers_of(self, dtype: Any) -> Any:
        """The memory as a tensor of a dtype has it."""
        return typed(self._elements.view(np.uint8), as_dtype(get_default_dtype()) if dtype is None else dtype)

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return _around(UntypedStorage, self._elements.view(np.uint8))

    def __eq__(self, other: object) -> bool:
        """Whether the two are the same memory, seen alike."""
        if not isinstance(other, UntypedStorage):
            return NotImplemented
        mine, others = self._elements, other._elements
        return (self.data_ptr(), mine.dtype, mine.size) == (other.data_ptr(), others.dtype, others.size)

    def __hash__(self) -> int:
        return self.data_ptr()

    def __len__(self) -> int:
        return self.size()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        found = self._elements[index]
        return _around(type(self), found) if isinstance(found, np.ndarray) else found.item()

    def __setitem__(self, index: Any, value: Any) -> None:
        part = slice(index, index + 1 or None) if isinstance(index, int) else index
        views.store(self._elements[part], value, "[]=")


class TypedStorage(UntypedStorage):
    """The memory that a tensor and its views share, as numbers of its dtype.

    Parameters
    ----------
    *data : int or sequence, optional
        A number of elements, of memory as it is found; or numbers, which are copied.
    wrap_storage : UntypedStorage, optional
        Whose memory it is, in place of that.
    dtype : dtype, optional
        Default: the default dtype.
    device : "cpu", optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.ones(2, 2)[1].storage().tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    __slots__ = ()

    def __init__(
        self, *data: Any, wrap_storage: UntypedStorage | None = None, dtype: Any = None, device: Any = None
    ) -> None:
        only_cpu(device, "TypedStorage")
        kind = as_dtype(get_default_dtype() if dtype is None else dtype)
        if wrap_storage is None:
            self._elements = _made(data, kind, "TypedStorage")
        elif data or not isinstance(wrap_storage, UntypedStorage):
            raise ArgumentError(
                f"TypedStorage: wrap_storage must be an UntypedStorage, and alone, got {wrap_storage!r}"
            )
        else:
            self._elements = typed(wrap_storage._elements.view(np.uint8), kind)

    @property
    def dtype(self) -> DType:
        """Of the elements."""
        return of(self._elements.dtype)

    def _numbers_of(self, dtype: Any) -> Any:
        if dtype is not None and dtype != self._elements.dtype:
            raise DtypeError(f"tensor: Expected a Storage of type {of(dtype)}, got one of {self.dtype}")
        return self._elements

    @property
    def _untyped_storage(self) -> UntypedStorage:
        return self.untyped()

    def type(self) -> str:
        """The name of its class, by its dtype."""
        return f"torch.{_dtype_to_storage_type_map()[self.dtype]}"


def _cast(name: str, dtype: Any) -> Any:
    def method(self: TypedStorage) -> TypedStorage:
        return self if self.dtype == dtype else _around(TypedStorage, self._elements.astype(dtype))

    method.__name__, method.__qualname__ = name, f"TypedStorage.{name}"
    method.__doc__ = f"The elements as {np.dtype(dtype)}; itself where they are."
    return method


for _name, _dtype in {
    "double": "f8", "float": "f4", "half": "f2", "long": "i8", "int": "i4", "short": "i2", "char": "i1", "byte": "u1",
    "bool": "?", "complex_double": "c16", "complex_float": "c8",
}.items():  # fmt: skip
    setattr(TypedStorage, _name, _cast(_name, _dtype))


class _StorageType(type):
    """A class of the storages of one dtype, wherever they were made; a call makes one."""

    dtype: Any

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, TypedStorage) and value._elements.dtype == cls.dtype

    def __call__(cls, *data: Any) -> TypedStorage:
        """A number of elements, of memory as it is found; or a sequence, whose numbers are converted."""
        given = data[0] if data else 0
        if isinstance(given, int):
            return TypedStorage(given, dtype=cls.dtype)
        elements = given._elements if isinstance(given, UntypedStorage) else np.asarray(given)
        return _around(TypedStorage, np.array(elements.reshape(-1), cls.dtype))

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


_DOC = """Storages of {dtype}.

Parameters
----------
*data : int, sequence or storage
    A number of elements, of memory as it is found; or numbers, which are converted.

Examples
--------
>>> import tinygrad_lite as tg
>>> made = tg.{name}([1, 0])
>>> len(made), isinstance(made, tg.{name})
(2, True)
"""


def _of(name: str, dtype: str) -> Any:
    doc = _DOC.format(name=name, dtype=np.dtype(dtype))
    made = _StorageType(name, (), {"__doc__": doc, "__module__": __name__})
    made.dtype = np.dtype(dtype)
    return made


FloatStorage, DoubleStorage, HalfStorage = (
    _of("FloatStorage", "f4"),
    _of("DoubleStorage", "f8"),
    _of("HalfStorage", "f2"),
)
ByteStorage, CharStorage, ShortStorage = _of("ByteStorage", "u1"), _of("CharStorage", "i1"), _of("ShortStorage", "i2")
IntStorage, LongStorage, BoolStorage = _of("IntStorage", "i4"), _of("LongStorage", "i8"), _of("BoolStorage", "?")
ComplexFloatStorage, ComplexDoubleStorage = _of("ComplexFloatStorage", "c8"), _of("ComplexDoubleStorage", "c16")


def _dtype_to_storage_type_map() -> dict[DType, str]:
    """The names of the classes of storages by their dtypes."""
    return {of(cls.dtype): name for name, cls in globals().items() if type(cls) is _StorageType}


def is_storage(obj: Any) -> bool:
    """Whether an object is a storage, of bytes or of numbers."""
    return isinstance(obj, UntypedStorage)


def untyped_storage(self: Any) -> UntypedStorage:
    """The memory that it shares with its views, as bytes."""
    return _around(UntypedStorage, whole(self._data))


def storage(self: Any) -> TypedStorage:
    """The memory that it shares with its views, as numbers of its dtype; new programs use `untyped_storage`."""
    return _around(TypedStorage, typed(whole(self._data), self._data.dtype))


def storage_type(self: Any) -> _StorageType:
    """The class of the storages of its dtype."""
    found: _StorageType = globals()[_dtype_to_storage_type_map()[of(self._data.dtype)]]
    return found


def typed(flat: Any, dtype: Any) -> Any:
    """Bytes as numbers, as many as they make."""
    return flat[: flat.size // dtype.itemsize * dtype.itemsize].view(dtype)


def element_size(self: Any) -> int:
    """Bytes of one element."""
    return int(self._data.itemsize)


def data_ptr(self: Any) -> int:
    """Address of the first element; 0 where there is none."""
    return int(self._data.ctypes.data) if self._data.size else 0


def storage_offset(self: Any) -> int:
    """How many elements of its memory lie before the first one."""
    a = unwrap(self)
    owner = memory(a)
    if not isinstance(owner, np.ndarray) or not a.size:
        return 0
    return int((a.__array_interface__["data"][0] - owner.__array_interface__["data"][0]) // a.itemsize)


def set_(self: Any, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Let a tensor look at other memory: a tensor's, or a storage's with a size and strides.

    Parameters
    ----------
    source : Tensor or storage, optional
        Of this tensor's dtype. Default: none, which makes the tensor empty.
    storage_offset : int
        Where the first element lies in the memory, in elements.
    size : sequence of int, optional
        Default: the source's.
    stride : sequence of int, optional
        In elements. Default: row by row.

    Returns
    -------
    Tensor
        This one.

    Raises
    ------
    RuntimeError
        Where it requires grad, but for a leaf under `no_grad`, and for elements that do not lie in the memory.
    TypeError
        For another dtype, and what is neither a Tensor nor a storage.
    """
    node = views.node_of(self)
    if node is not None and (mode.enabled or not views.is_leaf(node)):
        raise RuntimeError("set_: the tensor must not require grad; use detach(), or no_grad() for a leaf")
    data, kind = unwrap(source), self._data.dtype
    if source is None:
        data = np.empty(0, kind)
    elif not isinstance(source, (Tensor, UntypedStorage)):
        raise TypeError(f"set_: source must be a Tensor or a storage, got {type(source).__name__}")
    elif (given := getattr(source, "dtype", kind)) != kind:
        raise DtypeError(
            f"set_: source must have dtype {of(kind)}, got {given} (Expected a Storage of type {of(kind)})"
        )
    elif size is not None or isinstance(source, UntypedStorage):
        flat = whole(data) if isinstance(source, Tensor) else source._elements.view(np.uint8)
        data = _placed(typed(flat, kind), storage_offset, size, stride)
    self._data, self._view = data, None
    if node is not None:
        node.shape = data.shape
    return self


def _placed(elements: Any, offset: int, size: Any, stride: Any) -> Any:
    shape = (elements.size - offset,) if size is None else sizes((size,), "set_")
    steps = sizes((stride,), "set_") if stride else tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    last = offset + sum((n - 1) * s for n, s in zip(shape, steps))
    if len(steps) != len(shape) or min(offset, *shape, *steps, 0) < 0 or (0 not in shape and last >= elements.size):
        raise InputError(
            f"set_: size, stride and storage_offset must lie in the memory's {elements.size} elements, "
            f"got {shape}, {steps} and {offset}"
        )
    steps = tuple(s * elements.itemsize for s in steps)
    return np.lib.stride_tricks.as_strided(elements[offset:], shape, steps)


def is_set_to(self: Any, tensor: Any) -> bool:
    """Whether the two look at the same elements of the same memory, in the same order."""
    a, b = self._data, unwrap(tensor)
    seen = [(x.shape, x.strides, x.dtype, storage_offset(x)) for x in (a, b)]
    return memory(a) is memory(b) and seen[0] == seen[1]
