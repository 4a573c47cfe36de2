"""A tensor's whole memory: UntypedStorage, TypedStorage, storage_offset, set_, is_set_to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...dtypes import as_dtype, of
from ...dtypes import dtype as DType
from ...engine import views
from ...engine.errors import DtypeError, InputError
from ...graph import memory
from ...rules import unwrap
from ...tensors.devices import device
from ...tensors.tensor_type import Tensor
from ..argument_names import sizes

METHODS = "data_ptr element_size is_set_to set_ storage storage_offset untyped_storage"


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


class UntypedStorage:
    """The memory that a tensor and its views share, as bytes.

    Parameters
    ----------
    array : ndarray
        Of one dimension.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(3, 2)
    >>> x[1].untyped_storage().nbytes(), x[1].untyped_storage().data_ptr() == x.data_ptr()
    (24, True)
    """

    __slots__ = ("_elements",)

    is_cuda = False

    def __init__(self, array: Any) -> None:
        self._elements = array

    @property
    def device(self) -> device:
        """The CPU."""
        return device("cpu")

    def data_ptr(self) -> int:
        """Address of the first byte."""
        return int(self._elements.__array_interface__["data"][0])

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

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._elements.view(np.uint8))

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
        return type(self)(found) if isinstance(found, np.ndarray) else found.item()

    def __setitem__(self, index: Any, value: Any) -> None:
        part = slice(index, index + 1 or None) if isinstance(index, int) else index
        views.store(self._elements[part], value, "[]=")


class TypedStorage(UntypedStorage):
    """The memory that a tensor and its views share, as numbers of its dtype.

    Parameters
    ----------
    array : ndarray
        Of one dimension.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.ones(2, 2)[1].storage().tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    __slots__ = ()

    @property
    def dtype(self) -> DType:
        """Of the elements."""
        return of(self._elements.dtype)


class _StorageType(type):
    """A class of the storages of one dtype, wherever they were made; a call makes one."""

    dtype: Any

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, TypedStorage) and value._elements.dtype == cls.dtype

    def __call__(cls, *data: Any) -> TypedStorage:
        """A number of elements, of memory as it is found; or a sequence, whose numbers are converted."""
        given = data[0] if data else 0
        if isinstance(given, int):
            return TypedStorage(np.empty(given, cls.dtype))
        elements = given._elements if isinstance(given, UntypedStorage) else np.asarray(given)
        return TypedStorage(np.array(elements.reshape(-1), cls.dtype))

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


def is_storage(obj: Any) -> bool:
    """Whether an object is a storage, of bytes or of numbers."""
    return isinstance(obj, UntypedStorage)


def untyped_storage(self: Any) -> UntypedStorage:
    """The memory that it shares with its views, as bytes."""
    return UntypedStorage(whole(self._data))


def storage(self: Any) -> TypedStorage:
    """The memory that it shares with its views, as numbers of its dtype; new programs use `untyped_storage`."""
    return TypedStorage(typed(whole(self._data), self._data.dtype))


def typed(flat: Any, dtype: Any) -> Any:
    """Bytes as numbers, as many as they make."""
    return flat[: flat.size // dtype.itemsize * dtype.itemsize].view(dtype)


def element_size(self: Any) -> int:
    """Bytes of one element."""
    return int(self._data.itemsize)


def data_ptr(self: Any) -> int:
    """Address of the first element."""
    return int(self._data.ctypes.data)


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
        Where it requires grad, and for elements that do not lie in the memory.
    TypeError
        For another dtype, and what is neither a Tensor nor a storage.
    """
    if views.node_of(self) is not None:
        raise RuntimeError("set_: the tensor must not require grad; use detach()")
    data, kind = unwrap(source), self._data.dtype
    if source is None:
        data = np.empty(0, kind)
    elif not isinstance(source, (Tensor, UntypedStorage)):
        raise TypeError(f"set_: source must be a Tensor or a storage, got {type(source).__name__}")
    elif (given := getattr(source, "dtype", kind)) != kind:
        raise DtypeError(f"set_: source must have dtype {of(kind)}, got {given}")
    elif size is not None or isinstance(source, UntypedStorage):
        flat = whole(data) if isinstance(source, Tensor) else source._elements.view(np.uint8)
        data = _placed(typed(flat, kind), storage_offset, size, stride)
    self._data, self._view = data, None
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
