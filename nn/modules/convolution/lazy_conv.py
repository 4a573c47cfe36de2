"""Convolutions that find out the number of their input's channels when they are first called."""

from __future__ import annotations

from typing import Any

from tinygrad_lite.engine.errors import InputError

from ...parameter import UninitializedParameter
from ..lazy import Lazy
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, Size


class _LazyConv(Lazy):
    """A convolution that takes ``in_channels`` from its first input.

    Parameters
    ----------
    out_channels : int
    """

    def _make_parameters(self, bias: bool, dtype: Any) -> None:
        self.register_parameter("weight", UninitializedParameter(dtype=dtype))
        self.register_parameter("bias", UninitializedParameter(dtype=dtype) if bias else None)

    def _input_size(self, input: Any) -> int:
        this: Any = self
        if input.ndim not in (this._dims + 1, this._dims + 2):
            raise InputError(
                f"{type(self).__name__}: input must have {this._dims + 1} or {this._dims + 2} dimensions, "
                f"got shape {input.shape}"
            )
        return input.shape[-this._dims - 1]

    def _loaded_size(self) -> int:
        this: Any = self
        return this.weight.shape[0] if this.transposed else this.weight.shape[1] * this.groups

    def _take_size(self, size: int) -> None:
        this: Any = self
        this.in_channels = size
        this._check(this.padding)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        this: Any = self
        shapes = {"weight": this._weight_shape()}
        return shapes if this.bias is None else {**shapes, "bias": (this.out_channels,)}


class _LazyConvForward(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        plain: Any = self.cls_to_become
        plain.__init__(
            self, 0, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )


class _LazyConvTransposed(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        plain: Any = self.cls_to_become
        plain.__init__(
            self, 0, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode,
            device, dtype,
        )  # fmt: skip


class LazyConv1d(_LazyConvForward, Conv1d):
    """A `Conv1d` that takes ``in_channels`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyConv1d(8, kernel_size=3)(tg.randn(2, 5, 6)).shape
    (2, 8, 4)
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConvForward, Conv2d):
    """A `Conv2d` that takes ``in_channels`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyConv2d(8, kernel_size=3)(tg.randn(2, 5, 6, 6)).shape
    (2, 8, 4, 4)
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConvForward, Conv3d):
    """A `Conv3d` that takes ``in_channels`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyConv3d(8, kernel_size=3)(tg.randn(2, 5, 4, 4, 4)).shape
    (2, 8, 2, 2, 2)
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTransposed, ConvTranspose1d):
    """A `ConvTranspose1d` that takes ``in_channels`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyConvTranspose1d(8, kernel_size=3)(tg.randn(2, 5, 6)).shape
    (2, 8, 8)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTransposed, ConvTranspose2d):
    """A `ConvTranspose2d` that takes ``in_channels`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyConvTranspose2d(8, kernel_size=3)(tg.randn(2, 5, 6, 6)).shape
    (2, 8, 8, 8)
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTransposed, ConvTranspose3d):
    """A `ConvTranspose3d` that takes ``in_channels`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyConvTranspose3d(8, kernel_size=3)(tg.randn(2, 5, 4, 4, 4)).shape
    (2, 8, 6, 6, 6)
    """

    cls_to_become = ConvTranspose3d
