"""Gamma, Chi2, InverseGamma, Exponential, Beta, Dirichlet, FisherSnedecor: what gamma distributed numbers make."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import Tensor, finfo, softmax, special, stack, where
from ..engine.errors import InputError
from ..ops.random.standard_gamma import log_standard_gamma
from . import constraints
from .distribution import ByQuantile, Distribution, broadcast, lazy, tensors

__all__ = ["Beta", "Chi2", "Dirichlet", "Exponential", "FisherSnedecor", "Gamma", "InverseGamma"]


def _above_zero(x: Tensor) -> Tensor:
    return x.clamp(min=finfo(x.dtype).tiny)


class Gamma(Distribution):
    """The gamma distribution, of density ``rate^a x^(a - 1) exp(-rate x) / Gamma(a)``, a the concentration.

    Gradients of samples are those of its quantiles: implicit reparametrization, to the precision of doubles.

    Parameters
    ----------
    concentration : Tensor or number, positive
    rate : Tensor or number, positive

    References
    ----------
    Figurnov, Mohamed, Mnih (2018), Implicit reparameterization gradients.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Gamma(2.0, 1.0).log_prob(tg.tensor([1.0]))
    tensor([-1.])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.positive, "rate": constraints.positive}
    support: Any = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast(concentration, rate)
        super().__init__(self.concentration.shape, (), validate_args)

    mean = property(lambda self: self.concentration / self.rate)
    mode = property(lambda self: ((self.concentration - 1) / self.rate).clamp(min=0))
    variance = property(lambda self: self.concentration / self.rate**2)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return _above_zero((log_standard_gamma(self.concentration.expand(shape)) - self.rate.log()).exp())

    def _log_prob(self, value: Any) -> Tensor:
        a, rate = self.concentration, self.rate
        return special.xlogy(a, rate) + special.xlogy(a - 1, value) - rate * value - a.lgamma()

    def _cdf(self, value: Any) -> Tensor:
        return special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()


class Chi2(Gamma):
    """The sum of the squares of `df` standard normal numbers.

    Parameters
    ----------
    df : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Chi2(2.0).mean
    tensor(2.)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (self.df,) = broadcast(df)
        super().__init__(0.5 * self.df, 0.5, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Chi2, _instance)
        new.df = self.df.expand(batch_shape)
        Gamma.__init__(new, 0.5 * new.df, 0.5, False)
        new._validate_args = self._validate_args
        return new


class InverseGamma(Distribution):
    """The distribution of one over a gamma distributed number.

    Parameters
    ----------
    concentration : Tensor or number, positive
    rate : Tensor or number, positive
        The gamma distribution's.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.InverseGamma(2.0, 1.0).mean
    tensor(1.)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.positive, "rate": constraints.positive}
    support, has_rsample = constraints.positive, True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast(concentration, rate)
        super().__init__(self.concentration.shape, (), validate_args)

    mode = property(lambda self: self.rate / (self.concentration + 1))

    @property
    def mean(self) -> Tensor:
        """Infinite where the concentration is at most 1."""
        known = self.concentration > 1
        return where(known, self.rate / (where(known, self.concentration, 2.0) - 1), math.inf)

    @property
    def variance(self) -> Tensor:
        """Infinite where the concentration is at most 2."""
        known = self.concentration > 2
        a = where(known, self.concentration, 3.0)
        return where(known, self.rate**2 / ((a - 1) ** 2 * (a - 2)), math.inf)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return (self.rate.log() - log_standard_gamma(self.concentration.expand(shape))).exp()

    def _log_prob(self, value: Any) -> Tensor:
        a, rate = self.concentration, self.rate
        return a * rate.log() - (a + 1) * value.log() - rate / value - a.lgamma()

    def _cdf(self, value: Any) -> Tensor:
        return special.gammaincc(self.concentration, self.rate / value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()


class Exponential(ByQuantile):
    """The exponential distribution, of density ``rate exp(-rate x)``.

    Parameters
    ----------
    rate : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Exponential(2.0).mean
    tensor(0.5000)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"rate": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast(rate)
        super().__init__(self.rate.shape, (), validate_args)

    mean = stddev = property(lambda self: 1 / self.rate)
    mode = property(lambda self: self.rate.new_zeros(self.rate.shape))
    variance = property(lambda self: self.rate**-2)

    def _log_prob(self, value: Any) -> Tensor:
        return self.rate.log() - self.rate * value

    def _cdf(self, value: Any) -> Tensor:
        return -(-self.rate * value).expm1()

    def _icdf(self, value: Any) -> Tensor:
        return -(-value).log1p() / self.rate

    def entropy(self) -> Tensor:
        return 1 - self.rate.log()


class Dirichlet(Distribution):
    """The distribution on a simplex of density proportional to the product of ``x_i^(concentration_i - 1)``.

    Parameters
    ----------
    concentration : Tensor, shape (..., n), positive

    Raises
    ------
    ValueError
        For a concentration without dimensions.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Dirichlet(tg.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.independent(constraints.positive, 1)}
    support, has_rsample = constraints.simplex, True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        (self.concentration,) = tensors(concentration)
        if self.concentration.ndim < 1:
            raise InputError("Dirichlet: concentration must have at least one dimension, got none")
        shape = self.concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    mean = property(lambda self: self.concentration / self.concentration.sum(-1, True))

    @property
    def mode(self) -> Tensor:
        """Where no concentration is above 1 the densest corner."""
        above = (self.concentration - 1).clamp(min=0)
        total = above.sum(-1, True)
        corner = self.concentration == self.concentration.amax(-1, True)
        corner = (corner & (corner.cumsum(-1) == 1)).to(above.dtype)  # the first of several
        return where(total > 0, above / where(total > 0, total, 1.0), corner)

    @property
    def variance(self) -> Tensor:
        """Of each entry."""
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return _above_zero(softmax(log_standard_gamma(self.concentration.expand(shape)), -1))

    def _log_prob(self, value: Any) -> Tensor:
        a = self.concentration
        return special.xlogy(a - 1, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def entropy(self) -> Tensor:
        a = self.concentration
        total, n = a.sum(-1), a.shape[-1]
        return a.lgamma().sum(-1) - total.lgamma() - (n - total) * total.digamma() - ((a - 1) * a.digamma()).sum(-1)


class Beta(Distribution):
    """The distribution on [0, 1] of density proportional to ``x^(concentration1 - 1) (1 - x)^(concentration0 - 1)``.

    Parameters
    ----------
    concentration1, concentration0 : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Beta(2.0, 2.0).log_prob(tg.tensor([0.5]))
    tensor([0.4055])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support, has_rsample = constraints.unit_interval, True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast(concentration1, concentration0)
        super().__init__(self.concentration1.shape, (), validate_args)

    @lazy
    def _dirichlet(self) -> Dirichlet:
        return Dirichlet(stack([self.concentration1, self.concentration0], -1), False)

    mean = property(lambda self: self._dirichlet.mean[..., 0])
    mode = property(lambda self: self._dirichlet.mode[..., 0])
    variance = property(lambda self: self._dirichlet.variance[..., 0])

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        drawn = self._dirichlet._draw((*shape, 2))[..., 0]
        return drawn.clamp(max=1 - 0.5 * finfo(drawn.dtype).eps)

    def _log_prob(self, value: Any) -> Tensor:
        return self._dirichlet._log_prob(stack([value, 1 - value], -1))

    def entropy(self) -> Tensor:
        return self._dirichlet.entropy()


class FisherSnedecor(Distribution):
    """The ratio of two chi-squared numbers, each over its degrees of freedom.

    Parameters
    ----------
    df1, df2 : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.FisherSnedecor(1.0, 4.0).mean
    tensor(2.)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"df1": constraints.positive, "df2": constraints.positive}
    support, has_rsample = constraints.positive, True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast(df1, df2)
        super().__init__(self.df1.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        """Of ``df2 > 2``, else unknown."""
        df2 = where(self.df2 > 2, self.df2, math.nan)
        return df2 / (df2 - 2)

    @property
    def mode(self) -> Tensor:
        """Of ``df1 > 2``, else unknown."""
        df1 = where(self.df1 > 2, self.df1, math.nan)
        return (df1 - 2) / df1 * self.df2 / (self.df2 + 2)

    @property
    def variance(self) -> Tensor:
        """Of ``df2 > 4``, else unknown."""
        df1, df2 = self.df1, where(self.df2 > 4, self.df2, math.nan)
        return 2 * df2**2 * (df1 + df2 - 2) / (df1 * (df2 - 2) ** 2 * (df2 - 4))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        over, under = (0.5 * df.expand(shape) for df in (self.df1, self.df2))
        drawn = log_standard_gamma(over) - over.log() - log_standard_gamma(under) + under.log()
        return _above_zero(drawn.exp())

    def _log_prob(self, value: Any) -> Tensor:
        a, b, ratio = 0.5 * self.df1, 0.5 * self.df2, self.df1 / self.df2
        beta = a.lgamma() + b.lgamma() - (a + b).lgamma()
        return a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p() - beta
