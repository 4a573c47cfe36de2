"""Distributions: values, gradients and samples, as PyTorch's and as their own formulas say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from distributions_table import FACTOR, POSITIVE, REAL, SPREAD, THIN, UNIT, VALUES, A, B, table

import tinygrad_lite as tg
from tinygrad_lite.distributions.constraints import holds

D = tg.distributions
ROWS = table()
QUANTITIES = ("log_prob", "cdf", "icdf", "entropy", "mean", "variance", "stddev", "mode", "perplexity")


def ours(dtype=np.float64, leaves=None):
    def make(array):
        made = tg.tensor(np.asarray(array, dtype), requires_grad=leaves is not None)
        if leaves is not None:
            leaves.append(made)
        return made

    return make


def theirs(torch, dtype=np.float64, leaves=None):
    def make(array):
        made = torch.tensor(np.asarray(array, dtype), requires_grad=leaves is not None)
        if leaves is not None:
            leaves.append(made)
        return made

    return make


def valued(row, dtype):
    return row.value if row.value.dtype.kind == "i" else row.value.astype(dtype)


def ask(distribution, name, value):
    """A quantity, or the class of the error that it is."""
    try:
        if name == "icdf":
            return distribution.icdf(value * 0 + 0.3)
        if name in ("log_prob", "cdf"):
            return getattr(distribution, name)(value)
        found = getattr(distribution, name)
        return found() if callable(found) else found
    except NotImplementedError:
        return NotImplementedError


# PyTorch's modes are wrong: of a concentration below 1, above 1, and of two below 1, where it takes the first one.
WRONG_THERE = {("Weibull", "mode"), ("Kumaraswamy", "mode"), ("Beta", "mode")}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.each("name", ROWS)
def test_values_are_pytorchs(name, dtype):
    torch = pytest.importorskip("torch")
    if name == "GeneralizedPareto" and dtype == np.float64:
        dtype = np.float32  # PyTorch's raises: Double did not match Float
    row = ROWS[name]
    mine, other = row.make(D, ours(dtype)), row.make(torch.distributions, theirs(torch, dtype))
    value = valued(row, dtype)
    assert (mine.batch_shape, mine.event_shape) == (tuple(other.batch_shape), tuple(other.event_shape))
    assert mine.has_rsample == other.has_rsample
    rtol = 1e-5 if dtype == np.float32 or name == "VonMises" else 1e-9  # PyTorch's Bessel functions are that exact
    for quantity in QUANTITIES:
        expected = ask(other, quantity, torch.tensor(value))
        if expected is NotImplementedError or (name, quantity) in WRONG_THERE:
            continue
        if (name, quantity) in (("Multinomial", "entropy"), ("Multinomial", "perplexity")):
            rtol = max(rtol, 1e-6)  # there log(n!) is of float32
        found = ask(mine, quantity, tg.tensor(value))
        assert found is not NotImplementedError, quantity
        np.testing.assert_allclose(
            found.detach().numpy(), expected.detach().numpy(), rtol, rtol / 10, err_msg=quantity, strict=True
        )


@pytest.mark.each("name", [name for name in ROWS if name != "GeneralizedPareto"])
def test_gradients_of_log_prob_and_entropy_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    row, found = ROWS[name], []
    for library, module, tensors in ((tg, D, ours), (torch, torch.distributions, lambda **k: theirs(torch, **k))):
        leaves: list = []
        distribution = row.make(module, tensors(leaves=leaves))
        value = library.tensor(row.value)
        if row.open:
            leaves.append(value.requires_grad_())
        total = distribution.log_prob(value).sum()
        if ask(distribution, "entropy", value) is not NotImplementedError and name != "Multinomial":
            total = total + distribution.entropy().sum()
        grads = library.autograd.grad(total, leaves, allow_unused=True)
        found.append([None if g is None else g.numpy() for g in grads])
    for mine, other in zip(*found):
        mine, other = (np.zeros(1) if g is None else g for g in (mine, other))
        rtol = 1e-5 if name == "VonMises" else 1e-8
        np.testing.assert_allclose(mine + 0 * other, other + 0 * mine, rtol, rtol)


@pytest.mark.each("name", ROWS)
def test_expanded_and_printed(name):
    distribution = ROWS[name].make(D, ours())
    value = tg.tensor(ROWS[name].value)
    shape = (4, *distribution.log_prob(value).shape)
    wide = distribution.expand(shape)
    assert type(wide) is type(distribution)
    assert (wide.batch_shape, wide.event_shape) == (shape, distribution.event_shape)
    np.testing.assert_allclose(wide.log_prob(value).numpy()[2], distribution.log_prob(value).numpy(), 1e-12)
    assert wide.sample((2,)).shape == (2, *wide.batch_shape, *wide.event_shape)
    assert repr(distribution).startswith(type(distribution).__name__ + "(")


# --- samples --------------------------------------------------------------------------------------------------------

MANY = 4000
HEAVY = set("Cauchy HalfCauchy StudentT Pareto GeneralizedPareto FisherSnedecor InverseGamma LogNormal".split())
QUANTILES = (
    "Normal Laplace Cauchy Gumbel Uniform HalfNormal HalfCauchy LogNormal Gamma Chi2 InverseGamma Exponential Weibull "
    "Pareto GeneralizedPareto Kumaraswamy ContinuousBernoulli TransformedDistribution Tanh"
).split()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.each("name", ROWS)
def test_samples_have_the_moments_and_the_quantiles(name, dtype):
    distribution = ROWS[name].make(D, ours(dtype))
    tg.manual_seed(7)
    drawn = distribution.sample((MANY,))
    assert drawn.shape == (MANY, *distribution.batch_shape, *distribution.event_shape)
    assert drawn.dtype == (tg.int64 if type(distribution) is D.Categorical else dtype)
    assert not drawn.requires_grad
    assert bool(distribution.support.check(drawn).all())
    assert np.isfinite(distribution.log_prob(drawn).numpy()).all()
    mean, variance = (ask(distribution, quantity, None) for quantity in ("mean", "variance"))
    if name not in HEAVY and mean is not NotImplementedError and type(distribution) not in (D.Categorical, D.VonMises):
        error = (drawn.mean(0) - mean) / (variance / MANY).sqrt()
        assert error.abs().max() < 4.5
        spread = drawn.var(0) / variance
        assert (spread - 1).abs().max() < 0.3
    chances = ask(distribution, "cdf", drawn)
    if chances is not NotImplementedError and not distribution.support.is_discrete:
        ordered = np.sort(chances.numpy().astype(np.float64), axis=0)
        steps = (np.arange(MANY) + 0.5).reshape(-1, *(1,) * (ordered.ndim - 1)) / MANY
        assert np.abs(ordered - steps).max() < 2.1 / np.sqrt(MANY)  # Kolmogorov and Smirnov


def test_counts_have_their_probabilities():
    tg.manual_seed(3)
    for name in ("Poisson", "NegativeBinomial", "Binomial", "Geometric", "Bernoulli", "Categorical"):
        distribution = ROWS[name].make(D, ours())
        drawn = distribution.sample((MANY,))
        for count in range(3 if name != "Bernoulli" else 2):
            value = tg.full(distribution.batch_shape, count, dtype=drawn.dtype)
            chance = distribution.log_prob(value).exp().numpy()
            error = ((drawn == count).numpy().mean(0) - chance) / np.sqrt(chance * (1 - chance) / MANY)
            assert np.abs(error).max() < 4, (name, count)


@pytest.mark.parametrize("name", QUANTILES)
def test_gradients_of_samples_are_those_of_quantiles(name):
    """At a fixed F(x, a), dx / da is -(dF / da) / (dF / dx)."""
    leaves: list = []
    distribution = ROWS[name].make(D, ours(leaves=leaves))
    tg.manual_seed(1)
    x = distribution.rsample((3,))
    assert x.requires_grad
    through = tg.autograd.grad(x.sum(), leaves)
    x = x.detach()
    density = distribution.log_prob(x).exp().detach()
    if name in ("Gamma", "Chi2", "InverseGamma"):  # whose cdf has no gradient in the concentration
        step, expected = 1e-5, []
        for i in range(len(leaves)):
            ends = []
            for sign in (1, -1):
                moved = [v.detach() + (sign * step if i == j else 0) for j, v in enumerate(leaves)]
                rest = iter(moved)
                ends.append(ROWS[name].make(D, lambda _, rest=rest: next(rest) + 0).cdf(x + 0 * sign))
            whole = (ends[0] - ends[1]) / (2 * step) / density
            expected.append(-whole.sum_to_size(leaves[i].shape))
        rtol = 1e-6
    else:
        expected = [-g for g in tg.autograd.grad((distribution.cdf(x) / density).sum(), leaves)]
        rtol = 1e-7
    for a, b in zip(through, expected):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol, rtol)


# --- divergences ----------------------------------------------------------------------------------------------------

PAIRS = {
    "Normal": lambda D, t: D.Normal(t([0.3, -1.0]), t([0.8, 1.4])),
    "Laplace": lambda D, t: D.Laplace(t([0.1, 0.6]), t([1.2, 0.5])),
    "Gumbel": lambda D, t: D.Gumbel(t([0.2, -0.3]), t([0.7, 1.1])),
    "Exponential": lambda D, t: D.Exponential(t([0.6, 2.2])),
    "Gamma": lambda D, t: D.Gamma(t([0.7, 2.5]), t([1.3, 0.9])),
    "Chi2": lambda D, t: D.Chi2(t([1.5, 4.0])),
    "Beta": lambda D, t: D.Beta(t([0.8, 2.0]), t([1.4, 3.0])),
    "ContinuousBernoulli": lambda D, t: D.ContinuousBernoulli(t([0.2, 0.7])),
    "Uniform": lambda D, t: D.Uniform(t([0.1, 0.4]), t([0.9, 0.6])),
    "Uniform, wide": lambda D, t: D.Uniform(t([-0.5, 0.2]), t([1.5, 3.0])),
    "Pareto": lambda D, t: D.Pareto(t([0.3, 0.05]), t([1.6, 3.1])),
    "Cauchy": lambda D, t: D.Cauchy(t([0.3, -1.0]), t([0.8, 1.4])),
    "HalfNormal": lambda D, t: D.HalfNormal(t([0.8, 1.4])),
    "LogNormal": lambda D, t: D.LogNormal(t([0.3, -1.0]), t([0.8, 1.4])),
    "Bernoulli": lambda D, t: D.Bernoulli(t([0.0, 0.4])),
    "Bernoulli of both": lambda D, t: D.Bernoulli(t([0.3, 1.0])),
    "Binomial": lambda D, t: D.Binomial(5, t([0.3, 0.9])),
    "Geometric": lambda D, t: D.Geometric(t([0.3, 0.9])),
    "Poisson": lambda D, t: D.Poisson(t([0.3, 2.9])),
    "Categorical": lambda D, t: D.Categorical(t([[0.2, 0.3, 0.5], [0.0, 0.5, 0.5]])),
    "Categorical of all": lambda D, t: D.Categorical(logits=t([[0.2, 1.3, -0.5], [0.0, 0.5, 0.5]])),
    "OneHotCategorical": lambda D, t: D.OneHotCategorical(t([[0.2, 0.3, 0.5], [0.1, 0.5, 0.4]])),
    "Dirichlet": lambda D, t: D.Dirichlet(t([[0.2, 0.3, 1.5], [1.0, 2.5, 0.5]])),
    "MultivariateNormal": lambda D, t: D.MultivariateNormal(t([[0.1, 0.2, 0.3]] * 2), t(SPREAD)),
    "MultivariateNormal of another": lambda D, t: D.MultivariateNormal(t([0.0, -1.0, 0.5]), scale_tril=t(FACTOR * 2)),
    "LowRankMultivariateNormal": lambda D, t: D.LowRankMultivariateNormal(
        t([0.4, 0.0, 0.1]), t(THIN), t([0.5, 1.0, 2.0])
    ),
    "Independent": lambda D, t: D.Independent(D.Normal(t([0.3, -1.0]), t([0.8, 1.4])), 1),
    "Independent, other": lambda D, t: D.Independent(D.Normal(t([0.1, -0.4]), t([0.2, 1.0])), 1),
}  # fmt: skip
# PyTorch's are infinite: it has the condition the wrong way round.
CLOSED = {
    ("ContinuousBernoulli", "Uniform"), ("ContinuousBernoulli", "Uniform, wide"), ("Uniform", "ContinuousBernoulli"),
}  # fmt: skip


def divergence(D, p, q):
    try:
        return D.kl_divergence(p, q).numpy()
    except NotImplementedError:
        return None


def test_divergences_of_all_pairs_are_pytorchs():
    torch = pytest.importorskip("torch")
    other = {name: make(torch.distributions, theirs(torch)) for name, make in PAIRS.items()}
    mine = {name: make(D, ours()) for name, make in PAIRS.items()}
    compared = 0
    for p in PAIRS:
        for q in PAIRS:
            expected = divergence(torch.distributions, other[p], other[q])
            if expected is None or (p, q) in CLOSED:
                continue
            found = divergence(D, mine[p], mine[q])
            assert found is not None, (p, q)
            np.testing.assert_allclose(found, expected, 1e-8, 1e-10, err_msg=f"{p} and {q}", strict=True)
            compared += 1
    assert compared > 100


def test_divergences_are_integrals():
    """Between families, also where PyTorch has no formula: by the trapezoidal rule, in quantiles of the first one."""
    u = (tg.arange(20_000, dtype=tg.float64) + 0.5) / 20_000
    pairs = ("Normal", "Laplace", "Gumbel", "Exponential", "ContinuousBernoulli", "Uniform", "Uniform, wide", "Pareto")
    for p in pairs:
        for q in PAIRS:
            first, second = PAIRS[p](D, ours()), PAIRS[q](D, ours())
            found = divergence(D, first, second)
            if found is None or not np.isfinite(found).any():
                continue
            if p == "Pareto" and q in ("Normal", "Exponential", "Gamma", "Chi2"):
                continue  # their tails are too heavy for a rule of equal steps
            x = first.icdf(u[:, None])
            second._validate_args = False
            ratio = (first.log_prob(x) - second.log_prob(x)).numpy()
            with np.errstate(invalid="ignore"):
                ratio = ratio.mean(0)
            np.testing.assert_allclose(
                ratio[np.isfinite(found)], found[np.isfinite(found)], 5e-3, 1e-3, err_msg=f"{p} and {q}"
            )


# --- transforms -----------------------------------------------------------------------------------------------------

TRANSFORMS = {
    "abs": (lambda D, t: D.AbsTransform(), REAL),
    "affine": (lambda D, t: D.AffineTransform(t(A), t(-B)), REAL),
    "affine, of vectors": (lambda D, t: D.AffineTransform(1.0, -2.0, event_dim=1), REAL),
    "exp": (lambda D, t: D.ExpTransform(), REAL),
    "power": (lambda D, t: D.PowerTransform(t(B)), POSITIVE),
    "sigmoid": (lambda D, t: D.SigmoidTransform(), REAL),
    "softplus": (lambda D, t: D.SoftplusTransform(), REAL),
    "tanh": (lambda D, t: D.TanhTransform(), REAL),
    "cdf": (lambda D, t: D.CumulativeDistributionTransform(D.Normal(t(A), t(B))), REAL),
    "softmax": (lambda D, t: D.SoftmaxTransform(), REAL),
    "stick breaking": (lambda D, t: D.StickBreakingTransform(), REAL),
    "lower cholesky": (lambda D, t: D.LowerCholeskyTransform(), SPREAD),
    "positive definite": (lambda D, t: D.PositiveDefiniteTransform(), SPREAD),
    "corr cholesky": (lambda D, t: D.CorrCholeskyTransform(), REAL),
    "reshape": (lambda D, t: D.ReshapeTransform((2, 3), (6,)), REAL),
    "independent": (lambda D, t: D.IndependentTransform(D.ExpTransform(), 1), REAL),
    "compose": (lambda D, t: D.ComposeTransform([D.AffineTransform(t(A), t(B)), D.StickBreakingTransform()]), REAL),
    "compose, inverse": (lambda D, t: D.ComposeTransform([D.TanhTransform(), D.ExpTransform()]).inv, UNIT + 1),
    "identity": (lambda D, t: D.identity_transform, REAL),
    "cat": (lambda D, t: D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], 1, [1, 2]), REAL),
    "stack": (lambda D, t: D.StackTransform([D.ExpTransform(), D.TanhTransform()], 0), REAL),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    make, x = TRANSFORMS[name]
    mine, other = make(D, ours()), make(torch.distributions, theirs(torch))
    pairs = [(mine, tg.tensor(x)), (other, torch.tensor(x))]
    values = [t(x) for t, x in pairs]
    np.testing.assert_allclose(values[0].numpy(), values[1].numpy(), 1e-10, 1e-12, strict=True)
    np.testing.assert_allclose(mine.inv(values[0]).numpy(), other.inv(values[1]).numpy(), 1e-8, 1e-10)
    assert mine.bijective == other.bijective
    assert tuple(mine.forward_shape(x.shape)) == tuple(other.forward_shape(x.shape)) == values[0].shape
    for end in ("domain", "codomain"):
        assert getattr(mine, end).event_dim == getattr(other, end).event_dim
    assert bool(mine.codomain.check(values[0]).all())
    if mine.bijective:
        volumes = [t.log_abs_det_jacobian(x, y) for (t, x), y in zip(pairs, values)]
        np.testing.assert_allclose(volumes[0].numpy(), volumes[1].numpy(), 1e-8, 1e-10)
        np.testing.assert_allclose(mine.inv.log_abs_det_jacobian(values[0], pairs[0][1]).numpy(), -volumes[0].numpy())


def test_volumes_are_determinants():
    for name, shape in (("stick breaking", (3,)), ("affine, of vectors", (3,)), ("reshape", (2, 3))):
        transform = TRANSFORMS[name][0](D, ours())
        x = tg.tensor(REAL[0] if shape == (3,) else REAL)
        jacobian = tg.autograd.functional.jacobian(transform, x)
        if name == "stick breaking":
            jacobian = jacobian[:-1]
        n = x.numel()
        expected = tg.linalg.slogdet(jacobian.reshape(n, n)).logabsdet
        np.testing.assert_allclose(
            transform.log_abs_det_jacobian(x, transform(x)).item(), expected.item(), 1e-10, 1e-12
        )


def test_caches_give_the_very_argument():
    tanh = D.TanhTransform(cache_size=1)
    x = tg.tensor([40.0])
    assert tanh.inv(tanh(x)) is x
    chain = D.ComposeTransform([D.ExpTransform(), D.AffineTransform(0.0, 2.0)]).with_cache()
    assert chain.inv(chain(x)) is x
    assert chain.with_cache(0).parts[0]._cache_size == 0
    assert D.ExpTransform() == D.ExpTransform(cache_size=1)
    assert D.AffineTransform(0.0, 2.0) != D.AffineTransform(1.0, 2.0)
    assert D.AffineTransform(tg.zeros(2), 2.0) == D.AffineTransform(tg.zeros(2), 2.0)
    assert chain.inv.inv is chain


CONSTRAINTS = (
    "real", "positive", "nonnegative", "unit_interval", "simplex", "real_vector", "lower_cholesky", "corr_cholesky",
    "positive_definite",
)  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_have_their_transforms(name):
    constraint = getattr(D.constraints, name)
    x = tg.tensor(SPREAD if constraint.event_dim == 2 and name != "corr_cholesky" else REAL)
    for registry in (D.transform_to, D.biject_to):
        if registry is D.biject_to and name in ("lower_cholesky", "positive_definite"):
            continue
        assert bool(constraint.check(registry(constraint)(x)).all())
    interval = D.constraints.interval(-1.0, tg.tensor([2.0, 3.0, 4.0]))
    assert bool(interval.check(D.biject_to(interval)(x)).all())
    assert bool(D.constraints.less_than(2.0).check(D.transform_to(D.constraints.less_than(2.0))(x)).all())
    with pytest.raises(NotImplementedError, match="Boolean"):
        D.biject_to(D.constraints.boolean)


SETS = {
    "real": "real", "boolean": "boolean", "one_hot": "one_hot", "simplex": "simplex", "positive": "positive",
    "nonnegative_integer": "nonnegative_integer", "interval": "interval(0, 2)", "half": "half_open_interval(0.0, 1.0)",
    "integers": "integer_interval(0, 2)", "less": "less_than(0.5)", "least": "greater_than_eq(-1.0)",
    "counts": "multinomial(2)", "vectors": "real_vector", "of tensors": "interval(-tg.ones(2), tg.tensor(1.0))",
    "triangles": "lower_triangular",
}  # fmt: skip
POINTS = [
    [[0.5, 0.5]], [[0.0, 1.0]], [[1.0, 1.0]], [[-1.0, 2.0]], [[0.0, math.nan]], [[math.inf, 0.0]], [[-0.0, 0.25]],
    [[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.5], [0.0, 1.0]],
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.each("name", SETS)
def test_what_is_validated_is_what_the_constraint_says(name, dtype):
    constraint = eval(SETS[name], {**vars(D.constraints), "tg": tg})
    answers = set()
    for value in POINTS:
        if dtype is np.int64 and not np.isfinite(value).all():
            continue
        value = tg.tensor(np.array(value).astype(dtype))
        answer = holds(constraint, value)
        assert answer is bool(constraint.check(value).all()), (constraint, value)
        answers.add(answer)
    assert answers == {True, False} or (dtype is np.int64 and answers == {True})


def test_values_of_own_constraints_are_tensors():
    class Low(type(D.constraints.less_than(1.0))):
        def check(self, value):
            return value.lt(self.upper_bound)

    assert holds(Low(1.0), tg.tensor([0.5]))
    assert not holds(D.constraints.independent(Low(1.0), 1), tg.tensor([0.5, 1.0]))


# --- what is refused ------------------------------------------------------------------------------------------------

REFUSED = {
    "a negative scale": (lambda: D.Normal(0.0, -1.0), ValueError, r"parameter scale .* GreaterThan\(lower_bound=0.0\)"),
    "NaN": (lambda: D.Normal(float("nan"), 1.0), ValueError, "parameter loc .* Real"),
    "a text": (lambda: D.Normal("0", 1.0), ValueError, "must be tensors or numbers, got '0'"),
    "probabilities above 1": (lambda: D.Bernoulli(1.5), ValueError, "parameter probs .* Interval"),
    "both": (lambda: D.Bernoulli(0.5, 0.0), ValueError, "either `probs` or `logits`"),
    "neither": (lambda: D.Categorical(), ValueError, "either `probs` or `logits`"),
    "negative weights": (lambda: D.Categorical(tg.tensor([-0.5, 1.0])), ValueError, "Simplex"),
    "no dimension": (lambda: D.Categorical(tg.tensor(0.5)), ValueError, "at least one dimension"),
    "an empty interval": (lambda: D.Uniform(1.0, 1.0), ValueError, "low must be smaller than high"),
    "two matrices": (
        lambda: D.MultivariateNormal(tg.zeros(2), tg.eye(2), tg.eye(2)), ValueError, "exactly one of",
    ),
    "no covariance": (lambda: D.MultivariateNormal(tg.zeros(2), -tg.eye(2)), ValueError, "PositiveDefinite"),
    "another size": (lambda: D.MultivariateNormal(tg.zeros(3), tg.eye(2)), ValueError, "must fit covariance_matrix"),
    "too many dimensions": (lambda: D.Independent(D.Normal(0.0, 1.0), 1), ValueError, "<= len"),
    "a value outside": (lambda: D.Beta(1.0, 1.0).log_prob(tg.tensor(1.5)), ValueError, "within the support"),
    "half a count": (lambda: D.Poisson(1.0).log_prob(tg.tensor(1.5)), ValueError, "within the support"),
    "no tensor": (lambda: D.Normal(0.0, 1.0).log_prob(0.5), ValueError, "must be a Tensor, got float"),
    "a shape that does not fit": (
        lambda: D.Normal(tg.zeros(2), 1.0).log_prob(tg.zeros(3)), ValueError, "not broadcastable",
    ),
    "another event": (
        lambda: D.Dirichlet(tg.ones(3)).log_prob(tg.ones(2) / 2), ValueError, "must match event_shape",
    ),
    "samples of counts": (lambda: D.Poisson(1.0).rsample(), NotImplementedError, "Poisson does not implement rsample"),
    "no mean": (lambda: D.RelaxedBernoulli(1.0, 0.5).mean, NotImplementedError, "does not implement mean"),
    "no formula": (lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0)), NotImplementedError, "No KL"),
    "no transform": (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [1]), ValueError, "must be a Transform"),
    "a cache of two": (lambda: D.ExpTransform(cache_size=2), ValueError, "cache_size must be 0 or 1"),
    "other numbers": (lambda: D.ReshapeTransform((2,), (3,)), ValueError, "different numbers|hold different"),
    "too few degrees": (lambda: D.Wishart(1.0, tg.eye(3)), ValueError, "df must be greater than n - 1 = 2"),
    "weights for others": (
        lambda: D.MixtureSameFamily(D.Categorical(tg.ones(2)), D.Normal(tg.zeros(3), 1.0)), ValueError, "2 weights",
    ),
    "no family": (lambda: D.register_kl(3, D.Normal), TypeError, "a class"),
    "several counts": (lambda: D.Multinomial(tg.tensor([1, 2]), tg.ones(2)), NotImplementedError, "one integer"),
}  # fmt: skip


@pytest.mark.each("name", REFUSED)
def test_refused(name):
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        call()


def test_checks_can_be_turned_off():
    assert D.Normal(0.0, -1.0, validate_args=False).scale == -1
    assert D.Beta(2.0, 2.0, validate_args=False).log_prob(tg.tensor(1.5)).isnan()
    D.Distribution.set_default_validate_args(False)
    try:
        assert D.Normal(0.0, -1.0).scale == -1
    finally:
        D.Distribution.set_default_validate_args(True)


def test_second_derivatives_of_gamma_samples_are_refused():
    a = tg.tensor([0.5, 2.0], requires_grad=True)
    slope = tg.autograd.grad(D.Gamma(a, 1.0).rsample().sum(), a, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="second derivative of gamma"):
        slope.sum().backward()


SQUARE = (lambda x: x * x, lambda a: a * (a + 1) / (3 * a * (3 * a + 1)))
EXPECTATIONS = {
    "Beta": (lambda a: D.Beta(a, 2 * a), *SQUARE, 0.6),
    "Dirichlet": (lambda a: D.Dirichlet(tg.stack([a, 2 * a], -1)), lambda x: x[:, 0] ** 2, SQUARE[1], 0.05),
    "StudentT": (
        lambda a: D.StudentT(a),
        lambda x: x.abs(),
        lambda a: 2 * (a / np.pi).sqrt() * ((a / 2 + 0.5).lgamma() - (a / 2).lgamma()).exp() / (a - 1),
        5.0,
    ),
    "FisherSnedecor": (lambda a: D.FisherSnedecor(4.0, a), lambda x: 1 / x, lambda a: 2 + 0 * a, 5.0),
    "Wishart": (lambda a: D.Wishart(a, tg.eye(2, dtype=tg.float64)), lambda x: x[:, 0, 0], lambda a: a, 3.5),
}


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_gradients_of_samples_are_those_of_expectations(name):
    """Where there is no cdf, on the average, within 4 standard errors."""
    make, function, expectation, at = EXPECTATIONS[name]
    tg.manual_seed(2)
    many = tg.full((20_000,), at, dtype=tg.float64, requires_grad=True)
    function(make(many).rsample()).sum().backward()
    each = many.grad.numpy()
    one = tg.tensor(at, dtype=tg.float64, requires_grad=True)
    expectation(one).backward()
    assert abs(each.mean() - one.grad.item()) < 4 * each.std() / np.sqrt(each.size)


@pytest.mark.each("name", ROWS)
def test_values_are_those_that_pytorch_gave_once(name):
    distribution, value = ROWS[name].make(D, ours()), tg.tensor(ROWS[name].value)
    for quantity, expected in zip(("log_prob", "entropy", "mean", "variance"), VALUES[name]):
        if expected is not None:
            assert ask(distribution, quantity, value).sum().item() == pytest.approx(expected, 3e-6), quantity


# --- of one's own -----------------------------------------------------------------------------------------------------


def own(D, library):
    """Two distributions as PyTorch's users define them, and what they say."""

    class Triangular(D.Distribution):
        arg_constraints = {"width": D.constraints.positive}  # noqa: RUF012
        support = D.constraints.real
        has_rsample = True

        def __init__(self, width, validate_args=None):
            (self.width,) = D.utils.broadcast_all(width)
            super().__init__(self.width.shape, validate_args=validate_args)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Triangular, _instance)
            new.width = self.width.expand(batch_shape)
            super(Triangular, new).__init__(batch_shape, validate_args=False)
            new._validate_args = self._validate_args
            return new

        def rsample(self, sample_shape=()):
            shape = self._extended_shape(sample_shape)
            return self.width * (library.rand(shape) + library.rand(shape) - 1)

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return (1 - value.abs() / self.width).clamp(min=0).log() - self.width.log()

        @property
        def mean(self):
            return 0 * self.width

    class TanhNormal(D.TransformedDistribution):
        def __init__(self, loc, scale):
            self.loc = loc
            super().__init__(D.Normal(loc, scale), [D.TanhTransform(cache_size=1)])

        @property
        def mean(self):
            return self.loc.tanh()

    @D.register_kl(Triangular, Triangular)
    def kl(p, q):
        return (q.width / p.width).log()

    width = library.tensor([1.0, 2.0])
    one, other = Triangular(width), Triangular(2 * width)
    value = library.tensor([0.5, 0.5])
    tanh = TanhNormal(width, width)
    drawn = tanh.rsample((3,))
    many = D.Independent(one.expand((3, 2)), 1)
    return [
        one.log_prob(value), D.kl_divergence(one, other), one.mean, repr(one), one.sample((4,)).shape == (4, 2),
        many.log_prob(value), many.rsample().shape == (3, 2), tanh.log_prob(value), tanh.mean, drawn.shape == (3, 2),
        bool(tanh.log_prob(drawn).isfinite().all()), (tanh.transforms[0].inv(drawn) == drawn.atanh()).shape == (3, 2),
    ]  # fmt: skip


def test_distributions_of_ones_own():
    found = own(D, tg)
    np.testing.assert_allclose(found[0].numpy(), [np.log(0.5), np.log(0.75 / 2)], 1e-6)
    np.testing.assert_allclose(found[1].numpy(), np.log([2.0, 2.0]), 1e-6)
    shifted = type("Shifted", (D.Normal,), {"__init__": lambda self: D.Normal.__init__(self, 1.0, 1.0)})
    assert shifted().expand((2,)).mean.tolist() == [1, 1]
    late = type("Late", (D.LogNormal,), {"__init__": lambda self: D.LogNormal.__init__(self, 1.0, 1.0)})
    with pytest.raises(NotImplementedError, match="Late: a subclass with its own __init__ needs its own expand"):
        late().expand((2,))
    torch = pytest.importorskip("torch")
    for mine, other in zip(found, own(torch.distributions, torch)):
        if isinstance(other, torch.Tensor):
            np.testing.assert_allclose(mine.numpy(), other.numpy(), 1e-5, 1e-6)
        elif not isinstance(other, str):
            assert mine == other is True


def test_a_subclass_need_only_have_rsample():
    class Ones(tg.distributions.Distribution):
        def rsample(self, sample_shape=()):
            return tg.ones(*sample_shape, requires_grad=True) * 2

    found = Ones(validate_args=False).sample((3,))
    assert found.tolist() == [2, 2, 2]
    assert not found.requires_grad
