"""Pools: one number for each window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_lite import Tensor

from ... import functional as F
from ...module import Module

Size = int | Sequence[int]
Result = Tensor | tuple[Tensor, Tensor]


def _shown(module: Module, *names: str) -> str:
    return ", ".join([f"{name}={getattr(module, name)}" for name in names])


def _as_tuples(pool: Any) -> None:
    """Some pools keep, and show, tuples in PyTorch; the others what they are given."""
    for name in ("kernel_size", "stride", "padding"):
        value = getattr(pool, name)
        setattr(pool, name, (value,) * pool._dims if isinstance(value, int) else tuple(value))


class _Pool(Module):
    """A pool over windows of a fixed size; without a stride the windows stand side by side."""

    _dims: int
    kernel_size: Any
    stride: Any

    def __init__(self, kernel_size: Size, stride: Size | None) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride


class _MaxPoolNd(_Pool):
    """The largest element of each window.

    Parameters
    ----------
    kernel_size, stride, padding, dilation : int, or one for each spatial dimension
        Size of the window, its step (the kernel's size by default), what is added on both sides (minus infinity),
        and the distance of the elements in the window.
    return_indices : bool
        Also return where the maxima are, for `MaxUnpool2d` and its like.
    ceil_mode : bool
        Keep a last window that is not full.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride)
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Result:
        """Pool the windows."""
        pool = getattr(F, f"max_pool{self._dims}d")
        return pool(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        """Show the windows."""
        return _shown(self, "kernel_size", "stride", "padding", "dilation", "ceil_mode")


class MaxPool1d(_MaxPoolNd):
    """The largest element of each window of signals of shape (N, C, L) or (C, L).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.MaxPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[3., 5.]])
    """

    _dims = 1


class MaxPool2d(_MaxPoolNd):
    """The largest element of each window of images of shape (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.MaxPool2d(3, stride=2, padding=1)(tg.randn(2, 3, 8, 8)).shape
    (2, 3, 4, 4)
    """

    _dims = 2


class MaxPool3d(_MaxPoolNd):
    """The largest element of each window of volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.MaxPool3d(2)(tg.randn(1, 2, 4, 6, 8)).shape
    (1, 2, 2, 3, 4)
    """

    _dims = 3


class _MaxUnpoolNd(_Pool):
    """Put maxima back where they were, zeros elsewhere.

    Parameters
    ----------
    kernel_size, stride, padding : int, or one for each spatial dimension
        Those of the pool.
    """

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__(kernel_size, stride)
        self.padding = padding
        _as_tuples(self)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Put `input` to `indices`, both as a pool with ``return_indices=True`` gave them."""
        unpool = getattr(F, f"max_unpool{self._dims}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        """Show the windows."""
        return _shown(self, "kernel_size", "stride", "padding")


class MaxUnpool1d(_MaxUnpoolNd):
    """Put the maxima of `MaxPool1d` back where they were, zeros elsewhere.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> maxima, places = nn.MaxPool1d(2, return_indices=True)(tg.tensor([[1.0, 3.0, 5.0, 2.0]]))
    >>> nn.MaxUnpool1d(2)(maxima, places)
    tensor([[0., 3., 5., 0.]])
    """

    _dims = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """Put the maxima of `MaxPool2d` back where they were, zeros elsewhere.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> maxima, places = nn.MaxPool2d(2, return_indices=True)(tg.tensor([[[1.0, 3.0], [5.0, 2.0]]]))
    >>> nn.MaxUnpool2d(2)(maxima, places)
    tensor([[[0., 0.],
             [5., 0.]]])
    """

    _dims = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """Put the maxima of `MaxPool3d` back where they were, zeros elsewhere.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> maxima, places = nn.MaxPool3d(2, return_indices=True)(tg.randn(1, 2, 2, 2))
    >>> nn.MaxUnpool3d(2)(maxima, places).shape
    (1, 2, 2, 2)
    """

    _dims = 3


class _AvgPoolNd(_Pool):
    """The mean of each window.

    Parameters
    ----------
    kernel_size, stride, padding : int, or one for each spatial dimension
        Size of the window, its step (the kernel's size by default), zeros added on both sides.
    ceil_mode : bool
        Keep a last window that is not full.
    count_include_pad : bool
        Whether the zeros that were added count.
    divisor_override : int, optional
        Divide the sum by this instead of the count.
    """

    divisor_override: int | None = None

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride)
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Pool the windows."""
        divisor = () if self._dims == 1 else (self.divisor_override,)
        pool = getattr(F, f"avg_pool{self._dims}d")
        return pool(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, *divisor
        )

    def extra_repr(self) -> str:
        """Show the windows."""
        return _shown(self, "kernel_size", "stride", "padding")


class AvgPool1d(_AvgPoolNd):
    """The mean of each window of signals of shape (N, C, L) or (C, L).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AvgPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[2.0000, 3.5000]])
    """

    _dims = 1

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        _as_tuples(self)


class _AvgPoolDivided(_AvgPoolNd):
    """An average whose divisor can be given."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override


class AvgPool2d(_AvgPoolDivided):
    """The mean of each window of images of shape (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AvgPool2d(2)(tg.tensor([[[1.0, 3.0], [5.0, 3.0]]]))
    tensor([[[3.]]])
    """

    _dims = 2


class AvgPool3d(_AvgPoolDivided):
    """The mean of each window of volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AvgPool3d(2)(tg.randn(1, 2, 4, 6, 8)).shape
    (1, 2, 2, 3, 4)
    """

    _dims = 3


class _LPPoolNd(_Pool):
    """(sum |x|^p)^(1/p) of each window.

    Parameters
    ----------
    norm_type : float
        p.
    kernel_size, stride : int, or one for each spatial dimension
        Size of the window and its step (the kernel's size by default).
    ceil_mode : bool
        Keep a last window that is not full.
    """

    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(kernel_size, stride)
        self.stride = stride
        self.norm_type = norm_type
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        """Pool the windows."""
        pool = getattr(F, f"lp_pool{self._dims}d")
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        """Show the norm and the windows."""
        return _shown(self, "norm_type", "kernel_size", "stride", "ceil_mode")


class LPPool1d(_LPPoolNd):
    """The p-norm of each window of signals of shape (N, C, L) or (C, L).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LPPool1d(2, 2)(tg.tensor([[3.0, 4.0, 0.0, 1.0]]))
    tensor([[5., 1.]])
    """

    _dims = 1


class LPPool2d(_LPPoolNd):
    """The p-norm of each window of images of shape (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LPPool2d(2, 2)(tg.ones(1, 2, 2))
    tensor([[[2.]]])
    """

    _dims = 2


class LPPool3d(_LPPoolNd):
    """The p-norm of each window of volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LPPool3d(1, 2)(tg.ones(1, 2, 2, 2))
    tensor([[[[8.]]]])
    """

    _dims = 3
