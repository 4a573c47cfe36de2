"""LinearCrossEntropyLoss: a linear layer and the cross entropy of what it gives."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_lite import Tensor
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ..linear import Linear
from .loss import _Loss


class LinearCrossEntropyLoss(_Loss, older_words=False):
    """The cross entropy of ``input @ weight.T`` and classes, or class probabilities.

    Parameters
    ----------
    in_features : int
    num_classes : int
        C.
    out_features : tuple of int
        Further dimensions (d1, ...) of the target.
    bias : bool
        Whether the linear layer has one.
    device : optional
    dtype : dtype, optional
        Of the parameters. Default: the default dtype.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, shape (C,), optional
        Of the classes.
    ignore_index : int, optional
        A target that counts nothing. Default: -100.
    label_smoothing : float
        The share of the target that is spread evenly over all classes, in [0, 1].
    options : optional
        How PyTorch cuts the batch to save memory. Accepted; the result is the same.

    Attributes
    ----------
    linear : Linear
        With ``C * d1 * ...`` results.

    Raises
    ------
    ValueError
        If the weight does not fit the classes, or `label_smoothing` is not in [0, 1].

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> loss = nn.LinearCrossEntropyLoss(3, 5)
    >>> loss(tg.zeros(2, 3), tg.tensor([0, 4]))
    tensor(1.6094, grad_fn=<CrossEntropyBackward0>)
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: Any = None,
    ) -> None:
        super().__init__(reduction=reduction)
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise InputError(f"LinearCrossEntropyLoss: weight must have shape {(num_classes,)}, got {weight.shape}")
        self.register_buffer("weight", weight)
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias, device, dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        input : Tensor, shape (N, in_features) or (in_features,)
        target : Tensor, shape (N, d1, ...), int64; or (N, C, d1, ...), floating
            Classes; or probabilities of all classes.

        Returns
        -------
        Tensor, shape () when reduced, else one loss for each target
        """
        shape = self.num_classes, *self.out_features
        return F.linear_cross_entropy(
            input, self.linear.weight.reshape(*shape, -1), target,
            linear_bias=None if self.linear.bias is None else self.linear.bias.reshape(shape),
            weight=self.weight, reduction=self.reduction, ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing, options=self.options,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Return the hyperparameters as the text in `repr`."""
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, out_features={self.out_features}, "
            f"bias={self.linear.bias is not None}, reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
