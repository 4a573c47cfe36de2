"""Upsample, UpsamplingNearest2d, UpsamplingBilinear2d: images made larger by interpolation."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_lite import Tensor
from tinygrad_lite.ops.neural.vision.interpolate import MODES

from .. import functional as F
from .._checks import check_choice
from ..module import Module

Size = int | Sequence[int]
Scale = float | Sequence[float]


class Upsample(Module):
    """Resample signals, images or volumes of shape (N, C, ...) to another size.

    Parameters
    ----------
    size : int, or one for each spatial dimension
        Of the result; either this or `scale_factor`.
    scale_factor : float, or one for each spatial dimension
    mode : {"nearest", "linear", "bilinear", "bicubic", "trilinear"}
    align_corners : bool, optional
        Whether the centres of the outermost elements stay where they are (linear and cubic modes).
    recompute_scale_factor : bool, optional
        Compute the scale anew from the sizes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Upsample(scale_factor=2)(tg.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 1., 2., 2.]]])
    >>> nn.Upsample(size=(5, 6), mode="bilinear", align_corners=True)(tg.randn(1, 3, 4, 4)).shape
    (1, 3, 5, 6)
    """

    scale_factor: float | tuple[float, ...] | None

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: Scale | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        check_choice(type(self).__name__, "mode", mode, tuple(MODES))
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, Sequence):
            self.scale_factor = tuple([float(factor) for factor in scale_factor])
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Resample the input."""
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        """Show the scale or the size, and the mode."""
        given = "scale_factor" if self.scale_factor is not None else "size"
        return f"{given}={getattr(self, given)!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Enlarge images of shape (N, C, H, W) by repeating pixels.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.UpsamplingNearest2d(scale_factor=2)(tg.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Enlarge images of shape (N, C, H, W) bilinearly; the corners stay where they are.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.UpsamplingBilinear2d(size=(1, 5))(tg.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000, 2.5000, 3.0000]]]])
    """

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
