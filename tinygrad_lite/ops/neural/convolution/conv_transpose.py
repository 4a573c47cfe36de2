"""Transposed convolutions of one, two and three dimensions."""

from __future__ import annotations

from typing import Any

from ....engine.errors import InputError
from ....kernels.spatial.conv_numpy import Geometry
from ....rules import unwrap
from ....tensors.tensor_type import Tensor
from ..spatial_arguments import each, unbatched
from .conv import by_parts, check, spread

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]
FUNCTIONAL = __all__


def _conv_transpose(
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    who = f"conv_transpose{dims}d"
    check(input, weight, bias, dims, groups, True, who)
    kernel = unwrap(weight).shape[2:]
    stride, dilation = each(stride, dims, who, "stride", 1), each(dilation, dims, who, "dilation", 1)
    pads, extra = each(padding, dims, who, "padding"), each(output_padding, dims, who, "output_padding")
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise InputError(f"{who}: output_padding must be smaller than stride or dilation, got {extra} with stride "
                         f"{stride} and dilation {dilation}")  # fmt: skip

    def run(y: Any) -> Any:
        small = unwrap(y).shape[2:]
        large = tuple([
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, k, s, p, d, e in zip(small, kernel, stride, pads, dilation, extra)
        ])  # fmt: skip
        if min(large) < 1 or 0 in small:
            raise InputError(f"{who}: the result must not be empty, got size {large} from input size {small}")
        geometry = Geometry(large, small, kernel, stride, pads, dilation, groups)
        return by_parts(spread, y, weight, bias, geometry)

    return unbatched(run, input, dims, who)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Transposed convolution in 1 dimension: what `conv1d` does to the gradient of its result.

    Parameters
    ----------
    input : Tensor, shape (N, A, L) or (A, L)
    weight : Tensor, shape (A, C / groups, kL)
    bias : Tensor, shape (C,), optional
    stride, padding, dilation : int, or a tuple of one
        Those of the convolution.
    output_padding : int, or a tuple of one
        Added to the result's size at the end, where several sizes give the same input size.
    groups : int

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.
    TypeError
        For arguments of different dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conv_transpose1d(tg.tensor([[[1.0, 2.0]]]), tg.tensor([[[1.0, 10.0]]]))
    tensor([[[ 1., 12., 20.]]])
    """
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Transposed convolution in 2 dimensions: what `conv2d` does to the gradient of its result.

    Parameters
    ----------
    input : Tensor, shape (N, A, H, W) or (A, H, W)
    weight : Tensor, shape (A, C / groups, kH, kW)
    bias : Tensor, shape (C,), optional
    stride, padding, dilation : int or 2 of them
        Those of the convolution.
    output_padding : int or 2 of them
        Added to the result's size at the end, where several sizes give the same input size.
    groups : int

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.
    TypeError
        For arguments of different dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conv_transpose2d(tg.ones(1, 1, 2, 2), tg.ones(1, 1, 2, 2), stride=2).shape
    (1, 1, 4, 4)
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Transposed convolution in 3 dimensions: what `conv3d` does to the gradient of its result.

    Parameters
    ----------
    input : Tensor, shape (N, A, D, H, W) or (A, D, H, W)
    weight : Tensor, shape (A, C / groups, kD, kH, kW)
    bias : Tensor, shape (C,), optional
    stride, padding, dilation : int or 3 of them
        Those of the convolution.
    output_padding : int or 3 of them
        Added to the result's size at the end, where several sizes give the same input size.
    groups : int

    Returns
    -------
    Tensor, shape (N, C, ...) or (C, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.
    TypeError
        For arguments of different dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conv_transpose3d(tg.ones(1, 3, 2, 2, 2), tg.ones(3, 2, 3, 3, 3)).shape
    (1, 2, 4, 4, 4)
    """
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
