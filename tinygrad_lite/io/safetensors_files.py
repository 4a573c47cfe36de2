"""Files in the safetensors format: a header in JSON, and the arrays' bytes one after the other."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, Any]

MOST = 100_000_000  # bytes of a header, as in the format's own library
BFLOAT16 = "BF16"  # which NumPy does not know
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", BFLOAT16: "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "C64": "<c8",
}  # fmt: skip
_NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items() if name != BFLOAT16}


def write(file: IO[bytes], arrays: Mapping[str, Array], notes: Mapping[str, str]) -> None:
    """Write arrays, each contiguous and little-endian, and strings beside them.

    Parameters
    ----------
    file : binary file
        Open for writing; nothing of it is read.
    arrays : dict of str to array
    notes : dict of str to str
    """
    header: dict[str, Any] = {"__metadata__": dict(notes)}
    ordered = sorted(arrays.items(), key=lambda pair: -pair[1].itemsize)  # so that each lies at a multiple of its size
    start = 0
    for name, array in ordered:
        offsets = [start, start := start + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, array in ordered:
        file.write(array.reshape(-1).view(np.uint8).data)


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
    entries, notes, start = _header(file)
    found = {}
    for name, (kind, shape, begin, end) in entries.items():
        if mapped is None:
            raw = np.empty(end - begin, np.uint8)
            file.seek(start + begin)
            if file.readinto(raw.data) != end - begin:  # type: ignore[attr-defined]
                raise ValueError("the file became shorter while it was read")
        else:
            raw = mapped[start + begin : start + end]
        found[name] = kind, raw.view(DTYPES[kind]).reshape(shape)
    return found, notes


def read_notes(file: IO[bytes]) -> dict[str, str]:
    """Read the strings beside the arrays, as `read`, without these."""
    return _header(file)[1]


def _header(file: IO[bytes]) -> tuple[dict[str, tuple[str, list[int], int, int]], dict[str, str], int]:
    """Everything but the data: (dtype, shape, begin, end) by name, the strings, and where the data begin."""
    whole = file.seek(0, 2)
    file.seek(0)
    size = int.from_bytes(file.read(8), "little")
    if whole < 8 or size > min(MOST, whole - 8):
        raise ValueError("the header is longer than the file")
    try:
        header = json.loads(file.read(size), object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("the header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("the header is no object")
    notes = header.pop("__metadata__", None) or {}
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise ValueError("__metadata__ holds more than strings")
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    at = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda pair: pair[1][2:]):
        if begin != at:
            raise ValueError(f"{name} begins at {begin}, not at {at}")
        at = end
    if at != whole - 8 - size:
        raise ValueError(f"there are {whole - 8 - size} bytes of data, not {at}")
    return entries, notes, 8 + size


def _entry(name: str, entry: Any) -> tuple[str, list[int], int, int]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name} is described wrongly")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in DTYPES:
        raise ValueError(f"{name} has dtype {kind}, which is not supported")
    if not all(isinstance(ints, list) and all(type(i) is int and i >= 0 for i in ints) for ints in (shape, offsets)):
        raise ValueError(f"the shape or place of {name} is damaged")
    if len(offsets) != 2 or offsets[1] - offsets[0] != math.prod(shape) * np.dtype(DTYPES[kind]).itemsize:
        raise ValueError(f"{name} has another size than its shape")
    return kind, shape, offsets[0], offsets[1]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in the header")
    return found
