"""`read`, `read_notes`, `write`: arrays in the safetensors format, by its own library, from and to open files."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]

BFLOAT16 = "BF16"  # which NumPy does not know
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", BFLOAT16: "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8",
}  # fmt: skip


def write(file: IO[bytes], arrays: Mapping[str, Array], notes: Mapping[str, str]) -> None:
    """Write arrays, each contiguous and little-endian, and strings beside them.

    The library could write a file itself, but would put another one in its place, with rights of its own.

    Parameters
    ----------
    file : binary file
        Open for writing; nothing of it is read.
    arrays : dict of str to array
    notes : dict of str to str
    """
    from safetensors.numpy import save

    file.write(save(dict(arrays), dict(notes)))


def read(file: IO[bytes], mapped: Any = None) -> tuple[dict[str, tuple[str, Array]], dict[str, str]]:
    """Read arrays with the names of their dtypes, and the strings beside them.

    Parameters
    ----------
    file : binary file
        Open for reading, at its beginning.
    mapped : array of bytes, optional
        The same content, of which the arrays are to be parts.

    Raises
    ------
    ValueError
        If it is no whole file in this format, or has a dtype that NumPy does not.
    """
    header, start = _header(file)
    notes = header.pop("__metadata__", None) or {}
    found = {}
    for name, entry in header.items():
        kind, (begin, end) = entry["dtype"], entry["data_offsets"]
        if kind not in DTYPES:
            raise ValueError(f"{name} has dtype {kind}, which is not supported")
        if mapped is None:
            raw = np.empty(end - begin, np.uint8)
            file.seek(start + begin)
            if file.readinto(raw.data) != end - begin:  # type: ignore[attr-defined]
                raise ValueError("the file became shorter while it was read")
        else:
            raw = mapped[start + begin : start + end]
        found[name] = kind, raw.view(DTYPES[kind]).reshape(entry["shape"])
    return found, notes


def read_notes(file: IO[bytes]) -> dict[str, str]:
    """Read the strings beside the arrays, as `read`, without these."""
    notes: dict[str, str] | None = _header(file)[0].get("__metadata__")
    return notes or {}


def _header(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """The header, which the library has found to be right, and where the data begin."""
    from safetensors import SafetensorError, deserialize, safe_open

    try:
        if isinstance(file, io.BytesIO):
            deserialize(file.getvalue())  # type: ignore[no-untyped-call]
        else:
            with safe_open(file.name, framework="numpy"):
                pass
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    file.seek(0)
    size = int.from_bytes(file.read(8), "little")
    return json.loads(file.read(size)), 8 + size
