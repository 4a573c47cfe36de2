"""Transforms of numbers: affine, exp, power, sigmoid, softplus, tanh, abs, and a distribution's cdf."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import Tensor, finfo, softplus
from .. import constraints
from ..constraints import dependent_property
from ..distribution import sum_rightmost
from .transform import Transform

__all__ = [
    "AbsTransform", "AffineTransform", "CumulativeDistributionTransform", "ExpTransform", "PowerTransform",
    "SigmoidTransform", "SoftplusTransform", "TanhTransform",
]  # fmt: skip


class _Increasing(Transform):
    bijective, sign = True, 1


class ExpTransform(_Increasing):
    """``y = exp(x)``.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.ExpTransform()(tg.zeros(2))
    tensor([1., 1.])
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.exp()

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class PowerTransform(Transform):
    """``y = x ** exponent``, of positive numbers.

    Parameters
    ----------
    exponent : Tensor or number
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.PowerTransform(2.0)(tg.tensor([1.0, 3.0]))
    tensor([1., 9.])
    """

    domain = codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = exponent

    @property
    def sign(self) -> Any:
        """That of the exponent."""
        return _sign(self.exponent)

    def _call(self, x: Any) -> Any:
        return x**self.exponent

    def _inverse(self, y: Any) -> Any:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Any) -> Any:
        return np.broadcast_shapes(shape, getattr(self.exponent, "shape", ()))

    inverse_shape = forward_shape


def _sign(value: Any) -> Any:
    return value.sign() if isinstance(value, Tensor) else int(math.copysign(1, value))


class SigmoidTransform(_Increasing):
    """``y = 1 / (1 + exp(-x))``, kept away from 0 and 1 by the smallest number and by rounding.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.SigmoidTransform()(tg.zeros(2))
    tensor([0.5000, 0.5000])
    """

    codomain = constraints.unit_interval

    def _call(self, x: Any) -> Any:
        limits = finfo(x.dtype)
        return x.sigmoid().clamp(limits.tiny, 1 - limits.eps)

    def _inverse(self, y: Any) -> Any:
        limits = finfo(y.dtype)
        y = y.clamp(limits.tiny, 1 - limits.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -softplus(-x) - softplus(x)


class SoftplusTransform(_Increasing):
    """``y = log(1 + exp(x))``.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.SoftplusTransform()(tg.zeros(2))
    tensor([0.6931, 0.6931])
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return softplus(x)

    def _inverse(self, y: Any) -> Any:
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -softplus(-x)


class TanhTransform(_Increasing):
    """``y = tanh(x)``. The inverse of values rounded to 1 is infinite: use ``cache_size=1`` where it is asked for.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.TanhTransform()(tg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Any) -> Any:
        return x.tanh()

    def _inverse(self, y: Any) -> Any:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))  # 1 - tanh(x)^2, exact where that is tiny


class AbsTransform(Transform):
    """``y = |x|``, whose inverse takes the positive one.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.AbsTransform()(tg.tensor([-2.0, 1.0]))
    tensor([2., 1.])
    """

    codomain = constraints.positive

    def _call(self, x: Any) -> Any:
        return x.abs()

    def _inverse(self, y: Any) -> Any:
        return y


class AffineTransform(Transform):
    """``y = loc + scale x``.

    Parameters
    ----------
    loc, scale : Tensor or number
    event_dim : int
        How many of the last dimensions are taken together.
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.AffineTransform(1.0, 2.0).inv(tg.tensor([1.0, 5.0]))
    tensor([0., 2.])
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def event_dim(self) -> int:
        """How many of the last dimensions are taken together."""
        return self._event_dim

    @dependent_property
    def domain(self) -> Any:
        """All real numbers."""
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    codomain = domain

    @property
    def sign(self) -> Any:
        """That of the scale."""
        return _sign(self.scale)

    def _call(self, x: Any) -> Any:
        return self.loc + self.scale * x

    def _inverse(self, y: Any) -> Any:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        scale = self.scale
        size = scale.abs().log() if isinstance(scale, Tensor) else math.log(abs(scale))
        return sum_rightmost(x.new_zeros(x.shape) + size, self._event_dim)

    def forward_shape(self, shape: Any) -> Any:
        return np.broadcast_shapes(shape, getattr(self.loc, "shape", ()), getattr(self.scale, "shape", ()))

    inverse_shape = forward_shape


class CumulativeDistributionTransform(_Increasing):
    """``y = distribution.cdf(x)``, the probability integral transform.

    Parameters
    ----------
    distribution : Distribution
        With `cdf`, `icdf` and `log_prob`.
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.CumulativeDistributionTransform(D.Normal(0.0, 1.0))(tg.zeros(1))
    tensor([0.5000])
    """

    codomain = constraints.unit_interval

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    domain = dependent_property(lambda self: self.distribution.support)

    def _call(self, x: Any) -> Any:
        return self.distribution.cdf(x)

    def _inverse(self, y: Any) -> Any:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)
