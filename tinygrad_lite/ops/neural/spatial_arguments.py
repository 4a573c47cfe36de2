"""What spatial operations have in common: numbers per dimension, sizes of results, batches of one."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...rules import unwrap

Ints = tuple[int, ...]


def each(value: Any, dims: int, who: str, name: str, low: int = 0) -> Ints:
    """One integer for each spatial dimension, of at least `low`; a single one stands for all."""
    try:
        given = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if given and type(given[0]) is bool:
            raise TypeError
        given = tuple(map(operator.index, given))
    except TypeError:
        raise TypeError(f"{who}: {name} must be an integer or {dims} of them, got {value!r}") from None
    if len(given) == 1:
        given *= dims
    if len(given) != dims or min(given) < low:
        raise InputError(f"{who}: {name} must be an integer of at least {low}, or {dims} of them, got {value!r}")
    return given


def windows_of(size: Ints, kernel: Ints, stride: Ints, pads: tuple[Ints, Ints], dilation: Ints, who: str) -> Ints:
    """How many windows fit along each dimension."""
    found = tuple(
        [(n + a + b - d * (k - 1) - 1) // s + 1 for n, k, s, a, b, d in zip(size, kernel, stride, *pads, dilation)]
    )
    if min(found) < 1:
        raise InputError(f"{who}: windows of size {kernel} and dilation {dilation} must fit the padded input, whose "
                         f"size is {tuple(n + a + b for n, a, b in zip(size, *pads))}")  # fmt: skip
    return found


def batched(input: Any, dims: int, who: str) -> tuple[Any, bool]:
    """The input as (N, C, spatial...), and whether the batch was missing."""
    shape = unwrap(input).shape
    if len(shape) not in (dims + 1, dims + 2):
        raise InputError(f"{who}: input must have {dims + 1} (unbatched) or {dims + 2} dimensions, got shape {shape}")
    return (input, False) if len(shape) == dims + 2 else (input[None], True)


def unbatched(function: Callable[[Any], Any], input: Any, dims: int, who: str, channels: bool = False) -> Any:
    """Call a function of (N, C, spatial...) with or without a batch; `channels` if there must be some."""
    x, alone = batched(input, dims, who)
    if channels and not unwrap(x).shape[1]:
        raise InputError(f"{who}: only the batch may be empty, got shape {unwrap(input).shape}")
    out = function(x)
    if not alone:
        return out
    return tuple([o[0] for o in out]) if isinstance(out, tuple) else out[0]


def pooled_size(
    size: Ints, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, who: str
) -> tuple[Ints, Ints, Ints, Ints]:
    """Kernel, stride and padding for each dimension, and how many windows there are."""
    dims = len(size)
    k = each(kernel, dims, who, "kernel_size", 1)
    s = k if stride is None or stride == [] or stride == () else each(stride, dims, who, "stride", 1)
    p, d = each(padding, dims, who, "padding"), each(dilation, dims, who, "dilation", 1)
    if any(2 * b > a for a, b in zip(k, p)):
        raise InputError(f"{who}: padding must be at most half of the kernel's size {k}, got {p}")
    counts = []
    for n, ki, si, pi, di in zip(size, k, s, p, d):
        room = n + 2 * pi - di * (ki - 1) - 1
        count = (-(-room // si) if ceil else room // si) + 1
        if ceil and (count - 1) * si >= n + pi:
            count -= 1  # the last window must start within the input or its left padding
        counts.append(count)
    if min(counts) < 1 or 0 in size:
        raise InputError(f"{who}: windows of size {k} must fit the input, padded by {p}, got size {size}")
    return k, s, p, tuple(counts)


def make_room(sizes: Sequence[int], who: str) -> None:
    """Refuse sizes for which there is no memory, before something is found out for each place."""
    try:
        np.empty(sizes if max(sizes, default=0) < 2**31 else -1, np.float32)
    except (MemoryError, ValueError):
        raise InputError(f"{who}: sizes must be such that the result fits into memory, got {tuple(sizes)}") from None


def spatial_sizes(value: Any, size: Ints, who: str) -> Ints:
    """The output sizes asked for; None keeps a size."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * len(size)
    wanted = each([n if g is None else g for g, n in zip(given, size)], len(size), who, "output_size")
    if len(given) != len(size) or 0 in size:
        raise InputError(f"{who}: output_size must be {len(size)} numbers, and the input not empty, got {value} and "
                         f"size {size}")  # fmt: skip
    make_room(wanted, who)
    return wanted
