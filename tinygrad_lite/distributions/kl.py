"""`kl_divergence`: within a family by its own formula, else as a cross entropy, from the moments of the first one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import Tensor, full, mvlgamma, softplus, special, where, zeros
from .categorical import Categorical, OneHotCategorical
from .discrete import Bernoulli, Binomial, ContinuousBernoulli, Geometric, Poisson
from .distribution import Distribution, ExponentialFamily, sum_rightmost
from .extremes import Pareto, Weibull
from .gamma_family import Beta, Dirichlet, Exponential, Gamma, InverseGamma
from .location_scale import Cauchy, Gumbel, HalfCauchy, HalfNormal, Laplace, Normal, Uniform
from .matrices import Wishart
from .multivariate_normal import LowRankMultivariateNormal, MultivariateNormal, log_diagonal, solved
from .transformed import Independent, TransformedDistribution

__all__ = ["kl_divergence", "register_kl"]

Formula = Callable[[Any, Any], Any]
_EULER = 0.57721566490153286061
_FORMULAS: dict[tuple[type, type], Formula] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """A decorator for a function that computes the divergence of two classes and their subclasses.

    Parameters
    ----------
    type_p, type_q : type
        Subclasses of `Distribution`.

    Returns
    -------
    callable

    Raises
    ------
    TypeError
        For other classes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> class Fair(D.Bernoulli):
    ...     pass
    >>> @D.register_kl(Fair, Fair)
    ... def none(p, q):
    ...     return tg.zeros(p.batch_shape)
    >>> D.kl_divergence(Fair(0.5), Fair(0.5))
    tensor(0.)
    """
    for kind in (type_p, type_q):
        if not isinstance(kind, type):  # which need not derive from Distribution: a base of some that do is one, too
            raise TypeError(f"register_kl: expected a class, got {kind!r}")

    def register(formula: Formula) -> Formula:
        _FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The Kullback-Leibler divergence, the integral of ``p log(p / q)``.

    Parameters
    ----------
    p, q : Distribution

    Returns
    -------
    Tensor, of the batch shapes, broadcast
        Infinite where `q` excludes what `p` does not. PyTorch's is also infinite for a `ContinuousBernoulli` and the
        `Uniform` distribution on all of [0, 1].

    Raises
    ------
    NotImplementedError
        Where no closed form is known, see `register_kl`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.kl_divergence(D.Normal(0.0, 1.0), D.Normal(1.0, 1.0)), D.kl_divergence(D.Beta(1.0, 1.0), D.Normal(0.0, 1.0))
    (tensor(0.5000), tensor(1.0856))
    """
    kinds_p, kinds_q = type(p).__mro__, type(q).__mro__
    fitting = [(a, b) for a, b in _FORMULAS if a in kinds_p and b in kinds_q]
    if not fitting:
        raise _no_formula(p, q)
    return _FORMULAS[min(fitting, key=lambda pair: (kinds_p.index(pair[0]), kinds_q.index(pair[1])))](p, q)


def _no_formula(p: Any, q: Any) -> NotImplementedError:
    return NotImplementedError(
        f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
    )


# --- within a family ------------------------------------------------------------------------------------------------


def _ratio(x: Any) -> Any:
    """``x - 1 - log x``."""
    return x - 1 - x.log()


def _times(weight: Any, value: Any) -> Any:
    """The product, zero where the weight is."""
    return where(weight == 0, 0.0, weight * where(weight == 0, 0.0, value))


def _bernoulli(p: Any, q: Any) -> Any:
    success = where(q.probs == 0, math.inf, softplus(-q.logits) - softplus(-p.logits))
    failure = where(q.probs == 1, math.inf, softplus(q.logits) - softplus(p.logits))
    return _times(p.probs, success) + _times(1 - p.probs, failure)


def _binomial(p: Any, q: Any) -> Any:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    return where(p.total_count > q.total_count, math.inf, p.total_count * _bernoulli(p, q))


def _categorical(p: Any, q: Any) -> Any:
    return _times(p.probs, where(q.probs == 0, math.inf, p.logits - q.logits)).sum(-1)


def _dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total_a, total_b = a.sum(-1), b.sum(-1)
    expected = a.digamma() - total_a.digamma().unsqueeze(-1)
    return total_a.lgamma() - total_b.lgamma() + (b.lgamma() - a.lgamma() + (a - b) * expected).sum(-1)


def _gamma(p: Any, q: Any) -> Any:
    a, b, ratio = p.concentration, q.concentration, q.rate / p.rate
    return b.lgamma() - a.lgamma() + (a - b) * a.digamma() + a * (ratio - 1) - b * ratio.log()


def _gumbel(p: Any, q: Any) -> Any:
    ratio, off = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return off - ratio.log() + ratio * _EULER + ((1 + ratio).lgamma() - off).exp() - (1 + _EULER)


def _laplace(p: Any, q: Any) -> Any:
    off = (p.loc - q.loc).abs()
    return (q.scale / p.scale).log() + (off + p.scale * (-off / p.scale).exp()) / q.scale - 1


def _multivariate_normal(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(f"kl_divergence: the event shapes must be equal, got {p.event_shape} and {q.event_shape}")
    spread = solved(q.scale_tril.unsqueeze(-3), p.scale_tril.mT)  # the columns of Lq^-1 Lp
    off = solved(q.scale_tril, p.loc - q.loc)
    volume = log_diagonal(q.scale_tril) - log_diagonal(p.scale_tril)
    return volume + 0.5 * ((spread**2).sum((-2, -1)) + (off**2).sum(-1) - p.event_shape[0])


def _independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise _no_formula(p, q)
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


def _exponential_family(p: Any, q: Any) -> Any:
    """Bregman's divergence of the log normalizers."""
    if type(p) is not type(q):
        raise _no_formula(p, q)
    normalizer, pairs = p.statistics()
    divergence = q._log_normalizer(*q._natural_params) - normalizer
    for (natural, mean), other in zip(pairs, q._natural_params):
        divergence = divergence - sum_rightmost((other - natural) * mean, len(q.event_shape))
    return divergence


def _transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise _no_formula(p, q)
    return kl_divergence(p.base_dist, q.base_dist)


def _weibull(p: Any, q: Any) -> Any:
    """Bauckhage 2013, Computing the Kullback-Leibler divergence between two Weibull distributions, equation (12)."""
    k, other, log_scale = p.concentration, q.concentration, p.scale.log()
    log_ratio = log_scale - q.scale.log()
    power = (other * log_ratio + (other / k + 1).lgamma()).exp()
    return (k / other).log() - other * log_ratio + (other / k - 1) * _EULER + power - 1


def _wishart(p: Any, q: Any) -> Any:
    if p.event_shape != q.event_shape:
        raise ValueError(f"kl_divergence: the event shapes must be equal, got {p.event_shape} and {q.event_shape}")
    n, half = p.event_shape[-1], 0.5 * p.df
    slope = sum((half - 0.5 * i).digamma() for i in range(n))  # that of mvlgamma
    lower, other = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    trace = (solved(other.unsqueeze(-3), lower.mT) ** 2).sum((-2, -1))
    volume = q.df * (log_diagonal(other) - log_diagonal(lower)) + half * (trace - n)
    return volume + mvlgamma(0.5 * q.df, n) - mvlgamma(half, n) + 0.5 * (p.df - q.df) * slope


_SAME: dict[type, Formula] = {
    Bernoulli: _bernoulli,
    Beta: lambda p, q: _dirichlet(p._dirichlet, q._dirichlet),
    Binomial: _binomial,
    Categorical: _categorical,
    Cauchy: lambda p, q: (((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2) / (4 * p.scale * q.scale)).log(),
    Dirichlet: _dirichlet,
    ExponentialFamily: _exponential_family,
    Exponential: lambda p, q: _ratio(q.rate / p.rate),
    Gamma: _gamma,
    Geometric: lambda p, q: -p.entropy() - (-q.probs).log1p() / p.probs - q.logits,
    Gumbel: _gumbel,
    HalfCauchy: lambda p, q: ((p.scale + q.scale) ** 2 / (4 * p.scale * q.scale)).log(),
    HalfNormal: lambda p, q: 0.5 * _ratio((p.scale / q.scale) ** 2),
    Independent: _independent,
    InverseGamma: _gamma,  # of the reciprocals, which lose nothing
    Laplace: _laplace,
    Normal: lambda p, q: 0.5 * (_ratio((p.scale / q.scale) ** 2) + ((p.loc - q.loc) / q.scale) ** 2),
    OneHotCategorical: _categorical,
    Poisson: lambda p, q: special.xlogy(p.rate, p.rate / q.rate) - p.rate + q.rate,
    TransformedDistribution: _transformed,
    Weibull: _weibull,
    Wishart: _wishart,
}
_FORMULAS.update({(kind, kind): formula for kind, formula in _SAME.items()})
_normals = (MultivariateNormal, LowRankMultivariateNormal)
_FORMULAS.update({(a, b): _multivariate_normal for a in _normals for b in _normals})

# --- between families -----------------------------------------------------------------------------------------------
# Cross entropies need few expectations of p: its moments, those of log x, log(1 - x) and |x - c|, and exp(t x).


def _uniform_log(p: Any) -> Any:
    return (special.xlogy(p.high, p.high) - special.xlogy(p.low, p.low)) / (p.high - p.low) - 1


def _normal_distance(p: Any, c: Any) -> Any:
    off = p.loc - c
    spread = math.sqrt(2 / math.pi) * p.scale * (-0.5 * (off / p.scale) ** 2).exp()
    return spread + off * special.erf(off / (p.scale * math.sqrt(2)))


_LOG: dict[type, Any] = {
    Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    Exponential: lambda p: -_EULER - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + 1 / p.alpha,
    Uniform: _uniform_log,
}
_LOG_REST: dict[type, Any] = {
    Uniform: lambda p: _uniform_log(Uniform(1 - p.high, 1 - p.low, validate_args=False)),
}
_EXP: dict[type, Any] = {
    Exponential: lambda p, t: p.rate / (p.rate - t),
    Gamma: lambda p, t: (1 - t / p.rate) ** -p.concentration,
    Normal: lambda p, t: (p.loc * t + 0.5 * (p.scale * t) ** 2).exp(),
    Uniform: lambda p, t: ((t * p.high).exp() - (t * p.low).exp()) / (t * (p.high - p.low)),
}
_DISTANCE: dict[type, Any] = {Normal: _normal_distance}


def _of(table: dict[type, Any], p: Any, q: Any, *arguments: Any) -> Any:
    found = next((table[kind] for kind in type(p).__mro__ if kind in table), None)
    if found is None:
        raise _no_formula(p, q)
    return found(p, *arguments)


def _normal_cross(p: Any, q: Any) -> Any:
    squares = (p.variance + (p.mean - q.loc) ** 2) / (2 * q.scale**2)
    return where(p.variance == math.inf, math.inf, squares) + q.scale.log() + 0.5 * math.log(2 * math.pi)


def _gamma_cross(p: Any, q: Any) -> Any:
    constant = q.concentration.lgamma() - q.concentration * q.rate.log()
    return constant + (1 - q.concentration) * _of(_LOG, p, q) + q.rate * p.mean


def _beta_cross(p: Any, q: Any) -> Any:
    a, b = q.concentration1, q.concentration0
    constant = a.lgamma() + b.lgamma() - (a + b).lgamma()
    return constant + (1 - a) * _of(_LOG, p, q) + (1 - b) * _of(_LOG_REST, p, q)


_CROSS: dict[type, Formula] = {
    Beta: _beta_cross,
    ContinuousBernoulli: lambda p, q: -p.mean * q.logits + softplus(q.logits) - q._log_norm(),
    Exponential: lambda p, q: q.rate * p.mean - q.rate.log(),
    Gamma: _gamma_cross,
    Gumbel: lambda p, q: q.scale.log() + (p.mean - q.loc) / q.scale + (q.loc / q.scale).exp()
    * _of(_EXP, p, q, -1 / q.scale),
    Laplace: lambda p, q: (2 * q.scale).log() + _of(_DISTANCE, p, q, q.loc) / q.scale,
    Normal: _normal_cross,
    Pareto: lambda p, q: (q.alpha + 1) * _of(_LOG, p, q) - q.alpha.log() - q.alpha * q.scale.log(),
    Uniform: lambda p, q: (q.high - q.low).log() + 0 * p.mean,
}  # fmt: skip
_ENDS: dict[type, Any] = {
    **dict.fromkeys((Beta, ContinuousBernoulli), lambda d: (0.0, 1.0)),
    **dict.fromkeys((Exponential, Gamma), lambda d: (0.0, math.inf)),
    **dict.fromkeys((Gumbel, Laplace, Normal), lambda d: (-math.inf, math.inf)),
    Pareto: lambda d: (d.scale, math.inf),
    Uniform: lambda d: (d.low, d.high),
}


def _between(p: Any, q: Any) -> Any:
    """The cross entropy less the entropy, infinite where `p` reaches out of what `q` covers."""
    none = zeros(np.broadcast_shapes(p.batch_shape, q.batch_shape), dtype=p.mean.dtype)
    (low_p, high_p), (low_q, high_q) = _of(_ENDS, p, q), _of(_ENDS, q, q)
    outside = (none + low_p < low_q) | (none + high_p > high_q)
    if bool(outside.all()):
        return none + math.inf
    cross = next(_CROSS[kind] for kind in type(q).__mro__ if kind in _CROSS)
    return where(outside, math.inf, none + cross(p, q) - p.entropy())


def _infinite(p: Any, q: Any) -> Any:
    return full(np.broadcast_shapes(p.batch_shape, q.batch_shape), math.inf, dtype=p.mean.dtype)


for _pair in [(a, b) for a in _ENDS for b in _ENDS if (a, b) not in _FORMULAS]:
    register_kl(*_pair)(_between)
register_kl(Bernoulli, Poisson)(lambda p, q: q.rate - special.xlogy(p.probs, q.rate) - p.entropy())
register_kl(Poisson, Bernoulli)(_infinite)
register_kl(Poisson, Binomial)(_infinite)
