"""Files that ``torch.load`` reads, written without PyTorch: its zip format, with a pickle of protocol 2 in it."""

from __future__ import annotations

import struct
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from ..dtypes import dtype
from ..rules import unwrap
from .saved_values import Array, check_dtype, is_tensor, little, refusal
from .torch_files import DTYPES, STORAGES

_STORAGE_OF = {np.dtype(DTYPES[dtype]): name for name, dtype in STORAGES.items() if dtype and dtype != "bfloat16"}


def zip_writer(value: Any) -> Callable[[IO[bytes]], None]:
    """Prepare nested dicts, lists and tuples of tensors and numbers to be written.

    Parameters
    ----------
    value : object

    Returns
    -------
    callable
        Writes them to a binary file.

    Raises
    ------
    TypeError
        For what PyTorch would not read without executing something.
    """
    pickle = _Pickle()
    pickle.add(value, ())

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _put(archive, "data.pkl", b"\x80\x02" + b"".join(pickle.parts) + b".")
            _put(archive, "byteorder", b"little")
            for number, array in enumerate(pickle.arrays):
                _put(archive, f"data/{number}", array.reshape(-1).view(np.uint8).data)
            _put(archive, "version", b"3\n")

    return write


def _put(archive: zipfile.ZipFile, name: str, content: Any) -> None:
    with archive.open(zipfile.ZipInfo(f"archive/{name}"), "w", force_zip64=len(content) >= 2**31) as entry:
        entry.write(content)


class _Pickle:
    """The parts of a pickle, and the arrays whose content lies beside it."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.arrays: list[Array] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._alive: list[Any] = []  # or another array might get the address of one that is known

    def add(self, value: Any, path: tuple[Any, ...]) -> None:
        """Add what makes a value."""
        kind = type(value)
        if value is None or kind is bool:
            self.parts.append({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif kind is int:
            self._integer(value)
        elif kind is float:
            self.parts.append(b"G" + struct.pack(">d", value))
        elif kind in (str, np.str_):
            self._text(str(value))
        elif kind in (dict, OrderedDict):
            self.parts.append(b"}" if kind is dict else b"ccollections\nOrderedDict\n)R")
            self._pairs(value, path)
        elif kind is Counter:
            self.parts.append(b"ccollections\nCounter\n}")
            self._pairs(value, path)
            self.parts.append(b"\x85R")
        elif kind is list:
            self.parts.append(b"](")
            self._items(value, path)
            self.parts.append(b"e")
        elif kind is tuple or (isinstance(value, tuple) and kind.__name__ == "Size"):
            self.parts.append(b"(" if kind is tuple else b"ctorch\nSize\n((")
            self._items(value, path)
            self.parts.append(b"t" if kind is tuple else b"ttR")
        else:
            self._rare(value, kind, path)

    def _rare(self, value: Any, kind: Any, path: tuple[Any, ...]) -> None:
        if kind is bytes:
            self.parts.append(b"c_codecs\nencode\n(")
            self._text(value.decode("latin1"))
            self._text("latin1")
            self.parts.append(b"tR")
        elif kind is set:
            self.parts.append(b"cbuiltins\nset\n](")
            self._items(value, path)
            self.parts.append(b"e\x85R")
        elif kind is complex:
            self.parts.append(
                b"cbuiltins\ncomplex\n(" + struct.pack(">cdcd", b"G", value.real, b"G", value.imag) + b"tR"
            )
        elif isinstance(value, (np.dtype, dtype)) and value.name in DTYPES:
            self.parts.append(b"ctorch\n%s\n" % value.name.encode())
        elif isinstance(value, np.generic) and value.dtype.kind in "biufc":
            self.add(value.item(), path)
        elif type(value) is np.ndarray or is_tensor(value):
            self._array(value, path)
        else:
            raise refusal(value, path)

    def _items(self, items: Any, path: tuple[Any, ...]) -> None:
        for i, item in enumerate(items):
            self.add(item, (*path, i))

    def _pairs(self, items: Any, path: tuple[Any, ...]) -> None:
        self.parts.append(b"(")
        for key, item in items.items():
            self.add(key, (*path, "key"))
            self.add(item, (*path, key))
        self.parts.append(b"u")

    def _integer(self, value: int) -> None:
        if -(2**31) <= value < 2**31:
            self.parts.append(b"J" + struct.pack("<i", value))
        else:
            content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            if len(content) > 255:
                raise TypeError(f"save: an integer of {value.bit_length()} bits is none of PyTorch's files")
            self.parts.append(b"\x8a" + bytes([len(content)]) + content)

    def _text(self, text: str) -> None:
        content = text.encode("utf-8", "surrogatepass")
        self.parts.append(b"X" + struct.pack("<I", len(content)) + content)

    def _array(self, value: Any, path: tuple[Any, ...]) -> None:
        shape = value.shape  # asked of the Tensor: a lazy module's parameter says that it has none yet
        array = unwrap(value)
        check_dtype(array, path)
        plain = little(array)
        if plain.dtype not in _STORAGE_OF:
            raise TypeError(f"save: PyTorch's files have no storage of dtype {array.dtype}")
        known = array.__array_interface__["data"][0], array.strides, array.shape, array.dtype
        if known not in self._numbers:
            self._alive.append(array)
            self._numbers[known] = len(self.arrays)
            self.arrays.append(plain)
        steps = [stride // max(1, plain.itemsize) for stride in plain.strides]
        self.parts.append(b"ctorch._utils\n_rebuild_tensor_v2\n((")
        self._text("storage")
        self.parts.append(b"ctorch\n%s\n" % _STORAGE_OF[plain.dtype].encode())
        self._text(str(self._numbers[known]))
        self._text("cpu")
        self._integer(plain.size)
        self.parts.append(b"tQ")
        self._integer(0)
        for numbers in (shape, steps):
            self.add(tuple(map(int, numbers)), path)
        self.parts.append(b"\x89ccollections\nOrderedDict\n)RtR")
