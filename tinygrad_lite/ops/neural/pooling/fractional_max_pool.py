"""`fractional_max_pool2d`, `3d`: maxima over windows of random places."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....engine.errors import InputError
from ....engine.quiet import quietly
from ....rules import unwrap, wrap
from ....tensors.row_types import Floating, with_indices
from ....tensors.tensor_type import Tensor
from ...argument_names import floating_only, ordered_only
from ...random.random_streams import uniform
from ..spatial_arguments import Ints, each, unbatched
from .max_pool import pick

__all__ = [
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]  # fmt: skip
FUNCTIONAL = __all__


@quietly
def _starts(samples: Any, size: int, kernel: int, count: int) -> Any:
    """Where windows start: about evenly, shifted by a sample in [0, 1); the last one at the end."""
    if count < 2:
        return np.full((*samples.shape, count), size - kernel)
    alpha = samples.dtype.type((size - kernel) / (count - 1))
    steps = np.arange(count, dtype=samples.dtype)
    first = ((steps + samples[..., None]) * alpha).astype(np.intp) - (samples[..., None] * alpha).astype(np.intp)
    first[..., -1] = size - kernel
    return first  # (N, C, count)


def _argmax(x: Any, kernel: Ints, counts: Ints, samples: Any) -> Any:
    """Positions of the maxima, counted through the spatial dimensions; PyTorch's samples are (x, y) or (z, y, x)."""
    dims, size = len(kernel), x.shape[2:]
    if not x.size or 0 in counts:
        return np.zeros((*x.shape[:2], *counts), np.intp)
    places: Any = np.zeros((1,) * (2 + 2 * dims), np.intp)
    for d, (n, k, count) in enumerate(zip(size, kernel, counts)):
        at = _starts(samples[..., 1 - d if dims == 2 else d], n, k, count)[..., None] + np.arange(k)  # (N, C, count, k)
        shape = [1] * (2 * dims)
        shape[d], shape[dims + d] = count, k
        places = places * n + at.reshape(*at.shape[:2], *shape)
    flat = places.reshape(*x.shape[:2], -1)
    windows = np.take_along_axis(x.reshape(*x.shape[:2], -1), flat, 2).reshape(*x.shape[:2], *counts, -1)
    best = np.argmax(windows, axis=-1)
    return np.take_along_axis(places.reshape(windows.shape), best[..., None], -1)[..., 0]


def _sizes(value: Any, dims: int, who: str, name: str, low: int) -> Ints:
    """One integer for all dimensions or one for each; a sequence of one is refused, as PyTorch refuses it."""
    if isinstance(value, (tuple, list)) and len(value) != dims:
        raise InputError(f"{who}: {name} must either be a single integer or {dims} of them, got {value!r}")
    return each(value, dims, who, name, low)


def _fractional(
    dims: int, input: Any, kernel: Any, size: Any, ratio: Any, samples: Any, generator: Any, return_indices: bool
) -> Any:
    who = f"fractional_max_pool{dims}d"
    ordered_only(floating_only(input, who), who)
    k = _sizes(kernel, dims, who, "kernel_size", 1)
    if (size is None) == (ratio is None):
        raise InputError(f"{who}: give either output_size or output_ratio, got {size} and {ratio}")

    def run(x: Any) -> Any:
        large = unwrap(x).shape[2:]
        if size is not None:
            counts = _sizes(size, dims, who, "output_size", 0)
        else:
            ratios = ratio if isinstance(ratio, (tuple, list)) else (ratio,) * dims
            if len(ratios) != dims or not all(0 < r < 1 for r in ratios):
                raise InputError(f"{who}: output_ratio must be {dims} numbers in (0, 1), got {ratio}")
            counts = each([int(n * r) for n, r in zip(large, ratios)], dims, who, "output_size", 1)
        if any(m + a - 1 > n for n, m, a in zip(large, counts, k)):
            raise InputError(f"{who}: windows {k} and output size {counts} must fit the input, got size {large}")
        shape = (*unwrap(x).shape[:2], dims)
        drawn = uniform(shape, np.float32, generator) if samples is None else np.asarray(unwrap(samples))
        if drawn.shape[1:] != shape[1:] or len(drawn) < shape[0]:  # more than are needed are as good, as in PyTorch
            raise InputError(f"{who}: _random_samples must have shape {shape}, got {drawn.shape}")
        index = _argmax(unwrap(x), k, counts, drawn[: shape[0]])
        values = pick.record((x, index, large))
        return (values, wrap(index.astype(np.int64))) if return_indices else values

    inner = unwrap(input).ndim > dims + 1  # PyTorch lets the first dimension be empty, whichever it is
    return unbatched(run, input, dims, who, channels=inner)


@with_indices
def fractional_max_pool2d(
    input: Floating,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    generator: Any = None,
) -> Any:
    """Maxima over windows whose distances are random, such that the result has the size asked for.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W), floating
    kernel_size : int or 2 of them
    output_size : int or 2 of them, optional
        This or `output_ratio`.
    output_ratio : float or 2 of them, optional
        The output size as a part of the input's, between 0 and 1.
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.
    _random_samples : Tensor, shape (N, C, 2), optional
        Shifts in [0, 1) along W, H.
    generator : Generator, optional
        What they are drawn with. Default: the global one.

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    References
    ----------
    Graham, "Fractional max-pooling", 2014, section 2.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fractional_max_pool2d(tg.ones(2, 9, 9), 2, output_ratio=0.6).shape
    (2, 5, 5)
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples, generator, return_indices)


def fractional_max_pool2d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = True,
    _random_samples: Any = None,
    *,
    generator: Any = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` that always returns the indices, too."""
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples, generator, True)


@with_indices
def fractional_max_pool3d(
    input: Floating,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
    *,
    generator: Any = None,
) -> Any:
    """Maxima over windows whose distances are random, such that the result has the size asked for.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W), floating
    kernel_size : int or 3 of them
    output_size : int or 3 of them, optional
        This or `output_ratio`.
    output_ratio : float or 3 of them, optional
        The output size as a part of the input's, between 0 and 1.
    return_indices : bool
        Return where the maxima lie, too, counted through the spatial dimensions of each channel.
    _random_samples : Tensor, shape (N, C, 3), optional
        Shifts in [0, 1) along D, H, W.
    generator : Generator, optional
        What they are drawn with. Default: the global one.

    Returns
    -------
    Tensor, shape (N, C, *output_size) or (C, *output_size); or a tuple ``(values, indices)``

    Raises
    ------
    ValueError
        For shapes and options that do not fit.

    References
    ----------
    Graham, "Fractional max-pooling", 2014, section 2.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.fractional_max_pool3d(tg.ones(2, 9, 9, 9), 2, output_ratio=0.6).shape
    (2, 5, 5, 5)
    """
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples, generator, return_indices)


def fractional_max_pool3d_with_indices(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = True,
    _random_samples: Any = None,
    *,
    generator: Any = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` that always returns the indices, too."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples, generator, True)
