"""Dropout: switch elements or whole channels off at random while training."""

from __future__ import annotations

from tinygrad_lite import Generator, Tensor

from .. import functional as F
from .._checks import DROPOUT_MODES, check_choice
from ..module import Module


class _DropoutNd(Module):
    """All that drop something out."""


class Dropout(_DropoutNd):
    """In training, set each element to zero with probability p, independently.

    With a mask m whose elements are 1 with probability 1 - p, the two kinds are

        inverted:  y = m x / (1 - p) in training,   y = x in evaluation
        vanilla:   y = m x in training,             y = (1 - p) x in evaluation

    In both the expected value is the same in training and in evaluation, so that the next layer sees what it
    has learnt on. The inverted kind is the usual one and PyTorch's: evaluation then costs nothing and does
    not depend on p. The vanilla kind is the original paper's: the training pass is the bare thinned network,
    and the averaging over all thinned networks is made explicit at test time. A network trained with one kind
    must be evaluated with the same.

    Parameters
    ----------
    p : float
        The probability of an element to be switched off.
    inplace : bool
        Overwrite the input.
    mode : {"inverted", "vanilla"}
        Not in PyTorch, which has only the first.
    generator : Generator, optional
        What the mask is drawn with; not in PyTorch.

    Raises
    ------
    ValueError
        If p is not in [0, 1] or the mode is unknown.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> x = tg.ones(2)
    >>> nn.Dropout(0.25).eval()(x), nn.Dropout(0.25, mode="vanilla").eval()(x)
    (tensor([1., 1.]), tensor([0.7500, 0.7500]))
    """

    mode = "inverted"  # of the class, for layers out of PyTorch's files, which have neither
    generator: Generator | None = None

    def __init__(
        self,
        p: float = 0.5,
        inplace: bool = False,
        *,
        mode: str = "inverted",
        generator: Generator | None = None,
    ) -> None:
        super().__init__()
        check_choice("Dropout", "mode", mode, DROPOUT_MODES)
        self.p = p
        self.inplace = inplace
        self.mode = mode
        self.generator = generator

    def forward(self, input: Tensor) -> Tensor:
        """Return the thinned input in training; see the class for evaluation."""
        return F.dropout(input, self.p, self.training, self.inplace, mode=self.mode, generator=self.generator)

    def extra_repr(self) -> str:
        """Show the probability, and the mode where it is not PyTorch's."""
        return f"p={self.p}, inplace={self.inplace}" + ("" if self.mode == "inverted" else f", mode={self.mode!r}")


class _Dropout(_DropoutNd):
    """A kind of dropout.

    Parameters
    ----------
    p : float
        The probability to be switched off.
    inplace : bool
        Overwrite the input.
    generator : Generator, optional
        What the mask is drawn with; not in PyTorch.
    """

    generator: Generator | None = None  # of the class, for layers out of PyTorch's files

    def __init__(self, p: float = 0.5, inplace: bool = False, *, generator: Generator | None = None) -> None:
        super().__init__()
        self.p = p
        self.inplace = inplace
        self.generator = generator

    def extra_repr(self) -> str:
        """Show the probability."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(_Dropout):
    """In training, switch off whole channels of inputs of shape (N, C, L) or (C, L).

    References
    ----------
    Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Dropout1d(0.5)(tg.ones(2, 3, 4)).shape
    (2, 3, 4)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the thinned input in training, the input itself in evaluation."""
        return F.dropout1d(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout2d(_Dropout):
    """In training, switch off whole channels of inputs of shape (N, C, H, W).

    References
    ----------
    Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Dropout2d(0.5)(tg.ones(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the thinned input in training, the input itself in evaluation."""
        return F.dropout2d(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout3d(_Dropout):
    """In training, switch off whole channels of inputs of shape (N, C, D, H, W) or (C, D, H, W).

    References
    ----------
    Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Dropout3d(0.5)(tg.ones(2, 3, 4, 4, 4)).shape
    (2, 3, 4, 4, 4)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the thinned input in training, the input itself in evaluation."""
        return F.dropout3d(input, self.p, self.training, self.inplace, generator=self.generator)


class AlphaDropout(_Dropout):
    """In training, set elements to `SELU`'s limit at minus infinity with probability p; mean and variance stay.

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> bool(nn.AlphaDropout(0.2)(tg.randn(20_000)).std() > 0.97)
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the thinned input in training, the input itself in evaluation."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace, generator=self.generator)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of inputs of shape (N, C, ...).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.FeatureAlphaDropout(0.2)(tg.randn(20, 16, 4, 4)).shape
    (20, 16, 4, 4)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the thinned input in training, the input itself in evaluation."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace, generator=self.generator)
