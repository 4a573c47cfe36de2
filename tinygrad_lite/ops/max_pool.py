"""Maxima over windows, adaptive ones, and the way back."""

from __future__ import annotations

import math
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..kernels import backend, pool
from ..kernels.pool import Windows
from ..rules import differentiable, unwrap, wrap
from .creation import zeros
from .geometry import Ints, batched, each, pooled_size, spatial_sizes, unbatched
from .index import index_put

__all__ = [
    "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices",
    "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_pool3d",
    "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d",
]  # fmt: skip

# --- rows --------------------------------------------------------------------------------------------------------


def _maxima(x: Any, windows: Windows) -> tuple[Any, Any]:
    """The maxima, and where they lie, counted through all spatial dimensions."""
    out = np.empty((*x.shape[:2], *windows.small), x.dtype)
    index = np.empty(out.shape, np.int32)
    if out.size:
        lead = (1,) * (3 - len(windows.large))
        planes = np.ascontiguousarray(x).reshape(-1, *lead, *windows.large)
        small = out.reshape(-1, *lead, *windows.small)
        _loops(x).max_pool(planes, windows, small, index.reshape(small.shape))
    return out, index


def _loops(x: Any) -> Any:
    """The compiled functions or, without numba and for dtypes that it has not, their twins."""
    if backend() == "numba" and x.dtype != np.float16 and x.dtype.kind in "iuf":
        from ..kernels import pooling  # loads numba

        return pooling
    return SimpleNamespace(max_pool=pool.max_pool_plain, scatter=pool.scatter_plain)


def _pool_twin(x: Any, windows: Windows) -> Any:
    return pick(x, _maxima(unwrap(x), windows)[1], windows.large)


def _pool_x(g: Any, index: Any, windows: Windows) -> Any:
    return scatter(g, index, windows.large)


def _scattered(g: Any, index: Any, large: Ints) -> Any:
    return scatter(g, index, large)


@differentiable(x=_pool_x, aux=("index",), twin=_pool_twin, name="max_pool")
def _max_pool(x: Any, windows: Windows) -> Any:
    return _maxima(x, windows)


@differentiable(x=_scattered, name="pick")
def pick(x: Any, index: Any, large: Ints) -> Any:
    """``x[n, c, index]``, the index counting through all spatial dimensions."""
    flat = index.reshape(*index.shape[:2], math.prod(index.shape[2:]))
    return np.take_along_axis(x.reshape(*x.shape[:2], math.prod(large)), flat, 2).reshape(index.shape)


@differentiable(y=lambda g, index, large: pick(g, index, large), name="scatter")
def scatter(y: Any, index: Any, large: Ints) -> Any:
    """Zeros of size `large`, with `y` added at an index: the transpose of `pick`."""
    shape = (*y.shape[:2], *large)
    out = np.empty(shape, y.dtype) if y.size else np.zeros(shape, y.dtype)
    if y.size:
        planes = y.shape[0] * y.shape[1], -1
        _loops(y).scatter(np.ascontiguousarray(y).reshape(planes), index.reshape(planes), out.reshape(planes))
    return out


# --- windows ------------------------------------------------------------------------------------------------------


def _windows(size: Ints, spans: Any, steps: Ints) -> Windows:
    lead = 3 - len(size)
    arrays = [np.array(s, np.intp).reshape(-1, 2) for s in ([(0, 1)],) * lead + tuple(spans)]
    line = arrays[2]
    longest = int(np.max(line[:, 1] - line[:, 0]))
    (full,) = np.nonzero(line[:, 1] - line[:, 0] == longest)
    first, last = int(full[0]), int(full[-1]) + 1
    apart = set(np.diff(line[first:last, 0]).tolist())
    if last - first == 1 or len(full) < last - first or not apart <= {1, 2} or len(apart) > 1:
        first, last, apart = 0, 0, {1}
    regular = first, last, apart.pop(), -(-longest // steps[-1])
    small, step = tuple(map(len, spans)), np.array((1,) * lead + steps, np.intp)
    return Windows(size, small, (arrays[0], arrays[1], line), step, regular)


@lru_cache(1024)
def _regular(size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, counts: Ints) -> Windows:
    spans = []
    for n, k, s, p, d, count in zip(size, kernel, stride, padding, dilation, counts):
        starts = [o * s - p for o in range(count)]
        spans.append([(a if a >= 0 else a % d, min(a + d * (k - 1) + 1, n)) for a in starts])
    return _windows(size, spans, dilation)


@lru_cache(1024)
def _even(size: Ints, counts: Ints) -> Windows:
    spans = [[(o * n // count, -(-(o + 1) * n // count)) for o in range(count)] for n, count in zip(size, counts)]
    return _windows(size, spans, (1,) * len(size))


def _pooled(x: Any, windows: Windows, return_indices: bool) -> Any:
    if not return_indices:
        return _max_pool.record((x, windows))
    index = _maxima(unwrap(x), windows)[1]
    return pick.record((x, index, windows.large)), wrap(index.astype(np.int64))


def _max(
    dims: int, input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, return_indices: bool
) -> Any:
    who = f"max_pool{dims}d"

    def run(x: Any) -> Any:
        size = unwrap(x).shape[2:]
        k, s, p, counts = pooled_size(size, kernel, stride, padding, dilation, ceil, who)
        steps = each(dilation, dims, who, "dilation", 1)
        return _pooled(x, _regular(size, k, s, p, steps, counts), return_indices)

    return unbatched(run, input, dims, who)


def _adaptive(dims: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    who = f"adaptive_max_pool{dims}d"

    def run(x: Any) -> Any:
        size = unwrap(x).shape[2:]
        return _pooled(x, _even(size, spatial_sizes(output_size, size, who)), return_indices)

    return unbatched(run, input, dims, who)


def _unpool(
    dims: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    who = f"max_unpool{dims}d"
    k = each(kernel_size, dims, who, "kernel_size", 1)
    s = each(kernel_size if stride is None else stride, dims, who, "stride", 1)
    p = each(padding, dims, who, "padding")
    y, alone = batched(input, dims, who)
    index = unwrap(indices)
    if index.shape != unwrap(input).shape or index.dtype.kind not in "iu":
        raise ValueError(f"{who}: indices must be integers of the input's shape {unwrap(input).shape}, "
                         f"got {index.dtype} of shape {index.shape}")  # fmt: skip
    large = tuple([(n - 1) * b - 2 * c + a for n, a, b, c in zip(unwrap(y).shape[2:], k, s, p)])
    if output_size is not None:
        given = tuple(output_size)[-dims:]
        if len(output_size) not in (dims, dims + 2) or not all(
            n - b < m < n + b for n, m, b in zip(large, given, s)
        ):
            raise ValueError(f"{who}: output_size must differ from {large} by less than stride {s}, got {output_size}")
        large = given
    cells = math.prod(large)
    if index.size and (index.min() < 0 or index.max() >= cells):
        raise ValueError(f"{who}: indices must be in [0, {cells - 1}], got {index.min()} to {index.max()}")
    n, c = unwrap(y).shape[:2]
    at = (*np.ogrid[:n, :c, :1][:2], index.reshape(n, c, math.prod(index.shape[-dims:])))
    flat = y.reshape(n, c, math.prod(index.shape[-dims:]))
    out = index_put.record((zeros(n, c, cells, dtype=unwrap(y).dtype), flat, at))
    out = out.reshape(n, c, *large)
    return out[0] if alone else out



def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Maxima over windows, in 1 dimension.

    The gradient goes to one entry of each window, the one whose index is returned.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L)
    kernel_size : int
    stride : int, optional
        Default: the kernel's size.
    padding : int
        At both ends, at most half a kernel; it is never the maximum.
    dilation : int
        Distance between the entries of a window.
    ceil_mode : bool
        Also take a last window that is not complete.
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_pool1d(tg.tensor([[1.0, 3.0, 2.0, 4.0]]), 2)
    tensor([[3., 4.]])
    """
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> Any:
    """`max_pool1d` that always returns the indices, too."""
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Maxima over windows, in 2 dimensions.

    The gradient goes to one entry of each window, the one whose index is returned.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W)
    kernel_size : int or 2 of them
    stride : int or 2 of them, optional
        Default: the kernel's size.
    padding : int or 2 of them
        At both ends, at most half a kernel; it is never the maximum.
    dilation : int or 2 of them
        Distance between the entries of a window.
    ceil_mode : bool
        Also take a last window that is not complete.
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_pool2d(tg.arange(16.0).reshape(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> Any:
    """`max_pool2d` that always returns the indices, too."""
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Maxima over windows, in 3 dimensions.

    The gradient goes to one entry of each window, the one whose index is returned.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W)
    kernel_size : int or 3 of them
    stride : int or 3 of them, optional
        Default: the kernel's size.
    padding : int or 3 of them
        At both ends, at most half a kernel; it is never the maximum.
    dilation : int or 3 of them
        Distance between the entries of a window.
    ceil_mode : bool
        Also take a last window that is not complete.
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_pool3d(tg.arange(8.0).reshape(1, 2, 2, 2), 2)
    tensor([[[[7.]]]])
    """
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> Any:
    """`max_pool3d` that always returns the indices, too."""
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over windows chosen such that the result has the size asked for, in 1 dimension.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L)
    output_size : int
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and sizes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.adaptive_max_pool1d(tg.ones(2, 3), 2).shape
    (2, 2)
    """
    return _adaptive(1, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Any, output_size: Any, return_indices: bool = True) -> Any:
    """`adaptive_max_pool1d` that always returns the indices, too."""
    return _adaptive(1, input, output_size, True)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over windows chosen such that the result has the size asked for, in 2 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W)
    output_size : int or 2 of them
        None stands for the input's size.
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and sizes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.adaptive_max_pool2d(tg.ones(2, 4, 4), 2).shape
    (2, 2, 2)
    """
    return _adaptive(2, input, output_size, return_indices)


def adaptive_max_pool2d_with_indices(input: Any, output_size: Any, return_indices: bool = True) -> Any:
    """`adaptive_max_pool2d` that always returns the indices, too."""
    return _adaptive(2, input, output_size, True)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over windows chosen such that the result has the size asked for, in 3 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W)
    output_size : int or 3 of them
        None stands for the input's size.
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and sizes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.adaptive_max_pool3d(tg.ones(2, 4, 4, 4), 2).shape
    (2, 2, 2, 2)
    """
    return _adaptive(3, input, output_size, return_indices)


def adaptive_max_pool3d_with_indices(input: Any, output_size: Any, return_indices: bool = True) -> Any:
    """`adaptive_max_pool3d` that always returns the indices, too."""
    return _adaptive(3, input, output_size, True)


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Put maxima back where `max_pool1d` found them, among zeros.

    Where an index comes twice, the last value stands and the gradient goes to it alone; PyTorch gives it to all.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L)
    indices : Tensor, of the input's shape, integer
    kernel_size, stride, padding : int
        Those of the pooling.
    output_size : sequence of int, optional
        Where several sizes would have been pooled to the input's.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For indices outside the result, and shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_unpool1d(tg.tensor([[3.0, 4.0]]), tg.tensor([[1, 2]]), 2)
    tensor([[0., 3., 4., 0.]])
    """
    return _unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Put maxima back where `max_pool2d` found them, among zeros.

    Where an index comes twice, the last value stands and the gradient goes to it alone; PyTorch gives it to all.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W)
    indices : Tensor, of the input's shape, integer
    kernel_size, stride, padding : int or 2 of them
        Those of the pooling.
    output_size : sequence of int, optional
        Where several sizes would have been pooled to the input's.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For indices outside the result, and shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_unpool2d(tg.tensor([[[5.0]]]), tg.tensor([[[3]]]), 2)
    tensor([[[0., 0.],
             [0., 5.]]])
    """
    return _unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Put maxima back where `max_pool3d` found them, among zeros.

    Where an index comes twice, the last value stands and the gradient goes to it alone; PyTorch gives it to all.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W)
    indices : Tensor, of the input's shape, integer
    kernel_size, stride, padding : int or 3 of them
        Those of the pooling.
    output_size : sequence of int, optional
        Where several sizes would have been pooled to the input's.

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For indices outside the result, and shapes and options that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.max_unpool3d(tg.tensor([[[[5.0]]]]), tg.tensor([[[[7]]]]), 2)
    tensor([[[[0., 0.],
              [0., 0.]],
    <BLANKLINE>
             [[0., 0.],
              [0., 5.]]]])
    """
    return _unpool(3, input, indices, kernel_size, stride, padding, output_size)
