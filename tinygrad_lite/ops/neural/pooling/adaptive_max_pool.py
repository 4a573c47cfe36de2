"""`adaptive_max_pool1d`, `2d`, `3d`: maxima over as many windows as are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....kernels.spatial.max_pool_numpy import Windows
from ....rules import unwrap
from ....tensors.row_types import Floating, with_indices
from ....tensors.tensor_type import Tensor
from ...argument_names import floating_only, ordered_only
from ...shape.stencil import remembered
from ..spatial_arguments import Ints, spatial_sizes, unbatched
from .max_pool import evenly, pooled, windows_along

__all__ = [
    "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices",
]  # fmt: skip
FUNCTIONAL = __all__


@remembered
def _even(size: Ints, counts: Ints) -> Windows:
    spans = [np.stack(evenly(n, count), 1) for n, count in zip(size, counts)]
    return windows_along(size, spans, (1,) * len(size))


def _adaptive(dims: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    who = f"adaptive_max_pool{dims}d"
    ordered_only(floating_only(input, who), who)

    def run(x: Any) -> Any:
        size = unwrap(x).shape[2:]
        return pooled(x, _even(size, spatial_sizes(output_size, size, who)), return_indices)

    inner = unwrap(input).ndim > dims + 1  # PyTorch lets the first dimension be empty, whichever it is
    return unbatched(run, input, dims, who, channels=inner)


@with_indices
def adaptive_max_pool1d(input: Floating, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over windows chosen such that the result has the size asked for, in 1 dimension.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L), floating
    output_size : int, or a tuple of one
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


def adaptive_max_pool1d_with_indices(
    input: Any, output_size: Any, return_indices: bool = True
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` that always returns the indices, too."""
    return _adaptive(1, input, output_size, True)


@with_indices
def adaptive_max_pool2d(input: Floating, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over windows chosen such that the result has the size asked for, in 2 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W), floating
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


def adaptive_max_pool2d_with_indices(
    input: Any, output_size: Any, return_indices: bool = True
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` that always returns the indices, too."""
    return _adaptive(2, input, output_size, True)


@with_indices
def adaptive_max_pool3d(input: Floating, output_size: Any, return_indices: bool = False) -> Any:
    """Maxima over windows chosen such that the result has the size asked for, in 3 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W), floating
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


def adaptive_max_pool3d_with_indices(
    input: Any, output_size: Any, return_indices: bool = True
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` that always returns the indices, too."""
    return _adaptive(3, input, output_size, True)
