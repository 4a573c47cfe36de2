"""Normalization within each sample: over its features, over groups of channels, over neighbouring channels."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from tinygrad_lite import Tensor, empty
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ... import init
from ..._checks import check_device
from ...module import Module
from ...parameter import Parameter


class _Scaled(Module):
    """A normalization with a weight and perhaps a bias of the same shape, or with neither."""

    weight: Parameter | None
    bias: Parameter | None

    def _make_parameters(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        check_device(type(self).__name__, device)
        for name, wanted in (("weight", weight), ("bias", weight and bias)):
            self.register_parameter(name, Parameter(empty(*shape, dtype=dtype)) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(normalized_shape, Sequence):
        return tuple(map(operator.index, normalized_shape))
    return (operator.index(normalized_shape),)


class LayerNorm(_Scaled):
    """Normalize over the last dimensions.

    y = (x - mean) / sqrt(var + eps) * weight + bias

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of the last dimensions, over which mean and (biased) variance are taken.
    eps : float
    elementwise_affine : bool
        Whether there are a weight and a bias.
    bias : bool
        Whether there is a bias beside the weight.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.

    Attributes
    ----------
    weight, bias : Parameter, of shape `normalized_shape`, or None

    References
    ----------
    Ba et al., "Layer normalization", 2016.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LayerNorm(2, elementwise_affine=False)(tg.tensor([[1.0, 3.0], [10.0, 30.0]]))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make_parameters(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Normalize the input."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Show the shape and the options."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Scaled):
    """Divide by the root of the mean square over the last dimensions.

    y = x / sqrt(mean(x^2) + eps) * weight

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of the last dimensions, over which the mean is taken.
    eps : float, optional
        By default the input's machine epsilon.
    elementwise_affine : bool
        Whether there is a weight.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the weight; float32 by default.

    References
    ----------
    Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.RMSNorm(2)(tg.tensor([[2.0, 14.0]]))
    tensor([[0.2000, 1.4000]], grad_fn=...)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make_parameters(self.normalized_shape, elementwise_affine, False, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Normalize the input."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Show the shape and the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Scaled):
    """Normalize over groups of channels of inputs of shape (N, C, ...).

    y = (x - mean) / sqrt(var + eps) * weight + bias, with mean and variance over each group and all places

    Parameters
    ----------
    num_groups : int
        Divides `num_channels`.
    num_channels : int
        C.
    eps : float
    affine : bool
        Whether there are a weight and a bias.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.
    bias : bool
        Whether there is a bias beside the weight.

    Attributes
    ----------
    weight, bias : Parameter, shape (C,), or None

    Raises
    ------
    ValueError
        If the channels cannot be divided into the groups.

    References
    ----------
    Wu and He, "Group normalization", ECCV 2018.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.GroupNorm(3, 6)(tg.randn(20, 6, 10, 10)).shape
    (20, 6, 10, 10)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise InputError(
                f"GroupNorm: num_channels must be divisible by num_groups, got {num_channels} / {num_groups}"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make_parameters((num_channels,), affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Normalize the input."""
        if input.ndim < 2 or input.shape[1] != self.num_channels:
            raise InputError(f"GroupNorm: input must have shape (N, {self.num_channels}, ...), got {input.shape}")
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Show the sizes and the options."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Divide by the strength of the neighbouring channels of inputs of shape (N, C, ...).

    y = x / (k + alpha * mean(x^2 over `size` channels))^beta

    Parameters
    ----------
    size : int
        Channels in the neighbourhood.
    alpha, beta, k : float

    References
    ----------
    Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", NeurIPS 2012, 3.3.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LocalResponseNorm(1, alpha=1.0, beta=1.0, k=0.0)(tg.tensor([[[2.0], [4.0]]])).flatten()
    tensor([0.5000, 0.2500])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Normalize the input."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Show the numbers."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """`LocalResponseNorm` of images, under an older name.

    PyTorch's adds one channel too many to the neighbourhood of those from ``size // 2 + 1`` on (a comparison that
    leaves out equality); this one keeps to the paper.

    Parameters
    ----------
    size : int
        Channels in the neighbourhood.
    alpha, beta, k : float

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.CrossMapLRN2d(1, alpha=1.0, beta=1.0, k=0.0)(tg.tensor([2.0, 4.0]).view(1, 1, 1, 2)).flatten()
    tensor([0.5000, 0.2500])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)
