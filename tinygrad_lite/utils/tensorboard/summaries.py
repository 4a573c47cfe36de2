"""What TensorBoard shows, as messages: scalars, texts, histograms and images."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

from ...engine.errors import InputError
from .event_file import double, doubles, integer, message, single

Array = np.ndarray[Any, Any]


def array_of(value: Any) -> Array:
    """The numbers of a tensor, an array or a number."""
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


def _value(tag: str, *parts: bytes) -> bytes:
    return message(1, message(1, tag), *parts)


def scalar(tag: str, value: Any) -> bytes:
    """One number."""
    number = array_of(value)
    if number.size != 1:
        raise InputError(f"add_scalar: scalar_value must be one number, got shape {number.shape}")
    return _value(tag, single(2, float(number.reshape(()))))


def text(tag: str, words: str) -> bytes:
    """A text, in Markdown."""
    of_text = message(9, message(1, message(1, "text")))  # the plugin's name
    shape = message(2, message(2, integer(1, 1)))
    return _value(f"{tag}/text_summary", of_text, message(8, integer(1, 7), shape, message(8, words)))


def _edges() -> Array:
    up = 1e-12 * 1.1 ** np.arange(775)  # to 1e20
    return np.concatenate([-up[::-1], [0.0], up])


def histogram(tag: str, values: Any, bins: Any = "tensorflow", max_bins: int | None = None) -> bytes:
    """How many values are in each of some ranges: PyTorch's, NumPy's by name, or given edges."""
    numbers = array_of(values).reshape(-1).astype(np.float64)
    if not numbers.size or not np.isfinite(numbers).all():
        raise InputError(f"add_histogram: values must be finite numbers, at least one, got {numbers.size}")
    counts, edges = np.histogram(numbers, bins=_edges() if isinstance(bins, str) and bins == "tensorflow" else bins)
    if max_bins is not None and len(counts) > max_bins:
        every = -(-len(counts) // max_bins)
        counts = np.add.reduceat(counts, np.arange(0, len(counts), every))
        edges = np.append(edges[:-1:every], edges[-1])
    (full,) = np.nonzero(counts)
    if full.size == 0:
        raise InputError("add_histogram: no value is in the range of bins")
    first, last = full[0], full[-1] + 1
    counts, limits = counts[first:last], edges[first + 1 : last + 1]
    counts, limits = np.append([0], counts), np.append([edges[first]], limits)
    return _value(
        tag,
        message(
            5, double(1, numbers.min()), double(2, numbers.max()), double(3, numbers.size), double(4, numbers.sum()),
            double(5, float(numbers @ numbers)), doubles(6, limits), doubles(7, counts),
        ),
    )  # fmt: skip


# --- images -----------------------------------------------------------------------------------------------------------


def png(pixels: Array) -> bytes:
    """A picture of bytes, shape (H, W, C) with 1, 3 or 4 channels, in the format of PNG."""
    height, width, channels = pixels.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    kind = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)  # no filter
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def image(tag: str, values: Any, order: str) -> bytes:
    """A picture: bytes, or floats in [0, 1], with its dimensions in an order such as "CHW"; several in a column."""
    pixels, order = array_of(values), order.upper()
    if sorted(order) not in (sorted("HW"), sorted("CHW"), sorted("NCHW")) or pixels.ndim != len(order):
        shape = pixels.shape
        raise InputError(f"add_image: dataformats must name the dimensions of {shape} by N, C, H, W, got {order!r}")
    for name in "CN":
        if name not in order:
            pixels, order = pixels[None], name + order
    pixels = pixels.transpose([order.index(name) for name in "NHWC"])
    count, height, width, channels = pixels.shape  # (N, H, W, C)
    if channels not in (1, 3, 4):
        raise InputError(f"add_image: there must be 1, 3 or 4 channels, got {channels}")
    if pixels.dtype != np.uint8:
        pixels = np.clip(np.nan_to_num(pixels) * 255.0, 0, 255).astype(np.uint8)
    pixels = pixels.reshape(count * height, width, channels)
    size = integer(1, count * height) + integer(2, width) + integer(3, channels)
    return _value(tag, message(4, size, message(4, png(pixels))))
