"""Bernoulli, Geometric, Binomial, NegativeBinomial, Poisson, ContinuousBernoulli: given by `probs` or `logits`."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import Tensor, arange, finfo, log1p, poisson, softplus, special, where
from .. import bernoulli as draw_bernoulli
from .. import binomial as draw_binomial
from ..engine.errors import InputError
from ..ops.random.standard_gamma import log_standard_gamma
from . import constraints
from .constraints import dependent_property
from .distribution import ByQuantile, Distribution, broadcast, lazy, open_uniform

__all__ = ["Bernoulli", "Binomial", "ContinuousBernoulli", "Geometric", "NegativeBinomial", "Poisson"]


def inside(probs: Tensor) -> Tensor:
    """Probabilities away from 0 and 1 by rounding, so that their logarithms are finite."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def one_of(who: str, probs: Any, logits: Any) -> str:
    """Which of the two was given."""
    if (probs is None) == (logits is None):
        raise InputError(f"{who}: either `probs` or `logits` must be specified, but not both")
    return "logits" if probs is None else "probs"


class Odds(Distribution):
    """What has a probability of success, given as such or by the logarithm of the odds."""

    arg_constraints: ClassVar[dict[str, Any]] = {"probs": constraints.unit_interval, "logits": constraints.real}

    def _give(self, probs: Any, logits: Any, *others: Any) -> tuple[Tensor, ...]:
        name = one_of(type(self).__name__, probs, logits)
        *rest, value = broadcast(*others, probs if logits is None else logits)
        setattr(self, name, value)
        return tuple(other.to(value.dtype) for other in rest)

    @lazy
    def probs(self) -> Tensor:
        """Probability of success."""
        return self.logits.sigmoid()

    @lazy
    def logits(self) -> Tensor:
        """Logarithm of the odds of success."""
        probs = inside(self.probs)
        return probs.log() - log1p(-probs)

    @property
    def _param(self) -> Tensor:
        return vars(self)["probs" if "probs" in vars(self) else "logits"]

    param_shape = property(lambda self: self._param.shape)


class Bernoulli(Odds):
    """One with probability `probs`, else zero.

    Parameters
    ----------
    probs : Tensor or number, in [0, 1], optional
    logits : Tensor or number, optional
        In place of `probs`: ``log(p / (1 - p))``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Bernoulli(tg.tensor([0.25, 0.5])).log_prob(tg.ones(2))
    tensor([-1.3863, -0.6931])
    """

    support, has_enumerate_support = constraints.boolean, True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._give(probs, logits)
        super().__init__(self._param.shape, (), validate_args)

    mean = property(lambda self: self.probs)
    mode = property(lambda self: where(self.probs == 0.5, math.nan, (self.probs >= 0.5).to(self.probs.dtype)))
    variance = property(lambda self: self.probs * (1 - self.probs))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return draw_bernoulli(self.probs.expand(shape))

    def _log_prob(self, value: Any) -> Tensor:
        return _log_odds(self.logits, value)

    def entropy(self) -> Tensor:
        return -_log_odds(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(arange(2, dtype=self._param.dtype), expand)


def _log_odds(logits: Any, value: Any, count: Any = 1) -> Any:
    """``value log p + (count - value) log(1 - p)``."""
    return -value * softplus(-logits) - (count - value) * softplus(logits)


class ContinuousBernoulli(Odds, ByQuantile):
    """The distribution on [0, 1] of density proportional to ``probs^x (1 - probs)^(1 - x)``.

    Parameters
    ----------
    probs : Tensor or number, in (0, 1), optional
    logits : Tensor or number, optional
        In place of `probs`.
    lims : (float, float)
        Where `probs` is between, its formulas are replaced by series around 1/2.

    References
    ----------
    Loaiza-Ganem, Cunningham (2019), The continuous Bernoulli.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.ContinuousBernoulli(0.5).mean
    tensor(0.5000)
    """

    support, has_rsample = constraints.unit_interval, True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._give(probs, logits)
        self._lims = lims
        super().__init__(self._param.shape, (), validate_args)

    def _cases(self, formula: Any, series: Any) -> Any:
        """``formula(p)`` away from 1/2 and ``series(p - 1/2)`` near it."""
        p = inside(self.probs)
        far = (p <= self._lims[0]) | (p > self._lims[1])
        return where(far, formula(where(far, p, self._lims[0])), series(p - 0.5))

    def _log_norm(self) -> Any:
        def formula(p: Any) -> Any:
            return ((log1p(-p) - p.log()) / (1 - 2 * p)).log()

        return self._cases(formula, lambda x: math.log(2) + (4 / 3 + 104 / 45 * x * x) * x * x)

    mean = property(
        lambda self: self._cases(
            lambda p: p / (2 * p - 1) + 1 / (log1p(-p) - p.log()), lambda x: 0.5 + (1 / 3 + 16 / 45 * x * x) * x
        )
    )
    variance = property(
        lambda self: self._cases(
            lambda p: p * (p - 1) / (1 - 2 * p) ** 2 + (log1p(-p) - p.log()) ** -2,
            lambda x: 1 / 12 - (1 / 15 - 128 / 945 * x * x) * x * x,
        )
    )

    def _log_prob(self, value: Any) -> Tensor:
        return _log_odds(self.logits, value) + self._log_norm()

    def _cdf(self, value: Any) -> Tensor:
        def formula(p: Any) -> Any:
            return (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1)

        return self._cases(formula, lambda x: value + 0 * x).clamp(0, 1)

    def _icdf(self, value: Any) -> Tensor:
        def formula(p: Any) -> Any:
            return (log1p(-p + value * (2 * p - 1)) - log1p(-p)) / (p.log() - log1p(-p))

        return self._cases(formula, lambda x: value + 0 * x)

    def entropy(self) -> Tensor:
        p = inside(self.probs)
        return self.mean * (log1p(-p) - p.log()) - self._log_norm() - log1p(-p)


class Geometric(Odds):
    """How many failures come before the first success.

    Parameters
    ----------
    probs : Tensor or number, in (0, 1], optional
        The probability of success.
    logits : Tensor or number, optional
        In place of `probs`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Geometric(0.25).mean
    tensor(3.)
    """

    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self._give(probs, logits)
        super().__init__(self._param.shape, (), validate_args)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            raise InputError(f"Geometric: probs must be in (0, 1], got {self.probs}")

    mean = property(lambda self: 1 / self.probs - 1)
    mode = property(lambda self: self.probs.new_zeros(self.probs.shape))
    variance = property(lambda self: (1 / self.probs - 1) / self.probs)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return (open_uniform(shape, self.probs).log() / log1p(-self.probs)).floor()

    def _log_prob(self, value: Any) -> Tensor:
        failure = where((self.probs == 1) & (value == 0), 0.0, self.probs)
        return value * log1p(-failure) + self.probs.log()

    def entropy(self) -> Tensor:
        return -_log_odds(self.logits, self.probs) / self.probs


class Binomial(Odds):
    """How many of `total_count` trials succeed.

    Parameters
    ----------
    total_count : Tensor or int, not negative
    probs : Tensor or number, in [0, 1], optional
        The probability of each success.
    logits : Tensor or number, optional
        In place of `probs`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Binomial(10, 0.25).mean
    tensor(2.5000)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"total_count": constraints.nonnegative_integer, **Odds.arg_constraints}
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.total_count,) = self._give(probs, logits, total_count)
        super().__init__(self._param.shape, (), validate_args)

    support = dependent_property(lambda self: constraints.integer_interval(0, self.total_count), is_discrete=True)
    mean = property(lambda self: self.total_count * self.probs)
    mode = property(lambda self: ((self.total_count + 1) * self.probs).floor().minimum(self.total_count))
    variance = property(lambda self: self.total_count * self.probs * (1 - self.probs))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return draw_binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def _log_prob(self, value: Any) -> Tensor:
        n = self.total_count
        choices = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        return choices + _log_odds(self.logits, value, n)

    def _most(self) -> int:
        n = int(self.total_count.max().item())
        if bool((self.total_count != n).any()):
            raise NotImplementedError("Binomial: total_count must be the same in the whole batch for this")
        return n

    def entropy(self) -> Tensor:
        self._most()
        log_prob = self._log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(arange(self._most() + 1, dtype=self._param.dtype), expand)


class NegativeBinomial(Odds):
    """How many successes come before `total_count` failures.

    Parameters
    ----------
    total_count : Tensor or number, not negative
    probs : Tensor or number, in [0, 1), optional
        The probability of each success.
    logits : Tensor or number, optional
        In place of `probs`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.NegativeBinomial(2.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "total_count": constraints.nonnegative,
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        (self.total_count,) = self._give(probs, logits, total_count)
        super().__init__(self._param.shape, (), validate_args)

    mean = property(lambda self: self.total_count * self.logits.exp())
    mode = property(lambda self: ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0))
    variance = property(lambda self: self.mean / (-self.logits).sigmoid())

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        empty = self.total_count == 0
        count = where(empty, 1.0, self.total_count)
        rate = (log_standard_gamma(count.expand(shape)) + self.logits).exp()
        return poisson(where(empty, 0.0, rate))

    def _log_prob(self, value: Any) -> Tensor:
        n, logits = self.total_count, self.logits
        none = n + value == 0
        count = where(none, 1.0, n)
        choices = (count + value).lgamma() - (value + 1).lgamma() - count.lgamma()
        return where(none, 0.0, choices) - n * softplus(logits) - value * softplus(-logits)


class Poisson(Distribution):
    """How many events happen, of a given rate.

    Parameters
    ----------
    rate : Tensor or number, not negative

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Poisson(2.0).log_prob(tg.tensor([0.0]))
    tensor([-2.])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast(rate)
        super().__init__(self.rate.shape, (), validate_args)

    mean = variance = property(lambda self: self.rate)
    mode = property(lambda self: self.rate.floor())

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return poisson(self.rate.expand(shape))

    def _log_prob(self, value: Any) -> Tensor:
        return special.xlogy(value, self.rate) - self.rate - (value + 1).lgamma()
