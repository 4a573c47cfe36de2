"""Padding: elements added on the sides of the spatial dimensions (or, with negative sizes, cut off)."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_lite import Tensor, pad
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.ops.neural.spatial_arguments import each

from ..module import Module

Size = int | Sequence[int]
_ANY = -(1 << 62)  # a padding may be negative


class _Pad(Module):
    """What all pads share.

    Parameters
    ----------
    padding : int, or a pair (before, after) for each spatial dimension, the last dimension first
        Negative numbers cut off.
    """

    padding: tuple[int, ...]
    value: float | None = None
    _dims: int
    _mode = "constant"

    def __init__(self, padding: Size) -> None:
        super().__init__()
        if isinstance(padding, (tuple, list)) and len(padding) % 2:
            raise InputError(f"{type(self).__name__}: padding must be an integer or pairs of them, got {padding!r}")
        self.padding = each(padding, 2 * self._dims, type(self).__name__, "padding", _ANY)

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input."""
        if input.ndim not in (self._dims + 1, self._dims + 2):
            raise InputError(
                f"{type(self).__name__}: input must have {self._dims + 1} or {self._dims + 2} dimensions, "
                f"got shape {input.shape}"
            )
        return pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.padding}"


class _ConstantPadNd(_Pad):
    """Padding with a number.

    Parameters
    ----------
    value : float
    """

    value: float

    def __init__(self, padding: Size, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input; it may have any leading dimensions."""
        if input.ndim < self._dims:
            raise InputError(
                f"{type(self).__name__}: input must have at least {self._dims} dimensions, got shape {input.shape}"
            )
        return pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Show the sizes and the number."""
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPadNd):
    """Padding with zeros."""

    def __init__(self, padding: Size) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Show the sizes."""
        return f"{self.padding}"


class _ReflectionPadNd(_Pad):
    """Padding with the input's mirror image; the outermost element is not repeated."""

    _mode = "reflect"


class _ReplicationPadNd(_Pad):
    """Padding with the outermost element."""

    _mode = "replicate"


class _CircularPad(_Pad):
    """Padding with the other end of the input."""

    _mode = "circular"


class ConstantPad1d(_ConstantPadNd):
    """Pad signals of shape (N, C, L) or (C, L) with a number.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ConstantPad1d((1, 2), 0.5)(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[0.5000, 1.0000, 2.0000, 3.0000, 0.5000, 0.5000]])
    """

    _dims = 1


class ConstantPad2d(_ConstantPadNd):
    """Pad images of shape (N, C, H, W) or (C, H, W) with a number.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ConstantPad2d((1, 1, 2, 0), 0.5)(tg.randn(1, 3, 4, 5)).shape
    (1, 3, 6, 7)
    """

    _dims = 2


class ConstantPad3d(_ConstantPadNd):
    """Pad volumes of shape (N, C, D, H, W) or (C, D, H, W) with a number.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ConstantPad3d(1, 0.5)(tg.randn(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    _dims = 3


class ZeroPad1d(_ZeroPad):
    """Pad signals of shape (N, C, L) or (C, L) with zeros.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ZeroPad1d((1, 2))(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[0., 1., 2., 3., 0., 0.]])
    """

    _dims = 1


class ZeroPad2d(_ZeroPad):
    """Pad images of shape (N, C, H, W) or (C, H, W) with zeros.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ZeroPad2d((1, 1, 2, 0))(tg.randn(1, 3, 4, 5)).shape
    (1, 3, 6, 7)
    """

    _dims = 2


class ZeroPad3d(_ZeroPad):
    """Pad volumes of shape (N, C, D, H, W) or (C, D, H, W) with zeros.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ZeroPad3d(1)(tg.randn(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    _dims = 3


class ReflectionPad1d(_ReflectionPadNd):
    """Pad signals of shape (N, C, L) or (C, L) with the mirror image, whose edge is not repeated.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReflectionPad1d((1, 2))(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 1., 2., 3., 2., 1.]])
    """

    _dims = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Pad images of shape (N, C, H, W) or (C, H, W) with the mirror image, whose edge is not repeated.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReflectionPad2d((1, 1, 2, 0))(tg.randn(1, 3, 4, 5)).shape
    (1, 3, 6, 7)
    """

    _dims = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Pad volumes of shape (N, C, D, H, W) or (C, D, H, W) with the mirror image, whose edge is not repeated.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReflectionPad3d(1)(tg.randn(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    _dims = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Pad signals of shape (N, C, L) or (C, L) with the outermost elements.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReplicationPad1d((1, 2))(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 1., 2., 3., 3., 3.]])
    """

    _dims = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Pad images of shape (N, C, H, W) or (C, H, W) with the outermost elements.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReplicationPad2d((1, 1, 2, 0))(tg.randn(1, 3, 4, 5)).shape
    (1, 3, 6, 7)
    """

    _dims = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Pad volumes of shape (N, C, D, H, W) or (C, D, H, W) with the outermost elements.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReplicationPad3d(1)(tg.randn(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    _dims = 3


class CircularPad1d(_CircularPad):
    """Pad signals of shape (N, C, L) or (C, L) with what stands at the other end.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.CircularPad1d((1, 2))(tg.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1., 2.]])
    """

    _dims = 1


class CircularPad2d(_CircularPad):
    """Pad images of shape (N, C, H, W) or (C, H, W) with what stands at the other end.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.CircularPad2d((1, 1, 2, 0))(tg.randn(1, 3, 4, 5)).shape
    (1, 3, 6, 7)
    """

    _dims = 2


class CircularPad3d(_CircularPad):
    """Pad volumes of shape (N, C, D, H, W) or (C, D, H, W) with what stands at the other end.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.CircularPad3d(1)(tg.randn(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    _dims = 3
