"""Losses that are negative log likelihoods of a distribution or of all alignments of a sequence."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_lite import Tensor

from ... import functional as F
from .loss import _Loss


class PoissonNLLLoss(_Loss):
    """exp(input) - target input, or input - target log(input + eps): the target is Poisson distributed.

    Parameters
    ----------
    log_input : bool
        Whether the input is the logarithm of the expected count.
    full : bool
        Add Stirling's approximation of log(target!).
    eps : float
        Keeps log(0) away when `log_input` is False.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.PoissonNLLLoss()(tg.zeros(2), tg.tensor([1.0, 3.0]))
    tensor(1.)
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of (log) expected counts against counts of the same shape."""
        return F.poisson_nll_loss(
            input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(_Loss, older_words=False):
    """0.5 (log(var) + (input - target)^2 / var): the target is normally distributed.

    Parameters
    ----------
    full : bool
        Add the constant 0.5 log(2 pi).
    eps : float
        The least variance.
    reduction : {"mean", "sum", "none"}

    References
    ----------
    Nix and Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.GaussianNLLLoss()(tg.zeros(2), tg.tensor([1.0, 3.0]), tg.ones(2))
    tensor(2.5000)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """Return the loss of means and variances against samples."""
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class CTCLoss(_Loss):
    """-log of the probability of all alignments of a label sequence with a sequence of distributions.

    Parameters
    ----------
    blank : int
        The class that stands for no label.
    reduction : {"mean", "sum", "none"}
        "mean" divides each loss by its target's length first.
    zero_infinity : bool
        Turn the infinite loss of targets that are too long into 0.

    References
    ----------
    Graves et al., "Connectionist temporal classification", ICML 2006.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> log_probs = tg.zeros(4, 1, 3).log_softmax(-1)
    >>> nn.CTCLoss(reduction="none")(log_probs, tg.tensor([[1, 2]]), tg.tensor([4]), tg.tensor([2]))
    tensor([1.6864])
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        """Return the loss of log probabilities (T, N, C) against labels (N, S) or all labels in a row."""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
