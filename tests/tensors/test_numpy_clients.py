"""scikit-learn, SciPy, matplotlib and NumPy's generators make of Tensors what they make of arrays."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

import tinygrad_lite as tg

RNG = np.random.default_rng(0)
X = RNG.random((40, 4))
CLASS, NUMBER = (X[:, 0] > 0.5).astype(int), X @ [1.0, 2.0, -1.0, 0.5]


def plain(value):
    """Arrays in place of Tensors, and of what else holds numbers."""
    if isinstance(value, (tuple, list)):
        return [plain(part) for part in value]
    return value.toarray() if hasattr(value, "toarray") else np.asarray(value)


def same(call):
    """Assert that a call gives of Tensors what it gives of arrays."""
    _equal(plain(call(lambda array: tg.tensor(np.array(array)))), plain(call(np.array)))


def _equal(found, expected):
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected):
            _equal(ours, theirs)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


# --- scikit-learn -----------------------------------------------------------------------------------------------------


SHORT = {"n_estimators": 3, "max_iter": 20, "n_init": 1}  # what they learn is not asked


@pytest.mark.parametrize("kind", ["transformer", "classifier", "regressor", "cluster"])
def test_estimators_fit_tensors(kind):
    pytest.importorskip("sklearn", reason="scikit-learn is no dependency")
    from sklearn.utils import all_estimators
    from threadpoolctl import threadpool_limits

    tried = 0
    with threadpool_limits(1):  # threads that wait for each other on so little take seconds
        for name, estimator in all_estimators(kind):
            expected = _fits(estimator, np.array, kind)
            if not expected:  # it takes others, or other data
                continue
            tried += 1
            found = _fits(estimator, tg.tensor, kind)
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-6, atol=1e-8, err_msg=name)
    assert tried > {"transformer": 40, "classifier": 25, "regressor": 35, "cluster": 8}[kind]


def _fits(estimator, of, kind):
    """What an estimator makes of the data, in a list; an empty one where it cannot be made or fitted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = estimator()
            if not (hasattr(made, "transform") or hasattr(made, "predict") or kind == "cluster"):
                return []  # TSNE, which can do no more than fit
            wanted = {"random_state": 0, **SHORT}
            made.set_params(**{name: wanted[name] for name in made.get_params() if name in wanted})
            made.fit(of(X), of(NUMBER if kind == "regressor" else CLASS))
            what = made.transform if hasattr(made, "transform") else getattr(made, "predict", None)
            return [plain(what(of(X)) if what else made.labels_)]
        except (TypeError, ValueError, ImportError, AttributeError):
            if of is tg.tensor:
                raise
            return []


def test_pipelines_scores_and_splits():
    pytest.importorskip("sklearn", reason="scikit-learn is no dependency")
    from sklearn import linear_model, metrics, model_selection, pipeline, preprocessing

    def call(of):
        model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
        scores = model_selection.cross_val_score(model, of(X), of(CLASS), cv=3)
        parts = model_selection.train_test_split(of(X), of(CLASS), random_state=0)
        guess = model.fit(parts[0], parts[2]).predict_proba(parts[1])
        return scores, parts, guess, metrics.roc_auc_score(parts[3], of(guess)[:, 1]), metrics.confusion_matrix(
            of(CLASS), of(CLASS[::-1].copy()))  # fmt: skip

    same(call)


# --- SciPy ------------------------------------------------------------------------------------------------------------

V, M = np.array([3.0, 1.0, 2.0]), np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])


def rosenbrock(of):
    """Rosenbrock's function and its slope, in Tensors where `of` makes them."""

    def function(x):
        if of(x) is not x and isinstance(of(x), tg.Tensor):
            x = of(x).requires_grad_()
            value = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
            value.backward()
            return value.detach(), x.grad
        rest = x[1] - x[0] ** 2
        return 100 * rest**2 + (1 - x[0]) ** 2, np.array([-400 * x[0] * rest - 2 * (1 - x[0]), 200 * rest])

    return function


METHODS = ("BFGS", "L-BFGS-B", "CG", "TNC", "SLSQP", "trust-constr", "Newton-CG")
SCIPY = {
    **{name: (lambda s, of, n=name: getattr(s.special, n)(of(V)))
       for name in "erf gamma gammaln digamma expit logit ndtr j0 i0 i1e zeta logsumexp softmax log_softmax".split()},
    "xlogy": lambda s, of: s.special.xlogy(of(V), of(V)), "gammainc": lambda s, of: s.special.gammainc(of(V), of(V)),
    "least_squares": lambda s, of: s.optimize.least_squares(lambda x: of(x) ** 2 - of(V), np.ones(3)).x,
    "least_squares, jac": lambda s, of: s.optimize.least_squares(
        lambda x: of(x) ** 2 - of(V), np.ones(3), jac=lambda x: of(np.diag(2 * x))).x,
    "fsolve": lambda s, of: s.optimize.fsolve(lambda x: of(x) ** 2 - of(V), np.ones(3)),
    "root": lambda s, of: s.optimize.root(lambda x: of(x) ** 2 - of(V), of(np.ones(3))).x,
    "brentq": lambda s, of: s.optimize.brentq(lambda x: of(x) ** 2 - 2, 0, 2),
    "curve_fit": lambda s, of: s.optimize.curve_fit(lambda x, a, b: a * of(x) + b, of(V), of(2 * V + 1))[0],
    "linear_sum_assignment": lambda s, of: s.optimize.linear_sum_assignment(of(M)),
    "linprog": lambda s, of: s.optimize.linprog(of(V), of(-M), of(-V)).x,
    "nnls": lambda s, of: s.optimize.nnls(of(M), of(V))[0],
    "solve": lambda s, of: s.linalg.solve(of(M), of(V)), "svd": lambda s, of: s.linalg.svd(of(M)),
    "cholesky": lambda s, of: s.linalg.cholesky(of(M)), "expm": lambda s, of: s.linalg.expm(of(M)),
    "eigh": lambda s, of: s.linalg.eigh(of(M)), "lu": lambda s, of: s.linalg.lu(of(M)),
    "qr": lambda s, of: s.linalg.qr(of(M)), "toeplitz": lambda s, of: s.linalg.toeplitz(of(V)),
    "block_diag": lambda s, of: s.linalg.block_diag(of(M), of(V)),
    "solve_ivp": lambda s, of: s.integrate.solve_ivp(lambda t, y: -of(y), (0, 1), of(V)).y,
    "odeint": lambda s, of: s.integrate.odeint(lambda y, t: -of(y), of(V), of(np.linspace(0, 1, 3))),
    "quad": lambda s, of: s.integrate.quad(lambda x: of(x) ** 2, 0, 1)[0],
    "simpson": lambda s, of: s.integrate.simpson(of(V)), "trapezoid": lambda s, of: s.integrate.trapezoid(of(V)),
    "interp1d": lambda s, of: s.interpolate.interp1d(of(np.arange(3.0)), of(V))(of([0.5, 1.5])),
    "CubicSpline": lambda s, of: s.interpolate.CubicSpline(of(np.arange(3.0)), of(V))(of([0.5, 1.5])),
    "griddata": lambda s, of: s.interpolate.griddata(of(X[:, :2]), of(NUMBER), of([[0.5, 0.5]])),
    "sparse": lambda s, of: s.sparse.csr_matrix(of(M)) @ of(V), "cg": lambda s, of: s.sparse.linalg.cg(of(M), of(V))[0],
    "convolve": lambda s, of: s.signal.convolve(of(V), of(V)),
    "lfilter": lambda s, of: s.signal.lfilter([1.0], [1, 0.5], of(V)),
    "find_peaks": lambda s, of: s.signal.find_peaks(of(NUMBER))[0],
    "welch": lambda s, of: s.signal.welch(of(NUMBER), nperseg=8),
    "fft": lambda s, of: s.fft.fft(of(V)), "dct": lambda s, of: s.fft.dct(of(V)),
    "cdist": lambda s, of: s.spatial.distance.cdist(of(X), of(X)),
    "pdist": lambda s, of: s.spatial.distance.pdist(of(X)),
    "KDTree": lambda s, of: s.spatial.KDTree(of(X)).query(of(X[:2])),
    "ConvexHull": lambda s, of: s.spatial.ConvexHull(of(X[:, :2])).vertices,
    "gaussian_filter": lambda s, of: s.ndimage.gaussian_filter(of(X), 1.0),
    "zoom": lambda s, of: s.ndimage.zoom(of(X), 0.5), "label": lambda s, of: s.ndimage.label(of(X > 0.5)),
    "norm": lambda s, of: s.stats.norm.logpdf(of(V), of(V), 2), "kstest": lambda s, of: s.stats.kstest(of(V), "norm"),
    "pearsonr": lambda s, of: s.stats.pearsonr(of(X[:, 0]), of(NUMBER)).statistic,
    "ttest": lambda s, of: s.stats.ttest_ind(of(X[:, 0]), of(NUMBER)).pvalue,
    "gaussian_kde": lambda s, of: s.stats.gaussian_kde(of(NUMBER))(of(V)),
    "multivariate_normal": lambda s, of: s.stats.multivariate_normal(of(V), of(M)).logpdf(of(V)),
    "linkage": lambda s, of: s.cluster.hierarchy.linkage(of(X)),
}  # fmt: skip


@pytest.fixture(scope="module")
def scipy():
    module = pytest.importorskip("scipy", reason="SciPy is no dependency")
    for name in ("cluster.hierarchy", "fft", "integrate", "interpolate", "linalg", "ndimage", "optimize", "signal",
                 "sparse.linalg", "spatial.distance", "special", "stats"):  # fmt: skip
        pytest.importorskip(f"scipy.{name}")
    return module


def test_scipy_takes_tensors(scipy):
    wrong = []
    for name, call in SCIPY.items():
        try:
            same(lambda of, call=call: call(scipy, of))
        except Exception as error:
            wrong.append(f"{name}: {error}")
    assert wrong == []


@pytest.mark.parametrize("method", METHODS)
def test_minimize_takes_values_and_slopes_of_tensors(scipy, method):
    for function in (rosenbrock(np.asarray), rosenbrock(tg.tensor)):
        found = scipy.optimize.minimize(function, np.array([-1.2, 1.0]), jac=True, method=method, tol=1e-6)
        np.testing.assert_allclose(found.x, [1, 1], atol=2e-3)


def test_what_makes_arrays_makes_arrays():
    """By which SciPy makes sure that what it hands to Fortran is one; see `stack._np_atleast`."""
    t = tg.tensor([1.0, 2.0])
    for made in (np.atleast_1d(t), np.atleast_2d(t), np.atleast_3d(t), *np.atleast_1d(t, 3.0)[:1]):
        assert type(made) is np.ndarray
        assert np.shares_memory(made, t.numpy())
    leaf = tg.tensor(2.0, requires_grad=True)
    np.atleast_1d(leaf).sum().backward()
    assert leaf.grad.item() == 1
    with tg.no_grad():
        assert type(np.atleast_2d(leaf)) is np.ndarray


# --- NumPy's generators -----------------------------------------------------------------------------------------------

DRAWS = {
    "permutation": lambda r, of: r.permutation(of(X)), "permuted": lambda r, of: r.permuted(of(X), axis=0),
    "choice": lambda r, of: r.choice(of(X), 3), "choice, p": lambda r, of: r.choice(of(V), 5, p=of(V / V.sum())),
    "normal": lambda r, of: r.normal(of(V), of(V)), "uniform": lambda r, of: r.uniform(of(-V), of(V)),
    "poisson": lambda r, of: r.poisson(of(V)), "gamma": lambda r, of: r.gamma(of(V)),
    "dirichlet": lambda r, of: r.dirichlet(of(V)), "multinomial": lambda r, of: r.multinomial(9, of(V / V.sum())),
    "multivariate_normal": lambda r, of: r.multivariate_normal(of(V), of(M)),
    "binomial": lambda r, of: r.binomial(5, of(V / 4)), "integers": lambda r, of: r.integers(0, of([3, 9])),
}  # fmt: skip


@pytest.mark.each("name", DRAWS)
def test_generators_take_tensors(name):
    same(lambda of: DRAWS[name](np.random.default_rng(3), of))


def test_older_generators_take_tensors():
    same(lambda of: np.random.RandomState(3).permutation(of(X)))
    same(lambda of: np.random.RandomState(3).choice(of(V), 4))


# --- matplotlib -------------------------------------------------------------------------------------------------------

GRID = np.add.outer(np.sin(np.arange(6.0)), np.cos(np.arange(6.0)))
PLOTS = {
    "plot": lambda a, of: a.plot(of(V), of(V), of(V) * 2), "scatter": lambda a, of: a.scatter(
        of(X[:, 0]), of(X[:, 1]), c=of(X[:, 2]), s=of(X[:, 3] * 20)),
    "bar": lambda a, of: a.bar(of(np.arange(3)), of(V), yerr=of(V / 9)), "barh": lambda a, of: a.barh(of(V), of(V)),
    "hist": lambda a, of: a.hist(of(NUMBER), bins=of(np.linspace(0, 3, 9)), weights=of(NUMBER)),
    "hist of two": lambda a, of: a.hist(of(X[:, :2])), "hist2d": lambda a, of: a.hist2d(of(X[:, 0]), of(X[:, 1])),
    "hexbin": lambda a, of: a.hexbin(of(X[:, 0]), of(X[:, 1]), gridsize=5), "imshow": lambda a, of: a.imshow(of(GRID)),
    "imshow of colours": lambda a, of: a.imshow(of(X.reshape(8, 5, 4)[..., :3])),
    "matshow": lambda a, of: a.matshow(of(GRID)), "pcolormesh": lambda a, of: a.pcolormesh(of(GRID)),
    "contour": lambda a, of: a.contour(of(np.arange(6)), of(np.arange(6)), of(GRID), levels=of([-1.0, 0, 1])),
    "contourf": lambda a, of: a.contourf(of(GRID)), "quiver": lambda a, of: a.quiver(of(GRID), of(GRID)),
    "streamplot": lambda a, of: a.streamplot(of(np.arange(6)), of(np.arange(6)), of(GRID), of(GRID.T.copy())),
    "errorbar": lambda a, of: a.errorbar(of(V), of(V), yerr=of(V / 9)), "stem": lambda a, of: a.stem(of(V)),
    "fill_between": lambda a, of: a.fill_between(of(np.arange(3)), of(V), of(-V), where=of(V > 1)),
    "step": lambda a, of: a.step(of(V), of(V)), "boxplot": lambda a, of: a.boxplot(of(X)),
    "violinplot": lambda a, of: a.violinplot(of(X)), "stackplot": lambda a, of: a.stackplot(of(np.arange(3)), of(M)),
    "pie": lambda a, of: a.pie(of(V)), "eventplot": lambda a, of: a.eventplot(of(V)), "spy": lambda a, of: a.spy(of(M)),
    "axhline": lambda a, of: (a.axhline(of(V)[0]), a.axvspan(of(V)[1], of(V)[2]), a.set_xlim(of([0.0, 4.0]))),
    "text": lambda a, of: a.text(of(V)[1] / 4, of(V)[2] / 4, "here"),
}  # fmt: skip


def drawn(call, of):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2), dpi=40)
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    call(axes, of)
    with io.BytesIO() as file:
        canvas.print_raw(file)
        return file.getvalue()


@pytest.mark.each("name", PLOTS)
def test_plots_of_tensors_are_those_of_arrays(name):
    pytest.importorskip("matplotlib")
    assert drawn(PLOTS[name], lambda v: tg.tensor(np.array(v))) == drawn(PLOTS[name], np.array)
