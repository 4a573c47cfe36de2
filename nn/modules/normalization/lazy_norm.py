"""Normalizations that find out the number of their input's channels when they are first called."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import int64, zeros

from ...parameter import UninitializedBuffer, UninitializedParameter
from ..lazy import Lazy
from .batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d


class _LazyNorm(Lazy):
    """A normalization that takes ``num_features`` from its first input.

    Parameters
    ----------
    affine, track_running_stats, bias : bool
        Both instance and batch normalizations have a weight, a bias and running statistics by default here.
    """

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        plain: Any = self.cls_to_become
        plain.__init__(self, 0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _make_parameters(self, bias: bool, dtype: Any) -> None:
        this: Any = self
        track = this.track_running_stats
        for name, wanted in (("weight", this.affine), ("bias", this.affine and bias)):
            self.register_parameter(name, UninitializedParameter(dtype=dtype) if wanted else None)
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, UninitializedBuffer(dtype=dtype) if track else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=int64) if track else None)

    def _input_size(self, input: Any) -> int:
        this: Any = self
        this._check_input_dim(input)
        return input.shape[0 if this._alone(input) else 1]

    def _loaded_size(self) -> int | None:
        values = [*self.parameters(False), *(buffer for buffer in self.buffers(False) if buffer.ndim)]
        return values[0].shape[0] if values else None

    def _take_size(self, size: int) -> None:
        self.num_features = size

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        names = ("weight", "bias", "running_mean", "running_var")
        return dict.fromkeys(names, (self.num_features,))


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A `BatchNorm1d` that takes ``num_features`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyBatchNorm1d()(tg.randn(2, 5, 6)).shape
    (2, 5, 6)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A `BatchNorm2d` that takes ``num_features`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyBatchNorm2d()(tg.randn(2, 5, 6, 6)).shape
    (2, 5, 6, 6)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A `BatchNorm3d` that takes ``num_features`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyBatchNorm3d()(tg.randn(2, 5, 4, 4, 4)).shape
    (2, 5, 4, 4, 4)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """A `InstanceNorm1d` that takes ``num_features`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyInstanceNorm1d()(tg.randn(2, 5, 6)).shape
    (2, 5, 6)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """A `InstanceNorm2d` that takes ``num_features`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyInstanceNorm2d()(tg.randn(2, 5, 6, 6)).shape
    (2, 5, 6, 6)
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """A `InstanceNorm3d` that takes ``num_features`` from its first input; the other arguments are the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LazyInstanceNorm3d()(tg.randn(2, 5, 4, 4, 4)).shape
    (2, 5, 4, 4, 4)
    """

    cls_to_become = InstanceNorm3d
