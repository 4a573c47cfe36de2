"""Distributions with parameters of batches that broadcast, and values in their supports: one row for each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

A = np.array([[0.3], [1.7]])  # (2, 1)
B = np.array([0.5, 1.2, 2.6])  # (3,)
P = np.array([0.15, 0.5, 0.8])
REAL = np.array([[-1.3, 0.4, 2.2], [0.1, -0.6, 1.5]])
POSITIVE = np.array([[0.2, 1.1, 3.4], [0.7, 2.5, 0.05]])
UNIT = np.array([[0.1, 0.5, 0.9], [0.35, 0.75, 0.02]])
COUNTS = np.array([[0.0, 2.0, 5.0], [1.0, 3.0, 0.0]])
BITS = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
WEIGHTS = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
SIMPLEX = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
ONE_HOT = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
SPREAD = np.array([[2.0, 0.3, -0.4], [0.3, 1.0, 0.1], [-0.4, 0.1, 0.8]])
FACTOR = np.linalg.cholesky(SPREAD)
THIN = np.array([[1.0, 0.2], [-0.3, 0.5], [0.4, 0.9]])
ODDS = np.array([-1.1, 0.2, 2.0])
CORRELATION = np.linalg.cholesky(np.array([[1.0, 0.3, -0.2], [0.3, 1.0, 0.4], [-0.2, 0.4, 1.0]]))


class Row(NamedTuple):
    """How it is made: ``make(D, t)``, from the module of distributions and a function that makes tensors."""

    make: Any
    value: Any
    open: bool = True  # whether log_prob has a gradient in the value


def table() -> dict[str, Row]:
    """The rows, by their names."""
    rows = {
        "Normal": Row(lambda D, t: D.Normal(t(A), t(B)), REAL),
        "Laplace": Row(lambda D, t: D.Laplace(t(A), t(B)), REAL),
        "Cauchy": Row(lambda D, t: D.Cauchy(t(A), t(B)), REAL),
        "Gumbel": Row(lambda D, t: D.Gumbel(t(A), t(B)), REAL),
        "StudentT": Row(lambda D, t: D.StudentT(t(B), t(A), t(B)), REAL),
        "Uniform": Row(lambda D, t: D.Uniform(t(-A - 2), t(B + 1)), REAL, False),
        "HalfNormal": Row(lambda D, t: D.HalfNormal(t(B)), POSITIVE),
        "HalfCauchy": Row(lambda D, t: D.HalfCauchy(t(B)), POSITIVE),
        "LogNormal": Row(lambda D, t: D.LogNormal(t(A), t(B)), POSITIVE),
        "Gamma": Row(lambda D, t: D.Gamma(t(A), t(B)), POSITIVE),
        "Chi2": Row(lambda D, t: D.Chi2(t(B)), POSITIVE),
        "InverseGamma": Row(lambda D, t: D.InverseGamma(t(A + 1), t(B)), POSITIVE),
        "Exponential": Row(lambda D, t: D.Exponential(t(B)), POSITIVE),
        "FisherSnedecor": Row(lambda D, t: D.FisherSnedecor(t(A + 1), t(B * 3)), POSITIVE),
        "Weibull": Row(lambda D, t: D.Weibull(t(A), t(B)), POSITIVE),
        "Pareto": Row(lambda D, t: D.Pareto(t(A), t(B)), POSITIVE + 2),
        "GeneralizedPareto": Row(lambda D, t: D.GeneralizedPareto(t(A - 2), t(B), t(P)), POSITIVE),
        "Kumaraswamy": Row(lambda D, t: D.Kumaraswamy(t(A), t(B)), UNIT),
        "Beta": Row(lambda D, t: D.Beta(t(A), t(B)), UNIT),
        "Dirichlet": Row(lambda D, t: D.Dirichlet(t(POSITIVE)), SIMPLEX),
        "VonMises": Row(lambda D, t: D.VonMises(t(A), t(B)), REAL),
        "Poisson": Row(lambda D, t: D.Poisson(t(B)), COUNTS, False),
        "NegativeBinomial": Row(lambda D, t: D.NegativeBinomial(t(A), t(P)), COUNTS, False),
        "Binomial": Row(lambda D, t: D.Binomial(t(np.full((2, 1), 6.0)), t(P)), COUNTS, False),
        "Geometric": Row(lambda D, t: D.Geometric(t(P)), COUNTS, False),
        "Bernoulli": Row(lambda D, t: D.Bernoulli(t(P)), BITS, False),
        "Bernoulli logits": Row(lambda D, t: D.Bernoulli(logits=t(ODDS)), BITS, False),
        "ContinuousBernoulli": Row(lambda D, t: D.ContinuousBernoulli(t(P)), UNIT),
        "Categorical": Row(lambda D, t: D.Categorical(t(WEIGHTS)), np.array([2, 0]), False),
        "Categorical logits": Row(lambda D, t: D.Categorical(logits=t(REAL)), np.array([1, 2]), False),
        "OneHotCategorical": Row(lambda D, t: D.OneHotCategorical(t(WEIGHTS)), ONE_HOT, False),
        "OneHotCategoricalStraightThrough": Row(
            lambda D, t: D.OneHotCategoricalStraightThrough(t(WEIGHTS)), ONE_HOT, False
        ),
        "Multinomial": Row(lambda D, t: D.Multinomial(6, t(WEIGHTS)), np.array([[1.0, 2, 3], [6, 0, 0]]), False),
        "MultivariateNormal covariance": Row(lambda D, t: D.MultivariateNormal(t(REAL), t(SPREAD)), POSITIVE),
        "MultivariateNormal precision": Row(
            lambda D, t: D.MultivariateNormal(t(REAL), precision_matrix=t(SPREAD)), POSITIVE
        ),
        "MultivariateNormal factor": Row(lambda D, t: D.MultivariateNormal(t(REAL), scale_tril=t(FACTOR)), POSITIVE),
        "LowRankMultivariateNormal": Row(lambda D, t: D.LowRankMultivariateNormal(t(REAL), t(THIN), t(B)), POSITIVE),
        "Wishart": Row(lambda D, t: D.Wishart(t(np.array([3.5, 4.0])), t(SPREAD)), SPREAD * 2, False),
        "LKJCholesky": Row(lambda D, t: D.LKJCholesky(3, t(B)), CORRELATION, False),
        "LogisticNormal": Row(lambda D, t: D.LogisticNormal(t(REAL[:, :2]), t(B[:2])), SIMPLEX),
        "RelaxedBernoulli": Row(lambda D, t: D.RelaxedBernoulli(t(np.array(0.7)), t(P)), UNIT),
        "RelaxedOneHotCategorical": Row(
            lambda D, t: D.RelaxedOneHotCategorical(t(np.array(0.7)), t(WEIGHTS)), SIMPLEX, False
        ),
        "Independent": Row(lambda D, t: D.Independent(D.Normal(t(A), t(B)), 1), REAL),
        "MixtureSameFamily": Row(
            lambda D, t: D.MixtureSameFamily(D.Categorical(t(WEIGHTS)), D.Normal(t(REAL), t(B))), REAL[:, 0]
        ),
        "Mixture of vectors": Row(
            lambda D, t: D.MixtureSameFamily(
                D.Categorical(t(WEIGHTS[0])), D.Independent(D.Gamma(t(POSITIVE.T), t(A[:, 0])), 1)
            ),
            POSITIVE[:, :2],
        ),
        "TransformedDistribution": Row(
            lambda D, t: D.TransformedDistribution(
                D.Normal(t(A), t(B)), [D.AffineTransform(t(B), t(-A)), D.SigmoidTransform()]
            ),
            UNIT,
        ),
        "Transformed, in vectors": Row(
            lambda D, t: D.TransformedDistribution(D.Normal(t(REAL[:, :2]), t(B[:2])), [D.StickBreakingTransform()]),
            SIMPLEX,
        ),
        "Tanh": Row(
            lambda D, t: D.TransformedDistribution(D.Normal(t(A), t(B)), D.TanhTransform(cache_size=1)), UNIT - 0.5
        ),
    }
    return rows


# Sums of log_prob, entropy, mean and variance of each row, which PyTorch 2.13 computed in float64; None: it has none or
# it is not finite.
VALUES = {
    "Normal": (-18.75325, 9.403003, 6, 16.9),
    "Laplace": (-14.25595, 11.04825, 6, 33.8),
    "Cauchy": (-14.57935, 16.07552, None, None),
    "Gumbel": (-51.65475, 10.35267, 10.96405, 27.79939),
    "StudentT": (-14.2488, 16.56431, None, None),
    "Uniform": (-10.02552, 10.02552, -1.7, 15.38667),
    "HalfNormal": (-6.749612, 2.62206, 3.430904, 3.070563),
    "HalfCauchy": (-8.115012, 5.958317, None, None),
    "LogNormal": (-21.3501, 15.403, 222.1719, 2.362679e07),
    "Gamma": (-17.35263, 0.3173478, 6.435897, 9.684747),
    "Chi2": (-9.573339, 2.071443, 4.3, 8.6),
    "InverseGamma": (-47.06965, 6.192433, 16.86275, None),
    "Exponential": (-12.85063, 2.555314, 3.217949, 4.842373),
    "FisherSnedecor": (-9.046437, None, None, None),
    "Weibull": (-556.8928, 2.838988, 7.657733, 61.84811),
    "Pareto": (-19.13189, 9.526492, None, None),
    "GeneralizedPareto": (-13.35146, 9.789371, 25.97647, None),
    "Kumaraswamy": (-8.273671, -5.930983, 2.463333, 0.3711457),
    "Beta": (-6.541972, -4.956521, 2.432731, 0.3801712),
    "Dirichlet": (-1.652686, -22.5429, 2, 0.1587974),
    "VonMises": (-12.27716, None, 6, 2.938535),
    "Poisson": (-10.87638, None, 4.3, 4.3),
    "NegativeBinomial": (-13.71611, None, 10.35294, 44.41522),
    "Binomial": (-15.09708, 8.327704, 17.4, 6.45),
    "Geometric": (-17.30227, 4.829858, 6.916667, 40.09028),
    "Bernoulli": (-3.89222, 1.616259, 1.45, 0.5375),
    "Bernoulli logits": (-3.324804, 1.615555, 1.680371, 0.53988),
    "ContinuousBernoulli": (0.4407312, -0.1930481, 1.474202, 0.231381),
    "Categorical": (-1.714798, 1.927599, None, None),
    "Categorical logits": (-2.292681, 1.269979, None, None),
    "OneHotCategorical": (-1.203973, 1.927599, 2, 1.16),
    "OneHotCategoricalStraightThrough": (-1.203973, 1.927599, 2, 1.16),
    "Multinomial": (-5.57826, 5.277082, 12, 6.96),
    "MultivariateNormal covariance": (-15.19062, 8.794289, 2.3, 7.6),
    "MultivariateNormal precision": (-14.44547, 8.232974, 2.3, 6.253776),
    "MultivariateNormal factor": (-15.19062, 8.794289, 2.3, 7.6),
    "LowRankMultivariateNormal": (-12.99218, 10.5367, 2.3, 13.3),
    "Wishart": (-18.77441, 23.75795, 28.5, 154.5),
    "LKJCholesky": (-4.78678, None, None, None),
    "LogisticNormal": (3.034702, None, None, None),
    "RelaxedBernoulli": (-0.4818188, None, None, None),
    "RelaxedOneHotCategorical": (0.1566044, None, None, None),
    "Independent": (-18.75325, 9.403003, 6, 16.9),
    "MixtureSameFamily": (-2.034846, None, 1.05, 7.1445),
    "Mixture of vectors": (-6.59825, None, 6.193137, 35.35081),
    "TransformedDistribution": (-150.4228, None, None, None),
    "Transformed, in vectors": (3.034702, None, None, None),
    "Tanh": (-14.72838, None, None, None),
}
