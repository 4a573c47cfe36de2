"""`SyncBatchNorm`: batch normalization over the batches of all ranks."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import Tensor, cat, no_grad
from tinygrad_lite.distributed.functional import all_reduce
from tinygrad_lite.distributed.world import is_initialized, resolve
from tinygrad_lite.engine.errors import InputError

from ...module import Module
from .batch_norm import _BatchNorm


class SyncBatchNorm(_BatchNorm):
    """Batch normalization of inputs of shape (N, C, ...) over the rows of all ranks, as one process would do it.

    Parameters
    ----------
    num_features : int
        C.
    eps, momentum, affine, track_running_stats, device, dtype, bias
        As of `BatchNorm1d`.
    process_group : ProcessGroup, optional
        All ranks by default; without a group it is batch normalization.

    Notes
    -----
    Ranks may have batches of unequal size. The gradient is that of the mean loss over all rows if each rank's loss is
    the mean over its own, as `DistributedDataParallel` takes it.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.SyncBatchNorm(3)(tg.randn(8, 3, 5, 5)).shape
    (8, 3, 5, 5)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        self._setup(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise InputError(f"SyncBatchNorm: expected at least 2D input (got {input.ndim}D input)")

    def forward(self, input: Tensor) -> Tensor:
        """Normalize each channel over the batches of all ranks (in evaluation: with the running statistics)."""
        group = resolve("SyncBatchNorm", self.process_group) if is_initialized() else None
        by_batch = self.training or self.running_mean is None
        if group is None or group.size() == 1 or not by_batch:
            return super().forward(input)
        self._check_input_dim(input)
        if input.shape[1] != self.num_features:
            raise InputError(f"SyncBatchNorm: expected {self.num_features} channels, got shape {tuple(input.shape)}")
        axes = [0, *range(2, input.ndim)]
        shape = (1, -1, *[1] * (input.ndim - 2))
        rows, each = float(input.shape[0]), input.numel() // self.num_features
        sums = all_reduce(cat([input.sum(axes), input.new_full((1,), each)]), group, rows)  # (C + 1,)
        count = sums[-1].item()
        if count <= 1:
            raise InputError("SyncBatchNorm: needs more than one value per channel when training")
        mean = sums[:-1] / count  # (C,)
        centred = input - mean.reshape(shape)
        var = all_reduce(centred.square().sum(axes), group, rows) / count  # (C,)
        if self.training and self.track_running_stats:
            self._follow(mean.detach(), var.detach() * (count / (count - 1)))
        out = centred * (var + self.eps).rsqrt().reshape(shape)
        if self.weight is not None:
            out = out * self.weight.reshape(shape)
        return out if self.bias is None else out + self.bias.reshape(shape)

    def _follow(self, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics."""
        if self.num_batches_tracked is None or self.running_mean is None or self.running_var is None:
            return
        with no_grad():
            self.num_batches_tracked.add_(1)
            share = 1.0 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(var, share)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Put layers of this kind in the place of all batch normalizations in a module, with their tensors.

        Parameters
        ----------
        module : Module
        process_group : ProcessGroup, optional

        Returns
        -------
        Module
            The same, or its replacement if it is one itself.

        Examples
        --------
        >>> from tinygrad_lite import nn
        >>> nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm1d(2)))[0]
        SyncBatchNorm(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
        """
        found = module
        if isinstance(module, _BatchNorm) and not isinstance(module, cls):
            found = cls(
                module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                process_group, bias=module.bias is not None,
            )  # fmt: skip
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(found, name, getattr(module, name))
            found.training = module.training
        for name, child in module.named_children():
            setattr(found, name, cls.convert_sync_batchnorm(child, process_group))
        return found
