"""MSELoss, CrossEntropyLoss, BCELoss and kin: losses as modules; their functions are in `nn.functional`.

All take ``reduction``: "mean" (the default) and "sum" give a scalar, "none" one loss for each element.
PyTorch's older arguments ``size_average`` and ``reduce`` say the same, and stand where they stand there.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tinygrad_lite import Tensor
from tinygrad_lite.ops.neural.loss.regression import reduction_of

from ... import functional as F
from ..._checks import REDUCTIONS, check_choice
from ...module import Module

_ANY = inspect.Parameter.POSITIONAL_OR_KEYWORD


def _with_older_words(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that takes ``size_average`` and ``reduce`` in place of ``reduction``, too.

    In PyTorch's order of arguments ``size_average`` is the first of those that are given by name here, and ``reduce``
    the one before ``reduction``.
    """
    inner = inspect.signature(init)
    older = [inspect.Parameter(n, _ANY, default=None, annotation="bool | None") for n in ("size_average", "reduce")]
    plain = [p for p in inner.parameters.values() if p.kind is _ANY]
    named = [p.replace(kind=_ANY) for p in inner.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    at = [p.name for p in named].index("reduction")
    whole = inner.replace(parameters=[*plain, older[0], *named[:at], older[1], *named[at:]])

    @functools.wraps(init)
    def made(self: Any, *args: Any, **options: Any) -> None:
        given = whole.bind(self, *args, **options).arguments
        flags = given.pop("size_average", None), given.pop("reduce", None)
        if flags != (None, None):
            given["reduction"] = reduction_of("mean", *flags, type(self).__name__)
        init(**given)

    made.__signature__ = whole  # type: ignore[attr-defined]
    return made


class _Loss(Module):
    """A loss with its reduction; PyTorch's base of one's own.

    Parameters
    ----------
    size_average, reduce : bool, optional
        PyTorch's older names of reductions.
    reduction : {"mean", "sum", "none"}
    """

    _reductions: tuple[str, ...] = REDUCTIONS

    def __init_subclass__(cls, older_words: bool = True, **kwargs: Any) -> None:
        if older_words and "reduction" in (getattr(vars(cls).get("__init__"), "__kwdefaults__", None) or ()):
            cls.__init__ = _with_older_words(cls.__init__)  # type: ignore[method-assign]
        super().__init_subclass__(**kwargs)

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = reduction_of(reduction, size_average, reduce, type(self).__name__)
        check_choice(type(self).__name__, "reduction", reduction, self._reductions)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    """A loss with a weight for each class; PyTorch's base of one's own."""

    weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """|input - target|.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.L1Loss()(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 5.0]))
    tensor(1.5000)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` against `target`, both of the same shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """(input - target)^2.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.MSELoss()(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 5.0]))
    tensor(4.5000)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` against `target`, both of the same shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """0.5 d^2 / beta where d = |input - target| < beta, d - 0.5 beta elsewhere.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    beta : float
        Where the square turns into the absolute value; 0 gives `L1Loss`.

    Raises
    ------
    ValueError
        If beta is negative.

    References
    ----------
    Girshick, "Fast R-CNN", ICCV 2015, equation 3.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.SmoothL1Loss(reduction="none")(tg.tensor([0.5, 3.0]), tg.zeros(2))
    tensor([0.1250, 2.5000])
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` against `target`, both of the same shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """0.5 d^2 where d = |input - target| < delta, delta (d - 0.5 delta) elsewhere.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    delta : float
        Where the square turns into a line.

    Raises
    ------
    ValueError
        If delta is not positive.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Statistics 53, 1964.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.HuberLoss(reduction="none", delta=2.0)(tg.tensor([1.0, 3.0]), tg.zeros(2))
    tensor([0.5000, 4.0000])
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` against `target`, both of the same shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class NLLLoss(_Loss):
    """-weight[target] * input[target]: the negative log likelihood of the classes, given log probabilities.

    Parameters
    ----------
    weight : Tensor, shape (C,), optional
        Of the classes; the mean is then the weighted one.
    ignore_index : int
        A target that counts nothing.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.NLLLoss()(tg.tensor([[-0.5, -1.0]]), tg.tensor([1]))
    tensor(1.)
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        input : Tensor, shape (C,), (N, C) or (N, C, d1, ...)
            Log probabilities.
        target : Tensor, shape (), (N,) or (N, d1, ...), int64
            Classes.

        Returns
        -------
        Tensor, of the target's shape, or () when reduced
        """
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_Loss):
    """-sum_c target_c log softmax(input)_c: the cross entropy of logits and classes (or class probabilities).

    Parameters
    ----------
    weight : Tensor, shape (C,), optional
        Of the classes; the mean is then the weighted one.
    ignore_index : int
        A target that counts nothing.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float
        The share of the target that is spread evenly over all classes, in [0, 1].

    Raises
    ------
    ValueError
        If `label_smoothing` is not in [0, 1].

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016, section 7: the
    smoothing.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.CrossEntropyLoss()(tg.tensor([[2.0, 2.0], [0.0, 9.0]]), tg.tensor([0, 1]))
    tensor(0.3466)
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Parameters
        ----------
        input : Tensor, shape (C,), (N, C) or (N, C, d1, ...)
            Logits.
        target : Tensor, shape (), (N,) or (N, d1, ...), int64; or of the input's shape, floating
            Classes; or probabilities of all classes.

        Returns
        -------
        Tensor, shape () when reduced, else one loss for each target
        """
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCELoss(_Loss):
    """-weight (target log(input) + (1 - target) log(1 - input)), the input being probabilities.

    The logarithms are held above -100, as in PyTorch. `BCEWithLogitsLoss` is more accurate.

    Parameters
    ----------
    weight : Tensor, optional
        Broadcast with the input.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.BCELoss()(tg.tensor([0.5, 1.0]), tg.tensor([1.0, 1.0]))
    tensor(0.3466)
    """

    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of probabilities against targets in [0, 1] of the same shape."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """-weight (pos_weight target log s(input) + (1 - target) log(1 - s(input))), s the sigmoid.

    Parameters
    ----------
    weight : Tensor, optional
        Broadcast with the input.
    reduction : {"mean", "sum", "none"}
    pos_weight : Tensor, optional
        Of the positive class, broadcast with the input.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.BCEWithLogitsLoss()(tg.tensor([0.0, 100.0]), tg.tensor([1.0, 1.0]))
    tensor(0.3466)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, *, reduction: str = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits against targets in [0, 1] of the same shape."""
        return F.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(_Loss):
    """target (log(target) - input): the Kullback-Leibler divergence, the input being log probabilities.

    Parameters
    ----------
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the size of dimension 0, which is the divergence as mathematics defines
        it; "mean" divides by the number of elements.
    log_target : bool
        Whether the target is log probabilities, too.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.KLDivLoss(reduction="batchmean")(tg.tensor([[0.5, 0.5]]).log(), tg.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """

    _reductions = (*REDUCTIONS, "batchmean")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of log probabilities against a distribution of the same shape."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)
