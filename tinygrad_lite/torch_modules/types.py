"""`tinygrad_lite.types`: names of types, for annotations."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any, Union

from .._tensor import Tensor
from ..dtypes import dtype
from ..tensors.devices import device

__all__ = ["Device", "FileLike", "Number", "Storage"]

Number = Union[builtins.int, builtins.float, builtins.bool]  # noqa: UP007 (isinstance() asks it, and get_args)
Device = Union[device, str, builtins.int, None]  # noqa: UP007
FileLike = Any
Storage = Any
_TensorOrTensors = Union[Tensor, Sequence[Tensor]]  # noqa: UP007
_dtype, _device = dtype, device
_int, _float, _bool = builtins.int, builtins.float, builtins.bool
_size = Sequence[builtins.int]
