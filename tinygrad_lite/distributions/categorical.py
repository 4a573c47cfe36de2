"""Categorical, OneHotCategorical and Multinomial: which of n classes, given by `probs` or `logits`."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import Tensor, arange, eye, finfo, log_softmax, multinomial, softmax, tensor, where
from .. import one_hot as as_one_hot
from ..engine.errors import InputError
from ..ops.random.generator import stream
from . import constraints
from .constraints import dependent_property
from .discrete import Binomial, inside, one_of
from .distribution import Distribution, lazy, tensors

__all__ = ["Categorical", "Multinomial", "OneHotCategorical", "OneHotCategoricalStraightThrough"]


class Classes(Distribution):
    """What has a probability for each class, along the last dimension."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def _give(self, probs: Any, logits: Any) -> None:
        who, name = type(self).__name__, one_of(type(self).__name__, probs, logits)
        (value,) = tensors(probs if logits is None else logits)
        if value.ndim < 1:
            raise InputError(f"{who}: {name} must have at least one dimension, got none")
        setattr(self, name, value / value.sum(-1, True) if name == "probs" else log_softmax(value, -1))

    @lazy
    def probs(self) -> Tensor:
        """The classes' probabilities."""
        return softmax(self.logits, -1)

    @lazy
    def logits(self) -> Tensor:
        """Logarithms of the classes' probabilities."""
        return inside(self.probs).log()

    @property
    def _param(self) -> Tensor:
        return vars(self)["probs" if "probs" in vars(self) else "logits"]

    param_shape = property(lambda self: self._param.shape)
    _num_events = property(lambda self: self._param.shape[-1])

    def _classes(self, shape: tuple[int, ...]) -> Tensor:
        """Classes of that shape, whose last dimensions are the batch's."""
        count = math.prod(shape[: len(shape) - len(self._batch_shape)])
        if count == 0 or 0 in shape:
            return tensor(np.zeros(shape, np.int64))
        rows = self.probs.reshape(-1, self._num_events)
        return multinomial(rows, count, True).T.reshape(shape)

    def _entropy(self) -> Tensor:
        least = finfo(self.logits.dtype).min
        return -(self.logits.clamp(min=least) * self.probs).sum(-1)


class Categorical(Classes):
    """One of the integers 0 to n - 1.

    Parameters
    ----------
    probs : Tensor, shape (..., n), not negative, optional
        They are divided by their sum.
    logits : Tensor, shape (..., n), optional
        In place of `probs`: their logarithms, up to a constant.

    Raises
    ------
    ValueError
        For probabilities without dimensions, and where both or none are given.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> d = tg.distributions.Categorical(tg.tensor([0.25, 0.25, 0.5]))
    >>> d.log_prob(tg.tensor(2)), d.entropy()
    (tensor(-0.6931), tensor(1.0397))
    """

    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._give(probs, logits)
        super().__init__(self._param.shape[:-1], (), validate_args)

    support = dependent_property(lambda self: constraints.integer_interval(0, self._num_events - 1), is_discrete=True)
    mean = variance = property(lambda self: self.probs.new_full(self._batch_shape, float("nan")))
    mode = property(lambda self: self.probs.argmax(-1))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return self._classes(shape)

    def _log_prob(self, value: Any) -> Tensor:
        index, logits = value.long().unsqueeze(-1), self.logits
        if value.shape != self._batch_shape:  # else both would be views that change nothing
            shape = np.broadcast_shapes(value.shape, self._batch_shape)
            logits, index = logits.expand(*shape, self._num_events), index.expand(*shape, 1)
        return logits.gather(-1, index).squeeze(-1)

    def entropy(self) -> Tensor:
        return self._entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(arange(self._num_events), expand)


class OneHotCategorical(Classes):
    """One of n classes, as a vector that is one there and zero elsewhere.

    Parameters
    ----------
    probs : Tensor, shape (..., n), not negative, optional
        They are divided by their sum.
    logits : Tensor, shape (..., n), optional
        In place of `probs`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.OneHotCategorical(tg.tensor([0.0, 1.0])).sample()
    tensor([0., 1.])
    """

    support: Any = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._give(probs, logits)
        super().__init__(self._param.shape[:-1], self._param.shape[-1:], validate_args)

    mean = property(lambda self: self.probs)
    mode = property(lambda self: as_one_hot(self.probs.argmax(-1), self._num_events).to(self._param.dtype))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return as_one_hot(self._classes(shape[:-1]), self._num_events).to(self._param.dtype)

    def _log_prob(self, value: Any) -> Tensor:
        return where(value != 0, self.logits, 0.0).sum(-1)

    def entropy(self) -> Tensor:
        return self._entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self._num_events
        values = eye(n, dtype=self._param.dtype).reshape(n, *(1,) * len(self._batch_shape), n)
        return values.expand(n, *self._batch_shape, n) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical` whose samples have the gradient of their probabilities: a biased estimate.

    Parameters
    ----------
    probs : Tensor, shape (..., n), not negative, optional
        They are divided by their sum.
    logits : Tensor, shape (..., n), optional
        In place of `probs`.

    References
    ----------
    Bengio, Léonard, Courville (2013), Estimating or propagating gradients through stochastic neurons.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> probs = tg.tensor([0.0, 1.0], requires_grad=True)
    >>> tg.distributions.OneHotCategoricalStraightThrough(probs).rsample().detach()
    tensor([0., 1.])
    """

    has_rsample = True

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return super()._draw(shape).detach() + (self.probs - self.probs.detach())


class Multinomial(Classes):
    """How often each of n classes comes in `total_count` draws.

    Parameters
    ----------
    total_count : int
    probs : Tensor, shape (..., n), not negative, optional
        They are divided by their sum.
    logits : Tensor, shape (..., n), optional
        In place of `probs`.

    Raises
    ------
    NotImplementedError
        If `total_count` is no integer.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Multinomial(10, tg.tensor([0.25, 0.75])).mean
    tensor([2.5000, 7.5000])
    """

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(f"Multinomial: total_count must be one integer for all, got {total_count!r}")
        self._give(probs, logits)
        self.total_count = total_count
        super().__init__(self._param.shape[:-1], self._param.shape[-1:], validate_args)

    support = dependent_property(lambda self: constraints.multinomial(self.total_count), is_discrete=True, event_dim=1)
    mean = property(lambda self: self.probs * self.total_count)
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        chances = np.array(self.probs.expand(shape)._data, np.float64)
        chances /= chances.sum(-1, keepdims=True)
        return tensor(stream(None).multinomial(self.total_count, chances), dtype=self.probs.dtype)

    def _log_prob(self, value: Any) -> Tensor:
        choices = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        never = (value == 0) & (self.logits == -np.inf)
        return choices + where(never, 0.0, self.logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = self.total_count
        counts = arange(1, n + 1, dtype=self._param.dtype).reshape(-1, *(1,) * self._param.ndim)
        chances = Binomial(n, self.probs, validate_args=False)._log_prob(counts).exp()
        return n * self._entropy() - math.lgamma(n + 1) + (chances * (counts + 1).lgamma()).sum((0, -1))
