"""`max_pool1d`, `2d`, `3d`: maxima over windows, and where they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....kernels.spatial import loops
from ....kernels.spatial.max_pool_numpy import Windows
from ....rules import differentiable, unwrap, wrap
from ....tensors.row_types import with_indices
from ....tensors.tensor_type import Tensor
from ...argument_names import ordered_only
from ...pointwise.clamp_round_where import where
from ...shape.stencil import remembered
from ..spatial_arguments import Ints, each, pooled_size, unbatched

__all__ = [
    "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_pool3d",
    "max_pool3d_with_indices",
]  # fmt: skip
FUNCTIONAL = __all__

# --- rows --------------------------------------------------------------------------------------------------------


def _maxima(x: Any, windows: Windows) -> tuple[Any, Any]:
    """The maxima, and where they lie, counted through all spatial dimensions."""
    out = np.empty((*x.shape[:2], *windows.small), x.dtype)
    index = np.empty(out.shape, np.int32)
    if out.size:
        lead = (1,) * (3 - len(windows.large))
        planes = np.ascontiguousarray(x).reshape(-1, *lead, *windows.large)
        small = out.reshape(-1, *lead, *windows.small)
        loops.max_pool(planes, windows, small, index.reshape(small.shape))
    return out, index


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
        loops.scatter(np.ascontiguousarray(y).reshape(planes), index.reshape(planes), out.reshape(planes))
    return out


# --- windows ------------------------------------------------------------------------------------------------------


def windows_along(size: Ints, spans: Any, steps: Ints) -> Windows:
    """Windows by where they start and stop along each dimension."""
    lead = 3 - len(size)
    arrays = [np.array(s, np.intp).reshape(-1, 2) for s in ([(0, 1)],) * lead + tuple(spans)]
    line = arrays[2]
    longest = int(np.max(line[:, 1] - line[:, 0], initial=1))
    (full,) = np.nonzero(line[:, 1] - line[:, 0] == longest)
    first, last = (int(full[0]), int(full[-1]) + 1) if len(full) else (0, 0)
    gaps = np.diff(line[first:last, 0])
    apart = int(gaps[0]) if len(gaps) and (gaps == gaps[0]).all() else 0
    if apart not in (1, 2) or len(full) < last - first:
        first, last, apart = 0, 0, 1
    regular = first, last, apart, -(-longest // steps[-1])
    small, step = tuple(map(len, spans)), np.array((1,) * lead + steps, np.intp)
    return Windows(size, small, (arrays[0], arrays[1], line), step, regular)


def _within(size: Ints, spans: Any) -> tuple[Any, tuple[Any, Any] | None]:
    """Spans that all hold an entry of the input, and `Windows.nothing`, which says of which windows that is not true.

    Dilation can carry a window's taps from the padding before the input to that behind it.
    """
    if all((line[:, 0] < n).all() for line, n in zip(spans, size)):
        return spans, None
    starts = np.meshgrid(*[line[:, 0] for line in spans], indexing="ij")
    outside = np.logical_or.reduce([start >= n for start, n in zip(starts, size)])
    places = starts[0]
    for n, start in zip(size[1:], starts[1:]):
        places = places * n + start
    inside = [np.where(line[:, :1] < n, line, (n - 1, n)) for n, line in zip(size, spans)]
    return inside, (outside, places)


def evenly(size: int, count: int) -> tuple[Any, Any]:
    """Where `count` windows that cover a dimension evenly begin and end."""
    o = np.arange(count)
    return o * size // count, -(-(o + 1) * size // count)


@remembered
def _regular(size: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, counts: Ints) -> Windows:
    spans = []
    for n, k, s, p, d, count in zip(size, kernel, stride, padding, dilation, counts):
        starts = np.arange(count) * s - p
        spans.append(np.stack([np.where(starts >= 0, starts, starts % d), np.minimum(starts + d * (k - 1) + 1, n)], 1))
    spans, nothing = _within(size, spans)
    return windows_along(size, spans, dilation)._replace(nothing=nothing)


def pooled(x: Any, windows: Windows, return_indices: bool) -> Any:
    """The maxima and, if asked for, where they lie."""
    if not return_indices:
        return _or_nothing(_max_pool.record((x, windows)), windows)
    _, index = _maxima(unwrap(x), windows)
    out = _or_nothing(pick.record((x, index, windows.large)), windows)
    return out, wrap(counted(index, windows))


def counted(index: Any, windows: Windows) -> Any:
    """Where maxima lie, as PyTorch counts it, also of windows that hold no entry."""
    return (index if windows.nothing is None else np.where(*windows.nothing, index)).astype(np.int64)


def _or_nothing(out: Any, windows: Windows) -> Any:
    """The lowest value, which depends on nothing, for windows that hold no entry."""
    if windows.nothing is None:
        return out
    dtype = unwrap(out).dtype
    return where(windows.nothing[0], -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min), out)


def _max(
    dims: int, input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool, return_indices: bool
) -> Any:
    who = f"max_pool{dims}d"
    ordered_only(input, who)

    def run(x: Any) -> Any:
        size = unwrap(x).shape[2:]
        k, s, p, counts = pooled_size(size, kernel, stride, padding, dilation, ceil, who)
        steps = each(dilation, dims, who, "dilation", 1)
        return pooled(x, _regular(size, k, s, p, steps, counts), return_indices)

    return unbatched(run, input, dims, who, channels=True)


@with_indices
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
    kernel_size : int, or a tuple of one
    stride : int, optional
        Default: the kernel's size.
    padding : int, or a tuple of one
        At both ends, at most half a kernel; it is never the maximum.
    dilation : int, or a tuple of one
        Distance between the entries of a window. One whose entries all lie outside gives the lowest value.
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
) -> tuple[Tensor, Tensor]:
    """`max_pool1d` that always returns the indices, too."""
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


@with_indices
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
        Distance between the entries of a window. One whose entries all lie outside gives the lowest value.
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
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` that always returns the indices, too."""
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


@with_indices
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
        Distance between the entries of a window. One whose entries all lie outside gives the lowest value.
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
) -> tuple[Tensor, Tensor]:
    """`max_pool3d` that always returns the indices, too."""
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode, True)
