"""Formulas that have a compiled loop for large arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.loops.row_loops import piece
from ..kernels.native.parallel import in_parts

LARGE = 2048  # elements from which a compiled loop is worth its call
_F32 = np.dtype(np.float32)


def large(x: Any) -> bool:
    """Is a compiled loop worth its call, and possible?"""
    return bool(x.size >= LARGE and x.flags.c_contiguous and x.dtype.char in "fd")


def memory_order(x: Any) -> list[int] | None:
    """The dimensions of an array from the outermost in memory to the innermost; None where they stand so already.

    What loops over flat memory is called with ``x.transpose(order)``, and its result turned back: so it lies as the
    input does, which is what NumPy's own loops and PyTorch's elementwise functions do.
    """
    if x.flags.c_contiguous or 0 in x.strides:
        return None
    order = sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
    return order if order != list(range(x.ndim)) else None


def turned_back(out: Any, order: list[int]) -> Any:
    """The result for ``x.transpose(order)`` as that for `x`."""
    return out.transpose(sorted(range(out.ndim), key=order.__getitem__))


def fused(kernel: Any, formula: Callable[..., Any], numbers: int = 0) -> Callable[..., Any]:
    """A formula that large arrays of float32 have a compiled loop for.

    Parameters
    ----------
    kernel : Kernel
        Called with the arrays, flat, the result and the numbers.
    formula : callable
        Called with the arrays and the numbers.
    numbers : int
        How many of the formula's arguments, the last ones, are numbers.
    """

    def function(*args: Any) -> Any:
        if type(args[0]) is np.ndarray and args[0].size < LARGE:  # first of all: small arrays feel every check
            return formula(*args)
        arrays, options = (args[:-numbers], args[-numbers:]) if numbers else (args, ())
        if not all(type(a) is np.ndarray and a.dtype is _F32 and a.size >= LARGE for a in arrays):
            return formula(*args)
        x = arrays[-1]
        if not all(a.shape == x.shape for a in arrays) or not all(type(n) in (int, float) for n in options):
            return formula(*args)
        if order := memory_order(x):
            return turned_back(function(*[a.transpose(order) for a in arrays], *options), order)
        out = np.empty(x.shape, _F32)
        flat = [np.ascontiguousarray(a).reshape(-1) for a in (*arrays, out)]  # a gradient may be one number, expanded
        single = [np.float32(n) for n in options]
        in_parts(kernel, piece(), flat, *single)
        return out

    return function
