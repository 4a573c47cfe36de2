"""Averages over windows, also adaptive ones and those of powers."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....kernels.single_precision import rounded_once
from ....rules import unwrap, wrap
from ....tensors.row_types import Floating
from ....tensors.tensor_type import Tensor
from ...argument_names import floating_only
from ...pointwise.arithmetic import abs, div, pow
from ...pointwise.clamp_round_where import sign
from ...reduction.sums import mean
from ...shape.stencil import Stencil, blend, ranges, remembered
from ..activation.smooth import relu
from ..spatial_arguments import Ints, each, pooled_size, spatial_sizes, unbatched
from .max_pool import evenly, max_pool1d, max_pool2d, max_pool3d

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "lp_pool1d", "lp_pool2d", "lp_pool3d",
]  # fmt: skip
FUNCTIONAL = __all__


def _windows(size: int, kernel: int, stride: int, padding: int, count: int, include_pad: bool) -> tuple[Any, Any, Any]:
    """Where the entries in each window of a dimension begin and end, and its size, which may count the padding."""
    start = np.arange(count) * stride - padding
    stop = np.minimum(start + kernel, size + padding)
    first, last = np.maximum(start, 0), np.minimum(stop, size)
    return first, last, stop - start if include_pad else np.maximum(last - first, 0)


@remembered
def _boxes(
    size: int, kernel: int, stride: int, padding: int, count: int, include_pad: bool, divisor: int | None
) -> Stencil:
    """Windows of a dimension: what lies in each, divided by `divisor`, or by its size."""
    first, last, sizes = _windows(size, kernel, stride, padding, count, include_pad)
    lengths, index = ranges(first, last)
    return Stencil(size, lengths, index, np.repeat(1 / np.where(lengths, divisor or sizes, 1), lengths))


def _quotients(sums: Any, windows: list[tuple[Any, ...]], divisor: int | None) -> Any:
    """Sums of integers over the sizes of their windows, cut to integers."""
    if divisor is None:
        sizes = [_windows(*args)[2].astype(sums.dtype) for args in windows]
        return div(sums, wrap(functools.reduce(np.multiply.outer, sizes)), rounding_mode="trunc")
    return div(sums, divisor, rounding_mode="trunc")


@remembered
def adaptive(size: int, count: int) -> Stencil:
    """`count` windows that cover a dimension evenly."""
    lengths, index = ranges(*evenly(size, count))
    return Stencil(size, lengths, index, np.repeat(1 / np.maximum(lengths, 1), lengths))


def _avg(
    dims: int, input: Any, kernel: Any, stride: Any, padding: Any, ceil: bool, include_pad: bool, divisor: Any
) -> Any:
    who = f"avg_pool{dims}d"
    integers = unwrap(input).dtype == np.int64
    if not integers:
        floating_only(input, who)
    if divisor == 0:
        raise InputError(f"{who}: divisor_override must not be 0")

    def run(x: Any) -> Any:
        size = unwrap(x).shape[2:]
        k, s, p, count = pooled_size(size, kernel, stride, padding, 1, ceil, who)
        windows = [(*args, include_pad) for args in zip(size, k, s, p, count)]
        if integers:
            return _quotients(blend(x, [_boxes(*args, 1) for args in windows]), windows, divisor)
        # the first dimension's weights divide for all, so that no sum leaves float16's range
        divisors = [None if divisor is None else 1 if d else divisor for d in range(dims)]
        return blend(x, [_boxes(*args, by) for args, by in zip(windows, divisors)])

    return unbatched(run, input, dims, who, channels=True)


def _adaptive(dims: int, input: Any, output_size: Any) -> Any:
    who = f"adaptive_avg_pool{dims}d"
    floating_only(input, who)

    def run(x: Any) -> Any:
        size = unwrap(x).shape[2:]
        counts = spatial_sizes(output_size, size, who)
        if set(counts) == {1}:  # the mean of all
            return mean(x.flatten(2), 2).reshape(*unwrap(x).shape[:2], *counts)
        return blend(x, [None if n == m else adaptive(n, m) for n, m in zip(size, counts)])

    return unbatched(run, input, dims, who, channels=dims == 3 and unwrap(input).ndim == 5)


def _lp(dims: int, input: Any, norm_type: float, kernel: Any, stride: Any, ceil_mode: bool) -> Any:
    who = f"lp_pool{dims}d"
    if math.isinf(norm_type):
        pool = (max_pool1d, max_pool2d, max_pool3d)[dims - 1]
        if norm_type > 0:
            return pool(abs(input), kernel, stride, 0, 1, ceil_mode)
        return -pool(-abs(input), kernel, stride, 0, 1, ceil_mode)
    sizes: Ints = each(kernel, dims, who, "kernel_size", 1)
    out = _avg(dims, pow(input, norm_type), kernel, stride, 0, ceil_mode, True, None)
    return pow(sign(out) * relu(abs(out)) * math.prod(sizes), 1 / norm_type)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Averages over windows, in 1 dimension.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L), floating or int64
    kernel_size : int, or a tuple of one
    stride : int, optional
        Default: the kernel's size.
    padding : int, or a tuple of one
        Zeros at both ends, at most half a kernel.
    ceil_mode : bool
        Also take a last window that is not complete.
    count_include_pad : bool
        Whether the zeros count in the average.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.avg_pool1d(tg.tensor([[1.0, 2.0, 3.0, 4.0]]), 2)
    tensor([[1.5000, 3.5000]])
    """
    return _avg(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Averages over windows, in 2 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W), floating or int64
    kernel_size : int or 2 of them
    stride : int or 2 of them, optional
        Default: the kernel's size.
    padding : int or 2 of them
        Zeros at both ends, at most half a kernel.
    ceil_mode : bool
        Also take a last window that is not complete.
    count_include_pad : bool
        Whether the zeros count in the average.
    divisor_override : int, optional
        Divide all sums by this.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.avg_pool2d(tg.ones(1, 1, 4, 4), 3, padding=1, count_include_pad=False).shape
    (1, 1, 2, 2)
    """
    return _avg(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Averages over windows, in 3 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W), floating or int64
    kernel_size : int or 3 of them
    stride : int or 3 of them, optional
        Default: the kernel's size.
    padding : int or 3 of them
        Zeros at both ends, at most half a kernel.
    ceil_mode : bool
        Also take a last window that is not complete.
    count_include_pad : bool
        Whether the zeros count in the average.
    divisor_override : int, optional
        Divide all sums by this.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.avg_pool3d(tg.ones(1, 1, 4, 4, 4), 2, divisor_override=4)[0, 0, 0, 0]
    tensor([2., 2.])
    """
    return _avg(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def adaptive_avg_pool1d(input: Floating, output_size: Any) -> Tensor:
    """Averages over windows chosen such that the result has the size asked for, in 1 dimension.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L), floating
    output_size : int, or a tuple of one

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size)

    Raises
    ------
    ValueError
        For shapes and sizes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.adaptive_avg_pool1d(tg.ones(2, 3), 2).shape
    (2, 2)
    """
    return _adaptive(1, input, output_size)


def adaptive_avg_pool2d(input: Floating, output_size: Any) -> Tensor:
    """Averages over windows chosen such that the result has the size asked for, in 2 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W), floating
    output_size : int or 2 of them
        None stands for the input's size.

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size)

    Raises
    ------
    ValueError
        For shapes and sizes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.adaptive_avg_pool2d(tg.ones(2, 4, 4), 2).shape
    (2, 2, 2)
    """
    return _adaptive(2, input, output_size)


def adaptive_avg_pool3d(input: Floating, output_size: Any) -> Tensor:
    """Averages over windows chosen such that the result has the size asked for, in 3 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W), floating
    output_size : int or 3 of them
        None stands for the input's size.

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size)

    Raises
    ------
    ValueError
        For shapes and sizes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.adaptive_avg_pool3d(tg.ones(2, 4, 4, 4), 2).shape
    (2, 2, 2, 2)
    """
    return _adaptive(3, input, output_size)


@rounded_once
def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Power sums over windows, ``(sum x^p)^(1/p)``, in 1 dimension.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L), floating or integer
    norm_type : float
        The power; infinity gives the largest magnitude.
    kernel_size : int, or a tuple of one
    stride : int, optional
        Default: the kernel's size.
    ceil_mode : bool
        Also take a last window that is not complete; its sum is extended to a full window, as in PyTorch.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.lp_pool1d(tg.tensor([[3.0, 4.0, 0.0, 2.0]]), 2, 2)
    tensor([[5., 2.]])
    """
    return _lp(1, input, norm_type, kernel_size, stride, ceil_mode)


@rounded_once
def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Power sums over windows, ``(sum x^p)^(1/p)``, in 2 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W), floating or integer
    norm_type : float
        The power; infinity gives the largest magnitude.
    kernel_size : int or 2 of them
    stride : int or 2 of them, optional
        Default: the kernel's size.
    ceil_mode : bool
        Also take a last window that is not complete; its sum is extended to a full window, as in PyTorch.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.lp_pool2d(tg.ones(1, 2, 2), 2, 2)
    tensor([[[2.]]])
    """
    return _lp(2, input, norm_type, kernel_size, stride, ceil_mode)


@rounded_once
def lp_pool3d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """Power sums over windows, ``(sum x^p)^(1/p)``, in 3 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W), floating or integer
    norm_type : float
        The power; infinity gives the largest magnitude.
    kernel_size : int or 3 of them
    stride : int or 3 of them, optional
        Default: the kernel's size.
    ceil_mode : bool
        Also take a last window that is not complete; its sum is extended to a full window, as in PyTorch.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.lp_pool3d(tg.ones(1, 2, 2, 2), 2, 2)
    tensor([[[[2.8284]]]])
    """
    return _lp(3, input, norm_type, kernel_size, stride, ceil_mode)
