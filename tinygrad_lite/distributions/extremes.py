"""Weibull, Pareto, GeneralizedPareto, Kumaraswamy: drawn as quantiles of uniform numbers."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import Tensor, finfo, isclose, where, zeros_like
from . import constraints
from .constraints import dependent_property
from .distribution import ByQuantile, broadcast

__all__ = ["GeneralizedPareto", "Kumaraswamy", "Pareto", "Weibull"]

_EULER = 0.57721566490153286061


class Weibull(ByQuantile):
    """The Weibull distribution, with the cdf ``1 - exp(-(x / scale)^concentration)``.

    Parameters
    ----------
    scale : Tensor or number, positive
    concentration : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Weibull(2.0, 1.0).mean
    tensor(2.)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast(scale, concentration)
        super().__init__(self.scale.shape, (), validate_args)

    concentration_reciprocal = property(lambda self: 1 / self.concentration)
    mean = property(lambda self: self.scale * self._moment(1))
    variance = property(lambda self: self.scale**2 * (self._moment(2) - self._moment(1) ** 2))
    mode = property(lambda self: self.scale * (1 - 1 / self.concentration).clamp(min=0) ** (1 / self.concentration))

    def _moment(self, n: int) -> Tensor:
        return (1 + n / self.concentration).lgamma().exp()

    def _log_prob(self, value: Any) -> Tensor:
        k, log_z = self.concentration, value.log() - self.scale.log()
        return k.log() - self.scale.log() + (k - 1) * log_z - (k * log_z).exp()

    def _cdf(self, value: Any) -> Tensor:
        return -(-((value / self.scale) ** self.concentration)).expm1()

    def _icdf(self, value: Any) -> Tensor:
        return self.scale * (-(-value).log1p()) ** (1 / self.concentration)

    def entropy(self) -> Tensor:
        return _EULER * (1 - 1 / self.concentration) + (self.scale / self.concentration).log() + 1


class Pareto(ByQuantile):
    """The Pareto distribution, with the cdf ``1 - (scale / x)^alpha`` above `scale`.

    Parameters
    ----------
    scale : Tensor or number, positive
    alpha : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Pareto(1.0, 3.0).mean
    tensor(1.5000)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast(scale, alpha)
        super().__init__(self.scale.shape, (), validate_args)

    support = dependent_property(lambda self: constraints.greater_than_eq(self.scale))
    mode = property(lambda self: self.scale)

    @property
    def mean(self) -> Tensor:
        """Infinite where alpha is at most 1."""
        known = self.alpha > 1
        alpha = where(known, self.alpha, 2.0)
        return where(known, alpha * self.scale / (alpha - 1), math.inf)

    @property
    def variance(self) -> Tensor:
        """Infinite where alpha is at most 2."""
        known = self.alpha > 2
        alpha = where(known, self.alpha, 3.0)
        return where(known, self.scale**2 * alpha / ((alpha - 1) ** 2 * (alpha - 2)), math.inf)

    def _log_prob(self, value: Any) -> Tensor:
        return self.alpha.log() + self.alpha * (self.scale.log() - value.log()) - value.log()

    def _cdf(self, value: Any) -> Tensor:
        return -(self.alpha * (self.scale.log() - value.log())).expm1()

    def _icdf(self, value: Any) -> Tensor:
        return self.scale * (-(-value).log1p() / self.alpha).exp()

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + 1 + 1 / self.alpha


class GeneralizedPareto(ByQuantile):
    """The generalized Pareto distribution, with the cdf ``1 - (1 + c z)^(-1 / c)``, z = (x - loc) / scale.

    Parameters
    ----------
    loc : Tensor or number
    scale : Tensor or number, positive
    concentration : Tensor or number
        c; at 0 the distribution is exponential.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.GeneralizedPareto(0.0, 1.0, 0.0).cdf(tg.tensor([1.0]))
    tensor([0.6321])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real,
    }  # fmt: skip

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast(loc, scale, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    @dependent_property
    def support(self) -> Any:
        """Above `loc`; bounded where the concentration is negative."""
        bounded = self.concentration < 0
        width = self.scale / where(bounded, -self.concentration, 1.0)
        return constraints.interval(self.loc, where(bounded, self.loc + width, math.inf))

    mode = property(lambda self: self.loc)

    def _known(self, below: float) -> tuple[Any, Any]:
        known = self.concentration < below
        return known, where(known, self.concentration, below - 0.25)

    @property
    def mean(self) -> Tensor:
        """Of a concentration below 1, else unknown."""
        known, c = self._known(1.0)
        return where(known, self.loc + self.scale / (1 - c), math.nan)

    @property
    def variance(self) -> Tensor:
        """Of a concentration below 1/2, else unknown."""
        known, c = self._known(0.5)
        return where(known, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), math.nan)

    def _curved(self) -> tuple[Any, Any]:
        straight = isclose(self.concentration, zeros_like(self.concentration))
        return straight, where(straight, 1.0, self.concentration)

    def log_cdf(self, value: Tensor) -> Tensor:
        """Logarithm of the probability of at most that value."""
        return (-self.log_survival_function(value).exp()).log1p()

    def log_survival_function(self, value: Tensor) -> Tensor:
        """Logarithm of the probability of more than that value."""
        z, (straight, c) = (self._checked(value) - self.loc) / self.scale, self._curved()
        return where(straight, -z, -where(straight, 0.0, c * z).log1p() / c)

    def _log_prob(self, value: Any) -> Tensor:
        z, (straight, c) = (value - self.loc) / self.scale, self._curved()
        return -self.scale.log() - where(straight, z, (1 / c + 1) * where(straight, 0.0, c * z).log1p())

    def _cdf(self, value: Any) -> Tensor:
        return -self.log_survival_function(value).expm1()

    def _icdf(self, value: Any) -> Tensor:
        tail, (straight, c) = (-value).log1p(), self._curved()
        return self.loc + self.scale * where(straight, -tail, (-c * tail).expm1() / c)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1


class Kumaraswamy(ByQuantile):
    """The Kumaraswamy distribution on [0, 1], with the cdf ``1 - (1 - x^concentration1)^concentration0``.

    Parameters
    ----------
    concentration1, concentration0 : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Kumaraswamy(1.0, 1.0).mean
    tensor(0.5000)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast(concentration1, concentration0)
        super().__init__(self.concentration1.shape, (), validate_args)

    mean = property(lambda self: self._moment(1))
    variance = property(lambda self: self._moment(2) - self._moment(1) ** 2)

    def _moment(self, n: int) -> Tensor:
        a, b = 1 + n / self.concentration1, self.concentration0
        return (b.log() + a.lgamma() + b.lgamma() - (a + b).lgamma()).exp()

    @property
    def mode(self) -> Tensor:
        """Where both concentrations are at least 1, else unknown."""
        a, b = self.concentration1, self.concentration0
        known = (a >= 1) & (b >= 1)
        return where(known, ((a - 1).clamp(min=0) / (a * b - 1).abs()) ** (1 / a), math.nan)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        drawn = super()._draw(shape)
        return drawn.clamp(max=1 - 0.5 * finfo(drawn.dtype).eps)

    def _log_prob(self, value: Any) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return a.log() + b.log() + (a - 1) * value.log() + (b - 1) * (-(value**a)).log1p()

    def _cdf(self, value: Any) -> Tensor:
        return -(self.concentration0 * (-(value**self.concentration1)).log1p()).expm1()

    def _icdf(self, value: Any) -> Tensor:
        return (-((-value).log1p() / self.concentration0).expm1()) ** (1 / self.concentration1)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return (1 - 1 / b) + (1 - 1 / a) * ((b + 1).digamma() + _EULER) - a.log() - b.log()
