"""Pools that are told the size of their result: adaptive and fractional ones."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_lite import Generator, Tensor
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ...module import Module
from .pooling import Result, Size

OutputSize = int | None | Sequence[int | None]


class _Adaptive(Module):
    """A pool with windows that cover the input and give a result of the wanted size.

    Parameters
    ----------
    output_size : int or None, or one for each spatial dimension
        None keeps the input's size.
    """

    _dims: int

    def __init__(self, output_size: OutputSize) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Show the size."""
        return f"output_size={self.output_size}"


class _AdaptiveAvgPoolNd(_Adaptive):
    """The means of windows."""

    def forward(self, input: Tensor) -> Tensor:
        """Pool to the size."""
        return getattr(F, f"adaptive_avg_pool{self._dims}d")(input, self.output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """The means of windows that cover signals of shape (N, C, L) or (C, L).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AdaptiveAvgPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[2.0000, 3.5000]])
    """

    _dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The means of windows that cover images of shape (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AdaptiveAvgPool2d((1, None))(tg.randn(2, 3, 5, 7)).shape
    (2, 3, 1, 7)
    """

    _dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """The means of windows that cover volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AdaptiveAvgPool3d(2)(tg.randn(2, 3, 5, 7, 4)).shape
    (2, 3, 2, 2, 2)
    """

    _dims = 3


class _AdaptiveMaxPoolNd(_Adaptive):
    """The maxima of windows.

    Parameters
    ----------
    return_indices : bool
        Also return where the maxima are.
    """

    def __init__(self, output_size: OutputSize, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Result:
        """Pool to the size."""
        return getattr(F, f"adaptive_max_pool{self._dims}d")(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The maxima of windows that cover signals of shape (N, C, L) or (C, L).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AdaptiveMaxPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[3., 5.]])
    """

    _dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The maxima of windows that cover images of shape (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AdaptiveMaxPool2d(3)(tg.randn(2, 3, 5, 7)).shape
    (2, 3, 3, 3)
    """

    _dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The maxima of windows that cover volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.AdaptiveMaxPool3d(2)(tg.randn(2, 3, 5, 7, 4)).shape
    (2, 3, 2, 2, 2)
    """

    _dims = 3


class _FractionalMaxPool(Module):
    """The maxima of windows whose places are drawn.

    Parameters
    ----------
    kernel_size : int, or one for each spatial dimension
    output_size : int, or one for each spatial dimension
        Either this or `output_ratio`.
    output_ratio : float in (0, 1), or one for each spatial dimension
        The result's size divided by the input's.
    return_indices : bool
        Also return where the maxima are.
    generator : Generator, optional
        What the places are drawn with; not in PyTorch.
    """

    _dims: int
    _random_samples: Tensor | None
    generator: Generator | None = None  # of the class, for layers out of PyTorch's files

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise InputError(
                f"{type(self).__name__}: one of output_size and output_ratio must be given, "
                f"got {output_size} and {output_ratio}"
            )
        ratios = () if output_ratio is None else output_ratio if isinstance(output_ratio, Sequence) else (output_ratio,)
        if not all(0 < ratio < 1 for ratio in ratios):
            raise InputError(f"{type(self).__name__}: output_ratio must be in (0, 1), got {output_ratio}")
        self.kernel_size = kernel_size
        self.output_size = output_size
        self.output_ratio = output_ratio if output_ratio is None or len(ratios) > 1 else tuple(ratios) * self._dims
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.generator = generator

    def forward(self, input: Tensor) -> Result:
        """Draw places and pool."""
        pool = getattr(F, f"fractional_max_pool{self._dims}d")
        return pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
            generator=self.generator,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maxima of windows whose places are drawn, in images of shape (N, C, H, W) or (C, H, W).

    References
    ----------
    Graham, "Fractional max-pooling", 2014.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.FractionalMaxPool2d(3, output_ratio=0.5)(tg.randn(2, 3, 16, 12)).shape
    (2, 3, 8, 6)
    """

    _dims = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The maxima of windows whose places are drawn, in volumes of shape (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.FractionalMaxPool3d(2, output_size=3)(tg.randn(2, 3, 8, 9, 10)).shape
    (2, 3, 3, 3, 3)
    """

    _dims = 3
