"""Normal, Laplace, Cauchy, Gumbel, Student's t, Uniform: one shape, shifted and stretched; HalfNormal, HalfCauchy."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import Tensor, full_like, special, where
from ..engine.errors import InputError
from ..ops.random.standard_gamma import log_standard_gamma
from . import constraints
from .constraints import dependent_property
from .distribution import ByQuantile, Distribution, broadcast, standard_normal
from .utils import log1p_of_square

__all__ = ["Cauchy", "Gumbel", "HalfCauchy", "HalfNormal", "Laplace", "Normal", "StudentT", "Uniform"]

_EULER = 0.57721566490153286061
_LOG_PI = math.log(math.pi)
_LOCATION_SCALE: dict[str, Any] = {"loc": constraints.real, "scale": constraints.positive}


class Normal(Distribution):
    """The normal distribution, of density ``exp(-((x - loc) / scale)^2 / 2) / (scale sqrt(2 pi))``.

    Parameters
    ----------
    loc : Tensor or number
        The mean.
    scale : Tensor or number, positive
        The standard deviation.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> d = tg.distributions.Normal(0.0, tg.tensor([1.0, 2.0]))
    >>> d.log_prob(tg.zeros(2)), d
    (tensor([-0.9189, -1.6121]), Normal(loc: (2,), scale: (2,)))
    """

    arg_constraints, support, has_rsample = _LOCATION_SCALE, constraints.real, True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    mean = mode = property(lambda self: self.loc)
    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale**2)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return self.loc + self.scale * standard_normal(shape, self.loc)

    def _log_prob(self, value: Any) -> Tensor:
        z = (value - self.loc) / self.scale
        return -0.5 * z * z - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def _cdf(self, value: Any) -> Tensor:
        return 0.5 * (1 + special.erf((value - self.loc) / (self.scale * math.sqrt(2))))

    def _icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * math.sqrt(2) * special.erfinv(2 * value - 1)

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


class Laplace(ByQuantile):
    """The Laplace distribution, of density ``exp(-|x - loc| / scale) / (2 scale)``.

    Parameters
    ----------
    loc : Tensor or number
    scale : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Laplace(0.0, 1.0).log_prob(tg.tensor([0.0, 1.0]))
    tensor([-0.6931, -1.6931])
    """

    arg_constraints, support = _LOCATION_SCALE, constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: 2 * self.scale**2)

    def _log_prob(self, value: Any) -> Tensor:
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def _cdf(self, value: Any) -> Tensor:
        z = (value - self.loc) / self.scale
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def _icdf(self, value: Any) -> Tensor:
        off = value - 0.5
        return self.loc - self.scale * off.sign() * (-2 * off.abs()).log1p()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()


class Cauchy(ByQuantile):
    """The Cauchy distribution, of density ``1 / (pi scale (1 + ((x - loc) / scale)^2))``; it has no mean.

    Parameters
    ----------
    loc : Tensor or number
        The median.
    scale : Tensor or number, positive
        Half of the width at half of the maximum.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Cauchy(0.0, 1.0).cdf(tg.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7500])
    """

    arg_constraints, support = _LOCATION_SCALE, constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    mean = property(lambda self: full_like(self.loc, math.nan))
    mode = property(lambda self: self.loc)
    variance = property(lambda self: full_like(self.loc, math.inf))

    def _log_prob(self, value: Any) -> Tensor:
        return -_LOG_PI - self.scale.log() - log1p_of_square((value - self.loc) / self.scale)

    def _cdf(self, value: Any) -> Tensor:
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def _icdf(self, value: Any) -> Tensor:
        return self.loc + self.scale * (math.pi * (value - 0.5)).tan()

    def entropy(self) -> Tensor:
        return math.log(4 * math.pi) + self.scale.log()


class HalfNormal(Distribution):
    """The size of a normal number of mean 0.

    Parameters
    ----------
    scale : Tensor or number, positive
        The normal one's standard deviation.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.HalfNormal(1.0).mean
    tensor(0.7979)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"scale": constraints.positive}
    support, has_rsample = constraints.nonnegative, True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast(scale)
        super().__init__(self.scale.shape, (), validate_args)

    base_dist = property(lambda self: Normal(0 * self.scale, self.scale, validate_args=False))
    mean = property(lambda self: self.scale * math.sqrt(2 / math.pi))
    mode = property(lambda self: full_like(self.scale, 0.0))
    variance = property(lambda self: self.scale**2 * (1 - 2 / math.pi))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return self.scale * standard_normal(shape, self.scale).abs()

    def _log_prob(self, value: Any) -> Tensor:
        found = 0.5 * math.log(2 / math.pi) - self.scale.log() - 0.5 * (value / self.scale) ** 2
        return where(value >= 0, found, -math.inf)

    def _cdf(self, value: Any) -> Tensor:
        return special.erf(value / (self.scale * math.sqrt(2)))

    def _icdf(self, value: Any) -> Tensor:
        return self.scale * math.sqrt(2) * special.erfinv(value)

    def entropy(self) -> Tensor:
        return 0.5 * math.log(math.pi / 2) + 0.5 + self.scale.log()


class HalfCauchy(ByQuantile):
    """The size of a Cauchy number of median 0; it has no finite mean.

    Parameters
    ----------
    scale : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.HalfCauchy(1.0).cdf(tg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5000])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast(scale)
        super().__init__(self.scale.shape, (), validate_args)

    base_dist = property(lambda self: Cauchy(0 * self.scale, self.scale, validate_args=False))
    mean = property(lambda self: full_like(self.scale, math.inf))
    mode = property(lambda self: full_like(self.scale, 0.0))
    variance = property(lambda self: full_like(self.scale, math.inf))

    def _log_prob(self, value: Any) -> Tensor:
        found = math.log(2 / math.pi) - self.scale.log() - log1p_of_square(value / self.scale)
        return where(value >= 0, found, -math.inf)

    def _cdf(self, value: Any) -> Tensor:
        return (value / self.scale).atan() * (2 / math.pi)

    def _icdf(self, value: Any) -> Tensor:
        return self.scale * (0.5 * math.pi * value).tan()

    def entropy(self) -> Tensor:
        return math.log(2 * math.pi) + self.scale.log()


class Gumbel(ByQuantile):
    """The Gumbel distribution of largest values, with the cdf ``exp(-exp(-(x - loc) / scale))``.

    Parameters
    ----------
    loc : Tensor or number
        The mode.
    scale : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Gumbel(0.0, 1.0).mean
    tensor(0.5772)
    """

    arg_constraints, support = _LOCATION_SCALE, constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)

    mean = property(lambda self: self.loc + self.scale * _EULER)
    mode = property(lambda self: self.loc)
    stddev = property(lambda self: self.scale * (math.pi / math.sqrt(6)))
    variance = property(lambda self: self.stddev**2)

    def _log_prob(self, value: Any) -> Tensor:
        z = (value - self.loc) / self.scale
        return -z - (-z).exp() - self.scale.log()

    def _cdf(self, value: Any) -> Tensor:
        return (-(-(value - self.loc) / self.scale).exp()).exp()

    def _icdf(self, value: Any) -> Tensor:
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + _EULER)


class StudentT(Distribution):
    """Student's t distribution, of density proportional to ``(1 + z^2 / df)^(-(df + 1) / 2)``, z = (x - loc) / scale.

    Parameters
    ----------
    df : Tensor or number, positive
        Degrees of freedom.
    loc : Tensor or number
    scale : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.StudentT(3.0).variance
    tensor(3.)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"df": constraints.positive, **_LOCATION_SCALE}
    support, has_rsample = constraints.real, True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast(df, loc, scale)
        super().__init__(self.df.shape, (), validate_args)

    mean = property(lambda self: where(self.df > 1, self.loc, math.nan))
    mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Tensor:
        """Of ``df > 2``; infinite above 1, else unknown."""
        known = self.df > 2
        df = where(known, self.df, 3.0)
        return where(known, self.scale**2 * df / (df - 2), where(self.df > 1, math.inf, math.nan))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        half = 0.5 * self.df.expand(shape)  # a gamma number over its mean
        narrow = (0.5 * (half.log() - log_standard_gamma(half))).exp()
        return self.loc + self.scale * standard_normal(shape, self.df) * narrow

    def _log_prob(self, value: Any) -> Tensor:
        z = (value - self.loc) / self.scale
        return -0.5 * (self.df + 1) * log1p_of_square(z / self.df.sqrt()) - self.scale.log() - self._log_beta()

    def _log_beta(self) -> Tensor:
        """``log(sqrt(df) B(df / 2, 1 / 2))``."""
        half = 0.5 * self.df
        return 0.5 * self.df.log() + 0.5 * _LOG_PI + half.lgamma() - (half + 0.5).lgamma()

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        return self.scale.log() + (half + 0.5) * ((half + 0.5).digamma() - half.digamma()) + self._log_beta()


class Uniform(ByQuantile):
    """The uniform distribution on ``[low, high)``.

    Parameters
    ----------
    low, high : Tensor or number

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Uniform(0.0, 2.0).log_prob(tg.tensor([0.5]))
    tensor([-0.6931])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"low": constraints.dependent(), "high": constraints.dependent()}

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast(low, high)
        super().__init__(self.low.shape, (), validate_args)
        if self._validate_args and not bool((self.low < self.high).all()):
            raise InputError(f"Uniform: low must be smaller than high, got {self.low} and {self.high}")

    support = dependent_property(lambda self: constraints.interval(self.low, self.high))
    mean = property(lambda self: 0.5 * (self.low + self.high))
    mode = property(lambda self: full_like(self.low, math.nan))
    stddev = property(lambda self: (self.high - self.low) / math.sqrt(12))
    variance = property(lambda self: (self.high - self.low) ** 2 / 12)

    def _log_prob(self, value: Any) -> Tensor:
        inside = (self.low <= value) & (value < self.high)
        return where(inside, -(self.high - self.low).log(), -math.inf)

    def _cdf(self, value: Any) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def _icdf(self, value: Any) -> Tensor:
        return self.low + value * (self.high - self.low)

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()
