"""MixtureSameFamily, and VonMises on the circle."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import Tensor, logsumexp, special, tensor
from ..engine.errors import InputError
from ..ops.random.generator import stream
from . import constraints
from .categorical import Categorical
from .constraints import dependent_property
from .distribution import Distribution, broadcast

__all__ = ["MixtureSameFamily", "VonMises"]


class MixtureSameFamily(Distribution):
    """A mixture of distributions of one family: the last batch dimension of `component_distribution` counts them.

    Parameters
    ----------
    mixture_distribution : Categorical
        The weights.
    component_distribution : Distribution

    Raises
    ------
    ValueError
        For a number of weights that is not that of the components, and batches that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> weights = D.Categorical(tg.tensor([0.5, 0.5]))
    >>> mixture = D.MixtureSameFamily(weights, D.Normal(tg.tensor([-1.0, 1.0]), 1.0))
    >>> mixture.mean, mixture.variance
    (tensor(0.), tensor(2.))
    """

    def __init__(
        self, mixture_distribution: Any, component_distribution: Any, validate_args: bool | None = None
    ) -> None:
        mixture, component = mixture_distribution, component_distribution
        if not isinstance(mixture, Categorical) or not isinstance(component, Distribution):
            raise InputError(
                "MixtureSameFamily: needs a Categorical and a Distribution, got "
                f"{type(mixture).__name__} and {type(component).__name__}"
            )
        batch = component.batch_shape[:-1]
        if any(i != j and 1 not in (i, j) for i, j in zip(mixture.batch_shape[::-1], batch[::-1])):
            raise InputError(f"MixtureSameFamily: the batch shapes do not fit: {mixture.batch_shape} and {batch}")
        if mixture.param_shape[-1:] != component.batch_shape[-1:]:
            raise InputError(
                f"MixtureSameFamily: {mixture.param_shape[-1]} weights for components of shape {component.batch_shape}"
            )
        self._mixture_distribution, self._component_distribution = mixture, component
        super().__init__(batch, component.event_shape, validate_args)

    mixture_distribution = property(lambda self: self._mixture_distribution)
    component_distribution = property(lambda self: self._component_distribution)
    support = dependent_property(
        lambda self: constraints.MixtureSameFamilyConstraint(self._component_distribution.support)
    )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new, n = self._get_checked_instance(MixtureSameFamily, _instance), self._component_distribution.batch_shape[-1]
        mixture = self._mixture_distribution.expand(batch_shape)
        MixtureSameFamily.__init__(new, mixture, self._component_distribution.expand((*batch_shape, n)), False)
        new._validate_args = self._validate_args
        return new

    def _weighted(self, value: Any) -> Any:
        """The mean over the components of what has shape (*batch, n, *event)."""
        dims = len(self._event_shape)
        weights = self._mixture_distribution.probs
        return (weights.reshape(*weights.shape, *(1,) * dims) * value).sum(-1 - dims)

    def _beside(self, value: Any) -> Any:
        return value.unsqueeze(-1 - len(self._event_shape))

    mean = property(lambda self: self._weighted(self._component_distribution.mean))

    @property
    def variance(self) -> Tensor:
        """That within the components, and that of their means."""
        component = self._component_distribution
        return self._weighted(component.variance + (component.mean - self._beside(self.mean)) ** 2)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        batch, event = shape[: len(shape) - len(self._event_shape)], self._event_shape
        more = batch[: len(batch) - len(self._batch_shape)]
        drawn = self._component_distribution.sample(more)
        chosen = self._mixture_distribution.expand(self._batch_shape).sample(more)
        index = chosen.reshape(*batch, 1, *(1,) * len(event)).expand(*batch, 1, *event)
        return drawn.gather(len(batch), index).squeeze(len(batch))

    def _log_prob(self, value: Any) -> Tensor:
        components = self._component_distribution.log_prob(self._beside(value))
        return logsumexp(components + self._mixture_distribution.logits, -1)

    def _cdf(self, value: Any) -> Tensor:
        return (self._component_distribution.cdf(self._beside(value)) * self._mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"


class VonMises(Distribution):
    """The normal distribution's like on a circle, of density ``exp(c cos(x - loc)) / (2 pi I0(c))``.

    Parameters
    ----------
    loc : Tensor or number
        An angle in radians.
    concentration : Tensor or number, positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.VonMises(0.0, 1.0).variance
    tensor(0.5536)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast(loc, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    mean = mode = property(lambda self: self.loc)

    @property
    def variance(self) -> Tensor:
        """The circular one, ``1 - I1(c) / I0(c)``."""
        return 1 - special.i1e(self.concentration) / special.i0e(self.concentration)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        loc, concentration = (np.asarray(v._data, np.float64) for v in (self.loc, self.concentration))
        turned = stream(None).vonmises(0.0, concentration, shape) + loc
        return tensor((turned + math.pi) % (2 * math.pi) - math.pi, dtype=self.loc.dtype)

    def _log_prob(self, value: Any) -> Tensor:
        c = self.concentration
        return c * ((value - self.loc).cos() - 1) - math.log(2 * math.pi) - special.i0e(c).log()
