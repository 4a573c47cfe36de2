"""What dtypes can hold, how they are combined, and numbers with names."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from .. import promotion
from ..dtypes import as_dtype, dtype, get_default_dtype, of
from ..engine.door import other_names
from ..rules import unwrap

__all__ = ["can_cast", "e", "finfo", "iinfo", "inf", "nan", "newaxis", "pi", "promote_types", "result_type"]

pi, e, inf, nan = math.pi, math.e, math.inf, math.nan
newaxis = None


@functools.cache
def _limits(chosen: np.dtype[Any]) -> tuple[int, str, float, float, float, float, float]:
    """Of a floating dtype: what `finfo` shows."""
    limits: Any = np.finfo(chosen)
    numbers = limits.eps, limits.max, limits.min, limits.smallest_normal, str(limits.resolution)
    eps, largest, least, tiny, resolution = map(float, numbers)
    return int(limits.bits), str(limits.dtype), eps, largest, least, tiny, resolution


class finfo:
    """Limits of a floating dtype, as Python numbers: NumPy's would widen what they meet.

    Parameters
    ----------
    type : dtype, optional
        Floating or complex, which means its parts. Default: `get_default_dtype`.

    Attributes
    ----------
    bits : int
    eps : float
        Distance of 1 to the next larger number.
    max, min : float
    tiny, smallest_normal : float
        The smallest positive number of full precision.
    resolution : float
    dtype : str

    Raises
    ------
    TypeError
        For other dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.finfo(tg.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: Any = None) -> None:
        chosen = get_default_dtype() if type is None else as_dtype(type)
        if chosen.kind not in "fc":
            raise TypeError(f"finfo: the dtype must be floating or complex, got {chosen}; there is iinfo for integers")
        self.bits, self.dtype, self.eps, self.max, self.min, self.tiny, self.resolution = _limits(chosen)
        self.smallest_normal = self.tiny

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution}, min={self.min}, max={self.max}, eps={self.eps}, "
                f"smallest_normal={self.smallest_normal}, tiny={self.tiny}, dtype={self.dtype})")  # fmt: skip


class iinfo:
    """Limits of an integer dtype.

    Parameters
    ----------
    type : dtype

    Attributes
    ----------
    bits, max, min : int
    dtype : str

    Raises
    ------
    TypeError
        For other dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.iinfo(tg.uint8)
    iinfo(min=0, max=255, dtype=uint8)
    """

    def __init__(self, type: Any) -> None:
        chosen = as_dtype(type)
        if chosen.kind not in "iu":
            raise TypeError(f"iinfo: the dtype must be of integers, got {chosen}; there is finfo for floats")
        limits = np.iinfo(chosen)
        self.bits, self.max, self.min, self.dtype = limits.bits, int(limits.max), int(limits.min), str(chosen)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


@other_names(tensor="tensor1", scalar="tensor1", scalar1="tensor1", other="tensor2", scalar2="tensor2")
def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of the sum of two tensors or numbers: what has no dimensions decides the kind, never the width.

    Parameters
    ----------
    tensor1, tensor2 : Tensor or number

    Returns
    -------
    dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.result_type(tg.tensor([1, 2]), 1.0), tg.result_type(tg.tensor([1, 2]), tg.tensor([1.0]))
    (tinygrad_lite.float32, tinygrad_lite.float32)
    """
    found = promotion.common((unwrap(tensor1), unwrap(tensor2)))
    if found is None:
        raise TypeError(f"result_type: expected Tensors or numbers, got {type(tensor1).__name__}")
    return of(found)


def promote_types(type1: Any, type2: Any) -> dtype:
    """The dtype of the sum of tensors of two dtypes.

    Parameters
    ----------
    type1, type2 : dtype

    Returns
    -------
    dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.promote_types(tg.int64, tg.float32)
    tinygrad_lite.float32
    """
    return of(promotion.meet(as_dtype(type1), as_dtype(type2)))


def can_cast(from_: Any, to: Any) -> bool:
    """Whether no kind of number is lost: complex ones, then floats, integers, and booleans; sizes do not matter.

    Parameters
    ----------
    from_, to : dtype

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.can_cast(tg.float64, tg.float16), tg.can_cast(tg.float32, tg.int64)
    (True, False)
    """
    return promotion.can_cast(as_dtype(from_), as_dtype(to))
