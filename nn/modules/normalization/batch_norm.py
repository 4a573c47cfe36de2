"""Normalization by the statistics of each channel: over the batch, or within each sample."""

from __future__ import annotations

import warnings
from typing import Any

from tinygrad_lite import Tensor, empty, int64, no_grad, ones, zeros, zeros_like
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ... import init
from ..._checks import check_device
from ...module import Module
from ...parameter import Parameter


class _NormBase(Module):
    """What batch and instance normalizations share: parameters and statistics of each channel.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Added to the variance.
    momentum : float or None
        Of the running statistics. None makes them the plain average over all batches (and stops those of
        instance normalizations).
    affine : bool
        Whether there are a weight and a bias.
    track_running_stats : bool
        Without them the input's statistics are used in evaluation, too.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters and statistics; float32 by default.
    bias : bool
        Whether there is a bias beside the weight.
    """

    _version = 2  # since when `num_batches_tracked` is in its state

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _ranks: tuple[int, ...]

    def _setup(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        super().__init__()
        check_device(type(self).__name__, device)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make_parameters(bias, dtype)
        self.reset_parameters()

    def _make_parameters(self, bias: bool, dtype: Any) -> None:
        size, affine, track = self.num_features, self.affine, self.track_running_stats
        self.register_parameter("weight", Parameter(empty(size, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(empty(size, dtype=dtype)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(size, dtype=dtype) if track else None)
        self.register_buffer("running_var", ones(size, dtype=dtype) if track else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=int64) if track else None)

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the count of batches to 0."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with no_grad():
                self.running_mean.zero_()
                self.running_var.fill_(1.0)
                self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set the weight to 1, the bias to 0, and reset the running statistics."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _alone(self, input: Tensor) -> bool:
        """Is the input a single sample, without a batch?"""
        return False

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in self._ranks:
            text = " or ".join([f"{rank}D" for rank in self._ranks])
            raise InputError(
                f"{type(self).__name__}: expected {text} input (got {input.ndim}D input of shape {input.shape})"
            )

    def _upgrade_state(self, state: dict[str, Any], prefix: str) -> None:
        """Files from before PyTorch 0.4.1 do not count the batches."""
        key = prefix + "num_batches_tracked"
        if self.num_batches_tracked is not None and prefix + "running_mean" in state and key not in state:
            state[key] = self.num_batches_tracked

    def extra_repr(self) -> str:
        """Show the hyperparameters."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """Normalization over the batch and all places."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        self._setup(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalize each channel over the batch (in evaluation: with the running statistics)."""
        self._check_input_dim(input)
        if input.shape[1] != self.num_features:
            raise InputError(
                f"{type(self).__name__}: expected {self.num_features} channels in dimension 1, got shape {input.shape}"
            )
        training, momentum = self.training, self.momentum
        mean, var = self.running_mean, self.running_var
        batch: list[Tensor] = []
        if training and self.track_running_stats:
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
                if momentum is None and mean is not None and var is not None:  # the plain average of all batches
                    batch, running, momentum = [zeros_like(mean), zeros_like(var)], [mean, var], 1.0
                    mean, var = batch
        elif training:
            mean = var = None  # statistics that someone has put there stay as they are
        by_batch = training or (mean is None and var is None)
        found = F.batch_norm(
            input,
            mean,
            var,
            self.weight,
            self.bias,
            by_batch,
            0.0 if momentum is None else momentum,
            self.eps,
        )
        if batch and self.num_batches_tracked is not None:
            share = self.num_batches_tracked.double().reciprocal()  # a tensor, so that a recorded step divides
            with no_grad():
                for old, new in zip(running, batch):
                    old.lerp_(new, share.to(old.dtype))
        return found


class BatchNorm1d(_BatchNorm):
    """Batch normalization of inputs of shape (N, C) or (N, C, L), each channel for itself.

    y = (x - mean) / sqrt(var + eps) * weight + bias

    In training the mean and the (biased) variance are the batch's, and the running statistics move towards
    the batch's mean and unbiased variance, ``running = (1 - momentum) * running + momentum * batch``. In
    evaluation the running statistics are used.

    Attributes
    ----------
    weight, bias : Parameter, shape (C,), or None
    running_mean, running_var : Tensor, shape (C,), or None
        Buffers.
    num_batches_tracked : Tensor, shape (), int64, or None
        A buffer.

    Raises
    ------
    ValueError
        If the input has another number of dimensions or channels, or in training only one value per channel.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", ICML 2015, algorithm 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> norm = nn.BatchNorm1d(2, affine=False)
    >>> norm(tg.tensor([[1.0, 10.0], [3.0, 30.0]]))
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])
    >>> norm.running_mean
    tensor([0.2000, 2.0000])
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalization of inputs of shape (N, C, H, W), each channel for itself.

    Formula, attributes, errors and reference are those of `BatchNorm1d`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.BatchNorm2d(3)(tg.randn(8, 3, 5, 5)).shape
    (8, 3, 5, 5)
    """

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalization of inputs of shape (N, C, D, H, W), each channel for itself.

    Formula, attributes, errors and reference are those of `BatchNorm1d`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.BatchNorm3d(3)(tg.randn(8, 3, 2, 5, 5)).shape
    (8, 3, 2, 5, 5)
    """

    _ranks = (5,)


class _InstanceNorm(_NormBase):
    """Normalization over all places of each channel of each sample."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        self._setup(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def _alone(self, input: Tensor) -> bool:
        return input.ndim == self._ranks[0]

    def forward(self, input: Tensor) -> Tensor:
        """Normalize each channel of each sample (in evaluation with running statistics: with these)."""
        self._check_input_dim(input)
        alone = self._alone(input)
        channels = input.shape[0 if alone else 1]
        if channels != self.num_features:
            text = f"{type(self).__name__}: expected {self.num_features} channels, got shape {input.shape}"
            if self.affine or self.track_running_stats:
                raise InputError(text)
            warnings.warn(f"{text}; without affine=True num_features is not used", stacklevel=2)
        out = F.instance_norm(
            input[None] if alone else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return out[0] if alone else out


class InstanceNorm1d(_InstanceNorm):
    """Normalization of each channel of each sample of inputs of shape (N, C, L) or (C, L).

    y = (x - mean) / sqrt(var + eps) * weight + bias, with mean and variance over the places

    References
    ----------
    Ulyanov et al., "Instance normalization: the missing ingredient for fast stylization", 2016.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.InstanceNorm1d(1)(tg.tensor([[[1.0, 3.0]], [[10.0, 30.0]]]))
    tensor([[[-1.0000,  1.0000]],
            [[-1.0000,  1.0000]]])
    """

    _ranks = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Normalization of each channel of each sample of inputs of shape (N, C, H, W) or (C, H, W).

    y = (x - mean) / sqrt(var + eps) * weight + bias, with mean and variance over the places

    References
    ----------
    Ulyanov et al., "Instance normalization: the missing ingredient for fast stylization", 2016.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.InstanceNorm2d(3, affine=True)(tg.randn(8, 3, 5, 5)).shape
    (8, 3, 5, 5)
    """

    _ranks = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Normalization of each channel of each sample of inputs of shape (N, C, D, H, W) or (C, D, H, W).

    y = (x - mean) / sqrt(var + eps) * weight + bias, with mean and variance over the places

    References
    ----------
    Ulyanov et al., "Instance normalization: the missing ingredient for fast stylization", 2016.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.InstanceNorm3d(3)(tg.randn(8, 3, 2, 5, 5)).shape
    (8, 3, 2, 5, 5)
    """

    _ranks = (4, 5)
