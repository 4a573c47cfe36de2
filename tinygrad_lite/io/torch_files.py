"""PyTorch's own files, ``.pt`` and ``.pth``, without PyTorch: the zip format both ways, and the one before it."""

from __future__ import annotations

import errno
import importlib
import io
import struct
import zipfile
from collections.abc import Callable
from typing import IO, Any, cast

import numpy as np

from .. import dtypes
from .._tensor import rebuild
from ..rules import unwrap, wrap
from .pickled import Builder, Machine, Name
from .pickled_objects import ObjectReader, Trusted

Array = np.ndarray[Any, Any]

_LAYERS = f"{__package__.partition('.')[0]}.nn"
BFLOAT16 = "bfloat16"  # which NumPy does not know
DTYPES = {
    "float64": "<f8", "float32": "<f4", "float16": "<f2", BFLOAT16: "<u2", "int64": "<i8", "int32": "<i4",
    "int16": "<i2", "int8": "i1", "uint8": "u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8", "bool": "?",
    "complex64": "<c8", "complex128": "<c16",
}  # fmt: skip
STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": BFLOAT16,
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "UntypedStorage": "",
}  # fmt: skip
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of the format before zip files


def widened(half: Array) -> Array:
    """float32 of bfloat16, whose 16 bits are the upper half of its."""
    return (half.astype(np.uint32) << np.uint32(16)).view(np.float32)


class _Storage:
    """The memory of tensors: bytes, and the numbers that they are for each dtype that they are read as."""

    def __init__(self, raw: Array, dtype: str) -> None:
        self.raw, self.dtype = raw, dtype
        self._whole: dict[str, Array] = {}

    def whole(self, dtype: str) -> Array:
        """The numbers of which the tensors are parts."""
        if dtype not in self._whole:
            numbers = self.raw.view(DTYPES[dtype])
            native = numbers.dtype.newbyteorder("=")
            self._whole[dtype] = widened(numbers) if dtype == BFLOAT16 else numbers.astype(native, copy=False)
        return self._whole[dtype]

    def forget(self) -> None:
        """The content has changed."""
        self._whole.clear()


class _Reader:
    """Builds tensors out of what pickles say of them.

    Parameters
    ----------
    raw : callable
        ``raw(key, size)`` returns the bytes of a storage of that size, as an array.
    trusted : bool or dict
        Whether the names of other objects may be used, or which objects, by their names.
    """

    def __init__(self, raw: Callable[[str, int], Array], trusted: Trusted = False) -> None:
        self._raw, self._trusted = raw, trusted
        self.storages: dict[str, _Storage] = {}
        self.narrow = False  # whether there was bfloat16
        tensors: dict[str, Builder] = {
            "_rebuild_tensor": self._tensor, "_rebuild_tensor_v2": self._tensor, "_rebuild_tensor_v3": self._typed,
            "_rebuild_parameter": self._parameter, "_rebuild_parameter_with_state": self._marked_parameter,
        }  # fmt: skip
        self._builders: dict[Name, Builder] = {
            **{Name("torch._utils", name): build for name, build in tensors.items()},
            Name("torch._tensor", "_rebuild_from_type_v2"): self._of_type,
            Name("torch", "Size"): tuple,
            Name("torch", "device"): lambda kind, index=None: kind if index is None else f"{kind}:{index}",
            Name("torch.serialization", "_get_layout"): str,
        }

    def machine(self) -> Machine | ObjectReader:
        """What reads the pickles."""
        if self._trusted is False:
            return Machine(self._builders, _value, self._storage)
        return ObjectReader(self._builders, _value, self._storage, self._trusted)

    def _storage(self, about: Any) -> _Storage:
        if not isinstance(about, tuple) or len(about) not in (5, 6) or about[0] != "storage":
            raise ValueError("a storage is described wrongly")
        _, kind, key, _, count, *view = about
        if not isinstance(kind, Name) or not isinstance(key, str) or type(count) is not int or count < 0 or any(view):
            raise ValueError("a storage is described wrongly, or is a part of another")
        dtype = STORAGES[kind.name]
        if key not in self.storages:
            size = count * (np.dtype(DTYPES[dtype]).itemsize if dtype else 1)
            self.storages[key] = _Storage(self._raw(key, size), dtype)
        if self.storages[key].dtype != dtype:
            raise ValueError(f"the storage {key} is said to have two dtypes")
        return self.storages[key]

    def _tensor(
        self, storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False, hooks: Any = None,
        marks: Any = None, dtype: str = "",
    ) -> Any:  # fmt: skip
        if not isinstance(storage, _Storage):
            raise ValueError("a tensor has no storage")
        dtype = dtype or storage.dtype
        self.narrow |= dtype == BFLOAT16
        whole = storage.whole(dtype)
        counts = [offset, *size, *stride]
        if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in counts):
            raise ValueError("a tensor has a damaged shape")
        if not all(size):
            found = wrap(np.empty(size, whole.dtype))
        elif offset + sum((n - 1) * step for n, step in zip(size, stride)) >= whole.size:
            raise ValueError(f"a tensor of shape {tuple(size)} goes beyond its storage of {whole.size} elements")
        else:
            steps = [whole.itemsize * step for step in stride]
            found = wrap(np.ndarray(size, whole.dtype, whole, whole.itemsize * offset, steps))
        if isinstance(marks, dict) and marks.get("conj"):
            found = found.conj()
        if isinstance(marks, dict) and marks.get("neg"):
            found = -found
        return found.requires_grad_() if requires_grad is True else found

    def _typed(
        self, storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any, dtype: Any,
        marks: Any = None,
    ) -> Any:  # fmt: skip
        return self._tensor(storage, offset, size, stride, requires_grad, hooks, marks, str(dtype))

    def _parameter(self, data: Any, requires_grad: Any, *_: Any) -> Any:
        return importlib.import_module(_LAYERS).Parameter(data, requires_grad is True)

    def _marked_parameter(self, data: Any, requires_grad: Any, hooks: Any, state: Any) -> Any:
        return _marked(self._parameter(data, requires_grad), state)

    def _of_type(self, build: Any, kind: Any, arguments: Any, state: Any) -> Any:
        build = self._builders.get(build) if isinstance(build, Name) else build
        if build not in self._builders.values() or not isinstance(arguments, tuple):
            raise ValueError("it builds a tensor by what does not build one")
        found = build(*arguments)
        if isinstance(kind, type) and not isinstance(found, kind):
            found = rebuild(kind, unwrap(found), found.requires_grad)
        return _marked(found, state)


def _marked(tensor: Any, state: Any) -> Any:
    """The tensor with the attributes that its user has given it."""
    attributes = state[0] if isinstance(state, tuple) and state else state
    if isinstance(attributes, dict):
        for name, value in attributes.items():
            if isinstance(name, str) and name.isidentifier() and not hasattr(type(tensor), name):
                setattr(tensor, name, value)
    return tensor


def _value(name: Name) -> Any:
    """What a name of PyTorch's by itself stands for."""
    if name.module == "torch" and name.name in DTYPES:
        return getattr(dtypes, name.name)
    known = {("torch", "Tensor"), ("torch._tensor", "Tensor"), ("torch.nn.parameter", "Parameter")}
    storage = name.module in ("torch", "torch.cuda", "torch.storage") and name.name in STORAGES
    return name if storage or name in known else None


# --- the zip format ---------------------------------------------------------------------------------------------------


def read_zip(file: IO[bytes], mapped: Array | None = None, trusted: Trusted = False) -> tuple[Any, bool]:
    """Read what ``torch.save`` writes.

    Parameters
    ----------
    file : binary file
        Open for reading, with ``seek``.
    mapped : array of bytes, optional
        The same content, of which tensors are to be parts. No checksums are compared then.
    trusted : bool or dict
        Whether the names of other objects may be used, or which objects, by their names.

    Returns
    -------
    value : object
    narrow : bool
        Whether there was bfloat16, which becomes float32.

    Raises
    ------
    ValueError
        If the file is damaged, or holds anything but tensors and plain containers.
    """
    left = file.seek(0, 2)
    try:
        with zipfile.ZipFile(file) as archive:
            records = {info.filename: info for info in archive.infolist()}
            prefixes = [name[: -len("data.pkl")] for name in records if name.endswith("/data.pkl")]
            if len(prefixes) != 1 or f"{prefixes[0]}constants.pkl" in records:
                raise ValueError("it is no file of torch.save: a TorchScript archive, or another zip file")
            (prefix,) = prefixes

            def stored(name: str) -> zipfile.ZipInfo:
                nonlocal left
                info = records.get(prefix + name)
                if info is None or info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                    raise ValueError(f"{prefix}{name} is missing, compressed or encrypted")
                left -= info.file_size
                if info.file_size != info.compress_size or left < 0:  # two entries may claim the same bytes
                    raise ValueError("its entries are larger than the file")
                return info

            def raw(key: str, size: int) -> Array:
                info = stored(f"data/{key}")
                if info.file_size < size:
                    raise ValueError(f"a storage has {info.file_size} bytes instead of {size}")
                if mapped is not None:
                    start = _start(mapped, info)
                    part = mapped[start : start + size]
                    return part.copy() if start % 16 else part  # compiled loops want numbers where they belong
                found = np.empty(info.file_size, np.uint8)
                with archive.open(info) as entry:
                    if cast(io.BufferedReader, entry).readinto(found.data) != info.file_size or entry.read(1):
                        raise ValueError(f"the storage {key} is damaged")
                return found[:size]

            if f"{prefix}byteorder" in records and archive.read(stored("byteorder")) != b"little":
                raise ValueError("its numbers are big-endian")
            reader = _Reader(raw, trusted)
            value = reader.machine().read(io.BytesIO(archive.read(stored("data.pkl"))))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error) as error:
        raise ValueError(f"the zip file is damaged ({error})") from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # it says that an entry lies before the file's beginning
            raise
        raise ValueError("the zip file is damaged") from None
    return value, reader.narrow


def _start(mapped: Array, info: zipfile.ZipInfo) -> int:
    """Where an entry's content begins: behind a header that says how long its name and additions are."""
    name, extra = struct.unpack_from("<HH", mapped.data, info.header_offset + 26)
    start: int = info.header_offset + 30 + name + extra
    if start + info.file_size > len(mapped):
        raise ValueError("its entries are larger than the file")
    return start


# --- the format before ------------------------------------------------------------------------------------------------


def is_legacy(file: IO[bytes]) -> bool:
    """Whether a file begins as those do that PyTorch wrote before 1.6; it stands at its beginning afterwards."""
    file.seek(0)
    head = file.read(32)
    file.seek(0)
    return MAGIC.to_bytes(10, "little") in head


def read_legacy(file: IO[bytes], trusted: Trusted = False) -> tuple[Any, bool]:
    """Read what ``torch.save`` wrote before PyTorch 1.6, as `read_zip` does."""
    left = file.seek(0, 2)
    file.seek(0)
    wanted: dict[str, Array] = {}

    def raw(key: str, size: int) -> Array:
        nonlocal left
        left -= size
        if left < 0:
            raise ValueError("its storages are larger than the file")
        wanted[key] = np.zeros(size, np.uint8)
        return wanted[key]

    reader = _Reader(raw, trusted)
    machine = reader.machine()
    magic, protocol, system = machine.read(file), machine.read(file), machine.read(file)
    if magic != MAGIC or protocol != PROTOCOL or not isinstance(system, dict) or not system.get("little_endian", True):
        raise ValueError("its first words are not those of torch.save, or its numbers are big-endian")
    start = file.tell()
    machine.read(file)  # to learn which storages there are; their content comes behind
    keys = machine.read(file)
    if not isinstance(keys, list) or set(keys) != set(wanted):
        raise ValueError("its list of storages is damaged")
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        content = wanted[key]
        if count > len(content) or (count and len(content) % count):
            raise ValueError(f"the storage {key} has another size than its tensors say")
        if file.readinto(content.data) != len(content):  # type: ignore[attr-defined]
            raise ValueError("the file is too short")
    for storage in reader.storages.values():
        storage.forget()
    file.seek(start)
    return machine.read(file), reader.narrow
