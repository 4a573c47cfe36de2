"""TensorBoard's files: events in the wire format of protocol buffers, in records with checksums.

A record is its length, the length's checksum, the event and its checksum. A checksum is CRC-32C, turned by 15 bits and
shifted by a constant, as in TensorFlow's TFRecord. The fields are those of TensorFlow's ``event.proto`` and
``summary.proto``, https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable

import numpy as np


def _table() -> list[int]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 * (value & 1)  # the polynomial of Castagnoli, reversed
        found.append(value)
    return found


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The checksum of Castagnoli's polynomial."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """An event with its length and checksums."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


# --- the wire format ------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    """An integer in groups of seven bits, the lowest first."""
    value &= 2**64 - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def integer(field: int, value: int) -> bytes:
    """A field with an integer."""
    return varint(field << 3) + varint(value)


def double(field: int, value: float) -> bytes:
    """A field with a float64."""
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field: int, value: float) -> bytes:
    """A field with a float32."""
    with np.errstate(over="ignore"):
        return varint(field << 3 | 5) + np.float32(value).tobytes()


def message(field: int, *parts: bytes | str) -> bytes:
    """A field with bytes, a text or another message."""
    data = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(data)) + data


def doubles(field: int, values: Iterable[float]) -> bytes:
    """A field with several float64."""
    return message(field, np.asarray(list(values), "<f8").tobytes())


# --- the file -------------------------------------------------------------------------------------------------------


class EventFile:
    """A file of events in a folder, which is made if it is not there.

    Parameters
    ----------
    folder : str
    suffix : str
        The end of the file's name.

    Examples
    --------
    >>> import os, tempfile
    >>> from tinygrad_lite.utils.tensorboard.event_file import EventFile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     EventFile(folder).close()
    ...     len(os.listdir(folder))
    1
    """

    _count = 0

    def __init__(self, folder: str, suffix: str = "") -> None:
        os.makedirs(folder, exist_ok=True)
        EventFile._count += 1
        place = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{EventFile._count}{suffix}"
        self.path = os.path.join(folder, f"events.out.tfevents.{place}")
        self._file = open(self.path, "wb")  # noqa: SIM115 (open until `close`)
        self._file.write(record(double(1, time.time()) + message(3, "brain.Event:2")))

    def write(self, summary: bytes, step: int | None = None, wall_time: float | None = None) -> None:
        """Append a summary, the step it is of, and the time."""
        when = time.time() if wall_time is None else wall_time
        self._file.write(record(double(1, when) + integer(2, int(step or 0)) + message(5, summary)))

    def flush(self) -> None:
        """Have everything in the file."""
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Have everything in the file, which is closed."""
        self._file.close()
