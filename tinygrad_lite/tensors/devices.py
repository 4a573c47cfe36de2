"""`device`: where tensors are, which is the CPU; other ones can be named, and are refused where they would be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..dtypes import dtype as DType
from ..engine.errors import InputError
from .tensor_type import Tensor

__all__ = ["device"]

_TYPES = ("cpu", "cuda", "meta", "mps", "xpu")


class device:
    """The name of a device, as scripts choose it: ``tg.device("cuda" if tg.cuda.is_available() else "cpu")``.

    Parameters
    ----------
    type : str, device or int
        "cpu", "cuda:1"; an integer is the index of a "cuda" device.
    index : int, optional

    Attributes
    ----------
    type : str
    index : int or None

    Raises
    ------
    RuntimeError
        For a name that is none of a device.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.device("cpu"), tg.device("cuda:1").index, tg.ones(2).device == "cpu"
    (device(type='cpu'), 1, True)
    """

    __slots__ = ("type", "index")
    type: str
    index: int | None

    def __new__(cls, type: Any, index: int | None = None) -> device:
        if isinstance(type, device):
            return type
        if isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        kind, _, number = str(type).partition(":")
        if kind not in _TYPES or (number and not number.isdecimal()) or (number and index is not None):
            raise RuntimeError(f"device: expected one of {', '.join(_TYPES)}, with an index or without, got {type!r}")
        self = object.__new__(cls)
        object.__setattr__(self, "type", kind)
        object.__setattr__(self, "index", int(number) if number else index)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"device: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str(self) == other
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash(str(self))  # a text that is equal has the same

    def __reduce__(self) -> Any:
        return device, (str(self),)

    def __enter__(self) -> device:
        """Make new tensors there, which is on the CPU."""
        only_cpu(self, "device")
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose new tensors are there: itself."""
        only_cpu(self, "device")
        return function

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + (")" if self.index is None else f", index={self.index})")


Device: TypeAlias = device  # where `device` is an attribute
CPU = device("cpu")


def only_cpu(device: Any, who: str) -> None:
    """Refuse any device but the one there is."""
    if device is not None and str(device).split(":")[0] != "cpu":
        raise InputError(f"{who}: everything lives on the CPU, the device must be 'cpu', got {str(device)!r}")


def placement(who: str, args: tuple[Any, ...], dtype: Any, device: Any) -> tuple[Any, bool]:
    """Read the arguments of ``to(...)``, of tensors and of modules: the one parser of devices and dtypes.

    Parameters
    ----------
    who : str
        For the message of an error.
    args : tuple
        A dtype, a device and a Tensor, whose dtype is taken, in any order; then `non_blocking` and `copy`.
    dtype, device
        Those given by keyword.

    Returns
    -------
    dtype : dtype or None
    copy : bool
    """
    flags = []
    for a in args:
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, bool):
            flags.append(a)
        elif names_device(a):
            device = a
        elif a is not None:
            dtype = a
    only_cpu(device, who)
    return dtype, flags[1:2] == [True]


def names_device(value: Any) -> bool:
    """Whether a value is a device or the text of one, as those of other libraries are; a dtype is none."""
    if isinstance(value, (DType, np.dtype, type)):
        return False
    return isinstance(value, device) or str(value).partition(":")[0] in _TYPES
