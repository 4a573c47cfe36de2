"""Independent, TransformedDistribution, LogNormal, LogisticNormal, and the relaxed Bernoulli and categorical ones."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import Tensor, full_like, logsumexp, no_grad, softplus
from ..engine.errors import InputError
from . import constraints
from .categorical import Categorical
from .constraints import dependent_property
from .discrete import Odds, inside
from .distribution import Distribution, open_uniform, sum_rightmost, tensors
from .location_scale import Normal
from .transforms import ComposeTransform, ExpTransform, SigmoidTransform, StickBreakingTransform, Transform

__all__ = [
    "Independent", "LogNormal", "LogisticNormal", "RelaxedBernoulli", "RelaxedOneHotCategorical",
    "TransformedDistribution",
]  # fmt: skip


class Independent(Distribution):
    """Distributions of a batch as one distribution of several independent numbers.

    Parameters
    ----------
    base_distribution : Distribution
    reinterpreted_batch_ndims : int
        How many of the last batch dimensions become part of an event.

    Raises
    ------
    ValueError
        If there are not that many.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.Independent(D.Normal(tg.zeros(3), 1.0), 1).log_prob(tg.zeros(3))
    tensor(-2.7568)
    """

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        shape = base_distribution.batch_shape
        if reinterpreted_batch_ndims > len(shape):
            raise InputError(
                "Independent: expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), got "
                f"{reinterpreted_batch_ndims} and {len(shape)}"
            )
        cut = len(shape) - reinterpreted_batch_ndims
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        super().__init__(shape[:cut], shape[cut:] + base_distribution.event_shape, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Independent, _instance)
        more = self._event_shape[: self.reinterpreted_batch_ndims]
        Independent.__init__(new, self.base_dist.expand((*batch_shape, *more)), self.reinterpreted_batch_ndims, False)
        new._validate_args = self._validate_args
        return new

    has_rsample = property(lambda self: self.base_dist.has_rsample)
    has_enumerate_support = property(
        lambda self: self.reinterpreted_batch_ndims == 0 and self.base_dist.has_enumerate_support
    )
    mean = property(lambda self: self.base_dist.mean)
    mode = property(lambda self: self.base_dist.mode)
    variance = property(lambda self: self.base_dist.variance)

    @dependent_property
    def support(self) -> Any:
        """The base distribution's."""
        n = self.reinterpreted_batch_ndims
        return constraints.independent(self.base_dist.support, n) if n else self.base_dist.support

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("Independent: the values of several variables are too many to enumerate")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


class TransformedDistribution(Distribution):
    """The distribution of a transformed random variable: what normalizing flows are made of.

    Parameters
    ----------
    base_distribution : Distribution
    transforms : Transform or list of Transform
        The first one is applied first.

    Raises
    ------
    ValueError
        For what is no transform, and a base distribution of fewer dimensions than are transformed together.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> logistic = D.TransformedDistribution(D.Uniform(0.0, 1.0), [D.SigmoidTransform().inv])
    >>> logistic.log_prob(tg.zeros(1))
    tensor([-1.3863])
    """

    def __init__(self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None) -> None:
        who = type(self).__name__
        self.transforms = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(self.transforms, list) or not all(isinstance(t, Transform) for t in self.transforms):
            raise InputError(f"{who}: transforms must be a Transform or a list of them, got {transforms!r}")
        whole = ComposeTransform(self.transforms)
        shape = base_distribution.batch_shape + base_distribution.event_shape
        base_dims, domain, codomain = len(base_distribution.event_shape), whole.domain, whole.codomain
        if len(shape) < domain.event_dim:
            raise InputError(
                f"{who}: base_distribution needs at least {domain.event_dim} dimensions, got shape {shape}"
            )
        forward = tuple(whole.forward_shape(shape))
        needed = tuple(whole.inverse_shape(forward))
        if needed != shape:
            base_distribution = base_distribution.expand(needed[: len(needed) - base_dims])
        if domain.event_dim > base_dims:
            base_distribution = Independent(base_distribution, domain.event_dim - base_dims)
        self.base_dist = base_distribution
        cut = len(forward) - max(codomain.event_dim, base_dims + codomain.event_dim - domain.event_dim)
        super().__init__(forward[:cut], forward[cut:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(TransformedDistribution, _instance)
        shape = ComposeTransform(self.transforms).inverse_shape((*batch_shape, *self._event_shape))
        base = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        TransformedDistribution.__init__(new, base, self.transforms, False)
        new._validate_args = self._validate_args
        return new

    has_rsample = property(lambda self: self.base_dist.has_rsample)

    @dependent_property
    def support(self) -> Any:
        """The last transform's codomain."""
        if not self.transforms:
            return self.base_dist.support
        found = self.transforms[-1].codomain
        more = len(self._event_shape) - found.event_dim
        return constraints.independent(found, more) if more > 0 else found

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():  # the very tensors that the transforms' caches know
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._forward(self.base_dist.rsample(sample_shape))

    def _forward(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def _log_prob(self, value: Any) -> Tensor:
        dims, total, y = len(self._event_shape), 0.0, value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            volume = transform.log_abs_det_jacobian(x, y)
            total = total - sum_rightmost(volume, dims - transform.domain.event_dim)
            y = x
        base = self.base_dist.log_prob(y)
        return sum_rightmost(base, dims - len(self.base_dist.event_shape)) + total

    def _turned(self, chance: Any) -> Any:
        """Probabilities from the other end where the transforms decrease."""
        sign = ComposeTransform(self.transforms).sign
        return chance if isinstance(sign, int) and sign == 1 else sign * (chance - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._forward(self.base_dist.icdf(self._turned(value)))


class LogNormal(TransformedDistribution):
    """The distribution of numbers whose logarithms are normal.

    Parameters
    ----------
    loc : Tensor or number
        The logarithm's mean.
    scale : Tensor or number, positive
        The logarithm's standard deviation.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.LogNormal(0.0, 1.0).mean
    tensor(1.6487)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support, has_rsample = constraints.positive, True
    base_dist: Normal

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(LogNormal, _instance))

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = property(lambda self: (self.loc + 0.5 * self.scale**2).exp())
    mode = property(lambda self: (self.loc - self.scale**2).exp())
    variance = property(lambda self: (self.scale**2).expm1() * (2 * self.loc + self.scale**2).exp())

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc


class LogisticNormal(TransformedDistribution):
    """The distribution on a simplex that `StickBreakingTransform` makes of independent normal numbers.

    Parameters
    ----------
    loc : Tensor, shape (..., n)
    scale : Tensor, shape (..., n), positive

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.LogisticNormal(tg.zeros(2), tg.ones(2)).sample().shape
    (3,)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"loc": constraints.real, "scale": constraints.positive}
    support, has_rsample = constraints.simplex, True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        super().__init__(base if base.batch_shape else base.expand((1,)), StickBreakingTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(LogisticNormal, _instance))

    loc = property(lambda self: self.base_dist.base_dist.loc)
    scale = property(lambda self: self.base_dist.base_dist.scale)


class LogitRelaxedBernoulli(Odds):
    """The logarithm of the odds of a `RelaxedBernoulli`: a logistic number, shifted and over the temperature."""

    support, has_rsample = constraints.real, True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._give(probs, logits)
        (self.temperature, _) = tensors(temperature, self._param)
        super().__init__(self._param.shape, (), validate_args)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        u = inside(open_uniform(shape, self._param))
        return (u.log() - (-u).log1p() + self.logits) / self.temperature

    def _log_prob(self, value: Any) -> Tensor:
        off = self.logits - value * self.temperature
        return self.temperature.log() + off - 2 * softplus(off)


class RelaxedBernoulli(TransformedDistribution):
    """A number in (0, 1) that nears a `Bernoulli` one as the temperature falls, with gradients.

    Parameters
    ----------
    temperature : Tensor or number, positive
    probs : Tensor or number, in [0, 1], optional
    logits : Tensor or number, optional
        In place of `probs`.

    References
    ----------
    Maddison, Mnih, Teh (2016), The concrete distribution.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.RelaxedBernoulli(1.0, probs=0.5).log_prob(tg.tensor([0.3, 0.7]))
    tensor([0., 0.])
    """

    arg_constraints, support, has_rsample = Odds.arg_constraints, constraints.unit_interval, True
    base_dist: LogitRelaxedBernoulli

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args)
        super().__init__(base, SigmoidTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(RelaxedBernoulli, _instance))

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)


class ExpRelaxedCategorical(Distribution):
    """The logarithms of a `RelaxedOneHotCategorical`."""

    arg_constraints, support, has_rsample = Categorical.arg_constraints, constraints.real_vector, True

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        (self.temperature, _) = tensors(temperature, self._categorical._param)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        noise = -(-inside(open_uniform(shape, self.logits)).log()).log()
        scores = (self.logits + noise) / self.temperature
        return scores - logsumexp(scores, -1, True)

    def _log_prob(self, value: Any) -> Tensor:
        n = self._event_shape[-1]
        constant = full_like(self.temperature, float(n)).lgamma() + (n - 1) * self.temperature.log()
        score = self.logits - value * self.temperature
        return (score - logsumexp(score, -1, True)).sum(-1) + constant


class RelaxedOneHotCategorical(TransformedDistribution):
    """A point on a simplex that nears a `OneHotCategorical` one as the temperature falls, with gradients.

    Parameters
    ----------
    temperature : Tensor or number, positive
    probs : Tensor, shape (..., n), not negative, optional
    logits : Tensor, shape (..., n), optional
        In place of `probs`.

    References
    ----------
    Jang, Gu, Poole (2016), Categorical reparameterization with Gumbel-softmax.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> d = tg.distributions.RelaxedOneHotCategorical(0.5, probs=tg.tensor([0.25, 0.75]))
    >>> d.rsample().shape
    (2,)
    """

    arg_constraints, support, has_rsample = Categorical.arg_constraints, constraints.simplex, True
    base_dist: ExpRelaxedCategorical

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, self._get_checked_instance(RelaxedOneHotCategorical, _instance))

    temperature = property(lambda self: self.base_dist.temperature)
    probs = property(lambda self: self.base_dist.probs)
    logits = property(lambda self: self.base_dist.logits)
