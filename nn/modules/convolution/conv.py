"""Convolutions and transposed convolutions over one, two or three spatial dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_lite import Tensor, empty, pad
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.ops.neural.spatial_arguments import each

from ... import functional as F
from ... import init
from ..._checks import check_choice, check_device
from ...module import Module
from ...parameter import Parameter

Size = int | Sequence[int]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, dilation : int, or one for each spatial dimension
        Size of the window, its step, and the distance of the elements in it.
    padding : int, one for each spatial dimension, "same" or "valid"
        Elements added on both sides; "same" keeps the size (and needs a stride of 1), "valid" adds none.
    groups : int
        Parts into which the channels are split; each sees only its own.
    bias : bool
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What is added.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.
    """

    weight: Parameter
    bias: Parameter | None
    _dims: int
    transposed = False

    def _setup(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Size | str,
        dilation: Size,
        output_padding: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        who, dims = type(self).__name__, self._dims
        check_device(who, device)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = each(kernel_size, dims, who, "kernel_size", 1)
        self.stride = each(stride, dims, who, "stride", 1)
        self.dilation = each(dilation, dims, who, "dilation", 1)
        self.output_padding = each(output_padding, dims, who, "output_padding")
        self.groups = groups
        self.padding_mode = padding_mode
        self._check(padding)
        self.padding = padding if isinstance(padding, str) else each(padding, dims, who, "padding")
        self._make_parameters(bias, dtype)
        self.reset_parameters()

    def _check(self, padding: Size | str) -> None:
        who = type(self).__name__
        for name, size in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if size % self.groups:
                raise InputError(f"{who}: {name} must be divisible by groups={self.groups}, got {size}")
        check_choice(who, "padding_mode", self.padding_mode, PADDING_MODES)
        if isinstance(padding, str):
            check_choice(who, "padding", padding, ("valid", "same"))
            if padding == "same" and any(step != 1 for step in self.stride):
                raise InputError(f"{who}: padding='same' needs a stride of 1, got {self.stride}")

    def _make_parameters(self, bias: bool, dtype: Any) -> None:
        self.weight = Parameter(empty(*self._weight_shape(), dtype=dtype))
        self.register_parameter("bias", Parameter(empty(self.out_channels, dtype=dtype)) if bias else None)

    def _pytorchs_attributes(self) -> dict[str, Any]:
        return {"transposed": self.transposed, "_reversed_padding_repeated_twice": self._pads()}

    @property
    def _reversed_padding_repeated_twice(self) -> list[int]:
        return self._pads()

    def _weight_shape(self) -> tuple[int, ...]:
        channels = (self.out_channels, self.in_channels)
        first, second = channels[::-1] if self.transposed else channels
        return (first, second // self.groups, *self.kernel_size)

    def _pads(self) -> list[int]:
        """The padding before and after, as `pad` takes it: last dimension first."""
        pads = []
        for i in reversed(range(self._dims)):
            if isinstance(self.padding, str):
                whole = self.dilation[i] * (self.kernel_size[i] - 1) if self.padding == "same" else 0
                pads += [whole // 2, whole - whole // 2]
            else:
                pads += [self.padding[i]] * 2
        return pads

    def reset_parameters(self) -> None:
        """Draw the parameters anew, from U(-b, b) with b = 1 / sqrt(weight.shape[1] * kernel elements)."""
        fan_in = math.prod(self.weight.shape[1:])
        if fan_in:  # else there is nothing to draw, and nothing a bias could be scaled by
            init.kaiming_uniform_(self.weight, a=math.sqrt(5.0))
        if self.bias is not None:
            bound = 1.0 / math.sqrt(fan_in) if fan_in else 0.0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Show the sizes, and what differs from the defaults."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (usual,) * self._dims:
                text += f", {name}={value}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class _Conv(_ConvNd):
    """A convolution; the subclasses say over how many dimensions."""

    def __init__(
        self,
        in_channels: int,
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
        self._setup(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device,
            dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Convolve."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution with another weight, under the name by which subclasses of PyTorch's layers call it."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = pad(input, self._pads(), self.padding_mode), 0
        convolve = getattr(F, f"conv{self._dims}d")
        return convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Convolution of signals of shape (N, C, L) or (C, L).

    out[n, o] = bias[o] + sum_c weight[o, c] * input[n, c], with * the cross-correlation of signals

    Parameters are those of `Conv2d`, with one spatial dimension.

    Attributes
    ----------
    weight : Parameter, shape (out_channels, in_channels / groups, kernel_size)
    bias : Parameter, shape (out_channels,), or None

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Conv1d(4, 8, kernel_size=3, padding=1)(tg.randn(2, 4, 10)).shape
    (2, 8, 10)
    """

    _dims = 1


class Conv2d(_Conv):
    """Convolution of images of shape (N, C, H, W) or (C, H, W).

    out[n, o] = bias[o] + sum_c weight[o, c] * input[n, c], with * the cross-correlation of images

    Along each dimension the result has ``(size + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1``
    elements. The parameters start uniformly in (-b, b), b = 1 / sqrt(in_channels / groups * kernel elements).

    Attributes
    ----------
    weight : Parameter, shape (out_channels, in_channels / groups, kernel_size[0], kernel_size[1])
    bias : Parameter, shape (out_channels,), or None

    Raises
    ------
    ValueError
        If channels are not divisible by the groups, a number is out of range, or the input does not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1)(tg.randn(2, 3, 16, 16)).shape
    (2, 8, 8, 8)
    >>> nn.Conv2d(8, 8, (3, 5), padding="same", groups=8)
    Conv2d(8, 8, kernel_size=(3, 5), stride=(1, 1), padding=same, groups=8)
    """

    _dims = 2


class Conv3d(_Conv):
    """Convolution of volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Parameters are those of `Conv2d`, with three spatial dimensions.

    Attributes
    ----------
    weight : Parameter, shape (out_channels, in_channels / groups, *kernel_size)
    bias : Parameter, shape (out_channels,), or None

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Conv3d(2, 4, kernel_size=3)(tg.randn(1, 2, 5, 6, 7)).shape
    (1, 4, 3, 4, 5)
    """

    _dims = 3


class _ConvTransposeNd(_ConvNd):
    """The transpose of a convolution.

    Parameters
    ----------
    output_padding : int, or one for each spatial dimension
        Added to the size of the result on one side: several sizes of input give the same size in a convolution
        with a stride, and this says which one is meant.
    """

    transposed = True

    def __init__(
        self,
        in_channels: int,
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
        who = type(self).__name__
        if padding_mode != "zeros":
            raise InputError(f"{who}: padding_mode must be 'zeros', got {padding_mode!r}")
        if isinstance(padding, str):
            raise TypeError(f"{who}: padding must be an integer or {self._dims} of them, got {padding!r}")
        self._setup(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Convolve with the transpose; `output_size` is the result's (spatial) size instead of `output_padding`."""
        extra = self._output_padding(input, output_size)
        convolve = getattr(F, f"conv_transpose{self._dims}d")
        return convolve(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None, *_: Any, **__: Any) -> tuple[int, ...]:
        """PyTorch's name of it; what else it takes the layer knows."""
        return self.output_padding if output_size is None else self._extra(input, tuple(output_size))

    def _extra(self, input: Tensor, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """The output padding that gives these sizes."""
        if len(sizes) == input.ndim:
            sizes = sizes[-self._dims :]
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[-self._dims :], self.stride, self._pads()[::-2], self.dilation, self.kernel_size
            )
        ]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if len(sizes) != self._dims or not all(a <= n <= b for a, n, b in zip(least, sizes, most)):
            raise InputError(f"{type(self).__name__}: output_size must be from {least} to {most}, got {list(sizes)}")
        return tuple([n - a for n, a in zip(sizes, least)])


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of signals of shape (N, C, L) or (C, L): what `Conv1d` does to gradients.

    Attributes
    ----------
    weight : Parameter, shape (in_channels, out_channels / groups, kernel_size)
    bias : Parameter, shape (out_channels,), or None

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ConvTranspose1d(4, 2, kernel_size=2, stride=2)(tg.randn(1, 4, 5)).shape
    (1, 2, 10)
    """

    _dims = 1


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of images of shape (N, C, H, W) or (C, H, W): what `Conv2d` does to gradients.

    Along each dimension the result has
    ``(size - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1`` elements.

    Attributes
    ----------
    weight : Parameter, shape (in_channels, out_channels / groups, kernel_size[0], kernel_size[1])
    bias : Parameter, shape (out_channels,), or None

    Raises
    ------
    ValueError
        If channels are not divisible by the groups, a number is out of range, the input does not fit, or
        `forward` is asked for an ``output_size`` that cannot be.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> down, up = nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1)
    >>> x = tg.randn(1, 4, 12, 12)
    >>> up(down(x)).shape, up(down(x), output_size=x.shape).shape
    ((1, 4, 11, 11), (1, 4, 12, 12))
    """

    _dims = 2


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Attributes
    ----------
    weight : Parameter, shape (in_channels, out_channels / groups, *kernel_size)
    bias : Parameter, shape (out_channels,), or None

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ConvTranspose3d(2, 4, kernel_size=2, stride=2)(tg.randn(1, 2, 2, 3, 4)).shape
    (1, 4, 4, 6, 8)
    """

    _dims = 3
