"""`memory_format` and `layout`: PyTorch's words for how a tensor lies in memory."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import numpy as np

from ..engine.errors import InputError

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "jagged",
    "layout",
    "memory_format",
    "preserve_format",
    "sparse_bsc",
    "sparse_bsr",
    "sparse_coo",
    "sparse_csc",
    "sparse_csr",
    "strided",
]


class _Word:
    """One of a few names, each of which is one object."""

    __slots__ = ("value",)
    value: str
    names: ClassVar[dict[str, Any]]

    def __new__(cls, value: str) -> Any:
        if value not in cls.names:
            raise ValueError(f"{cls.__name__}: must be one of {', '.join(cls.names)}, got {value!r}")
        if cls.names[value] is None:
            cls.names[value] = object.__new__(cls)
            object.__setattr__(cls.names[value], "value", value)
        return cls.names[value]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}: {name} cannot be set")

    def __reduce__(self) -> Any:
        return type(self), (self.value,)

    def __repr__(self) -> str:
        return f"tinygrad_lite.{self.value}"


class memory_format(_Word):
    """An order of the dimensions in memory, as ``memory_format=`` names it.

    `Tensor.to` and its like, `contiguous` and `clone` bring a tensor into it, `is_contiguous` asks for it. What makes
    tensors, and `Module.to`, accept it and ignore it: results are the same numbers, and the kernels here are fastest on
    memory in C order.

    Parameters
    ----------
    value : str
        One of the names "contiguous_format", "preserve_format", "channels_last" and "channels_last_3d".

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(2, 3, 4, 4).to(memory_format=tg.channels_last)
    >>> x.is_contiguous(), x.is_contiguous(memory_format=tg.channels_last)
    (False, True)
    """

    __slots__ = ()
    names = dict.fromkeys(("contiguous_format", "preserve_format", "channels_last", "channels_last_3d"))


class layout(_Word):
    """How elements are stored, as ``layout=`` names it: all of them, in memory with strides.

    The names of PyTorch's sparse layouts are there, so that programs can ask whether a tensor has one; none does.

    Parameters
    ----------
    value : str
        "strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc" or "jagged".

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.zeros(2, layout=tg.strided).layout
    tinygrad_lite.strided
    >>> tg.zeros(2).layout == tg.sparse_coo
    False
    """

    __slots__ = ()
    names = dict.fromkeys(("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged"))


contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")
strided, sparse_coo, sparse_csr = layout("strided"), layout("sparse_coo"), layout("sparse_csr")
sparse_csc, sparse_bsr, sparse_bsc = layout("sparse_csc"), layout("sparse_bsr"), layout("sparse_bsc")
jagged = layout("jagged")
Layout: TypeAlias = layout  # where `layout` is an attribute


CHANNELS_LAST = {channels_last: 4, channels_last_3d: 5}  # number of dimensions


def lies_in(value: Any, array: Any) -> bool:
    """Whether an array's memory is that of ``(N, ..., C)``, or else is in C order."""
    if value in CHANNELS_LAST:
        return array.ndim == CHANNELS_LAST[value] and bool(np.moveaxis(array, 1, -1).flags.c_contiguous)
    return bool(array.flags.c_contiguous)


def copy_order(value: Any, array: Any, who: str) -> str | None:
    """The order of the copy that `contiguous` or `to` makes in a memory format; None where there is none to make."""
    order = "C" if value is None else order_in(value, array, who)
    if who == "to":
        if order == "K" or (order == "C" and not any(lies_in(last, array) for last in CHANNELS_LAST)):
            return None  # as PyTorch has it: what lies in no format stays as it is
    elif order == "K" and not array.flags.c_contiguous:
        raise RuntimeError(f"{who}: preserve memory format is unsupported by the contiguous operator")
    return None if lies_in(value, array) else order


def order_in(value: Any, array: Any, who: str) -> str:
    """The order of a copy of an array in a memory format: "C", "K" for that of the array, or "channels_last"."""
    check_format(value, who)
    if value not in CHANNELS_LAST:
        return "C" if value is contiguous_format else "K"
    if array.ndim != CHANNELS_LAST[value]:
        raise RuntimeError(
            f"{who}: {value!r} is for tensors of {CHANNELS_LAST[value]} dimensions, got {array.ndim} (required rank "
            f"{CHANNELS_LAST[value]} tensor to use {value.value} format)"
        )
    return "channels_last"


def check_format(value: Any, who: str) -> None:
    """Refuse what is no memory format."""
    if value is not None and not isinstance(value, memory_format):
        raise TypeError(f"{who}: memory_format must be one, such as tinygrad_lite.channels_last, got {value!r}")


def check_placement(who: str, lies: Any, pinned: Any, order: Any) -> None:
    """Refuse a layout, a pinning of memory or a memory format that there is not."""
    if lies is not None and not isinstance(lies, layout):
        raise TypeError(f"{who}: layout must be tinygrad_lite.strided, got {lies!r}")
    if lies not in (None, strided):
        raise InputError(f"{who}: tensors are dense here, their layout is tinygrad_lite.strided, got {lies!r}")
    if pinned is not None and type(pinned) is not bool:
        raise TypeError(f"{who}: pin_memory must be a bool, got {pinned!r}")
    if pinned:
        raise RuntimeError(f"{who}: pin_memory=True needs a GPU, and tinygrad_lite computes on the CPU only")
    check_format(order, who)
